package assignment

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Outcome is what became of one shift or task that somebody had a place on.
type Outcome struct {
	ShiftID     uuid.UUID
	Kind        eventschema.ShiftKind
	Start, End  time.Time
	Cancelled   bool
	CompletedAt time.Time // zero while it is not
	Mark        Mark      // of a completed one as it was closed
	Rating      eventschema.QualityRating
}

// Figure is one measure of what somebody did. It says how it came about, so that
// whoever reads it can count again: a figure nobody can check is an opinion.
type Figure struct {
	Name      string
	Unit      string // shifts, tasks, minutes, or ratings
	Value     int64
	Of        *int64 // what Value is a part of, nil where it is of nothing
	Explained string
	Shifts    []uuid.UUID // that count in Value, by their order
}

// counted is one shift as the figures see it.
type counted struct {
	Outcome
	over bool // completed, or its end has come
}

func (c counted) task() bool      { return c.Kind == eventschema.ShiftTask }
func (c counted) completed() bool { return !c.CompletedAt.IsZero() }

// judged says whether it is known how somebody came to a shift that is over.
func (c counted) judged() bool {
	return !c.task() && c.over && c.Mark.Attendance != "" && c.Mark.Attendance != eventschema.AttendancePending
}

func (c counted) came(ways ...eventschema.Attendance) bool {
	for _, way := range ways {
		if c.judged() && c.Mark.Attendance == way {
			return true
		}
	}
	return false
}

// measure is how one figure is counted: what a shift adds to it, and to what it is a
// part of.
type measure struct {
	name, unit, explained string
	value, of             func(counted) int64
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// Measures counts what somebody did: the outcomes are those of one person. What was
// called off counts nowhere.
func Measures(outcomes []Outcome, now time.Time) []Figure {
	measures := append(measuresOfShifts(), measuresOfWork()...)
	figures := make([]Figure, len(measures))
	for i, m := range measures {
		figures[i] = Figure{Name: m.name, Unit: m.unit, Explained: m.explained, Shifts: []uuid.UUID{}}
		if m.of != nil {
			figures[i].Of = new(int64)
		}
		for _, o := range outcomes {
			if o.Cancelled {
				continue
			}
			c := counted{o, !o.CompletedAt.IsZero() || !now.Before(o.End)}
			if m.of != nil {
				*figures[i].Of += m.of(c)
			}
			if n := m.value(c); n != 0 {
				figures[i].Value += n
				figures[i].Shifts = append(figures[i].Shifts, o.ShiftID)
			}
		}
	}
	return figures
}

// measuresOfShifts count shifts and how somebody came to them.
func measuresOfShifts() []measure {
	shift := func(c counted) int64 { return one(!c.task()) }
	judged := func(c counted) int64 { return one(c.judged()) }
	came := func(ways ...eventschema.Attendance) func(counted) int64 {
		return func(c counted) int64 { return one(c.came(ways...)) }
	}
	return []measure{
		{"shifts_assigned", "shifts", "Shifts with a place that began in the period and were not called off.", shift, nil},
		{"shifts_completed", "shifts", "Of the assigned ones, those that an officer closed.", func(c counted) int64 { return one(!c.task() && c.completed()) }, shift},
		{"shifts_on_time", "shifts", "Of the shifts that are over, those begun and left within the grace of the rule that judged them. A completed shift counts as it was closed, another one as the punches say now.",
			came(eventschema.AttendanceOnTime), judged},
		{"shifts_late", "shifts", "Of the shifts that are over, those begun later than the grace.", came(eventschema.AttendanceLate, eventschema.AttendanceLateEarly), judged},
		{"shifts_left_early", "shifts", "Of the shifts that are over, those left before the end by more than the grace.", came(eventschema.AttendanceEarlyLeave, eventschema.AttendanceLateEarly), judged},
		{"no_shows", "shifts", "Of the shifts that are over, those on which no punch shows work.", came(eventschema.AttendanceNoShow), judged},
	}
}

// measuresOfWork count time, tasks and ratings.
func measuresOfWork() []measure {
	task := func(c counted) int64 { return one(c.task()) }
	completed := func(c counted) int64 { return one(c.completed()) }
	rated := func(rating eventschema.QualityRating) func(counted) int64 {
		return func(c counted) int64 { return one(c.completed() && c.Rating == rating) }
	}
	planned := func(c counted) int64 { return one(c.judged()) * minutes(c.End.Sub(c.Start)) }
	const ratings = "Of the completed shifts and tasks, those that the officer who closed them rated "
	return []measure{
		{"minutes_planned", "minutes", "The length of the shifts that are over.", planned, nil},
		{"minutes_worked", "minutes", "Time worked within those shifts, as the punches pair. Work outside of a shift is not in it.",
			func(c counted) int64 { return one(c.judged()) * minutes(c.Mark.Worked) }, planned},
		{"minutes_late", "minutes", "How long after the start of those shifts work began, the grace included.",
			func(c counted) int64 { return one(c.judged()) * minutes(c.Mark.Late) }, nil},
		{"tasks_assigned", "tasks", "Tasks with a place whose span began in the period and that were not called off.", task, nil},
		{"tasks_completed", "tasks", "Of the assigned ones, those that an officer closed.", func(c counted) int64 { return one(c.task() && c.completed()) }, task},
		{"tasks_in_time", "tasks", "Of the tasks that are completed or whose span is over, those completed before its end.",
			func(c counted) int64 { return one(c.task() && c.completed() && !c.CompletedAt.After(c.End)) }, func(c counted) int64 { return one(c.task() && c.over) }},
		{"rated_exceeds", "ratings", ratings + "exceeds.", rated(eventschema.RatingExceeds), completed},
		{"rated_meets", "ratings", ratings + "meets.", rated(eventschema.RatingMeets), completed},
		{"rated_below", "ratings", ratings + "below.", rated(eventschema.RatingBelow), completed},
		{"unrated", "ratings", "Of the completed shifts and tasks, those that nobody rated.", rated(eventschema.RatingNone), completed},
	}
}
