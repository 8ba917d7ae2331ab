package eventschema_test

import (
	"maps"
	"testing"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// chapter is one stored version of one event: what it must decode to today,
// and for a version that no release writes any more, the bytes it wrote.
type chapter struct {
	stream string
	id     uuid.UUID
	want   eventschema.Event

	skeleton string // of an older version, by hand
	sections []byHand
}

// history has a chapter for every stored version of every event. A new version
// adds a chapter; none is ever taken away or changed.
func history() map[string]chapter {
	tenant, person, work := id("tenant"), id("person"), id("work")
	occurred := at("2026-03-05T08:00:12Z")
	punches := eventschema.PunchesStream(tenant, work, occurred).String()
	people := eventschema.PersonStream(tenant, person).String()
	consents := eventschema.ConsentStream(tenant, work).String()
	cases := eventschema.ErasureStream(tenant, id("case")).String()
	clear := eventschema.Clear

	chapters := map[string]chapter{
		"removal-listed.v1": {stream: eventschema.RemovalStream(tenant, punches).String(), id: id("listed"), want: &eventschema.RemovalListed{
			Stream: punches, FirstRevision: 3, Leaves: []uint64{17, 21}, Positions: []uint64{48213, 50117},
			Bodies: []string{"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "wvMdk0v2Ta/8tKNpJbDiKPGrH8yKi/cVsMog+jaIhWw="},
			Ground: eventschema.RemovalCut, ListedAt: at("2033-07-01T02:00:00Z"),
		}},
		"person-registered.v1": {
			stream: people, id: id("registered"),
			want: &eventschema.PersonRegistered{
				PersonID: person, RegisteredAt: at("2026-01-02T09:30:00Z"), Source: eventschema.SourceAPI,
				WorkID: clear(eventschema.Hex(work)), LegalName: clear("Wren Ōkafor"), BirthDate: clear("1988-02-29"), Email: clear("wren@example.org"),
			},
			skeleton: `{"person_id":"` + person.String() + `","registered_at":"2026-01-02T09:30:00Z"}`,
			sections: []byHand{
				{"identity", eventschema.PurposeIdentity, person, `{"birth_date":"1988-02-29","full_name":"Wren Ōkafor","work_id":"` + eventschema.Hex(work) + `"}`},
				{"contact", eventschema.PurposeContact, person, `{"email":"wren@example.org"}`},
			},
		},
		"person-registered.v2": {stream: people, id: id("registered"), want: &eventschema.PersonRegistered{
			PersonID: person, RegisteredAt: at("2026-01-02T09:30:00Z"), Source: eventschema.SourceImport,
			WorkID: clear(eventschema.Hex(work)), LegalName: clear("Wren Ōkafor"), BirthDate: clear("1988-02-29"),
			Email: clear("wren@example.org"), Phone: clear("+1 555 0100"),
		}},
		"person-corrected.v1": {stream: people, id: id("corrected"), want: &eventschema.PersonCorrected{
			PersonID: person, CorrectedAt: at("2026-02-01T10:00:00Z"), Reason: "misspelt", LegalName: clear("Wren Okafor-Lind"),
		}},
		"person-closed.v1": {stream: people, id: id("closed"), want: &eventschema.PersonClosed{
			PersonID: person, ClosedAt: at("2026-06-30T22:00:00Z"), Reason: "left",
		}},
		"work-ended.v1": {stream: eventschema.WorkStream(tenant, work).String(), id: id("ended"), want: &eventschema.WorkEnded{WorkID: work, EndedOn: "2026-02-28"}},
		"retention-batch-submitted.v1": {stream: eventschema.RetentionStream(tenant, id("batch")).String(), id: id("submitted"), want: &eventschema.RetentionBatchSubmitted{
			BatchID: id("batch"), SubmittedAt: at("2033-03-01T09:00:00Z"), SubmittedBy: id("officer"), Cases: []uuid.UUID{id("case"), id("other case")},
		}},
		"retention-batch-approved.v1": {stream: eventschema.RetentionStream(tenant, id("batch")).String(), id: id("released"), want: &eventschema.RetentionBatchApproved{
			BatchID: id("batch"), ApprovedAt: at("2033-03-01T10:00:00Z"), ApprovedBy: id("second officer"), Cases: []uuid.UUID{id("case")},
			LeftOut: []eventschema.LeftOut{{CaseID: id("other case"), Matters: []uuid.UUID{id("matter")}}},
		}},
		"work-opened.v1": {stream: eventschema.WorkStream(tenant, work).String(), id: id("opened"), want: &eventschema.WorkOpened{
			WorkID: work, OpenedAt: at("2026-01-02T09:30:00Z"), PayrollName: clear("OKAFOR WREN"), EmployeeNumber: clear("00417"),
		}},
		"punch-recorded.v1": {
			stream: punches, id: id("punch"),
			want: &eventschema.PunchRecorded{
				PunchID: id("punch"), WorkID: work, OccurredAt: occurred, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
				Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, Station: "gate-1", StationClock: "2026-03-05 16:00:12",
				ReceivedAt: at("2026-03-05T08:00:13.25Z"), Location: eventschema.LocationNotOffered, Source: eventschema.SourceAPI,
			},
			skeleton: `{"punch_id":"` + id("punch").String() + `","work_id":"` + work.String() + `","occurred_at":"2026-03-05T08:00:12Z",` +
				`"zone":"Asia/Manila","direction":"in","station":"gate-1","station_clock":"2026-03-05 16:00:12","received_at":"2026-03-05T08:00:13.25Z"}`,
		},
		"punch-recorded.v2": {stream: punches, id: id("punch"), want: &eventschema.PunchRecorded{
			PunchID: id("punch"), WorkID: work, OccurredAt: occurred, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
			Direction: eventschema.DirectionOut, Kind: eventschema.KindMeal, Station: "gate-1", StationClock: "2026-03-05 16:00:12",
			StationCounter: pointer(int64(40123)), Verification: "1", ReceivedAt: at("2026-03-05T08:00:13.25Z"),
			Location: eventschema.LocationDroppedNoConsent, Source: eventschema.SourceImport,
		}},
		"punch-recorded.v3": {stream: punches, id: id("punch"), want: &eventschema.PunchRecorded{
			PunchID: id("punch"), WorkID: work, OccurredAt: occurred, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
			Direction: eventschema.DirectionIn, Kind: eventschema.KindVisit, Station: "gate-1", StationClock: "2026-03-05 16:00:12",
			StationCounter: pointer(int64(40123)), Verification: "1", ReceivedAt: at("2026-03-05T08:00:13.25Z"),
			Location: eventschema.LocationRecordedOutcome, Source: eventschema.SourceDevice,
			Site: "learning_centre", Job: "tutoring", Reason: "calculus", DeviceID: id("device"),
			Fence: &eventschema.FenceReading{Verdict: eventschema.FenceOutside, DistanceMetres: 150},
		}},
		"punch-corrected.v1": {stream: punches, id: id("correction"), want: &eventschema.PunchCorrected{
			CorrectionID: id("correction"), PunchID: id("punch"), WorkID: work, OccurredAt: at("2026-03-05T08:04:00Z"), OffsetSeconds: 8 * 3600,
			Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, Reason: eventschema.ReasonWrongKey,
			CorrectedBy: id("worker"), ApprovedBy: id("officer"), CorrectedAt: at("2026-03-06T01:00:00Z"),
		}},
		"punch-corrected.v2": {stream: punches, id: id("correction"), want: &eventschema.PunchCorrected{
			CorrectionID: id("correction"), PunchID: id("punch"), WorkID: work, OccurredAt: at("2026-03-05T08:04:00Z"), OffsetSeconds: 8 * 3600,
			Direction: eventschema.DirectionIn, Kind: eventschema.KindTransfer, Job: pointer("night_watch"), Reason: eventschema.ReasonWrongKey,
			CorrectedBy: id("worker"), ApprovedBy: id("officer"), CorrectedAt: at("2026-03-06T01:00:00Z"),
		}},
		"hours-declared.v1": {stream: punches, id: id("declared"), want: &eventschema.HoursDeclared{
			DeclarationID: id("declared"), WorkID: work, WorkDate: "2026-03-05", Zone: "Asia/Manila", DayEnds: at("2026-03-05T16:00:00Z"), Seconds: 27000,
			Origin: "harvest", ReceivedAt: at("2026-03-31T08:00:13.25Z"), Source: eventschema.SourceImport,
		}},
		"declaration-corrected.v1": {stream: punches, id: id("correction"), want: &eventschema.DeclarationCorrected{
			CorrectionID: id("correction"), DeclarationID: id("declared"), WorkID: work, DayEnds: at("2026-03-05T16:00:00Z"), Seconds: 25200,
			Reason: eventschema.ReasonWrongHours, CorrectedBy: id("worker"), ApprovedBy: id("officer"), CorrectedAt: at("2026-03-06T01:00:00Z"),
		}},
		"hours-declared.v2": {stream: punches, id: id("declared"), want: &eventschema.HoursDeclared{
			DeclarationID: id("declared"), WorkID: work, WorkDate: "2026-03-05", Zone: "Asia/Manila", DayEnds: at("2026-03-05T16:00:00Z"), Seconds: 27000, Job: "night_watch",
			Origin: "harvest", ReceivedAt: at("2026-03-31T08:00:13.25Z"), Source: eventschema.SourceImport,
		}},
		"declaration-corrected.v2": {stream: punches, id: id("correction"), want: &eventschema.DeclarationCorrected{
			CorrectionID: id("correction"), DeclarationID: id("declared"), WorkID: work, DayEnds: at("2026-03-05T16:00:00Z"), Seconds: 25200, Job: pointer("night_watch"),
			Reason: eventschema.ReasonWrongHours, CorrectedBy: id("worker"), ApprovedBy: id("officer"), CorrectedAt: at("2026-03-06T01:00:00Z"),
		}},
		"location-recorded.v1": {stream: eventschema.LocationStream(tenant, work, occurred).String(), id: id("point"), want: &eventschema.LocationRecorded{
			PunchID: id("punch"), WorkID: work, OccurredAt: occurred,
			Latitude: clear("14.5995"), Longitude: clear("120.9842"), AccuracyMetres: clear("8"),
		}},
		"consent-given.v1": {
			stream: consents, id: id("given"),
			want: &eventschema.ConsentGiven{
				WorkID: work, Purpose: eventschema.PurposeLocation, GivenAt: at("2026-01-05T00:00:00Z"), NoticeVersion: "2026-01", Language: "und", Method: "paper",
			},
			skeleton: `{"work_id":"` + work.String() + `","scope":"gps","given_at":"2026-01-05T00:00:00Z","notice_version":"2026-01","method":"paper"}`,
		},
		"consent-given.v2": {stream: consents, id: id("given"), want: &eventschema.ConsentGiven{
			WorkID: work, Purpose: eventschema.PurposeLocation, GivenAt: at("2026-01-05T00:00:00Z"), NoticeVersion: "2026-01", Language: "fil", Method: "app",
		}},
		"consent-withdrawn.v1": {stream: consents, id: id("withdrawn"), want: &eventschema.ConsentWithdrawn{
			WorkID: work, Purpose: eventschema.PurposeLocation, WithdrawnAt: at("2026-04-05T00:00:00Z"), Method: "app",
		}},
		"keys-destroyed.v1": {stream: cases, id: id("destroyed"), want: &eventschema.KeysDestroyed{
			CaseID: id("case"), PersonID: person, DestroyedAt: at("2026-07-02T12:00:05Z"), Lookups: 2,
			Keys:     []eventschema.DestroyedKey{{KeyID: id("key"), Purpose: eventschema.PurposeIdentity, Check: "5f2c", Epoch: 7}},
			Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-06-30"}},
		}},
	}
	maps.Copy(chapters, historyOfCases())
	maps.Copy(chapters, historyOfHolds())
	maps.Copy(chapters, historyOfShifts())
	maps.Copy(chapters, historyOfDevices())
	maps.Copy(chapters, historyOfClasses())
	maps.Copy(chapters, historyOfSites())
	maps.Copy(chapters, historyOfFields())
	maps.Copy(chapters, historyOfMedia())
	return chapters
}

// stored gives the event of a chapter as its release stored it.
func (c chapter) stored(t testing.TB, storedName string) eventschema.Recorded {
	t.Helper()
	sealer := newSealer(t)
	if c.skeleton != "" {
		return sealByHand(t, sealer, c.stream, c.id, storedName, c.skeleton, c.sections...)
	}
	proposed, err := newRegistry(t).Encode(t.Context(), sealer, c.want, eventschema.Envelope{Stream: c.stream, EventID: c.id, Metadata: metadata()})
	if err != nil {
		t.Fatal(err)
	}
	if proposed.Type != storedName {
		t.Fatalf("%s is stored as %s today: an older version needs its bytes by hand", storedName, proposed.Type)
	}
	return eventschema.Recorded{
		Stream: c.stream, ID: c.id, Type: proposed.Type, Revision: 3, Position: 1234,
		ContentType: eventschema.ContentTypeJSON, Data: proposed.Data, Metadata: proposed.Metadata,
	}
}
