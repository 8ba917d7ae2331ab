package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SessionCancelled says that a session does not take place. Marks made before stay on
// record and count no longer.
//
// History: v1 is the first version.
type SessionCancelled struct {
	SessionID   uuid.UUID `json:"session_id"`
	ClassID     uuid.UUID `json:"class_id"`
	Reason      string    `json:"reason"` // a code
	CancelledAt time.Time `json:"cancelled_at"`
	CancelledBy uuid.UUID `json:"cancelled_by"`
}

// EventType implements [Event].
func (e *SessionCancelled) EventType() string { return "session-cancelled" }

// Sections implements [Event].
func (e *SessionCancelled) Sections() []Section { return nil }

func sessionCancelled() Definition {
	return Definition{Type: "session-cancelled", Version: 1, New: func() Event { return new(SessionCancelled) }}
}
