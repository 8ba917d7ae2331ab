package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

// rows decodes the objects that a command answers.
func rows[T any](a answer, t *testing.T) (all []T) {
	t.Helper()
	for line := range strings.Lines(a.ok(t).out) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

// visitSaid is a row of query visits; with --count a row of counts.
type visitSaid struct {
	WorkID   string `json:"work_id"`
	State    string `json:"state"`
	Site     string `json:"site"`
	Reason   string `json:"reason"`
	Date     string `json:"date"`
	Seconds  int64  `json:"seconds"`
	Visits   int    `json:"visits"`
	Visitors int    `json:"visitors"`
}

// A tutor works at a centre, and tutors; students come with their cards. What a visit
// is shows in visits and nowhere in hours.
//
// promise: RR-49
// promise: RR-50
func TestACentreIsVisitedByCard(t *testing.T) {
	s := serveFolder(t)
	o := office{t: t, data: s.data, first: uuid.NewString()}
	if said := o.says("sites", "define", "--site", "learning_centre", "--zone", "Asia/Manila", "--station", "kiosk-1", "--centre=14.5995,120.9842", "--radius", "150",
		"--officer", o.first); said.code != exitOK || said.out != "learning_centre is defined\n" {
		t.Fatalf("%+v", said)
	}
	register := func(name, badge string) string {
		return s.send("hr", "POST", "/v1/people", map[string]any{"legal_name": name, "badge": badge}).expect(201)["work_id"].(string)
	}
	tutor, student := register("Ada Example", "T-3"), register("Ben Example", "S-17")
	visit := func(badge, at, direction string, more map[string]any) map[string]any {
		body := map[string]any{"badge": badge, "occurred_at": at, "zone": "Asia/Manila", "direction": direction, "station": "kiosk-1", "kind": "visit"}
		for key, value := range more {
			body[key] = value
		}
		return body
	}
	calculus := map[string]any{"reason": "calculus"}
	s.send("hr", "POST", "/v1/punches", visit("T-3", "2026-03-02T08:00:00+08:00", "in", map[string]any{"kind": "normal"})).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("T-3", "2026-03-02T09:00:00+08:00", "in", calculus)).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("S-17", "2026-03-02T09:05:00+08:00", "in", calculus)).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("T-3", "2026-03-02T10:00:00+08:00", "out", nil)).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("S-17", "2026-03-02T10:20:00+08:00", "out", nil)).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("T-3", "2026-03-02T12:00:00+08:00", "out", map[string]any{"kind": "normal"})).expect(201)
	s.send("hr", "POST", "/v1/punches", visit("S-17", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "in", map[string]any{"reason": "latin"})).expect(201)
	if refused := s.send("hr", "POST", "/v1/punches", visit("S-18", "2026-03-02T09:05:00+08:00", "in", nil)); refused.status != 422 || !strings.Contains(string(refused.body), "unknown_badge") || strings.Contains(string(refused.body), "S-18") {
		t.Errorf("a card that nobody has: %d %s", refused.status, refused.body)
	}

	march := []string{"query", "visits", "--from", "2026-03-02", "--to", "2026-03-02", "--json"}
	want := []visitSaid{
		{WorkID: tutor, State: "ended", Site: "learning_centre", Reason: "calculus", Date: "2026-03-02", Seconds: 3600},
		{WorkID: student, State: "ended", Site: "learning_centre", Reason: "calculus", Date: "2026-03-02", Seconds: 4500},
	}
	byWork := func(a, b visitSaid) bool { return a.WorkID < b.WorkID }
	if diff := cmp.Diff(want, rows[visitSaid](o.says(march...), t), cmpopts.SortSlices(byWork)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1:], rows[visitSaid](o.says(append(march, "--person", "ben")...), t)); diff != "" {
		t.Error(diff)
	}
	if elsewhere := rows[visitSaid](o.says(append(march, "--site", "annex")...), t); len(elsewhere) > 0 {
		t.Errorf("elsewhere: %+v", elsewhere)
	}
	counted := o.says(append(march, "--count")...)
	if diff := cmp.Diff([]visitSaid{{Site: "learning_centre", Reason: "calculus", Date: "2026-03-02", Visits: 2, Visitors: 2, Seconds: 8100}}, rows[visitSaid](counted, t)); diff != "" || strings.Contains(counted.out, "Example") || strings.Contains(counted.out, student) {
		t.Errorf("%s\n%s", diff, counted.out)
	}
	listed := s.send("hr", "GET", "/v1/visits?from=2026-03-02&to=2026-03-02&work_id="+student, nil).expect(200)["visits"].([]any)
	if len(listed) != 1 || listed[0].(map[string]any)["seconds"] != 4500.0 || listed[0].(map[string]any)["name"].(map[string]any)["value"] != "Ben Example" {
		t.Errorf("by the API: %v", listed)
	}
	o.workedApart(s, tutor, student)
	here := rows[visitSaid](o.says("query", "visits", "--here", "--json"), t)
	if len(here) != 1 || here[0].WorkID != student || here[0].State != "here" || here[0].Reason != "latin" || here[0].Seconds < 3600 {
		t.Errorf("here: %+v", here)
	}
	o.pointsShown(s, student)
	o.sitesListed(s)
}

// workedApart looks for the visits where work is told of: they interrupt no work, and
// are none.
func (o office) workedApart(s *served, tutor, student string) {
	o.t.Helper()
	type dayed struct {
		Seconds int64 `json:"total_seconds"`
		Days    []struct {
			Intervals  []any
			Exceptions []any
		}
	}
	for work, seconds := range map[string]int64{tutor: 4 * 3600, student: 0} {
		var got dayed
		now := time.Now().UTC()
		for _, days := range [][2]string{{"2026-03-01", "2026-03-03"}, {now.AddDate(0, 0, -1).Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)}} {
			if err := json.Unmarshal(s.send("hr", "GET", "/v1/hours?from="+days[0]+"&to="+days[1]+"&work_id="+work, nil).body, &got); err != nil {
				o.t.Fatal(err)
			}
			if days[0] != "2026-03-01" {
				seconds = 0
			}
			if got.Seconds != seconds || seconds > 0 && (len(got.Days) != 1 || len(got.Days[0].Intervals) != 1) || len(got.Days) > 0 && len(got.Days[0].Exceptions) > 0 {
				o.t.Errorf("%s worked %+v, want %d seconds", days, got, seconds)
			}
			got = dayed{}
		}
	}
	if present := s.send("hr", "GET", "/v1/presence", nil).expect(200)["present"].([]any); len(present) != 0 {
		o.t.Errorf("a visitor is at work: %v", present)
	}
}

// pointsShown keeps a point of somebody and shows it to them.
func (o office) pointsShown(s *served, work string) {
	o.t.Helper()
	at := time.Now().UTC()
	s.send("hr", "POST", "/v1/consents", map[string]any{"work_id": work, "purpose": "location", "notice_version": "1", "language": "en", "method": "app"}).expect(201)
	s.send("hr", "POST", "/v1/punches", map[string]any{
		"work_id": work, "occurred_at": at.Add(time.Second).Format(time.RFC3339Nano), "zone": "Asia/Manila", "direction": "out", "station": "kiosk-1", "kind": "visit",
		"location": map[string]any{"latitude": 14.6, "longitude": 120.9842, "accuracy_metres": 9},
	}).expect(201)
	type pointSaid struct {
		Purpose, Site string
		Latitude      struct{ State, Value string }
		Fence         struct{ Verdict string }
	}
	points := rows[pointSaid](o.says("history", "ben", "--locations", "--json"), o.t)
	if len(points) != 1 || points[0].Purpose != "location" || points[0].Latitude.Value != "14.6" || points[0].Fence.Verdict != "inside" || points[0].Site != "learning_centre" {
		o.t.Errorf("%+v", points)
	}
	if table := o.says("history", "ben", "--locations", "--limit", "1").ok(o.t).out; !strings.Contains(table, "inside 0 m") {
		o.t.Errorf("%s", table)
	}
}

// promise: RR-51
func TestWhetherSomebodyIsOfAgeIsToldWithoutTheirBirthDate(t *testing.T) {
	s := serveFolder(t)
	o := office{t: t, data: s.data}
	people := map[string]string{}
	for name, born := range map[string]string{"Ada": "2008-03-02", "Ben": "2008-03-03", "Cleo": "", "Dan": "1949-12-31"} {
		body := map[string]any{"legal_name": name + " Example"}
		if born != "" {
			body["birth_date"] = born
		}
		people[s.send("hr", "POST", "/v1/people", body).expect(201)["person_id"].(string)] = name
	}
	type ageSaid struct {
		Person string `json:"person_id"`
		Over   string `json:"over"`
		Years  int    `json:"years"`
	}
	got := map[string]string{}
	said := o.says("query", "people", "--over", "18", "--on", "2026-03-02", "--json")
	for _, row := range rows[ageSaid](said, t) {
		got[people[row.Person]] = row.Over
		if row.Years != 18 {
			t.Errorf("%+v", row)
		}
	}
	if diff := cmp.Diff(map[string]string{"Ada": "yes", "Ben": "no", "Cleo": "unknown", "Dan": "yes"}, got); diff != "" {
		t.Error(diff)
	}
	table := o.says("query", "people", "--over", "18", "--on", "2026-03-02").ok(t).out
	for _, born := range []string{"2008", "1949", "birth"} {
		if strings.Contains(said.out+table, born) {
			t.Errorf("the birth date is shown:\n%s\n%s", said.out, table)
		}
	}
	for person, name := range people {
		list := o.says("readings", person, "--json").ok(t).out
		if read := strings.Contains(list, "identity.birth_date"); read != (name != "Cleo") || !strings.Contains(list, "query-people-over") {
			t.Errorf("of %s it is on record that the birth date was read: %v\n%s", name, read, list)
		}
	}
	if wrong := o.says("query", "people", "--on", "2026-03-02"); wrong.code != exitUsage {
		t.Errorf("%+v", wrong)
	}
}

// sitesListed goes through what is said about sites, by the command and by the API.
func (o office) sitesListed(s *served) {
	o.t.Helper()
	o.says("sites", "define", "--site", "annex", "--zone", "Asia/Manila", "--officer", o.first).ok(o.t)
	if said := o.says("sites", "change", "--site", "annex", "--station", "kiosk-1", "--officer", o.first); said.code != exitFailed || !strings.Contains(said.err, "belongs to another site") {
		o.t.Errorf("%+v", said)
	}
	if said := o.says("sites", "change", "--site", "annex", "--radius", "100", "--officer", o.first); said.code != exitUsage {
		o.t.Errorf("a fence without a centre: %+v", said)
	}
	if said := o.says("sites", "define", "--site", "attic", "--zone", "Asia/Manila", "--centre", "NaN,0", "--radius", "100", "--officer", o.first); said.code != exitUsage {
		o.t.Errorf("a centre that is nowhere: %+v", said)
	}
	o.says("sites", "close", "--site", "annex", "--officer", o.first).ok(o.t)
	type siteSaid struct {
		Site  string
		Fence struct {
			Latitude, Longitude float64
			Radius              int `json:"radius_metres"`
		}
		Stations []string
		Closed   string `json:"closed_at"`
	}
	listed := rows[siteSaid](o.says("sites", "list", "--all", "--json"), o.t)
	if len(listed) != 2 || listed[0].Site != "annex" || listed[0].Closed == "" || listed[1].Fence.Latitude != 14.5995 || listed[1].Fence.Radius != 150 || listed[1].Stations[0] != "kiosk-1" {
		o.t.Errorf("%+v", listed)
	}
	if table := o.says("sites", "list").ok(o.t).out; strings.Contains(table, "annex") || !strings.Contains(table, "14.5995,120.9842") {
		o.t.Errorf("%s", table)
	}
	s.position = ""
	open := s.send("hr", "GET", "/v1/sites", nil).expect(200)["sites"].([]any)
	if len(open) != 1 || open[0].(map[string]any)["site"] != "learning_centre" {
		o.t.Errorf("%v", open)
	}
}
