package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftCancelled says that a shift is not worked.
//
// History: v1 is the first version.
type ShiftCancelled struct {
	ShiftID     uuid.UUID `json:"shift_id"`
	Reason      string    `json:"reason"` // a code
	CancelledAt time.Time `json:"cancelled_at"`
	CancelledBy uuid.UUID `json:"cancelled_by"`
}

// EventType implements [Event].
func (e *ShiftCancelled) EventType() string { return "shift-cancelled" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftCancelled) Sections() []Section { return nil }

func shiftCancelled() Definition {
	return Definition{Type: "shift-cancelled", Version: 1, New: func() Event { return new(ShiftCancelled) }}
}
