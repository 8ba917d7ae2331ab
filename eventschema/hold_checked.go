package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldChecked says whether a legal hold forbids the destruction. A hold that is
// found stops the case, also after its approval, which it then needs again.
//
// History: v1 is the first version.
type HoldChecked struct {
	CaseID    uuid.UUID   `json:"case_id"`
	CheckedAt time.Time   `json:"checked_at"`
	Holds     []uuid.UUID `json:"holds"` // in force for what the case would destroy; none: clear
}

// EventType implements [Event].
func (e *HoldChecked) EventType() string { return "hold-checked" }

// Sections implements [Event].
func (e *HoldChecked) Sections() []Section { return nil }

func holdChecked() Definition {
	return Definition{Type: "hold-checked", Version: 1, New: func() Event { return new(HoldChecked) }}
}
