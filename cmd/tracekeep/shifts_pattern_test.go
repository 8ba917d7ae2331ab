package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/assignment"
)

// moved reschedules a shift of two people: one keeps the place, the other has a shift at
// the new time and is taken off and named. What was offered for the old time is over.
func (p planner) moved(start time.Time) {
	t, end := p.t, start.Add(4*time.Hour)
	shift, other := p.plan("duty", "agency", start, end, 3), p.plan("detail", "customer_0042", start.Add(24*time.Hour), start.Add(28*time.Hour), 1)
	for _, work := range []string{p.ada, p.bob} {
		p.shifts("assign", "--shift", shift, "--work", work, "--officer", p.first).ok(t)
	}
	p.shifts("assign", "--shift", other, "--work", p.bob, "--officer", p.first).ok(t)
	p.shifts("offer", "--shift", shift, "--strategy", "release_to_all", "--candidate", p.eve, "--respond-by", start.Add(-time.Hour).Format(time.RFC3339), "--officer", p.first).ok(t)
	move := func(from time.Time, more ...string) answer {
		return p.shifts(append([]string{"reschedule", "--shift", shift, "--zone", "Asia/Manila", "--start", from.Format(assignment.LocalLayout),
			"--end", from.Add(4 * time.Hour).Format(assignment.LocalLayout), "--officer", p.first, "--json"}, more...)...)
	}
	if early := move(p.now.Add(-time.Hour)); early.code != exitFailed || !strings.Contains(early.err, "has not begun") {
		t.Errorf("moved into the past: %+v", early)
	}
	done := move(start.Add(25*time.Hour)).ok(t, exitRejected)
	if !strings.Contains(done.err, p.bob+" is taken off: double_booked, against shift "+other) || strings.Contains(done.err, p.ada) {
		t.Errorf("said of who cannot have it: %s", done.err)
	}
	said := rosterSaid{}
	done.last(t, &said)
	if said.state(p.ada) != "assigned" || said.state(p.bob) != "unassigned" || said.state(p.eve) != "" || said.Assigned != 1 || said.State != "planned" {
		t.Errorf("moved: %+v", said)
	}
	p.refused("was not offered", "accept", "--shift", shift, "--work", p.eve)
	if again := move(start.Add(25 * time.Hour)); again.code != exitOK {
		t.Errorf("moved to where it is: %+v", again)
	}
	blocked := p.plan("detail", "customer_0042", start.Add(26*time.Hour), start.Add(27*time.Hour), 1)
	p.refused("double_booked", "assign", "--shift", blocked, "--work", p.ada, "--officer", p.first)
}

// repeated plans a weekly pattern across a change of the clocks.
func (p planner) repeated() {
	t := p.t
	planned := p.shifts("plan", "--kind", "duty", "--employer", "agency", "--site", "night_st", "--zone", "America/New_York", "--start", "2025-03-07 23:00", "--end", "2025-03-08 07:00",
		"--repeat", "fri,sat,sun", "--until", "2025-03-09", "--officer", p.first, "--json").ok(t)
	var lengths []time.Duration
	for line := range strings.Lines(planned.out) {
		var one struct {
			Starts time.Time `json:"starts_at"`
			Ends   time.Time `json:"ends_at"`
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, one.Ends.Sub(one.Starts))
	}
	if fmt.Sprint(lengths) != "[8h0m0s 7h0m0s 8h0m0s]" {
		t.Errorf("the nights around the change are %v long", lengths)
	}
	if gap := p.shifts("plan", "--kind", "duty", "--employer", "agency", "--site", "night_st", "--zone", "America/New_York", "--start", "2025-03-09 02:30", "--end", "2025-03-09 07:00", "--officer", p.first); gap.code != exitUsage || !strings.Contains(gap.err, "did not exist") {
		t.Errorf("a start that never was: %+v", gap)
	}
	for rule, c := range map[string]struct {
		end, says string
		more      []string
	}{
		"two nights at once":         {"2025-03-09 07:00", "within 24 hours", []string{"--repeat", "fri", "--until", "2025-03-09"}},
		"an end before the start":    {"2025-03-07 07:00", "within 24 hours", []string{"--repeat", "fri", "--until", "2025-03-09"}},
		"a last day of one shift":    {"2025-03-08 07:00", "--repeat", []string{"--until", "2025-03-09"}},
		"a pattern without last day": {"2025-03-08 07:00", "--until", []string{"--repeat", "fri"}},
	} {
		args := append([]string{"plan", "--kind", "duty", "--employer", "agency", "--site", "day_st", "--zone", "America/New_York", "--start", "2025-03-07 23:00", "--end", c.end, "--officer", p.first}, c.more...)
		if a := p.shifts(args...); a.code != exitUsage || !strings.Contains(a.err, c.says) {
			t.Errorf("%s: %+v", rule, a)
		}
	}
	if a := p.says("roster", "--from", "2025-03-09", "--to", "2025-03-07"); a.code != exitUsage || !strings.Contains(a.err, "lies before") {
		t.Errorf("days in the wrong order: %+v", a)
	}
	if text := p.says("roster", "--from", "2025-03-07", "--to", "2025-03-09", "--zone", "America/New_York", "--site", "night_st").ok(t).out; strings.Count(text, "night_st") != 3 {
		t.Errorf("the roster is\n%s", text)
	}
}

// followed leaves a day out of a weekly pattern, moves one shift with all that follow,
// across a change of the clocks, and calls the last ones off.
func (p planner) followed() {
	t := p.t
	plan := []string{"plan", "--kind", "duty", "--employer", "agency", "--site", "week_st", "--zone", "America/New_York", "--start", "2025-03-07 23:00", "--end", "2025-03-08 07:00",
		"--repeat", "fri,sat,sun", "--until", "2025-03-16", "--officer", p.first, "--json"}
	if a := p.shifts(append(plan, "--except", "2025-03-13")...); a.code != exitUsage || !strings.Contains(a.err, "would not come back on that day") {
		t.Errorf("a day that is none of the pattern: %+v", a)
	}
	var ids []string
	for _, s := range p.shifts(append(plan, "--except", "2025-03-14")...).ok(t).objects(t) {
		ids = append(ids, fmt.Sprint(s["shift"]))
	}
	if len(ids) != 5 {
		t.Fatalf("planned %v", ids)
	}
	p.shifts("assign", "--shift", ids[2], "--work", p.eve, "--officer", p.first).ok(t)
	at := []string{"--zone", "America/New_York", "--start", "2025-03-08 22:00", "--end", "2025-03-09 06:00", "--officer", p.first}
	p.shifts(append([]string{"reschedule", "--following", "--shift", ids[1]}, at...)...).ok(t)
	p.shifts("cancel", "--following", "--shift", ids[3], "--reason", "contract_ended", "--officer", p.first).ok(t)
	var got []string
	for _, s := range p.says("roster", "--from", "2025-03-07", "--to", "2025-03-17", "--zone", "America/New_York", "--site", "week_st", "--json").ok(t).objects(t) {
		from, errFrom := time.Parse(time.RFC3339, fmt.Sprint(s["starts_at"]))
		to, errTo := time.Parse(time.RFC3339, fmt.Sprint(s["ends_at"]))
		if err := cmp.Or(errFrom, errTo); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(s["starts_local"], " ", to.Sub(from), " ", s["state"]))
	}
	want := []string{"2025-03-07 23:00 8h0m0s planned", "2025-03-08 22:00 7h0m0s planned", "2025-03-09 22:00 8h0m0s filled", "2025-03-15 22:00 8h0m0s cancelled", "2025-03-16 22:00 8h0m0s cancelled"}
	if !slices.Equal(got, want) {
		t.Errorf("the pattern is now\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	alone := p.plan("duty", "agency", time.Date(2025, 4, 1, 9, 0, 0, 0, time.UTC), time.Date(2025, 4, 1, 17, 0, 0, 0, time.UTC), 1)
	if a := p.shifts("cancel", "--following", "--shift", alone, "--reason", "weather"); a.code != exitUsage || !strings.Contains(a.err, "no weekly pattern") {
		t.Errorf("what follows a shift of its own: %+v", a)
	}
}

// explained wants that an award says whom it considered and why the one has it.
func (p planner) explained(auction string) {
	t := p.t
	text := p.shifts("explain", "--shift", auction).ok(t).out
	for _, want := range []string{"shift-offered", "by bidding, limits version 1, to 2 people", p.bob + ": 11 points", p.bob + " by bidding, rank 1", "points 11, bid_at 2", "points 10, bid_at 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the explanation does not say %q:\n%s", want, text)
		}
	}
	steps := p.shifts("explain", "--shift", auction, "--json").ok(t).objects(t)
	last := steps[len(steps)-1]
	if facts, _ := last["facts"].(map[string]any); last["type"] != "shift-assigned" || len(facts["standings"].([]any)) != 2 || facts["rank"] != 1.0 {
		t.Errorf("the award is %v", last)
	}
	p.refused("there is no such shift", "explain", "--shift", uuid.NewString())
}
