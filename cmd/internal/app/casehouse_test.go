package app

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/eventschema"
)

// in runs a test below in the same house.
func (h *house) in(t *testing.T, run func()) {
	above := h.t
	h.t = t
	defer func() { h.t = above }()
	run()
}

// trap is what a test does at a point of the machine, once.
type trap struct {
	point string
	do    func()
}

// traps is where a test sets one.
type traps struct{ next atomic.Pointer[trap] }

func (p *traps) at(point string, do func()) { p.next.Store(&trap{point, do}) }

func (p *traps) fault(point string) {
	if set := p.next.Load(); set != nil && set.point == point && p.next.CompareAndSwap(set, nil) {
		set.do()
	}
}

// jump is a clock that tests push ahead.
type jump struct{ by atomic.Int64 }

func (j *jump) now() time.Time         { return time.Now().Add(time.Duration(j.by.Load())) }
func (j *jump) ahead(by time.Duration) { j.by.Add(int64(by)) }

// erase takes a person through both officers to the certificate.
func (h *house) erase(person uuid.UUID, purposes ...eventschema.Purpose) uuid.UUID {
	h.t.Helper()
	id := h.assessed(person, purposes...)
	h.advance(h.as(httpapi.RolePrivacy), id, func(by uuid.UUID) erasure.Command { return erasure.Approve{ApprovedBy: by, ApprovedAt: h.clock()} })
	h.certified(id)
	return id
}

// assessed opens a case and takes it to its assessment, all by one officer.
func (h *house) assessed(person uuid.UUID, purposes ...eventschema.Purpose) uuid.UUID {
	h.t.Helper()
	first := h.as(httpapi.RolePrivacy)
	h.caughtUp()
	asked, err := h.RequestErasure(h.t.Context(), h.intent(first), httpapi.ErasureRequest{Person: person, Purposes: purposes, ReceivedAt: h.clock()})
	if err != nil {
		h.t.Fatal(err)
	}
	h.identifyAndAssess(first, asked.CaseID)
	return asked.CaseID
}

func (h *house) identifyAndAssess(officer httpapi.Principal, id uuid.UUID) {
	h.t.Helper()
	h.advance(officer, id, func(by uuid.UUID) erasure.Command {
		return erasure.VerifyIdentity{VerifiedBy: by, VerifiedAt: h.clock(), Method: eventschema.IdentityDocument}
	})
	h.advance(officer, id, func(by uuid.UUID) erasure.Command { return erasure.Assess{AssessedBy: by, AssessedAt: h.clock()} })
}

func (h *house) advance(officer httpapi.Principal, id uuid.UUID, step func(by uuid.UUID) erasure.Command) {
	h.t.Helper()
	if _, err := h.AdvanceErasure(h.t.Context(), h.intent(officer), id, step(officer.ID)); err != nil {
		h.t.Fatal(err)
	}
}

// approval is the word of an officer who had no part in a case.
func (h *house) approval(id uuid.UUID) error {
	h.t.Helper()
	by := h.as(httpapi.RolePrivacy)
	_, err := h.AdvanceErasure(h.t.Context(), h.intent(by), id, erasure.Approve{ApprovedBy: by.ID, ApprovedAt: h.clock()})
	return err
}

// await waits until a case is in a phase.
func (h *house) await(id uuid.UUID, phase erasure.Phase) httpapi.ErasureView {
	h.t.Helper()
	limit, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		view, err := h.ErasureCase(h.t.Context(), h.as(httpapi.RolePrivacy), id)
		if err == nil && view.Status == phase {
			return view
		}
		select {
		case <-limit.Done():
			h.t.Fatalf("case %s is %s (%v), want %s", id, view.Status, err, phase)
		case <-tick.C:
		}
	}
}

func (h *house) certified(id uuid.UUID) {
	h.t.Helper()
	limit, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	if _, err := h.AwaitCertificate(limit, id); err != nil {
		h.t.Fatalf("case %s: %v", id, err)
	}
	h.caughtUp()
}

// swept looks at every case that may have something to do, as the clock does once
// a minute.
func (h *house) swept() {
	h.t.Helper()
	h.caughtUp()
	if err := h.sweep(h.t.Context(), false); err != nil {
		h.t.Fatal(err)
	}
}

// hold places a hold on a person, confirmed by a second officer.
func (h *house) hold(person uuid.UUID, purposes ...eventschema.Purpose) uuid.UUID {
	h.t.Helper()
	placed, err := h.PlaceHold(h.t.Context(), h.intent(h.as(httpapi.RolePrivacy)), httpapi.HoldOrder{
		Matter: uuid.New(), Person: person, Purposes: purposes, Reason: eventschema.HoldLitigation, At: h.clock(), ReviewBy: h.clock().Add(90 * 24 * time.Hour),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.advanceHold(placed.HoldID, func(by uuid.UUID) hold.Command { return hold.Confirm{ConfirmedBy: by, ConfirmedAt: h.clock()} })
	return placed.HoldID
}

// lift takes two officers.
func (h *house) lift(id uuid.UUID) {
	h.t.Helper()
	h.advanceHold(id, func(by uuid.UUID) hold.Command {
		return hold.RequestLift{RequestedBy: by, RequestedAt: h.clock(), Reason: "settled"}
	})
	h.advanceHold(id, func(by uuid.UUID) hold.Command { return hold.Lift{LiftedBy: by, LiftedAt: h.clock()} })
}

func (h *house) advanceHold(id uuid.UUID, step func(by uuid.UUID) hold.Command) {
	h.t.Helper()
	by := h.as(httpapi.RolePrivacy)
	if _, err := h.AdvanceHold(h.t.Context(), h.intent(by), id, step(by.ID)); err != nil {
		h.t.Fatal(err)
	}
}

// consents gives consent to keep locations of a work record.
func (h *house) consents(work uuid.UUID) httpapi.Consent {
	h.t.Helper()
	consent := httpapi.Consent{Work: work, Purpose: eventschema.PurposeLocation, NoticeVersion: "1", Language: "en", Method: "app", At: h.clock()}
	if _, err := h.GiveConsent(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), consent); err != nil {
		h.t.Fatal(err)
	}
	return consent
}

// withdraws answers the case of the withdrawal.
func (h *house) withdraws(consent httpapi.Consent) uuid.UUID {
	h.t.Helper()
	consent.At = h.clock()
	if _, err := h.WithdrawConsent(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), consent); err != nil {
		h.t.Fatal(err)
	}
	events := h.streamOf(eventschema.ConsentStream(h.Tenant(), consent.Work))
	return events[len(events)-1].ID
}

// name is how the name of a person reads for a role.
func (h *house) name(role httpapi.Role, person uuid.UUID) httpapi.Personal {
	h.t.Helper()
	view, err := h.Person(h.t.Context(), h.as(role), person)
	if err != nil {
		h.t.Fatal(err)
	}
	return view.LegalName
}
