package main

import (
	"fmt"
	"strings"
	"time"
)

// aClassOverTheAPI takes a class from its definition to a corrected mark, with ada as its
// teacher and bob as its student, each seeing what is theirs.
func (s *served) aClassOverTheAPI(ada, bob string) {
	t, body := s.t, map[string]any{"source_id": "chem-1", "title": "Basic Chemistry", "zone": "Europe/Berlin"}
	key := []string{"Idempotency-Key", `"the-class"`}
	defined := s.send("hr", "POST", "/v1/classes", body, key...).expect(201)
	class := "/v1/classes/" + defined["class_id"].(string)
	if again := s.send("hr", "POST", "/v1/classes", body, key...).expect(200); again["class_id"] != defined["class_id"] {
		t.Errorf("defined twice: %v", again)
	}
	if rule := s.send("hr", "POST", "/v1/classes", body).fault(422); rule != "class_known" {
		t.Errorf("a class that is there already: %s", rule)
	}
	s.send("ada", "GET", class, nil).expect(403) // before she teaches it
	for who, role := range map[string]string{ada: "teacher", bob: "student"} {
		s.send("hr", "POST", class+"/enrolments", map[string]any{"work_id": who, "role": role, "begins_on": "2026-02-02"}).expect(200)
	}
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	session := class + "/sessions/" + s.send("hr", "POST", class+"/sessions", map[string]any{
		"starts_at": start.Format(time.RFC3339), "ends_at": start.Add(45 * time.Minute).Format(time.RFC3339),
	}).expect(201)["session_id"].(string)
	mark := func(as, state, reason string) reply {
		one := map[string]any{"work_id": bob, "state": state}
		if reason != "" {
			one["reason"] = reason
		}
		return s.send(as, "POST", session+"/marks", map[string]any{"marks": []any{one}})
	}
	mark("bob", "present", "").expect(403)
	mark("manager", "present", "").expect(403)
	if first, again := mark("ada", "absent", "").expect(200), mark("ada", "absent", "").expect(200); first["recorded"] != 1.0 || again["recorded"] != 0.0 {
		t.Errorf("marked: %v, and again: %v", first, again)
	}
	if rule := mark("ada", "present", "").fault(422); rule != "already_marked" {
		t.Errorf("a correction without a reason: %s", rule)
	}
	mark("ada", "present", "arrived_after_all").expect(200)
	s.rollIsSeen(class, session, ada, bob)
	s.classIsChangedAndTaughtByNobody(class, ada)
}

// rollIsSeen looks at the class as its teacher, its student and a stranger to it.
func (s *served) rollIsSeen(class, session, ada, bob string) {
	t := s.t
	roll := s.send("ada", "GET", session+"/roll", nil).expect(200)["students"].([]any)
	if len(roll) != 1 {
		t.Fatalf("the roll: %v", roll)
	}
	student := roll[0].(map[string]any)
	marks := student["marks"].([]any)
	if last := marks[1].(map[string]any); student["name"].(map[string]any)["value"] != "bob" || last["state"] != "present" || last["marked_by"] != ada || marks[0].(map[string]any)["counts"] != false {
		t.Errorf("the roll: %v", student)
	}
	if members := s.send("ada", "GET", class+"/members", nil).expect(200)["members"].([]any); len(members) != 2 {
		t.Errorf("members: %v", members)
	}
	s.send("bob", "GET", session+"/roll", nil).expect(403)
	day := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	query := fmt.Sprintf("/v1/marks?from=%s&to=%s&work_id=", day, time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly))
	if own := s.send("bob", "GET", query+bob, nil).expect(200)["sessions"].([]any); len(own) != 1 || len(own[0].(map[string]any)["marks"].([]any)) != 2 {
		t.Errorf("bob's own marks: %v", own)
	}
	s.send("ada", "GET", query+bob, nil).expect(403) // of all his classes
	if own := s.send("bob", "GET", "/v1/classes?work_id="+bob, nil).expect(200)["classes"].([]any); len(own) != 1 {
		t.Errorf("bob's classes: %v", own)
	}
}

// classIsChangedAndTaughtByNobody changes the class under its revision, calls a session
// off, and takes it from its teacher.
func (s *served) classIsChangedAndTaughtByNobody(class, ada string) {
	t := s.t
	tag := s.send("hr", "GET", class, nil).header.Get("ETag")
	changes := map[string]any{"title": "Chemistry I", "zone": "Europe/Berlin", "ends_on": "2030-07-31"}
	s.send("hr", "POST", class+"/changes", changes).expect(428)
	changed := s.send("hr", "POST", class+"/changes", changes, "If-Match", tag)
	changed.expect(200)
	s.send("hr", "POST", class+"/end", map[string]any{"ended_on": "2030-01-01"}, "If-Match", tag).expect(412)
	sessions := s.send("ada", "GET", class+"/sessions", nil).expect(200)["sessions"].([]any)
	cancelled := s.send("hr", "POST", class+"/sessions/"+sessions[0].(map[string]any)["session_id"].(string)+"/cancellation", map[string]any{"reason": "power_cut"}, "If-Match", changed.header.Get("ETag"))
	cancelled.expect(200)
	s.send("hr", "POST", class+"/end", map[string]any{"ended_on": "2030-01-01"}, "If-Match", cancelled.header.Get("ETag")).expect(200)
	if view := s.send("hr", "GET", class, nil).expect(200); view["title"] != "Chemistry I" || view["ended_on"] != "2030-01-01" {
		t.Errorf("the class: %v", view)
	}
	s.send("hr", "POST", class+"/withdrawals", map[string]any{"work_id": ada, "role": "teacher", "ends_on": "2026-03-01", "reason": "moved"}).expect(200)
	s.send("ada", "GET", class, nil).expect(403)
	s.send("hr", "GET", strings.Replace(class, "/v1/classes/", "/v1/classes/00000000-", 1), nil).expect(422)
	s.send("hr", "GET", "/v1/classes/00000000-0000-4000-8000-000000000000", nil).expect(404)
}

// aRosterBesideTheAPI imports a name, corrects it by hand, and imports the same row again:
// the row says that it is older. A later one is right again.
func (s *served) aRosterBesideTheAPI() {
	t := s.t
	names := func() string { return tracekeep(t, "query", "people", "--data", s.data).ok(t).out }
	told := func(folder string) (report rosterReport) {
		tracekeep(t, "import", "--json", "--data", s.data, "--zone", "Europe/Vienna", "--station", "physics", folder).ok(t).last(t, &report)
		return report
	}
	told(bulk(t, "2026-01-05T10:00:00Z", "Anna"))
	var person string
	for line := range strings.Lines(names()) {
		if id, name, _ := strings.Cut(line, " "); strings.Contains(name, "Anna Sorrelby") {
			person = "/v1/people/" + id
		}
	}
	tag := s.send("hr", "GET", person, nil).header.Get("ETag")
	s.send("hr", "POST", person+"/corrections", map[string]any{"legal_name": "Anna Hand", "reason": "name_change"}, "If-Match", tag).expect(200)
	if report := told(bulk(t, "2026-01-06T10:00:00Z", "Anna")); report.PeopleCorrected != 0 || !strings.Contains(names(), "Anna Hand") {
		t.Errorf("an older row undid a correction: %+v\n%s", report, names())
	}
	if report := told(bulk(t, time.Now().AddDate(1, 0, 0).Format(time.RFC3339), "Anna")); report.PeopleCorrected != 1 || !strings.Contains(names(), "Anna Sorrelby") {
		t.Errorf("a later row is not right: %+v\n%s", report, names())
	}
}
