package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ReadModelsScrubbed says that every read model knows of the destruction and that
// opened copies of the directory are dropped. The sealed sections stay in the
// read models, as noise, so that a rebuild gives the same bytes.
//
// History: v1 is the first version.
type ReadModelsScrubbed struct {
	CaseID     uuid.UUID `json:"case_id"`
	ScrubbedAt time.Time `json:"scrubbed_at"`
	Position   uint64    `json:"position"` // applied by every read model
}

// EventType implements [Event].
func (e *ReadModelsScrubbed) EventType() string { return "read-models-scrubbed" }

// Sections implements [Event].
func (e *ReadModelsScrubbed) Sections() []Section { return nil }

func readModelsScrubbed() Definition {
	return Definition{Type: "read-models-scrubbed", Version: 1, New: func() Event { return new(ReadModelsScrubbed) }}
}
