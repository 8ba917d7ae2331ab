package payrules

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Declared is hours of a day of which nobody knows from when to when.
type Declared struct {
	ID      uuid.UUID
	Workday string // local date, 2006-01-02; the workday that begins on it
	Time    time.Duration
	Job     string
}

// Unjudged says that some parts of the rules go by the clock and could not judge the
// hours that were declared for a workday. Nothing is concluded from their silence.
type Unjudged struct {
	Workday string
	Time    time.Duration // declared
	Rules   []string      // the parts
}

// withDeclared puts declared hours behind what has times on the same workday.
func (r Rules) withDeclared(loc *time.Location, lines []Line, declared []Declared) []Line {
	if len(declared) == 0 {
		return lines
	}
	cycles := r.Workweek.grid(loc)
	for _, d := range declared {
		begins, _ := r.bounds(loc, d.Workday)
		lines = append(lines, Line{
			Declared: d.ID, Length: d.Time, Job: d.Job, Workday: d.Workday, Cycle: cycles.date(cycles.index(begins)).Format(time.DateOnly),
		})
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		if c := cmp.Or(cmp.Compare(a.Workday, b.Workday), cmp.Compare(a.Cycle, b.Cycle)); c != 0 {
			return c
		}
		switch timed := a.Declared == uuid.Nil; {
		case timed && b.Declared == uuid.Nil:
			return 0
		case timed:
			return -1
		case b.Declared == uuid.Nil:
			return 1
		}
		return slices.Compare(a.Declared[:], b.Declared[:])
	})
	return lines
}

// bounds are the instants at which a workday begins and ends.
func (r Rules) bounds(loc *time.Location, workday string) (begins, ends time.Time) {
	date, _ := time.Parse(time.DateOnly, workday) // a date of the calendar, as it was declared
	return instantOf(date, r.Workday, loc), instantOf(date.AddDate(0, 0, 1), r.Workday, loc)
}

// byTheClock lists the parts of the rules that must know when work began and ended.
func (r Rules) byTheClock() (parts []string) {
	for _, part := range []struct {
		name    string
		applies bool
	}{
		{"paid_breaks", r.PaidBreaks.Time > 0}, {"meals", len(r.Meals.Meals) > 0}, {"rest_breaks", r.RestBreaks.Length > 0},
		{"pauses", len(r.Pauses.Pauses) > 0 || r.Pauses.LongestStretch > 0}, {"daily_rest", r.DailyRest.Time > 0}, {"weekly_rest", r.WeeklyRest.Time > 0},
		{"rounding", r.Rounding.Step > 0}, {"guarantee", len(r.Guarantee.Steps) > 0},
	} {
		if part.applies {
			parts = append(parts, part.name)
		}
	}
	return parts
}

// unjudged says of each workday with declared hours which parts saw nothing of them.
func (r Rules) unjudged(declared []Declared) []Unjudged {
	parts := r.byTheClock()
	if len(parts) == 0 {
		return nil
	}
	byDay := map[string]time.Duration{}
	for _, d := range declared {
		byDay[d.Workday] += d.Time
	}
	found := make([]Unjudged, 0, len(byDay))
	for workday, length := range byDay {
		found = append(found, Unjudged{Workday: workday, Time: length, Rules: parts})
	}
	slices.SortFunc(found, func(a, b Unjudged) int { return cmp.Compare(a.Workday, b.Workday) })
	return found
}
