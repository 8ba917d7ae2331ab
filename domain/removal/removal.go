// Package removal decides about what is listed before the event store removes
// it. A listing is what explains a leaf of the trail that lost its event, for
// ever; so nothing is listed twice, and nothing is left out.
package removal

import (
	"errors"
	"strings"
	"time"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrEmpty   = errors.New("nothing is listed")
	ErrUneven  = errors.New("every event needs its leaf, its position and the hash of its body")
	ErrOrder   = errors.New("leaves and positions do not rise")
	ErrNotNext = errors.New("revisions before these are not listed yet, or these are listed already")
	ErrOwn     = errors.New("listings are never removed, and the store's own streams have no leaves")
	ErrNoTime  = errors.New("the instant is required")
)

// State is how far one stream is listed.
type State struct {
	Next uint64 // the first revision that is not listed
}

// Command is [List].
type Command interface{ isCommand() }

// List lists events of one stream that follow each other, from FirstRevision on.
type List struct {
	Stream        string
	FirstRevision uint64
	Leaves        []uint64
	Positions     []uint64
	Bodies        []string
	Ground        eventschema.RemovalGround
	ListedAt      time.Time
}

func (List) isCommand() {}

// Decider decides about the listings of one stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{} },
		Decide:  decide,
		Evolve:  evolve,
	}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	c, ok := command.(List)
	if !ok {
		return nil, domain.ErrUnknownCommand
	}
	own := strings.TrimPrefix(c.Stream, "$$")
	switch n := len(c.Leaves); {
	case n == 0:
		return nil, ErrEmpty
	case n != len(c.Positions), n != len(c.Bodies):
		return nil, ErrUneven
	case !rise(c.Leaves), !rise(c.Positions):
		return nil, ErrOrder
	case strings.HasPrefix(own, "$"), strings.HasPrefix(own, eventschema.CategoryRemoval+"-"):
		return nil, ErrOwn
	case c.FirstRevision != state.Next:
		return nil, ErrNotNext
	case c.ListedAt.IsZero():
		return nil, ErrNoTime
	}
	return []eventschema.Event{&eventschema.RemovalListed{
		Stream: c.Stream, FirstRevision: c.FirstRevision, Leaves: c.Leaves, Positions: c.Positions, Bodies: c.Bodies,
		Ground: c.Ground, ListedAt: c.ListedAt,
	}}, nil
}

func rise(numbers []uint64) bool {
	for i := 1; i < len(numbers); i++ {
		if numbers[i] <= numbers[i-1] {
			return false
		}
	}
	return true
}

func evolve(state State, event eventschema.Event) State {
	if listed, ok := event.(*eventschema.RemovalListed); ok {
		state.Next = listed.FirstRevision + uint64(len(listed.Leaves))
	}
	return state
}
