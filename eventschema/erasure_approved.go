package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureApproved says that a second person approved the case. It is the intent
// record of the destruction: from here the case only goes forward.
//
// History: v1 is the first version.
type ErasureApproved struct {
	CaseID     uuid.UUID `json:"case_id"`
	ApprovedAt time.Time `json:"approved_at"`
	ApprovedBy uuid.UUID `json:"approved_by"`
}

// EventType implements [Event].
func (e *ErasureApproved) EventType() string { return "erasure-approved" }

// Sections implements [Event].
func (e *ErasureApproved) Sections() []Section { return nil }

func erasureApproved() Definition {
	return Definition{Type: "erasure-approved", Version: 1, New: func() Event { return new(ErasureApproved) }}
}
