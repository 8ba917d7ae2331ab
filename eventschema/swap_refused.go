package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SwapRefused ends a swap; everybody keeps their place.
//
// History: v1 is the first version.
type SwapRefused struct {
	ShiftID   uuid.UUID `json:"shift_id"`
	SwapID    uuid.UUID `json:"swap_id"`
	Reason    string    `json:"reason"` // a code
	RefusedAt time.Time `json:"refused_at"`
	RefusedBy uuid.UUID `json:"refused_by"`
}

// EventType implements [Event].
func (e *SwapRefused) EventType() string { return "swap-refused" }

// Sections implements [Event]. People appear as work ids only.
func (e *SwapRefused) Sections() []Section { return nil }

func swapRefused() Definition {
	return Definition{Type: "swap-refused", Version: 1, New: func() Event { return new(SwapRefused) }}
}
