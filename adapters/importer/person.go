package importer

import (
	"errors"
	"fmt"
	"io"
)

// ErrPersonal refuses to encode a person's values by accident.
var ErrPersonal = errors.New("a person of a people file is not encoded")

// Person is one row of a people file. All of it is personal: it prints as
// [person] with every verb and refuses to be encoded, so that no log holds it.
type Person struct {
	PIN            string
	Name           string
	Email          string // empty when the file has none; so the others
	Phone          string
	BirthDate      string // 2006-01-02
	EmployeeNumber string
}

// String hides the values.
func (p Person) String() string { return "[person]" }

// Format hides the values from every fmt verb, %#v included.
func (p Person) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[person]") }

// MarshalJSON refuses.
func (p Person) MarshalJSON() ([]byte, error) { return nil, ErrPersonal }

// MarshalText refuses.
func (p Person) MarshalText() ([]byte, error) { return nil, ErrPersonal }

// FieldTexts are values of fields of the tenant's own, by code. They print as [fields] and
// refuse to be encoded, like [Person].
type FieldTexts map[string]string

// String hides the values.
func (FieldTexts) String() string { return "[fields]" }

// Format hides the values from every fmt verb, %#v included.
func (FieldTexts) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[fields]") }

// MarshalJSON refuses.
func (FieldTexts) MarshalJSON() ([]byte, error) { return nil, ErrPersonal }

// MarshalText refuses.
func (FieldTexts) MarshalText() ([]byte, error) { return nil, ErrPersonal }
