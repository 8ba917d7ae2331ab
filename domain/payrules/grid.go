package payrules

import (
	"errors"
	"time"

	"tracekeep/domain/localtime"
)

// grid cuts time into stretches of whole local days.
type grid struct {
	anchor time.Time // midnight UTC of the local date at which stretch 0 begins
	days   int
	at     Clock
	loc    *time.Location
}

func (c Cycle) grid(loc *time.Location) grid {
	anchor, _ := time.Parse(time.DateOnly, c.Anchor) // as [Rules.Validate] saw it
	return grid{anchor: anchor, days: c.Days, at: c.At, loc: loc}
}

func dayGrid(at Clock, loc *time.Location) grid {
	return grid{anchor: time.Date(2026, time.January, 4, 0, 0, 0, 0, time.UTC), days: 1, at: at, loc: loc}
}

// date is the local date on which a stretch begins.
func (g grid) date(index int) time.Time { return g.anchor.AddDate(0, 0, index*g.days) }

// start is the instant at which a stretch begins.
func (g grid) start(index int) time.Time {
	return instantOf(g.date(index), g.at, g.loc)
}

// instantOf is when a clock in loc shows a time of day on a date: the first time
// where it comes twice, and where it is skipped, the instant of the change.
func instantOf(date time.Time, at Clock, loc *time.Location) time.Time {
	year, month, dayOfMonth := date.Date()
	readings, err := localtime.Readings(localtime.Wall{Year: year, Month: month, Day: dayOfMonth, Hour: at.Hour, Min: at.Min}, loc)
	if err == nil {
		return readings[0].At
	}
	var skipped *localtime.TransitionError
	if errors.As(err, &skipped) {
		return skipped.At
	}
	return time.Date(year, month, dayOfMonth, at.Hour, at.Min, 0, 0, time.UTC)
}

// index is the stretch that an instant belongs to; its first instant does.
func (g grid) index(at time.Time) int {
	index, _, _ := g.find(at)
	return index
}

func (g grid) find(at time.Time) (index int, start, end time.Time) {
	local := at.In(g.loc).Add(-time.Duration(g.at.Hour)*time.Hour - time.Duration(g.at.Min)*time.Minute)
	year, month, dayOfMonth := local.Date()
	n := int(time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC).Sub(g.anchor) / day)
	index = floorDiv(n, g.days)
	start = g.start(index)
	for start.After(at) { // by an hour or a day, around a change of the clocks
		index--
		start = g.start(index)
	}
	end = g.start(index + 1)
	for !end.After(at) {
		index++
		start, end = end, g.start(index+1)
	}
	return index, start, end
}

// stretch is one stretch of a grid: its first instant belongs to it, its end to the
// next. The zero value holds no instant.
type stretch struct {
	start, end time.Time
	date       string // 2006-01-02, on which it begins
}

func (s stretch) holds(at time.Time) bool { return at.Before(s.end) && !at.Before(s.start) }

// stretch is the one that an instant belongs to.
func (g grid) stretch(at time.Time) stretch {
	index, start, end := g.find(at)
	return stretch{start: start, end: end, date: g.date(index).Format(time.DateOnly)}
}

func floorDiv(n, by int) int {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

// CycleAt is the workweek or work period that an instant lies in, by the clock of a
// zone: when it begins, when the next one does, and the local date of its beginning,
// by which [Line] names it.
func (r Rules) CycleAt(loc *time.Location, at time.Time) (start, end time.Time, cycle string) {
	g := r.Workweek.grid(loc)
	i := g.index(at)
	return g.start(i), g.start(i + 1), g.date(i).Format(time.DateOnly)
}
