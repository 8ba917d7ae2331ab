// Package work decides about the opening of one work record.
package work

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// State says whether the record is open.
type State struct{ Opened bool }

// Open opens a work record. Opening it twice changes nothing.
type Open struct {
	WorkID         uuid.UUID
	PayrollName    eventschema.Personal
	EmployeeNumber eventschema.Personal
	OpenedAt       time.Time
}

// Decider decides for one work stream.
func Decider() domain.Decider[State, Open] {
	return domain.Decider[State, Open]{
		Initial: func() State { return State{} },
		Decide: func(state State, c Open) ([]eventschema.Event, error) {
			if state.Opened {
				return nil, nil
			}
			return []eventschema.Event{&eventschema.WorkOpened{
				WorkID: c.WorkID, OpenedAt: c.OpenedAt.UTC(), PayrollName: c.PayrollName, EmployeeNumber: c.EmployeeNumber,
			}}, nil
		},
		Evolve: func(state State, event eventschema.Event) State {
			if _, ok := event.(*eventschema.WorkOpened); ok {
				state.Opened = true
			}
			return state
		},
	}
}
