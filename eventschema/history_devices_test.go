package eventschema_test

import "tracekeep/eventschema"

// historyOfDevices has the chapters of enrolled devices and of what they send.
func historyOfDevices() map[string]chapter {
	tenant, device, work := id("tenant"), id("device"), id("work")
	devices := eventschema.DeviceStream(tenant, work).String()
	chapters := map[string]chapter{}
	add := func(stream, storedName string, event eventschema.Event) {
		chapters[storedName] = chapter{stream: stream, id: id(storedName), want: event}
	}
	add(devices, "device-invited.v1", &eventschema.DeviceInvited{
		DeviceID: device, WorkID: work, Station: "app", Replaces: id("old device"),
		CodeHash:  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		InvitedAt: at("2026-03-01T08:00:00Z"), InvitedBy: work, ExpiresAt: at("2026-03-02T08:00:00Z"),
	})
	add(devices, "device-enrolled.v1", &eventschema.DeviceEnrolled{
		DeviceID: device, WorkID: work, Station: "app", Replaces: id("old device"),
		PublicKey:  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		EnrolledAt: at("2026-03-01T08:05:00Z"), EnrolledBy: work,
	})
	add(devices, "device-revoked.v1", &eventschema.DeviceRevoked{
		DeviceID: id("old device"), WorkID: work, Reason: eventschema.RevokedReplaced, RevokedAt: at("2026-03-01T08:05:00Z"), RevokedBy: work,
	})
	add(eventschema.BatchesStream(tenant, id("kiosk"), at("2026-03-05T08:00:00Z"), true).String(), "batch-received.v1", &eventschema.BatchReceived{
		BatchID: id("batch"), DeviceID: device, Sequence: 12, Punches: 3, FirstCounter: 118, LastCounter: 120,
		SentAt: at("2026-03-05T08:00:00Z"), ReceivedAt: at("2026-03-05T08:00:02Z"),
		Refused: []eventschema.RefusedPunch{{
			Counter: 119, OccurredAt: at("2026-03-04T22:00:00Z"), Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Code: "unknown_badge",
		}},
	})
	return chapters
}
