// Package work decides about the opening of one work record, the values of the tenant's
// own fields in it, and its end.
package work

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// State says whether the record is open.
type State struct {
	Opened  bool
	EndedOn string // a date; empty while the employment lasts
}

// Refusals.
var (
	ErrNotOpened = errors.New("there is no such work record")
	ErrReason    = errors.New("a reason code is required: up to 60 lower-case letters, digits and underscores")
)

// Command is one of [Open], [SetFields], [End].
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// End says that the employment behind the record has ended. It ends once.
type End struct {
	WorkID  uuid.UUID
	EndedAt time.Time
}

// Open opens a work record. Opening it twice changes nothing.
type Open struct {
	WorkID         uuid.UUID
	PayrollName    eventschema.Personal
	EmployeeNumber eventschema.Personal
	OpenedAt       time.Time
	Fields         field.Setting // of the tenant's own; those held for something else are left to the person
}

// SetFields gives, puts right and clears values of the tenant's own fields, and leaves
// the others. Values that stand already change nothing. After the employment values can
// still be put right: they are kept for claims.
type SetFields struct {
	WorkID uuid.UUID
	Fields field.Setting // those held for something else are left to the person
	Reason string
	SetAt  time.Time
}

// Decider decides for one work stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{} },
		Decide: func(state State, c Command) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(state)
		},
		Evolve: func(state State, event eventschema.Event) State {
			switch e := event.(type) {
			case *eventschema.WorkOpened:
				state.Opened = true
			case *eventschema.WorkEnded:
				state.EndedOn = e.EndedOn
			}
			return state
		},
	}
}

func (c Open) decide(state State) ([]eventschema.Event, error) {
	if state.Opened {
		return nil, nil
	}
	set, err := setFields(c.Fields, c.WorkID, "registered", c.OpenedAt)
	if err != nil {
		return nil, err
	}
	return append([]eventschema.Event{&eventschema.WorkOpened{
		WorkID: c.WorkID, OpenedAt: c.OpenedAt.UTC(), PayrollName: c.PayrollName, EmployeeNumber: c.EmployeeNumber,
	}}, set...), nil
}

func (c SetFields) decide(state State) ([]eventschema.Event, error) {
	if !state.Opened {
		return nil, ErrNotOpened
	}
	return setFields(c.Fields, c.WorkID, c.Reason, c.SetAt)
}

// setFields makes the event of what changes, or none.
func setFields(f field.Setting, work uuid.UUID, reason string, at time.Time) ([]eventschema.Event, error) {
	changes, err := f.Changes()
	if err != nil {
		return nil, err
	}
	if !domain.IsCode(reason) {
		return nil, ErrReason
	}
	joined, err := eventschema.JoinFields(changes[eventschema.PurposeWork])
	if err != nil || joined.State() == eventschema.StateAbsent {
		return nil, err
	}
	return []eventschema.Event{&eventschema.WorkFieldsSet{WorkID: work, SetAt: at.UTC(), Reason: reason, Work: joined}}, nil
}

func (c End) decide(state State) ([]eventschema.Event, error) {
	switch {
	case !state.Opened:
		return nil, ErrNotOpened
	case state.EndedOn != "":
		return nil, nil
	}
	return []eventschema.Event{&eventschema.WorkEnded{WorkID: c.WorkID, EndedOn: c.EndedAt.UTC().Format(time.DateOnly)}}, nil
}
