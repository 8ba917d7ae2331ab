package assignment_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// there is a span of minutes after the start of the shift; until -1 is not over.
func there(from, until int) assignment.Presence {
	p := assignment.Presence{WorkID: ada, Start: start.Add(time.Duration(from) * time.Minute), End: start.Add(time.Duration(until) * time.Minute)}
	if until < 0 {
		p.End = time.Time{}
	}
	return p
}

// The shift of the table is 480 minutes long; now is a minute of it too.
//
// promise: OT-34
func TestHowSomebodyCameToAShift(t *testing.T) {
	duty := assignment.Duty{ShiftID: shiftID, WorkID: ada, Start: start, End: end}
	for rule, c := range map[string]struct {
		worked      []assignment.Presence
		now         int
		want        eventschema.Attendance
		late, early int
		minutes     int
	}{
		"on time":                                   {[]assignment.Presence{there(-10, 480)}, 600, eventschema.AttendanceOnTime, 0, 0, 480},
		"within the grace at both ends":             {[]assignment.Presence{there(5, 475)}, 600, eventschema.AttendanceOnTime, 5, 5, 470},
		"six minutes late":                          {[]assignment.Presence{there(6, 480)}, 600, eventschema.AttendanceLate, 6, 0, 474},
		"away before the end":                       {[]assignment.Presence{there(0, 470)}, 600, eventschema.AttendanceEarlyLeave, 0, 10, 470},
		"late and away":                             {[]assignment.Presence{there(60, 470)}, 600, eventschema.AttendanceLateEarly, 60, 10, 410},
		"a break in between":                        {[]assignment.Presence{there(270, 480), there(0, 240)}, 600, eventschema.AttendanceOnTime, 0, 0, 450},
		"nobody came":                               {nil, 600, eventschema.AttendanceNoShow, 0, 0, 0},
		"nobody has come yet":                       {nil, 479, eventschema.AttendancePending, 0, 0, 0},
		"still there":                               {[]assignment.Presence{there(0, -1)}, 100, eventschema.AttendancePending, 0, 0, 100},
		"still there after the end":                 {[]assignment.Presence{there(0, -1)}, 500, eventschema.AttendanceOnTime, 0, 0, 480},
		"late is known before the shift is over":    {[]assignment.Presence{there(10, -1)}, 100, eventschema.AttendanceLate, 10, 0, 90},
		"away is not known before":                  {[]assignment.Presence{there(0, 90)}, 100, eventschema.AttendancePending, 0, 0, 90},
		"time that was punched twice counts once":   {[]assignment.Presence{there(0, 300), there(100, 480)}, 600, eventschema.AttendanceOnTime, 0, 0, 480},
		"who came after it has no part in it":       {[]assignment.Presence{there(480, 600)}, 600, eventschema.AttendanceNoShow, 0, 0, 0},
		"who works two shifts need not punch twice": {[]assignment.Presence{there(-240, 720)}, 800, eventschema.AttendanceOnTime, 0, 0, 480},
	} {
		marks := assignment.DefaultGrace().Attend([]assignment.Duty{duty}, c.worked, start.Add(time.Duration(c.now)*time.Minute))
		var got *assignment.Mark
		for i := range marks {
			if marks[i].ShiftID == shiftID {
				got = &marks[i]
			}
		}
		if got == nil {
			t.Fatalf("%s: no mark", rule)
		}
		if got.Attendance != c.want || got.Late != time.Duration(c.late)*time.Minute || got.EarlyLeave != time.Duration(c.early)*time.Minute ||
			got.Worked != time.Duration(c.minutes)*time.Minute || got.GraceVersion != 1 {
			t.Errorf("%s: %+v, want %+v", rule, *got, c)
		}
	}
}

func TestWorkWithoutAShiftIsUnscheduled(t *testing.T) {
	duty := assignment.Duty{ShiftID: shiftID, WorkID: bob, Start: start, End: end}
	marks := assignment.DefaultGrace().Attend([]assignment.Duty{duty}, []assignment.Presence{there(0, 60)}, end)
	want := []assignment.Mark{
		{WorkID: ada, Start: start, End: start.Add(time.Hour), Arrived: start, Left: start.Add(time.Hour), Attendance: eventschema.AttendanceUnscheduled, Worked: time.Hour, GraceVersion: 1},
		{WorkID: bob, ShiftID: shiftID, Start: start, End: end, Attendance: eventschema.AttendanceNoShow, GraceVersion: 1},
	}
	if diff := cmp.Diff(want, marks); diff != "" {
		t.Error(diff)
	}
}

// Every place has exactly one mark, all time worked is in some mark, and the order
// of what is given changes nothing.
func TestAttendanceLosesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var duties []assignment.Duty
		var worked []assignment.Presence
		for i := range rapid.IntRange(0, 5).Draw(t, "duties") {
			from := start.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "from")) * time.Hour)
			duties = append(duties, assignment.Duty{ShiftID: numbered(i), WorkID: numbered(rapid.IntRange(0, 2).Draw(t, "who")), Start: from, End: from.Add(4 * time.Hour)})
		}
		for range rapid.IntRange(0, 6).Draw(t, "worked") {
			from := start.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "in")) * time.Hour)
			worked = append(worked, assignment.Presence{WorkID: numbered(rapid.IntRange(0, 2).Draw(t, "who")), Start: from, End: from.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "hours")) * time.Hour)})
		}
		now := start.Add(100 * time.Hour)
		marks := assignment.DefaultGrace().Attend(duties, worked, now)
		places := 0
		for _, m := range marks {
			if m.Attendance != eventschema.AttendanceUnscheduled {
				places++
			}
			if m.Worked > m.End.Sub(m.Start) || m.Worked < 0 {
				t.Fatalf("%s worked in %s", m.Worked, m.End.Sub(m.Start))
			}
		}
		if places != len(duties) {
			t.Fatalf("%d marks for %d places", places, len(duties))
		}
		for _, p := range worked {
			found := false
			for _, m := range marks {
				found = found || m.WorkID == p.WorkID && m.Start.Before(p.End) && p.Start.Before(m.End)
			}
			if !found {
				t.Fatal("time worked is in no mark")
			}
		}
		again := assignment.DefaultGrace().Attend(rapid.Permutation(duties).Draw(t, "duties again"), rapid.Permutation(worked).Draw(t, "worked again"), now)
		if diff := cmp.Diff(marks, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
