// Package site decides about the places of a tenant: where work is done, and the
// centres that are visited. It also reads, for a point, on which side of a fence it
// lies ([Read]).
//
// All sites of a tenant are one stream, because a station belongs to one of them.
package site

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

// Refusals.
var (
	ErrCode     = errors.New("the code of a site has lower-case letters, digits and underscores")
	ErrTaken    = errors.New("there is a site of this code; change it")
	ErrClosed   = errors.New("the site is closed, and its code is not used again")
	ErrUnknown  = errors.New("there is no site of this code")
	ErrZone     = errors.New("the zone of a site is an IANA name, such as America/New_York")
	ErrPlace    = errors.New("the centre of a fence lies between 90 degrees south and north, and 180 west and east")
	ErrRadius   = errors.New("the radius of a fence is 10 metres to 50 kilometres")
	ErrStation  = errors.New("a station is named in up to 64 characters, once")
	ErrStations = errors.New("a station belongs to another site; take it from there first")
	ErrNoActor  = errors.New("somebody must answer for this step")
)

// What a fence may be.
const (
	SmallestRadius = 10     // metres; a phone does not know better where it is
	LargestRadius  = 50_000 // metres
	// LongestStation is how many characters the name of a station may have.
	LongestStation = 64
	microdegrees   = 1_000_000
)

// Site is one site as it stands.
type Site struct {
	Code     string
	Zone     string
	Fence    *eventschema.SiteFence // nil: none
	Stations []string               // in order
	Closed   bool
}

// State is every site there ever was, by code. It is never changed in place.
type State map[string]Site

// Of is the site of a punch: the one whose code it says, or else the one its station
// belongs to. A site that is closed, or not known, is none.
func (s State) Of(code, station string) (Site, bool) {
	if code != "" {
		found, known := s[code]
		return found, known && !found.Closed
	}
	for _, found := range s {
		if !found.Closed && slices.Contains(found.Stations, station) {
			return found, true
		}
	}
	return Site{}, false
}

// Command is one of [Define], [Change], [Close].
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Define begins a site. Defining it again in the same words changes nothing.
type Define struct {
	Code      string
	Zone      string
	Fence     *eventschema.SiteFence
	Stations  []string
	DefinedAt time.Time
	DefinedBy uuid.UUID
}

// Change changes what it names of a site and leaves the rest.
type Change struct {
	Code      string
	Zone      string                 // empty: as it is
	Fence     *eventschema.SiteFence // nil: as it is
	NoFence   bool                   // take the fence away
	Add       []string               // stations
	Remove    []string               // stations; one that is not there is passed over
	ChangedAt time.Time
	ChangedBy uuid.UUID
}

// Close ends a site. Closing it twice changes nothing.
type Close struct {
	Code     string
	ClosedAt time.Time
	ClosedBy uuid.UUID
}

// Decider decides for the sites of a tenant.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{} },
		Decide: func(state State, c Command) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(state)
		},
		Evolve: evolve,
	}
}

func (c Define) decide(state State) ([]eventschema.Event, error) {
	wanted := Site{Code: c.Code, Zone: c.Zone, Fence: c.Fence, Stations: slices.Sorted(slices.Values(c.Stations))}
	existing, known := state[c.Code]
	switch {
	case known && existing.Closed:
		return nil, ErrClosed
	case known && existing.same(wanted):
		return nil, nil
	case known:
		return nil, ErrTaken
	}
	if err := state.allows(wanted, c.DefinedBy); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.SiteDefined{
		Site: c.Code, Zone: c.Zone, Fence: c.Fence, Stations: wanted.Stations, DefinedAt: c.DefinedAt.UTC(), DefinedBy: c.DefinedBy,
	}}, nil
}

func (c Change) decide(state State) ([]eventschema.Event, error) {
	existing, err := state.open(c.Code)
	if err != nil {
		return nil, err
	}
	wanted := existing
	if c.Zone != "" {
		wanted.Zone = c.Zone
	}
	if c.Fence != nil {
		wanted.Fence = c.Fence
	}
	if c.NoFence {
		wanted.Fence = nil
	}
	stations := slices.DeleteFunc(slices.Clone(existing.Stations), func(s string) bool { return slices.Contains(c.Remove, s) || slices.Contains(c.Add, s) })
	wanted.Stations = slices.Sorted(slices.Values(append(stations, c.Add...)))
	if err := state.allows(wanted, c.ChangedBy); err != nil {
		return nil, err
	}
	if existing.same(wanted) {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.SiteChanged{
		Site: c.Code, Zone: wanted.Zone, Fence: wanted.Fence, Stations: wanted.Stations, ChangedAt: c.ChangedAt.UTC(), ChangedBy: c.ChangedBy,
	}}, nil
}

func (c Close) decide(state State) ([]eventschema.Event, error) {
	existing, known := state[c.Code]
	switch {
	case !known:
		return nil, ErrUnknown
	case existing.Closed:
		return nil, nil
	case c.ClosedBy == uuid.Nil:
		return nil, ErrNoActor
	}
	return []eventschema.Event{&eventschema.SiteClosed{Site: c.Code, ClosedAt: c.ClosedAt.UTC(), ClosedBy: c.ClosedBy}}, nil
}

func (s State) open(code string) (Site, error) {
	existing, known := s[code]
	switch {
	case !known:
		return Site{}, ErrUnknown
	case existing.Closed:
		return Site{}, ErrClosed
	}
	return existing, nil
}

// allows says whether a site may be as it is wanted, beside the others.
func (s State) allows(wanted Site, by uuid.UUID) error {
	switch {
	case !domain.IsCode(wanted.Code):
		return ErrCode
	case !isZone(wanted.Zone):
		return ErrZone
	case by == uuid.Nil:
		return ErrNoActor
	}
	if err := validFence(wanted.Fence); err != nil {
		return err
	}
	for i, station := range wanted.Stations {
		if station == "" || len(station) > LongestStation || i > 0 && station == wanted.Stations[i-1] {
			return ErrStation
		}
		if of, taken := s.Of("", station); taken && of.Code != wanted.Code {
			return ErrStations
		}
	}
	return nil
}

// isZone says whether a text can be the name of a zone. Whether there is one of this
// name is for whoever has the list of them to say.
func isZone(name string) bool {
	letters := strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-") == ""
	return name != "" && name != "Local" && len(name) <= 64 && letters
}

func validFence(f *eventschema.SiteFence) error {
	if f == nil {
		return nil
	}
	abs := func(n int) int { return max(n, -n) }
	switch {
	case abs(f.LatitudeMicrodegrees) > 90*microdegrees || abs(f.LongitudeMicrodegrees) > 180*microdegrees:
		return ErrPlace
	case f.RadiusMetres < SmallestRadius || f.RadiusMetres > LargestRadius:
		return ErrRadius
	}
	return nil
}

func (s Site) same(other Site) bool {
	fence := (s.Fence == nil) == (other.Fence == nil) && (s.Fence == nil || *s.Fence == *other.Fence)
	return s.Zone == other.Zone && fence && slices.Equal(s.Stations, other.Stations)
}

func evolve(state State, event eventschema.Event) State {
	var next Site
	switch e := event.(type) {
	case *eventschema.SiteDefined:
		next = Site{Code: e.Site, Zone: e.Zone, Fence: e.Fence, Stations: e.Stations}
	case *eventschema.SiteChanged:
		next = Site{Code: e.Site, Zone: e.Zone, Fence: e.Fence, Stations: e.Stations}
	case *eventschema.SiteClosed:
		next = state[e.Site]
		next.Closed = true
	default:
		return state
	}
	state = maps.Clone(state)
	state[next.Code] = next
	return state
}
