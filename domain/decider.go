package domain

import (
	"errors"

	"tracekeep/eventschema"
)

// Decider is the two pure functions of one consistency boundary.
type Decider[State, Command any] struct {
	// Initial is the state of an empty stream.
	Initial func() State
	// Decide answers a command with the events that follow from it, none when
	// there is nothing left to do, or a sentinel error that refuses it.
	Decide func(State, Command) ([]eventschema.Event, error)
	// Evolve folds one event into the state. It accepts every event that was
	// ever stored: history is not refused.
	Evolve func(State, eventschema.Event) State
}

// Fold runs Evolve over events in order, from the initial state.
func (d Decider[State, Command]) Fold(events ...eventschema.Event) State {
	state := d.Initial()
	for _, event := range events {
		state = d.Evolve(state, event)
	}
	return state
}

// ErrUnknownCommand refuses a command that a decider has no rule for, which is
// a mistake of the programmer, not of the caller.
var ErrUnknownCommand = errors.New("no rule decides this command")
