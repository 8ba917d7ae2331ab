package app

import (
	"context"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// Visits implements [httpapi.Sites].
func (a *App) Visits(ctx context.Context, by httpapi.Principal, q httpapi.VisitsQuestion) ([]httpapi.VisitRow, error) {
	visits, err := a.Today().Visits(ctx, by, projections.VisitsAsked{From: q.From, To: q.To, Site: q.Site, Works: only(q.Work)})
	return visits, outward(err)
}

// Visits lists who visited which centre, by work id and time.
func (w *World) Visits(ctx context.Context, by httpapi.Principal, asked projections.VisitsAsked) ([]httpapi.VisitRow, error) {
	visits, err := projections.Visits(ctx, w.q, w.a.tenant, asked, w.now())
	if err != nil {
		return nil, err
	}
	var works []uuid.UUID
	for i, v := range visits {
		if i == 0 || v.WorkID != visits[i-1].WorkID {
			works = append(works, v.WorkID)
		}
	}
	names, err := w.a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	rows := make([]httpapi.VisitRow, len(visits))
	for i, v := range visits {
		rows[i] = httpapi.VisitRow{Visit: v.Visit, WorkID: v.WorkID, Name: names[v.WorkID]}
	}
	return rows, nil
}

// VisitCounts counts visits by day, centre and subject. Nobody's name is opened.
func (w *World) VisitCounts(ctx context.Context, asked projections.VisitsAsked) ([]projections.VisitCount, error) {
	visits, err := projections.Visits(ctx, w.q, w.a.tenant, asked, w.now())
	return projections.CountVisits(visits), err
}
