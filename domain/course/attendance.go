package course

import (
	"errors"
	"time"

	"tracekeep/eventschema"
)

// ErrCounting refuses rules of counting that say nothing sensible.
var ErrCounting = errors.New("rules of counting need a version from 1, excused as left_out, attended or missed, and minutes from 0")

// Counted says how an absence with leave counts.
type Counted string

// How it may count.
const (
	CountedLeftOut  Counted = "left_out" // neither for nor against
	CountedAttended Counted = "attended"
	CountedMissed   Counted = "missed"
)

// Counting says what counts as attended. It is data with a version: schools and
// authorities differ.
type Counting struct {
	Version int
	Excused Counted
	// MissedFrom is how late somebody missed the session; 0: late is attended however late.
	MissedFrom time.Duration
}

// DefaultCounting counts who came, however late, and leaves out who had leave.
func DefaultCounting() Counting { return Counting{Version: 1, Excused: CountedLeftOut} }

// Validate refuses rules that say nothing sensible.
func (c Counting) Validate() error {
	known := c.Excused == CountedLeftOut || c.Excused == CountedAttended || c.Excused == CountedMissed
	if c.Version < 1 || !known || c.MissedFrom < 0 {
		return ErrCounting
	}
	return nil
}

// Attendance adds up how sessions were attended: the marks that count, and what the
// rules made of them. Sessions that were cancelled are in none of the figures but their
// own.
type Attendance struct {
	Sessions    int // that took place, or will, in which somebody is a student
	Cancelled   int
	NotMarked   int // of Sessions; neither attended nor missed
	Present     int
	Late        int
	LateMinutes int
	TooLate     int // of Late, which the rules count as missed
	Absent      int
	Excused     int

	Attended int // what the rules count for
	Missed   int // and against
}

// Add adds one session. An empty state is a session that is not marked.
func (c Counting) Add(a Attendance, cancelled bool, state eventschema.MarkState, lateMinutes int) Attendance {
	if cancelled {
		a.Cancelled++
		return a
	}
	a.Sessions++
	switch state {
	case eventschema.MarkPresent:
		a.Present++
		a.Attended++
	case eventschema.MarkLate:
		a.Late++
		a.LateMinutes += lateMinutes
		if c.MissedFrom > 0 && time.Duration(lateMinutes)*time.Minute >= c.MissedFrom {
			a.TooLate++
			a.Missed++
		} else {
			a.Attended++
		}
	case eventschema.MarkAbsent:
		a.Absent++
		a.Missed++
	case eventschema.MarkExcused:
		a.Excused++
		switch c.Excused {
		case CountedAttended:
			a.Attended++
		case CountedMissed:
			a.Missed++
		case CountedLeftOut:
		}
	default:
		a.NotMarked++
	}
	return a
}

// PerMille is the share that was attended of what counts, rounded half up; false where
// nothing counts.
func (a Attendance) PerMille() (share int, counts bool) {
	all := a.Attended + a.Missed
	if all == 0 {
		return 0, false
	}
	return (2000*a.Attended + all) / (2 * all), true
}
