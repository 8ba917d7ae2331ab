package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// FieldChanged says how a field is from now on. Its purpose and kind never change: the
// values that were given are sealed under the key of that purpose, and whoever gave
// them was told that one.
//
// History: v1 is the first version.
type FieldChanged struct {
	Field       string      `json:"field"`
	Label       string      `json:"label"`
	Sensitivity Sensitivity `json:"sensitivity"`
	Choices     []string    `json:"choices,omitempty"`
	MaxLength   int         `json:"max_length,omitempty"`
	ChangedAt   time.Time   `json:"changed_at"`
	ChangedBy   uuid.UUID   `json:"changed_by"`
}

// EventType implements [Event].
func (e *FieldChanged) EventType() string { return "field-changed" }

// Sections implements [Event].
func (e *FieldChanged) Sections() []Section { return nil }

func fieldChanged() Definition {
	return Definition{Type: "field-changed", Version: 1, New: func() Event { return new(FieldChanged) }}
}
