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

// ErrZone asks for the zone of rules that name none.
var ErrZone = errors.New("whose clock begins a day? Name an IANA zone: in the file of rules, or with --zone")

// HoursOrder asks what is owed for some local days, both included.
type HoursOrder struct {
	Rules  payrules.Rules
	Zone   string // for rules that name none
	Period payrules.PayPeriod
	Works  []uuid.UUID // none means everybody
	Facts  payrules.Facts
	Wage   *payrules.Wage // nil: no money
	// Earlier are rules that earlier periods were locked by, where they are neither
	// Rules nor built in.
	Earlier []payrules.Rules
}

// OwedHours is what is owed to one work record.
type OwedHours struct {
	WorkID   uuid.UUID
	Name     httpapi.Personal
	Totals   payrules.Totals
	Result   payrules.Result // of the days of the period
	Findings []hours.Finding
	Pay      []payrules.Pay // of the cycles that end in the period
	// Adjustments are what earlier periods come to beyond what was locked and settled.
	Adjustments []eventschema.TimeAdjustment
}

// OwedHours works out what is owed to each work record for a period, by work id.
// Workweeks that the period cuts are worked out whole. It answers [ErrZone],
// [ErrEarlierRules], and [payrules.ErrRate] for work without a rate.
func (w *World) OwedHours(ctx context.Context, by httpapi.Principal, o HoursOrder) ([]OwedHours, error) {
	owed, err := w.owed(ctx, o)
	if err != nil {
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
			owed[work] = &OwedHours{WorkID: work}
		}
		owed[work].Adjustments = earlier.due(work)
	}
	return w.withNames(ctx, by, owed)
}

// owed works out a period without what earlier ones lack, and without names.
func (w *World) owed(ctx context.Context, o HoursOrder) (map[uuid.UUID]*OwedHours, error) {
	r, err := newReckoning(o, w.now())
	if err != nil {
		return nil, err
	}
	owed := map[uuid.UUID]*OwedHours{}
	of := func(work uuid.UUID) *OwedHours {
		if owed[work] == nil {
			owed[work] = &OwedHours{WorkID: work}
		}
		return owed[work]
	}
	days := projections.Days{Works: o.Works, From: r.known.First.Format(time.DateOnly), To: r.known.Last.Format(time.DateOnly)}
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
		made, pay, err := r.reckon(intervals, declared[work])
		if err == nil && !nothing(made) {
			one := of(work)
			one.Result, one.Pay, one.Totals = made, pay, payrules.TotalsOf(made.Lines)
		}
		p := paired[work]
		for _, i := range intervals {
			p.Intervals = append(p.Intervals, hours.WorkInterval{In: i.In, Out: i.Out, Start: i.Start, End: i.End, WorkDate: i.WorkDate, InKind: i.InKind, OutKind: i.OutKind})
		}
		paired[work] = p
		return err
	}
	if err := projections.EachPaired(ctx, w.q, w.a.tenant, days, reckon); err != nil {
		return nil, err
	}
	for work, entries := range declared {
		if !reckoned[work] {
			if err := reckon(work, nil); err != nil {
				return nil, err
			}
		}
		for _, f := range hours.DefaultReview().ReviewDeclared(paired[work], entries) {
			if o.Period.Contains(f.WorkDate) {
				one := of(work)
				one.Findings = append(one.Findings, f)
			}
		}
	}
	for work, p := range paired {
		for _, f := range hours.DefaultReview().Review(p, w.now()) {
			if o.Period.Contains(f.WorkDate) {
				one := of(work)
				one.Findings = append(one.Findings, f)
			}
		}
	}
	return owed, nil
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
		byWork[d.WorkID] = append(byWork[d.WorkID], hours.Declared{ID: d.ID, WorkDate: d.WorkDate, Time: time.Duration(d.Seconds) * time.Second})
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

// reckoning is an order that is ready to be carried out.
type reckoning struct {
	HoursOrder
	loc   *time.Location
	known payrules.PayPeriod // the days whose work is read
}

// newReckoning finds how far around the period the rules look: to whole workweeks,
// and back over the weeks of an average. Nothing is judged that is not over.
func newReckoning(o HoursOrder, now time.Time) (*reckoning, error) {
	loc, err := zoneOf(o.Zone, o.Rules)
	if err != nil {
		return nil, err
	}
	cycle := o.Rules.Workweek.Days
	back, ahead := cycle*max(1, o.Rules.Average.Weeks+1), cycle
	r := &reckoning{HoursOrder: o, loc: loc, known: payrules.PayPeriod{First: o.Period.First.AddDate(0, 0, -back-1), Last: o.Period.Last.AddDate(0, 0, ahead+1)}}
	r.Facts.From, r.Facts.To = r.midnight(r.known.First.AddDate(0, 0, 1)), r.midnight(r.known.Last)
	if now.Before(r.Facts.To) {
		r.Facts.To = now
	}
	return r, nil
}

// midnight is the instant at which a local date begins.
func (r *reckoning) midnight(date time.Time) time.Time {
	year, month, day := date.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, r.loc)
}

// reckon works out what the period owes for the intervals and declared hours around it.
func (r *reckoning) reckon(intervals []projections.PairedInterval, declared []hours.Declared) (payrules.Result, []payrules.Pay, error) {
	work := make([]payrules.Work, len(intervals))
	var inside []payrules.Work
	for i, w := range intervals {
		work[i] = payrules.Work{In: w.In, Out: w.Out, Start: w.Start, End: w.End, InKind: w.InKind, OutKind: w.OutKind}
		if r.within(w.Start) {
			inside = append(inside, work[i])
		}
	}
	entries := make([]payrules.Declared, len(declared))
	for i, d := range declared {
		entries[i] = payrules.Declared{ID: d.ID, Workday: d.WorkDate, Time: d.Time}
	}
	whole := r.Rules.ApplyDeclared(r.loc, work, entries, r.Facts)
	pay, err := r.pay(whole)
	if err != nil {
		return payrules.Result{}, nil, err
	}
	return r.narrow(whole, inside), pay, nil
}

// within says whether the local date of an instant is one of the period.
func (r *reckoning) within(at time.Time) bool {
	return r.Period.Contains(at.In(r.loc).Format(time.DateOnly))
}

// narrow takes from a result what belongs to the period: work by its workday, a
// week that was judged by its last day.
func (r *reckoning) narrow(whole payrules.Result, inside []payrules.Work) payrules.Result {
	made := payrules.Result{Drifts: r.Rules.Rounding.Drifts(inside, r.loc)}
	for _, l := range whole.Lines {
		if r.Period.Contains(l.Workday) {
			made.Lines = append(made.Lines, l)
		}
	}
	for _, p := range whole.Premiums {
		if r.Period.Contains(p.Workday) {
			made.Premiums = append(made.Premiums, p)
		}
	}
	for _, b := range whole.Breaches {
		judged := b.Start
		if b.Code == payrules.WeeklyRestBreach || b.Code == payrules.AverageBreach {
			judged = b.End.Add(-time.Nanosecond)
		}
		if r.within(judged) {
			made.Breaches = append(made.Breaches, b)
		}
	}
	for _, u := range whole.Unjudged {
		if r.Period.Contains(u.Workday) {
			made.Unjudged = append(made.Unjudged, u)
		}
	}
	for _, o := range whole.Overlaps {
		if r.within(o.Start) {
			made.Overlaps = append(made.Overlaps, o)
		}
	}
	for _, g := range whole.Guaranteed {
		if r.within(g.Start) {
			made.Guaranteed = append(made.Guaranteed, g)
		}
	}
	return made
}

// pay prices the cycles that end in the period: what overtime adds is known with
// the end of the workweek only (29 CFR 778.106).
func (r *reckoning) pay(whole payrules.Result) ([]payrules.Pay, error) {
	if r.Wage == nil {
		return nil, nil
	}
	var paid []payrules.Pay
	for _, cycle := range whole.Cycles() {
		first, err := time.Parse(time.DateOnly, cycle)
		if err != nil {
			return nil, fmt.Errorf("read the start of a cycle: %w", err)
		}
		if !r.Period.Contains(first.AddDate(0, 0, r.Rules.Workweek.Days-1).Format(time.DateOnly)) {
			continue
		}
		lines, premiums := whole.OfCycle(cycle)
		pay, err := r.Rules.Pay(lines, premiums, *r.Wage)
		if err != nil {
			return nil, err
		}
		paid = append(paid, pay)
	}
	return paid, nil
}

func nothing(r payrules.Result) bool {
	return len(r.Lines)+len(r.Premiums)+len(r.Breaches)+len(r.Overlaps)+len(r.Guaranteed) == 0
}
