package importer

import (
	"errors"
	"fmt"
	"time"

	"tracekeep/domain/localtime"
)

// Overlap says what to do with a local time that came twice because the clocks
// were put back, when the file has no offsets.
type Overlap string

// The choices.
const (
	// OverlapReject rejects the row. It is the default: nothing is guessed.
	OverlapReject Overlap = "reject"
	// OverlapFirst takes the earlier instant: for stations whose clock is put back late.
	OverlapFirst Overlap = "first"
	// OverlapSecond takes the later instant: for stations whose clock is put back early.
	OverlapSecond Overlap = "second"
	// OverlapOrder takes the earliest instant that is not before the punch above it
	// in the file, since stations write in order of time. Where neither is, the row
	// is rejected.
	OverlapOrder Overlap = "order"
)

// ErrOverlapChoice: the choice is none of reject, first, second and order.
var ErrOverlapChoice = errors.New("overlap must be reject, first, second or order")

func (o Overlap) validate() error {
	switch o {
	case OverlapReject, OverlapFirst, OverlapSecond, OverlapOrder:
		return nil
	}
	return fmt.Errorf("%w, not %q", ErrOverlapChoice, string(o))
}

// ahead is how far a station's clock may run in front of ours.
const ahead = 24 * time.Hour

// firstYear is the first whose dates are believed: a clock that lost its battery
// starts again at 2000-01-01.
const firstYear = 2001

// setBack is how far a station may be put back without a word: clocks are set right
// by a few minutes every now and then.
const setBack = 5 * time.Minute

// placer finds the instants of one file's local times, in file order.
type placer struct {
	zone     *time.Location
	overlap  Overlap
	overlaps map[string]Overlap // by reading or day
	now      time.Time
	latest   time.Time // last instant that is not in the future
	last     time.Time // instant of the row above

	// suspicion is what is odd about the last instant found. Only formats that are
	// written in order of time may read it.
	suspicion Reason
}

func (p *placer) resolve(wall localtime.Wall) (localtime.Resolved, Reason) {
	if wall.Year < firstYear {
		return localtime.Resolved{}, StationClockReset
	}
	readings, err := localtime.Readings(wall, p.zone)
	switch {
	case errors.Is(err, localtime.ErrGap):
		return localtime.Resolved{}, GapInLocalTime
	case err != nil:
		return localtime.Resolved{}, BadTime
	}
	chosen, ok, told := readings[0], true, false
	if len(readings) > 1 {
		by := OverlapFirst
		if told = p.onlyFirst(readings); !told {
			by, told = p.choice(wall)
		}
		chosen, ok = p.choose(by, readings)
	}
	switch {
	case !ok:
		return localtime.Resolved{}, AmbiguousLocalTime
	case chosen.At.After(p.latest):
		return localtime.Resolved{}, InTheFuture
	}
	p.follow(chosen.At)
	if told && p.suspicion == "" {
		p.suspicion = OverlapResolved
	}
	return chosen, ""
}

// onlyFirst tells that of the instants of a reading the first alone can have come, as
// when a station sends in the hour itself: nothing is guessed then.
func (p *placer) onlyFirst(readings []localtime.Resolved) bool {
	return readings[len(readings)-1].At.After(p.now.Add(setBack)) && !readings[0].At.After(p.now.Add(setBack))
}

// choice is what was chosen for a reading, and whether it was told of it or its day.
func (p *placer) choice(wall localtime.Wall) (by Overlap, told bool) {
	if len(p.overlaps) == 0 {
		return p.overlap, false
	}
	shown := time.Date(wall.Year, wall.Month, wall.Day, wall.Hour, wall.Min, wall.Sec, 0, time.UTC)
	for _, layout := range []string{time.DateTime, time.DateOnly} {
		if by, told = p.overlaps[shown.Format(layout)]; told {
			return by, true
		}
	}
	return p.overlap, false
}

// instant is for formats whose times carry their offset: the zone says only which
// offset the site had.
func (p *placer) instant(at time.Time) (localtime.Resolved, Reason) {
	switch {
	case at.Year() < firstYear:
		return localtime.Resolved{}, StationClockReset
	case at.After(p.latest):
		return localtime.Resolved{}, InTheFuture
	}
	_, offset := at.In(p.zone).Zone()
	p.follow(at)
	return localtime.Resolved{At: at.UTC(), OffsetSeconds: offset}, ""
}

func (p *placer) follow(at time.Time) {
	p.suspicion = ""
	if at.Before(p.last.Add(-setBack)) {
		p.suspicion = ClockSetBack
	}
	p.last = at
}

func (p *placer) choose(by Overlap, readings []localtime.Resolved) (localtime.Resolved, bool) {
	switch by {
	case OverlapFirst:
		return readings[0], true
	case OverlapSecond:
		return readings[len(readings)-1], true
	case OverlapOrder:
		for _, r := range readings {
			if !r.At.Before(p.last) {
				return r, true
			}
		}
	}
	return localtime.Resolved{}, false
}
