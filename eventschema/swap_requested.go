package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SwapRequested says that somebody wants another to take their place on a shift. Two
// who exchange shifts ask for a swap of each.
//
// History: v1 is the first version.
type SwapRequested struct {
	ShiftID     uuid.UUID `json:"shift_id"`
	SwapID      uuid.UUID `json:"swap_id"`
	FromWorkID  uuid.UUID `json:"from_work_id"`
	ToWorkID    uuid.UUID `json:"to_work_id"`
	RequestedAt time.Time `json:"requested_at"`
}

// EventType implements [Event].
func (e *SwapRequested) EventType() string { return "swap-requested" }

// Sections implements [Event]. People appear as work ids only.
func (e *SwapRequested) Sections() []Section { return nil }

func swapRequested() Definition {
	return Definition{Type: "swap-requested", Version: 1, New: func() Event { return new(SwapRequested) }}
}
