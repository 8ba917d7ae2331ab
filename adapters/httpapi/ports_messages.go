package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Messages carries what people write to each other. Whoever calls sees what they wrote
// and what was written to them, and nobody else's: no id of a mailbox is ever taken. A
// worker appears under their work id, an officer under their own. Errors: *Refusal,
// *Erased, ErrNotFound, ErrConflict, ErrUnavailable.
type Messages interface {
	// SendMessage settles who receives the message and delivers it. Its id is named by
	// the key of the intent.
	SendMessage(ctx context.Context, intent Intent, message NewMessage) (MessageReceipt, error)
	// MessagesOf lists messages without their texts, the newest first.
	MessagesOf(ctx context.Context, by Principal, box Box) ([]projections.Message, error)
	// OpenMessage answers the text of a message to a recipient. That it was opened is
	// on record before; the receipt is that record, and answers what shows the text.
	OpenMessage(ctx context.Context, intent Intent, message uuid.UUID) (OpenedMessage, error)
	// DeleteMessage takes a message of the caller back; its key is destroyed.
	DeleteMessage(ctx context.Context, intent Intent, message uuid.UUID) (Receipt, error)
	// Notices lists what happened to the caller's shifts and corrections, the newest first.
	Notices(ctx context.Context, by Principal, limit int) ([]projections.Notice, error)
}

// NewMessage is a message to people, to those of a shift, or to those of a site: one of
// To, ShiftID and Site is set.
type NewMessage struct {
	To      []uuid.UUID
	ShiftID uuid.UUID
	Site    string
	Text    eventschema.Personal
	SentAt  time.Time
}

// MessageReceipt answers a message.
type MessageReceipt struct {
	Receipt
	MessageID  uuid.UUID
	Recipients int
}

// Box says which messages of the caller are listed.
type Box struct {
	Sent   bool   // what they wrote, instead of what came in
	Unread bool   // of what came in
	Before uint64 // only what was sent before this position; 0: from the newest
	Limit  int
}

// OpenedMessage is a message and its text. Where the text is clear, Release shows it
// and the receipt says where the trail has the reading.
type OpenedMessage struct {
	projections.Message
	Text    Personal
	Release Release
	Receipt Receipt
}
