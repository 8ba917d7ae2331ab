package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfSite tells the life of the n-th site: it gets a fence, loses it, and is closed.
func eventsOfSite(n int, at time.Time) []eventschema.Event {
	code, officer := fmt.Sprintf("site_%d", n), id("actor", 1)
	return []eventschema.Event{
		&eventschema.SiteDefined{Site: code, Zone: "Asia/Manila", DefinedAt: at, DefinedBy: officer},
		&eventschema.SiteChanged{Site: code, Zone: "Asia/Manila", Stations: []string{"gate-1", "gate-2"}, ChangedAt: at.Add(time.Hour), ChangedBy: officer,
			Fence: &eventschema.SiteFence{LatitudeMicrodegrees: 14_599_512, LongitudeMicrodegrees: -120_984_222, RadiusMetres: 150}},
		&eventschema.SiteChanged{Site: code, Zone: "Asia/Tokyo", Stations: []string{"gate-2"}, ChangedAt: at.Add(2 * time.Hour), ChangedBy: officer},
		&eventschema.SiteClosed{Site: code, ClosedAt: at.Add(3 * time.Hour), ClosedBy: officer},
	}
}

func TestASiteIsWhatWasSaidLastOfIt(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	closed := at.Add(3 * time.Hour)
	want := []projections.Site{
		{Code: "site_1", Zone: "Asia/Manila", Stations: []string{}, DefinedAt: at},
		{Code: "site_1", Zone: "Asia/Manila", Stations: []string{"gate-1", "gate-2"}, DefinedAt: at,
			Fence: &eventschema.SiteFence{LatitudeMicrodegrees: 14_599_512, LongitudeMicrodegrees: -120_984_222, RadiusMetres: 150}},
		{Code: "site_1", Zone: "Asia/Tokyo", Stations: []string{"gate-2"}, DefinedAt: at},
		{Code: "site_1", Zone: "Asia/Tokyo", Stations: []string{"gate-2"}, DefinedAt: at, ClosedAt: &closed},
	}
	for i, event := range eventsOfSite(1, at) {
		want[i].Position = h.add(eventschema.SiteStream(h.tenant), event)
		apply(t, models, h.log[i:])
		got, err := projections.Sites(t.Context(), models.Querier(), h.tenant)
		if diff := cmp.Diff(want[i:i+1], got); err != nil || diff != "" {
			t.Errorf("after %s: %v\n%s", event.EventType(), err, diff)
		}
	}
	if others, err := projections.Sites(t.Context(), models.Querier(), id("tenant", 2)); err != nil || len(others) > 0 {
		t.Errorf("another tenant sees %+v %v", others, err)
	}
}
