package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// MessageDeleted says that a sender took a message back. Its key is destroyed by the
// erasure case that has the id of this event.
//
// History: v1 is the first version.
type MessageDeleted struct {
	MessageID uuid.UUID `json:"message_id"`
	SenderID  uuid.UUID `json:"sender_id"`
	DeletedAt time.Time `json:"deleted_at"`
}

// EventType implements [Event].
func (e *MessageDeleted) EventType() string { return "message-deleted" }

// Sections implements [Event].
func (e *MessageDeleted) Sections() []Section { return nil }

func messageDeleted() Definition {
	return Definition{Type: "message-deleted", Version: 1, New: func() Event { return new(MessageDeleted) }}
}
