package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// FenceClosed says that the key store makes no key and no seal for the subjects
// of the case any more. What is sealed can still be opened.
//
// History: v1 is the first version.
type FenceClosed struct {
	CaseID   uuid.UUID `json:"case_id"`
	ClosedAt time.Time `json:"closed_at"`
}

// EventType implements [Event].
func (e *FenceClosed) EventType() string { return "fence-closed" }

// Sections implements [Event].
func (e *FenceClosed) Sections() []Section { return nil }

func fenceClosed() Definition {
	return Definition{Type: "fence-closed", Version: 1, New: func() Event { return new(FenceClosed) }}
}
