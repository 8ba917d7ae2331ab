package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// DeadlineExtended says that the answer to a request takes longer, and that the
// person was told why within the first month (GDPR Art. 12(3)).
//
// History: v1 is the first version.
type DeadlineExtended struct {
	CaseID     uuid.UUID `json:"case_id"`
	ExtendedAt time.Time `json:"extended_at"`
	ExtendedBy uuid.UUID `json:"extended_by"`
	ToldAt     time.Time `json:"told_at"`
	Until      time.Time `json:"until"`
	Reason     string    `json:"reason"` // a reason code, never free text
}

// EventType implements [Event].
func (e *DeadlineExtended) EventType() string { return "deadline-extended" }

// Sections implements [Event].
func (e *DeadlineExtended) Sections() []Section { return nil }

func deadlineExtended() Definition {
	return Definition{Type: "deadline-extended", Version: 1, New: func() Event { return new(DeadlineExtended) }}
}
