package assignment

import (
	"slices"
	"time"

	"tracekeep/eventschema"
)

// Use is how much of one cap the shifts of one person take up in a local day or week.
type Use struct {
	Cap        Cap
	Employer   string // of a cap that counts one employer
	Start, End time.Time
	Time       time.Duration
	Shifts     int
}

// TimeLeft is how much may still be assigned, and false where the cap limits no time.
// More than the cap allows leaves nothing.
func (u Use) TimeLeft() (time.Duration, bool) {
	return max(u.Cap.Time-u.Time, 0), u.Cap.Time > 0
}

// ShiftsLeft is how many shifts may still be assigned, likewise.
func (u Use) ShiftsLeft() (int, bool) {
	return max(u.Cap.Shifts-u.Shifts, 0), u.Cap.Shifts > 0
}

// Uses adds up the commitments of one person against every cap, in the local day of an
// instant and the week it lies in. A cap on one employer is there for each that the
// person has a shift of. The counting is that of [Policy.Conflicts].
func (p Policy) Uses(loc *time.Location, on time.Time, commitments []Commitment) []Use {
	var uses []Use
	for _, limit := range p.Caps {
		span := p.spans(Slot{Start: on, End: on.Add(1)}, loc, limit.Week)[0]
		var inside []Commitment
		for _, c := range commitments {
			if overlap(c.Start, c.End, span[0], span[1]) > 0 {
				inside = append(inside, c)
			}
		}
		for _, slot := range limit.counted(inside) {
			use := Use{Cap: limit, Employer: slot.Employer, Start: span[0], End: span[1]}
			for _, c := range inside {
				if limit.counts(slot, c) {
					use.Time += overlap(c.Start, c.End, span[0], span[1])
					use.Shifts++
				}
			}
			uses = append(uses, use)
		}
	}
	return uses
}

// counted are the slots a cap counts for: one for all of it, or one for each employer.
func (c Cap) counted(inside []Commitment) []Slot {
	switch c.Counts {
	case CountDetails:
		return []Slot{{Kind: eventschema.ShiftDetail}}
	case CountEmployer:
		var slots []Slot
		for _, other := range inside {
			if !slices.ContainsFunc(slots, func(s Slot) bool { return s.Employer == other.Employer }) {
				slots = append(slots, Slot{Employer: other.Employer})
			}
		}
		slices.SortFunc(slots, func(a, b Slot) int {
			if a.Employer < b.Employer {
				return -1
			}
			return 1
		})
		return slots
	case CountAll:
	}
	return []Slot{{}}
}
