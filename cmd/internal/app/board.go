package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

// earlyIn is how long before a shift begins an in may be for it.
const earlyIn = 2 * time.Hour

// Board implements [httpapi.Workforce]: who was in at an instant, on which shift, and
// who should be out by then.
func (w *World) Board(ctx context.Context, by httpapi.Principal, q httpapi.BoardQuestion) (httpapi.BoardView, error) {
	at := q.At
	if at.IsZero() {
		at = w.now()
	}
	present, err := w.Presence(ctx, by, at)
	if err != nil {
		return httpapi.BoardView{}, outward(err)
	}
	longest := hours.DefaultPairing().Longest
	assigned, err := projections.AssignmentsOf(ctx, w.q, w.a.tenant, nil, at.Add(-longest-earlyIn), at.Add(earlyIn))
	if err != nil {
		return httpapi.BoardView{}, outward(err)
	}
	punches := make([]uuid.UUID, len(present))
	for i := range present {
		punches[i] = present[i].PunchID
	}
	places, err := projections.PlacesOfPunches(ctx, w.q, w.a.tenant, punches)
	if err != nil {
		return httpapi.BoardView{}, outward(err)
	}
	view := httpapi.BoardView{At: at}
	for _, p := range present { // both come by work id
		for len(assigned) > 0 && slices.Compare(assigned[0].WorkID[:], p.WorkID[:]) < 0 {
			assigned = assigned[1:]
		}
		row := boardRow(p, assigned, at)
		if site := places[p.PunchID].Site; site != "" {
			row.Site = site
		}
		if q.Station != "" && row.Station != q.Station || q.Site != "" && row.Site != q.Site {
			continue
		}
		view.Rows = append(view.Rows, row)
		count(&view.Stations, row.Station, row.Overdue)
		count(&view.Sites, row.Site, row.Overdue)
	}
	return view, nil
}

// boardRow finds the shift that somebody came in for: of those that the presence
// touches the latest that has begun, or else the first that begins soon. Who should be
// out since the morning is so, whatever they are assigned to in the evening. The shifts
// come by work id and start, those of the person first.
func boardRow(p httpapi.PresenceView, assigned []projections.Assignment, at time.Time) httpapi.BoardRow {
	row := httpapi.BoardRow{PresenceView: p}
	for _, s := range assigned {
		if s.WorkID != p.WorkID || s.StartsAt.After(at) && !row.EndsAt.IsZero() {
			break
		}
		if !s.StartsAt.After(at.Add(earlyIn)) && s.EndsAt.After(p.Since) {
			row.ShiftID, row.Site, row.EndsAt = s.ShiftID, s.Site, s.EndsAt
		}
	}
	switch {
	case !row.EndsAt.IsZero():
		if at.Sub(row.EndsAt) > assignment.DefaultGrace().Late {
			row.Overdue = httpapi.OverdueShift
		}
	case at.Sub(p.Since) > hours.DefaultReview().Long:
		row.Overdue = httpapi.OverdueLong
	}
	return row
}

func count(places *[]httpapi.PlaceCount, code string, overdue httpapi.Overdue) {
	i, found := slices.BinarySearchFunc(*places, code, func(p httpapi.PlaceCount, code string) int { return strings.Compare(p.Code, code) })
	if !found {
		*places = slices.Insert(*places, i, httpapi.PlaceCount{Code: code})
	}
	(*places)[i].In++
	if overdue != "" {
		(*places)[i].Overdue++
	}
}
