package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SwapAgreed is the word of who is to take the place.
//
// History: v1 is the first version.
type SwapAgreed struct {
	ShiftID  uuid.UUID `json:"shift_id"`
	SwapID   uuid.UUID `json:"swap_id"`
	WorkID   uuid.UUID `json:"work_id"`
	AgreedAt time.Time `json:"agreed_at"`
}

// EventType implements [Event].
func (e *SwapAgreed) EventType() string { return "swap-agreed" }

// Sections implements [Event]. People appear as work ids only.
func (e *SwapAgreed) Sections() []Section { return nil }

func swapAgreed() Definition {
	return Definition{Type: "swap-agreed", Version: 1, New: func() Event { return new(SwapAgreed) }}
}
