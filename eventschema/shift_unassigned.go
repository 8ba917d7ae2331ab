package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftUnassigned takes somebody off a shift; the place is open again.
//
// History: v1 is the first version.
type ShiftUnassigned struct {
	ShiftID      uuid.UUID `json:"shift_id"`
	WorkID       uuid.UUID `json:"work_id"`
	Reason       string    `json:"reason"`        // a code; of a shift that was moved a [ConflictCode]
	With         uuid.UUID `json:"with,omitzero"` // the shift that came first, of a double booking; or that is too near
	UnassignedAt time.Time `json:"unassigned_at"`
	UnassignedBy uuid.UUID `json:"unassigned_by"`
}

// EventType implements [Event].
func (e *ShiftUnassigned) EventType() string { return "shift-unassigned" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftUnassigned) Sections() []Section { return nil }

func shiftUnassigned() Definition {
	return Definition{Type: "shift-unassigned", Version: 1, New: func() Event { return new(ShiftUnassigned) }}
}
