package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/hours"
	"tracekeep/domain/payperiod"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Refusals of locking.
var (
	ErrGraveFindings = errors.New("punches are missing or exchanged, or a day has more than 24 hours; correct them, or lock despite of it")
	ErrEarlierRules  = errors.New("the rules that an earlier period was locked by are not at hand")
)

// adjustedWithin is how long after it was locked a period is still compared with
// what it comes to: as long as wages may be claimed (29 U.S.C. 255).
const adjustedWithin = 3

// LockOrder asks to lock a pay period; LockedPeriod is what locking did.
type (
	LockOrder    = httpapi.LockOrder
	LockedPeriod = httpapi.LockedPeriod
)

// LockPeriod locks the card of everybody who is owed something for a period, and
// then the period. Interrupted anywhere, it is finished by asking again: a card that
// is locked stays as it is. It answers [ErrGraveFindings], [ErrNoGroup],
// [ErrEarlierRules], [ErrZone] and the refusals of [payperiod].
func (a *App) LockPeriod(ctx context.Context, by httpapi.Principal, o LockOrder) (LockedPeriod, error) {
	w := a.Today()
	order := HoursOrder{Plan: withoutWages(o.Plan), Period: o.Period, Earlier: o.Earlier}
	groups, err := order.groups(w.now())
	if err != nil {
		return LockedPeriod{}, err
	}
	owed, err := w.owed(ctx, groups, o.Period, nil)
	if err != nil {
		return LockedPeriod{}, err
	}
	if err := lockable(owed, o.Despite); err != nil {
		return LockedPeriod{}, err
	}
	earlier, err := w.earlier(ctx, order)
	if err != nil {
		return LockedPeriod{}, err
	}
	from, to := o.Period.First.Format(time.DateOnly), o.Period.Last.Format(time.DateOnly)
	locked := LockedPeriod{PeriodID: uuid.NewSHA1(a.tenant, []byte("pay period\x00"+from+"\x00"+to+"\x00"+o.Plan.Name))}
	ended := groups.ended(o.Period.Last)
	works := earlier.worksWith(owed)
	for _, work := range works {
		if owed[work] == nil {
			owed[work] = &OwedHours{WorkID: work, Group: order.Plan.GroupOf(work)}
		}
	}
	if err := grouped(owed); err != nil { // before a card is locked
		return LockedPeriod{}, err
	}
	for _, work := range works {
		adjustments, err := a.lockCard(ctx, by, payperiod.LockCard{
			CardID: uuid.NewSHA1(locked.PeriodID, work[:]), PeriodID: locked.PeriodID, WorkID: work, From: from, To: to, EndedAt: ended,
			Jobs: jobTimes(*owed[work]), By: paidBy(owed[work].Group), Earlier: earlier.of(work), LockedAt: o.At, LockedBy: by.ID,
		})
		if err != nil {
			return locked, err
		}
		locked.Cards++
		locked.Adjustments += adjustments
	}
	lock := payperiod.Lock{
		PeriodID: locked.PeriodID, From: from, To: to, EndedAt: ended, Plan: o.Plan.Name, PlanVersion: o.Plan.Version, Cards: locked.Cards,
		LockedAt: o.At, LockedBy: by.ID,
	}
	for i := range order.Plan.Groups {
		lock.Paid = append(lock.Paid, paidBy(&order.Plan.Groups[i]))
	}
	outcome, err := domain.Handle(ctx, a.handler, payperiod.PeriodDecider(), domain.Request{
		Stream: eventschema.PayPeriodStream(a.tenant, locked.PeriodID), Key: "lock " + locked.PeriodID.String(), Actor: by.Actor(),
	}, lock)
	if err != nil {
		return locked, fmt.Errorf("lock the pay period: %w", err)
	}
	locked.Receipt = receipt(outcome)
	return locked, nil
}

// lockCard answers how many adjustments the card carries.
func (a *App) lockCard(ctx context.Context, by httpapi.Principal, card payperiod.LockCard) (int, error) {
	outcome, err := domain.Handle(ctx, a.handler, payperiod.CardDecider(), domain.Request{
		Stream: eventschema.TimeCardStream(a.tenant, card.WorkID), Key: "lock " + card.CardID.String(), Actor: by.Actor(),
	}, card)
	if err != nil {
		return 0, fmt.Errorf("lock a time card: %w", err)
	}
	adjustments := 0
	for _, e := range outcome.Events {
		if c, ok := e.(*eventschema.TimeCardLocked); ok {
			adjustments += len(c.Adjustments)
		}
	}
	return adjustments, nil
}

// withoutWages is a plan that locks time and asks for no rate.
func withoutWages(plan payrules.Plan) payrules.Plan {
	plan.Groups = slices.Clone(plan.Groups)
	for i := range plan.Groups {
		plan.Groups[i].Wages = nil
	}
	return plan
}

func lockable(owed map[uuid.UUID]*OwedHours, despite bool) error {
	var grave []uuid.UUID
	for work, one := range owed {
		if !despite && slices.ContainsFunc(one.Findings, func(f hours.Finding) bool { return f.Severity == hours.High }) {
			grave = append(grave, work)
		}
	}
	if len(grave) == 0 {
		return nil
	}
	slices.SortFunc(grave, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return fmt.Errorf("%w; tracekeep query exceptions lists them of %v", ErrGraveFindings, grave)
}

// LockPayPeriod implements [httpapi.Payroll].
func (a *App) LockPayPeriod(ctx context.Context, by httpapi.Principal, o LockOrder) (LockedPeriod, error) {
	locked, err := a.LockPeriod(ctx, by, o)
	return locked, outward(err)
}

// PayPeriods lists the periods that are locked.
func (a *App) PayPeriods(ctx context.Context) ([]projections.PayPeriod, error) {
	periods, err := projections.PayPeriods(ctx, a.models.Querier(), a.tenant)
	return periods, outward(err)
}

// TimeCards lists the locked cards of a period.
func (a *App) TimeCards(ctx context.Context, period uuid.UUID) ([]projections.TimeCard, error) {
	cards, err := projections.TimeCards(ctx, a.models.Querier(), a.tenant, period)
	return cards, outward(err)
}
