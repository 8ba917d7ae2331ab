// Package disclosure decides whether values of a person may be recorded as given
// to somebody outside: every disclosure has a ground, an interest and a recipient
// of the register; one for legal reasons has a second person (promise RR-34).
package disclosure

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrAlreadyRecorded = errors.New("the disclosure is already recorded")
	ErrNoActor         = errors.New("somebody must answer for a disclosure")
	ErrPerson          = errors.New("a disclosure is about one person")
	ErrRecipient       = errors.New("the recipient must be a code of the register of recipients: up to 60 lower-case letters, digits and underscores")
	ErrGround          = errors.New("this ground of disclosure is not known")
	ErrInterest        = errors.New("the legitimate interest must be a code: up to 60 lower-case letters, digits and underscores")
	ErrPurposes        = errors.New("the purposes whose values were given are required, each once")
	ErrInstrument      = errors.New("a court order or an authority's demand is named by its file number")
	ErrReference       = errors.New("a reference or file number has up to 64 letters, digits and marks, no line breaks")
	ErrSecondPerson    = errors.New("a disclosure for legal reasons needs the approval of a second person")
)

// State is what deciding needs.
type State struct{ Recorded bool }

// Record records one disclosure.
type Record struct {
	DisclosureID uuid.UUID
	PersonID     uuid.UUID
	Recipient    string
	Ground       eventschema.DisclosureGround
	Interest     string
	Purposes     []eventschema.Purpose
	Instrument   string
	Reference    string
	DisclosedAt  time.Time
	DisclosedBy  uuid.UUID
	ApprovedBy   uuid.UUID // nil where no second person is needed
}

// Decider decides for one disclosure stream.
func Decider() domain.Decider[State, Record] {
	return domain.Decider[State, Record]{
		Initial: func() State { return State{} },
		Decide:  decide,
		Evolve: func(s State, event eventschema.Event) State {
			if _, ok := event.(*eventschema.DisclosureRecorded); ok {
				s.Recorded = true
			}
			return s
		},
	}
}

func decide(s State, c Record) ([]eventschema.Event, error) {
	switch {
	case s.Recorded:
		return nil, ErrAlreadyRecorded
	case c.DisclosedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.PersonID == uuid.Nil:
		return nil, ErrPerson
	case !domain.IsCode(c.Recipient):
		return nil, ErrRecipient
	case !slices.Contains(eventschema.DisclosureGrounds(), c.Ground):
		return nil, ErrGround
	case !domain.IsCode(c.Interest):
		return nil, ErrInterest
	case !everyOnce(c.Purposes):
		return nil, ErrPurposes
	case demanded(c.Ground) && c.Instrument == "":
		return nil, ErrInstrument
	case !mark(c.Instrument) || !mark(c.Reference):
		return nil, ErrReference
	case legal(c.Ground) && (c.ApprovedBy == uuid.Nil || c.ApprovedBy == c.DisclosedBy):
		return nil, ErrSecondPerson
	}
	return []eventschema.Event{&eventschema.DisclosureRecorded{
		DisclosureID: c.DisclosureID, PersonID: c.PersonID, Recipient: c.Recipient, Ground: c.Ground, Interest: c.Interest,
		Purposes: c.Purposes, Instrument: c.Instrument, Reference: c.Reference, DisclosedAt: c.DisclosedAt.UTC(),
		DisclosedBy: c.DisclosedBy, ApprovedBy: c.ApprovedBy,
	}}, nil
}

// legal says whether a ground is neither the person's own word nor a contract.
func legal(ground eventschema.DisclosureGround) bool {
	return ground != eventschema.DisclosureDirected && ground != eventschema.DisclosureProcessor
}

// demanded says whether somebody with authority asked in writing.
func demanded(ground eventschema.DisclosureGround) bool {
	return ground == eventschema.DisclosureCourtOrder || ground == eventschema.DisclosureLawEnforcement
}

func everyOnce(purposes []eventschema.Purpose) bool {
	for i, purpose := range purposes {
		if !slices.Contains(eventschema.Purposes(), purpose) || slices.Contains(purposes[:i], purpose) {
			return false
		}
	}
	return len(purposes) > 0
}

// mark is a file number: printable ASCII.
func mark(text string) bool {
	return len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
