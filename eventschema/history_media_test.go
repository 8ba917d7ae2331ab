package eventschema_test

import (
	"strings"

	"tracekeep/eventschema"
)

// historyOfMedia has the chapters of photos and documents.
func historyOfMedia() map[string]chapter {
	stream := eventschema.MediaStream(id("tenant"), id("item")).String()
	return map[string]chapter{
		"media-attached.v1": {stream: stream, id: id("media-attached.v1"), want: &eventschema.MediaAttached{
			ItemID: id("item"), PersonID: id("person"), Class: eventschema.MediaSafety, MediaType: eventschema.MediaJPEG,
			SHA256: strings.Repeat("5f2c", 16), StoredBytes: 4330, AttachedAt: at("2026-03-05T08:00:00Z"), AttachedBy: id("officer"),
			Caption: eventschema.Clear("guard rail at the loading dock"), FileName: eventschema.Clear("IMG_2210.jpg"), Bytes: eventschema.Clear("2187"),
		}},
		"media-removal-requested.v1": {stream: stream, id: id("media-removal-requested.v1"), want: &eventschema.MediaRemovalRequested{
			ItemID: id("item"), PersonID: id("person"), Reason: "no_longer_needed", RequestedAt: at("2026-04-05T08:00:00Z"), RequestedBy: id("officer"),
		}},
		"media-removed.v1": {stream: stream, id: id("media-removed.v1"), want: &eventschema.MediaRemoved{
			ItemID: id("item"), PersonID: id("person"), CaseID: id("case"), RemovedAt: at("2026-04-05T08:00:02Z"),
		}},
	}
}
