package eventschema_test

import (
	"time"

	"tracekeep/eventschema"
)

// historyOfCases has the chapters of erasure cases.
func historyOfCases() map[string]chapter {
	tenant, person, work, of := id("tenant"), id("person"), id("work"), id("case")
	cases := eventschema.ErasureStream(tenant, of).String()
	minute := func(n int) time.Time { return at("2026-07-01T12:00:00Z").Add(time.Duration(n) * time.Minute) }
	const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	chapters := map[string]chapter{
		"erasure-requested.v1": {
			stream: cases, id: id("requested"),
			want: &eventschema.ErasureRequested{
				CaseID: of, Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson, PersonID: person,
				RequestedAt: minute(0), RequestedBy: id("officer"), ClaimHash: hash, WorkID: eventschema.Clear(eventschema.Hex(work)),
			},
			skeleton: `{"case_id":"` + of.String() + `","person_id":"` + person.String() + `","scope":"person",` +
				`"requested_at":"2026-07-01T12:00:00Z","requested_by":"` + id("officer").String() + `","claim_hash":"` + hash + `"}`,
			sections: []byHand{{"identity", eventschema.PurposeIdentity, person, `{"work_id":"` + eventschema.Hex(work) + `"}`}},
		},
		"erasure-approved.v1": {
			stream: cases, id: id("approved"),
			want:     &eventschema.ErasureApproved{CaseID: of, ApprovedAt: at("2026-07-02T12:00:00Z"), ApprovedBy: id("second officer")},
			skeleton: `{"case_id":"` + of.String() + `","approved_at":"2026-07-02T12:00:00Z","approved_by":"` + id("second officer").String() + `"}`,
		},
		"erasure-requested.v2": {
			stream: cases, id: id("erasure-requested.v2"),
			want: &eventschema.ErasureRequested{
				CaseID: of, Origin: eventschema.OriginWithdrawal, Scope: eventschema.ScopePurpose, PersonID: person, RecordID: work,
				Purposes: []eventschema.Purpose{eventschema.PurposeLocation}, RequestedAt: minute(0), RequestedBy: id("officer"), ClaimHash: hash,
				WorkID: eventschema.Clear(eventschema.Hex(work)),
			},
			skeleton: `{"case_id":"` + of.String() + `","origin":"withdrawal","scope":"purpose","person_id":"` + person.String() + `",` +
				`"record_id":"` + work.String() + `","purposes":["location"],"requested_at":"2026-07-01T12:00:00Z",` +
				`"requested_by":"` + id("officer").String() + `","claim_hash":"` + hash + `"}`,
			sections: []byHand{{"identity", eventschema.PurposeIdentity, person, `{"work_id":"` + eventschema.Hex(work) + `"}`}},
		},
		"erasure-approved.v2": {
			stream: cases, id: id("erasure-approved.v2"),
			want: &eventschema.ErasureApproved{CaseID: of, ApprovedAt: minute(5), ApprovedBy: id("second officer"), Policy: "withdrawal"},
			skeleton: `{"case_id":"` + of.String() + `","approved_at":"2026-07-01T12:05:00Z","approved_by":"` + id("second officer").String() + `",` +
				`"policy":"withdrawal"}`,
		},
		"erasure-certified.v1": {
			stream: cases, id: id("certified"),
			want: &eventschema.ErasureCertified{
				CaseID: of, PersonID: person, Kind: eventschema.CertificateEffective, CertifiedAt: at("2026-07-02T12:00:09Z"),
				Leaf: 812, Position: 40961, Certificate: "tracekeep erasure\n{}\n\n— log sig\n",
			},
			skeleton: `{"case_id":"` + of.String() + `","person_id":"` + person.String() + `","certified_at":"2026-07-02T12:00:09Z",` +
				`"leaf":812,"position":40961,"certificate":"tracekeep erasure\n{}\n\n— log sig\n"}`,
		},
	}
	holders := eventschema.KeyHolders{Acknowledged: 2, Silent: 1, BoundedBy: minute(25)}
	recipient := eventschema.Recipient{DisclosureID: id("disclosure"), Name: "payroll_bureau", Reference: "2026-0417", DisclosedAt: minute(-100)}
	for storedName, event := range map[string]eventschema.Event{
		"erasure-requested.v3": &eventschema.ErasureRequested{
			CaseID: of, Origin: eventschema.OriginRetention, Scope: eventschema.ScopePurpose, PersonID: person, RecordID: work,
			Purposes: []eventschema.Purpose{eventschema.PurposeLocation}, Periods: []string{"2025-06"}, Anchor: minute(-9), DueOn: "2026-06-30",
			RequestedAt: minute(0), RequestedBy: id("officer"), ClaimHash: hash, WorkID: eventschema.Clear(eventschema.Hex(work)),
		},
		"erasure-approved.v3": &eventschema.ErasureApproved{CaseID: of, ApprovedAt: minute(5), ApprovedBy: id("second officer"), BatchID: id("batch")},
		"records-expired.v1": &eventschema.RecordsExpired{
			CaseID: of, RecordID: work, ExpiredAt: minute(31), Whole: true,
			Streams: []eventschema.ExpiredStream{{Stream: eventschema.WorkStream(tenant, work).String(), Events: 2}},
		},
		"identity-verified.v1": &eventschema.IdentityVerified{CaseID: of, VerifiedAt: minute(1), VerifiedBy: id("officer"), Method: eventschema.IdentityKnownContact},
		"scope-assessed.v1": &eventschema.ScopeAssessed{
			CaseID: of, AssessedAt: minute(2), AssessedBy: id("officer"), Policy: "withdrawal",
			Destroyed: []eventschema.ErasureTarget{{Holder: eventschema.HolderRecord, Purpose: eventschema.PurposeLocation}},
			Retained:  []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-06-30"}},
		},
		"hold-checked.v1":         &eventschema.HoldChecked{CaseID: of, CheckedAt: minute(3), Holds: idList("hold")},
		"cooling-off-started.v1":  &eventschema.CoolingOffStarted{CaseID: of, StartedAt: minute(4), Until: at("2026-07-08T12:04:00Z")},
		"erasure-step-started.v1": &eventschema.ErasureStepStarted{CaseID: of, Step: eventschema.StepDestroy, StartedAt: minute(6)},
		"fence-closed.v1":         &eventschema.FenceClosed{CaseID: of, ClosedAt: minute(7)},
		"fence-reopened.v1":       &eventschema.FenceReopened{CaseID: of, ReopenedAt: minute(8)},
		"writers-drained.v1":      &eventschema.WritersDrained{CaseID: of, DrainedAt: minute(9), Holders: holders},
		"mentions-reviewed.v1": &eventschema.MentionsReviewed{
			CaseID: of, ReviewedAt: minute(10), ReviewedBy: id("officer"), Texts: 12, Mentions: 3, Left: 1, Ground: "legal_claims",
		},
		"mentions-reviewed.v2": &eventschema.MentionsReviewed{
			CaseID: of, ReviewedAt: minute(10), ReviewedBy: id("officer"), Texts: 12, Mentions: 3, Left: 2, Ground: "legal_hold",
			Taken: []eventschema.Mention{{SenderID: id("colleague"), MessageID: id("message")}},
		},
		"caches-quiesced.v1":      &eventschema.CachesQuiesced{CaseID: of, QuiescedAt: minute(11), Holders: holders},
		"read-models-scrubbed.v1": &eventschema.ReadModelsScrubbed{CaseID: of, ScrubbedAt: minute(12), Position: 40961},
		"copies-pursued.v1":       &eventschema.CopiesPursued{CaseID: of, PursuedAt: minute(13), Files: 1, Devices: 2, Recipients: []eventschema.Recipient{recipient}},
		"recipient-notified.v1": &eventschema.RecipientNotified{
			CaseID: of, DisclosureID: id("disclosure"), NotifiedAt: minute(14), NotifiedBy: id("officer"), Outcome: eventschema.NotifyTold,
		},
		"erasure-verified.v1": &eventschema.ErasureVerified{
			CaseID: of, VerifiedAt: minute(15), Credentials: eventschema.CredentialsSeparate, Tried: 9, Erased: 8, Keys: 1, Lookups: 2,
		},
		"erasure-certified.v2": &eventschema.ErasureCertified{
			CaseID: of, PersonID: person, Kind: eventschema.CertificateFinal, CertifiedAt: minute(16), Leaf: 812, Position: 40961, Certificate: "{}\n\n— log sig\n",
		},
		"epochs-retired.v1": &eventschema.EpochsRetired{
			CaseID: of, Epochs: []eventschema.RetiredEpoch{{Epoch: 7, RetiredAt: minute(17), Reach: "clear", Receipt: hash}}, RetiredAt: minute(17),
		},
		"erasure-cancelled.v1": &eventschema.ErasureCancelled{CaseID: of, CancelledAt: minute(18), CancelledBy: id("officer"), Reason: "withdrawn"},
		"erasure-refused.v1":   &eventschema.ErasureRefused{CaseID: of, RefusedAt: minute(19), RefusedBy: id("officer"), Ground: eventschema.RefusalLegalClaims},
		"deadline-extended.v1": &eventschema.DeadlineExtended{
			CaseID: of, ExtendedAt: minute(20), ExtendedBy: id("officer"), ToldAt: minute(19), Until: at("2026-10-01T12:00:00Z"), Reason: "complex",
		},
	} {
		chapters[storedName] = chapter{stream: cases, id: id(storedName), want: event}
	}
	return chapters
}
