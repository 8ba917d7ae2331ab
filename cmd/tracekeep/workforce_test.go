package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// shift plans a shift of 2026 by the clock of Berlin for the person at the desk, long before.
func (d *desk) shift(kind eventschema.ShiftKind, employer, site, start, end string) uuid.UUID {
	d.t.Helper()
	times, _, err := timesBetween("Europe/Berlin", start, end)
	if err != nil {
		d.t.Fatal(err)
	}
	before := time.Date(2026, 2, 20, 9, 0, 0, 0, time.UTC)
	_, id, err := d.a.PlanShift(d.t.Context(), d.intent(), assignment.Plan{Kind: kind, Employer: employer, Site: site, Times: times, Headcount: 1, PlannedAt: before})
	if err != nil {
		d.t.Fatal(err)
	}
	intent := d.intent()
	_, err = d.a.AdvanceShift(d.t.Context(), intent, id, []httpapi.Known{{WorkID: d.person.WorkID}}, func(c []assignment.Candidate) assignment.Command {
		return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: c[0], AssignedAt: before, AssignedBy: intent.Principal.ID}
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// only answers the one object that a question has.
func (d *desk) only(args ...string) map[string]any {
	d.t.Helper()
	all := d.run(append(args, "--json")...).objects(d.t)
	if len(all) != 1 {
		d.t.Fatalf("%v: %d answers, want 1: %v", args, len(all), all)
	}
	return all[0]
}

// says compares members of an object.
func says(t *testing.T, what string, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if fmt.Sprint(got[name]) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v", what, name, got[name], value)
		}
	}
}

// A week is worked on three shifts and without one, one punch is moved, one is taken
// out, one is missing. HR asks every question about it, at moments of the week and
// after it.
//
// promise: ST-17
// promise: ST-21
// promise: OT-36
// promise: OT-38
func TestHRIsToldWhatWasWorkedPlannedAndIsLeft(t *testing.T) {
	atDesk(t, func(d *desk) {
		work := d.person.WorkID.String()
		var first uuid.UUID
		for _, day := range []string{"2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"} {
			d.punch(day+"T08:00:00+01:00", eventschema.DirectionIn)
			out := d.punch(day+"T18:00:00+01:00", eventschema.DirectionOut)
			if first == uuid.Nil {
				first = out
			}
		}
		d.correct(first, "2026-03-02T18:30:00+01:00", eventschema.DirectionOut, eventschema.ReasonWrongTime)
		stray := d.punch("2026-03-06T12:00:00+01:00", eventschema.DirectionOut)
		d.correct(stray, "", "", eventschema.ReasonNotThisPunch)
		d.punch("2026-03-07T08:00:00+01:00", eventschema.DirectionIn) // and no out
		d.shift(eventschema.ShiftDuty, "agency", "gate_st", "2026-03-02 08:00", "2026-03-02 16:00")
		d.shift(eventschema.ShiftDuty, "agency", "gate_st", "2026-03-03 08:30", "2026-03-03 16:30")
		d.shift(eventschema.ShiftDetail, "customer_0042", "harbor_st", "2026-03-05 08:00", "2026-03-05 16:00")
		d.shift(eventschema.ShiftTask, "agency", "stock_st", "2026-03-02 09:00", "2026-03-20 16:00")
		d.board(work)
		d.limits(work)
		d.card(work, first, stray)

		history := d.only("query", "history", "--person", "ada")
		says(t, "the history", history, map[string]any{"work_id": work, "total_seconds": 40.5 * 3600, "months": "[map[days:4 month:2026-03 seconds:145800 time:40:30]]"})
		jobs := fmt.Sprint(history["jobs"])
		for _, job := range []string{
			"employer:agency kind:duty planned_minutes:960 shifts:2 site:gate_st worked_minutes:960", "employer:customer_0042 kind:detail planned_minutes:480 shifts:1 site:harbor_st worked_minutes:480",
			"employer:agency kind:task planned_minutes:0 shifts:1 site:stock_st worked_minutes:0",
		} {
			if !strings.Contains(jobs, job) {
				t.Errorf("the jobs are %s, want %s", jobs, job)
			}
		}
		if shifts := history["shifts"].([]any); len(shifts) != 4 || shifts[0].(map[string]any)["attendance"] != "on_time" {
			t.Errorf("the shifts are %v", shifts)
		}
		if text := d.run("query", "history", "--person", "ada").out; !strings.Contains(text, "40:30") || !strings.Contains(text, "harbor_st") || !strings.Contains(text, "Ada Example") {
			t.Errorf("the history is\n%s", text)
		}
	})
}

// board asks who is where.
func (d *desk) board(work string) {
	at := func(moment string) map[string]any { return d.only("query", "board", "--as-of", moment) }
	says(d.t, "while the shift lasts", at("2026-03-05T14:00:00+01:00"), map[string]any{
		"work_id": work, "site": "harbor_st", "ends_at": "2026-03-05T15:00:00Z", "since": "2026-03-05T07:00:00Z", "overdue": nil,
	})
	says(d.t, "within the grace", at("2026-03-05T16:05:00+01:00"), map[string]any{"overdue": nil})
	says(d.t, "when the shift and the grace are over", at("2026-03-05T16:06:00+01:00"), map[string]any{"site": "harbor_st", "overdue": "shift_ended"})
	says(d.t, "on no shift", at("2026-03-04T17:00:00+01:00"), map[string]any{"shift_id": nil, "overdue": nil})
	says(d.t, "on no shift for long", at("2026-03-07T20:30:00+01:00"), map[string]any{"overdue": "long_presence"})
	text := d.run("query", "board", "--as-of", "2026-03-05T16:06:00+01:00").out
	for _, want := range []string{"1 in at 2026-03-05T15:06:00Z, 1 overdue", "Ada Example", "gate-1", "harbor_st"} {
		if !strings.Contains(text, want) {
			d.t.Errorf("the board does not show %s:\n%s", want, text)
		}
	}
	if elsewhere := d.run("query", "board", "--as-of", "2026-03-05T14:00:00+01:00", "--site", "gate_st", "--json").out; elsewhere != "" {
		d.t.Errorf("at another site: %s", elsewhere)
	}
}

// limits asks what is left of the week and of the caps.
func (d *desk) limits(work string) {
	overtime := func(more ...string) map[string]any {
		return d.only(append([]string{"query", "overtime", "--rules", "flsa", "--zone", "Europe/Berlin", "--all"}, more...)...)
	}
	says(d.t, "on Wednesday evening", overtime("--as-of", "2026-03-04T20:00:00+01:00"), map[string]any{"state": "under", "worked_seconds": 30.5 * 3600, "left_seconds": 9.5 * 3600, "running_seconds": 0})
	says(d.t, "on Thursday at two, at work", overtime("--as-of", "2026-03-05T14:00:00+01:00"), map[string]any{
		"work_id": work, "state": "near", "worked_seconds": 36.5 * 3600, "left_seconds": 3.5 * 3600, "running_seconds": 6 * 3600,
	})
	says(d.t, "when the week is over", overtime("--on", "2026-03-04"), map[string]any{"state": "over", "regular_seconds": 40 * 3600, "overtime_seconds": 1800, "left_seconds": 0})
	if nobody := d.run("query", "overtime", "--rules", "flsa", "--zone", "Europe/Berlin", "--as-of", "2026-03-03T20:00:00+01:00", "--json").out; nobody != "" {
		d.t.Errorf("who is neither near nor over is listed: %s", nobody)
	}
	caps := d.only("query", "caps", "--zone", "Europe/Berlin", "--on", "2026-03-05")["caps"].([]any)
	if len(caps) != 2 {
		d.t.Fatalf("%v", caps)
	}
	says(d.t, "the cap of the day", caps[0].(map[string]any), map[string]any{"span": "day", "minutes": 480, "most_minutes": 960, "left_minutes": 480, "shifts": 1, "left_shifts": 2})
	says(d.t, "the cap of the week", caps[1].(map[string]any), map[string]any{
		"span": "week", "starts_at": "2026-03-01T23:00:00Z", "minutes": 1440, "most_minutes": 5400, "left_minutes": 3960, "shifts": 3, "most_shifts": 14, "left_shifts": 11,
	})
	if text := d.run("query", "caps", "--zone", "Europe/Berlin", "--on", "2026-03-05").out; !strings.Contains(text, "66:00") {
		d.t.Errorf("the caps are\n%s", text)
	}
}

// card asks for exceptions and the time card, before and after the week is locked.
func (d *desk) card(work string, moved, stray uuid.UUID) {
	t := d.t
	found := d.only("query", "exceptions", "--from", "2026-03-01", "--to", "2026-03-07", "--severity", "high")
	says(t, "the exception", found, map[string]any{"work_id": work, "code": "missing_out", "severity": "high", "timetrex": "M2", "station": "gate-1", "work_date": "2026-03-07", "grace_seconds": 16 * 3600})
	for rule, more := range map[string][]string{"at another station": {"--station", "gate-2"}, "before it": {"--as-of", "2026-03-07T12:00:00+01:00"}} {
		if none := d.run(append([]string{"query", "exceptions", "--from", "2026-03-01", "--to", "2026-03-07", "--severity", "high", "--json"}, more...)...).out; none != "" {
			t.Errorf("%s: %s", rule, none)
		}
	}
	_, _, err := d.a.AskCorrection(t.Context(), d.intent(), timecard.AskCorrection{PunchID: moved, Void: true, Reason: eventschema.ReasonOther, RequestedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	timecard := func(to string) map[string]any {
		return d.only("query", "timecard", "--person", "ada", "--from", "2026-03-01", "--to", to, "--rules", "flsa", "--zone", "Europe/Berlin")
	}
	card := timecard("2026-03-07")
	says(t, "the card", card, map[string]any{"work_id": work, "state": "open", "total_seconds": 40.5 * 3600, "locked": "[]"})
	says(t, "what is owed", card["owed"].(map[string]any)["time"].(map[string]any), map[string]any{"regular_seconds": 40 * 3600, "overtime_seconds": 1800})
	if requests := card["requests"].([]any); len(requests) != 1 || requests[0].(map[string]any)["punch_id"] != moved.String() {
		t.Errorf("the requests are %v", requests)
	}
	corrections := card["corrections"].([]any)
	if len(corrections) != 2 {
		t.Fatalf("the corrections are %v", corrections)
	}
	for i, want := range []map[string]any{
		{"punch_id": moved, "recorded": "map[at:2026-03-02T18:00:00+01:00 direction:out kind:normal]", "counts": "map[at:2026-03-02T18:30:00+01:00 direction:out kind:normal]", "void": false},
		{"punch_id": stray, "recorded": "map[at:2026-03-06T12:00:00+01:00 direction:out kind:normal]", "counts": nil, "void": true},
	} {
		says(t, "a corrected punch", corrections[i].(map[string]any), want)
	}
	d.run("periods", "lock", "--officer", uuid.NewString(), "--rules", "flsa", "--zone", "Europe/Berlin", "--from", "2026-03-01", "--to", "2026-03-07", "--despite-findings")
	locked := timecard("2026-03-07")
	says(t, "the locked card", locked, map[string]any{"state": "locked"})
	says(t, "what was paid", locked["locked"].([]any)[0].(map[string]any)["paid"].(map[string]any), map[string]any{"regular_seconds": 40 * 3600, "overtime_seconds": 1800})
	says(t, "a card that goes on", timecard("2026-03-08"), map[string]any{"state": "partly_locked"})
	text := d.run("query", "timecard", "--person", work, "--from", "2026-03-01", "--to", "2026-03-07").out
	for _, want := range []string{"40:30 worked, locked", "missing_out", "M2", "out 2026-03-02T18:30:00+01:00", "nothing", "2026-03-01/2026-03-07"} {
		if !strings.Contains(text, want) {
			t.Errorf("the card does not show %s:\n%s", want, text)
		}
	}
}
