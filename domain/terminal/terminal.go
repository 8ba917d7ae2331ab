// Package terminal decides which time clocks may push their punches: registered by
// their serial number for a station and a zone, and retired.
//
// What a terminal pushes is acknowledged when every row of it is recorded. Rows that
// make no punch (nobody has that number, the clock was wrong) are held back: the
// terminal keeps and repeats them. Only somebody who answers for it may let them go,
// and only for a while.
package terminal

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// WaiveWithin is the longest time for which rows of a terminal may be let go. It is
// short, since punches of that time are let go as well if they cannot be recorded.
const WaiveWithin = 24 * time.Hour

// Refusals.
var (
	ErrSerial            = errors.New("a serial number has 1 to 32 letters, digits, dots, dashes or underscores")
	ErrStation           = errors.New("station must be 1 to 64 letters, digits, dots, dashes or underscores")
	ErrZone              = errors.New("the zone of the terminal's clock is required")
	ErrNoActor           = errors.New("somebody must answer for this step")
	ErrAlreadyRegistered = errors.New("the terminal is registered for another station or zone; retire it first")
	ErrNotRegistered     = errors.New("there is no such terminal")
	ErrRetired           = errors.New("the terminal is retired")
	ErrReason            = errors.New("this reason for letting rows go is not known")
	ErrUntil             = errors.New("rows may be let go from now on, for a day at most")
	ErrReading           = errors.New("a reading is a day as 2026-10-25, or what the clock showed as 2026-10-25 02:10:00")
	ErrPass              = errors.New("a local time that came twice is of the first or second pass, or of a whole day in the order of the rows")
)

// State is what deciding needs.
type State struct {
	TerminalID uuid.UUID
	Registered bool // and not retired
	Serial     string
	Station    string
	Zone       string
	passes     map[string]eventschema.OverlapPass // by reading; they outlast a change of the station
}

// Command is one of the commands of this package.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Register lets a terminal push.
type Register struct {
	TerminalID   uuid.UUID
	Serial       string
	Station      string
	Zone         string // a name that the IANA database has
	RegisteredBy uuid.UUID
	RegisteredAt time.Time
}

// Retire takes that back.
type Retire struct {
	RetiredBy uuid.UUID
	RetiredAt time.Time
}

// Waive lets rows of a terminal go that make no punch.
type Waive struct {
	Reason   eventschema.WaiverReason
	WaivedBy uuid.UUID
	WaivedAt time.Time
	Until    time.Time
}

// Resolve says which instants local times mean that came twice, for good: the terminal
// may send such rows again after years.
type Resolve struct {
	Reading    string // a day, or a reading of the clock on it
	Pass       eventschema.OverlapPass
	ResolvedBy uuid.UUID
	ResolvedAt time.Time
}

// Decider decides for one terminal stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	if _, registers := command.(Register); !registers && state.TerminalID == uuid.Nil {
		return nil, ErrNotRegistered
	}
	return command.decide(state)
}

// ValidSerial says whether a text may be a serial number.
func ValidSerial(serial string) bool { return isCode(serial, 32) }

func isCode(text string, longest int) bool {
	other := strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", r)
	})
	return text != "" && len(text) <= longest && !other
}

func (c Register) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Registered && s.Station == c.Station && s.Zone == c.Zone:
		return nil, nil
	case s.Registered:
		return nil, ErrAlreadyRegistered
	case c.RegisteredBy == uuid.Nil:
		return nil, ErrNoActor
	case !ValidSerial(c.Serial):
		return nil, ErrSerial
	case !isCode(c.Station, 64):
		return nil, ErrStation
	case c.Zone == "":
		return nil, ErrZone
	}
	return []eventschema.Event{&eventschema.TerminalRegistered{
		TerminalID: c.TerminalID, Serial: c.Serial, Station: c.Station, Zone: c.Zone, RegisteredAt: c.RegisteredAt.UTC(), RegisteredBy: c.RegisteredBy,
	}}, nil
}

func (c Retire) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.Registered:
		return nil, nil
	case c.RetiredBy == uuid.Nil:
		return nil, ErrNoActor
	}
	return []eventschema.Event{&eventschema.TerminalRetired{TerminalID: s.TerminalID, RetiredAt: c.RetiredAt.UTC(), RetiredBy: c.RetiredBy}}, nil
}

func (c Waive) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.Registered:
		return nil, ErrRetired
	case c.WaivedBy == uuid.Nil:
		return nil, ErrNoActor
	case !slices.Contains(eventschema.WaiverReasons(), c.Reason):
		return nil, ErrReason
	case !c.Until.After(c.WaivedAt), c.Until.After(c.WaivedAt.Add(WaiveWithin)):
		return nil, ErrUntil
	}
	return []eventschema.Event{&eventschema.TerminalBacklogWaived{
		TerminalID: s.TerminalID, Reason: c.Reason, WaivedAt: c.WaivedAt.UTC(), WaivedBy: c.WaivedBy, Until: c.Until.UTC(),
	}}, nil
}

func (c Resolve) decide(s State) ([]eventschema.Event, error) {
	_, notDay := time.Parse(time.DateOnly, c.Reading)
	_, notTime := time.Parse(time.DateTime, c.Reading)
	switch {
	case !s.Registered:
		return nil, ErrRetired
	case c.ResolvedBy == uuid.Nil:
		return nil, ErrNoActor
	case notDay != nil && notTime != nil:
		return nil, ErrReading
	case !slices.Contains(eventschema.OverlapPasses(), c.Pass), c.Pass == eventschema.PassOrder && notDay != nil:
		return nil, ErrPass
	case s.passes[c.Reading] == c.Pass:
		return nil, nil
	}
	return []eventschema.Event{&eventschema.TerminalOverlapResolved{
		TerminalID: s.TerminalID, Reading: c.Reading, Pass: c.Pass, ResolvedAt: c.ResolvedAt.UTC(), ResolvedBy: c.ResolvedBy,
	}}, nil
}

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.TerminalRegistered:
		s = State{TerminalID: e.TerminalID, Registered: true, Serial: e.Serial, Station: e.Station, Zone: e.Zone, passes: s.passes}
	case *eventschema.TerminalRetired:
		s.Registered = false
	case *eventschema.TerminalOverlapResolved:
		s.passes = maps.Clone(s.passes)
		if s.passes == nil {
			s.passes = map[string]eventschema.OverlapPass{}
		}
		s.passes[e.Reading] = e.Pass
	}
	return s
}
