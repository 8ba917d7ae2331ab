package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SwapApproved moves a place from one to the other.
//
// History: v1 is the first version.
type SwapApproved struct {
	ShiftID       uuid.UUID `json:"shift_id"`
	SwapID        uuid.UUID `json:"swap_id"`
	FromWorkID    uuid.UUID `json:"from_work_id"`
	ToWorkID      uuid.UUID `json:"to_work_id"`
	PolicyVersion int       `json:"policy_version"`
	ApprovedAt    time.Time `json:"approved_at"`
	ApprovedBy    uuid.UUID `json:"approved_by"`
}

// EventType implements [Event].
func (e *SwapApproved) EventType() string { return "swap-approved" }

// Sections implements [Event]. People appear as work ids only.
func (e *SwapApproved) Sections() []Section { return nil }

func swapApproved() Definition {
	return Definition{Type: "swap-approved", Version: 1, New: func() Event { return new(SwapApproved) }}
}
