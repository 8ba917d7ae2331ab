package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

// printLocations prints the points that were kept of a person.
func printLocations(ctx context.Context, w io.Writer, a *app.App, who httpapi.PersonView, limit int, asJSON bool) error {
	const page = 500
	var rows [][]string
	after, printed := uint64(0), 0
	for limit == 0 || printed < limit {
		size := page
		if limit > 0 {
			size = min(page, limit-printed)
		}
		points, err := a.LocationHistory(ctx, operator(a), who.PersonID, after, size)
		if err != nil {
			return err
		}
		var values []httpapi.Personal
		for _, p := range points {
			values = append(values, p.Values()...)
		}
		release, err := released(ctx, a, "history-locations", values...)
		if err != nil {
			return err
		}
		for _, p := range points {
			printed, after = printed+1, p.Position
			if !asJSON {
				rows = append(rows, locationRow(p, release))
				continue
			}
			if err := printJSON(w, locationJSON(p, release)); err != nil {
				return err
			}
		}
		if len(points) < size {
			break
		}
	}
	if asJSON {
		return nil
	}
	return table(w, "POSITION|OCCURRED|PURPOSE|LATITUDE|LONGITUDE|ACCURACY|SITE|FENCE", rows)
}

func locationRow(p httpapi.LocationView, release httpapi.Release) []string {
	fence := "-"
	if p.Fence != nil {
		fence = string(p.Fence.Verdict) + " " + strconv.Itoa(p.Fence.DistanceMetres) + " m"
	}
	return []string{
		strconv.FormatUint(p.Position, 10), p.OccurredAt.Format(time.RFC3339), string(p.Purpose),
		shown(p.Latitude, release), shown(p.Longitude, release), shown(p.AccuracyMetres, release), p.Site, fence,
	}
}

func locationJSON(p httpapi.LocationView, release httpapi.Release) map[string]any {
	said := map[string]any{
		"position": p.Position, "punch_id": p.PunchID, "occurred_at": p.OccurredAt, "purpose": p.Purpose, "site": p.Site,
		"latitude": personalOf(p.Latitude, release), "longitude": personalOf(p.Longitude, release), "accuracy_metres": personalOf(p.AccuracyMetres, release),
	}
	if p.Fence != nil {
		said["fence"] = p.Fence
	}
	return said
}
