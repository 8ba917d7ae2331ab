package app

import (
	"context"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// VisitView is one visit, and who made it.
type VisitView struct {
	projections.Visit
	Name httpapi.Personal
}

// Visits lists who visited which centre, by work id and time.
func (w *World) Visits(ctx context.Context, by httpapi.Principal, asked projections.VisitsAsked) ([]VisitView, error) {
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
	views := make([]VisitView, len(visits))
	for i, v := range visits {
		views[i] = VisitView{Visit: v, Name: names[v.WorkID]}
	}
	return views, nil
}

// VisitCounts counts visits by day, centre and subject. Nobody's name is opened.
func (w *World) VisitCounts(ctx context.Context, asked projections.VisitsAsked) ([]projections.VisitCount, error) {
	visits, err := projections.Visits(ctx, w.q, w.a.tenant, asked, w.now())
	return projections.CountVisits(visits), err
}
