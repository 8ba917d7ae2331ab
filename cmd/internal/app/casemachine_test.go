package app

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/eventschema"
)

const day = 24 * time.Hour

// TestWhatStopsACase goes through what may stop a case before the point of no
// return, in one house whose cases cool off for a day.
func TestWhatStopsACase(t *testing.T) {
	set, clock := &traps{}, &jump{}
	h := openHouse(t, func(h *house) { h.fault, h.clock, h.cooling = set.fault, clock.now, day })
	for _, test := range []struct {
		rule string
		run  func(*house, *traps, *jump)
	}{
		{"a hold placed during cooling-off stops the case, which then cools off and is approved anew", heldWhileCoolingOff},
		{"a hold on another purpose stops nothing", heldForAnotherPurpose},
		{"a hold placed after the approval reopens what was closed", heldAfterApproval},
		{"a hold placed at the last moment stops the destruction itself", heldAtTheLastMoment},
		{"a hold that nobody confirms lapses, and the case goes on", holdNobodyConfirms},
		{"a key store that cannot say what is held is taken to hold", holdsUnknown},
		{"a case is cancelled while the writers are drained, and everything opens again", cancelledWhileDraining},
		{"withdrawn consent waits for nobody and for no time", withdrawnAtOnce},
		{"an officer approves as many erasures a day as one may", tooManyADay},
	} {
		t.Run(test.rule, func(t *testing.T) { h.in(t, func() { test.run(h, set, clock) }) })
	}
}

// cooled lets the cooling-off of a case pass.
func (h *house) cooled(clock *jump, id uuid.UUID) {
	h.t.Helper()
	h.await(id, erasure.PhaseCoolingOff)
	clock.ahead(day)
}

func (h *house) wantRefusal(what string, err error, code string) {
	h.t.Helper()
	if refusalCode(err) != code {
		h.t.Errorf("%s: %v, want the refusal %s", what, err, code)
	}
}

func (h *house) wantName(person uuid.UUID, want eventschema.State) {
	h.t.Helper()
	if name := h.name(httpapi.RoleHR, person); name.State() != want {
		h.t.Errorf("the name is %s, want %s", name.State(), want)
	}
}

func heldWhileCoolingOff(h *house, _ *traps, clock *jump) {
	who := h.register("Ada Example")
	id := h.assessed(who.PersonID)
	h.await(id, erasure.PhaseCoolingOff)
	h.wantRefusal("an approval while it cools off", h.approval(id), "cooling_off")
	matter := h.hold(who.PersonID)
	if view := h.await(id, erasure.PhaseHeld); len(view.Holds) != 1 || view.Holds[0] != matter || view.Wait != erasure.WaitHold {
		h.t.Errorf("held by %v, waits for %s", view.Holds, view.Wait)
	}
	clock.ahead(2 * day)
	h.wantRefusal("an approval under hold", h.approval(id), "under_hold")
	h.wantName(who.PersonID, eventschema.StateClear)
	h.lift(matter)
	h.await(id, erasure.PhaseCoolingOff)
	h.wantRefusal("an approval before it has cooled off anew", h.approval(id), "cooling_off")
	clock.ahead(day)
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	h.certified(id)
	h.wantName(who.PersonID, eventschema.StateErased)
}

func heldForAnotherPurpose(h *house, _ *traps, clock *jump) {
	who := h.register("Ada Example")
	h.hold(who.PersonID, eventschema.PurposeLocation, eventschema.PurposeWork)
	id := h.assessed(who.PersonID, eventschema.PurposeContact)
	h.cooled(clock, id)
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	h.certified(id)
	whole := h.assessed(who.PersonID)
	h.await(whole, erasure.PhaseHeld) // it would take the locations
}

func heldAfterApproval(h *house, set *traps, clock *jump) {
	who := h.register("Ada Example")
	id := h.assessed(who.PersonID)
	h.cooled(clock, id)
	placed := h.holdAt(set, string(eventschema.StepDrain)+" recorded", who.PersonID)
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	matter := <-placed
	h.await(id, erasure.PhaseHeld)
	h.reopened(who.PersonID)
	h.lift(matter)
	h.cooled(clock, id)
	if err := h.approval(id); err != nil { // the first one no longer counts
		h.t.Fatal(err)
	}
	h.certified(id)
	h.wantName(who.PersonID, eventschema.StateErased)
}

// holdAt places a hold while a case is at a point, which it leaves when the key
// store holds.
func (h *house) holdAt(set *traps, point string, person uuid.UUID) <-chan uuid.UUID {
	placed := make(chan uuid.UUID, 1)
	set.at(point, func() {
		go func() { placed <- h.hold(person) }()
		until(h.t, func() bool {
			holds, err := h.keys.Holds(h.t.Context(), h.Tenant(), person)
			return err == nil && len(holds) > 0
		})
	})
	return placed
}

// reopened waits until a person can be written about again.
func (h *house) reopened(person uuid.UUID) {
	h.t.Helper()
	until(h.t, func() bool {
		_, err := h.CorrectPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.PersonCorrection{
			PersonID: person, Email: eventschema.Clear("a@example.org"), Reason: "typo", ReceivedAt: h.clock(),
		})
		if err != nil && !errors.Is(err, httpapi.ErrUnavailable) {
			h.t.Fatal(err)
		}
		return err == nil
	})
}

func heldAtTheLastMoment(h *house, set *traps, clock *jump) {
	who := h.register("Ada Example")
	id := h.assessed(who.PersonID)
	h.cooled(clock, id)
	placed := h.holdAt(set, string(eventschema.StepDestroy)+" intended", who.PersonID)
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	<-placed
	h.await(id, erasure.PhaseHeld)
	h.reopened(who.PersonID)
	h.wantName(who.PersonID, eventschema.StateClear)
	if _, done, err := h.keys.ReceiptOf(h.t.Context(), h.Tenant(), id); done || err != nil {
		h.t.Errorf("the key store has a receipt: %v", err)
	}
}

func holdNobodyConfirms(h *house, _ *traps, clock *jump) {
	who := h.register("Ada Example")
	placed, err := h.PlaceHold(h.t.Context(), h.intent(h.as(httpapi.RolePrivacy)), httpapi.HoldOrder{
		Matter: uuid.New(), Person: who.PersonID, Reason: eventschema.HoldDispute, At: h.clock(), ReviewBy: h.clock().Add(30 * day),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	id := h.assessed(who.PersonID)
	h.await(id, erasure.PhaseHeld)
	clock.ahead(hold.ConfirmWithin + time.Minute)
	h.swept()
	h.await(id, erasure.PhaseCoolingOff)
	if view, err := h.Hold(h.t.Context(), h.as(httpapi.RolePrivacy), placed.HoldID); err != nil || !view.Lapsed || view.InForce {
		h.t.Errorf("%+v, %v", view, err)
	}
}

func holdsUnknown(h *house, _ *traps, _ *jump) {
	who := h.register("Ada Example")
	h.onKeys(`ALTER TABLE hold RENAME TO hold_away`)
	id := h.assessed(who.PersonID)
	until(h.t, func() bool { return h.cases.stuck() > 0 })
	if view := h.await(id, erasure.PhaseAssessed); view.CoolingUntil != nil {
		h.t.Error("the case cools off although nobody knows what is held")
	}
	h.onKeys(`ALTER TABLE hold_away RENAME TO hold`)
	h.await(id, erasure.PhaseCoolingOff)
}

func cancelledWhileDraining(h *house, set *traps, clock *jump) {
	who := h.register("Ada Example")
	id := h.assessed(who.PersonID)
	h.cooled(clock, id)
	by := h.as(httpapi.RolePrivacy)
	cancel := func() error {
		_, err := h.AdvanceErasure(h.t.Context(), h.intent(by), id, erasure.Cancel{CancelledBy: by.ID, CancelledAt: h.clock(), Reason: "mistaken"})
		return err
	}
	var cancelled error
	set.at(string(eventschema.StepDrain)+" intended", func() { cancelled = cancel() })
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	h.await(id, erasure.PhaseCancelled)
	if cancelled != nil {
		h.t.Fatal(cancelled)
	}
	h.reopened(who.PersonID)
	h.wantName(who.PersonID, eventschema.StateClear)
	h.wantRefusal("an approval of a cancelled case", h.approval(id), "case_ended")

	again := h.assessed(who.PersonID) // another case may follow
	h.cooled(clock, again)
	if err := h.approval(again); err != nil {
		h.t.Fatal(err)
	}
	h.certified(again)
	id = again
	h.wantRefusal("there is no undelete", cancel(), "point_of_no_return")
}

func withdrawnAtOnce(h *house, _ *traps, _ *jump) {
	who := h.register("Ada Example")
	consent := h.consents(who.WorkID)
	entry := punchEntry(who.WorkID, h.clock())
	entry.Location, entry.ReceivedAt = point(), h.clock()
	if _, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), entry); err != nil {
		h.t.Fatal(err)
	}
	id := h.withdraws(consent)
	h.certified(id)
	view := h.await(id, erasure.PhaseCertified)
	if view.Origin != eventschema.OriginWithdrawal || view.PersonID != uuid.Nil || view.RecordID != who.WorkID || view.ApprovedBy != nil || view.KeysDestroyed != 1 {
		h.t.Errorf("%+v", view)
	}
	h.wantName(who.PersonID, eventschema.StateClear)
}

func tooManyADay(h *house, _ *traps, clock *jump) {
	h.perOfficer.Store(1)
	officer := h.as(httpapi.RolePrivacy)
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, h.assessed(h.register("Ada Example").PersonID))
	}
	for _, id := range ids {
		h.await(id, erasure.PhaseCoolingOff)
	}
	clock.ahead(day)
	approve := func(id uuid.UUID) error {
		_, err := h.AdvanceErasure(h.t.Context(), h.intent(officer), id, erasure.Approve{ApprovedBy: officer.ID, ApprovedAt: h.clock()})
		return err
	}
	if err := approve(ids[0]); err != nil {
		h.t.Fatal(err)
	}
	h.certified(ids[0])
	h.wantRefusal("a second approval within a day", approve(ids[1]), "too_many_today")
	if err := h.approval(ids[1]); err != nil {
		h.t.Errorf("another officer: %v", err)
	}
	h.certified(ids[1])
	clock.ahead(day + time.Minute)
	if err := approve(ids[2]); err != nil {
		h.t.Errorf("a day later: %v", err)
	}
	h.certified(ids[2])
}
