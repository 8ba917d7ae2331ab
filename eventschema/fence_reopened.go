package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// FenceReopened says that the key store serves the subjects of a case again that
// was stopped before its keys were destroyed.
//
// History: v1 is the first version.
type FenceReopened struct {
	CaseID     uuid.UUID `json:"case_id"`
	ReopenedAt time.Time `json:"reopened_at"`
}

// EventType implements [Event].
func (e *FenceReopened) EventType() string { return "fence-reopened" }

// Sections implements [Event].
func (e *FenceReopened) Sections() []Section { return nil }

func fenceReopened() Definition {
	return Definition{Type: "fence-reopened", Version: 1, New: func() Event { return new(FenceReopened) }}
}
