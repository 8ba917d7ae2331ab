package erasure

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

func (c Request) decide(s State) ([]eventschema.Event, error) { return request(s, c) }

func request(state State, c Request) ([]eventschema.Event, error) {
	if state.Phase != PhaseNone {
		return nil, ErrAlreadyRequested
	}
	if c.RequestedBy == uuid.Nil {
		return nil, ErrNoActor
	}
	if (c.PersonID == uuid.Nil) == (c.RecordID == uuid.Nil) {
		return nil, ErrSubject
	}
	if err := c.validScope(); err != nil {
		return nil, err
	}
	if err := c.aboveFloor(); err != nil {
		return nil, err
	}
	asked := c.Origin == eventschema.OriginRequest
	if (asked || c.ClaimHash != "") && !hexHash(c.ClaimHash) {
		return nil, ErrClaimHash
	}
	event := &eventschema.ErasureRequested{
		CaseID: c.CaseID, Origin: c.Origin, Scope: c.Scope, PersonID: c.PersonID, RecordID: c.RecordID, Purposes: c.Purposes, Items: c.Items,
		Periods: c.Periods, Anchor: c.Anchor.UTC(), DueOn: c.DueOn, RequestedAt: c.RequestedAt.UTC(), RequestedBy: c.RequestedBy, ClaimHash: c.ClaimHash,
	}
	if c.WorkID != uuid.Nil {
		event.WorkID = eventschema.Clear(eventschema.Hex(c.WorkID))
	}
	events := []eventschema.Event{event}
	if !asked {
		method := eventschema.IdentityAuthenticated
		if c.Origin == eventschema.OriginRetention {
			method = eventschema.IdentityNobodyAsked
		}
		events = append(events, &eventschema.IdentityVerified{
			CaseID: c.CaseID, VerifiedAt: c.RequestedAt.UTC(), VerifiedBy: c.RequestedBy, Method: method,
		})
	}
	return events, nil
}

func hexHash(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// open refuses what needs a case that has neither ended nor begun to destroy.
func (s State) open() error {
	switch {
	case s.Phase.Ended():
		return ErrEnded
	case s.Phase.Destroyed() || s.Begun == eventschema.StepDestroy:
		return ErrPointOfNoReturn
	}
	return nil
}

func (c VerifyIdentity) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.VerifiedAt.IsZero():
		return nil, nil
	case s.Phase.Ended():
		return nil, ErrEnded
	case s.Phase != PhaseRequested: // approved in the first release, which did not ask
		return nil, ErrOrder
	case c.VerifiedBy == uuid.Nil:
		return nil, ErrNoActor
	case !slices.Contains(eventschema.IdentityMethods(), c.Method):
		return nil, ErrMethod
	}
	return []eventschema.Event{&eventschema.IdentityVerified{
		CaseID: s.CaseID, VerifiedAt: c.VerifiedAt.UTC(), VerifiedBy: c.VerifiedBy, Method: c.Method,
	}}, nil
}

func (c Assess) decide(s State) ([]eventschema.Event, error) {
	// A case of the first release was approved without an assessment.
	old := s.Phase == PhaseApproved && s.AssessedAt.IsZero()
	switch {
	case s.open() != nil:
		return nil, s.open()
	case s.Phase == PhaseRequested:
		return nil, ErrNotVerified
	case !old && !s.Phase.Before(PhaseApproved), s.Phase == PhaseHeld && s.Fenced:
		return nil, ErrOrder
	case c.AssessedBy == uuid.Nil && !old && !s.ByPolicy():
		return nil, ErrNoActor
	}
	event := &eventschema.ScopeAssessed{CaseID: s.CaseID, AssessedAt: c.AssessedAt.UTC(), AssessedBy: c.AssessedBy}
	if c.AssessedBy == uuid.Nil {
		event.Policy = s.policy()
	}
	event.Destroyed, event.Retained = assess(s, c.EmploymentEnded)
	if !s.AssessedAt.IsZero() && slices.Equal(s.Targets, event.Destroyed) && slices.Equal(s.Retained, event.Retained) {
		return nil, nil
	}
	return []eventschema.Event{event}, nil
}

// ByPolicy says whether nobody asked for the case, so that a policy assesses it.
func (s State) ByPolicy() bool { return s.Origin != eventschema.OriginRequest }

// approvedByPolicy says whether the case needs nobody's word. Until there were
// batches, ended retention needed none either; what a policy approved then stays
// approved.
func (s State) approvedByPolicy() bool {
	return s.Origin == eventschema.OriginWithdrawal || s.Origin == eventschema.OriginRemoval
}

// policy is the code of the policy that assesses or approves.
func (s State) policy() string {
	if s.Origin == eventschema.OriginRequest {
		return "first_release"
	}
	return string(s.Origin)
}

func (c Approve) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Phase.Ended() && s.Phase != PhaseFinal:
		return nil, ErrEnded
	case !s.Phase.Before(PhaseApproved):
		return nil, nil
	case s.Phase == PhaseRequested:
		return nil, ErrNotVerified
	case s.Phase == PhaseIdentified:
		return nil, ErrNotAssessed
	case s.Phase == PhaseAssessed:
		return nil, ErrHoldUnchecked
	case s.Phase == PhaseHeld:
		return nil, ErrHeld
	case c.ApprovedAt.Before(s.CoolingUntil):
		return nil, ErrCoolingOff
	case c.ApprovedBy == uuid.Nil && !s.approvedByPolicy():
		return nil, ErrNoActor
	case (s.Origin == eventschema.OriginRetention) != (c.BatchID != uuid.Nil):
		return nil, ErrBatch
	case c.ApprovedBy != uuid.Nil && (c.ApprovedBy == s.RequestedBy || c.ApprovedBy == s.AssessedBy):
		return nil, ErrSamePerson
	}
	event := &eventschema.ErasureApproved{CaseID: s.CaseID, ApprovedAt: c.ApprovedAt.UTC(), ApprovedBy: c.ApprovedBy, BatchID: c.BatchID}
	if c.ApprovedBy == uuid.Nil {
		event.Policy = s.policy()
	}
	return []eventschema.Event{event}, nil
}

func (c Cancel) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Phase == PhaseCancelled:
		return nil, nil
	case s.open() != nil:
		return nil, s.open()
	case c.CancelledBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrReason
	}
	return []eventschema.Event{&eventschema.ErasureCancelled{
		CaseID: s.CaseID, CancelledAt: c.CancelledAt.UTC(), CancelledBy: c.CancelledBy, Reason: c.Reason,
	}}, nil
}

func (c Refuse) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Phase == PhaseRefused:
		return nil, nil
	case s.open() != nil:
		return nil, s.open()
	case c.RefusedBy == uuid.Nil:
		return nil, ErrNoActor
	case s.ByPolicy() || !slices.Contains(eventschema.RefusalGrounds(), c.Ground):
		return nil, ErrGround
	}
	return []eventschema.Event{&eventschema.ErasureRefused{
		CaseID: s.CaseID, RefusedAt: c.RefusedAt.UTC(), RefusedBy: c.RefusedBy, Ground: c.Ground,
	}}, nil
}

func (c Extend) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Phase.Ended():
		return nil, ErrEnded
	case !s.ExtendedUntil.IsZero():
		return nil, ErrExtended
	case c.ExtendedBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrReason
	case c.ToldAt.IsZero() || c.ToldAt.After(c.ExtendedAt) || c.ToldAt.After(Deadlines(s.RequestedAt).Answer.AddDate(0, 0, 1)):
		return nil, ErrToldLate
	}
	return []eventschema.Event{&eventschema.DeadlineExtended{
		CaseID: s.CaseID, ExtendedAt: c.ExtendedAt.UTC(), ExtendedBy: c.ExtendedBy, ToldAt: c.ToldAt.UTC(),
		Until: Deadlines(s.RequestedAt).Extended, Reason: c.Reason,
	}}, nil
}

func (c NotifyRecipient) decide(s State) ([]eventschema.Event, error) {
	listed := slices.ContainsFunc(s.Recipients, func(r eventschema.Recipient) bool { return r.DisclosureID == c.DisclosureID })
	_, told := s.Notified[c.DisclosureID]
	switch {
	case !listed:
		return nil, ErrRecipient
	case told:
		return nil, nil
	case c.NotifiedBy == uuid.Nil:
		return nil, ErrNoActor
	case !slices.Contains(eventschema.NotifyOutcomes(), c.Outcome):
		return nil, ErrOutcome
	}
	return []eventschema.Event{&eventschema.RecipientNotified{
		CaseID: s.CaseID, DisclosureID: c.DisclosureID, NotifiedAt: c.NotifiedAt.UTC(), NotifiedBy: c.NotifiedBy, Outcome: c.Outcome,
	}}, nil
}
