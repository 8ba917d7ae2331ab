package eventschema_test

import "tracekeep/eventschema"

// historyOfMessages has the chapters of messages, of who read them, and of what an app
// may do on a phone.
func historyOfMessages() map[string]chapter {
	sender, sent := id("colleague"), at("2026-03-05T08:00:00Z")
	stream := eventschema.MessageStream(id("tenant"), sender, sent).String()
	return map[string]chapter{
		"message-sent.v1": {stream: stream, id: id("message"), want: &eventschema.MessageSent{
			MessageID: id("message"), SenderID: sender, To: idList("work", "other"), Audience: eventschema.AudienceShift, ShiftID: id("shift"), Site: "gate_1",
			SentAt: sent, Text: eventschema.Clear("The gate of the north yard stays shut until noon."),
		}},
		"message-deleted.v1": {stream: stream, id: id("message taken back"), want: &eventschema.MessageDeleted{
			MessageID: id("message"), SenderID: sender, DeletedAt: at("2026-03-05T09:00:00Z"),
		}},
		"message-read.v1": {stream: eventschema.ReceiptStream(id("tenant"), id("work"), sent).String(), id: id("receipt"), want: &eventschema.MessageRead{
			MessageID: id("message"), SenderID: sender, ReaderID: id("work"), SentAt: sent, ReadAt: at("2026-03-05T08:30:00Z"),
		}},
		"permissions-reported.v1": {stream: eventschema.DeviceStream(id("tenant"), id("work")).String(), id: id("permissions"), want: &eventschema.PermissionsReported{
			DeviceID: id("device"), WorkID: id("work"), ReportedAt: at("2026-03-05T08:30:00Z"), ReportedBy: id("work"), Permissions: []eventschema.PermissionState{
				{Permission: eventschema.PermissionCamera, State: eventschema.PermissionNotAsked, Purpose: "work_photos"},
				{Permission: eventschema.PermissionLocation, State: eventschema.PermissionDenied, Purpose: "site_attendance"},
			},
		}},
	}
}
