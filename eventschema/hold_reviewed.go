package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldReviewed says that somebody looked at a hold and found it still needed.
//
// History: v1 is the first version.
type HoldReviewed struct {
	HoldID     uuid.UUID `json:"hold_id"`
	ReviewedAt time.Time `json:"reviewed_at"`
	ReviewedBy uuid.UUID `json:"reviewed_by"`
	ReviewBy   time.Time `json:"review_by"` // the next time
}

// EventType implements [Event].
func (e *HoldReviewed) EventType() string { return "hold-reviewed" }

// Sections implements [Event].
func (e *HoldReviewed) Sections() []Section { return nil }

func holdReviewed() Definition {
	return Definition{Type: "hold-reviewed", Version: 1, New: func() Event { return new(HoldReviewed) }}
}
