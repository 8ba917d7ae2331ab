package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldLiftRequested is the first of the two words that lift a hold.
//
// History: v1 is the first version.
type HoldLiftRequested struct {
	HoldID      uuid.UUID `json:"hold_id"`
	RequestedAt time.Time `json:"requested_at"`
	RequestedBy uuid.UUID `json:"requested_by"`
	Reason      string    `json:"reason"` // a reason code, never free text
}

// EventType implements [Event].
func (e *HoldLiftRequested) EventType() string { return "hold-lift-requested" }

// Sections implements [Event].
func (e *HoldLiftRequested) Sections() []Section { return nil }

func holdLiftRequested() Definition {
	return Definition{Type: "hold-lift-requested", Version: 1, New: func() Event { return new(HoldLiftRequested) }}
}
