package eventschema_test

import "tracekeep/eventschema"

// historyOfClasses has the chapters of classes, who is enrolled and how they attended.
func historyOfClasses() map[string]chapter {
	tenant, class, session, work, officer := id("tenant"), id("class"), id("session"), id("work"), id("officer")
	starts, ends := at("2026-10-26T08:00:00Z"), at("2026-10-26T08:45:00Z")
	classes := eventschema.ClassStream(tenant, class).String()
	enrolments := eventschema.EnrolmentStream(tenant, work).String()
	marks := eventschema.AttendanceStream(tenant, work, starts).String()
	return map[string]chapter{
		"class-defined.v1": {stream: classes, id: id("class defined"), want: &eventschema.ClassDefined{
			ClassID: class, Source: "oneroster", SourceID: "9877728989-BCHEM-0001", Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry", Site: "1888",
			Zone: "Europe/Vienna", StartsOn: "2026-09-07", EndsOn: "2027-02-08", DefinedAt: at("2026-08-20T12:00:00Z"), DefinedBy: officer,
		}},
		"class-changed.v1": {stream: classes, id: id("class changed"), want: &eventschema.ClassChanged{
			ClassID: class, Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry I", Site: "1888", Zone: "Europe/Vienna",
			StartsOn: "2026-09-07", EndsOn: "2027-02-15", ChangedAt: at("2026-08-21T12:00:00Z"), ChangedBy: officer,
		}},
		"class-ended.v1": {stream: classes, id: id("class ended"), want: &eventschema.ClassEnded{
			ClassID: class, EndedOn: "2026-12-24", EndedAt: at("2026-12-20T12:00:00Z"), EndedBy: officer,
		}},
		"session-planned.v1": {stream: classes, id: id("session planned"), want: &eventschema.SessionPlanned{
			SessionID: session, ClassID: class, Zone: "Europe/Vienna", StartsLocal: "2026-10-26 09:00", EndsLocal: "2026-10-26 09:45",
			StartsAt: starts, EndsAt: ends, PlannedAt: at("2026-08-25T12:00:00Z"), PlannedBy: officer,
		}},
		"session-cancelled.v1": {stream: classes, id: id("session cancelled"), want: &eventschema.SessionCancelled{
			SessionID: session, ClassID: class, Reason: "snow", CancelledAt: at("2026-10-26T05:00:00Z"), CancelledBy: officer,
		}},
		"enrolment-opened.v1": {stream: enrolments, id: id("enrolment opened"), want: &eventschema.EnrolmentOpened{
			EnrolmentID: id("enrolment"), ClassID: class, WorkID: work, Role: eventschema.RoleStudent, BeginsOn: "2026-09-07",
			Source: eventschema.SourceImport, OpenedAt: at("2026-08-20T12:00:01Z"), OpenedBy: officer,
		}},
		"enrolment-ended.v1": {stream: enrolments, id: id("enrolment ended"), want: &eventschema.EnrolmentEnded{
			EnrolmentID: id("enrolment"), ClassID: class, WorkID: work, EndsOn: "2026-11-02", Reason: eventschema.EndMoved,
			EndedAt: at("2026-10-30T12:00:00Z"), EndedBy: officer,
		}},
		"attendance-marked.v1": {stream: marks, id: id("mark"), want: &eventschema.AttendanceMarked{
			MarkID: id("mark"), SessionID: session, ClassID: class, WorkID: work, StartsAt: starts, State: eventschema.MarkLate, LateMinutes: 7,
			Corrects: id("earlier mark"), Reason: eventschema.ReasonArrived, MarkedAt: at("2026-10-26T08:10:00Z"), MarkedBy: officer,
		}},
	}
}
