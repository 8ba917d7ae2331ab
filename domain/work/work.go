// Package work decides about the opening of one work record, and its end.
package work

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// State says whether the record is open.
type State struct {
	Opened  bool
	EndedOn string // a date; empty while the employment lasts
}

// ErrNotOpened refuses the end of what was never opened.
var ErrNotOpened = errors.New("there is no such work record")

// Command is [Open] or [End].
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

func (c Open) decide(state State) ([]eventschema.Event, error) { //nolint:unparam // one of several commands
	if state.Opened {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.WorkOpened{
		WorkID: c.WorkID, OpenedAt: c.OpenedAt.UTC(), PayrollName: c.PayrollName, EmployeeNumber: c.EmployeeNumber,
	}}, nil
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
