package erasure

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.ErasureRequested:
		s.Phase, s.CaseID, s.PersonID, s.RecordID = PhaseRequested, e.CaseID, e.PersonID, e.RecordID
		s.Origin, s.Scope, s.Purposes, s.Items = e.Origin, e.Scope, e.Purposes, e.Items
		s.Periods, s.Anchor, s.DueOn = e.Periods, e.Anchor, e.DueOn
		s.RequestedBy, s.RequestedAt, s.ClaimHash = e.RequestedBy, e.RequestedAt, e.ClaimHash
	case *eventschema.IdentityVerified:
		s.VerifiedAt, s.VerifiedBy, s.Method = e.VerifiedAt, e.VerifiedBy, e.Method
		if s.Phase == PhaseRequested {
			s.Phase = PhaseIdentified
		}
	case *eventschema.ScopeAssessed:
		return s.assessed(e)
	case *eventschema.HoldChecked:
		return s.holdsChecked(e)
	case *eventschema.CoolingOffStarted:
		s.Phase, s.CoolingUntil = PhaseCoolingOff, e.Until
	case *eventschema.ErasureApproved:
		s.Phase, s.ApprovedBy, s.ApprovedAt, s.Policy, s.BatchID = PhaseApproved, e.ApprovedBy, e.ApprovedAt, e.Policy, e.BatchID
	case *eventschema.ErasureStepStarted:
		s.Begun = e.Step
		s.Fenced = s.Fenced || e.Step == eventschema.StepCloseFence
	case *eventschema.DeadlineExtended:
		s.ExtendedUntil = e.Until
	case *eventschema.ErasureCancelled:
		s.Phase, s.EndedAt, s.EndedBy, s.Reason, s.Begun = PhaseCancelled, e.CancelledAt, e.CancelledBy, e.Reason, ""
	case *eventschema.ErasureRefused:
		s.Phase, s.EndedAt, s.EndedBy, s.Ground, s.Begun = PhaseRefused, e.RefusedAt, e.RefusedBy, e.Ground, ""
	case *eventschema.RecipientNotified:
		s.Notified = maps.Clone(s.Notified)
		if s.Notified == nil {
			s.Notified = map[uuid.UUID]eventschema.NotifyOutcome{}
		}
		s.Notified[e.DisclosureID] = e.Outcome
	default:
		return s.evolveResult(event)
	}
	return s
}

// assessed leaves a case of the first release where it is: approved.
func (s State) assessed(e *eventschema.ScopeAssessed) State {
	s.AssessedAt, s.AssessedBy, s.Targets, s.Retained = e.AssessedAt, e.AssessedBy, e.Destroyed, e.Retained
	if s.Phase.Before(PhaseApproved) {
		s.Phase, s.HoldsCheckedAt, s.CoolingUntil = PhaseAssessed, time.Time{}, time.Time{}
	}
	return s
}

// holdsChecked takes a held case back behind its approval.
func (s State) holdsChecked(e *eventschema.HoldChecked) State {
	s.HoldsCheckedAt, s.Holds = e.CheckedAt, e.Holds
	if len(e.Holds) > 0 {
		s.Phase, s.Begun = PhaseHeld, ""
		s.ApprovedAt, s.ApprovedBy, s.Policy, s.BatchID, s.CoolingUntil = time.Time{}, uuid.Nil, "", uuid.Nil, time.Time{}
	}
	return s
}

// evolveResult folds the result of a step.
func (s State) evolveResult(event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.FenceClosed:
		s.Phase, s.Fenced = PhaseFenced, true
	case *eventschema.FenceReopened:
		s.Fenced = false
	case *eventschema.WritersDrained:
		s.Phase = PhaseDrained
	case *eventschema.MentionsReviewed:
		s.Phase = PhaseReviewed
	case *eventschema.KeysDestroyed:
		s.Phase, s.DestroyedAt, s.Fenced = PhaseDestroyed, e.DestroyedAt, false
		s.Keys, s.Lookups, s.Retained = e.Keys, e.Lookups, e.Retained
	case *eventschema.CachesQuiesced:
		s.Phase, s.QuiescedAt, s.Holders = PhaseQuiesced, e.QuiescedAt, e.Holders
	case *eventschema.ReadModelsScrubbed:
		s.Phase = PhaseScrubbed
	case *eventschema.CopiesPursued:
		s.Phase, s.Files, s.Recipients = PhasePursued, e.Files, e.Recipients
	case *eventschema.ErasureVerified:
		s.Phase, s.Probes = PhaseVerified, *e
	case *eventschema.RecordsExpired:
		s.Phase, s.Expired = PhaseExpired, e.Streams
	case *eventschema.ErasureCertified:
		certified := Certified{At: e.CertifiedAt, Leaf: e.Leaf, Position: e.Position, Certificate: e.Certificate}
		if e.Kind == eventschema.CertificateFinal {
			s.Phase, s.Final = PhaseFinal, certified
		} else {
			s.Phase, s.Effective = PhaseCertified, certified
		}
	case *eventschema.EpochsRetired:
		s.Phase, s.Epochs, s.RetiredAt = PhaseRetired, e.Epochs, e.RetiredAt
	default:
		return s
	}
	s.Begun = ""
	return s
}
