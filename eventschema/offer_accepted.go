package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// OfferAccepted says that somebody takes a shift that was offered to them or to all.
//
// History: v1 is the first version.
type OfferAccepted struct {
	ShiftID    uuid.UUID `json:"shift_id"`
	WorkID     uuid.UUID `json:"work_id"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// EventType implements [Event].
func (e *OfferAccepted) EventType() string { return "offer-accepted" }

// Sections implements [Event]. People appear as work ids only.
func (e *OfferAccepted) Sections() []Section { return nil }

func offerAccepted() Definition {
	return Definition{Type: "offer-accepted", Version: 1, New: func() Event { return new(OfferAccepted) }}
}
