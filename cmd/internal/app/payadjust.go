package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/payperiod"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// digestOf tells rules apart that go by the same name and version.
func digestOf(rules payrules.Rules) string {
	hash := sha256.New()
	_ = WriteRules(hash, rules) // a hash takes everything
	return hex.EncodeToString(hash.Sum(nil))
}

// paidBy is what is kept of the rules of a group.
func paidBy(g *payrules.Group) eventschema.PaidBy {
	by := eventschema.PaidBy{
		Group: g.Name, Rest: len(g.Works) == 0, Zone: cmp.Or(g.Zone, g.ZoneOf(g.Parts[0].Rules)), Job: g.Job,
		FirstMealWaived: g.FirstMealWaived, SecondMealWaived: g.SecondMealWaived,
	}
	for _, p := range g.Parts {
		by.Rules = append(by.Rules, eventschema.PaidRules{Jobs: p.Jobs, Name: p.Rules.Name, Version: p.Rules.Version, Digest: digestOf(p.Rules)})
	}
	return by
}

// jobTimes is what a report owes, as a card keeps it. A premium hour is at the
// regular rate, and so for no job.
func jobTimes(owed OwedHours) []eventschema.JobTime {
	byJob := map[string]*eventschema.JobTime{}
	of := func(job string) *eventschema.PaidTime {
		if byJob[job] == nil {
			byJob[job] = &eventschema.JobTime{Job: job}
		}
		return &byJob[job].Time
	}
	lines := map[string][]payrules.Line{}
	for _, l := range owed.Result.Lines {
		lines[l.Job] = append(lines[l.Job], l)
	}
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	for job, worked := range lines {
		t := payrules.TotalsOf(worked)
		*of(job) = eventschema.PaidTime{RegularSeconds: seconds(t.Regular), OvertimeSeconds: seconds(t.Overtime), DoubleTimeSeconds: seconds(t.DoubleTime)}
	}
	for _, g := range owed.Result.Guaranteed {
		of(g.Job).GuaranteedSeconds += seconds(g.Paid - g.Worked)
	}
	if n := len(owed.Result.Premiums); n > 0 {
		of("").PremiumHours = n
	}
	var times []eventschema.JobTime
	for _, t := range byJob {
		if t.Time != (eventschema.PaidTime{}) {
			times = append(times, *t)
		}
	}
	slices.SortFunc(times, func(a, b eventschema.JobTime) int { return cmp.Compare(a.Job, b.Job) })
	return times
}

// earlierPeriods is what locked periods come to today.
type earlierPeriods struct {
	periods []projections.PayPeriod
	owed    []map[uuid.UUID]*OwedHours // of each period
	cards   map[uuid.UUID]*payperiod.Cards
	by      map[cardKey]*eventschema.PaidBy // of each card; nil for one that kept no jobs
}

type cardKey struct{ period, work uuid.UUID }

// earlier works out what the locked periods before an order come to: each card by
// the rules it was locked by.
func (w *World) earlier(ctx context.Context, o HoursOrder) (*earlierPeriods, error) {
	all, err := projections.PayPeriods(ctx, w.q, w.a.tenant)
	if err != nil {
		return nil, err
	}
	e := &earlierPeriods{cards: map[uuid.UUID]*payperiod.Cards{}, by: map[cardKey]*eventschema.PaidBy{}}
	first, last := o.Period.First.AddDate(-adjustedWithin, 0, 0).Format(time.DateOnly), o.Period.First.Format(time.DateOnly)
	all = slices.DeleteFunc(all, func(p projections.PayPeriod) bool { return p.To < first || p.To >= last })
	if len(all) == 0 {
		return e, nil
	}
	if err := w.readCards(ctx, e); err != nil {
		return nil, err
	}
	for _, p := range all {
		period, err := daysOf(p.From, p.To)
		if err != nil {
			return nil, err
		}
		groups, err := e.groups(p, period, o, w.now())
		if err != nil {
			return nil, err
		}
		owed, err := w.owed(ctx, groups, period, o.Works)
		if err != nil {
			return nil, err
		}
		e.periods, e.owed = append(e.periods, p), append(e.owed, owed)
	}
	return e, nil
}

func (w *World) readCards(ctx context.Context, e *earlierPeriods) error {
	cards, err := projections.TimeCards(ctx, w.q, w.a.tenant, uuid.Nil)
	if err != nil {
		return err
	}
	for _, c := range cards {
		if e.cards[c.WorkID] == nil {
			e.cards[c.WorkID] = &payperiod.Cards{}
		}
		of := e.cards[c.WorkID]
		of.Locked = append(of.Locked, payperiod.Card{PeriodID: c.PeriodID, From: c.From, To: c.To, Jobs: c.Jobs})
		of.Settled = append(of.Settled, c.Adjustments...)
		e.by[cardKey{c.PeriodID, c.WorkID}] = c.By
	}
	return nil
}

// groups are those a period was locked by. Who has no card is in the one that has the
// name of their group today, or had all the rest; or is paid as today.
func (e *earlierPeriods) groups(p projections.PayPeriod, period payrules.PayPeriod, o HoursOrder, now time.Time) (payGroups, error) {
	order := HoursOrder{Period: period}
	made, known, byText := payGroups{}, o.knownRules(), map[string]*payGroup{}
	add := func(by eventschema.PaidBy) error {
		text := fmt.Sprintf("%+v", by)
		if byText[text] != nil {
			return nil
		}
		group, err := groupOf(p, by, known)
		if err != nil {
			return err
		}
		one, err := newPayGroup(group, order, now)
		if err != nil {
			return err
		}
		made.all, byText[text] = append(made.all, one), one
		return nil
	}
	for _, by := range p.Paid {
		if err := add(by); err != nil {
			return payGroups{}, err
		}
	}
	for key, by := range e.by {
		if key.period == p.PeriodID && by != nil {
			if err := add(*by); err != nil {
				return payGroups{}, err
			}
		}
	}
	today := HoursOrder{Plan: withoutWages(o.Plan), Period: period}
	asToday, err := today.groups(now)
	if err != nil {
		return payGroups{}, err
	}
	made.all = append(made.all, asToday.all...)
	made.of = func(work uuid.UUID) *payGroup {
		if by := e.by[cardKey{p.PeriodID, work}]; by != nil {
			return byText[fmt.Sprintf("%+v", *by)]
		}
		group := asToday.of(work)
		for _, by := range p.Paid {
			if group != nil && group.Name != "" && by.Group == group.Name {
				return byText[fmt.Sprintf("%+v", by)]
			}
		}
		for _, by := range p.Paid {
			if by.Rest {
				return byText[fmt.Sprintf("%+v", by)]
			}
		}
		return asToday.of(work)
	}
	return made, nil
}

// knownRules are all rules at hand.
func (o HoursOrder) knownRules() []payrules.Rules {
	known := slices.Concat(payrules.BuiltIns(), payrules.Earlier(), o.Earlier)
	for _, g := range o.Plan.Groups {
		for _, p := range g.Parts {
			known = append(known, p.Rules)
		}
	}
	return known
}

// groupOf finds the rules again that a period was locked by.
func groupOf(p projections.PayPeriod, by eventschema.PaidBy, known []payrules.Rules) (*payrules.Group, error) {
	group := &payrules.Group{
		Name: by.Group, Zone: by.Zone, Job: by.Job, FirstMealWaived: by.FirstMealWaived, SecondMealWaived: by.SecondMealWaived,
	}
	for _, of := range by.Rules {
		i := slices.IndexFunc(known, func(r payrules.Rules) bool {
			return r.Name == of.Name && r.Version == of.Version && digestOf(r) == of.Digest
		})
		if i < 0 {
			return nil, fmt.Errorf("%w: %s to %s needs %s, version %d, as it was; give the file with --earlier-rules", ErrEarlierRules, p.From, p.To, of.Name, of.Version)
		}
		group.Parts = append(group.Parts, payrules.Part{Jobs: of.Jobs, Rules: known[i]})
	}
	return group, nil
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

// of is what each period comes to for one work record. A card that kept no jobs kept
// no guarantee either.
func (e *earlierPeriods) of(work uuid.UUID) []payperiod.Earlier {
	list := make([]payperiod.Earlier, len(e.periods))
	for i, p := range e.periods {
		list[i] = payperiod.Earlier{PeriodID: p.PeriodID, From: p.From, To: p.To}
		one := e.owed[i][work]
		if one == nil {
			continue
		}
		list[i].Jobs = jobTimes(*one)
		if by, card := e.by[cardKey{p.PeriodID, work}]; card && by == nil {
			all := payperiod.Total(list[i].Jobs)
			all.GuaranteedSeconds = 0
			list[i].Jobs = []eventschema.JobTime{{Time: all}}
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
		seen[work] = len(jobTimes(*one)) > 0
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
