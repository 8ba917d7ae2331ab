package field

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"tracekeep/eventschema"
)

// What may be wrong with a value.
var (
	ErrText   = errors.New("it is empty or too long, begins or ends with a blank, or holds control characters")
	ErrNumber = errors.New("it is not a number as -12.5, or too long")
	ErrDate   = errors.New("it is not a date as 2006-01-02")
	ErrChoice = errors.New("it is none of the choices")
)

// ValueError refuses a value. It names the field and says why, and never the value.
type ValueError struct {
	Field string
	Err   error // ErrUnknown, ErrRetired, or one of those above
}

// Error implements error.
func (e *ValueError) Error() string {
	if errors.Is(e.Err, ErrUnknown) { // whatever stands there instead of a code may be a value
		return ErrUnknown.Error()
	}
	return "field " + e.Field + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *ValueError) Unwrap() error { return e.Err }

// Values are values of fields by code. An absent one clears its field.
type Values map[string]eventschema.Personal

// Setting is values that are wanted, beside the fields and the values as they stand.
// Whoever makes one reads what stands; of somebody new there is nothing.
type Setting struct {
	Defined     State
	Now, Wanted Values
}

// Check answers a [*ValueError] about the first value, by code, that does not fit.
func (s State) Check(wanted Values) error {
	for _, code := range slices.Sorted(maps.Keys(wanted)) {
		if err := s.check(code, wanted[code]); err != nil {
			return &ValueError{Field: code, Err: err}
		}
	}
	return nil
}

// Changes says, by purpose, which of the values that are wanted differ from those that
// stand. All that are wanted are checked first: see [State.Check].
func (s Setting) Changes() (map[eventschema.Purpose]Values, error) {
	if err := s.Defined.Check(s.Wanted); err != nil {
		return nil, err
	}
	changes := map[eventschema.Purpose]Values{}
	for code, value := range s.Wanted {
		f, now := s.Defined[code], s.Now[code]
		// What cannot be read is not cleared: there may be nothing any more.
		if value.Equal(now) || value.State() == eventschema.StateAbsent && now.State() != eventschema.StateClear {
			continue
		}
		if changes[f.Purpose] == nil {
			changes[f.Purpose] = Values{}
		}
		changes[f.Purpose][code] = value
	}
	return changes, nil
}

// check says whether a value may stand in a field. A field that is retired can still be
// cleared.
func (s State) check(code string, value eventschema.Personal) error {
	f, known := s[code]
	text, clear := value.Reveal()
	switch {
	case !known:
		return ErrUnknown
	case value.State() == eventschema.StateAbsent:
		return nil
	case f.Retired:
		return ErrRetired
	case !clear:
		return ErrText
	}
	return f.fits(text)
}

func (f Field) fits(text string) error {
	switch f.Kind {
	case eventschema.FieldNumber:
		if len(text) > f.MaxLength || !isNumber(text) {
			return ErrNumber
		}
	case eventschema.FieldDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return ErrDate
		}
	case eventschema.FieldChoice:
		if !slices.Contains(f.Choices, text) {
			return ErrChoice
		}
	case eventschema.FieldText:
		if !isText(text, f.MaxLength) {
			return ErrText
		}
	}
	return nil
}

// isNumber says whether a text is a decimal number: digits, a minus before them, a point
// between them. Leading zeros stay: the number may be a card's.
func isNumber(text string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// Fold takes what an event said of the fields of one purpose, when it could be opened:
// later values replace earlier ones. Of what could not nobody knows which fields it
// holds, so all that it may hold say why. held are those.
func (v Values) Fold(joined eventschema.Personal, held []string) error {
	switch joined.State() {
	case eventschema.StateAbsent:
		return nil
	case eventschema.StateClear:
		parts, err := eventschema.PartFields(joined)
		maps.Copy(v, parts)
		return err
	case eventschema.StateErased, eventschema.StateRestricted, eventschema.StateHeld, eventschema.StateSealed, eventschema.StateUnavailable:
	}
	for _, code := range held {
		v[code] = joined
	}
	return nil
}

// Of lists the fields that are or were held for a purpose, by code.
func (s State) Of(purpose eventschema.Purpose) (codes []string) {
	for code, f := range s {
		if f.Purpose == purpose {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// Only are the values in fields that are held for one of some purposes.
func (s State) Only(values Values, purposes ...eventschema.Purpose) Values {
	of := Values{}
	for code, value := range values {
		if f, known := s[code]; known && slices.Contains(purposes, f.Purpose) {
			of[code] = value
		}
	}
	return of
}
