package course_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tracekeep/domain/course"
	"tracekeep/eventschema"
)

func TestWhatCountsAsAttended(t *testing.T) {
	type mark struct {
		state     eventschema.MarkState
		late      int
		cancelled bool
	}
	term := []mark{{state: "present"}, {state: "present"}, {state: "late", late: 5}, {state: "late", late: 20}, {state: "absent"}, {state: "excused"}, {}, {state: "absent", cancelled: true}}
	figures := course.Attendance{Sessions: 7, Cancelled: 1, NotMarked: 1, Present: 2, Late: 2, LateMinutes: 25, Absent: 1, Excused: 1}
	for rule, c := range map[string]struct {
		counting                  course.Counting
		tooLate, attended, missed int
		perMille                  int
	}{
		"late is attended, leave is left out":     {course.DefaultCounting(), 0, 4, 1, 800},
		"whoever is too late missed it":           {course.Counting{Version: 2, Excused: course.CountedLeftOut, MissedFrom: 20 * time.Minute}, 1, 3, 2, 600},
		"leave counts for":                        {course.Counting{Version: 3, Excused: course.CountedAttended}, 0, 5, 1, 833},
		"leave counts against":                    {course.Counting{Version: 4, Excused: course.CountedMissed}, 0, 4, 2, 667},
		"a minute before it is too late is there": {course.Counting{Version: 5, Excused: course.CountedLeftOut, MissedFrom: 21 * time.Minute}, 0, 4, 1, 800},
	} {
		want := figures
		want.TooLate, want.Attended, want.Missed = c.tooLate, c.attended, c.missed
		var got course.Attendance
		for _, m := range term {
			got = c.counting.Add(got, m.cancelled, m.state, m.late)
		}
		if share, counts := got.PerMille(); got != want || share != c.perMille || !counts || c.counting.Validate() != nil {
			t.Errorf("%s: %+v, %d per mille; want %+v, %d", rule, got, share, want, c.perMille)
		}
	}
	if _, counts := course.DefaultCounting().Add(course.Attendance{}, false, eventschema.MarkExcused, 0).PerMille(); counts {
		t.Error("a share of nothing")
	}
	for _, bad := range []course.Counting{{}, {Version: 1}, {Version: 1, Excused: "half"}, {Version: 1, Excused: course.CountedMissed, MissedFrom: -1}} {
		if err := bad.Validate(); !errors.Is(err, course.ErrCounting) {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// Every session is in exactly one figure, and what is attended and missed is explained
// by them.
func TestTheFiguresOfAttendanceExplainTheShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counting := course.Counting{
			Version: 1, Excused: rapid.SampledFrom([]course.Counted{course.CountedLeftOut, course.CountedAttended, course.CountedMissed}).Draw(t, "excused"),
			MissedFrom: time.Duration(rapid.IntRange(0, 50).Draw(t, "missed from")) * time.Minute,
		}
		var a course.Attendance
		sessions := rapid.IntRange(0, 40).Draw(t, "sessions")
		for range sessions {
			state := rapid.SampledFrom(append(eventschema.MarkStates(), "")).Draw(t, "state")
			a = counting.Add(a, rapid.Bool().Draw(t, "cancelled"), state, rapid.IntRange(1, 44).Draw(t, "late"))
		}
		if a.Sessions+a.Cancelled != sessions || a.NotMarked+a.Present+a.Late+a.Absent+a.Excused != a.Sessions {
			t.Fatalf("%d sessions are %+v", sessions, a)
		}
		excused := map[course.Counted][2]int{course.CountedAttended: {a.Excused, 0}, course.CountedMissed: {0, a.Excused}}[counting.Excused]
		if a.Attended != a.Present+a.Late-a.TooLate+excused[0] || a.Missed != a.Absent+a.TooLate+excused[1] {
			t.Fatalf("not explained: %+v by %+v", a, counting)
		}
	})
}
