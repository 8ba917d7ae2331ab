package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfShift tells the life of the n-th shift: moved, offered, declined, bid for,
// assigned to two people of whom one is taken off and the other swaps, and completed.
func eventsOfShift(n int, at time.Time) []eventschema.Event {
	shift, swap, officer := id("shift", n), id("swap", n), id("actor", 1)
	one, two, three := id("work", n), id("work", n+1), id("work", n+2)
	starts, ends := at.AddDate(0, 0, 2), at.AddDate(0, 0, 2).Add(8*time.Hour)
	standings := []eventschema.Standing{{WorkID: two, Rank: 1}, {WorkID: one, Rank: 2}}
	return []eventschema.Event{
		&eventschema.ShiftPlanned{ShiftID: shift, RosterID: id("roster", n), Kind: eventschema.ShiftDetail, Employer: "customer_0042", Site: "harbor_st", Zone: "Asia/Manila",
			StartsLocal: "2026-03-04 15:00", EndsLocal: "2026-03-04 23:00", StartsAt: starts.Add(-time.Hour), EndsAt: ends, Headcount: 2, Qualification: "traffic", PlannedAt: at, PlannedBy: officer},
		&eventschema.ShiftOffered{ShiftID: shift, Strategy: eventschema.StrategyRelease, PolicyVersion: 1, Offered: []uuid.UUID{three}, RespondBy: starts, OfferedAt: at, OfferedBy: officer},
		&eventschema.ShiftRescheduled{ShiftID: shift, Zone: "Asia/Manila", StartsLocal: "2026-03-04 16:00", EndsLocal: "2026-03-05 00:00", StartsAt: starts, EndsAt: ends, RescheduledAt: at, RescheduledBy: officer},
		&eventschema.ShiftOffered{ShiftID: shift, Strategy: eventschema.StrategyBidding, PolicyVersion: 1, Standings: standings, Offered: []uuid.UUID{two, one}, RespondBy: starts, OfferedAt: at, OfferedBy: officer},
		&eventschema.BidPlaced{ShiftID: shift, WorkID: one, Points: 40, BidAt: at},
		&eventschema.OfferDeclined{ShiftID: shift, WorkID: two, Reason: "family", DeclinedAt: at},
		&eventschema.ShiftAssigned{ShiftID: shift, WorkID: one, Strategy: eventschema.StrategyBidding, Rank: 1, PolicyVersion: 1, Standings: standings[1:], AssignedAt: at, AssignedBy: officer},
		&eventschema.OfferAccepted{ShiftID: shift, WorkID: two, AcceptedAt: at},
		&eventschema.ShiftAssigned{ShiftID: shift, WorkID: two, Strategy: eventschema.StrategyDirect, PolicyVersion: 1, AssignedAt: at, AssignedBy: officer},
		&eventschema.ShiftUnassigned{ShiftID: shift, WorkID: two, Reason: "sick", UnassignedAt: at, UnassignedBy: officer},
		&eventschema.SwapRequested{ShiftID: shift, SwapID: swap, FromWorkID: one, ToWorkID: two, RequestedAt: at},
		&eventschema.SwapRefused{ShiftID: shift, SwapID: swap, Reason: "sick", RefusedAt: at, RefusedBy: officer},
		&eventschema.SwapRequested{ShiftID: shift, SwapID: swap, FromWorkID: one, ToWorkID: three, RequestedAt: at},
		&eventschema.SwapAgreed{ShiftID: shift, SwapID: swap, WorkID: three, AgreedAt: at},
		&eventschema.SwapApproved{ShiftID: shift, SwapID: swap, FromWorkID: one, ToWorkID: three, PolicyVersion: 1, ApprovedAt: at, ApprovedBy: officer},
		&eventschema.ShiftCompleted{ShiftID: shift, GraceVersion: 1, CompletedAt: ends, CompletedBy: officer,
			Results: []eventschema.ShiftResult{{WorkID: three, Attendance: eventschema.AttendanceLate, LateMinutes: 12, Worked: 468, Rating: eventschema.RatingMeets}}},
	}
}

// promise: OT-38
func TestTheRosterSaysWhoWorksWhenAndWhere(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	shift, one, two, three := id("shift", 1), id("work", 1), id("work", 2), id("work", 3)
	q := models.Querier()
	var assignedAt uint64
	taken := map[int]int{6: 1, 7: 1, 8: 2, 9: 1, 14: 1, 15: 1} // by the number of events before
	for i, event := range eventsOfShift(1, at) {
		position := h.add(eventschema.AssignmentStream(h.tenant, shift), event)
		if _, swaps := event.(*eventschema.SwapApproved); swaps {
			assignedAt = position
		}
		apply(t, models, h.log[i:])
		shifts, err := projections.Shifts(t.Context(), q, h.tenant, projections.ShiftsAsked{From: at, To: at.AddDate(0, 0, 7), Site: "harbor_st"})
		if err != nil || len(shifts) != 1 || shifts[0].Position != position {
			t.Fatalf("after %s: %+v %v", event.EventType(), shifts, err)
		}
		if want, said := taken[i]; said && shifts[0].Assigned != want {
			t.Errorf("after %s %d places are taken, want %d", event.EventType(), shifts[0].Assigned, want)
		}
		open, err := projections.Shifts(t.Context(), q, h.tenant, projections.ShiftsAsked{Open: true})
		if err != nil || (len(open) == 1) != (shifts[0].Assigned < 2 && shifts[0].CompletedAt == nil) {
			t.Errorf("after %s %d shifts are open: %v", event.EventType(), len(open), err)
		}
		if places, err := projections.PlacesOf(t.Context(), q, h.tenant, []uuid.UUID{shift}); i == 2 && (err != nil || len(places) != 0) {
			t.Errorf("who was asked before the shift was moved is asked no longer: %+v %v", places, err)
		}
	}
	got, err := projections.AssignmentsOf(t.Context(), q, h.tenant, []uuid.UUID{one, two, three}, at, at.AddDate(0, 0, 7))
	want := []projections.Assignment{{
		WorkID: three, ShiftID: shift, Kind: eventschema.ShiftDetail, Employer: "customer_0042", Site: "harbor_st",
		StartsAt: at.AddDate(0, 0, 2), EndsAt: at.AddDate(0, 0, 2).Add(8 * time.Hour), Position: assignedAt,
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	places, err := projections.PlacesOf(t.Context(), q, h.tenant, []uuid.UUID{shift})
	if err != nil || len(places) != 3 {
		t.Fatalf("%+v %v", places, err)
	}
	states := map[uuid.UUID]projections.PlaceState{}
	for _, p := range places {
		states[p.WorkID] = p.State
		if p.WorkID == three && (p.Attendance != eventschema.AttendanceLate || p.LateMinutes != 12 || p.WorkedMinutes != 468 || p.Rating != eventschema.RatingMeets || p.Strategy != eventschema.StrategySwap) {
			t.Errorf("%+v", p)
		}
	}
	if diff := cmp.Diff(map[uuid.UUID]projections.PlaceState{one: projections.PlaceSwapped, two: projections.PlaceUnassigned, three: projections.PlaceAssigned}, states); diff != "" {
		t.Error(diff)
	}
}

func TestAShiftThatIsCancelledBindsNobody(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	for _, event := range eventsOfShift(1, at)[:7] {
		h.add(eventschema.AssignmentStream(h.tenant, id("shift", 1)), event)
	}
	apply(t, models, h.log)
	bound := func() int {
		t.Helper()
		all, err := projections.AssignmentsOf(t.Context(), models.Querier(), h.tenant, nil, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := bound(); n != 1 {
		t.Errorf("%d before", n)
	}
	h.add(eventschema.AssignmentStream(h.tenant, id("shift", 1)), &eventschema.ShiftCancelled{ShiftID: id("shift", 1), Reason: "weather", CancelledAt: at, CancelledBy: id("actor", 1)})
	apply(t, models, h.log[7:])
	if n := bound(); n != 0 {
		t.Errorf("%d after", n)
	}
}

func TestWhoIsAssignedKeepsThePlaceWhenTheShiftIsMoved(t *testing.T) {
	h, models := newHistory(t), open(t)
	at, shift, events := clock("2026-03-02T08:00:00Z"), id("shift", 1), eventsOfShift(1, clock("2026-03-02T08:00:00Z"))
	stream := eventschema.AssignmentStream(h.tenant, shift)
	for _, event := range []eventschema.Event{events[0], events[1], events[6]} { // planned, released, assigned
		h.add(stream, event)
	}
	moved := h.add(stream, events[2])
	apply(t, models, h.log)
	places, err := projections.PlacesOf(t.Context(), models.Querier(), h.tenant, []uuid.UUID{shift})
	if err != nil || len(places) != 1 || places[0].WorkID != id("work", 1) || places[0].State != projections.PlaceAssigned {
		t.Errorf("who was asked is forgotten, who is assigned is not: %+v %v", places, err)
	}
	assigned, err := projections.AssignmentsOf(t.Context(), models.Querier(), h.tenant, nil, at, time.Time{})
	if err != nil || len(assigned) != 1 || assigned[0].Position != moved {
		t.Errorf("of two that overlap the one that was moved later is later: %+v, moved at %d: %v", assigned, moved, err)
	}
	for rule, row := range map[string]struct {
		asked projections.ShiftsAsked
		want  int
	}{
		"those of somebody":                     {projections.ShiftsAsked{Work: id("work", 1)}, 1},
		"not those that one was only asked for": {projections.ShiftsAsked{Work: id("work", 3)}, 0},
		"a page":                                {projections.ShiftsAsked{Limit: 1}, 1},
		"the page behind it":                    {projections.ShiftsAsked{Limit: 1, AfterStart: events[2].(*eventschema.ShiftRescheduled).StartsAt, AfterID: shift}, 0},
	} {
		if shifts, err := projections.Shifts(t.Context(), models.Querier(), h.tenant, row.asked); err != nil || len(shifts) != row.want {
			t.Errorf("%s: %d shifts: %v", rule, len(shifts), err)
		}
	}
}
