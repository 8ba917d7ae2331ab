package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// FieldRetired says that no value is given in a field any more. Those that were stay
// until they are cleared, or their key is destroyed.
//
// History: v1 is the first version.
type FieldRetired struct {
	Field     string    `json:"field"`
	RetiredAt time.Time `json:"retired_at"`
	RetiredBy uuid.UUID `json:"retired_by"`
}

// EventType implements [Event].
func (e *FieldRetired) EventType() string { return "field-retired" }

// Sections implements [Event].
func (e *FieldRetired) Sections() []Section { return nil }

func fieldRetired() Definition {
	return Definition{Type: "field-retired", Version: 1, New: func() Event { return new(FieldRetired) }}
}
