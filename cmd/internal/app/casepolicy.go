package app

import (
	"errors"
	"time"
)

// CasePolicy says how a mistaken or hostile erasure is slowed.
type CasePolicy struct {
	// CoolingOff is how long a case waits before it may be approved; withdrawn
	// consent never does. Nil: as long as the key policy of the folder counts with,
	// which is also the most. Zero is a choice for demonstrations and tests.
	CoolingOff *time.Duration
	// DestructionsPerDay is how many erasures one officer may approve within 24
	// hours.
	DestructionsPerDay int
}

// DefaultCases is the policy of an installation that says nothing.
func DefaultCases() CasePolicy { return CasePolicy{DestructionsPerDay: 20} }

func (p CasePolicy) validate() error {
	var errs []error
	if p.CoolingOff != nil && *p.CoolingOff < 0 {
		errs = append(errs, errors.New("cooling-off cannot be shorter than nothing (--cooling-off)"))
	}
	if p.DestructionsPerDay < 1 {
		errs = append(errs, errors.New("an officer may approve at least one erasure a day (--erasures-per-day)"))
	}
	return errors.Join(errs...)
}
