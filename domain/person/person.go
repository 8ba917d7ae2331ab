// Package person decides the life of one registration: register, correct, set fields of
// the tenant's own, close.
package person

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrAlreadyRegistered = errors.New("the person is already registered")
	ErrNotRegistered     = errors.New("the person is not registered")
	ErrClosed            = errors.New("the person's account is closed")
	ErrNoName            = errors.New("a legal name is required")
	ErrNothingToCorrect  = errors.New("a correction must change something")
	ErrReason            = errors.New("a reason code is required: up to 60 lower-case letters, digits and underscores")
)

// State is what deciding needs: no personal value is in it.
type State struct {
	Registered bool
	Closed     bool
}

// Command is one of [Register], [Correct], [SetFields], [Close].
type Command interface{ isCommand() }

// Register enters a person. The keys of the person must exist before the event
// is stored, and the caller makes both ids at random.
type Register struct {
	PersonID     uuid.UUID
	WorkID       uuid.UUID // nil when the person has no work record
	LegalName    eventschema.Personal
	BirthDate    eventschema.Personal
	Email        eventschema.Personal
	Phone        eventschema.Personal
	Source       eventschema.Source
	RegisteredAt time.Time
	Fields       field.Setting // of the tenant's own; those held for work are checked, and left to the work record
}

// Correct changes the values that are set and leaves the others.
type Correct struct {
	PersonID    uuid.UUID
	LegalName   eventschema.Personal
	BirthDate   eventschema.Personal
	Email       eventschema.Personal
	Phone       eventschema.Personal
	Reason      string
	CorrectedAt time.Time
}

// SetFields gives, puts right and clears values of the tenant's own fields, and leaves
// the others. Values that stand already change nothing.
type SetFields struct {
	PersonID uuid.UUID
	Fields   field.Setting // those held for work are checked, and left to the work record
	Reason   string
	SetAt    time.Time
}

// Close ends the account. Closing twice changes nothing.
type Close struct {
	PersonID uuid.UUID
	Reason   string
	ClosedAt time.Time
}

func (Register) isCommand()  {}
func (Correct) isCommand()   {}
func (SetFields) isCommand() {}
func (Close) isCommand()     {}

// Decider decides for one person stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{} },
		Decide:  decide,
		Evolve:  evolve,
	}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if c, ok := command.(Register); ok {
		return register(state, c)
	}
	if !state.Registered {
		return nil, ErrNotRegistered
	}
	switch c := command.(type) {
	case Correct:
		return correct(state, c)
	case SetFields:
		if state.Closed {
			return nil, ErrClosed
		}
		return setFields(c.Fields, c.PersonID, c.Reason, c.SetAt)
	case Close:
		return closeAccount(state, c)
	}
	return nil, domain.ErrUnknownCommand
}

func register(state State, c Register) ([]eventschema.Event, error) {
	if state.Registered {
		return nil, ErrAlreadyRegistered
	}
	if _, given := c.LegalName.Reveal(); !given {
		return nil, ErrNoName
	}
	event := &eventschema.PersonRegistered{
		PersonID: c.PersonID, RegisteredAt: c.RegisteredAt.UTC(), Source: c.Source,
		LegalName: c.LegalName, BirthDate: c.BirthDate, Email: c.Email, Phone: c.Phone,
	}
	if c.WorkID != uuid.Nil {
		event.WorkID = eventschema.Clear(eventschema.Hex(c.WorkID))
	}
	set, err := setFields(c.Fields, c.PersonID, "registered", c.RegisteredAt)
	if err != nil {
		return nil, err
	}
	return append([]eventschema.Event{event}, set...), nil
}

// setFields makes the event of what changes, or none.
func setFields(f field.Setting, person uuid.UUID, reason string, at time.Time) ([]eventschema.Event, error) {
	changes, err := f.Changes()
	if err != nil {
		return nil, err
	}
	if !domain.IsCode(reason) {
		return nil, ErrReason
	}
	event := &eventschema.PersonFieldsSet{PersonID: person, SetAt: at.UTC(), Reason: reason}
	given := false
	for purpose, into := range map[eventschema.Purpose]*eventschema.Personal{
		eventschema.PurposeIdentity: &event.Identity, eventschema.PurposeContact: &event.Contact, eventschema.PurposeThirdParty: &event.ThirdParty,
	} {
		if *into, err = eventschema.JoinFields(changes[purpose]); err != nil {
			return nil, err
		}
		given = given || len(changes[purpose]) > 0
	}
	if !given {
		return nil, nil
	}
	return []eventschema.Event{event}, nil
}

func correct(state State, c Correct) ([]eventschema.Event, error) {
	if state.Closed {
		return nil, ErrClosed
	}
	if !domain.IsCode(c.Reason) {
		return nil, ErrReason
	}
	changed := false
	for _, value := range []eventschema.Personal{c.LegalName, c.BirthDate, c.Email, c.Phone} {
		if _, given := value.Reveal(); given {
			changed = true
		}
	}
	if !changed {
		return nil, ErrNothingToCorrect
	}
	return []eventschema.Event{&eventschema.PersonCorrected{
		PersonID: c.PersonID, CorrectedAt: c.CorrectedAt.UTC(), Reason: c.Reason,
		LegalName: c.LegalName, BirthDate: c.BirthDate, Email: c.Email, Phone: c.Phone,
	}}, nil
}

func closeAccount(state State, c Close) ([]eventschema.Event, error) {
	if state.Closed {
		return nil, nil
	}
	if !domain.IsCode(c.Reason) {
		return nil, ErrReason
	}
	return []eventschema.Event{&eventschema.PersonClosed{PersonID: c.PersonID, ClosedAt: c.ClosedAt.UTC(), Reason: c.Reason}}, nil
}

func evolve(state State, event eventschema.Event) State {
	switch event.(type) {
	case *eventschema.PersonRegistered:
		state.Registered = true
	case *eventschema.PersonClosed:
		state.Closed = true
	}
	return state
}
