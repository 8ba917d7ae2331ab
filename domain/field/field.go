// Package field decides about the fields of their own that tenants keep of people: what
// a field is for and who may read it, and which values fit ([Setting.Changes]).
//
// All fields of a tenant are one stream, because a code is used once. The values of a
// person are decided about where the person is, with the fields as they stand.
package field

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals of a definition.
var (
	ErrCode        = errors.New("the code of a field has up to 60 lower-case letters, digits and underscores, and is none that Tracekeep has itself")
	ErrTaken       = errors.New("there is a field of this code; change it")
	ErrRetired     = errors.New("the field is retired, and its code is not used again")
	ErrUnknown     = errors.New("there is no field of this code")
	ErrLabel       = errors.New("a field is called something, in up to 80 characters")
	ErrPurpose     = errors.New("a field is held for identity, contact, third_party or work")
	ErrOtherUse    = errors.New("what a field is held for does not change: define another, and ask for the values anew")
	ErrSensitivity = errors.New("a field is ordinary, confidential or special_category")
	ErrLess        = errors.New("a field does not become less sensitive: define another, and ask for the values anew")
	ErrKind        = errors.New("a field holds text, number, date or choice")
	ErrLength      = errors.New("a text has up to 500 characters, a number up to 30, and neither becomes shorter; no other field has a length")
	ErrChoices     = errors.New("a choice has 2 to 100 choices, each once and in up to 80 characters; none is taken away, and no other field has any")
	ErrTooMany     = errors.New("a tenant has up to 200 fields")
	ErrNoActor     = errors.New("somebody must answer for this step")
)

// How much there may be, in characters.
const (
	LongestText   = 500
	LongestNumber = 30
	LongestLabel  = 80 // of a choice, too
	MostChoices   = 100
	MostFields    = 200
)

// Field is one field as it stands.
type Field struct {
	Code        string
	Label       string
	Purpose     eventschema.Purpose
	Sensitivity eventschema.Sensitivity
	Kind        eventschema.FieldKind
	Choices     []string // of a choice
	MaxLength   int      // in characters, of a text and a number
	Retired     bool
}

// State is every field there ever was, by code. It is never changed in place.
type State map[string]Field

// Command is one of [Define], [Change], [Retire].
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Define begins a field. Defining it again in the same words changes nothing.
type Define struct {
	Field     Field // MaxLength 0 is the longest
	DefinedAt time.Time
	DefinedBy uuid.UUID
}

// Change changes what it names of a field and leaves the rest.
type Change struct {
	Code        string
	Label       string                  // empty: as it is
	Purpose     eventschema.Purpose     // empty: as it is; refused if it is another
	Sensitivity eventschema.Sensitivity // empty: as it is; never less
	Add         []string                // choices
	MaxLength   int                     // 0: as it is; never shorter
	ChangedAt   time.Time
	ChangedBy   uuid.UUID
}

// Retire ends a field. Retiring it twice changes nothing.
type Retire struct {
	Code      string
	RetiredAt time.Time
	RetiredBy uuid.UUID
}

// Decider decides for the fields of a tenant.
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
	wanted := c.Field
	wanted.Retired, wanted.MaxLength = false, lengthOf(wanted)
	existing, known := state[wanted.Code]
	switch {
	case known && existing.Retired:
		return nil, ErrRetired
	case known && existing.same(wanted):
		return nil, nil
	case known:
		return nil, ErrTaken
	case len(state) >= MostFields:
		return nil, ErrTooMany
	}
	if err := wanted.valid(c.DefinedBy); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.FieldDefined{
		Field: wanted.Code, Label: wanted.Label, Purpose: wanted.Purpose, Sensitivity: wanted.Sensitivity, Kind: wanted.Kind,
		Choices: wanted.Choices, MaxLength: wanted.MaxLength, DefinedAt: c.DefinedAt.UTC(), DefinedBy: c.DefinedBy,
	}}, nil
}

// lengthOf is how long the values of a field may be.
func lengthOf(f Field) int {
	switch {
	case f.MaxLength != 0:
		return f.MaxLength
	case f.Kind == eventschema.FieldText:
		return LongestText
	case f.Kind == eventschema.FieldNumber:
		return LongestNumber
	}
	return 0
}

func (c Change) decide(state State) ([]eventschema.Event, error) {
	existing, known := state[c.Code]
	switch {
	case !known:
		return nil, ErrUnknown
	case existing.Retired:
		return nil, ErrRetired
	case c.Purpose != "" && c.Purpose != existing.Purpose:
		return nil, ErrOtherUse
	case c.MaxLength != 0 && c.MaxLength < existing.MaxLength:
		return nil, ErrLength
	}
	wanted := existing
	if c.Label != "" {
		wanted.Label = c.Label
	}
	if c.Sensitivity != "" {
		wanted.Sensitivity = c.Sensitivity
	}
	if c.MaxLength != 0 {
		wanted.MaxLength = c.MaxLength
	}
	wanted.Choices = slices.Clone(existing.Choices)
	for _, choice := range c.Add {
		if !slices.Contains(existing.Choices, choice) {
			wanted.Choices = append(wanted.Choices, choice)
		}
	}
	if err := wanted.valid(c.ChangedBy); err != nil {
		return nil, err
	}
	switch {
	case rank(wanted.Sensitivity) < rank(existing.Sensitivity):
		return nil, ErrLess
	case existing.same(wanted):
		return nil, nil
	}
	return []eventschema.Event{&eventschema.FieldChanged{
		Field: c.Code, Label: wanted.Label, Sensitivity: wanted.Sensitivity, Choices: wanted.Choices, MaxLength: wanted.MaxLength,
		ChangedAt: c.ChangedAt.UTC(), ChangedBy: c.ChangedBy,
	}}, nil
}

func (c Retire) decide(state State) ([]eventschema.Event, error) {
	existing, known := state[c.Code]
	switch {
	case !known:
		return nil, ErrUnknown
	case existing.Retired:
		return nil, nil
	case c.RetiredBy == uuid.Nil:
		return nil, ErrNoActor
	}
	return []eventschema.Event{&eventschema.FieldRetired{Field: c.Code, RetiredAt: c.RetiredAt.UTC(), RetiredBy: c.RetiredBy}}, nil
}

// rank is how grave a sensitivity is.
func rank(s eventschema.Sensitivity) int { return slices.Index(eventschema.Sensitivities(), s) }

// valid says whether a field may be so.
func (f Field) valid(by uuid.UUID) error {
	switch {
	case !domain.IsCode(f.Code) || slices.Contains(own(), f.Code):
		return ErrCode
	case !isText(f.Label, LongestLabel):
		return ErrLabel
	case !slices.Contains(eventschema.FieldPurposes(), f.Purpose):
		return ErrPurpose
	case rank(f.Sensitivity) < 0:
		return ErrSensitivity
	case !slices.Contains(eventschema.FieldKinds(), f.Kind):
		return ErrKind
	case !f.validLength():
		return ErrLength
	case !f.validChoices():
		return ErrChoices
	case by == uuid.Nil:
		return ErrNoActor
	}
	return nil
}

func (f Field) validLength() bool {
	switch f.Kind {
	case eventschema.FieldText:
		return f.MaxLength > 0 && f.MaxLength <= LongestText
	case eventschema.FieldNumber:
		return f.MaxLength > 0 && f.MaxLength <= LongestNumber
	case eventschema.FieldDate, eventschema.FieldChoice:
	}
	return f.MaxLength == 0
}

func (f Field) validChoices() bool {
	if f.Kind != eventschema.FieldChoice {
		return len(f.Choices) == 0
	}
	for i, choice := range f.Choices {
		if !isText(choice, LongestLabel) || slices.Contains(f.Choices[:i], choice) {
			return false
		}
	}
	return len(f.Choices) >= 2 && len(f.Choices) <= MostChoices
}

// own lists the names that values and columns of Tracekeep itself have.
func own() []string {
	return []string{
		"person_id", "work_id", "legal_name", "birth_date", "email", "phone", "payroll_name", "employee_number", "badge", "pin", "name", "photo",
		"registered_utc", "closed_utc", eventschema.FieldsName,
	}
}

// isText says whether a text is there, can be read, and is not too long.
func isText(text string, longest int) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= longest &&
		strings.TrimSpace(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}

func (f Field) same(other Field) bool {
	return f.Label == other.Label && f.Purpose == other.Purpose && f.Sensitivity == other.Sensitivity && f.Kind == other.Kind &&
		f.MaxLength == other.MaxLength && slices.Equal(f.Choices, other.Choices)
}

func evolve(state State, event eventschema.Event) State {
	var next Field
	switch e := event.(type) {
	case *eventschema.FieldDefined:
		next = Field{
			Code: e.Field, Label: e.Label, Purpose: e.Purpose, Sensitivity: e.Sensitivity, Kind: e.Kind, Choices: e.Choices, MaxLength: e.MaxLength,
		}
	case *eventschema.FieldChanged:
		next = state[e.Field]
		next.Label, next.Sensitivity, next.Choices, next.MaxLength = e.Label, e.Sensitivity, e.Choices, e.MaxLength
	case *eventschema.FieldRetired:
		next = state[e.Field]
		next.Retired = true
	default:
		return state
	}
	state = maps.Clone(state)
	state[next.Code] = next
	return state
}
