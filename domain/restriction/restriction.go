// Package restriction decides about one case of restricted processing (GDPR
// Art. 18) or of an objection (Art. 21): while it stands, the person's values are
// stored, and opened for legal claims and audits only.
package restriction

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
	ErrNotRestricted     = errors.New("there is no such restriction")
	ErrAlreadyRestricted = errors.New("the restriction is already in force")
	ErrNoActor           = errors.New("somebody must answer for this step")
	ErrPerson            = errors.New("a restriction is about one person")
	ErrGround            = errors.New("this ground of restriction is not known")
	ErrNoObjection       = errors.New("only an objection is decided")
	ErrOutcome           = errors.New("an objection is upheld or overridden")
	ErrUndecided         = errors.New("the objection has not been decided")
	ErrUpheld            = errors.New("the objection was upheld: the values stay restricted, or are erased")
	ErrNotTold           = errors.New("the person must be told before a restriction is lifted")
	ErrLifted            = errors.New("the restriction was lifted")
)

// State is what deciding needs.
type State struct {
	CaseID       uuid.UUID
	PersonID     uuid.UUID
	Ground       eventschema.RestrictionGround
	RequestedAt  time.Time
	RestrictedAt time.Time
	RestrictedBy uuid.UUID
	Outcome      eventschema.ObjectionOutcome
	DecidedAt    time.Time
	LiftedAt     time.Time
}

// InForce says whether the values are restricted.
func (s State) InForce() bool { return !s.RestrictedAt.IsZero() && s.LiftedAt.IsZero() }

// Command is one of the commands of this package.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Restrict restricts the values of a person.
type Restrict struct {
	CaseID       uuid.UUID
	PersonID     uuid.UUID
	WorkID       uuid.UUID // nil when they have no work record
	Ground       eventschema.RestrictionGround
	RequestedAt  time.Time // receipt
	RestrictedBy uuid.UUID
	RestrictedAt time.Time
}

// DecideObjection says what becomes of an objection.
type DecideObjection struct {
	Outcome   eventschema.ObjectionOutcome
	DecidedBy uuid.UUID
	DecidedAt time.Time
}

// Lift ends a restriction. The person was told before (GDPR Art. 18(3)).
type Lift struct {
	LiftedBy uuid.UUID
	LiftedAt time.Time
	ToldAt   time.Time
}

// Decider decides for one restriction stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	if _, restricts := command.(Restrict); !restricts && state.RestrictedAt.IsZero() {
		return nil, ErrNotRestricted
	}
	return command.decide(state)
}

func (c Restrict) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.RestrictedAt.IsZero():
		return nil, ErrAlreadyRestricted
	case c.RestrictedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.PersonID == uuid.Nil:
		return nil, ErrPerson
	case !slices.Contains(eventschema.RestrictionGrounds(), c.Ground):
		return nil, ErrGround
	}
	event := &eventschema.ProcessingRestricted{
		CaseID: c.CaseID, PersonID: c.PersonID, Ground: c.Ground, RequestedAt: c.RequestedAt.UTC(),
		RestrictedAt: c.RestrictedAt.UTC(), RestrictedBy: c.RestrictedBy,
	}
	if c.WorkID != uuid.Nil {
		event.WorkID = eventschema.Clear(eventschema.Hex(c.WorkID))
	}
	return []eventschema.Event{event}, nil
}

func (c DecideObjection) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Ground != eventschema.RestrictionObjection:
		return nil, ErrNoObjection
	case s.Outcome == c.Outcome && s.Outcome != "":
		return nil, nil
	case !s.InForce():
		return nil, ErrLifted
	case c.DecidedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.Outcome != eventschema.ObjectionUpheld && c.Outcome != eventschema.ObjectionOverridden:
		return nil, ErrOutcome
	}
	return []eventschema.Event{&eventschema.ObjectionDecided{
		CaseID: s.CaseID, DecidedAt: c.DecidedAt.UTC(), DecidedBy: c.DecidedBy, Outcome: c.Outcome,
	}}, nil
}

func (c Lift) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.InForce():
		return nil, nil
	case c.LiftedBy == uuid.Nil:
		return nil, ErrNoActor
	case s.Ground == eventschema.RestrictionObjection && s.Outcome == "":
		return nil, ErrUndecided
	case s.Outcome == eventschema.ObjectionUpheld:
		return nil, ErrUpheld
	case c.ToldAt.IsZero() || c.ToldAt.After(c.LiftedAt):
		return nil, ErrNotTold
	}
	return []eventschema.Event{&eventschema.RestrictionLifted{
		CaseID: s.CaseID, LiftedAt: c.LiftedAt.UTC(), LiftedBy: c.LiftedBy, ToldAt: c.ToldAt.UTC(),
	}}, nil
}

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.ProcessingRestricted:
		s.CaseID, s.PersonID, s.Ground, s.RequestedAt = e.CaseID, e.PersonID, e.Ground, e.RequestedAt
		s.RestrictedAt, s.RestrictedBy = e.RestrictedAt, e.RestrictedBy
	case *eventschema.ObjectionDecided:
		s.Outcome, s.DecidedAt = e.Outcome, e.DecidedAt
	case *eventschema.RestrictionLifted:
		s.LiftedAt = e.LiftedAt
	}
	return s
}
