package app

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/hours"
	"tracekeep/domain/payperiod"
	"tracekeep/projections"
)

// Timecard implements [httpapi.Workforce]: what was worked, what counts otherwise than
// it was recorded, what waits for a decision, and what is locked.
func (w *World) Timecard(ctx context.Context, by httpapi.Principal, q httpapi.TimecardQuestion) (httpapi.TimecardView, error) {
	card := httpapi.TimecardView{From: q.From, To: q.To}
	work, link, err := w.a.whose(ctx, by, q.Whose)
	if err != nil {
		return card, err
	}
	if card.HoursView, err = w.HoursOfWork(ctx, work, q.From, q.To); err != nil {
		return card, outward(err)
	}
	card.Link = link
	var punches []uuid.UUID // whose offsets are shown
	for _, day := range card.Days {
		for _, i := range day.Intervals {
			card.Seconds += int64(i.End.Sub(i.Start) / time.Second)
			punches = append(punches, i.In, i.Out)
		}
		for _, d := range day.Declared {
			card.Seconds += d.Seconds
		}
	}
	if card.Name, err = w.a.nameOf(ctx, by, work); err != nil {
		return card, outward(err)
	}
	policy := hours.DefaultReview()
	found, err := w.findings(ctx, policy, projections.Days{Works: only(work), From: q.From, To: q.To})
	if err != nil {
		return card, outward(err)
	}
	card.ReviewVersion, card.Findings = policy.Version, found[work]
	for _, f := range card.Findings {
		punches = append(punches, f.Punches...)
	}
	if card.Corrections, err = w.corrected(ctx, work, q.From, q.To); err != nil {
		return card, outward(err)
	}
	const manyRequests = 1000
	if card.Requests, err = projections.CorrectionRequests(ctx, w.q, w.a.tenant, projections.CorrectionsAsked{Open: true, Work: work, Limit: manyRequests}); err != nil {
		return card, outward(err)
	}
	for _, r := range card.Requests {
		punches = append(punches, r.PunchID)
	}
	if card.Places, err = projections.PlacesOfPunches(ctx, w.q, w.a.tenant, punches); err != nil {
		return card, outward(err)
	}
	if card.Locked, err = w.lockedDays(ctx, work, q.From, q.To); err != nil {
		return card, outward(err)
	}
	if card.State, err = cardState(card.Locked, q.From, q.To); err != nil {
		return card, err
	}
	card.Owed, err = w.owedOnCard(ctx, by, work, q)
	return card, outward(err)
}

// corrected lists the punches that were recorded or count on some days and were
// corrected, by time.
func (w *World) corrected(ctx context.Context, work uuid.UUID, from, to string) ([]httpapi.CorrectedPunch, error) {
	// A correction stays in the year of the punch, so days of a year hold all.
	days := projections.Days{Works: only(work), From: from[:4] + "-01-01", To: to[:4] + "-12-31"}
	inside := func(r projections.PunchReading) bool {
		date := r.OccurredAt.Add(time.Duration(r.OffsetSeconds) * time.Second).Format(time.DateOnly)
		return date >= from && date <= to
	}
	var punches []httpapi.CorrectedPunch
	var ids []uuid.UUID
	err := projections.EachPunch(ctx, w.q, w.a.tenant, days, "", func(p projections.Punch) error {
		if p.CorrectedFor != "" && (inside(p.Recorded) || inside(p.Counts)) {
			punches, ids = append(punches, httpapi.CorrectedPunch{Punch: p}), append(ids, p.ID)
		}
		return nil
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	corrections, err := projections.CorrectionsOf(ctx, w.q, w.a.tenant, ids...)
	if err != nil {
		return nil, err
	}
	for _, c := range corrections { // the latest comes last
		punches[slices.Index(ids, c.PunchID)].Latest = c
	}
	return punches, nil
}

// lockedDays lists the locked periods that share days with a span, with the card of a
// work record.
func (w *World) lockedDays(ctx context.Context, work uuid.UUID, from, to string) ([]httpapi.LockedDays, error) {
	periods, err := projections.PayPeriods(ctx, w.q, w.a.tenant)
	if err != nil {
		return nil, err
	}
	periods = slices.DeleteFunc(periods, func(p projections.PayPeriod) bool { return p.To < from || p.From > to })
	if len(periods) == 0 {
		return nil, nil
	}
	cards, err := projections.TimeCards(ctx, w.q, w.a.tenant, uuid.Nil, work)
	if err != nil {
		return nil, err
	}
	locked := make([]httpapi.LockedDays, len(periods))
	for i, p := range periods {
		locked[i].Period = p
		for _, c := range cards {
			if c.PeriodID == p.PeriodID {
				locked[i].Card, locked[i].Paid = c, true
			}
		}
	}
	return locked, nil
}

// cardState says whether every day of a span is locked, or some, or none.
func cardState(locked []httpapi.LockedDays, from, to string) (httpapi.CardState, error) {
	span, err := daysOf(from, to)
	if err != nil {
		return "", err
	}
	closed, open := 0, 0
	for day := span.First; !day.After(span.Last); day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		if slices.ContainsFunc(locked, func(l httpapi.LockedDays) bool { return l.Period.From <= date && date <= l.Period.To }) {
			closed++
		} else {
			open++
		}
	}
	switch {
	case open == 0:
		return httpapi.CardLocked, nil
	case closed == 0:
		return httpapi.CardOpen, nil
	}
	return httpapi.CardPartlyLocked, nil
}

// owedOnCard works out what the days are paid as, where rules are given.
func (w *World) owedOnCard(ctx context.Context, by httpapi.Principal, work uuid.UUID, q httpapi.TimecardQuestion) (*httpapi.OwedTime, error) {
	if q.Plan == nil {
		return nil, nil
	}
	period, err := daysOf(q.From, q.To)
	if err != nil {
		return nil, err
	}
	owed, err := w.OwedHours(ctx, by, HoursOrder{Plan: withoutWages(*q.Plan), Earlier: q.Earlier, Period: period, Works: only(work)})
	if err != nil {
		return nil, err
	}
	time := &httpapi.OwedTime{Plan: q.Plan.Name, PlanVersion: q.Plan.Version}
	if group := q.Plan.GroupOf(work); group != nil {
		time.Rules, time.Version = group.Parts[0].Rules.Name, group.Parts[0].Rules.Version
	}
	for _, o := range owed {
		time.Time, time.Adjustments = payperiod.Total(jobTimes(o)), o.Adjustments
		time.Breaches, time.Overlaps = len(o.Result.Breaches), len(o.Result.Overlaps)
	}
	return time, nil
}
