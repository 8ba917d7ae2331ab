package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tracekeep/adapters/httpapi"
)

const batchPath = "/v1/devices/eeeeeeee-9dc0-41d1-b245-5ffdce74fad2/batches"

// batchOf is the body of a batch with so many bytes sealed in it.
func batchOf(bytes int) string {
	return `{"sealing_key":"0f6d2553ff0c0f44","signature":"` + shownSignature + `","sealed":"` + strings.Repeat("QUJD", bytes/3) + `"}`
}

// promise: ST-52, ST-53
func TestABatchNeedsNoTokenAndNothingButItsProof(t *testing.T) {
	s := start(t)
	got := s.send("", "POST", batchPath, batchOf(30), "Idempotency-Key", "")
	s.expect(got, 200, "")
	if got.Header.Get("X-Position") != "48410" || got.member(t, "skew_seconds") != float64(-2) {
		t.Errorf("%s", got.body)
	}
	verdicts := got.member(t, "verdicts").([]any)
	if first := verdicts[0].(map[string]any); first["verdict"] != "recorded" || first["location"] != "denied_by_device" || first["code"] != nil {
		t.Errorf("first verdict %v", first)
	}
	if second := verdicts[1].(map[string]any); second["verdict"] != "refused" || second["code"] != "unknown_badge" || second["punch_id"] != nil {
		t.Errorf("second verdict %v", second)
	}
	for rule, row := range map[string]struct {
		path, body string
		status     int
		kind       string
	}{
		"a signature of somebody else":     {batchPath, strings.Replace(batchOf(30), shownSignature, "QUJD", 1), 403, "unproven"},
		"no signature":                     {batchPath, strings.Replace(batchOf(30), `"signature":"`+shownSignature+`",`, "", 1), 422, "invalid"},
		"no batch":                         {batchPath, "", 415, "media-type"},
		"another form of the same id":      {strings.Replace(batchPath, "eeeeeeee", "EEEEEEEE", 1), batchOf(30), 422, "invalid"},
		"an id that is none":               {"/v1/devices/phone/batches", batchOf(30), 422, "invalid"},
		"punches that are not sealed":      {batchPath, `{"punches":[{"counter":1}]}`, 422, "invalid"},
		"a member twice":                   {batchPath, strings.Replace(batchOf(30), "{", `{"sealing_key":"0f6d2553ff0c0f44",`, 1), 400, "malformed"},
		"a query":                          {batchPath + "?work_id=1", batchOf(30), 422, "invalid"},
		"a long one that is not proven":    {batchPath, batchOf(65 << 10), 413, "too-large"},
		"what does not fit the base64":     {batchPath, strings.Replace(batchOf(30), "QUJD", "!!!!", 1), 422, "invalid"},
		"a code of an enrolment, no batch": {strings.Replace(batchPath, "batches", "enrolment", 1), `{"code":"ABC","public_key":"` + strings.Repeat("a1", 32) + `","signature":"QUJD"}`, 403, "unproven"},
	} {
		t.Run(rule, func(t *testing.T) {
			headers := []string{}
			if row.body == "" {
				headers = []string{"Content-Type", "text/plain"}
			}
			got := s.send("", "POST", row.path, row.body, headers...)
			s.expect(got, row.status, row.kind)
		})
	}
	s.expect(s.send("", "POST", batchPath, batchOf(4<<20), "Idempotency-Key", "", "Batch-Proof", shownProof), 200, "")
	if len(s.batches) != 2 || s.batches[0].Proof != "" || s.batches[1].Proof != shownProof {
		t.Errorf("%d batches went in", len(s.batches))
	}
}

// readUntil is a body that says how much of it was read.
type readUntil struct {
	io.Reader
	bytes int
}

func (r *readUntil) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes += n
	return n, err
}

func (*readUntil) Close() error { return nil }

// promise: ST-53
func TestOnlyADeviceMakesUsReadALongBatch(t *testing.T) {
	s := start(t)
	elsewhere := strings.Replace(batchPath, "eeeeeeee", "dddddddd", 1)
	for rule, row := range map[string]struct {
		path     string
		proofs   []string
		bytes    int
		status   int
		kind     string
		mostRead int
	}{
		"nobody":                         {batchPath, nil, 4 << 20, 413, "too-large", 64<<10 + 1},
		"a short one is read of anybody": {batchPath, nil, 30 << 10, 200, "", 64 << 10},
		"the device":                     {batchPath, []string{shownProof}, 4 << 20, 200, "", 6 << 20},
		"not more than a batch may have": {batchPath, []string{shownProof}, 6 << 20, 413, "too-large", 6<<20 + 1},
		"another proof":                  {batchPath, []string{"QUJD"}, 4 << 20, 403, "unproven", 0},
		"an empty proof":                 {batchPath, []string{""}, 4 << 20, 403, "unproven", 0},
		"two proofs":                     {batchPath, []string{shownProof, "QUJD"}, 4 << 20, 400, "malformed", 0},
		"the proof of another device":    {elsewhere, []string{shownProof}, 4 << 20, 403, "unproven", 0},
		"a wrong proof of what is short": {batchPath, []string{"QUJD"}, 30, 403, "unproven", 0},
		"a device that cannot be one":    {"/v1/devices/phone/batches", []string{shownProof}, 4 << 20, 413, "too-large", 64<<10 + 1},
		"an enrolment has no long form":  {strings.Replace(batchPath, "batches", "enrolment", 1), []string{shownProof}, 4 << 20, 413, "too-large", 64<<10 + 1},
	} {
		t.Run(rule, func(t *testing.T) {
			body := &readUntil{Reader: strings.NewReader(batchOf(row.bytes))}
			request := httptest.NewRequestWithContext(t.Context(), "POST", row.path, body)
			request.Header.Set("Content-Type", "application/json")
			request.Header["Batch-Proof"] = row.proofs
			answered := httptest.NewRecorder()
			s.api.ServeHTTP(answered, request)
			if answered.Code != row.status || !strings.Contains(answered.Body.String(), row.kind) || body.bytes > row.mostRead {
				t.Errorf("%d, %d bytes read: %.200s", answered.Code, body.bytes, answered.Body)
			}
		})
	}
}

func TestADeviceThatComesTooOftenIsToldWhenToComeAgain(t *testing.T) {
	s := start(t)
	s.fail = &httpapi.TooOften{Wait: 2100 * time.Millisecond}
	got := s.send("", "POST", batchPath, batchOf(30))
	s.expect(got, http.StatusTooManyRequests, "too-often")
	if got.Header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
	}
}

func TestARevokedDeviceIsToldToEnrolAgain(t *testing.T) {
	s := start(t)
	s.fail = httpapi.ErrRevoked
	s.expect(s.send("", "POST", batchPath, batchOf(30)), http.StatusForbidden, "device-revoked")
}

// promise: ST-54
func TestDoubtfulPunchesAndConflictsAreListedInPages(t *testing.T) {
	s := start(t)
	for path, list := range map[string]string{"/v1/punches/doubtful": "punches", "/v1/punches/conflicts": "conflicts", "/v1/devices": "devices"} {
		rows, next := 0, "?page_size=2"
		for pages := 0; next != "" && pages < 5; pages++ {
			got := s.send("hr", "GET", path+next, "")
			s.expect(got, 200, "")
			rows += len(got.member(t, list).([]any))
			next = ""
			if link := got.Header.Get("Link"); link != "" {
				next = strings.TrimPrefix(strings.Split(link, ">")[0], "<")
			}
		}
		if rows != 3 {
			t.Errorf("%s: %d rows in all pages", path, rows)
		}
	}
	got := s.send("manager", "GET", "/v1/punches/conflicts?all=true", "")
	s.expect(got, 200, "")
	first := got.member(t, "conflicts").([]any)[0].(map[string]any)
	if first["open"] != false || first["apart_seconds"] != float64(240) || first["by_hand"].(map[string]any)["occurred_at"] == first["punch"].(map[string]any)["occurred_at"] {
		t.Errorf("both values are to be seen: %v", first)
	}
}

// promise: ST-50
func TestAManifestIsListedDeviceByDevice(t *testing.T) {
	s := start(t)
	own := "?work_id=" + adasWork.String()
	first := s.send("worker", "GET", "/v1/devices/permissions"+own+"&page_size=1", "")
	s.expect(first, 200, "")
	devices := first.member(t, "devices").([]any)
	if len(devices) != 1 || len(devices[0].(map[string]any)["permissions"].([]any)) != 5 || first.Header.Get("Link") == "" {
		t.Errorf("%s", first.body)
	}
	all := s.send("admin", "GET", "/v1/devices/permissions", "")
	s.expect(all, 200, "")
	if devices := all.member(t, "devices").([]any); len(devices) != 2 {
		t.Errorf("%d devices", len(devices))
	}
	s.expect(s.send("manager", "GET", "/v1/devices/permissions", ""), 403, "forbidden")
	twice := `{"work_id":"` + adasWork.String() + `","permissions":[{"permission":"camera","state":"denied"},{"permission":"camera","state":"granted"}]}`
	s.expect(s.send("worker", "POST", "/v1/devices/"+someDevice.String()+"/permissions", twice), 422, "invalid")
}
