package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
)

// documented is one operation of the OpenAPI document.
type documented struct {
	method, path string
	id           string
	op           map[string]any
}

func operations(t testing.TB, api *httpapi.API) []documented {
	t.Helper()
	var document struct {
		Paths map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(api.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	var out []documented
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			op := document.Paths[path][method]
			id, _ := op["operationId"].(string)
			out = append(out, documented{strings.ToUpper(method), path, id, op})
		}
	}
	return out
}

// example is the request body that the document shows, or none.
func (d documented) example(t testing.TB) string {
	t.Helper()
	request, ok := d.op["requestBody"].(map[string]any)
	if !ok {
		return ""
	}
	content := request["content"].(map[string]any)
	if upload, ok := content["application/octet-stream"].(map[string]any); ok {
		return upload["example"].(string)
	}
	media := content["application/json"].(map[string]any)
	body, err := json.Marshal(media["example"])
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// target fills the path and the query for a person and a work record.
func (d documented) target(person, work string) string {
	path := strings.NewReplacer("{person_id}", person, "{punch_id}", stranger.String(), "{position}", "48213", "{field}", "shirt_size").Replace(d.path)
	if strings.Contains(path, "/certificate") {
		path = strings.ReplaceAll(path, "{case_id}", closedCase.String())
	}
	path = strings.NewReplacer("{case_id}", openCase.String(), "{hold_id}", someHold.String(), "{batch_id}", someHold.String(),
		"{device_id}", someDevice.String(), "{shift_id}", someShift.String(), "{swap_id}", someHold.String(), "{correction_id}", someHold.String(), "{period_id}", someHold.String(), "{item_id}", someItem.String()).Replace(path)
	class := someClass
	if work != adasWork.String() {
		class = otherClass
	}
	path = strings.NewReplacer("{class_id}", class.String(), "{session_id}", someHold.String()).Replace(path)
	days := "from=2026-03-02&to=2026-03-08&"
	switch d.id {
	case "get-hours", "get-timecard", "list-exceptions", "list-attendance", "list-visits", "list-marks":
		path += "?" + days + "work_id=" + work
	case "list-caps", "get-work-history", "list-devices", "list-shifts", "get-shift", "list-corrections", "list-classes":
		path += "?work_id=" + work
	case "attach-media":
		path += "?class=work_media"
	case "list-overtime":
		path += "?rules=flsa&zone=Europe/Berlin&work_id=" + work
	}
	return path
}

// about makes the body of an operation be about a work record.
func about(body, work string) string { return strings.ReplaceAll(body, adasWork.String(), work) }

func TestEveryOperationDoesWhatItsExampleShows(t *testing.T) {
	s := start(t)
	for _, op := range operations(t, s.api) {
		t.Run(op.id, func(t *testing.T) {
			role := "hr"
			if row := httpapi.Table()[op.id]; row.Roles[httpapi.RoleHR] == httpapi.Denied {
				role = "privacy2"
			}
			if op.method == http.MethodGet {
				role = "auditor"
			}
			headers := matching(s, op)
			a := s.send(role, op.method, op.target(ada.String(), adasWork.String()), op.example(t), headers...)
			wanted := http.StatusOK
			if _, creates := op.op["responses"].(map[string]any)["201"]; creates {
				wanted = http.StatusCreated
			}
			s.expect(a, wanted, "")
			if strings.HasPrefix(op.id, "export-") {
				if a.Trailer.Get("Content-Digest") == "" || a.Header.Get("X-People-Disclosed") != "1" || len(a.body) == 0 {
					t.Errorf("an export without its digest: %v, %v, %q", a.Header, a.Trailer, a.body)
				}
				return
			}
			if op.method == http.MethodPost && a.Header.Get("X-Position") == "" {
				t.Error("a change is acknowledged without X-Position")
			}
			if op.id == "read-media" || op.id == "get-portrait" {
				if a.Header.Get("Content-Type") != "application/pdf" || string(a.body) != "%PDF-1.7\n%%EOF\n" {
					t.Errorf("not the content: %q as %s", a.body, a.Header.Get("Content-Type"))
				}
				return
			}
			if op.id == "get-checkpoint" {
				if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") || !strings.Contains(string(a.body), "\n— ") {
					t.Errorf("not a signed note: %q", a.body)
				}
				return
			}
			if op.id == "print-erasure-certificate" {
				if a.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(string(a.body), "%PDF-") {
					t.Errorf("no PDF: %q as %s", a.body, a.Header.Get("Content-Type"))
				}
				return
			}
			if !json.Valid(a.body) || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("not JSON: %s", a.body)
			}
			assertMembers(t, op, strconv.Itoa(wanted), a.body)
		})
	}
}

// assertMembers compares the members of an answer with those the document names.
func assertMembers(t *testing.T, op documented, status string, body []byte) {
	t.Helper()
	response := op.op["responses"].(map[string]any)[status].(map[string]any)
	example := response["content"].(map[string]any)["application/json"].(map[string]any)["example"].(map[string]any)
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for name := range example {
		if _, there := got[name]; !there && name != "checks" {
			t.Errorf("the document shows %q, the answer has none: %s", name, body)
		}
	}
}

func TestOperationList(t *testing.T) {
	s := start(t)
	var lines []string
	for _, op := range operations(t, s.api) {
		lines = append(lines, fmt.Sprintf("%-4s %-42s %s", op.method, op.path, op.id))
	}
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "operations.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the list of operations changed; version 1 only grows. Got:\n%s", got)
	}
}

func TestDocumentIsComplete(t *testing.T) {
	s := start(t)
	var document struct {
		OpenAPI    string `json:"openapi"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(s.api.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("version %q", document.OpenAPI)
	}
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		if _, there := document.Components.Schemas[name]; there {
			t.Errorf("%s echoes values and must not be offered", name)
		}
	}
	for _, ref := range references(s.api.OpenAPI()) {
		if _, there := document.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !there {
			t.Errorf("dangling reference %s", ref)
		}
	}
	seen := map[string]bool{}
	for _, op := range operations(t, s.api) {
		if op.id == "" || seen[op.id] {
			t.Errorf("%s %s: operation id %q missing or used twice", op.method, op.path, op.id)
		}
		seen[op.id] = true
		checkOperation(t, op)
	}
}

func checkOperation(t *testing.T, op documented) {
	t.Helper()
	if op.op["summary"] == "" || op.op["x-access"] == nil || op.op["security"] == nil {
		t.Errorf("%s: summary, access and security are required", op.id)
	}
	if op.method == http.MethodPost && !httpapi.Table()[op.id].Proven && !strings.Contains(fmt.Sprint(op.op["parameters"]), "Idempotency-Key") {
		t.Errorf("%s: a change without Idempotency-Key", op.id)
	}
	if body, there := op.op["requestBody"].(map[string]any); there {
		for contentType, media := range body["content"].(map[string]any) {
			if media.(map[string]any)["example"] == nil {
				t.Errorf("%s: the body has no example as %s", op.id, contentType)
			}
		}
	}
	problems := 0
	for status, response := range op.op["responses"].(map[string]any) {
		contents, _ := response.(map[string]any)["content"].(map[string]any)
		if contents == nil && status != "304" {
			t.Errorf("%s: %s has no content", op.id, status)
		}
		for contentType, media := range contents {
			if media.(map[string]any)["example"] == nil {
				t.Errorf("%s: %s %s has no example", op.id, status, contentType)
			}
			if contentType == "application/problem+json" {
				problems++
			}
		}
	}
	if problems < 2 {
		t.Errorf("%s: %d problems are documented", op.id, problems)
	}
}

func references(document []byte) []string {
	var refs []string
	for _, part := range strings.Split(string(document), `"$ref":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		refs = append(refs, ref)
	}
	return refs
}

func TestErrorsOfTheInsideBecomeProblems(t *testing.T) {
	const secret = "a value that must not be shown"
	for name, row := range map[string]struct {
		err    error
		status int
		kind   string
	}{
		"not found":                          {fmt.Errorf("read: %w", httpapi.ErrNotFound), 404, "not-found"},
		"wrong state":                        {httpapi.ErrConflict, 409, "conflict"},
		"stale revision":                     {httpapi.ErrStale, 412, "stale"},
		"refused by a rule":                  {&httpapi.Refusal{Code: "under_hold", Message: "a legal hold is in force"}, 422, "refused"},
		"erased":                             {&httpapi.Erased{Case: closedCase, CertificateLeaf: &leaf}, 410, "erased"},
		"a store is away":                    {fmt.Errorf("%s: %w", secret, httpapi.ErrUnavailable), 503, "unavailable"},
		"anything else is internal and mute": {errors.New(secret), 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.fail = row.err
			a := s.send("hr", "GET", "/v1/people/"+ada.String(), "")
			s.expect(a, row.status, row.kind)
			assertProblem(t, a)
			if strings.Contains(string(a.body), secret) {
				t.Errorf("the cause is shown: %s", a.body)
			}
			if (a.Header.Get("Retry-After") != "") != (row.status == 503) {
				t.Errorf("Retry-After %q with %d", a.Header.Get("Retry-After"), row.status)
			}
		})
	}
}

func TestErasedAnswersWithItsCaseAndCertificate(t *testing.T) {
	s := start(t)
	a := s.send("hr", "POST", "/v1/people/"+erasedPerson.String()+"/closure", `{"reason":"employment_ended"}`, "If-Match", `"2"`)
	s.expect(a, 410, "erased")
	if a.member(t, "case") != closedCase.String() || a.member(t, "certificate_leaf") != float64(leaf) {
		t.Errorf("got %s", a.body)
	}
}

// assertProblem checks the shape that every problem has (RFC 9457).
func assertProblem(t testing.TB, a answer) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%d with content type %q: %s", a.StatusCode, got, a.body)
		return
	}
	if a.member(t, "status") != float64(a.StatusCode) || a.member(t, "title") == "" {
		t.Errorf("status or title missing: %s", a.body)
	}
	if a.member(t, "instance") != "urn:uuid:"+a.Header.Get("X-Request-Id") {
		t.Errorf("the instance is not the request id: %s", a.body)
	}
	faults, _ := a.member(t, "errors").([]any)
	for _, fault := range faults {
		members := fault.(map[string]any)
		if members["code"] == "" || members["message"] == "" || members["value"] != nil {
			t.Errorf("fault %v", members)
		}
	}
}

func TestErasedNeverLooksEmpty(t *testing.T) {
	s := start(t)
	a := s.send("hr", "GET", "/v1/people/"+erasedPerson.String(), "")
	s.expect(a, 200, "")
	for _, field := range []string{"work_id", "legal_name", "birth_date", "email"} {
		value := a.member(t, field).(map[string]any)
		if value["state"] != "erased" || value["case"] != closedCase.String() || value["certificate_leaf"] != float64(leaf) || value["value"] != nil {
			t.Errorf("%s: %v", field, value)
		}
	}
	if state := a.member(t, "phone", "state"); state != "unavailable" {
		t.Errorf("phone is %v", state)
	}
	a = s.send("hr", "GET", "/v1/people/"+ada.String(), "")
	if state := a.member(t, "birth_date", "state"); state != "absent" {
		t.Errorf("a value never given is %v", state)
	}
	if value := a.member(t, "work_id", "value"); value != adasWork.String() {
		t.Errorf("the work id is written %v", value)
	}
	a = s.send("auditor", "GET", "/v1/people/"+erasedPerson.String()+"/history", "")
	first := a.member(t, "events").([]any)[0].(map[string]any)["personal"].([]any)[0].(map[string]any)["value"].(map[string]any)
	if first["state"] != "erased" || first["certificate_leaf"] != float64(leaf) {
		t.Errorf("history shows %v", first)
	}
}

func TestHoursAreSummedFromInstants(t *testing.T) {
	s := start(t)
	// The night of the fixture crosses the spring change of clocks in Berlin.
	a := s.send("hr", "GET", "/v1/hours?from=2026-03-28&to=2026-03-30&person_id="+ada.String(), "")
	s.expect(a, 200, "")
	if a.member(t, "total_seconds") != float64(8*3600+59) || a.member(t, "total") != "08:00" {
		t.Errorf("got %s", a.body)
	}
	days := a.member(t, "days").([]any)
	if second := days[1].(map[string]any); second["seconds"] != float64(0) || len(second["exceptions"].([]any)) != 1 {
		t.Errorf("a missing punch made time: %v", second)
	}
	s.expect(s.send("hr", "GET", "/v1/hours?from=2026-03-28&to=2026-03-30&person_id="+erasedPerson.String(), ""), 410, "erased")
}

func TestLocalTimesAreResolvedAtTheBorder(t *testing.T) {
	for name, row := range map[string]struct {
		times, at string
		offset    int
		code      string
	}{
		"an instant keeps its place in time":           {`"occurred_at":"2026-03-02T08:00:00+01:00"`, "2026-03-02T07:00:00Z", 3600, ""},
		"an instant in UTC takes the offset of zone":   {`"occurred_at":"2026-07-02T06:00:00Z"`, "2026-07-02T06:00:00Z", 7200, ""},
		"a local time is read in the zone":             {`"local_time":"2026-07-02T08:00:00"`, "2026-07-02T06:00:00Z", 7200, ""},
		"a local time in the gap is refused":           {`"local_time":"2026-03-29T02:30:00"`, "", 0, "nonexistent_local_time"},
		"a local time in the overlap needs an offset":  {`"local_time":"2026-10-25T02:30:00"`, "", 0, "ambiguous_local_time"},
		"the first half hour of the overlap by offset": {`"occurred_at":"2026-10-25T02:30:00+02:00"`, "2026-10-25T00:30:00Z", 7200, ""},
		"the second by the other offset":               {`"occurred_at":"2026-10-25T02:30:00+01:00"`, "2026-10-25T01:30:00Z", 3600, ""},
		"a day that is not in the calendar is refused": {`"local_time":"2026-02-30T08:00:00"`, "", 0, "format"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			a := s.send("hr", "POST", "/v1/punches", `{"work_id":"`+adasWork.String()+`",`+row.times+`,"zone":"Europe/Berlin","direction":"in","station":"gate-1"}`)
			if row.code != "" {
				s.expect(a, 422, "")
				if code := a.member(t, "errors").([]any)[0].(map[string]any)["code"]; code != row.code {
					t.Errorf("code %v", code)
				}
				return
			}
			s.expect(a, 201, "")
			if got := s.punches[0]; got.OccurredAt.Format("2006-01-02T15:04:05Z07:00") != row.at || got.OffsetSeconds != row.offset {
				t.Errorf("recorded %v, offset %d", got.OccurredAt, got.OffsetSeconds)
			}
		})
	}
}

// promise: ST-46, ST-47
func TestPunchCountsWithoutLocation(t *testing.T) {
	body := func(more string) string { return strings.TrimSuffix(punchNow, "}") + more + "}" }
	for name, row := range map[string]struct{ more, outcome string }{
		"no location is offered":       {``, "not_offered"},
		"the device denies it":         {`,"location_denied":true`, "denied_by_device"},
		"a location without a consent": {`,"location":{"latitude":52.5,"longitude":13.4,"accuracy_metres":12}`, "dropped_no_consent"},
		"the point of the null island": {`,"location":{"latitude":0,"longitude":0}`, "dropped_no_consent"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			a := s.send("worker", "POST", "/v1/punches", body(row.more))
			s.expect(a, 201, "")
			if got := a.member(t, "location"); got != row.outcome {
				t.Errorf("location %v", got)
			}
			if s.punches[0].Location != nil {
				if _, given := s.punches[0].Location.Latitude.Reveal(); !given {
					t.Error("the latitude is lost")
				}
			}
		})
	}
}

func TestReadyNamesThePartThatFails(t *testing.T) {
	s := start(t)
	s.expect(s.send("", "GET", "/readyz", ""), 200, "")
	s.checks = append(s.checks, httpapi.Check{Name: "read models", Reason: "behind"})
	a := s.send("", "GET", "/readyz", "")
	s.expect(a, 503, "")
	if second := a.member(t, "checks").([]any)[1].(map[string]any); second["status"] != "failing" || second["reason"] != "behind" {
		t.Errorf("got %s", a.body)
	}
	s.expect(s.send("", "GET", "/livez", ""), 200, "")
}
