package assignment

import (
	"errors"
	"fmt"
	"time"

	"tracekeep/domain/localtime"
)

// Bounds of one expansion of a weekly pattern.
const (
	mostDays  = 400
	mostWeeks = 52
)

// ErrPattern refuses a weekly pattern that cannot be expanded.
var ErrPattern = errors.New("a weekly pattern needs days, two times of day, a zone, and at most 400 days from the first to the last")

// Clock is a time of day, by the clock on the wall.
type Clock struct{ Hour, Min int }

func (c Clock) valid() bool { return c.Hour >= 0 && c.Hour < 24 && c.Min >= 0 && c.Min < 60 }

// Pattern is a shift that comes back every week, or every few. It is kept in local
// time: the shift at seven is at seven in summer and in winter.
type Pattern struct {
	Weekdays []time.Weekday
	Start    Clock
	End      Clock // on the next day unless it is after Start
	Every    int   // weeks from one to the next, 0 and 1 for every week
	Zone     *time.Location
}

// Occurrence is one shift of a pattern.
type Occurrence struct {
	Times
	Date string // the day that the pattern means, 2006-01-02
	// Moved says that the clocks change within one of the times: what is skipped is
	// taken for the instant of the change, what comes twice for the first time.
	Moved bool
}

// Expand lists the shifts of a pattern that begin on the days from first to last,
// 2006-01-02, both included. Weeks are counted from the one of first, from Monday on.
// A shift all of whose time is skipped by the clocks does not take place and is left
// out.
func (p Pattern) Expand(first, last string) ([]Occurrence, error) {
	from, errFrom := time.Parse(time.DateOnly, first)
	to, errTo := time.Parse(time.DateOnly, last)
	if errFrom != nil || errTo != nil || to.Before(from) || to.Sub(from) >= mostDays*24*time.Hour || len(p.Weekdays) == 0 ||
		!p.Start.valid() || !p.End.valid() || p.Zone == nil || p.Zone == time.Local || p.Every < 0 || p.Every > mostWeeks {
		return nil, ErrPattern
	}
	wanted := map[time.Weekday]bool{}
	for _, day := range p.Weekdays {
		wanted[day] = true
	}
	monday := from.AddDate(0, 0, -int((from.Weekday()+6)%7))
	var all []Occurrence
	for date := from; !date.After(to); date = date.AddDate(0, 0, 1) {
		week := int(date.Sub(monday)/(24*time.Hour)) / 7
		if !wanted[date.Weekday()] || week%max(p.Every, 1) != 0 {
			continue
		}
		occurrence, err := p.on(date)
		if err != nil {
			return nil, err
		}
		if occurrence.EndsAt.After(occurrence.StartsAt) {
			all = append(all, occurrence)
		}
	}
	return all, nil
}

func (p Pattern) on(date time.Time) (Occurrence, error) {
	next := date
	if p.End.Hour*60+p.End.Min <= p.Start.Hour*60+p.Start.Min {
		next = date.AddDate(0, 0, 1)
	}
	start, startMoved, err := instant(date, p.Start, p.Zone)
	if err != nil {
		return Occurrence{}, err
	}
	end, endMoved, err := instant(next, p.End, p.Zone)
	if err != nil {
		return Occurrence{}, err
	}
	return Occurrence{Date: date.Format(time.DateOnly), Moved: startMoved || endMoved, Times: Times{
		Zone: p.Zone.String(), StartsAt: start, EndsAt: end,
		StartsLocal: start.In(p.Zone).Format(LocalLayout), EndsLocal: end.In(p.Zone).Format(LocalLayout),
	}}, nil
}

// instant is when a clock shows a time of day on a date, and whether that needed a
// word of ours.
func instant(date time.Time, at Clock, loc *time.Location) (time.Time, bool, error) {
	wall := localtime.Of(date)
	wall.Hour, wall.Min = at.Hour, at.Min
	readings, err := localtime.Readings(wall, loc)
	var changed *localtime.TransitionError
	switch {
	case errors.As(err, &changed):
		return changed.At, true, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("%s: %w", date.Format(time.DateOnly), err)
	}
	return readings[0].At, len(readings) > 1, nil
}
