package app

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/erasure"
	"tracekeep/projections"
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
	// BatchesPerDay is how many batches of ended retention one officer may approve
	// within 24 hours. The cases in them, up to [retention.MostInBatch] each, do not
	// count as erasures.
	BatchesPerDay int
}

// DefaultCases is the policy of an installation that says nothing.
func DefaultCases() CasePolicy { return CasePolicy{DestructionsPerDay: 20, BatchesPerDay: 5} }

func (p CasePolicy) validate() error {
	var errs []error
	if p.CoolingOff != nil && *p.CoolingOff < 0 {
		errs = append(errs, errors.New("cooling-off cannot be shorter than nothing (--cooling-off)"))
	}
	if p.DestructionsPerDay < 1 {
		errs = append(errs, errors.New("an officer may approve at least one erasure a day (--erasures-per-day)"))
	}
	if p.BatchesPerDay < 1 {
		errs = append(errs, errors.New("an officer may approve at least one batch a day (--batches-per-day)"))
	}
	return errors.Join(errs...)
}

// errTooMany refuses an officer who approves faster than one may.
var errTooMany = &httpapi.Refusal{Code: "too_many_today", Message: "this officer has approved as many erasures as one may within 24 hours"}

// checksHolds says whether the machine is about to check what holds a case: its
// scope has just been assessed, or its last hold has just been lifted.
func (a *App) checksHolds(ctx context.Context, s erasure.State) (bool, error) {
	if s.Phase != erasure.PhaseHeld {
		return s.Phase == erasure.PhaseAssessed, nil
	}
	order, err := a.orderOf(ctx, s)
	if err != nil {
		return false, err
	}
	holds, _, err := a.holdsOn(ctx, order)
	return len(holds) == 0, err
}

// awaitHoldCheck waits until the machine has checked what holds a case.
func (a *App) awaitHoldCheck(ctx context.Context, id uuid.UUID) error {
	const pause = 20 * time.Millisecond
	for {
		loaded, err := a.loadCase(ctx, id)
		if err != nil {
			return err
		}
		checks, err := a.checksHolds(ctx, loaded.State)
		if err != nil || !checks {
			return err
		}
		select {
		case <-ctx.Done():
			return erasure.ErrHoldUnchecked
		case <-time.After(pause):
		}
	}
}

// mayApprove waits for the check of holds, which follows within moments, and
// keeps the officer to the rate.
func (a *App) mayApprove(ctx context.Context, id, officer uuid.UUID) error {
	const longest = 12 * time.Second
	waiting, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if err := a.awaitHoldCheck(waiting, id); err != nil {
		return err
	}
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	if err := a.Await(waiting, last); err != nil {
		return errors.Join(httpapi.ErrUnavailable, err)
	}
	approved, err := projections.ApprovalsBy(ctx, a.models.Querier(), a.tenant, officer, a.clock().Add(-24*time.Hour))
	if err == nil && int64(approved) >= a.perOfficer.Load() {
		err = errTooMany
	}
	return err
}
