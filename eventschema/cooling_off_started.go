package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CoolingOffStarted says how long a case waits before it may be approved. A
// mistaken or hostile erasure can be cancelled meanwhile; there is no undelete.
//
// History: v1 is the first version.
type CoolingOffStarted struct {
	CaseID    uuid.UUID `json:"case_id"`
	StartedAt time.Time `json:"started_at"`
	Until     time.Time `json:"until"` // not before StartedAt
}

// EventType implements [Event].
func (e *CoolingOffStarted) EventType() string { return "cooling-off-started" }

// Sections implements [Event].
func (e *CoolingOffStarted) Sections() []Section { return nil }

func coolingOffStarted() Definition {
	return Definition{Type: "cooling-off-started", Version: 1, New: func() Event { return new(CoolingOffStarted) }}
}
