package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// BidPlaced says how much somebody wants a shift. A later bid of the same person
// takes the place of an earlier one.
//
// History: v1 is the first version.
type BidPlaced struct {
	ShiftID uuid.UUID `json:"shift_id"`
	WorkID  uuid.UUID `json:"work_id"`
	Points  int       `json:"points"`
	BidAt   time.Time `json:"bid_at"`
}

// EventType implements [Event].
func (e *BidPlaced) EventType() string { return "bid-placed" }

// Sections implements [Event]. People appear as work ids only.
func (e *BidPlaced) Sections() []Section { return nil }

func bidPlaced() Definition {
	return Definition{Type: "bid-placed", Version: 1, New: func() Event { return new(BidPlaced) }}
}
