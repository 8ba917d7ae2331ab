package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// PersonClosed says that a person's account ended. Retention periods of the
// account are counted from ClosedAt (promises ST-35, ST-37).
//
// History: v1 is the first version.
type PersonClosed struct {
	PersonID uuid.UUID `json:"person_id"`
	ClosedAt time.Time `json:"closed_at"`
	Reason   string    `json:"reason"` // a reason code, never free text
}

// EventType implements [Event].
func (e *PersonClosed) EventType() string { return "person-closed" }

// Sections implements [Event].
func (e *PersonClosed) Sections() []Section { return nil }

func personClosed() Definition {
	return Definition{Type: "person-closed", Version: 1, New: func() Event { return new(PersonClosed) }}
}
