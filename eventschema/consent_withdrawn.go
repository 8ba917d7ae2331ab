package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ConsentWithdrawn says that consent to one purpose ended. What was done before
// stays lawful (GDPR Art. 7(3), promise RR-30).
//
// History: v1 is the first version.
type ConsentWithdrawn struct {
	WorkID      uuid.UUID `json:"work_id"`
	Purpose     Purpose   `json:"purpose"`
	WithdrawnAt time.Time `json:"withdrawn_at"`
	Method      string    `json:"method"`
}

// EventType implements [Event].
func (e *ConsentWithdrawn) EventType() string { return "consent-withdrawn" }

// Sections implements [Event].
func (e *ConsentWithdrawn) Sections() []Section { return nil }

func consentWithdrawn() Definition {
	return Definition{Type: "consent-withdrawn", Version: 1, New: func() Event { return new(ConsentWithdrawn) }}
}
