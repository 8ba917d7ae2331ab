package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// OpenSites implements [httpapi.Sites].
func (a *App) OpenSites(ctx context.Context, _ httpapi.Principal) ([]httpapi.SiteView, error) {
	sites, err := a.Sites(ctx)
	if err != nil {
		return nil, outward(err)
	}
	var open []httpapi.SiteView
	for _, s := range sites {
		if s.ClosedAt == nil {
			open = append(open, httpapi.SiteView{Code: s.Code, Zone: s.Zone, Fence: s.Fence, Stations: s.Stations})
		}
	}
	return open, nil
}

// LocationHistory implements [httpapi.Sites]: the events of the location streams of the
// person's work record, opened for whoever asks.
func (a *App) LocationHistory(ctx context.Context, by httpapi.Principal, id uuid.UUID, after uint64, limit int) ([]httpapi.LocationView, error) {
	person, err := a.Person(ctx, by, id)
	if err != nil {
		return nil, err
	}
	work, err := WorkIDOf(person)
	if err != nil {
		return nil, err
	}
	query := projections.AuditQuery{Streams: []uuid.UUID{work}, Categories: []string{eventschema.CategoryLocation}, OldestFirst: true, Limit: limit}
	if after > 0 {
		query.From = &after
	}
	entries, err := projections.Audit(ctx, a.models.Querier(), a.tenant, query)
	if err != nil {
		return nil, outward(err)
	}
	events, err := a.openEntries(ctx, by, entries)
	if err != nil {
		return nil, err
	}
	views, punches := make([]httpapi.LocationView, len(events)), make([]uuid.UUID, len(events))
	for i, event := range events {
		if views[i], err = locationView(event, id); err != nil {
			return nil, err
		}
		punches[i] = views[i].PunchID
	}
	found, err := projections.PunchesByID(ctx, a.models.Querier(), a.tenant, punches...)
	if err != nil {
		return nil, outward(err)
	}
	for i := range views {
		if p, known := found[views[i].PunchID]; known {
			views[i].Site, views[i].Fence = p.Site, p.Fence
		}
	}
	return views, nil
}

// locationView reads one point of a person. Of one whose month has just expired the
// event is gone, and its values are as erased as the rest of it.
func locationView(event httpapi.EventView, person uuid.UUID) (httpapi.LocationView, error) {
	var facts struct {
		PunchID    uuid.UUID `json:"punch_id"`
		OccurredAt time.Time `json:"occurred_at"`
		Expired    bool      `json:"expired"`
		Case       uuid.UUID `json:"case"`
	}
	if err := json.Unmarshal(event.Facts, &facts); err != nil {
		return httpapi.LocationView{}, fmt.Errorf("read the point at position %d: %w", event.Position, eventschema.ErrPayload)
	}
	view := httpapi.LocationView{Position: event.Position, PunchID: facts.PunchID, OccurredAt: facts.OccurredAt, Purpose: eventschema.PurposeLocation}
	if facts.Expired {
		gone := httpapi.Personal{Personal: eventschema.Withheld(eventschema.StateErased, facts.Case)}
		view.Latitude, view.Longitude, view.AccuracyMetres = gone, gone, gone
		return view, nil
	}
	for _, p := range event.Personal {
		p.Value.Of.Subject = person // a reading names the person alone
		switch p.Field {
		case "latitude":
			view.Latitude = p.Value
		case "longitude":
			view.Longitude = p.Value
		case "accuracy_metres":
			view.AccuracyMetres = p.Value
		}
	}
	return view, nil
}

var _ httpapi.Sites = (*App)(nil)
