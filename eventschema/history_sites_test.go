package eventschema_test

import "tracekeep/eventschema"

// historyOfSites has the chapters of sites.
func historyOfSites() map[string]chapter {
	stream := eventschema.SiteStream(id("tenant")).String()
	fence := &eventschema.SiteFence{LatitudeMicrodegrees: 14599512, LongitudeMicrodegrees: 120984222, RadiusMetres: 150}
	return map[string]chapter{
		"site-defined.v1": {stream: stream, id: id("site-defined.v1"), want: &eventschema.SiteDefined{
			Site: "learning_centre", Zone: "Asia/Manila", Fence: fence, Stations: []string{"gate-1", "gate-2"},
			DefinedAt: at("2026-01-05T00:00:00Z"), DefinedBy: id("officer"),
		}},
		"site-changed.v1": {stream: stream, id: id("site-changed.v1"), want: &eventschema.SiteChanged{
			Site: "learning_centre", Zone: "Asia/Manila", Stations: []string{"gate-1"}, ChangedAt: at("2026-02-05T00:00:00Z"), ChangedBy: id("officer"),
		}},
		"site-closed.v1": {stream: stream, id: id("site-closed.v1"), want: &eventschema.SiteClosed{
			Site: "learning_centre", ClosedAt: at("2026-12-05T00:00:00Z"), ClosedBy: id("officer"),
		}},
	}
}
