package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// RecipientNotified says that an officer told a recipient of the erasure, or why
// that was not possible (GDPR Art. 19).
//
// History: v1 is the first version.
type RecipientNotified struct {
	CaseID       uuid.UUID     `json:"case_id"`
	DisclosureID uuid.UUID     `json:"disclosure_id"`
	NotifiedAt   time.Time     `json:"notified_at"`
	NotifiedBy   uuid.UUID     `json:"notified_by"`
	Outcome      NotifyOutcome `json:"outcome"`
}

// NotifyOutcome says what became of telling a recipient.
type NotifyOutcome string

// The outcomes.
const (
	NotifyTold             NotifyOutcome = "told"
	NotifyImpossible       NotifyOutcome = "impossible"
	NotifyDisproportionate NotifyOutcome = "disproportionate"
)

// NotifyOutcomes lists what an officer may state.
func NotifyOutcomes() []NotifyOutcome {
	return []NotifyOutcome{NotifyTold, NotifyImpossible, NotifyDisproportionate}
}

// EventType implements [Event].
func (e *RecipientNotified) EventType() string { return "recipient-notified" }

// Sections implements [Event].
func (e *RecipientNotified) Sections() []Section { return nil }

func recipientNotified() Definition {
	return Definition{Type: "recipient-notified", Version: 1, New: func() Event { return new(RecipientNotified) }}
}
