package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldConfirmed says that a second person confirmed a hold.
//
// History: v1 is the first version.
type HoldConfirmed struct {
	HoldID      uuid.UUID `json:"hold_id"`
	ConfirmedAt time.Time `json:"confirmed_at"`
	ConfirmedBy uuid.UUID `json:"confirmed_by"`
}

// EventType implements [Event].
func (e *HoldConfirmed) EventType() string { return "hold-confirmed" }

// Sections implements [Event].
func (e *HoldConfirmed) Sections() []Section { return nil }

func holdConfirmed() Definition {
	return Definition{Type: "hold-confirmed", Version: 1, New: func() Event { return new(HoldConfirmed) }}
}
