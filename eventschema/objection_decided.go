package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ObjectionDecided says what became of an objection. One that is upheld keeps the
// restriction; one that is overridden by compelling grounds ends in its lifting.
//
// History: v1 is the first version.
type ObjectionDecided struct {
	CaseID    uuid.UUID        `json:"case_id"`
	DecidedAt time.Time        `json:"decided_at"`
	DecidedBy uuid.UUID        `json:"decided_by"`
	Outcome   ObjectionOutcome `json:"outcome"`
}

// ObjectionOutcome says how an objection was decided.
type ObjectionOutcome string

// The outcomes.
const (
	ObjectionUpheld     ObjectionOutcome = "upheld"
	ObjectionOverridden ObjectionOutcome = "overridden" // Art. 21(1): compelling grounds, or legal claims
)

// EventType implements [Event].
func (e *ObjectionDecided) EventType() string { return "objection-decided" }

// Sections implements [Event].
func (e *ObjectionDecided) Sections() []Section { return nil }

func objectionDecided() Definition {
	return Definition{Type: "objection-decided", Version: 1, New: func() Event { return new(ObjectionDecided) }}
}
