package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
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
