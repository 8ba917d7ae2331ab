package payrules

import (
	"time"

	"github.com/google/uuid"
)

// Guarantee is what a span of work is paid at least, whatever its length: a call
// to court, a detail outside of duty. Above the last step, hours that were begun
// are paid whole, or the time itself where Exact says so.
type Guarantee struct {
	Steps  []GuaranteeStep `yaml:"steps,omitempty"`
	Exact  bool            `yaml:"exact,omitempty"`
	Source string          `yaml:"source,omitempty"`
}

// GuaranteeStep pays spans up to a length.
type GuaranteeStep struct {
	UpTo time.Duration `yaml:"up_to,omitempty"`
	Pays time.Duration `yaml:"pays,omitempty"` // 0: the hours that were begun
}

// Of is what a span of a length is paid.
func (g Guarantee) Of(worked time.Duration) time.Duration {
	for _, s := range g.Steps {
		if worked <= s.UpTo {
			if s.Pays > 0 {
				return s.Pays
			}
			return wholeHours(worked)
		}
	}
	if g.Exact {
		return worked
	}
	return wholeHours(worked)
}

// wholeHours is the hours that were begun.
func wholeHours(worked time.Duration) time.Duration {
	return (worked + time.Hour - 1).Truncate(time.Hour)
}

func (g Guarantee) valid() bool {
	for i, s := range g.Steps {
		if s.UpTo <= 0 || s.Pays != 0 && s.Pays < s.UpTo || i > 0 && s.UpTo <= g.Steps[i-1].UpTo {
			return false
		}
	}
	return (len(g.Steps) > 0) == (g.Source != "")
}

// Guaranteed is a span of work and what is paid for it.
type Guaranteed struct {
	In, Out      uuid.UUID
	Start        time.Time
	Job          string
	Workday      string // as of a [Line], of the beginning
	Cycle        string
	Worked, Paid time.Duration
	Cause        Cause
}

func (r Rules) guarantees(loc *time.Location, spans []Work) []Guaranteed {
	if len(r.Guarantee.Steps) == 0 {
		return nil
	}
	paid, days, cycles := make([]Guaranteed, len(spans)), dayGrid(r.Workday, loc), r.Workweek.grid(loc)
	for i, s := range spans {
		worked := s.End.Sub(s.Start)
		paid[i] = Guaranteed{
			In: s.In, Out: s.Out, Start: s.Start, Job: s.Job, Workday: days.stretch(s.Start).date, Cycle: cycles.date(cycles.index(s.Start)).Format(time.DateOnly),
			Worked: worked, Paid: r.Guarantee.Of(worked), Cause: r.cause("guarantee", r.Guarantee.Source),
		}
	}
	return paid
}
