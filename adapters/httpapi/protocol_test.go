package httpapi_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tracekeep/adapters/httpapi"
)

func TestIdempotencyKeyIsOneQuotedString(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct {
		key    string
		status int
		kind   string
	}{
		"no key":                    {"", 400, "idempotency-key-missing"},
		"no quotes":                 {`8e03978e`, 400, "idempotency-key-malformed"},
		"one quote":                 {`"8e03978e`, 400, "idempotency-key-malformed"},
		"a quote alone":             {`"`, 400, "idempotency-key-malformed"},
		"an empty string":           {`""`, 400, "idempotency-key-malformed"},
		"two strings":               {`"a", "b"`, 400, "idempotency-key-malformed"},
		"a parameter behind":        {`"a";x=1`, 400, "idempotency-key-malformed"},
		"a quote inside":            {`"a"b"`, 400, "idempotency-key-malformed"},
		"an escape of nothing":      {`"a\b"`, 400, "idempotency-key-malformed"},
		"an escape at the end":      {`"a\"`, 400, "idempotency-key-malformed"},
		"letters beyond ASCII":      {`"ä"`, 400, "idempotency-key-malformed"},
		"a byte sequence":           {`:YQ==:`, 400, "idempotency-key-malformed"},
		"256 letters":               {`"` + strings.Repeat("a", 256) + `"`, 400, "idempotency-key-malformed"},
		"255 letters":               {`"` + strings.Repeat("a", 255) + `"`, 201, ""},
		"an escaped quote":          {`"a\"b"`, 201, ""},
		"a uuid with spaces around": {` "8e03978e-40d5-43dd-bc93-6894a57f9324" `, 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", row.key)
			s.expect(a, row.status, row.kind)
		})
	}
}

func TestRepeatedRequestsHaveOneEffect(t *testing.T) {
	const key = `"the key"`
	otherForm := strings.ReplaceAll(strings.ReplaceAll(punchNow, ",", ",\n  "), `"gate-1"`, `"gate\u002d1"`)
	for name, row := range map[string]struct {
		role, path, body string
		status           int
		kind             string
	}{
		"the same request again is the same punch":     {"hr", "/v1/punches", punchNow, 200, ""},
		"white space and escapes make no other":        {"hr", "/v1/punches", otherForm, 200, ""},
		"another payload under the key is refused":     {"hr", "/v1/punches", strings.Replace(punchNow, `"in"`, `"out"`, 1), 422, "idempotency-key-reused"},
		"another operation under the key is refused":   {"hr", "/v1/people", `{"legal_name":"Ada"}`, 422, "idempotency-key-reused"},
		"the key of somebody else is another key":      {"manager", "/v1/punches", punchNow, 201, ""},
		"the key in another tenant is another key too": {"elsewhere", "/v1/punches", punchNow, 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			first := s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", key)
			s.expect(first, 201, "")
			second := s.send(row.role, "POST", row.path, row.body, "Idempotency-Key", key)
			s.expect(second, row.status, row.kind)
			if row.status == 200 && (first.member(t, "punch_id") != second.member(t, "punch_id") || first.Header.Get("X-Position") != second.Header.Get("X-Position")) {
				t.Errorf("first %s, then %s", first.body, second.body)
			}
			if row.status == 201 && first.member(t, "punch_id") == second.member(t, "punch_id") {
				t.Error("two principals made one punch")
			}
		})
	}
}

func TestKeyIsFreeAfterARefusalAndBoundAfterAFailure(t *testing.T) {
	const key = `"the key"`
	s := start(t)
	other := strings.Replace(punchNow, `"in"`, `"out"`, 1)
	s.expect(s.send("hr", "POST", "/v1/punches", without("zone"), "Idempotency-Key", key), 422, "invalid")
	s.fail = httpapi.ErrUnavailable
	s.expect(s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", key), 503, "unavailable")
	s.fail = nil
	s.expect(s.send("hr", "POST", "/v1/punches", other, "Idempotency-Key", key), 422, "idempotency-key-reused")
	s.expect(s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", key), 201, "")
	s.keys.fail = fmt.Errorf("keys: %w", httpapi.ErrUnavailable)
	s.expect(s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", `"another"`), 503, "unavailable")
}

func TestKeyIsOutstandingWhileItsRequestIsHandled(t *testing.T) {
	s := start(t)
	s.gate, s.entered = make(chan struct{}), make(chan struct{})
	const key = `"the key"`
	var first answer
	var done sync.WaitGroup
	done.Go(func() { first = s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", key) })
	<-s.entered
	meanwhile := s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", key)
	close(s.gate)
	done.Wait()
	s.expect(first, 201, "")
	s.expect(meanwhile, 409, "idempotency-key-outstanding")
	if meanwhile.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
}

func TestDevicesOwnPunchIDIsKept(t *testing.T) {
	s := start(t)
	a := s.send("hr", "POST", "/v1/punches", with(`"punch_id":"`+stranger.String()+`"`))
	s.expect(a, 201, "")
	if a.member(t, "punch_id") != stranger.String() {
		t.Errorf("got %s", a.body)
	}
}

func TestChangeRestsOnARevision(t *testing.T) {
	for name, row := range map[string]struct {
		match  string
		status int
		kind   string
	}{
		"without If-Match":                {"", 428, "precondition-required"},
		"the current revision":            {`"3"`, 200, ""},
		"the tag as it was read":          {`"3-cc.c."`, 200, ""},
		"an older revision":               {`"2"`, 412, "stale"},
		"a newer revision":                {`"4"`, 412, "stale"},
		"a weak tag":                      {`W/"3"`, 412, "stale"},
		"a tag that is no revision":       {`"abc"`, 412, "stale"},
		"a revision with a nought before": {`"03"`, 412, "stale"},
		"a revision beyond 64 bits":       {`"99999999999999999999"`, 412, "stale"},
		"any revision at all":             {`*`, 400, "malformed"},
		"two tags":                        {`"3", "4"`, 400, "malformed"},
		"no quotes":                       {`3`, 400, "malformed"},
		"a quote alone":                   {`"`, 400, "malformed"},
		"a comma at the end":              {`"3",`, 400, "malformed"},
	} {
		for _, operation := range []struct{ path, body string }{
			{"/corrections", `{"legal_name":"Ada Sample","reason":"name_change"}`},
			{"/closure", `{"reason":"employment_ended"}`},
		} {
			t.Run(name+operation.path, func(t *testing.T) {
				s := start(t)
				a := s.send("hr", "POST", "/v1/people/"+ada.String()+operation.path, operation.body, "If-Match", row.match)
				s.expect(a, row.status, row.kind)
				if row.status == 200 && a.Header.Get("ETag") != `"4"` {
					t.Errorf("the new ETag is %s", a.Header.Get("ETag"))
				}
			})
		}
	}
}

func TestRepeatedChangeIsNotStale(t *testing.T) {
	s := start(t)
	for _, repeated := range []bool{false, true} {
		a := s.send("hr", "POST", "/v1/people/"+ada.String()+"/corrections", `{"legal_name":"Ada Sample","reason":"name_change"}`,
			"If-Match", `"3"`, "Idempotency-Key", `"once"`)
		s.expect(a, 200, "")
		if len(s.corrected) != 1 {
			t.Errorf("repeated %v: %d corrections", repeated, len(s.corrected))
		}
	}
}

func TestUnchangedResourcesAreNotSentAgain(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct {
		path, header string
		status       int
	}{
		"the tag it has":                      {"/v1/people/" + ada.String(), `"3-cc.c."`, 304},
		"one of several":                      {"/v1/people/" + ada.String(), `"1", W/"3-cc.c." , "9"`, 304},
		"whatever there is":                   {"/v1/people/" + ada.String(), `*`, 304},
		"an older tag":                        {"/v1/people/" + ada.String(), `"2-cc.c."`, 200},
		"the revision without the states":     {"/v1/people/" + ada.String(), `"3"`, 200},
		"a header that cannot be read":        {"/v1/people/" + ada.String(), `"3-cc.c.`, 200},
		"the tag from before the erasure":     {"/v1/people/" + erasedPerson.String(), `"2-ccccc"`, 200},
		"the tag from before the certificate": {"/v1/people/" + erasedPerson.String(), `"2-eeeeu"`, 200},
		"the tag since the certificate":       {"/v1/people/" + erasedPerson.String(), `"2-EEEEu"`, 304},
		"a case as it is":                     {"/v1/erasures/" + closedCase.String(), `"3"`, 304},
		"a case as it was":                    {"/v1/erasures/" + closedCase.String(), `"2"`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.send("auditor", "GET", row.path, "", "If-None-Match", row.header)
			s.expect(a, row.status, "")
			if row.status == 304 && (len(a.body) > 0 || a.Header.Get("ETag") == "") {
				t.Errorf("a 304 with %q and ETag %q", a.body, a.Header.Get("ETag"))
			}
		})
	}
}

func TestReadingWhatWasWritten(t *testing.T) {
	s := start(t, func(c *httpapi.Config) { c.FreshnessWait = 20 * time.Second })
	var a answer
	var done sync.WaitGroup
	done.Go(func() { a = s.send("hr", "GET", "/v1/presence", "", "X-Min-Position", "1000") })
	s.catchUp(1000)
	done.Wait()
	s.expect(a, 200, "")

	s = start(t, func(c *httpapi.Config) { c.FreshnessWait = time.Millisecond })
	s.expect(s.send("hr", "GET", "/v1/presence", "", "X-Min-Position", "100"), 200, "")
	late := s.send("hr", "GET", "/v1/presence", "", "X-Min-Position", "101")
	s.expect(late, 503, "unavailable")
	if late.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	for _, bad := range []string{"x", "-1", "1.5", "99999999999999999999", "1, 2"} {
		s.expect(s.send("hr", "GET", "/v1/presence", "", "X-Min-Position", bad), 400, "malformed")
	}
}

func TestEveryAnswerCarriesItsHeaders(t *testing.T) {
	s := start(t)
	for _, request := range []struct{ role, method, path, body string }{
		{"hr", "GET", "/v1/people", ""}, {"hr", "POST", "/v1/punches", punchNow}, {"", "GET", "/v1/people", ""},
		{"", "GET", "/nowhere", ""}, {"hr", "DELETE", "/v1/people", ""}, {"", "GET", "/docs", ""}, {"", "GET", "/openapi.json", ""}, {"", "GET", "/livez", ""},
	} {
		a := s.send(request.role, request.method, request.path, request.body)
		for name, want := range map[string]string{
			"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
			"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
			"Cache-Control":                "no-store",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", request.method, request.path, name, got)
			}
		}
		if len(a.Header.Get("X-Request-Id")) != 36 || a.Header.Get("Server") != "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: %v", request.method, request.path, a.Header)
		}
	}
}

func TestMethodNotAllowedNamesTheOnesThatAre(t *testing.T) {
	s := start(t)
	for path, want := range map[string]string{"/v1/people": "GET POST", "/v1/punches": "POST", "/v1/people/" + ada.String(): "GET", "/docs": "GET"} {
		a := s.send("hr", "DELETE", path, "")
		s.expect(a, 405, "method-not-allowed")
		if got := strings.Join(a.Header.Values("Allow"), " "); got != want {
			t.Errorf("%s allows %q", path, got)
		}
	}
}

func TestServerHasItsLimits(t *testing.T) {
	server := start(t).api.Server("127.0.0.1:0")
	if server.ReadHeaderTimeout != 5*time.Second || server.MaxHeaderBytes != 16<<10 || server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 || server.ErrorLog == nil {
		t.Errorf("got %+v", server)
	}
	s := start(t)
	a := s.send("hr", "GET", "/v1/people", "", "X-Long", strings.Repeat("x", 32<<10))
	if a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB of headers: %d", a.StatusCode)
	}
}

func TestPanicIsAGenericProblem(t *testing.T) {
	s := start(t)
	s.thrown = "about " + canary
	for _, a := range []answer{
		s.send("hr", "GET", "/v1/people/"+ada.String(), ""),
		s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", `"k"`),
	} {
		s.expect(a, 500, "internal")
		assertRefused(t, a, 500)
	}
	assertLogsClean(t, s)
	s.thrown = nil
	s.expect(s.send("hr", "POST", "/v1/punches", punchNow, "Idempotency-Key", `"k"`), 201, "")
}

// promise: ST-15
func TestAccessLogNamesTheRouteAndNothingPersonal(t *testing.T) {
	s := start(t)
	s.send("hr", "GET", "/v1/people?q="+canary, "", "User-Agent", canary, "X-Forwarded-For", canary)
	s.send("hr", "GET", "/v1/"+canary, "")
	s.send("hr", "POST", "/v1/people", `{"legal_name":"`+canary+`"}`)
	s.fail = errors.New("the cause")
	s.send("hr", "GET", "/v1/people/"+ada.String(), "")
	assertLogsClean(t, s)
	entries := s.logs.FilterMessage("request").All()
	if len(entries) != 4 {
		t.Fatalf("%d lines for 4 requests", len(entries))
	}
	for i, want := range []struct {
		route  string
		status int64
	}{{"/v1/people", 200}, {"unmatched", 404}, {"/v1/people", 201}, {"/v1/people/{person_id}", 500}} {
		fields := entries[i].ContextMap()
		if fields["route"] != want.route || fields["status"] != want.status || fields["request"] == "" {
			t.Errorf("line %d: %v", i, fields)
		}
	}
	if last := entries[3].ContextMap(); last["error"] != "the cause" || last["role"] != "hr" || last["problem"] != "urn:tracekeep:problem:internal" {
		t.Errorf("the last line does not say why: %v", last)
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	s := start(t)
	s.people = nil
	for i := range 23 {
		id := ada
		id[15] = byte(i + 1)
		name := "Ada Example"
		if i%3 == 0 {
			name = "Björn ÅBERG"
		}
		s.people = append(s.people, personView(id, name))
	}
	for name, row := range map[string]struct {
		query     string
		want      int
		pageSizes []int
	}{
		"everybody, ten at a time":            {"page_size=10", 23, []int{10, 10, 3}},
		"everybody in one page":               {"page_size=23", 23, []int{23}},
		"everybody by default":                {"", 23, []int{23}},
		"a search in small letters":           {"q=%C3%A5berg&page_size=5", 8, []int{5, 3}},
		"a search for everybody, exact pages": {"q=e&page_size=23", 23, []int{23}},
		"a search for nobody":                 {"q=nobody", 0, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			path := "/v1/people?" + row.query
			for i, size := range row.pageSizes {
				a := s.send("hr", "GET", path, "")
				s.expect(a, 200, "")
				people := a.member(t, "people").([]any)
				if len(people) != size {
					t.Fatalf("page %d has %d", i, len(people))
				}
				for _, person := range people {
					seen[person.(map[string]any)["person_id"].(string)] = true
				}
				token, more := a.member(t, "next_page_token").(string)
				if more != (i < len(row.pageSizes)-1) || more != (a.Header.Get("Link") != "") {
					t.Fatalf("page %d: token %q, link %q", i, token, a.Header.Get("Link"))
				}
				if more { // follow the link as a client would
					link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
					path = "/v1/people" + link
				}
			}
			if len(seen) != row.want {
				t.Errorf("saw %d people", len(seen))
			}
		})
	}
}

func TestErasedNamesAreNotFound(t *testing.T) {
	s := start(t)
	a := s.send("hr", "GET", "/v1/people?q=a", "")
	if people := a.member(t, "people").([]any); len(people) != 1 {
		t.Errorf("found %d", len(people))
	}
}

func TestHistoryAndPresencePage(t *testing.T) {
	s := start(t)
	a := s.send("auditor", "GET", "/v1/people/"+ada.String()+"/history?page_size=3", "")
	s.expect(a, 200, "")
	token, _ := a.member(t, "next_page_token").(string)
	a = s.send("auditor", "GET", "/v1/people/"+ada.String()+"/history?page_size=3&page_token="+token, "")
	s.expect(a, 200, "")
	events := a.member(t, "events").([]any)
	if len(events) != 2 || events[0].(map[string]any)["position"] != float64(4) || a.member(t, "next_page_token") != nil {
		t.Errorf("the second page: %s", a.body)
	}
	s.present = append(s.present, s.present[0])
	s.present[1].WorkID = strangeWork
	a = s.send("hr", "GET", "/v1/presence?page_size=1", "")
	token, _ = a.member(t, "next_page_token").(string)
	a = s.send("hr", "GET", "/v1/presence?page_size=1&page_token="+token, "")
	s.expect(a, 200, "")
	if rest := a.member(t, "present").([]any); len(rest) != 1 || rest[0].(map[string]any)["work_id"] != strangeWork.String() {
		t.Errorf("the second page: %s", a.body)
	}
}

func TestPageTokenIsOfOneQuestion(t *testing.T) {
	s := start(t)
	token, _ := s.send("hr", "GET", "/v1/people?page_size=1", "").member(t, "next_page_token").(string)
	history, _ := s.send("auditor", "GET", "/v1/people/"+ada.String()+"/history?page_size=1", "").member(t, "next_page_token").(string)
	if token == "" || history == "" {
		t.Fatal("no tokens")
	}
	flipped := []byte(token)
	flipped[len(flipped)/2] ^= 1
	for name, row := range map[string]struct {
		role, path string
		status     int
	}{
		"the question it was made for":      {"hr", "/v1/people?page_token=" + token, 200},
		"another page size is no other":     {"hr", "/v1/people?page_size=7&page_token=" + token, 200},
		"a colleague of the tenant may":     {"privacy", "/v1/people?page_token=" + token, 200},
		"another filter":                    {"hr", "/v1/people?q=a&page_token=" + token, 400},
		"another operation":                 {"hr", "/v1/presence?page_token=" + token, 400},
		"another person's history":          {"auditor", "/v1/people/" + erasedPerson.String() + "/history?page_token=" + history, 400},
		"another tenant":                    {"elsewhere", "/v1/people?page_token=" + token, 400},
		"one bit changed":                   {"hr", "/v1/people?page_token=" + string(flipped), 400},
		"cut short":                         {"hr", "/v1/people?page_token=" + token[:len(token)-2], 400},
		"made longer":                       {"hr", "/v1/people?page_token=" + token + "AA", 400},
		"with padding":                      {"hr", "/v1/people?page_token=" + token + "%3D", 400},
		"with a line end":                   {"hr", "/v1/people?page_token=" + token + "%0A", 400},
		"of another process with other key": {"hr", "/v1/people?page_token=" + foreignToken(t), 400},
		"empty is the first page":           {"hr", "/v1/people?page_token=", 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.send(row.role, "GET", row.path, "")
			s.expect(a, row.status, "")
			if row.status == 400 && a.member(t, "type") != "urn:tracekeep:problem:page-token" {
				t.Errorf("got %s", a.body)
			}
		})
	}
	if again, _ := s.send("hr", "GET", "/v1/people?page_size=1", "").member(t, "next_page_token").(string); again == token {
		t.Error("the same token twice: the nonce is not fresh")
	}
}

func foreignToken(t *testing.T) string {
	t.Helper()
	s := start(t, func(c *httpapi.Config) { c.PageTokenKey = [32]byte{9} })
	token, _ := s.send("hr", "GET", "/v1/people?page_size=1", "").member(t, "next_page_token").(string)
	return token
}

func TestDocsPageLoadsNothingFromElsewhere(t *testing.T) {
	s := start(t)
	for path, contentType := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs.js": "text/javascript; charset=utf-8", "/docs.css": "text/css; charset=utf-8",
		"/openapi.json": "application/openapi+json", "/openapi.yaml": "application/openapi+yaml",
	} {
		a := s.send("", "GET", path, "")
		s.expect(a, 200, "")
		if a.Header.Get("Content-Type") != contentType {
			t.Errorf("%s is %s", path, a.Header.Get("Content-Type"))
		}
		text := string(a.body)
		if strings.HasPrefix(path, "/docs") {
			for _, forbidden := range []string{"http://", "https://", "//cdn", "innerHTML", "eval(", "style=", "onclick", "<style", "localStorage"} {
				if strings.Contains(text, forbidden) {
					t.Errorf("%s contains %s", path, forbidden)
				}
			}
		}
	}
	page := string(s.send("", "GET", "/docs", "").body)
	if strings.Count(page, "<script") != 1 || !strings.Contains(page, `<script src="/docs.js" defer></script>`) {
		t.Error("the page has an inline script")
	}
}

func TestConfigurationReportsEverythingAtOnce(t *testing.T) {
	_, err := httpapi.New(httpapi.Config{
		MaxBodyBytes: -1, Tokens: map[string]httpapi.Principal{"short": {Role: "king"}},
	}, httpapi.Inside{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"clock", "randomness", "logger", "page token key", "negative", "fewer than", "tenant", "unknown role", "port"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing about %s in %q", part, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Error("the token is named")
	}
	config := httpapi.Config{Clock: time.Now, Random: rand.Reader, PageTokenKey: [32]byte{1}}
	if err := config.Validate(); err == nil {
		t.Error("a configuration without a logger is valid")
	}
}
