package eventschema_test

import (
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

func idList(words ...string) []uuid.UUID {
	var all []uuid.UUID
	for _, word := range words {
		all = append(all, id(word))
	}
	return all
}

// historyOfHolds has the chapters of holds, restrictions, disclosures and readings.
func historyOfHolds() map[string]chapter {
	tenant, person, hold, restriction := id("tenant"), id("person"), id("hold"), id("restriction")
	work := eventschema.Clear(eventschema.Hex(id("work")))
	chapters := map[string]chapter{}
	add := func(stream eventschema.StreamName, storedName string, event eventschema.Event) {
		chapters[storedName] = chapter{stream: stream.String(), id: id(storedName), want: event}
	}
	holds := eventschema.HoldStream(tenant, hold)
	add(holds, "hold-placed.v1", &eventschema.HoldPlaced{
		HoldID: hold, MatterID: id("matter"), PersonID: person, RecordID: id("record"), Purposes: []eventschema.Purpose{eventschema.PurposeWork},
		Reason: eventschema.HoldDispute, PlacedAt: at("2026-05-01T08:00:00Z"), PlacedBy: id("officer"),
		ConfirmBy: at("2026-05-04T08:00:00Z"), ReviewBy: at("2026-11-01T08:00:00Z"), WorkID: work,
	})
	add(holds, "hold-confirmed.v1", &eventschema.HoldConfirmed{HoldID: hold, ConfirmedAt: at("2026-05-01T09:00:00Z"), ConfirmedBy: id("second officer")})
	add(holds, "hold-reviewed.v1", &eventschema.HoldReviewed{
		HoldID: hold, ReviewedAt: at("2026-10-20T09:00:00Z"), ReviewedBy: id("officer"), ReviewBy: at("2027-05-01T08:00:00Z"),
	})
	add(holds, "hold-lift-requested.v1", &eventschema.HoldLiftRequested{
		HoldID: hold, RequestedAt: at("2027-01-10T09:00:00Z"), RequestedBy: id("officer"), Reason: "settled",
	})
	add(holds, "hold-lifted.v1", &eventschema.HoldLifted{HoldID: hold, LiftedAt: at("2027-01-11T09:00:00Z"), LiftedBy: id("second officer")})
	add(holds, "hold-lapsed.v1", &eventschema.HoldLapsed{HoldID: hold, LapsedAt: at("2026-05-04T08:00:00Z")})

	restrictions := eventschema.RestrictionStream(tenant, restriction)
	add(restrictions, "processing-restricted.v1", &eventschema.ProcessingRestricted{
		CaseID: restriction, PersonID: person, Ground: eventschema.RestrictionObjection, RequestedAt: at("2026-06-01T08:00:00Z"),
		RestrictedAt: at("2026-06-01T09:00:00Z"), RestrictedBy: id("officer"), WorkID: work,
	})
	add(restrictions, "objection-decided.v1", &eventschema.ObjectionDecided{
		CaseID: restriction, DecidedAt: at("2026-06-10T09:00:00Z"), DecidedBy: id("officer"), Outcome: eventschema.ObjectionOverridden,
	})
	add(restrictions, "restriction-lifted.v1", &eventschema.RestrictionLifted{
		CaseID: restriction, LiftedAt: at("2026-06-12T09:00:00Z"), LiftedBy: id("officer"), ToldAt: at("2026-06-11T09:00:00Z"),
	})
	add(eventschema.DisclosureStream(tenant, id("disclosure")), "disclosure-recorded.v1", &eventschema.DisclosureRecorded{
		DisclosureID: id("disclosure"), PersonID: person, Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll",
		Purposes: []eventschema.Purpose{eventschema.PurposeIdentity, eventschema.PurposeWork}, Instrument: "17 Cv 4711", Reference: "2026-0417",
		DisclosedAt: at("2026-04-30T08:00:00Z"), DisclosedBy: id("officer"), ApprovedBy: id("second officer"),
	})
	add(eventschema.ReadingStream(tenant, id("officer"), at("2026-04-29T08:00:00Z")), "values-read.v1", &eventschema.ValuesRead{
		ReadID: id("read"), ReadBy: id("officer"), Operation: "list-people", Use: eventschema.UseService, ReadAt: at("2026-04-29T08:00:00Z"),
		Shown: []eventschema.Shown{
			{Values: []eventschema.ShownValue{{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}}, Subjects: idList("person", "other person")},
		},
	})
	historyOfPay(add)
	historyOfTerminals(add)
	return chapters
}

// historyOfPay has the chapters of locked periods and of requested corrections.
func historyOfPay(add func(eventschema.StreamName, string, eventschema.Event)) {
	tenant, period, work, correction := id("tenant"), id("period"), id("work"), id("correction")
	corrections := eventschema.CorrectionStream(tenant, correction)
	add(corrections, "correction-requested.v1", &eventschema.CorrectionRequested{
		CorrectionID: correction, PunchID: id("punch"), WorkID: work, OccurredAt: at("2026-03-05T17:00:00Z"), OffsetSeconds: 3600,
		Direction: eventschema.DirectionOut, Kind: eventschema.KindMeal, Reason: eventschema.ReasonWrongTime, RequestedAt: at("2026-03-06T08:00:00Z"), RequestedBy: id("officer"),
	})
	add(corrections, "correction-requested.v2", &eventschema.CorrectionRequested{
		CorrectionID: correction, PunchID: id("punch"), WorkID: work, OccurredAt: at("2026-03-05T17:00:00Z"), OffsetSeconds: 3600,
		Direction: eventschema.DirectionIn, Kind: eventschema.KindTransfer, Job: pointer("night_watch"), Reason: eventschema.ReasonWrongKey,
		RequestedAt: at("2026-03-06T08:00:00Z"), RequestedBy: id("officer"),
	})
	add(corrections, "correction-approved.v1", &eventschema.CorrectionApproved{CorrectionID: correction, ApprovedAt: at("2026-03-06T09:00:00Z"), ApprovedBy: id("second officer")})
	add(corrections, "correction-refused.v1", &eventschema.CorrectionRefused{
		CorrectionID: correction, RefusedAt: at("2026-03-06T09:00:00Z"), RefusedBy: id("second officer"), Ground: "as_recorded",
	})
	const digest = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
	add(eventschema.PayPeriodStream(tenant, period), "period-locked.v1", &eventschema.PeriodLocked{
		PeriodID: period, From: "2026-03-16", To: "2026-03-31", Plan: "flsa", PlanVersion: 1,
		Paid:  []eventschema.PaidBy{{Rest: true, Zone: "America/New_York", Rules: []eventschema.PaidRules{{Name: "flsa", Version: 1, Digest: digest}}}},
		Cards: 17, LockedAt: at("2026-04-02T08:00:00Z"), LockedBy: id("officer"),
	})
	crew := eventschema.PaidBy{
		Group: "crew", Zone: "America/Los_Angeles", Job: "grip", FirstMealWaived: true,
		Rules: []eventschema.PaidRules{{Name: "california", Version: 1, Digest: digest}, {Jobs: []string{"court"}, Name: "boston-court", Version: 1, Digest: digest}},
	}
	add(eventschema.PayPeriodStream(tenant, period), "period-locked.v2", &eventschema.PeriodLocked{
		PeriodID: period, From: "2026-03-16", To: "2026-03-31", Plan: "acme", PlanVersion: 4,
		Paid:  []eventschema.PaidBy{crew, {Group: "all_others", Rest: true, Zone: "America/New_York", Rules: []eventschema.PaidRules{{Name: "flsa", Version: 1, Digest: digest}}}},
		Cards: 17, LockedAt: at("2026-04-02T08:00:00Z"), LockedBy: id("officer"),
	})
	paid := eventschema.PaidTime{RegularSeconds: 288_000, OvertimeSeconds: 7200, DoubleTimeSeconds: 1800, PremiumHours: 1}
	court := eventschema.PaidTime{RegularSeconds: 7200, GuaranteedSeconds: 7200}
	add(eventschema.TimeCardStream(tenant, work), "time-card-locked.v2", &eventschema.TimeCardLocked{
		CardID: id("card"), PeriodID: period, WorkID: work, From: "2026-03-16", To: "2026-03-31", Time: paid.Plus(court), By: &crew,
		Jobs: []eventschema.JobTime{{Job: "court", Time: court}, {Job: "grip", Time: paid}},
		Adjustments: []eventschema.TimeAdjustment{{
			PeriodID: id("period before"), From: "2026-03-01", To: "2026-03-15", Job: "grip", Time: eventschema.PaidTime{RegularSeconds: -3600, OvertimeSeconds: 1800},
		}},
		LockedAt: at("2026-04-02T08:00:00Z"), LockedBy: id("officer"),
	})
	add(eventschema.TimeCardStream(tenant, work), "time-card-locked.v1", &eventschema.TimeCardLocked{
		CardID: id("card"), PeriodID: period, WorkID: work, From: "2026-03-16", To: "2026-03-31",
		Time: paid, Jobs: []eventschema.JobTime{{Time: paid}},
		Adjustments: []eventschema.TimeAdjustment{{
			PeriodID: id("period before"), From: "2026-03-01", To: "2026-03-15", Time: eventschema.PaidTime{RegularSeconds: -3600, OvertimeSeconds: 1800},
		}},
		LockedAt: at("2026-04-02T08:00:00Z"), LockedBy: id("officer"),
	})
}

// historyOfTerminals has the chapters of time clocks that push.
func historyOfTerminals(add func(eventschema.StreamName, string, eventschema.Event)) {
	stream, terminal := eventschema.TerminalStream(id("tenant"), "CKJF201260017"), id("terminal")
	add(stream, "terminal-registered.v1", &eventschema.TerminalRegistered{
		TerminalID: terminal, Serial: "CKJF201260017", Station: "gate-1", Zone: "Asia/Manila", RegisteredAt: at("2026-03-01T08:00:00Z"), RegisteredBy: id("officer"),
	})
	add(stream, "terminal-backlog-waived.v1", &eventschema.TerminalBacklogWaived{
		TerminalID: terminal, Reason: eventschema.WaiverNobody, WaivedAt: at("2026-03-02T08:00:00Z"), WaivedBy: id("officer"), Until: at("2026-03-02T09:00:00Z"),
	})
	add(stream, "terminal-overlap-resolved.v1", &eventschema.TerminalOverlapResolved{
		TerminalID: terminal, Reading: "2026-10-25 02:10:00", Pass: eventschema.PassSecond, ResolvedAt: at("2026-10-26T08:00:00Z"), ResolvedBy: id("officer"),
	})
	add(stream, "terminal-retired.v1", &eventschema.TerminalRetired{TerminalID: terminal, RetiredAt: at("2027-03-01T08:00:00Z"), RetiredBy: id("officer")})
}
