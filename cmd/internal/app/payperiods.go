package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	ErrGraveFindings = errors.New("punches are missing or exchanged; correct them, or lock despite of them")
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
// is locked stays as it is. It answers [ErrGraveFindings], [ErrEarlierRules],
// [ErrZone] and the refusals of [payperiod].
func (a *App) LockPeriod(ctx context.Context, by httpapi.Principal, o LockOrder) (LockedPeriod, error) {
	w := a.Today()
	hoursOrder := HoursOrder{Rules: o.Rules, Zone: o.Zone, Period: o.Period, Earlier: o.Earlier}
	r, err := newReckoning(hoursOrder, w.now())
	if err != nil {
		return LockedPeriod{}, err
	}
	owed, err := w.owed(ctx, hoursOrder)
	if err != nil {
		return LockedPeriod{}, err
	}
	if !o.Despite {
		for _, one := range owed {
			if slices.ContainsFunc(one.Findings, func(f hours.Finding) bool { return f.Severity == hours.High }) {
				return LockedPeriod{}, ErrGraveFindings
			}
		}
	}
	earlier, err := w.earlier(ctx, hoursOrder)
	if err != nil {
		return LockedPeriod{}, err
	}
	from, to := o.Period.First.Format(time.DateOnly), o.Period.Last.Format(time.DateOnly)
	locked := LockedPeriod{PeriodID: uuid.NewSHA1(a.tenant, []byte("pay period\x00"+from+"\x00"+to+"\x00"+o.Rules.Name))}
	ended := r.midnight(o.Period.Last.AddDate(0, 0, 1))
	for _, work := range earlier.worksWith(owed) {
		card := payperiod.LockCard{
			CardID: uuid.NewSHA1(locked.PeriodID, work[:]), PeriodID: locked.PeriodID, WorkID: work, From: from, To: to, EndedAt: ended,
			Earlier: earlier.of(work), LockedAt: o.At, LockedBy: by.ID,
		}
		if one := owed[work]; one != nil {
			card.Time = paidTime(*one)
		}
		outcome, err := domain.Handle(ctx, a.handler, payperiod.CardDecider(), domain.Request{
			Stream: eventschema.TimeCardStream(a.tenant, work), Key: "lock " + card.CardID.String(), Actor: by.Actor(),
		}, card)
		if err != nil {
			return locked, fmt.Errorf("lock a time card: %w", err)
		}
		locked.Cards++
		for _, e := range outcome.Events {
			if c, ok := e.(*eventschema.TimeCardLocked); ok {
				locked.Adjustments += len(c.Adjustments)
			}
		}
	}
	outcome, err := domain.Handle(ctx, a.handler, payperiod.PeriodDecider(), domain.Request{
		Stream: eventschema.PayPeriodStream(a.tenant, locked.PeriodID), Key: "lock " + locked.PeriodID.String(), Actor: by.Actor(),
	}, payperiod.Lock{
		PeriodID: locked.PeriodID, From: from, To: to, EndedAt: ended, Zone: r.loc.String(), Rules: o.Rules.Name, RulesVersion: o.Rules.Version,
		RulesDigest: digestOf(o.Rules), Cards: locked.Cards, LockedAt: o.At, LockedBy: by.ID,
	})
	if err != nil {
		return locked, fmt.Errorf("lock the pay period: %w", err)
	}
	locked.Receipt = receipt(outcome)
	return locked, nil
}

// digestOf tells rules apart that go by the same name and version.
func digestOf(rules payrules.Rules) string {
	hash := sha256.New()
	_ = WriteRules(hash, rules) // a hash takes everything
	return hex.EncodeToString(hash.Sum(nil))
}

// paidTime is what a report owes, as a card keeps it.
func paidTime(owed OwedHours) eventschema.PaidTime {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return eventschema.PaidTime{
		RegularSeconds: seconds(owed.Totals.Regular), OvertimeSeconds: seconds(owed.Totals.Overtime), DoubleTimeSeconds: seconds(owed.Totals.DoubleTime),
		PremiumHours: len(owed.Result.Premiums),
	}
}

// earlierPeriods is what locked periods come to today.
type earlierPeriods struct {
	periods []projections.PayPeriod
	owed    []map[uuid.UUID]*OwedHours // of each period
	cards   map[uuid.UUID]*payperiod.Cards
}

// earlier works out, each by its own rules, what the locked periods before an order
// come to.
func (w *World) earlier(ctx context.Context, o HoursOrder) (*earlierPeriods, error) {
	all, err := projections.PayPeriods(ctx, w.q, w.a.tenant)
	if err != nil {
		return nil, err
	}
	e := &earlierPeriods{cards: map[uuid.UUID]*payperiod.Cards{}}
	first, last := o.Period.First.AddDate(-adjustedWithin, 0, 0).Format(time.DateOnly), o.Period.First.Format(time.DateOnly)
	for _, p := range all {
		if p.To < first || p.To >= last {
			continue
		}
		order := HoursOrder{Zone: p.Zone, Works: o.Works}
		if order.Rules, err = rulesOfPeriod(p, append(payrules.BuiltIns(), append(o.Earlier, o.Rules)...)); err != nil {
			return nil, err
		}
		if order.Period, err = daysOf(p.From, p.To); err != nil {
			return nil, err
		}
		owed, err := w.owed(ctx, order)
		if err != nil {
			return nil, err
		}
		e.periods, e.owed = append(e.periods, p), append(e.owed, owed)
	}
	if len(e.periods) == 0 {
		return e, nil
	}
	cards, err := projections.TimeCards(ctx, w.q, w.a.tenant, uuid.Nil)
	if err != nil {
		return nil, err
	}
	for _, c := range cards {
		if e.cards[c.WorkID] == nil {
			e.cards[c.WorkID] = &payperiod.Cards{Settled: map[uuid.UUID]eventschema.PaidTime{}}
		}
		of := e.cards[c.WorkID]
		of.Locked = append(of.Locked, payperiod.Card{PeriodID: c.PeriodID, From: c.From, To: c.To, Time: c.Time})
		for _, a := range c.Adjustments {
			of.Settled[a.PeriodID] = of.Settled[a.PeriodID].Plus(a.Time)
		}
	}
	return e, nil
}

func rulesOfPeriod(p projections.PayPeriod, known []payrules.Rules) (payrules.Rules, error) {
	for _, r := range known {
		if r.Name == p.Rules && r.Version == p.RulesVersion && digestOf(r) == p.RulesDigest {
			return r, nil
		}
	}
	return payrules.Rules{}, fmt.Errorf("%w: %s to %s needs %s, version %d, as it was; give the file with --earlier-rules", ErrEarlierRules, p.From, p.To, p.Rules, p.RulesVersion)
}

func daysOf(from, to string) (payrules.PayPeriod, error) {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return payrules.PayPeriod{}, fmt.Errorf("read the days of a locked period: %w", err)
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return payrules.PayPeriod{}, fmt.Errorf("read the days of a locked period: %w", err)
	}
	return payrules.PayPeriod{First: first, Last: last}, nil
}

// of is what each period comes to for one work record.
func (e *earlierPeriods) of(work uuid.UUID) []payperiod.Earlier {
	list := make([]payperiod.Earlier, len(e.periods))
	for i, p := range e.periods {
		list[i] = payperiod.Earlier{PeriodID: p.PeriodID, From: p.From, To: p.To}
		if one := e.owed[i][work]; one != nil {
			list[i].Time = paidTime(*one)
		}
	}
	return list
}

// due is what one work record is owed for them beyond what was paid.
func (e *earlierPeriods) due(work uuid.UUID) []eventschema.TimeAdjustment {
	if len(e.periods) == 0 {
		return nil
	}
	cards := e.cards[work]
	if cards == nil {
		cards = &payperiod.Cards{}
	}
	return cards.Due(e.of(work))
}

// worksWith lists, in order, who has something to be paid or adjusted.
func (e *earlierPeriods) worksWith(owed map[uuid.UUID]*OwedHours) []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	for work, one := range owed {
		seen[work] = paidTime(*one) != eventschema.PaidTime{}
	}
	add := func(work uuid.UUID) { seen[work] = seen[work] || len(e.due(work)) > 0 }
	for _, of := range e.owed {
		for work := range of {
			add(work)
		}
	}
	for work := range e.cards {
		add(work)
	}
	var works []uuid.UUID
	for work, has := range seen {
		if has {
			works = append(works, work)
		}
	}
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return works
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
