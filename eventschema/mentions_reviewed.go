package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// MentionsReviewed says that free texts of others were looked through for the
// person, while the person's name could still be read. Where nothing holds free
// text there is nothing to look through, and the event says so with zeros.
//
// History: v1 was the first version; v2 names the texts that go with the person.
type MentionsReviewed struct {
	CaseID     uuid.UUID `json:"case_id"`
	ReviewedAt time.Time `json:"reviewed_at"`
	ReviewedBy uuid.UUID `json:"reviewed_by,omitzero"` // nobody when there was nothing to decide
	Texts      int       `json:"texts"`                // free texts of others that could hold a mention
	Mentions   int       `json:"mentions"`             // texts that do
	Left       int       `json:"left"`                 // of these, texts that stay as they are
	Ground     string    `json:"ground,omitempty"`     // why they stay, a code
	Taken      []Mention `json:"taken,omitempty"`      // those that go, each with its own key
}

// Mention is a text of somebody that names somebody else.
type Mention struct {
	SenderID  uuid.UUID `json:"sender_id"`
	MessageID uuid.UUID `json:"message_id"`
}

// EventType implements [Event].
func (e *MentionsReviewed) EventType() string { return "mentions-reviewed" }

// Sections implements [Event].
func (e *MentionsReviewed) Sections() []Section { return nil }

func mentionsReviewed() Definition {
	return Definition{Type: "mentions-reviewed", Version: 2, New: func() Event { return new(MentionsReviewed) }, Upcasts: map[int]Upcast{1: {Data: asStored}}}
}
