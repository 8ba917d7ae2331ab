package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Refusals of reports.
var (
	ErrZone    = errors.New("whose clock begins a day? Name an IANA zone: in the file of rules, or with --zone")
	ErrNoGroup = errors.New("work records with hours are in no group of the plan; name them, or give one group no people, so that it has all the rest")
	ErrBonus   = errors.New("the plan gives a bonus for a workweek in which nothing was worked")
)

// HoursOrder asks what is owed for some local days, both included.
type HoursOrder struct {
	Plan   payrules.Plan
	Period payrules.PayPeriod
	Works  []uuid.UUID // none means everybody
	Facts  payrules.Facts
	// Earlier are rules that earlier periods were locked by, where they are neither
	// in the plan nor built in.
	Earlier []payrules.Rules
}

// OwedHours is what is owed to one work record.
type OwedHours struct {
	WorkID   uuid.UUID
	Name     httpapi.Personal
	Group    *payrules.Group
	Totals   payrules.Totals
	Result   payrules.Result // of the days of the period
	Findings []hours.Finding
	Pay      []payrules.Pay // of the cycles that end in the period
	// Adjustments are what earlier periods come to beyond what was locked and settled.
	Adjustments []eventschema.TimeAdjustment
}

// OwedHours works out what is owed to each work record for a period, by work id.
// Workweeks that the period cuts are worked out whole. It answers [ErrZone],
// [ErrNoGroup], [ErrBonus], [ErrEarlierRules], and [payrules.ErrRate] for work
// without a rate.
func (w *World) OwedHours(ctx context.Context, by httpapi.Principal, o HoursOrder) ([]OwedHours, error) {
	groups, err := o.groups(w.now())
	if err != nil {
		return nil, err
	}
	owed, err := w.owed(ctx, groups, o.Period, o.Works)
	if err != nil {
		return nil, err
	}
	if err := o.bonusesPaid(owed); err != nil {
		return nil, err
	}
	earlier, err := w.earlier(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, work := range earlier.worksWith(owed) {
		if len(o.Works) > 0 && !slices.Contains(o.Works, work) {
			continue
		}
		if owed[work] == nil {
			owed[work] = &OwedHours{WorkID: work, Group: o.Plan.GroupOf(work)}
		}
		owed[work].Adjustments = earlier.due(work)
	}
	if err := grouped(owed); err != nil {
		return nil, err
	}
	return w.withNames(ctx, by, owed)
}

// grouped says who is in no group.
func grouped(owed map[uuid.UUID]*OwedHours) error {
	var outside []uuid.UUID
	for work, one := range owed {
		if one.Group == nil {
			outside = append(outside, work)
		}
	}
	if len(outside) == 0 {
		return nil
	}
	slices.SortFunc(outside, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return fmt.Errorf("%w: %v", ErrNoGroup, outside)
}

// owed works out a period without what earlier ones lack, and without names. Who is
// in no group has no Group, and no hours.
func (w *World) owed(ctx context.Context, groups payGroups, period payrules.PayPeriod, works []uuid.UUID) (map[uuid.UUID]*OwedHours, error) {
	owed := map[uuid.UUID]*OwedHours{}
	of := func(work uuid.UUID) *OwedHours {
		if owed[work] == nil {
			owed[work] = &OwedHours{WorkID: work}
			if group := groups.of(work); group != nil {
				owed[work].Group = group.Group
			}
		}
		return owed[work]
	}
	known := groups.known(period)
	days := projections.Days{Works: works, From: known.First.Format(time.DateOnly), To: known.Last.Format(time.DateOnly)}
	paired, err := w.exceptionsByWork(ctx, days)
	if err != nil {
		return nil, err
	}
	declared, err := w.declaredByWork(ctx, days)
	if err != nil {
		return nil, err
	}
	reckoned := map[uuid.UUID]bool{}
	reckon := func(work uuid.UUID, intervals []projections.PairedInterval) error {
		reckoned[work] = true
		p := paired[work]
		for _, i := range intervals {
			p.Intervals = append(p.Intervals, hours.WorkInterval{In: i.In, Out: i.Out, Start: i.Start, End: i.End, WorkDate: i.WorkDate, InKind: i.InKind, OutKind: i.OutKind})
		}
		paired[work] = p
		group := groups.of(work)
		if group == nil {
			if slices.ContainsFunc(intervals, func(i projections.PairedInterval) bool { return period.Contains(i.WorkDate) }) ||
				slices.ContainsFunc(declared[work], func(d hours.Declared) bool { return period.Contains(d.WorkDate) }) {
				of(work)
			}
			return nil
		}
		made, pay, err := group.reckon(work, intervals, declared[work])
		if err == nil && (!nothing(made) || len(pay) > 0) {
			one := of(work)
			one.Result, one.Pay, one.Totals = made, pay, payrules.TotalsOf(made.Lines)
		}
		return err
	}
	if err := projections.EachPaired(ctx, w.q, w.a.tenant, days, reckon); err != nil {
		return nil, err
	}
	for work := range declared {
		if !reckoned[work] {
			if err := reckon(work, nil); err != nil {
				return nil, err
			}
		}
	}
	for work, found := range w.reviewed(period, paired, declared) {
		of(work).Findings = found
	}
	return owed, nil
}

// reviewed lists what is worth a look in a period, of those who have something.
func (w *World) reviewed(period payrules.PayPeriod, paired map[uuid.UUID]hours.Pairing, declared map[uuid.UUID][]hours.Declared) map[uuid.UUID][]hours.Finding {
	found := map[uuid.UUID][]hours.Finding{}
	add := func(work uuid.UUID, all []hours.Finding) {
		for _, f := range all {
			if period.Contains(f.WorkDate) {
				found[work] = append(found[work], f)
			}
		}
	}
	for work, entries := range declared {
		add(work, hours.DefaultReview().ReviewDeclared(paired[work], entries))
	}
	for work, p := range paired {
		add(work, hours.DefaultReview().Review(p, w.now()))
	}
	return found
}

// exceptionsByWork lists what pairing left open and what fences said, without the
// intervals.
func (w *World) exceptionsByWork(ctx context.Context, days projections.Days) (map[uuid.UUID]hours.Pairing, error) {
	exceptions, err := projections.ExceptionsOf(ctx, w.q, w.a.tenant, days, w.now())
	if err != nil {
		return nil, err
	}
	fenced, err := projections.FenceExceptionsOf(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return nil, err
	}
	exceptions = append(exceptions, fenced...)
	paired := map[uuid.UUID]hours.Pairing{}
	for _, e := range exceptions {
		p := paired[e.WorkID]
		p.Exceptions = append(p.Exceptions, hours.Exception{Punch: e.Punch, Code: e.Code, At: e.At, WorkDate: e.WorkDate})
		paired[e.WorkID] = p
	}
	return paired, nil
}

// declaredByWork lists the hours that were declared without times of day.
func (w *World) declaredByWork(ctx context.Context, days projections.Days) (map[uuid.UUID][]hours.Declared, error) {
	all, err := projections.DeclaredHours(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return nil, err
	}
	byWork := map[uuid.UUID][]hours.Declared{}
	for _, d := range all {
		byWork[d.WorkID] = append(byWork[d.WorkID], hours.Declared{ID: d.ID, WorkDate: d.WorkDate, Time: time.Duration(d.Seconds) * time.Second, Job: d.Job})
	}
	return byWork, nil
}

// withNames adds the names and puts the records in order.
func (w *World) withNames(ctx context.Context, by httpapi.Principal, owed map[uuid.UUID]*OwedHours) ([]OwedHours, error) {
	works := make([]uuid.UUID, 0, len(owed))
	for work := range owed {
		works = append(works, work)
	}
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	names, err := w.a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	all := make([]OwedHours, len(works))
	for i, work := range works {
		all[i] = *owed[work]
		all[i].Name = names[work]
	}
	return all, nil
}

// bonusesPaid says whether a bonus for a week that ends in the period found work to
// be paid with.
func (o HoursOrder) bonusesPaid(owed map[uuid.UUID]*OwedHours) error {
	for _, g := range o.Plan.Groups {
		if g.Wages == nil {
			continue
		}
		for _, b := range g.Wages.Bonuses {
			first, err := time.Parse(time.DateOnly, b.Week)
			asked := len(o.Works) == 0 || slices.Contains(o.Works, b.Work)
			if b.Work == uuid.Nil || err != nil || !asked || !endsIn(o.Period, g.Parts[0].Rules, first) {
				continue
			}
			paid := func(p payrules.Pay) bool { return p.Cycle == b.Week }
			if one := owed[b.Work]; one == nil || !slices.ContainsFunc(one.Pay, paid) {
				return fmt.Errorf("%w: %s, the week of %s", ErrBonus, b.Work, b.Week)
			}
		}
	}
	return nil
}

// endsIn says whether the cycle that begins on a date ends in a period: what overtime
// adds is known with the end of the workweek only (29 CFR 778.106).
func endsIn(period payrules.PayPeriod, rules payrules.Rules, first time.Time) bool {
	return period.Contains(first.AddDate(0, 0, rules.Workweek.Days-1).Format(time.DateOnly))
}

func nothing(r payrules.Result) bool {
	return len(r.Lines)+len(r.Premiums)+len(r.Breaches)+len(r.Overlaps)+len(r.Guaranteed) == 0
}
