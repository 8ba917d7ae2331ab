// Package localtime turns what a station's clock showed into an instant.
//
// A station writes local wall-clock time without an offset. Twice a year, where
// clocks change, that is not enough: an hour is skipped (a gap) or comes twice (an
// overlap). time.Date accepts both silently and picks something; this package
// detects them instead, by asking which of the offsets in force around that day
// read back as the time that was written (mission rules §§ 4, 9).
package localtime

import (
	"errors"
	"fmt"
	"time"
)

// The reasons why a local time is no instant.
var (
	// ErrGap: the clocks were put forward over this local time; it never was.
	ErrGap = errors.New("local time did not exist")
	// ErrOverlap: the clocks were put back; the local time came more than once
	// and needs an offset.
	ErrOverlap = errors.New("local time is ambiguous without an offset")
	// ErrOffset: the local time existed, but not with the offset given.
	ErrOffset = errors.New("offset does not fit the local time")
	// ErrNoSuchTime: no calendar and clock shows this (31 April, 25 hours).
	ErrNoSuchTime = errors.New("no such date or time of day")
	// ErrNoZone: the zone is missing, or is the machine's own ("Local"), which
	// says nothing about where the station hangs.
	ErrNoZone = errors.New("a named time zone is needed")
)

// Wall is what a clock on the wall shows: no zone, no offset.
type Wall struct {
	Year  int
	Month time.Month
	Day   int
	Hour  int
	Min   int
	Sec   int
}

// Of is the wall-clock time shown at t in t's own location.
func Of(t time.Time) Wall {
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	return Wall{Year: year, Month: month, Day: day, Hour: hour, Min: minute, Sec: sec}
}

// asUTC reads the wall-clock time as if it were UTC; false when there is no such time.
func (w Wall) asUTC() (time.Time, bool) {
	t := time.Date(w.Year, w.Month, w.Day, w.Hour, w.Min, w.Sec, 0, time.UTC)
	return t, Of(t) == w
}

// Resolved is an instant and the offset that was in force at it.
type Resolved struct {
	At            time.Time // UTC
	OffsetSeconds int       // seconds east of UTC
}

// TransitionError says at which change of the clocks a local time fell. It wraps
// [ErrGap] or [ErrOverlap].
type TransitionError struct {
	Err          error
	At           time.Time // the instant of the change, UTC
	OffsetBefore int       // seconds east of UTC
	OffsetAfter  int
}

// Error implements error. It names the change, not the time asked about.
func (e *TransitionError) Error() string {
	return fmt.Sprintf("%v: the clocks went from %s to %s at %s",
		e.Err, offsetName(e.OffsetBefore), offsetName(e.OffsetAfter), e.At.Format(time.RFC3339))
}

// Unwrap gives the sentinel.
func (e *TransitionError) Unwrap() error { return e.Err }

// Resolve gives the instant at which a clock in loc showed local. Where the local
// time came more than once, offset (seconds east of UTC) chooses; where it is given
// it must fit, always. Errors: [ErrGap] and [ErrOverlap] as [*TransitionError],
// [ErrOffset], [ErrNoSuchTime], [ErrNoZone].
func Resolve(local Wall, loc *time.Location, offset *int) (Resolved, error) {
	readings, err := Readings(local, loc)
	if err != nil {
		return Resolved{}, err
	}
	if offset == nil {
		if len(readings) > 1 {
			return Resolved{}, change(ErrOverlap, local, loc)
		}
		return readings[0], nil
	}
	for _, r := range readings {
		if r.OffsetSeconds == *offset {
			return r, nil
		}
	}
	return Resolved{}, ErrOffset
}

// Readings gives every instant at which a clock in loc showed local, earliest
// first: one, or more in an overlap. Errors: [ErrGap] as [*TransitionError],
// [ErrNoSuchTime], [ErrNoZone].
func Readings(local Wall, loc *time.Location) ([]Resolved, error) {
	if loc == nil || loc == time.Local {
		return nil, ErrNoZone
	}
	asUTC, ok := local.asUTC()
	if !ok {
		return nil, ErrNoSuchTime
	}
	var readings []Resolved
	for _, p := range around(asUTC, loc) {
		at := asUTC.Add(-time.Duration(p.OffsetSeconds) * time.Second)
		if at.Before(p.Start) || !at.Before(p.End) {
			continue
		}
		readings = append(readings, Resolved{At: at, OffsetSeconds: p.OffsetSeconds})
	}
	if len(readings) == 0 {
		return nil, change(ErrGap, local, loc)
	}
	return readings, nil
}

// Midnight is when a date, whatever its time of day, begins by the clock in loc: at the
// change of the clocks where midnight is skipped, the first time where it comes twice.
// time.Date answers an instant of the day before in some zones.
func Midnight(date time.Time, loc *time.Location) time.Time {
	year, month, day := date.Date()
	readings, err := Readings(Wall{Year: year, Month: month, Day: day}, loc)
	var changed *TransitionError
	switch {
	case errors.As(err, &changed):
		return changed.At
	case err != nil: // a date of the calendar in a named zone is always read
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return readings[0].At
}

// Period is a span of time in which one offset was in force.
type Period struct {
	Start, End    time.Time // UTC; Start belongs to the period, End does not
	OffsetSeconds int       // seconds east of UTC
}

// Periods cuts the time from start until end at every change of the offset in loc;
// neighbours differ in their offset. It is empty unless end is after start.
func Periods(start, end time.Time, loc *time.Location) []Period {
	var periods []Period
	for at := start.UTC(); at.Before(end); {
		_, offset := at.In(loc).Zone()
		next := boundAfter(at, loc)
		if next.IsZero() || next.After(end) {
			next = end.UTC()
		}
		if last := len(periods) - 1; last >= 0 && periods[last].OffsetSeconds == offset {
			periods[last].End = next
		} else {
			periods = append(periods, Period{Start: at, End: next, OffsetSeconds: offset})
		}
		at = next
	}
	return periods
}

// boundAfter is an instant after at up to which the offset at at holds; zero when it
// holds for ever. Where the zone follows a rule instead of a list of changes,
// [time.Time.ZoneBounds] takes the year's end for a bound and every year for 365
// days long: asked on the last day of a leap year, it names an end that is not
// after the time asked about. There the offset holds until the year has ended.
func boundAfter(at time.Time, loc *time.Location) time.Time {
	_, end := at.In(loc).ZoneBounds()
	if end.IsZero() || end.After(at) {
		return end.UTC()
	}
	return time.Date(at.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
}

// reach covers the widest offset ever in force anywhere (15 h 56 min) with room to spare.
const reach = 26 * time.Hour

// around lists the periods of loc in the days around t, in order.
func around(t time.Time, loc *time.Location) []Period {
	return Periods(t.Add(-reach), t.Add(reach), loc)
}

// change finds the change of offset that swallowed or repeated local.
func change(reason error, local Wall, loc *time.Location) error {
	asUTC, _ := local.asUTC()
	periods := around(asUTC, loc)
	for i := 1; i < len(periods); i++ {
		before, after := periods[i-1], periods[i]
		from := after.Start.Add(time.Duration(min(before.OffsetSeconds, after.OffsetSeconds)) * time.Second)
		to := after.Start.Add(time.Duration(max(before.OffsetSeconds, after.OffsetSeconds)) * time.Second)
		if !asUTC.Before(from) && asUTC.Before(to) {
			return &TransitionError{Err: reason, At: after.Start, OffsetBefore: before.OffsetSeconds, OffsetAfter: after.OffsetSeconds}
		}
	}
	return reason
}

func offsetName(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	name := fmt.Sprintf("UTC%c%02d:%02d", sign, seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		name += fmt.Sprintf(":%02d", seconds%60)
	}
	return name
}
