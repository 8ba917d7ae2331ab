// Package erasure decides about one erasure case, from the request to the final
// certificate:
//
//	requested → identity verified → scope assessed → legal hold checked →
//	cooling-off → approved by a second person → fence closed → writers drained →
//	mentions reviewed → keys destroyed (the point of no return) → caches quiesced
//	→ read models scrubbed → copies pursued → verified → effective certificate →
//	epochs retired → final certificate
//
// People take the first steps and the machine takes the rest: [Next] says whose
// turn it is. Each step with an effect outside the log has an event before it
// (the intent) and one after it (the result), so that a case killed anywhere goes
// on from its events alone. Until the keys are being destroyed a case can be
// cancelled, refused, or stopped by a legal hold; afterwards it only goes
// forward, and nothing brings back what it destroyed.
//
// Withdrawn consent and ended retention run through the same steps. Nobody's
// identity is in question there, a policy assesses, and nothing cools off:
// withdrawing is as easy as giving (GDPR Art. 7(3)), and what has come of age has
// waited. A policy approves withdrawals; ended retention is approved in batches, by
// two officers ([tracekeep/domain/retention]). When a work record has come of age,
// its streams are ended too, before the certificate.
package erasure

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrNotRequested     = errors.New("there is no such erasure case")
	ErrAlreadyRequested = errors.New("the case is already open")
	ErrNoActor          = errors.New("somebody must answer for this step")
	ErrSubject          = errors.New("a case is about one person or one work record")
	ErrScope            = errors.New("this scope of erasure is not known")
	ErrPurpose          = errors.New("what is held for this purpose cannot be erased by such a case")
	ErrClaimHash        = errors.New("the SHA-256 of the claim code is required, in hex")
	ErrMethod           = errors.New("the way the identity was verified is not known")
	ErrNotVerified      = errors.New("the identity of whoever asked has not been verified")
	ErrNotAssessed      = errors.New("the scope of the case has not been assessed")
	ErrHoldUnchecked    = errors.New("legal holds have not been checked yet")
	ErrHeld             = errors.New("a legal hold forbids the destruction")
	ErrCoolingOff       = errors.New("the case is still cooling off")
	ErrSamePerson       = errors.New("the approval must come from a second person, who neither asked nor assessed")
	ErrNotApproved      = errors.New("the case has not been approved")
	ErrNotDestroyed     = errors.New("the keys have not been destroyed")
	ErrNotVerifiedYet   = errors.New("the erasure has not been verified")
	ErrPointOfNoReturn  = errors.New("the keys are being destroyed; there is no way back")
	ErrEnded            = errors.New("the case has ended")
	ErrOrder            = errors.New("another step comes first")
	ErrReason           = errors.New("a reason code is required: up to 60 lower-case letters, digits and underscores")
	ErrGround           = errors.New("this ground is not known")
	ErrToldLate         = errors.New("the person must be told of an extension within the first month, and before it is recorded")
	ErrExtended         = errors.New("the deadline was extended before; it can be extended once")
	ErrRecipient        = errors.New("the case lists no such recipient")
	ErrOutcome          = errors.New("this outcome of telling a recipient is not known")
	ErrAnchor           = errors.New("what a law keeps for a time is destroyed only when it is known since when that counts")
	ErrBatch            = errors.New("what has come of age is approved with a batch (tracekeep retention submit, then approve)")
	ErrMentions         = errors.New("texts that name the person need a decision of an officer, and a ground where they stay")
)

// Phase is how far a case has come: its last step.
type Phase string

// The phases, in order.
const (
	PhaseNone       Phase = ""
	PhaseRequested  Phase = "requested"
	PhaseIdentified Phase = "identity_verified"
	PhaseAssessed   Phase = "scope_assessed"
	PhaseHeld       Phase = "held"
	PhaseCoolingOff Phase = "cooling_off"
	PhaseApproved   Phase = "approved"
	PhaseFenced     Phase = "fence_closed"
	PhaseDrained    Phase = "writers_drained"
	PhaseReviewed   Phase = "mentions_reviewed"
	PhaseDestroyed  Phase = "destroyed"
	PhaseQuiesced   Phase = "caches_quiesced"
	PhaseScrubbed   Phase = "read_models_scrubbed"
	PhasePursued    Phase = "copies_pursued"
	PhaseVerified   Phase = "verified"
	PhaseExpired    Phase = "records_expired"
	PhaseCertified  Phase = "certified"
	PhaseRetired    Phase = "epochs_retired"
	PhaseFinal      Phase = "final"
	PhaseCancelled  Phase = "cancelled"
	PhaseRefused    Phase = "refused"
)

// Phases lists every phase of a case that exists.
func Phases() []Phase {
	return []Phase{
		PhaseRequested, PhaseIdentified, PhaseAssessed, PhaseHeld, PhaseCoolingOff, PhaseApproved, PhaseFenced, PhaseDrained,
		PhaseReviewed, PhaseDestroyed, PhaseQuiesced, PhaseScrubbed, PhasePursued, PhaseVerified, PhaseExpired, PhaseCertified, PhaseRetired,
		PhaseFinal, PhaseCancelled, PhaseRefused,
	}
}

// Before says whether a phase comes before another.
func (p Phase) Before(other Phase) bool {
	return slices.Index(Phases(), p) < slices.Index(Phases(), other)
}

// Destroyed says whether the point of no return is passed.
func (p Phase) Destroyed() bool { return !p.Before(PhaseDestroyed) && p.Before(PhaseCancelled) }

// Ended says whether nothing more happens in a case.
func (p Phase) Ended() bool { return !p.Before(PhaseFinal) }

// State is what deciding and resuming a case need.
type State struct {
	Phase       Phase
	CaseID      uuid.UUID
	PersonID    uuid.UUID // nil for a case about a work record
	RecordID    uuid.UUID
	Origin      eventschema.ErasureOrigin
	Scope       eventschema.ErasureScope
	Purposes    []eventschema.Purpose
	Items       []uuid.UUID
	Periods     []string
	Anchor      time.Time
	DueOn       string
	RequestedBy uuid.UUID
	RequestedAt time.Time
	ClaimHash   string

	VerifiedAt, AssessedAt, HoldsCheckedAt, ApprovedAt time.Time
	VerifiedBy, AssessedBy, ApprovedBy                 uuid.UUID
	Method                                             eventschema.IdentityMethod
	Policy                                             string // that approved
	BatchID                                            uuid.UUID
	Targets                                            []eventschema.ErasureTarget
	Retained                                           []eventschema.Retained
	Holds                                              []uuid.UUID // that stopped the case
	CoolingUntil                                       time.Time
	ExtendedUntil                                      time.Time

	// Begun is the step whose effect may have happened without a result on
	// record. Fenced says that the fence may be closed, and would have to be
	// reopened if the case were stopped.
	Begun  eventschema.ErasureStep
	Fenced bool

	DestroyedAt time.Time
	Keys        []eventschema.DestroyedKey
	Lookups     int
	Holders     eventschema.KeyHolders // at the quiescing of caches
	QuiescedAt  time.Time
	Files       int // deleted with the case
	Recipients  []eventschema.Recipient
	Notified    map[uuid.UUID]eventschema.NotifyOutcome // by disclosure
	Probes      eventschema.ErasureVerified
	Expired     []eventschema.ExpiredStream
	Effective   Certified
	Epochs      []eventschema.RetiredEpoch
	RetiredAt   time.Time
	Final       Certified

	EndedAt time.Time // cancelled or refused
	EndedBy uuid.UUID
	Reason  string // of the cancellation
	Ground  eventschema.RefusalGround
}

// Certified is a certificate on record. The zero value is none.
type Certified struct {
	At          time.Time
	Leaf        uint64
	Position    uint64
	Certificate string
}

// Decider decides for one erasure stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if c, ok := command.(Request); ok {
		return request(state, c)
	}
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	if state.Phase == PhaseNone {
		return nil, ErrNotRequested
	}
	return command.decide(state)
}
