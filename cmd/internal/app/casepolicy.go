package app

import (
	"errors"
	"fmt"
	"time"
)

// MaxCoolingOff is the longest a case may cool off, and the default: closure,
// cooling-off and destruction must fit into the 30 days of promise ST-37.
const MaxCoolingOff = 7 * 24 * time.Hour

// CasePolicy says how a mistaken or hostile erasure is slowed.
type CasePolicy struct {
	// CoolingOff is how long a case waits before it may be approved; withdrawn
	// consent never does. Zero is a choice for demonstrations and tests.
	CoolingOff time.Duration
	// DestructionsPerDay is how many erasures one officer may approve within 24
	// hours.
	DestructionsPerDay int
}

// DefaultCases is the policy of an installation that says nothing.
func DefaultCases() CasePolicy {
	return CasePolicy{CoolingOff: MaxCoolingOff, DestructionsPerDay: 20}
}

func (p CasePolicy) validate() error {
	var errs []error
	if p.CoolingOff < 0 || p.CoolingOff > MaxCoolingOff {
		errs = append(errs, fmt.Errorf("cooling-off lies between 0 and %s (--cooling-off)", MaxCoolingOff))
	}
	if p.DestructionsPerDay < 1 {
		errs = append(errs, errors.New("an officer may approve at least one erasure a day (--erasures-per-day)"))
	}
	return errors.Join(errs...)
}
