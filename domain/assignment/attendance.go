package assignment

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Grace is how much too late or too early still counts as on time. It is data with
// a version, which every judgement names.
type Grace struct {
	Version    int
	Late       time.Duration
	EarlyLeave time.Duration
}

// DefaultGrace is version 1: five minutes at either end.
func DefaultGrace() Grace {
	return Grace{Version: 1, Late: 5 * time.Minute, EarlyLeave: 5 * time.Minute}
}

// Duty is one person's place on one shift.
type Duty struct {
	ShiftID    uuid.UUID
	WorkID     uuid.UUID
	Start, End time.Time
}

// Presence is a span in which somebody worked, as their punches say.
type Presence struct {
	WorkID     uuid.UUID
	Start, End time.Time // a zero End: not punched out yet
}

// Mark is how somebody came to a shift, or that they worked without one.
type Mark struct {
	WorkID       uuid.UUID
	ShiftID      uuid.UUID // nil for unscheduled work
	Start, End   time.Time // of the shift, or of the unscheduled work
	Attendance   eventschema.Attendance
	Arrived      time.Time     // zero for nobody
	Left         time.Time     // zero while somebody is there
	Late         time.Duration // after the start, whatever the grace
	EarlyLeave   time.Duration // before the end, whatever the grace
	Worked       time.Duration // within the shift
	GraceVersion int
}

// Attend compares the places of a roster with the time worked, as of now. Work
// counts for every shift that it overlaps, so that who works two shifts that adjoin
// need not punch in between; work that overlaps no shift of its person is
// unscheduled. A shift that is not over is pending until somebody is late for it.
// The marks come in order of person, time and shift, whatever the order of the
// arguments.
func (g Grace) Attend(duties []Duty, worked []Presence, now time.Time) []Mark {
	byWork := map[uuid.UUID][]Presence{}
	for _, p := range worked {
		if p.End.IsZero() || p.End.After(p.Start) {
			byWork[p.WorkID] = append(byWork[p.WorkID], p)
		}
	}
	scheduled := map[Presence]bool{}
	marks := make([]Mark, 0, len(duties))
	for _, duty := range duties {
		var during []Presence
		for _, p := range byWork[duty.WorkID] {
			if overlap(duty.Start, duty.End, p.Start, p.until(now)) > 0 {
				during = append(during, p)
				scheduled[p] = true
			}
		}
		marks = append(marks, g.mark(duty, during, now))
	}
	for _, all := range byWork {
		for _, p := range all {
			if !scheduled[p] {
				marks = append(marks, Mark{
					WorkID: p.WorkID, Start: p.Start, End: p.End, Arrived: p.Start, Left: p.End, Attendance: eventschema.AttendanceUnscheduled,
					Worked: max(p.until(now).Sub(p.Start), 0), GraceVersion: g.Version,
				})
			}
		}
	}
	slices.SortFunc(marks, func(a, b Mark) int {
		if order := compareIDs(a.WorkID, b.WorkID); order != 0 {
			return order
		}
		if order := a.Start.Compare(b.Start); order != 0 {
			return order
		}
		return cmp.Or(a.End.Compare(b.End), compareIDs(a.ShiftID, b.ShiftID))
	})
	return marks
}

func (p Presence) until(now time.Time) time.Time {
	if p.End.IsZero() {
		return now
	}
	return p.End
}

func (g Grace) mark(duty Duty, during []Presence, now time.Time) Mark {
	m := Mark{WorkID: duty.WorkID, ShiftID: duty.ShiftID, Start: duty.Start, End: duty.End, GraceVersion: g.Version, Attendance: eventschema.AttendancePending}
	over := !now.Before(duty.End)
	if len(during) == 0 {
		if over {
			m.Attendance = eventschema.AttendanceNoShow
		}
		return m
	}
	slices.SortFunc(during, func(a, b Presence) int { return a.Start.Compare(b.Start) })
	m.Arrived = during[0].Start
	counted := duty.Start // up to here time was counted, so that nothing counts twice
	there := false
	for _, p := range during {
		there = there || p.End.IsZero()
		m.Worked += overlap(counted, duty.End, p.Start, p.until(now))
		if p.until(now).After(counted) {
			counted = p.until(now)
		}
		if p.End.After(m.Left) {
			m.Left = p.End
		}
	}
	m.Late = max(m.Arrived.Sub(duty.Start), 0)
	if there {
		m.Left = time.Time{}
	} else if over {
		m.EarlyLeave = max(duty.End.Sub(m.Left), 0)
	}
	late, early := m.Late > g.Late, m.EarlyLeave > g.EarlyLeave
	switch {
	case late && early:
		m.Attendance = eventschema.AttendanceLateEarly
	case late:
		m.Attendance = eventschema.AttendanceLate
	case early:
		m.Attendance = eventschema.AttendanceEarlyLeave
	case over:
		m.Attendance = eventschema.AttendanceOnTime
	}
	return m
}
