package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldLifted is the second word, of another person: what was held may be
// destroyed from here on.
//
// History: v1 is the first version.
type HoldLifted struct {
	HoldID   uuid.UUID `json:"hold_id"`
	LiftedAt time.Time `json:"lifted_at"`
	LiftedBy uuid.UUID `json:"lifted_by"`
}

// EventType implements [Event].
func (e *HoldLifted) EventType() string { return "hold-lifted" }

// Sections implements [Event].
func (e *HoldLifted) Sections() []Section { return nil }

func holdLifted() Definition {
	return Definition{Type: "hold-lifted", Version: 1, New: func() Event { return new(HoldLifted) }}
}
