package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// OfferDeclined says that somebody does not take a shift that was offered to them.
//
// History: v1 is the first version.
type OfferDeclined struct {
	ShiftID    uuid.UUID `json:"shift_id"`
	WorkID     uuid.UUID `json:"work_id"`
	Reason     string    `json:"reason"` // a code
	DeclinedAt time.Time `json:"declined_at"`
}

// EventType implements [Event].
func (e *OfferDeclined) EventType() string { return "offer-declined" }

// Sections implements [Event]. People appear as work ids only.
func (e *OfferDeclined) Sections() []Section { return nil }

func offerDeclined() Definition {
	return Definition{Type: "offer-declined", Version: 1, New: func() Event { return new(OfferDeclined) }}
}
