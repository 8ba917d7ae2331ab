package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

// whose finds the work record that a question names, itself or by its person. With
// neither it is the nil id. link is what led from the person.
func (a *App) whose(ctx context.Context, by httpapi.Principal, who httpapi.Whose) (work uuid.UUID, link httpapi.Personal, err error) {
	if who.Person == uuid.Nil {
		return who.Work, link, nil
	}
	person, err := a.Person(ctx, by, who.Person)
	if err != nil {
		return uuid.Nil, link, err
	}
	work, err = WorkIDOf(person)
	return work, person.WorkID, err
}

// only are the work records of a question about one of them, or nil for everybody.
func only(work uuid.UUID) []uuid.UUID {
	if work == uuid.Nil {
		return nil
	}
	return []uuid.UUID{work}
}

// nameOf is the name to show beside one work record.
func (a *App) nameOf(ctx context.Context, by httpapi.Principal, work uuid.UUID) (httpapi.Personal, error) {
	names, err := a.namesOfWorks(ctx, by, []uuid.UUID{work})
	return names[work], err
}

// findings reviews the punches of some days, by work id.
func (w *World) findings(ctx context.Context, policy hours.ReviewPolicy, days projections.Days) (map[uuid.UUID][]hours.Finding, error) {
	around := days // what is wrong with a punch may show in the one before it or after it
	for date, by := range map[*string]int{&around.From: -2, &around.To: 2} {
		day, err := time.Parse(time.DateOnly, *date)
		if err != nil {
			return nil, err
		}
		*date = day.AddDate(0, 0, by).Format(time.DateOnly)
	}
	paired, err := w.exceptionsByWork(ctx, around)
	if err != nil {
		return nil, err
	}
	err = projections.EachPaired(ctx, w.q, w.a.tenant, around, func(work uuid.UUID, intervals []projections.PairedInterval) error {
		p := paired[work]
		for _, i := range intervals {
			p.Intervals = append(p.Intervals, hours.WorkInterval{In: i.In, Out: i.Out, Start: i.Start, End: i.End, WorkDate: i.WorkDate, InKind: i.InKind, OutKind: i.OutKind})
		}
		paired[work] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	declared, err := w.declaredByWork(ctx, days)
	if err != nil {
		return nil, err
	}
	found := map[uuid.UUID][]hours.Finding{}
	add := func(work uuid.UUID, all []hours.Finding) {
		for _, f := range all {
			if f.WorkDate >= days.From && f.WorkDate <= days.To {
				found[work] = append(found[work], f)
			}
		}
	}
	for work, p := range paired {
		add(work, policy.Review(p, w.now()))
	}
	for work, entries := range declared {
		add(work, policy.ReviewDeclared(paired[work], entries))
	}
	return found, nil
}

// atLeast says whether a severity is as grave as another; every one is as grave as none.
func atLeast(severity, wanted hours.Severity) bool {
	grave := []hours.Severity{hours.Low, hours.Medium, hours.High}
	return slices.Index(grave, severity) >= slices.Index(grave, wanted)
}

// Exceptions implements [httpapi.Workforce].
func (w *World) Exceptions(ctx context.Context, by httpapi.Principal, q httpapi.ExceptionsQuestion) ([]httpapi.ExceptionRow, error) {
	work, _, err := w.a.whose(ctx, by, q.Whose)
	if err != nil {
		return nil, err
	}
	policy := hours.DefaultReview()
	found, err := w.findings(ctx, policy, projections.Days{Works: only(work), From: q.From, To: q.To})
	if err != nil {
		return nil, outward(err)
	}
	var rows []httpapi.ExceptionRow
	var punches []uuid.UUID
	for work, findings := range found {
		for _, f := range findings {
			if !atLeast(f.Severity, q.AtLeast) {
				continue
			}
			row := httpapi.ExceptionRow{Finding: f, WorkID: work}
			if i := slices.IndexFunc(policy.Grades, func(g hours.Grade) bool { return g.Code == f.Code }); i >= 0 {
				row.Grace = policy.Grades[i].Grace
			}
			rows, punches = append(rows, row), append(punches, f.Punches...)
		}
	}
	places, err := projections.PlacesOfPunches(ctx, w.q, w.a.tenant, punches)
	if err != nil {
		return nil, outward(err)
	}
	for i := range rows {
		if len(rows[i].Punches) > 0 { // there are none of declared hours alone
			place := places[rows[i].Punches[0]]
			rows[i].Station, rows[i].OffsetSeconds = place.Station, place.OffsetSeconds
		}
	}
	rows = slices.DeleteFunc(rows, func(r httpapi.ExceptionRow) bool { return q.Station != "" && r.Station != q.Station })
	slices.SortFunc(rows, func(x, y httpapi.ExceptionRow) int {
		if c := slices.Compare(x.WorkID[:], y.WorkID[:]); c != 0 {
			return c
		}
		if c := cmp.Or(cmp.Compare(x.WorkDate, y.WorkDate), x.At.Compare(y.At)); c != 0 {
			return c
		}
		return slices.Compare([]byte(x.Code), []byte(y.Code))
	})
	return named(ctx, w.a, by, rows, func(r *httpapi.ExceptionRow) (uuid.UUID, *httpapi.Personal) { return r.WorkID, &r.Name })
}

// named puts the names into rows; of finds in a row the work record and where its
// name goes.
func named[T any](ctx context.Context, a *App, by httpapi.Principal, rows []T, of func(*T) (uuid.UUID, *httpapi.Personal)) ([]T, error) {
	works := make([]uuid.UUID, len(rows))
	for i := range rows {
		works[i], _ = of(&rows[i])
	}
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	names, err := a.namesOfWorks(ctx, by, slices.Compact(works))
	if err != nil {
		return nil, outward(err)
	}
	for i := range rows {
		work, name := of(&rows[i])
		*name = names[work]
	}
	return rows, nil
}

// Exceptions implements [httpapi.Workforce].
func (a *App) Exceptions(ctx context.Context, by httpapi.Principal, q httpapi.ExceptionsQuestion) ([]httpapi.ExceptionRow, error) {
	return a.Today().Exceptions(ctx, by, q)
}

// Board implements [httpapi.Workforce].
func (a *App) Board(ctx context.Context, by httpapi.Principal, q httpapi.BoardQuestion) (httpapi.BoardView, error) {
	return a.Today().Board(ctx, by, q)
}

// Timecard implements [httpapi.Workforce].
func (a *App) Timecard(ctx context.Context, by httpapi.Principal, q httpapi.TimecardQuestion) (httpapi.TimecardView, error) {
	return a.Today().Timecard(ctx, by, q)
}

// Overtime implements [httpapi.Workforce].
func (a *App) Overtime(ctx context.Context, by httpapi.Principal, q httpapi.OvertimeQuestion) (httpapi.OvertimeView, error) {
	return a.Today().Overtime(ctx, by, q)
}

// Caps implements [httpapi.Workforce].
func (a *App) Caps(ctx context.Context, by httpapi.Principal, q httpapi.CapsQuestion) (httpapi.CapsView, error) {
	return a.Today().Caps(ctx, by, q)
}

// Performance implements [httpapi.Workforce].
func (a *App) Performance(ctx context.Context, by httpapi.Principal, q httpapi.PerformanceQuestion) (httpapi.PerformanceView, error) {
	return a.Today().Performance(ctx, by, q)
}

// WorkHistory implements [httpapi.Workforce].
func (a *App) WorkHistory(ctx context.Context, by httpapi.Principal, who httpapi.Whose) (httpapi.WorkHistoryView, error) {
	return a.Today().WorkHistory(ctx, by, who)
}
