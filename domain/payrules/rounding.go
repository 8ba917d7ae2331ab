package payrules

import (
	"fmt"
	"slices"
	"time"
)

// Rounding moves a punch to the nearest step of the clock on the wall. The seconds
// are cut off first, and a tie goes up (mission rules § 3: 29 CFR 785.48(b) names
// the steps and leaves the tie open). What was punched stays what it is; only
// the calculation rounds.
type Rounding struct {
	Step time.Duration `yaml:"step,omitempty"` // 0: none
}

func (r Rounding) valid() bool {
	return slices.Contains([]time.Duration{0, 5 * time.Minute, 6 * time.Minute, 15 * time.Minute}, r.Step)
}

// Bound is how far one punch moves at most.
func (r Rounding) Bound() time.Duration {
	if r.Step == 0 {
		return 0
	}
	return r.Step/2 + 30*time.Second
}

// Round moves an instant, by a clock in loc.
func (r Rounding) Round(at time.Time, loc *time.Location) time.Time {
	if r.Step == 0 {
		return at
	}
	_, offset := at.In(loc).Zone()
	wall := at.UTC().Add(time.Duration(offset) * time.Second).Truncate(time.Minute)
	return wall.Add(r.Step / 2).Truncate(r.Step).Add(-time.Duration(offset) * time.Second)
}

// Drift is what rounding did to the work of a quarter: over time employees must be
// paid for all the time they worked, so that a negative one is a finding.
type Drift struct {
	Quarter         string // 2026-Q1, by the local date of the in
	Actual, Rounded time.Duration
	Cause           Cause
}

// Gained is the time that rounding added; what it took is negative.
func (d Drift) Gained() time.Duration { return d.Rounded - d.Actual }

func (r Rounding) apply(spans []Work, loc *time.Location) []Work {
	if r.Step == 0 {
		return spans
	}
	rounded := slices.Clone(spans)
	for i, s := range spans {
		rounded[i].Start, rounded[i].End = r.Round(s.Start, loc), r.Round(s.End, loc)
	}
	return rounded
}

// Drifts tells of each quarter what the rules' rounding does to spans of work.
func (r Rules) Drifts(spans []Work, loc *time.Location) []Drift {
	drifts := r.Rounding.Drifts(spans, loc)
	for i := range drifts {
		drifts[i].Cause = r.cause("rounding", "29 CFR 785.48(b)")
	}
	return drifts
}

// Drifts tells of each quarter what rounding does to spans of work, and not by which rules.
func (r Rounding) Drifts(spans []Work, loc *time.Location) []Drift {
	if r.Step == 0 {
		return nil
	}
	var drifts []Drift
	for _, s := range spans {
		local := s.Start.In(loc)
		quarter := fmt.Sprintf("%d-Q%d", local.Year(), (int(local.Month())+2)/3)
		d := slices.IndexFunc(drifts, func(d Drift) bool { return d.Quarter == quarter })
		if d < 0 {
			d = len(drifts)
			drifts = append(drifts, Drift{Quarter: quarter})
		}
		drifts[d].Actual += s.End.Sub(s.Start)
		drifts[d].Rounded += r.Round(s.End, loc).Sub(r.Round(s.Start, loc))
	}
	slices.SortFunc(drifts, func(a, b Drift) int {
		if a.Quarter < b.Quarter {
			return -1
		}
		return 1
	})
	return drifts
}
