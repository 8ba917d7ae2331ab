package assignment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// promise: ST-09
func TestFiguresOfOnePerson(t *testing.T) {
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	id := func(n byte) uuid.UUID { return uuid.UUID{15: n} }
	shift := func(n byte, attendance eventschema.Attendance, late, worked int, rating eventschema.QualityRating) assignment.Outcome {
		o := assignment.Outcome{ShiftID: id(n), Kind: eventschema.ShiftDuty, Start: day(int(n)), End: day(int(n)).Add(8 * time.Hour), Rating: rating}
		o.Mark = assignment.Mark{Attendance: attendance, Late: time.Duration(late) * time.Minute, Worked: time.Duration(worked) * time.Minute}
		if rating != "" {
			o.CompletedAt = o.End.Add(time.Hour)
		}
		return o
	}
	task := func(n byte, done time.Duration, rating eventschema.QualityRating) assignment.Outcome {
		o := assignment.Outcome{ShiftID: id(n), Kind: eventschema.ShiftTask, Start: day(int(n)), End: day(int(n)).Add(48 * time.Hour), Rating: rating, Mark: assignment.Mark{Attendance: eventschema.AttendanceNone}}
		if rating != "" {
			o.CompletedAt = o.Start.Add(done)
		}
		return o
	}
	off := shift(6, eventschema.AttendanceNoShow, 0, 0, "")
	off.Cancelled = true
	running := shift(20, eventschema.AttendanceLate, 30, 60, "")
	figures := map[string]assignment.Figure{}
	for _, f := range assignment.Measures([]assignment.Outcome{
		shift(1, eventschema.AttendanceOnTime, 2, 478, eventschema.RatingMeets), shift(2, eventschema.AttendanceLateEarly, 20, 400, eventschema.RatingNone),
		shift(3, eventschema.AttendanceNoShow, 0, 0, ""), shift(4, eventschema.AttendanceEarlyLeave, 0, 420, eventschema.RatingExceeds), off, running,
		task(7, 24*time.Hour, eventschema.RatingMeets), task(8, 72*time.Hour, eventschema.RatingBelow), task(9, 0, ""), task(20, 0, ""),
	}, day(20).Add(time.Hour)) {
		if f.Explained == "" {
			t.Errorf("%s is not explained", f.Name)
		}
		figures[f.Name] = f
	}
	const nothing = -1
	for name, want := range map[string]struct {
		value, of int64
		shifts    []uuid.UUID
	}{
		"shifts_assigned":   {5, nothing, []uuid.UUID{id(1), id(2), id(3), id(4), id(20)}},
		"shifts_completed":  {3, 5, []uuid.UUID{id(1), id(2), id(4)}},
		"shifts_on_time":    {1, 4, []uuid.UUID{id(1)}},
		"shifts_late":       {1, 4, []uuid.UUID{id(2)}},
		"shifts_left_early": {2, 4, []uuid.UUID{id(2), id(4)}},
		"no_shows":          {1, 4, []uuid.UUID{id(3)}},
		"minutes_planned":   {4 * 480, nothing, []uuid.UUID{id(1), id(2), id(3), id(4)}},
		"minutes_worked":    {1298, 4 * 480, []uuid.UUID{id(1), id(2), id(4)}},
		"minutes_late":      {22, nothing, []uuid.UUID{id(1), id(2)}},
		"tasks_assigned":    {4, nothing, []uuid.UUID{id(7), id(8), id(9), id(20)}},
		"tasks_completed":   {2, 4, []uuid.UUID{id(7), id(8)}},
		"tasks_in_time":     {1, 3, []uuid.UUID{id(7)}},
		"rated_exceeds":     {1, 5, []uuid.UUID{id(4)}},
		"rated_meets":       {2, 5, []uuid.UUID{id(1), id(7)}},
		"rated_below":       {1, 5, []uuid.UUID{id(8)}},
		"unrated":           {1, 5, []uuid.UUID{id(2)}},
	} {
		t.Run(name, func(t *testing.T) {
			f, there := figures[name]
			of := int64(nothing)
			if f.Of != nil {
				of = *f.Of
			}
			if !there || f.Value != want.value || of != want.of || len(f.Shifts) != len(want.shifts) {
				t.Fatalf("%d of %d from %v, want %+v", f.Value, of, f.Shifts, want)
			}
			for i, shift := range want.shifts {
				if f.Shifts[i] != shift {
					t.Errorf("counted from %v, want %v", f.Shifts, want.shifts)
				}
			}
			delete(figures, name)
		})
	}
	for name := range figures {
		t.Errorf("%s is asked of nobody", name)
	}
}

func TestAPartIsNeverMoreThanItsWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var outcomes []assignment.Outcome
		for range rapid.IntRange(0, 6).Draw(rt, "shifts") {
			o := assignment.Outcome{
				Kind:  rapid.SampledFrom([]eventschema.ShiftKind{eventschema.ShiftDuty, eventschema.ShiftDetail, eventschema.ShiftTask}).Draw(rt, "kind"),
				Start: start, End: start.Add(time.Duration(rapid.IntRange(1, 1000).Draw(rt, "length")) * time.Minute), Cancelled: rapid.Bool().Draw(rt, "off"),
				Rating: rapid.SampledFrom(append(eventschema.QualityRatings(), "")).Draw(rt, "rating"),
			}
			o.Mark.Attendance = rapid.SampledFrom([]eventschema.Attendance{"", eventschema.AttendanceOnTime, eventschema.AttendanceLate, eventschema.AttendanceNoShow, eventschema.AttendancePending}).Draw(rt, "came")
			o.Mark.Worked = min(o.End.Sub(o.Start), time.Duration(rapid.IntRange(0, 1000).Draw(rt, "worked"))*time.Minute)
			if rapid.Bool().Draw(rt, "completed") {
				o.CompletedAt = start.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "at")) * time.Minute)
			}
			outcomes = append(outcomes, o)
		}
		for _, f := range assignment.Measures(outcomes, start.Add(time.Duration(rapid.IntRange(-10, 1500).Draw(rt, "now"))*time.Minute)) {
			if f.Of != nil && f.Value > *f.Of {
				rt.Fatalf("%s: %d of %d", f.Name, f.Value, *f.Of)
			}
		}
	})
}
