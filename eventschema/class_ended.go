package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ClassEnded says that a class is no longer taught, whatever was planned. Who was
// enrolled stays on record, and so do the sessions it had.
//
// History: v1 is the first version.
type ClassEnded struct {
	ClassID uuid.UUID `json:"class_id"`
	EndedOn string    `json:"ended_on"` // 2006-01-02, the first day on which it is over
	EndedAt time.Time `json:"ended_at"`
	EndedBy uuid.UUID `json:"ended_by"`
}

// EventType implements [Event].
func (e *ClassEnded) EventType() string { return "class-ended" }

// Sections implements [Event].
func (e *ClassEnded) Sections() []Section { return nil }

func classEnded() Definition {
	return Definition{Type: "class-ended", Version: 1, New: func() Event { return new(ClassEnded) }}
}
