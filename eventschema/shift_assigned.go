package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftAssigned gives somebody a place on a shift, and says why them. Where an offer
// put people in order, Rank is the place in it; an award among bids brings its own
// order.
//
// History: v1 is the first version.
type ShiftAssigned struct {
	ShiftID       uuid.UUID    `json:"shift_id"`
	WorkID        uuid.UUID    `json:"work_id"`
	Strategy      Strategy     `json:"strategy"`
	Rank          int          `json:"rank"` // 0 where nobody was put in order
	PolicyVersion int          `json:"policy_version"`
	Standings     []Standing   `json:"standings,omitempty"`
	PassedOver    []PassedOver `json:"passed_over,omitempty"`
	AssignedAt    time.Time    `json:"assigned_at"`
	AssignedBy    uuid.UUID    `json:"assigned_by,omitzero"` // nobody where accepting an offer was enough
}

// EventType implements [Event].
func (e *ShiftAssigned) EventType() string { return "shift-assigned" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftAssigned) Sections() []Section { return nil }

func shiftAssigned() Definition {
	return Definition{Type: "shift-assigned", Version: 1, New: func() Event { return new(ShiftAssigned) }}
}
