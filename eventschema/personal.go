package eventschema

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// ErrUnsealed refuses to write a personal value outside a sealed section.
var ErrUnsealed = errors.New("a personal value must be sealed before it is written")

// State says what can be known of a personal value. An erased value never looks
// like an empty one.
type State string

// The states of a personal value.
const (
	StateAbsent      State = ""            // no value was given
	StateClear       State = "clear"       // readable here
	StateSealed      State = "sealed"      // not opened by this reader
	StateErased      State = "erased"      // its key was destroyed under a case
	StateRestricted  State = "restricted"  // kept, but not for this purpose of use
	StateHeld        State = "held"        // under legal hold, not for this purpose of use
	StateUnavailable State = "unavailable" // the key store could not be asked; try again
)

// Personal is one personal value. It prints as [personal] with every verb,
// cannot be marshalled or unmarshalled, and gives its text only to [Personal.Reveal].
// Compare two with [Personal.Equal], not with ==.
type Personal struct {
	// text is a pointer because fmt prints an unexported field of a struct without
	// asking its methods: so it prints an address, not the value.
	text  *string
	state State
	under uuid.UUID
}

// Clear makes a readable personal value; an empty text makes an absent one.
func Clear(text string) Personal {
	if text == "" {
		return Personal{}
	}
	return Personal{text: &text, state: StateClear}
}

// Withheld makes a value that cannot be read here, for the reason the state
// gives. under is the erasure case of an erased or restricted value.
func Withheld(state State, under uuid.UUID) Personal { return Personal{state: state, under: under} }

// Reveal gives the text. It answers false unless the value is readable.
func (p Personal) Reveal() (string, bool) {
	if p.state != StateClear || p.text == nil {
		return "", false
	}
	return *p.text, true
}

// Equal says whether two values say the same: same state, same text, same case.
func (p Personal) Equal(other Personal) bool {
	text, _ := p.Reveal()
	otherText, _ := other.Reveal()
	return p.state == other.state && p.under == other.under && text == otherText
}

// State says what can be known of the value.
func (p Personal) State() State { return p.state }

// Case is the erasure case of an erased or restricted value, else the nil id.
func (p Personal) Case() uuid.UUID { return p.under }

// String hides the value.
func (p Personal) String() string { return "[personal]" }

// Format hides the value from every fmt verb, %#v and %x included.
func (p Personal) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[personal]") }

// MarshalJSON refuses: a personal value leaves the process only sealed, or by
// an explicit [Personal.Reveal] at the query edge.
func (p Personal) MarshalJSON() ([]byte, error) { return nil, ErrUnsealed }

// UnmarshalJSON refuses, for the same reason.
func (p *Personal) UnmarshalJSON([]byte) error { return ErrUnsealed }

// MarshalText refuses, so that a map key or another encoder cannot leak it.
func (p Personal) MarshalText() ([]byte, error) { return nil, ErrUnsealed }
