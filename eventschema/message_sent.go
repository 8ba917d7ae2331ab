package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// Stream categories of messages.
const (
	CategoryMessage = "message"
	CategoryReceipt = "receipt"
)

// MessageStream holds what one sender wrote in a month (UTC), so that a month comes
// of age as a whole.
func MessageStream(tenant, sender uuid.UUID, sentAt time.Time) StreamName {
	return StreamName{Category: CategoryMessage, Tenant: tenant, ID: sender, Period: sentAt.UTC().Format("200601")}
}

// ReceiptStream holds which messages of a month one reader has opened, under the
// month in which they were sent: a receipt does not outlive its message.
func ReceiptStream(tenant, reader uuid.UUID, sentAt time.Time) StreamName {
	return StreamName{Category: CategoryReceipt, Tenant: tenant, ID: reader, Period: sentAt.UTC().Format("200601")}
}

// MessageSent keeps a message that somebody wrote to others. A worker appears under
// the id of their work record, an officer under their own. The text is sealed under a
// key of its own, below that of the sender for the month: one message can go alone, a
// month of them together, and all with their sender (promise ST-12).
//
// History: v1 is the first version.
type MessageSent struct {
	MessageID uuid.UUID   `json:"message_id"`
	SenderID  uuid.UUID   `json:"sender_id"`
	To        []uuid.UUID `json:"to"` // everybody it was delivered to, as it was then
	Audience  Audience    `json:"audience"`
	ShiftID   uuid.UUID   `json:"shift_id,omitzero"` // of [AudienceShift]
	Site      string      `json:"site,omitempty"`    // of [AudienceSite]
	SentAt    time.Time   `json:"sent_at"`

	Text Personal `json:"-"`
}

// Audience is how the recipients of a message were chosen.
type Audience string

// The audiences.
const (
	AudiencePeople Audience = "people" // one by one
	AudienceShift  Audience = "shift"  // whoever had a place on it
	AudienceSite   Audience = "site"   // whoever had a place there on a shift of the coming days
)

// EventType implements [Event].
func (e *MessageSent) EventType() string { return "message-sent" }

// StoredID makes the id of the message that of its event.
func (e *MessageSent) StoredID() uuid.UUID { return e.MessageID }

// Sections implements [Event].
func (e *MessageSent) Sections() []Section {
	return []Section{{
		Name: "message", Purpose: PurposeNotes, Subject: e.SenderID, Period: NotesPeriod(e.SentAt), Item: e.MessageID,
		Fields: []Field{{"text", &e.Text}},
	}}
}

func messageSent() Definition {
	return Definition{Type: "message-sent", Version: 1, New: func() Event { return new(MessageSent) }}
}
