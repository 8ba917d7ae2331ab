package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/domain/timecard"
)

// Every list that HR asks for is turned page by page, following the links as a client
// would: nothing is there twice and nothing is left out.
func TestListsOfHRTurnTheirPages(t *testing.T) {
	for path, row := range map[string]struct {
		member, id string
		want       int
	}{
		"/v1/exceptions?from=2026-03-02&to=2026-03-08": {"exceptions", "at", 6},
		"/v1/board?station=gate-1":                     {"people", "work_id", 3},
		"/v1/overtime?rules=flsa&zone=UTC&state=under": {"overtime", "work_id", 3},
		"/v1/overtime?rules=flsa&zone=UTC":             {"overtime", "work_id", 2},
		"/v1/caps?on=2026-03-02":                       {"people", "work_id", 3},
		"/v1/attendance?from=2026-03-02&to=2026-03-08": {"attendance", "work_id", 3},
		"/v1/shifts": {"shifts", "shift_id", 3},
		"/v1/shifts?from=2026-03-02&to=2026-03-08&zone=UTC": {"shifts", "shift_id", 3},
		"/v1/classes": {"classes", "class_id", 3},
		"/v1/classes/" + someClass.String() + "/members":                                 {"members", "work_id", 3},
		"/v1/classes/" + someClass.String() + "/sessions":                                {"sessions", "session_id", 3},
		"/v1/classes/" + someClass.String() + "/sessions/" + someHold.String() + "/roll": {"students", "work_id", 3},
		"/v1/marks?from=2026-03-02&to=2026-03-08&work_id=" + adasWork.String():           {"sessions", "session_id", 3},
		"/v1/corrections": {"corrections", "correction_id", 3},
		"/v1/pay-periods/" + someHold.String() + "/cards": {"cards", "work_id", 3},
	} {
		t.Run(path, func(t *testing.T) {
			s := start(t)
			list, query, _ := strings.Cut(path, "?")
			seen, pages := map[string]int{}, 0
			for next := "?" + strings.TrimPrefix(query+"&page_size=1", "&"); next != ""; pages++ {
				a := s.send("hr", "GET", list+next, "")
				s.expect(a, 200, "")
				for _, row2 := range a.member(t, row.member).([]any) {
					object := row2.(map[string]any)
					seen[fmt.Sprint(object["work_id"], object[row.id], pages)]++
				}
				next, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
				if pages > 10 {
					t.Fatal("the pages do not end")
				}
			}
			if len(seen) != row.want {
				t.Errorf("saw %v in %d pages, want %d", seen, pages, row.want)
			}
			for what, n := range seen {
				if n != 1 {
					t.Errorf("%s is there %d times", what, n)
				}
			}
		})
	}
}

func TestQuestionsThatSayNothingSensibleAreRefused(t *testing.T) {
	both := "work_id=" + adasWork.String() + "&person_id=" + ada.String()
	for path, kind := range map[string]string{
		"/v1/timecard?from=2026-03-02&to=2026-03-08":                                                 "nobody in particular",
		"/v1/timecard?from=2026-03-02&to=2026-03-08&" + both:                                         "two at once",
		"/v1/timecard?from=2026-03-08&to=2026-03-02&work_id=" + adasWork.String():                    "backwards",
		"/v1/timecard?from=2026-03-02&to=2026-03-08&rules=own&zone=UTC&work_id=" + adasWork.String(): "rules that are not built in",
		"/v1/exceptions?from=2026-03-02&to=2027-03-08":                                               "more than a year",
		"/v1/exceptions?from=2026-03-02&to=2026-03-08&severity=grave":                                "a severity that is none",
		"/v1/overtime?rules=own&zone=UTC":                                                            "rules that are not built in, again",
		"/v1/overtime?rules=flsa&zone=UTC&" + both:                                                   "two at once, again",
		"/v1/work-history":           "a history of nobody",
		"/v1/shifts?from=2026-03-02": "half of the days",
		"/v1/shifts?from=2026-03-02&to=2026-03-08&zone=Moon/Base": "a zone that is none",
		"/v1/attendance?from=2026-03-02&to=2026-03-08&zone=Local": "a zone that is of the machine",
	} {
		t.Run(kind, func(t *testing.T) {
			s := start(t)
			a := s.send("hr", "GET", path, "")
			s.expect(a, 422, "invalid")
			assertProblem(t, a)
		})
	}
	s := start(t)
	s.expect(s.send("hr", "GET", "/v1/shifts/"+ada.String(), ""), 404, "not-found")
	s.expect(s.send("hr", "GET", "/v1/pay-periods/"+ada.String()+"/cards", ""), 404, "not-found")
}

// promise: ST-31
func TestAWorkerSeesNobodyElseOnAShift(t *testing.T) {
	s := start(t)
	own := "?work_id=" + adasWork.String()
	a := s.send("worker", "GET", "/v1/shifts/"+someShift.String()+own, "")
	s.expect(a, 200, "")
	if people := a.member(t, "people").([]any); len(people) != 1 || people[0].(map[string]any)["work_id"] != adasWork.String() {
		t.Errorf("sees %v", people)
	}
	for _, path := range []string{"/v1/shifts", "/v1/shifts/" + someShift.String(), "/v1/caps", "/v1/overtime?rules=flsa&zone=UTC", "/v1/exceptions?from=2026-03-02&to=2026-03-08", "/v1/corrections"} {
		s.expect(s.send("worker", "GET", path, ""), 403, "forbidden")
	}
	s.expect(s.send("worker", "GET", "/v1/shifts"+own, ""), 200, "")
	if s.asked != (httpapi.Whose{Work: adasWork}) {
		t.Errorf("the inside was asked about %+v", s.asked)
	}
	tag := s.send("hr", "GET", "/v1/shifts/"+someShift.String(), "").Header.Get("ETag")
	s.expect(s.send("hr", "GET", "/v1/shifts/"+someShift.String(), "", "If-None-Match", tag), 304, "")
}

// A step says who took it: an officer by their id, a worker by that of their work record.
func TestStepsOfShiftsSayWhoTookThem(t *testing.T) {
	shift, swap := "/v1/shifts/"+someShift.String(), "/v1/shifts/"+someShift.String()+"/swaps/"+someHold.String()
	own, officer := `"work_id":"`+adasWork.String()+`"`, principals()[tokenOf("manager")].ID
	for rule, row := range map[string]struct {
		role, path, body string
		want             any
	}{
		"an officer assigns":            {"manager", shift + "/assignments", `{` + own + `,"qualifications":["traffic"]}`, assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: assignment.Candidate{WorkID: adasWork, Qualifications: []string{"traffic"}}, AssignedAt: now, AssignedBy: officer}},
		"an officer takes somebody off": {"manager", shift + "/unassignments", `{` + own + `,"reason":"sick"}`, assignment.Unassign{WorkID: adasWork, Reason: "sick", UnassignedAt: now, UnassignedBy: officer}},
		"a worker says no":              {"worker", shift + "/declines", `{` + own + `,"reason":"family"}`, assignment.Decline{WorkID: adasWork, Reason: "family", DeclinedAt: now}},
		"a worker bids":                 {"worker", shift + "/bids", `{` + own + `,"points":40}`, assignment.PlaceBid{WorkID: adasWork, Points: 40, BidAt: now}},
		"a worker agrees to a swap":     {"worker", swap + "/agreement", `{` + own + `}`, assignment.AgreeSwap{SwapID: someHold, WorkID: adasWork, AgreedAt: now}},
		"a worker ends a swap":          {"worker", swap + "/refusal", `{` + own + `,"reason":"changed"}`, assignment.RefuseSwap{SwapID: someHold, WorkID: adasWork, Reason: "changed", RefusedAt: now, RefusedBy: adasWork}},
		"an officer ends a swap":        {"manager", swap + "/refusal", `{"reason":"changed"}`, assignment.RefuseSwap{SwapID: someHold, Reason: "changed", RefusedAt: now, RefusedBy: officer}},
		"an officer approves":           {"manager", "/v1/corrections/" + someHold.String() + "/approval", "", timecard.ApproveCorrection{ApprovedBy: officer, ApprovedAt: now}},
		"a worker takes a request back": {"worker", "/v1/corrections/" + someHold.String() + "/refusal", `{` + own + `,"ground":"mistake"}`, timecard.RefuseCorrection{RefusedBy: adasWork, RefusedAt: now, Ground: "mistake"}},
	} {
		t.Run(rule, func(t *testing.T) {
			s := start(t)
			s.expect(s.send(row.role, "POST", row.path, row.body), 200, "")
			if diff := cmp.Diff([]any{row.want}, s.shiftSteps); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStepsOfShiftsThatSayNothingSensibleAreRefused(t *testing.T) {
	shift := "/v1/shifts/" + someShift.String()
	plan := `{"kind":"detail","employer":"customer","site":"harbor_st","zone":"Europe/Berlin","starts_at":"2026-03-09T07:00:00+01:00","ends_at":"2026-03-09T15:00:00+01:00"}`
	for rule, row := range map[string]struct{ path, body string }{
		"a name is no code":              {"/v1/shifts", strings.Replace(plan, `"customer"`, `"Customer & Sons"`, 1)},
		"seconds are no time of a shift": {"/v1/shifts", strings.Replace(plan, "07:00:00", "07:00:30", 1)},
		"a zone that is none":            {"/v1/shifts", strings.Replace(plan, "Europe/Berlin", "Moon/Base", 1)},
		"an offer to nobody":             {shift + "/offers", `{"strategy":"fairness","candidates":[],"respond_by":"2026-03-08T12:00:00Z"}`},
		"a bid of nothing":               {shift + "/bids", `{"work_id":"` + adasWork.String() + `","points":0}`},
		"two ratings of one person":      {shift + "/completion", `{"ratings":[{"work_id":"` + adasWork.String() + `","rating":"meets"},{"work_id":"` + adasWork.String() + `","rating":"below"}]}`},
		"a reason in free text":          {shift + "/unassignments", `{"work_id":"` + adasWork.String() + `","reason":"He is ill."}`},
		"void and new values":            {"/v1/corrections", `{"work_id":"` + adasWork.String() + `","punch_id":"` + ada.String() + `","void":true,"direction":"in","reason":"other"}`},
		"neither void nor new values":    {"/v1/corrections", `{"work_id":"` + adasWork.String() + `","punch_id":"` + ada.String() + `","reason":"other"}`},
		"days that run backwards":        {"/v1/pay-periods", `{"from":"2026-03-15","to":"2026-03-02","rules":"flsa","zone":"UTC"}`},
		"rules that are not built in":    {"/v1/pay-periods", `{"from":"2026-03-02","to":"2026-03-15","rules":"own","zone":"UTC"}`},
	} {
		t.Run(rule, func(t *testing.T) {
			s := start(t)
			a := s.send("hr", "POST", row.path, row.body)
			s.expect(a, 422, "invalid")
			assertProblem(t, a)
			if len(s.shiftSteps) > 0 {
				t.Errorf("and still done: %v", s.shiftSteps)
			}
		})
	}
}
