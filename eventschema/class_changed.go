package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ClassChanged says what is known of a class from now on, all of it. A class that had
// ended is taught again.
//
// History: v1 is the first version.
type ClassChanged struct {
	ClassID   uuid.UUID `json:"class_id"`
	Code      string    `json:"code"`
	Course    string    `json:"course"`
	Title     string    `json:"title"`
	Site      string    `json:"site"`
	Zone      string    `json:"zone"`
	StartsOn  string    `json:"starts_on"`
	EndsOn    string    `json:"ends_on"`
	ChangedAt time.Time `json:"changed_at"`
	ChangedBy uuid.UUID `json:"changed_by"`
}

// EventType implements [Event].
func (e *ClassChanged) EventType() string { return "class-changed" }

// Sections implements [Event].
func (e *ClassChanged) Sections() []Section { return nil }

func classChanged() Definition {
	return Definition{Type: "class-changed", Version: 1, New: func() Event { return new(ClassChanged) }}
}
