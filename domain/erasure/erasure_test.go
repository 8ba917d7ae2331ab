package erasure_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

var (
	caseID   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	personID = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	workID   = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	second   = uuid.MustParse("c0a80101-0000-4000-8000-000000000005")
	noon     = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	inManila = noon.In(time.FixedZone("PST", 8*3600))
	hash     = strings.Repeat("0123456789abcdef", 4)
	keys     = []eventschema.DestroyedKey{{KeyID: uuid.MustParse("11111111-2222-4333-8444-555555555506"), Purpose: eventschema.PurposeIdentity, Check: "5f2c", Epoch: 7}}
	retained = []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-06-30"}}

	request = erasure.Request{
		CaseID: caseID, PersonID: personID, WorkID: workID, Scope: eventschema.ScopePerson, RequestedBy: officer, RequestedAt: inManila, ClaimHash: hash,
	}
	approve   = erasure.Approve{ApprovedBy: second, ApprovedAt: inManila}
	destroyed = erasure.Destroyed{DestroyedAt: inManila, Keys: keys, Lookups: 2, Retained: retained}
	certify   = erasure.Certify{CertifiedAt: inManila, Leaf: 812, Position: 40961, Certificate: "certificate"}

	wasRequested = &eventschema.ErasureRequested{
		CaseID: caseID, PersonID: personID, WorkID: eventschema.Clear(eventschema.Hex(workID)), Scope: eventschema.ScopePerson,
		RequestedBy: officer, RequestedAt: noon, ClaimHash: hash,
	}
	wasApproved  = &eventschema.ErasureApproved{CaseID: caseID, ApprovedBy: second, ApprovedAt: noon}
	wasDestroyed = &eventschema.KeysDestroyed{CaseID: caseID, PersonID: personID, DestroyedAt: noon, Keys: keys, Lookups: 2, Retained: retained}
	wasCertified = &eventschema.ErasureCertified{CaseID: caseID, PersonID: personID, CertifiedAt: noon, Leaf: 812, Position: 40961, Certificate: "certificate"}
)

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[erasure.Command]

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestRequest(t *testing.T) {
	withoutWork := *wasRequested
	withoutWork.WorkID = eventschema.Personal{}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a case is opened, with the link to the work record sealed in it": {When: request, Then: past(wasRequested)},
		"a person without a work record": {
			When: changed(request, func(r *erasure.Request) { r.WorkID = uuid.Nil }), Then: past(&withoutWork)},
		"a case is opened once":            {Given: past(wasRequested), When: request, Refused: erasure.ErrAlreadyRequested},
		"and not again when it is done":    {Given: past(wasRequested, wasApproved, wasDestroyed, wasCertified), When: request, Refused: erasure.ErrAlreadyRequested},
		"somebody must have asked":         {When: changed(request, func(r *erasure.Request) { r.RequestedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"a scope nobody knows":             {When: changed(request, func(r *erasure.Request) { r.Scope = "everything" }), Refused: erasure.ErrScope},
		"without a claim nobody can prove": {When: changed(request, func(r *erasure.Request) { r.ClaimHash = "" }), Refused: erasure.ErrClaimHash},
		"the claim code itself is no hash": {
			When: changed(request, func(r *erasure.Request) { r.ClaimHash = strings.Repeat("WREN-", 12) + "CODE" }), Refused: erasure.ErrClaimHash},
		"a hash cut short": {When: changed(request, func(r *erasure.Request) { r.ClaimHash = hash[1:] }), Refused: erasure.ErrClaimHash},
	})
}

func TestApprove(t *testing.T) {
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a second person approves":               {Given: past(wasRequested), When: approve, Then: past(wasApproved)},
		"whoever asked does not approve":         {Given: past(wasRequested), When: changed(approve, func(a *erasure.Approve) { a.ApprovedBy = officer }), Refused: erasure.ErrSamePerson},
		"nobody does not approve":                {Given: past(wasRequested), When: changed(approve, func(a *erasure.Approve) { a.ApprovedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"approving twice changes nothing":        {Given: past(wasRequested, wasApproved), When: approve},
		"approving what is done changes nothing": {Given: past(wasRequested, wasApproved, wasDestroyed), When: approve},
		"a case nobody opened":                   {When: approve, Refused: erasure.ErrNotRequested},
	})
}

// promise: DS-20
func TestDestroyed(t *testing.T) {
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"what was destroyed is recorded, and what was kept, why and until when": {
			Given: past(wasRequested, wasApproved), When: destroyed, Then: past(wasDestroyed)},
		"nothing is destroyed without approval": {Given: past(wasRequested), When: destroyed, Refused: erasure.ErrNotApproved},
		"the result is recorded once":           {Given: past(wasRequested, wasApproved, wasDestroyed), When: destroyed},
		"and not after the certificate":         {Given: past(wasRequested, wasApproved, wasDestroyed, wasCertified), When: destroyed},
		"a case that found every key destroyed by another case ends like any other": {
			Given: past(wasRequested, wasApproved), When: changed(destroyed, func(d *erasure.Destroyed) { d.Keys = nil }),
			Then: past(&eventschema.KeysDestroyed{CaseID: caseID, PersonID: personID, DestroyedAt: noon, Lookups: 2, Retained: retained})},
		"a case nobody opened": {When: destroyed, Refused: erasure.ErrNotRequested},
	})
}

func TestCertify(t *testing.T) {
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"the certificate is recorded with its place in the trail": {
			Given: past(wasRequested, wasApproved, wasDestroyed), When: certify, Then: past(wasCertified)},
		"no certificate before the keys are gone": {Given: past(wasRequested, wasApproved), When: certify, Refused: erasure.ErrNotDestroyed},
		"nor before approval":                     {Given: past(wasRequested), When: certify, Refused: erasure.ErrNotDestroyed},
		"one certificate a case": {
			Given: past(wasRequested, wasApproved, wasDestroyed, wasCertified), When: certify},
		"a case nobody opened":              {When: certify, Refused: erasure.ErrNotRequested},
		"a command nobody wrote a rule for": {Given: past(wasRequested), When: nil, Refused: domain.ErrUnknownCommand},
	})
}

// A case killed anywhere goes on from its events alone: the state holds what the
// next step needs.
func TestTheStateIsEnoughToGoOn(t *testing.T) {
	state := erasure.Decider().Fold(wasRequested, wasApproved, wasDestroyed, wasCertified)
	want := erasure.State{
		Phase: erasure.PhaseCertified, CaseID: caseID, PersonID: personID, Scope: eventschema.ScopePerson, RequestedBy: officer, ApprovedBy: second,
		RequestedAt: noon, ApprovedAt: noon, DestroyedAt: noon, CertifiedAt: noon, ClaimHash: hash, Keys: keys, Lookups: 2, Retained: retained,
		Certificate: "certificate", Leaf: 812, Position: 40961,
	}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// Whatever is asked in whatever order and however often, a case takes each step
// at most once and in order, so that keys are never destroyed without approval.
func TestACaseOnlyGoesForward(t *testing.T) {
	order := []string{"erasure-requested", "erasure-approved", "keys-destroyed", "erasure-certified"}
	rapid.Check(t, func(t *rapid.T) {
		decider := erasure.Decider()
		var taken []string
		state := decider.Initial()
		asked := rapid.SliceOf(rapid.SampledFrom([]erasure.Command{request, approve, destroyed, certify, erasure.Approve{ApprovedBy: officer}})).Draw(t, "asked")
		for _, command := range asked {
			events, err := decider.Decide(state, command)
			if err != nil && len(events) > 0 {
				t.Fatalf("%T is refused with events", command)
			}
			for _, event := range events {
				state = decider.Evolve(state, event)
				taken = append(taken, event.EventType())
			}
		}
		if diff := cmp.Diff(order[:len(taken)], append([]string{}, taken...)); diff != "" {
			t.Fatalf("steps (-want +got):\n%s", diff)
		}
	})
}

func TestAPrefixOfHistoryNeverBreaksEvolve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.SampledFrom(past(wasRequested, wasApproved, wasDestroyed, wasCertified, &eventschema.PersonClosed{}))).Draw(t, "history")
		for i := range len(history) + 1 {
			for _, command := range []erasure.Command{request, approve, destroyed, certify} {
				if events, err := erasure.Decider().Decide(erasure.Decider().Fold(history[:i]...), command); err != nil && len(events) > 0 {
					t.Fatalf("%T is refused with events", command)
				}
			}
		}
	})
}
