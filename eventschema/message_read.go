package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// MessageRead is a receipt: a recipient opened a message for the first time. It is
// also the record of that reading, in the stream of the reader and under no other id,
// so that nothing leads from an account to a work record.
//
// History: v1 is the first version.
type MessageRead struct {
	MessageID uuid.UUID `json:"message_id"`
	SenderID  uuid.UUID `json:"sender_id"`
	ReaderID  uuid.UUID `json:"reader_id"`
	SentAt    time.Time `json:"sent_at"`
	ReadAt    time.Time `json:"read_at"`
}

// EventType implements [Event].
func (e *MessageRead) EventType() string { return "message-read" }

// Sections implements [Event].
func (e *MessageRead) Sections() []Section { return nil }

func messageRead() Definition {
	return Definition{Type: "message-read", Version: 1, New: func() Event { return new(MessageRead) }}
}
