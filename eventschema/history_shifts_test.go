package eventschema_test

import "tracekeep/eventschema"

// historyOfShifts has the chapters of shifts and of who works them.
func historyOfShifts() map[string]chapter {
	shift, work, other, officer, swap := id("shift"), id("work"), id("other work"), id("officer"), id("swap")
	stream := eventschema.AssignmentStream(id("tenant"), shift).String()
	chapters := map[string]chapter{}
	add := func(storedName string, event eventschema.Event) {
		chapters[storedName] = chapter{stream: stream, id: id(storedName), want: event}
	}
	standings := []eventschema.Standing{{WorkID: work, Rank: 1, Reasons: []eventschema.StandingReason{
		{Code: eventschema.StandingSeniority, Value: 3}, {Code: eventschema.StandingLot, Value: 4711},
	}}}
	passedOver := []eventschema.PassedOver{{WorkID: other, Code: eventschema.ConflictDayHours, With: id("other shift"), Counted: 1080, Limit: 960}}
	add("shift-planned.v1", &eventschema.ShiftPlanned{
		ShiftID: shift, RosterID: id("roster"), Kind: eventschema.ShiftDetail, Employer: "customer_0042", Site: "harbor_st", Zone: "America/New_York",
		StartsLocal: "2026-03-08 23:00", EndsLocal: "2026-03-09 07:00", StartsAt: at("2026-03-09T03:00:00Z"), EndsAt: at("2026-03-09T11:00:00Z"),
		Headcount: 2, Qualification: "traffic", PlannedAt: at("2026-02-20T15:00:00Z"), PlannedBy: officer,
	})
	add("shift-rescheduled.v1", &eventschema.ShiftRescheduled{
		ShiftID: shift, Zone: "America/New_York", StartsLocal: "2026-03-09 22:00", EndsLocal: "2026-03-10 06:00",
		StartsAt: at("2026-03-10T02:00:00Z"), EndsAt: at("2026-03-10T10:00:00Z"), RescheduledAt: at("2026-02-20T16:00:00Z"), RescheduledBy: officer,
	})
	add("shift-offered.v1", &eventschema.ShiftOffered{
		ShiftID: shift, Strategy: eventschema.StrategySeniority, PolicyVersion: 1, Standings: standings, PassedOver: passedOver, Offered: idList("work"),
		RespondBy: at("2026-02-22T15:00:00Z"), OfferedAt: at("2026-02-21T15:00:00Z"), OfferedBy: officer,
	})
	add("offer-accepted.v1", &eventschema.OfferAccepted{ShiftID: shift, WorkID: work, AcceptedAt: at("2026-02-21T16:00:00Z")})
	add("offer-declined.v1", &eventschema.OfferDeclined{ShiftID: shift, WorkID: other, Reason: "family", DeclinedAt: at("2026-02-21T16:00:00Z")})
	add("bid-placed.v1", &eventschema.BidPlaced{ShiftID: shift, WorkID: work, Points: 40, BidAt: at("2026-02-21T16:30:00Z")})
	add("shift-assigned.v1", &eventschema.ShiftAssigned{
		ShiftID: shift, WorkID: work, Strategy: eventschema.StrategyBidding, Rank: 1, PolicyVersion: 1, Standings: standings, PassedOver: passedOver,
		AssignedAt: at("2026-02-22T15:00:00Z"), AssignedBy: officer,
	})
	add("shift-unassigned.v1", &eventschema.ShiftUnassigned{
		ShiftID: shift, WorkID: work, Reason: "double_booked", With: id("other shift"), UnassignedAt: at("2026-02-22T15:00:01Z"), UnassignedBy: officer,
	})
	add("swap-requested.v1", &eventschema.SwapRequested{ShiftID: shift, SwapID: swap, FromWorkID: work, ToWorkID: other, RequestedAt: at("2026-02-23T08:00:00Z")})
	add("swap-agreed.v1", &eventschema.SwapAgreed{ShiftID: shift, SwapID: swap, WorkID: other, AgreedAt: at("2026-02-23T09:00:00Z")})
	add("swap-approved.v1", &eventschema.SwapApproved{
		ShiftID: shift, SwapID: swap, FromWorkID: work, ToWorkID: other, PolicyVersion: 1, ApprovedAt: at("2026-02-23T10:00:00Z"), ApprovedBy: officer,
	})
	add("swap-refused.v1", &eventschema.SwapRefused{ShiftID: shift, SwapID: swap, Reason: "too_late", RefusedAt: at("2026-02-23T10:00:00Z"), RefusedBy: officer})
	add("shift-cancelled.v1", &eventschema.ShiftCancelled{ShiftID: shift, Reason: "weather", CancelledAt: at("2026-03-07T10:00:00Z"), CancelledBy: officer})
	add("shift-completed.v1", &eventschema.ShiftCompleted{
		ShiftID: shift, GraceVersion: 1, CompletedAt: at("2026-03-09T14:00:00Z"), CompletedBy: officer,
		Results: []eventschema.ShiftResult{{WorkID: work, Attendance: eventschema.AttendanceLate, LateMinutes: 12, Worked: 468, Rating: eventschema.RatingMeets}},
	})
	return chapters
}
