package httpapi_test

import (
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// Who may see performance is said once, in the record of processing, and the access
// table says nothing else.
func TestTheRegisterSaysWhoSeesPerformance(t *testing.T) {
	row := httpapi.Table()["get-performance"]
	for _, role := range httpapi.Roles() {
		listed := eventschema.MaySee(eventschema.CategoryPerformance, string(role), httpapi.Principal{Role: role}.Use())
		if reaches := row.Roles[role] != httpapi.Denied; reaches != listed {
			t.Errorf("%s reaches performance: %v; by the register: %v", role, reaches, listed)
		}
	}
}

// A rating is shown by one operation. Nothing that lists or shows a work record does,
// to anybody, though every shift of the company behind this API is rated.
//
// promise: ST-09
func TestNoOperationButOneShowsARating(t *testing.T) {
	s := start(t)
	own := "?work_id=" + adasWork.String()
	days := "&from=2026-03-02&to=2026-03-08"
	for _, role := range []string{"worker", "manager", "hr", "auditor"} {
		for _, path := range []string{"/v1/shifts" + own, "/v1/shifts/" + someShift.String() + own, "/v1/work-history" + own, "/v1/attendance" + own + days, "/v1/timecard" + own + days} {
			a := s.send(role, "GET", path, "")
			s.expect(a, 200, "")
			if strings.Contains(string(a.body), "rating") || strings.Contains(string(a.body), `"meets"`) {
				t.Errorf("%s of %s shows how work is judged: %s", path, role, a.body)
			}
		}
	}
	for role, status := range map[string]int{"worker": 200, "hr": 200, "auditor": 200, "manager": 403, "privacy": 403, "admin": 403} {
		a := s.send(role, "GET", "/v1/performance"+own+days, "")
		if a.StatusCode != status || (status == 200) != strings.Contains(string(a.body), `"rating":"meets"`) {
			t.Errorf("%s: %d %s", role, a.StatusCode, a.body)
		}
	}
	s.expect(s.send("worker", "GET", "/v1/performance?work_id="+strangeWork.String()+days, ""), 403, "forbidden")
}

// Somebody who is withheld from the reader is not measured for them either.
func TestWhoIsErasedIsNotMeasured(t *testing.T) {
	s := start(t)
	a := s.send("hr", "GET", "/v1/performance?work_id="+strangeWork.String()+"&from=2026-03-02&to=2026-03-08", "")
	s.expect(a, 200, "")
	if a.member(t, "state") != "erased" || len(a.member(t, "figures").([]any)) != 0 || len(a.member(t, "shifts").([]any)) != 0 {
		t.Errorf("shown: %s", a.body)
	}
}
