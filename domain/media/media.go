// Package media decides about one photo or document of a person: it is attached, its
// removal is asked for, it is removed. The content itself is none of its business; it
// decides by what was found in it.
package media

import (
	"encoding/hex"
	"errors"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrClass    = errors.New("the class of a photo or document is work_media, safety_media or portrait")
	ErrType     = errors.New("only JPEG and PNG images and PDF documents are kept, and a portrait is an image")
	ErrPhotos   = errors.New("photos are forbidden here; a document may be attached")
	ErrPerson   = errors.New("a photo or document is of one person")
	ErrStored   = errors.New("the content must be stored, sealed, before it is attached")
	ErrText     = errors.New("a caption has up to 500 and a file name up to 255 characters, without line breaks")
	ErrNoActor  = errors.New("somebody must answer for this step")
	ErrNoTime   = errors.New("the instant is required")
	ErrOther    = errors.New("the id is that of another photo or document")
	ErrReason   = errors.New("a reason code is required: up to 60 lower-case letters, digits and underscores")
	ErrUnknown  = errors.New("there is no such photo or document")
	ErrNoCase   = errors.New("a photo or document is removed under a case")
	ErrPortrait = errors.New("a person may take away the own portrait; everything else is taken away by the office")
)

const (
	maxCaption  = 500
	maxFileName = 255
)

// State is what deciding needs.
type State struct {
	Attached bool
	Removed  bool
	ItemID   uuid.UUID
	PersonID uuid.UUID
	Class    eventschema.MediaClass
	Type     eventschema.MediaType
	SHA256   string

	RemovedUnder uuid.UUID // the case
}

// Command is one of [Attach], [RequestRemoval], [Remove].
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Attach enters what was stored.
type Attach struct {
	ItemID      uuid.UUID
	PersonID    uuid.UUID
	Class       eventschema.MediaClass
	Type        eventschema.MediaType // as found in the content
	SHA256      string                // of the file as stored, in hex
	StoredBytes int64
	Bytes       eventschema.Personal
	Caption     eventschema.Personal
	FileName    eventschema.Personal
	AttachedAt  time.Time
	AttachedBy  uuid.UUID
	// NoPhotos is the rule of an installation that keeps no photos (promise TC-07).
	NoPhotos bool
}

// RequestRemoval asks for the end of one item. ByPerson says that it is the person who
// asks, for the own.
type RequestRemoval struct {
	PersonID    uuid.UUID
	Reason      string // a code
	RequestedAt time.Time
	RequestedBy uuid.UUID
	ByPerson    bool
}

// Remove records that key and file are gone.
type Remove struct {
	CaseID    uuid.UUID
	RemovedAt time.Time
}

// Decider decides for the stream of one item.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{} },
		Decide: func(s State, c Command) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(s)
		},
		Evolve: evolve,
	}
}

// Admit refuses, before any content is looked at, what no content could make good.
func Admit(class eventschema.MediaClass, noPhotos bool, caption, fileName eventschema.Personal) error {
	switch {
	case !slices.Contains(eventschema.MediaClasses(), class):
		return ErrClass
	case len(eventschema.MediaTypesOf(class, noPhotos)) == 0:
		return ErrPhotos
	case !text(caption, maxCaption) || !text(fileName, maxFileName):
		return ErrText
	}
	return nil
}

func (c Attach) decide(s State) ([]eventschema.Event, error) {
	if s.Attached {
		if s.PersonID != c.PersonID || s.Class != c.Class || s.SHA256 != c.SHA256 {
			return nil, ErrOther
		}
		return nil, nil
	}
	if err := Admit(c.Class, c.NoPhotos, c.Caption, c.FileName); err != nil {
		return nil, err
	}
	hash, err := hex.DecodeString(c.SHA256)
	switch {
	case c.NoPhotos && c.Type.Image():
		return nil, ErrPhotos
	case !slices.Contains(eventschema.MediaTypesOf(c.Class, false), c.Type):
		return nil, ErrType
	case c.PersonID == uuid.Nil || c.ItemID == uuid.Nil:
		return nil, ErrPerson
	case err != nil || len(hash) != 32 || c.StoredBytes <= 0 || c.Bytes.State() != eventschema.StateClear:
		return nil, ErrStored
	case c.AttachedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.AttachedAt.IsZero():
		return nil, ErrNoTime
	}
	return []eventschema.Event{&eventschema.MediaAttached{
		ItemID: c.ItemID, PersonID: c.PersonID, Class: c.Class, MediaType: c.Type, SHA256: c.SHA256, StoredBytes: c.StoredBytes,
		AttachedAt: c.AttachedAt.UTC(), AttachedBy: c.AttachedBy, Caption: c.Caption, FileName: c.FileName, Bytes: c.Bytes,
	}}, nil
}

func (c RequestRemoval) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.Attached || s.PersonID != c.PersonID: // whose it is is nobody else's business
		return nil, ErrUnknown
	case s.Removed:
		return nil, nil
	case c.ByPerson && s.Class != eventschema.MediaPortrait:
		return nil, ErrPortrait
	case !domain.IsCode(c.Reason):
		return nil, ErrReason
	case c.RequestedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.RequestedAt.IsZero():
		return nil, ErrNoTime
	}
	return []eventschema.Event{&eventschema.MediaRemovalRequested{
		ItemID: s.ItemID, PersonID: c.PersonID, Reason: c.Reason, RequestedAt: c.RequestedAt.UTC(), RequestedBy: c.RequestedBy,
	}}, nil
}

func (c Remove) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.Attached:
		return nil, ErrUnknown
	case s.Removed:
		return nil, nil
	case c.CaseID == uuid.Nil:
		return nil, ErrNoCase
	case c.RemovedAt.IsZero():
		return nil, ErrNoTime
	}
	return []eventschema.Event{&eventschema.MediaRemoved{ItemID: s.ItemID, PersonID: s.PersonID, CaseID: c.CaseID, RemovedAt: c.RemovedAt.UTC()}}, nil
}

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.MediaAttached:
		return State{Attached: true, ItemID: e.ItemID, PersonID: e.PersonID, Class: e.Class, Type: e.MediaType, SHA256: e.SHA256}
	case *eventschema.MediaRemoved:
		s.Removed, s.RemovedUnder = true, e.CaseID
	}
	return s
}

func text(value eventschema.Personal, most int) bool {
	s, given := value.Reveal()
	if !given {
		return true
	}
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
