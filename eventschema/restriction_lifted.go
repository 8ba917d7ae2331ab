package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// RestrictionLifted says that a person's values are opened for ordinary work
// again. The person was told before (GDPR Art. 18(3)).
//
// History: v1 is the first version.
type RestrictionLifted struct {
	CaseID   uuid.UUID `json:"case_id"`
	LiftedAt time.Time `json:"lifted_at"`
	LiftedBy uuid.UUID `json:"lifted_by"`
	ToldAt   time.Time `json:"told_at"`
}

// EventType implements [Event].
func (e *RestrictionLifted) EventType() string { return "restriction-lifted" }

// Sections implements [Event].
func (e *RestrictionLifted) Sections() []Section { return nil }

func restrictionLifted() Definition {
	return Definition{Type: "restriction-lifted", Version: 1, New: func() Event { return new(RestrictionLifted) }}
}
