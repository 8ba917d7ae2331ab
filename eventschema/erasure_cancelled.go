package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureCancelled ends a case before its point of no return. Nothing was
// destroyed.
//
// History: v1 is the first version.
type ErasureCancelled struct {
	CaseID      uuid.UUID `json:"case_id"`
	CancelledAt time.Time `json:"cancelled_at"`
	CancelledBy uuid.UUID `json:"cancelled_by"`
	Reason      string    `json:"reason"` // a reason code, never free text
}

// EventType implements [Event].
func (e *ErasureCancelled) EventType() string { return "erasure-cancelled" }

// Sections implements [Event].
func (e *ErasureCancelled) Sections() []Section { return nil }

func erasureCancelled() Definition {
	return Definition{Type: "erasure-cancelled", Version: 1, New: func() Event { return new(ErasureCancelled) }}
}
