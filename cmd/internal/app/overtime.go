package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/domain/localtime"
	"tracekeep/domain/payrules"
	"tracekeep/projections"
)

// errDay refuses a day that is none.
var errDay = &httpapi.Refusal{Code: "bad_day", Message: "a day is written 2006-01-02", Pointer: "query/on"}

// Overtime implements [httpapi.Workforce]: the workweek of the rules, as far as it is
// over. Who is in now has worked up to now.
func (w *World) Overtime(ctx context.Context, by httpapi.Principal, q httpapi.OvertimeQuestion) (httpapi.OvertimeView, error) {
	work, _, err := w.a.whose(ctx, by, q.Whose)
	if err != nil {
		return httpapi.OvertimeView{}, err
	}
	loc, err := zoneOf(q.Zone, q.Rules)
	if err != nil {
		return httpapi.OvertimeView{}, outward(err)
	}
	at := w.now()
	if q.On != "" {
		day, err := time.Parse(time.DateOnly, q.On)
		if err != nil {
			return httpapi.OvertimeView{}, errDay
		}
		at = localtime.Midnight(day, loc)
	}
	start, end, cycle := q.Rules.CycleAt(loc, at)
	view := httpapi.OvertimeView{From: cycle, To: end.In(loc).Format(time.DateOnly), Start: start, End: end}
	if len(q.Rules.Weekly) > 0 {
		view.Limit = q.Rules.Weekly[0].After
	}
	// A pause before the week may part its first shift, and a span may begin before it.
	days := projections.Days{Works: only(work), From: start.AddDate(0, 0, -2).UTC().Format(time.DateOnly), To: end.AddDate(0, 0, 1).UTC().Format(time.DateOnly)}
	worked, running, err := w.workedSoFar(ctx, work, days, start, end)
	if err != nil {
		return view, outward(err)
	}
	entries, err := w.declaredByWork(ctx, days)
	if err != nil {
		return view, outward(err)
	}
	works := slices.Concat(slices.Collect(maps.Keys(worked)), slices.Collect(maps.Keys(entries)))
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, work := range slices.Compact(works) {
		var declared []payrules.Declared
		for _, d := range entries[work] {
			declared = append(declared, payrules.Declared{ID: d.ID, Workday: d.WorkDate, Time: d.Time, Job: d.Job})
		}
		made := q.Rules.ApplyDeclared(loc, worked[work], declared, payrules.Facts{From: start, To: w.now()}).OfCycle(cycle)
		row := httpapi.OvertimeRow{WorkID: work, Totals: payrules.TotalsOf(made.Lines), Running: running[work], State: httpapi.OvertimeUnder}
		if row.Totals.Worked() == 0 {
			continue
		}
		// What is above a daily limit does not count for the week: regular time does.
		row.Left = max(view.Limit-row.Totals.Regular, 0)
		switch {
		case row.Totals.Overtime+row.Totals.DoubleTime > 0:
			row.State = httpapi.OvertimeOver
		case view.Limit > 0 && row.Left <= q.Near:
			row.State = httpapi.OvertimeNear
		}
		view.Rows = append(view.Rows, row)
	}
	view.Rows, err = named(ctx, w.a, by, view.Rows, func(r *httpapi.OvertimeRow) (uuid.UUID, *httpapi.Personal) { return r.WorkID, &r.Name })
	return view, err
}

// zoneOf is whose clock begins days and weeks.
func zoneOf(zone string, rules payrules.Rules) (*time.Location, error) {
	if zone == "" {
		zone = rules.Zone
	}
	loc, err := time.LoadLocation(zone)
	if zone == "" || zone == "Local" || err != nil {
		return nil, ErrZone
	}
	return loc, nil
}

// workedSoFar collects the work around a span, with that of who is in, and how much of
// it that is.
func (w *World) workedSoFar(ctx context.Context, work uuid.UUID, days projections.Days, start, end time.Time) (map[uuid.UUID][]payrules.Work, map[uuid.UUID]time.Duration, error) {
	worked, running := map[uuid.UUID][]payrules.Work{}, map[uuid.UUID]time.Duration{}
	err := projections.EachPaired(ctx, w.q, w.a.tenant, days, func(work uuid.UUID, intervals []projections.PairedInterval) error {
		for _, i := range intervals {
			worked[work] = append(worked[work], payrules.Work{In: i.In, Out: i.Out, Start: i.Start, End: i.End, InKind: i.InKind, OutKind: i.OutKind})
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	now := w.now()
	present, err := projections.WhoIsIn(ctx, w.q, w.a.tenant, now)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range present {
		if work != uuid.Nil && p.WorkID != work || !p.Since.Before(end) || !now.After(start) {
			continue
		}
		worked[p.WorkID] = append(worked[p.WorkID], payrules.Work{In: p.PunchID, Start: p.Since, End: now, InKind: p.Kind})
		running[p.WorkID] = now.Sub(p.Since)
	}
	return worked, running, nil
}

// Caps implements [httpapi.Workforce]: what is assigned in a local day and its week,
// held against the policy that assigns by.
func (w *World) Caps(ctx context.Context, by httpapi.Principal, q httpapi.CapsQuestion) (httpapi.CapsView, error) {
	work, _, err := w.a.whose(ctx, by, q.Whose)
	if err != nil {
		return httpapi.CapsView{}, err
	}
	loc, err := zoneOf(q.Zone, payrules.Rules{})
	if err != nil {
		return httpapi.CapsView{}, outward(err)
	}
	if q.On == "" {
		q.On = w.now().In(loc).Format(time.DateOnly)
	}
	date, err := time.Parse(time.DateOnly, q.On)
	if err != nil {
		return httpapi.CapsView{}, errDay
	}
	on := time.Date(date.Year(), date.Month(), date.Day(), 12, 0, 0, 0, loc) // midnight may be skipped
	assigned, err := projections.AssignmentsOf(ctx, w.q, w.a.tenant, only(work), on.Add(-assignment.Reach), on.Add(assignment.Reach))
	if err != nil {
		return httpapi.CapsView{}, outward(err)
	}
	policy := assignment.DefaultPolicy()
	view := httpapi.CapsView{PolicyVersion: policy.Version, On: q.On}
	for len(assigned) > 0 { // they come by work id
		var commitments []assignment.Commitment
		of := assigned[0].WorkID
		for len(assigned) > 0 && assigned[0].WorkID == of {
			commitments, assigned = append(commitments, commitment(assigned[0])), assigned[1:]
		}
		row := httpapi.CapsRow{WorkID: of, Uses: policy.Uses(loc, on, commitments)}
		if slices.ContainsFunc(row.Uses, func(u assignment.Use) bool { return u.Shifts > 0 }) {
			view.Rows = append(view.Rows, row)
		}
	}
	view.Rows, err = named(ctx, w.a, by, view.Rows, func(r *httpapi.CapsRow) (uuid.UUID, *httpapi.Personal) { return r.WorkID, &r.Name })
	return view, err
}
