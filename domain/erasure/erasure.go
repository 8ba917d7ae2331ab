// Package erasure decides about one erasure case: requested, approved by a
// second person, keys destroyed, certified. Every step is an event, so that a
// case killed anywhere goes on from where it was.
package erasure

import (
	"errors"
	"strings"
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
	ErrSamePerson       = errors.New("the approval must come from a second person")
	ErrNotApproved      = errors.New("the case has not been approved")
	ErrNotDestroyed     = errors.New("the keys have not been destroyed")
	ErrScope            = errors.New("this scope of erasure is not known")
	ErrClaimHash        = errors.New("the SHA-256 of the claim code is required, in hex")
)

// Phase is how far a case has come.
type Phase string

// The phases, in order.
const (
	PhaseNone      Phase = ""
	PhaseRequested Phase = "requested"
	PhaseApproved  Phase = "approved"
	PhaseDestroyed Phase = "destroyed"
	PhaseCertified Phase = "certified"
)

// State is what deciding and resuming a case need.
type State struct {
	Phase       Phase
	CaseID      uuid.UUID
	PersonID    uuid.UUID
	Scope       eventschema.ErasureScope
	RequestedBy uuid.UUID
	ApprovedBy  uuid.UUID
	RequestedAt time.Time
	ApprovedAt  time.Time
	DestroyedAt time.Time
	CertifiedAt time.Time
	ClaimHash   string
	Keys        []eventschema.DestroyedKey
	Lookups     int
	Retained    []eventschema.Retained
	Certificate string
	Leaf        uint64
	Position    uint64
}

// Command is one of [Request], [Approve], [Destroyed], [Certify].
type Command interface{ isCommand() }

// Request opens a case.
type Request struct {
	CaseID      uuid.UUID
	PersonID    uuid.UUID
	WorkID      uuid.UUID // nil when the person has no work record
	Scope       eventschema.ErasureScope
	RequestedBy uuid.UUID
	RequestedAt time.Time
	ClaimHash   string
}

// Approve releases the destruction of the keys. Approving twice changes nothing.
type Approve struct {
	ApprovedBy uuid.UUID
	ApprovedAt time.Time
}

// Destroyed records that the key store destroyed the keys. It is the result of
// an effect, and is recorded once. There are no keys when another case had
// destroyed them all.
type Destroyed struct {
	DestroyedAt time.Time
	Keys        []eventschema.DestroyedKey
	Lookups     int
	Retained    []eventschema.Retained
}

// Certify records the effective certificate.
type Certify struct {
	CertifiedAt time.Time
	Leaf        uint64
	Position    uint64
	Certificate string
}

func (Request) isCommand()   {}
func (Approve) isCommand()   {}
func (Destroyed) isCommand() {}
func (Certify) isCommand()   {}

// Decider decides for one erasure stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if c, ok := command.(Request); ok {
		return request(state, c)
	}
	if state.Phase == PhaseNone {
		return nil, ErrNotRequested
	}
	switch c := command.(type) {
	case Approve:
		return approve(state, c)
	case Destroyed:
		return destroyed(state, c)
	case Certify:
		return certify(state, c)
	}
	return nil, domain.ErrUnknownCommand
}

func request(state State, c Request) ([]eventschema.Event, error) {
	switch {
	case state.Phase != PhaseNone:
		return nil, ErrAlreadyRequested
	case c.RequestedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.Scope != eventschema.ScopePerson:
		return nil, ErrScope
	case len(c.ClaimHash) != 64 || strings.Trim(c.ClaimHash, "0123456789abcdef") != "":
		return nil, ErrClaimHash
	}
	event := &eventschema.ErasureRequested{
		CaseID: c.CaseID, PersonID: c.PersonID, Scope: c.Scope,
		RequestedAt: c.RequestedAt.UTC(), RequestedBy: c.RequestedBy, ClaimHash: c.ClaimHash,
	}
	if c.WorkID != uuid.Nil {
		event.WorkID = eventschema.Clear(eventschema.Hex(c.WorkID))
	}
	return []eventschema.Event{event}, nil
}

func approve(state State, c Approve) ([]eventschema.Event, error) {
	switch {
	case state.Phase != PhaseRequested:
		return nil, nil
	case c.ApprovedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.ApprovedBy == state.RequestedBy:
		return nil, ErrSamePerson
	}
	return []eventschema.Event{&eventschema.ErasureApproved{CaseID: state.CaseID, ApprovedAt: c.ApprovedAt.UTC(), ApprovedBy: c.ApprovedBy}}, nil
}

func destroyed(state State, c Destroyed) ([]eventschema.Event, error) {
	switch {
	case state.Phase == PhaseRequested:
		return nil, ErrNotApproved
	case state.Phase != PhaseApproved:
		return nil, nil
	}
	return []eventschema.Event{&eventschema.KeysDestroyed{
		CaseID: state.CaseID, PersonID: state.PersonID, DestroyedAt: c.DestroyedAt.UTC(),
		Keys: c.Keys, Lookups: c.Lookups, Retained: c.Retained,
	}}, nil
}

func certify(state State, c Certify) ([]eventschema.Event, error) {
	switch {
	case state.Phase == PhaseCertified:
		return nil, nil
	case state.Phase != PhaseDestroyed:
		return nil, ErrNotDestroyed
	}
	return []eventschema.Event{&eventschema.ErasureCertified{
		CaseID: state.CaseID, PersonID: state.PersonID, CertifiedAt: c.CertifiedAt.UTC(),
		Leaf: c.Leaf, Position: c.Position, Certificate: c.Certificate,
	}}, nil
}

func evolve(state State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.ErasureRequested:
		state.Phase, state.CaseID, state.PersonID, state.Scope = PhaseRequested, e.CaseID, e.PersonID, e.Scope
		state.RequestedBy, state.RequestedAt, state.ClaimHash = e.RequestedBy, e.RequestedAt, e.ClaimHash
	case *eventschema.ErasureApproved:
		state.Phase, state.ApprovedBy, state.ApprovedAt = PhaseApproved, e.ApprovedBy, e.ApprovedAt
	case *eventschema.KeysDestroyed:
		state.Phase, state.DestroyedAt = PhaseDestroyed, e.DestroyedAt
		state.Keys, state.Lookups, state.Retained = e.Keys, e.Lookups, e.Retained
	case *eventschema.ErasureCertified:
		state.Phase, state.CertifiedAt, state.Certificate = PhaseCertified, e.CertifiedAt, e.Certificate
		state.Leaf, state.Position = e.Leaf, e.Position
	}
	return state
}
