package app

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/projections"
)

// payGroups are groups whose hours are ready to be worked out.
type payGroups struct {
	all []*payGroup
	of  func(work uuid.UUID) *payGroup // nil: in none
}

// payGroup is a group with a reckoning for each of its parts.
type payGroup struct {
	*payrules.Group
	parts []*reckoning
}

// groups makes the groups of a plan ready.
func (o HoursOrder) groups(now time.Time) (payGroups, error) {
	made := payGroups{}
	var rest *payGroup
	byWork := map[uuid.UUID]*payGroup{} // a plan may name thousands
	for i := range o.Plan.Groups {
		group, err := newPayGroup(&o.Plan.Groups[i], o, now)
		if err != nil {
			return payGroups{}, err
		}
		made.all = append(made.all, group)
		if len(group.Works) == 0 {
			rest = group
		}
		for _, work := range group.Works {
			byWork[work] = group
		}
	}
	made.of = func(work uuid.UUID) *payGroup {
		if group := byWork[work]; group != nil {
			return group
		}
		return rest
	}
	return made, nil
}

func newPayGroup(group *payrules.Group, o HoursOrder, now time.Time) (*payGroup, error) {
	made := &payGroup{Group: group}
	for i, part := range group.Parts {
		r, err := newReckoning(part.Rules, group, o, now)
		if err != nil {
			return nil, err
		}
		if group.Wages != nil {
			r.wage = group.Wages.Of
			if i > 0 { // bonuses are for the work of the first part
				r.wage = payrules.Wages{Rates: group.Wages.Rates, Others: group.Wages.Others}.Of
			}
		}
		made.parts = append(made.parts, r)
	}
	return made, nil
}

// known is the days whose work must be read for a period.
func (g payGroups) known(period payrules.PayPeriod) payrules.PayPeriod {
	for _, group := range g.all {
		for _, r := range group.parts {
			if r.known.First.Before(period.First) {
				period.First = r.known.First
			}
			if r.known.Last.After(period.Last) {
				period.Last = r.known.Last
			}
		}
	}
	return period
}

// ended is the instant at which the last day is over for every group.
func (g payGroups) ended(last time.Time) time.Time {
	var ended time.Time
	for _, group := range g.all {
		for _, r := range group.parts {
			if at := r.midnight(last.AddDate(0, 0, 1)); at.After(ended) {
				ended = at
			}
		}
	}
	return ended
}

// reckon works out what the period owes for the intervals of one work record around
// it and for its declared hours, each by the rules of its job. What names none is of the
// job that the group has for it.
func (g *payGroup) reckon(work uuid.UUID, intervals []projections.PairedInterval, declared []hours.Declared) (payrules.Result, []payrules.Pay, error) {
	spans := make([][]payrules.Work, len(g.parts))
	for _, w := range intervals {
		job := cmp.Or(w.Job, g.Job)
		part := g.PartOf(job)
		spans[part] = append(spans[part], payrules.Work{In: w.In, Out: w.Out, Start: w.Start, End: w.End, InKind: w.InKind, OutKind: w.OutKind, Job: job})
	}
	entries := make([][]payrules.Declared, len(g.parts))
	for _, d := range declared {
		job := cmp.Or(d.Job, g.Job)
		part := g.PartOf(job)
		entries[part] = append(entries[part], payrules.Declared{ID: d.ID, Workday: d.WorkDate, Time: d.Time, Job: job})
	}
	var all payrules.Result
	var paid []payrules.Pay
	for i, r := range g.parts {
		if i > 0 && len(spans[i])+len(entries[i]) == 0 {
			continue
		}
		made, pay, err := r.reckon(work, spans[i], entries[i])
		if err != nil {
			return payrules.Result{}, nil, err
		}
		all.Lines, all.Premiums, all.Breaches = append(all.Lines, made.Lines...), append(all.Premiums, made.Premiums...), append(all.Breaches, made.Breaches...)
		all.Overlaps, all.Drifts = append(all.Overlaps, made.Overlaps...), append(all.Drifts, made.Drifts...)
		all.Guaranteed, all.Unjudged, paid = append(all.Guaranteed, made.Guaranteed...), append(all.Unjudged, made.Unjudged...), append(paid, pay...)
	}
	slices.SortStableFunc(all.Lines, func(a, b payrules.Line) int {
		return cmp.Or(cmp.Compare(a.Workday, b.Workday), a.Start.Compare(b.Start))
	})
	return all, paid, nil
}

// reckoning is one set of rules that is ready to be applied to a period.
type reckoning struct {
	rules  payrules.Rules
	loc    *time.Location
	period payrules.PayPeriod
	facts  payrules.Facts
	known  payrules.PayPeriod                               // the days whose work is read
	wage   func(work uuid.UUID, cycle string) payrules.Wage // nil: no money
}

// newReckoning finds how far around the period the rules look: to whole workweeks,
// and back over the weeks of an average. Nothing is judged that is not over.
func newReckoning(rules payrules.Rules, group *payrules.Group, o HoursOrder, now time.Time) (*reckoning, error) {
	loc, err := zoneOf(group.ZoneOf(rules), rules)
	if err != nil {
		return nil, err
	}
	cycle := rules.Workweek.Days
	back, ahead := cycle*max(1, rules.Average.Weeks+1), cycle
	r := &reckoning{
		rules: rules, loc: loc, period: o.Period, facts: o.Facts,
		known: payrules.PayPeriod{First: o.Period.First.AddDate(0, 0, -back-1), Last: o.Period.Last.AddDate(0, 0, ahead+1)},
	}
	r.facts.FirstMealWaived = r.facts.FirstMealWaived || group.FirstMealWaived
	r.facts.SecondMealWaived = r.facts.SecondMealWaived || group.SecondMealWaived
	r.facts.From, r.facts.To = r.midnight(r.known.First.AddDate(0, 0, 1)), r.midnight(r.known.Last)
	if now.Before(r.facts.To) {
		r.facts.To = now
	}
	return r, nil
}

// midnight is the instant at which a local date begins.
func (r *reckoning) midnight(date time.Time) time.Time {
	year, month, day := date.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, r.loc)
}

// reckon works out what the period owes for the work and declared hours around it.
func (r *reckoning) reckon(of uuid.UUID, work []payrules.Work, declared []payrules.Declared) (payrules.Result, []payrules.Pay, error) {
	var inside []payrules.Work
	for _, w := range work {
		if r.within(w.Start) {
			inside = append(inside, w)
		}
	}
	whole := r.rules.ApplyDeclared(r.loc, work, declared, r.facts)
	pay, err := r.pay(of, whole)
	if err != nil {
		return payrules.Result{}, nil, err
	}
	return r.narrow(whole, inside), pay, nil
}

// within says whether the local date of an instant is one of the period.
func (r *reckoning) within(at time.Time) bool {
	return r.period.Contains(at.In(r.loc).Format(time.DateOnly))
}

// narrow takes from a result what belongs to the period: work by its workday, a
// week that was judged by its last day.
func (r *reckoning) narrow(whole payrules.Result, inside []payrules.Work) payrules.Result {
	made := payrules.Result{Drifts: r.rules.Drifts(inside, r.loc)}
	for _, l := range whole.Lines {
		if r.period.Contains(l.Workday) {
			made.Lines = append(made.Lines, l)
		}
	}
	for _, p := range whole.Premiums {
		if r.period.Contains(p.Workday) {
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
		if r.period.Contains(u.Workday) {
			made.Unjudged = append(made.Unjudged, u)
		}
	}
	for _, o := range whole.Overlaps {
		if r.within(o.Start) {
			made.Overlaps = append(made.Overlaps, o)
		}
	}
	for _, g := range whole.Guaranteed {
		if r.period.Contains(g.Workday) {
			made.Guaranteed = append(made.Guaranteed, g)
		}
	}
	return made
}

// pay prices the cycles that end in the period.
func (r *reckoning) pay(of uuid.UUID, whole payrules.Result) ([]payrules.Pay, error) {
	if r.wage == nil {
		return nil, nil
	}
	var paid []payrules.Pay
	for _, cycle := range whole.Cycles() {
		first, err := time.Parse(time.DateOnly, cycle)
		if err != nil {
			return nil, fmt.Errorf("read the start of a cycle: %w", err)
		}
		if !endsIn(r.period, r.rules, first) {
			continue
		}
		pay, err := r.rules.Pay(whole.OfCycle(cycle), r.wage(of, cycle))
		if err != nil {
			return nil, fmt.Errorf("%w, %s in the week of %s", err, of, cycle)
		}
		paid = append(paid, pay)
	}
	return paid, nil
}
