package httpapi_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tracekeep/domain/course"
)

// promise: TC-27
func TestATeacherReachesTheirOwnClassOnly(t *testing.T) {
	s := start(t)
	ours, theirs := "/v1/classes/"+someClass.String(), "/v1/classes/"+otherClass.String()
	mark := `{"marks":[{"work_id":"` + strangeWork.String() + `","state":"late","late_minutes":7}]}`
	for path, body := range map[string]string{"": "", "/members": "", "/sessions": "", "/sessions/" + someHold.String() + "/roll": "", "/sessions/" + someHold.String() + "/marks": mark} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		s.expect(s.send("worker", method, ours+path, body), 200, "")
		forbidden, nowhere := s.send("worker", method, theirs+path, body), s.send("worker", method, "/v1/classes/"+uuid.NewString()+path, body)
		s.expect(forbidden, 403, "forbidden")
		if s.expect(nowhere, 403, "forbidden"); len(forbidden.body) != len(nowhere.body) {
			t.Errorf("%s: what is not there is told from what is not theirs: %s, %s", path, forbidden.body, nowhere.body)
		}
	}
	s.expect(s.send("worker", "GET", "/v1/classes/"+strings.ToUpper(otherClass.String()), ""), 403, "forbidden")
	s.expect(s.send("worker", "POST", ours+"/enrolments", `{"work_id":"`+adasWork.String()+`","role":"teacher","begins_on":"2026-02-02"}`), 403, "forbidden")
}

func TestStepsOfClassesSayWhatWasMeant(t *testing.T) {
	s := start(t)
	class := "/v1/classes/" + someClass.String()
	s.expect(s.send("hr", "POST", class+"/sessions", `{"starts_at":"2026-03-30T08:00:00+02:00","ends_at":"2026-03-30T06:45:00Z"}`), 201, "")
	plan := s.shiftSteps[0].(course.PlanSession)
	if plan.StartsLocal != "2026-03-30 08:00" || plan.EndsLocal != "2026-03-30 08:45" || plan.Zone != "Europe/Berlin" {
		t.Errorf("by the clock of the class: %+v", plan)
	}
	marks := `{"marks":[{"work_id":"` + adasWork.String() + `","state":"present"},{"work_id":"` + strangeWork.String() + `","state":"excused","reason":"excused_since"}]}`
	a := s.send("hr", "POST", class+"/sessions/"+someHold.String()+"/marks", marks)
	s.expect(a, 200, "")
	if n := a.member(t, "recorded"); n != 2.0 || a.Header.Get("X-Position") == "" {
		t.Errorf("recorded %v at %s", n, a.Header.Get("X-Position"))
	}
	for body, says := range map[string]string{
		`{"marks":[{"work_id":"` + adasWork.String() + `","state":"present"},{"work_id":"` + adasWork.String() + `","state":"absent"}]}`:            `/marks/1/work_id`,
		`{"marks":[{"work_id":"` + adasWork.String() + `","state":"present"},{"work_id":"00000000-0000-0000-0000-000000000000","state":"absent"}]}`: `/marks/1/work_id`,
		`{"marks":[]}`: `/marks`,
		`{"marks":[{"work_id":"` + adasWork.String() + `","state":"here"}]}`: `/marks/0/state`,
	} {
		a := s.send("hr", "POST", class+"/sessions/"+someHold.String()+"/marks", body)
		if a.StatusCode != 422 || !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %d, %s; want %s", body, a.StatusCode, a.body, says)
		}
	}
	for path, body := range map[string]string{
		"/v1/classes":       `{"source_id":"x","title":"T","zone":"Mars/Olympus"}`,
		class + "/sessions": `{"starts_at":"2026-03-30T08:00:30Z","ends_at":"2026-03-30T08:45:00Z"}`,
	} {
		s.expect(s.send("hr", "POST", path, body), 422, "")
	}
	s.expect(s.send("hr", "POST", class+"/end", `{"ended_on":"2026-05-04"}`), 428, "")
	s.expect(s.send("hr", "GET", class, "", "If-None-Match", s.send("hr", "GET", class, "").Header.Get("ETag")), 304, "")
}
