package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldLapsed ends a hold that no second person confirmed in time.
//
// History: v1 is the first version.
type HoldLapsed struct {
	HoldID   uuid.UUID `json:"hold_id"`
	LapsedAt time.Time `json:"lapsed_at"`
}

// EventType implements [Event].
func (e *HoldLapsed) EventType() string { return "hold-lapsed" }

// Sections implements [Event].
func (e *HoldLapsed) Sections() []Section { return nil }

func holdLapsed() Definition {
	return Definition{Type: "hold-lapsed", Version: 1, New: func() Event { return new(HoldLapsed) }}
}
