package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracekeep/adapters/httpapi"
)

// Every answer with a readable value was recorded, with exactly what is in it: the
// person a page leaves out was not read about.
func TestAReadingIsRecordedWithExactlyWhatLeaves(t *testing.T) {
	name, link, email := ada.String()+" identity.legal_name", ada.String()+" identity.work_id", ada.String()+" identity.email"
	all := []string{link, name, email}
	for request, want := range map[string]reading{
		"/v1/people/" + ada.String():                                                 {operation: "get-person", values: all},
		"/v1/people":                                                                 {operation: "list-people", values: all},
		"/v1/people?page_size=1":                                                     {operation: "list-people", values: all},
		"/v1/people?q=example":                                                       {operation: "list-people", values: all},
		"/v1/people?q=nobody":                                                        {},
		"/v1/people/" + erasedPerson.String():                                        {},
		"/v1/presence":                                                               {operation: "list-presence", values: []string{name}},
		"/v1/people/" + ada.String() + "/history?page_size=2":                        {operation: "list-person-history", values: []string{name, name}},
		"/v1/people/" + erasedPerson.String() + "/history":                           {},
		"/v1/people/" + ada.String() + "/location-history?page_size=2":               {operation: "list-location-history", values: []string{ada.String() + " location.latitude", ada.String() + " location.longitude"}},
		"/v1/hours?from=2026-03-02&to=2026-03-08&person_id=" + ada.String():          {operation: "get-hours", values: []string{link}},
		"/v1/hours?from=2026-03-02&to=2026-03-08&work_id=" + adasWork.String():       {},
		"/v1/timecard?from=2026-03-02&to=2026-03-08&work_id=" + adasWork.String():    {operation: "get-timecard", values: []string{name}},
		"/v1/timecard?from=2026-03-02&to=2026-03-08&person_id=" + ada.String():       {operation: "get-timecard", values: []string{link, name}},
		"/v1/timecard?from=2026-03-02&to=2026-03-08&work_id=" + strangeWork.String(): {},
		"/v1/exceptions?from=2026-03-02&to=2026-03-08&page_size=1":                   {operation: "list-exceptions", values: []string{name, name}},
		"/v1/board": {operation: "get-board", values: []string{name}},
		"/v1/overtime?rules=flsa&zone=Europe/Berlin": {operation: "list-overtime", values: []string{name}},
		"/v1/caps": {operation: "list-caps", values: []string{name}},
		"/v1/work-history?work_id=" + adasWork.String(): {operation: "get-work-history", values: []string{name}},
		"/v1/shifts": {},
		"/v1/classes/" + someClass.String() + "/members":                                 {operation: "list-members", values: []string{name}},
		"/v1/classes/" + someClass.String() + "/sessions/" + someHold.String() + "/roll": {operation: "get-roll", values: []string{name}},
		"/v1/marks?from=2026-03-02&to=2026-03-08&work_id=" + adasWork.String():           {},
		"/v1/visits?from=2026-03-02&to=2026-03-08&page_size=1":                           {operation: "list-visits", values: []string{name, name}},
		"/v1/people/" + ada.String() + "/readings":                                       {},
		"/v1/people/" + ada.String() + "/disclosures":                                    {},
	} {
		s := start(t)
		a := s.send("auditor", "GET", request, "")
		s.expect(a, 200, "")
		var got reading
		if len(s.readings) > 0 {
			got = s.readings[0]
		}
		if len(s.readings) > 1 || got.operation != want.operation || cmp.Diff(want.values, got.values) != "" {
			t.Errorf("%s: recorded %+v, want %+v", request, s.readings, want)
		}
		if want.operation != "" && got.by.Role != httpapi.RoleAuditor {
			t.Errorf("%s: read by %+v", request, got.by)
		}
	}
}

func TestWhoHasThePageReadsNothingAgain(t *testing.T) {
	s := start(t)
	tag := s.send("hr", "GET", "/v1/people/"+ada.String(), "").Header.Get("ETag")
	s.expect(s.send("hr", "GET", "/v1/people/"+ada.String(), "", "If-None-Match", tag), 304, "")
	if len(s.readings) != 1 {
		t.Errorf("%d readings are recorded", len(s.readings))
	}
}

// What cannot be recorded is not shown, and the problem says so.
//
// promise: I10
func TestAReadingThatCannotBeRecordedShowsNothing(t *testing.T) {
	for _, request := range []string{
		"/v1/people", "/v1/people?q=ada", "/v1/people/" + ada.String(), "/v1/presence", "/v1/people/" + ada.String() + "/history",
		"/v1/hours?from=2026-03-02&to=2026-03-08&person_id=" + ada.String(), "/v1/people/" + ada.String() + "/location-history",
	} {
		s := start(t)
		s.unrecorded = fmt.Errorf("append to reading: %w", errors.Join(httpapi.ErrUnrecorded, errors.New("no route to host")))
		a := s.send("auditor", "GET", request, "")
		s.expect(a, 503, "unavailable")
		if text := string(a.body); strings.Contains(text, "Ada Example") || strings.Contains(text, adasWork.String()) || !strings.Contains(text, "nothing is shown") || strings.Contains(text, "route") {
			t.Errorf("%s: %s", request, text)
		}
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", request)
		}
	}
}

// A value that nobody recorded has no text, whoever asks.
func TestAValueIsRevealedToWhoHoldsItsReleaseOnly(t *testing.T) {
	name, email := clearOf(ada, "legal_name", "Ada Example"), clearOf(ada, "email", "ada@example.org")
	other := clearOf(stranger, "legal_name", "Bob Example")
	release := httpapi.ReleaseOf(name.Of)
	if text, ok := name.Reveal(release); !ok || text != "Ada Example" {
		t.Errorf("a recorded value is %q, %v", text, ok)
	}
	for what, value := range map[string]httpapi.Personal{"another value": email, "another person": other} {
		if text, ok := value.Reveal(release); ok || text != "" {
			t.Errorf("%s is shown: %q", what, text)
		}
	}
	if _, ok := name.Reveal(httpapi.Release{}); ok {
		t.Error("the empty release shows something")
	}
}

func TestReadingsAreListedPageByPage(t *testing.T) {
	s := start(t)
	var positions []string
	target := "/v1/people/" + ada.String() + "/readings?page_size=2"
	for target != "" {
		a := s.send("privacy", "GET", target, "")
		s.expect(a, 200, "")
		var body struct {
			Readings []struct {
				Position int    `json:"position"`
				Use      string `json:"use"`
				Values   []struct{ Field, Purpose string }
			} `json:"readings"`
			Next string `json:"next_page_token"`
		}
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatal(err)
		}
		for _, r := range body.Readings {
			positions = append(positions, fmt.Sprint(r.Position, r.Use, r.Values))
		}
		target = ""
		if body.Next != "" {
			target = "/v1/people/" + ada.String() + "/readings?page_size=2&page_token=" + body.Next
		}
	}
	var want []string
	for i := 5; i > 0; i-- {
		want = append(want, fmt.Sprint(i, "service", "[{identity.legal_name identity}]"))
	}
	if diff := cmp.Diff(want, positions); diff != "" {
		t.Error(diff)
	}
}
