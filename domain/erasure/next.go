package erasure

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Todo says what a case needs to go on. Exactly one of Step, Decision and Wait
// is set.
type Todo struct {
	Step     eventschema.ErasureStep // an effect of the machine
	Decision Decision                // a command of the machine without an effect
	Wait     Wait                    // somebody or something else
	Until    time.Time               // with WaitCoolingOff
}

// Decision is what the machine decides by itself.
type Decision string

// The decisions.
const (
	DecideScope    Decision = "assess"
	DecideHolds    Decision = "check_holds"
	DecideApproval Decision = "approve"
	DecideRetired  Decision = "retire" // once the epochs are gone
)

// Wait is what a case waits for.
type Wait string

// The waits.
const (
	WaitIdentity   Wait = "identity"
	WaitScope      Wait = "assessment"
	WaitHold       Wait = "legal_hold" // to be lifted
	WaitCoolingOff Wait = "cooling_off"
	WaitApproval   Wait = "approval"
	WaitNothing    Wait = "nothing" // the case has ended
)

// Next says what comes next in a case. A step that was begun and has no result
// comes again: its effect is repeated under the same case and step.
func Next(s State, now time.Time) Todo {
	if s.Phase.Before(PhaseDestroyed) || s.Phase == PhaseCancelled || s.Phase == PhaseRefused {
		return nextBefore(s, now)
	}
	switch s.Phase {
	case PhaseDestroyed:
		return Todo{Step: eventschema.StepQuiesce}
	case PhaseQuiesced:
		return Todo{Step: eventschema.StepScrub}
	case PhaseScrubbed:
		return Todo{Step: eventschema.StepPursue}
	case PhasePursued:
		return Todo{Step: eventschema.StepVerify}
	case PhaseVerified:
		if s.Origin == eventschema.OriginRetention && s.RecordID != uuid.Nil && len(s.Items) == 0 {
			return Todo{Step: eventschema.StepExpire}
		}
		return Todo{Step: eventschema.StepCertify}
	case PhaseExpired:
		return Todo{Step: eventschema.StepCertify}
	case PhaseCertified:
		return Todo{Decision: DecideRetired}
	case PhaseRetired:
		return Todo{Step: eventschema.StepFinalise}
	case PhaseNone, PhaseRequested, PhaseIdentified, PhaseAssessed, PhaseHeld, PhaseCoolingOff, PhaseApproved, PhaseFenced, PhaseDrained,
		PhaseReviewed, PhaseFinal, PhaseCancelled, PhaseRefused:
	}
	return Todo{Wait: WaitNothing}
}

// nextBefore says what comes next before the point of no return.
func nextBefore(s State, now time.Time) Todo {
	switch s.Phase {
	case PhaseNone, PhaseCancelled, PhaseRefused:
		if s.Fenced {
			return Todo{Step: eventschema.StepReopenFence}
		}
		return Todo{Wait: WaitNothing}
	case PhaseRequested:
		return Todo{Wait: WaitIdentity}
	case PhaseIdentified:
		if s.ByPolicy() {
			return Todo{Decision: DecideScope}
		}
		return Todo{Wait: WaitScope}
	case PhaseAssessed:
		return Todo{Decision: DecideHolds}
	case PhaseHeld:
		if s.Fenced {
			return Todo{Step: eventschema.StepReopenFence}
		}
		return Todo{Wait: WaitHold}
	case PhaseCoolingOff:
		return s.afterCoolingOff(now)
	case PhaseApproved, PhaseFenced, PhaseDrained, PhaseReviewed, PhaseDestroyed, PhaseQuiesced, PhaseScrubbed, PhasePursued, PhaseVerified,
		PhaseExpired, PhaseCertified, PhaseRetired, PhaseFinal:
	}
	return s.towardsDestruction()
}

func (s State) afterCoolingOff(now time.Time) Todo {
	switch {
	case now.Before(s.CoolingUntil):
		return Todo{Wait: WaitCoolingOff, Until: s.CoolingUntil}
	case s.approvedByPolicy():
		return Todo{Decision: DecideApproval}
	}
	return Todo{Wait: WaitApproval}
}

// towardsDestruction orders the steps of an approved case. Only whoever is erased
// whole is fenced: the others go on being written about for other purposes, and
// what a late writer seals with a destroyed key is noise.
func (s State) towardsDestruction() Todo {
	switch {
	case s.AssessedAt.IsZero(): // approved in the first release
		return Todo{Decision: DecideScope}
	case s.HoldsCheckedAt.IsZero():
		return Todo{Decision: DecideHolds}
	case s.Phase == PhaseApproved && s.Scope == eventschema.ScopePerson:
		return Todo{Step: eventschema.StepCloseFence}
	case s.Phase == PhaseFenced:
		return Todo{Step: eventschema.StepDrain}
	case s.Phase == PhaseReviewed:
		return Todo{Step: eventschema.StepDestroy}
	}
	return Todo{Step: eventschema.StepReview}
}
