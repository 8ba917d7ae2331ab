package assignment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// ErrConflict refuses somebody who cannot have a shift; [*ConflictError] has the
// figures.
var ErrConflict = errors.New("the shift conflicts with the rules about rest, hours or qualification")

// ConflictError says which rules, with the figures that were compared.
type ConflictError struct {
	Conflicts []eventschema.PassedOver
}

// Error implements error. It names rules and figures, and nobody.
func (e *ConflictError) Error() string {
	var said []string
	for _, c := range e.Conflicts {
		text := string(c.Code)
		if c.Limit > 0 || c.Counted > 0 {
			text += fmt.Sprintf(" (%d of %d)", c.Counted, c.Limit)
		}
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return ErrConflict.Error() + ": " + strings.Join(said, ", ")
}

// Unwrap gives the sentinel.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Slot is a shift as the rules see it.
type Slot struct {
	ShiftID       uuid.UUID
	Kind          eventschema.ShiftKind
	Employer      string
	Start, End    time.Time
	Zone          string // IANA; its local days and weeks are counted
	Qualification string // code, empty when none is needed
}

// Commitment is a shift that somebody is assigned to, and no task.
type Commitment struct {
	ShiftID    uuid.UUID
	Kind       eventschema.ShiftKind
	Employer   string
	Start, End time.Time
}

// Counts says whose hours a cap adds up.
type Counts string

// What a cap counts.
const (
	CountAll      Counts = "all"           // every shift of every employer, on duty or not
	CountDetails  Counts = "details"       // those outside of duty
	CountEmployer Counts = "same_employer" // those of the employer of the shift
)

// Cap is the most that somebody may be assigned to in a local day or week.
type Cap struct {
	Week   bool // else in a day
	Counts Counts
	Time   time.Duration // 0: no limit
	Shifts int           // 0: no limit
}

// Policy is what may be assigned to one person. It is data with a version, which
// every offer and every assignment names.
type Policy struct {
	Version    int
	Rest       time.Duration // between two shifts that do not adjoin
	Longest    time.Duration // of shifts that adjoin, taken together; 0: no limit
	WeekStarts time.Weekday
	Caps       []Cap
	// FairnessDays is how many days before a shift the strategies look back.
	FairnessDays int
}

// DefaultPolicy is version 1: eight hours of rest, no more than 16 hours at a
// stretch or in a day, 90 hours and 14 shifts in a week that begins on Monday,
// duty and details of every employer together.
func DefaultPolicy() Policy {
	return Policy{
		Version: 1, Rest: 8 * time.Hour, Longest: 16 * time.Hour, WeekStarts: time.Monday, FairnessDays: 91,
		Caps: []Cap{{Counts: CountAll, Time: 16 * time.Hour, Shifts: 3}, {Week: true, Counts: CountAll, Time: 90 * time.Hour, Shifts: 14}},
	}
}

// Reach is how far from a shift a commitment can matter.
const Reach = 9 * 24 * time.Hour

// Conflicts lists every reason why a candidate cannot have a shift, none when they
// can. It answers [ErrZone] when the zone is not known here.
func (p Policy) Conflicts(slot Slot, c Candidate) ([]eventschema.PassedOver, error) {
	loc, err := time.LoadLocation(slot.Zone)
	if err != nil || slot.Zone == "" || slot.Zone == "Local" {
		return nil, ErrZone
	}
	var found []eventschema.PassedOver
	if slot.Qualification != "" && !slices.Contains(c.Qualifications, slot.Qualification) {
		found = append(found, eventschema.PassedOver{WorkID: c.WorkID, Code: eventschema.ConflictNotQualified})
	}
	if slot.Kind == eventschema.ShiftTask { // done beside whatever else
		return found, nil
	}
	commitments := slices.SortedFunc(slices.Values(c.Commitments), func(a, b Commitment) int {
		if order := a.Start.Compare(b.Start); order != 0 {
			return order
		}
		return compareIDs(a.ShiftID, b.ShiftID)
	})
	commitments = slices.DeleteFunc(commitments, func(other Commitment) bool { return other.ShiftID == slot.ShiftID })
	found = append(found, p.nearby(slot, c.WorkID, commitments)...)
	return append(found, p.capped(slot, loc, c.WorkID, commitments)...), nil
}

// refuse answers a [*ConflictError] when a candidate cannot have the shift.
func (p Policy) refuse(s State, c Candidate) error {
	conflicts, err := p.Conflicts(s.Slot(), c)
	if err != nil || len(conflicts) == 0 {
		return err
	}
	return &ConflictError{Conflicts: conflicts}
}

// nearby finds what overlaps the shift, comes too close to it, or makes too long a
// stretch with it.
func (p Policy) nearby(slot Slot, work uuid.UUID, commitments []Commitment) []eventschema.PassedOver {
	var found []eventschema.PassedOver
	first, last := slot.Start, slot.End // of the stretch
	for grown := true; grown; {
		grown = false
		for _, other := range commitments {
			if other.End.Equal(first) && other.Start.Before(first) {
				first, grown = other.Start, true
			}
			if other.Start.Equal(last) && other.End.After(last) {
				last, grown = other.End, true
			}
		}
	}
	for _, other := range commitments {
		if shared := overlap(slot.Start, slot.End, other.Start, other.End); shared > 0 {
			found = append(found, eventschema.PassedOver{WorkID: work, Code: eventschema.ConflictDoubleBooked, With: other.ShiftID, Counted: minutes(shared)})
			continue
		}
		rest := slot.Start.Sub(other.End)
		if other.Start.After(slot.Start) {
			rest = other.Start.Sub(slot.End)
		}
		if rest > 0 && rest < p.Rest {
			found = append(found, eventschema.PassedOver{WorkID: work, Code: eventschema.ConflictRest, With: other.ShiftID, Counted: minutes(rest), Limit: minutes(p.Rest)})
		}
	}
	if stretch := last.Sub(first); p.Longest > 0 && stretch > p.Longest {
		found = append(found, eventschema.PassedOver{WorkID: work, Code: eventschema.ConflictStretch, Counted: minutes(stretch), Limit: minutes(p.Longest)})
	}
	return found
}

// capped finds the caps that the shift would break, in each local day and week it
// touches.
func (p Policy) capped(slot Slot, loc *time.Location, work uuid.UUID, commitments []Commitment) []eventschema.PassedOver {
	var found []eventschema.PassedOver
	for _, limit := range p.Caps {
		if limit.Counts == CountDetails && slot.Kind != eventschema.ShiftDetail {
			continue
		}
		for _, span := range p.spans(slot, loc, limit.Week) {
			total, shifts := overlap(slot.Start, slot.End, span[0], span[1]), int64(1)
			for _, other := range commitments {
				shared := overlap(other.Start, other.End, span[0], span[1])
				if shared <= 0 || !limit.counts(slot, other) {
					continue
				}
				total += shared
				shifts++
			}
			codes := [2]eventschema.ConflictCode{eventschema.ConflictDayHours, eventschema.ConflictDayShifts}
			if limit.Week {
				codes = [2]eventschema.ConflictCode{eventschema.ConflictWeekHours, eventschema.ConflictWeekShifts}
			}
			if limit.Time > 0 && total > limit.Time {
				found = append(found, eventschema.PassedOver{WorkID: work, Code: codes[0], Counted: minutes(total), Limit: minutes(limit.Time)})
			}
			if limit.Shifts > 0 && shifts > int64(limit.Shifts) {
				found = append(found, eventschema.PassedOver{WorkID: work, Code: codes[1], Counted: shifts, Limit: int64(limit.Shifts)})
			}
		}
	}
	return found
}

// counts says whether a cap adds up a commitment together with a shift. A cap on
// details says nothing about a shift on duty.
func (c Cap) counts(slot Slot, other Commitment) bool {
	switch c.Counts {
	case CountAll:
		return true
	case CountDetails:
		return other.Kind == eventschema.ShiftDetail
	case CountEmployer:
		return slot.Employer == other.Employer
	}
	return false
}

// spans lists the local days or weeks that a shift touches.
func (p Policy) spans(slot Slot, loc *time.Location, week bool) [][2]time.Time {
	year, month, day := slot.Start.In(loc).Date()
	date, days := time.Date(year, month, day, 0, 0, 0, 0, time.UTC), 1
	if week {
		days = 7
		date = date.AddDate(0, 0, -int((date.Weekday()-p.WeekStarts+7)%7))
	}
	var spans [][2]time.Time
	for begin := localtime.Midnight(date, loc); begin.Before(slot.End); {
		date = date.AddDate(0, 0, days)
		end := localtime.Midnight(date, loc)
		if overlap(slot.Start, slot.End, begin, end) > 0 {
			spans = append(spans, [2]time.Time{begin, end})
		}
		begin = end
	}
	return spans
}

func overlap(aStart, aEnd, bStart, bEnd time.Time) time.Duration {
	start, end := aStart, aEnd
	if bStart.After(start) {
		start = bStart
	}
	if bEnd.Before(end) {
		end = bEnd
	}
	return max(end.Sub(start), 0)
}

func minutes(d time.Duration) int64 { return int64(d / time.Minute) }
