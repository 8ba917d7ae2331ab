package eventschema

import (
	"github.com/google/uuid"
)

// Event is one thing that happened, in its current schema version.
type Event interface {
	// EventType is the stored name without its version.
	EventType() string
	// Sections lists the personal values, grouped by the purpose they are held
	// for. The pointers lead into the event itself: sealing reads them, opening
	// fills them. An event without personal values answers nil.
	Sections() []Section
}

// Section is the unit of sealing and of forgetting: the personal values of one
// event that one key protects.
type Section struct {
	Name    string // unique in the event, part of the authenticated coordinates
	Purpose Purpose
	Subject uuid.UUID
	Period  string
	Item    uuid.UUID // what the section is forgotten with, when its purpose has a key per item
	Fields  []Field
}

// Field names one personal value inside a section.
type Field struct {
	Name  string
	Value *Personal
}

// Sealed is a section as stored, beside the skeleton of its event.
type Sealed struct {
	Section  string    `json:"section"`
	Purpose  Purpose   `json:"purpose"`
	Subject  uuid.UUID `json:"subject"`
	Period   string    `json:"period,omitempty"`
	Item     uuid.UUID `json:"item,omitzero"`
	Envelope []byte    `json:"envelope"`
}

// Actor is who acted, as a pseudonymous id, and in which role.
type Actor struct {
	ID   uuid.UUID `json:"id"`
	Role string    `json:"role"`
}

// SaltBytes is the length of the random salt that every event carries in its
// metadata, so that a leaf of the trail confirms no guess about an event.
const SaltBytes = 32

// Metadata is the custom metadata of every event. The two names with a dollar
// sign are EventStoreDB's conventions.
type Metadata struct {
	CorrelationID uuid.UUID `json:"$correlationId"`
	CausationID   uuid.UUID `json:"$causationId"`
	Tenant        uuid.UUID `json:"tenant"`
	Actor         Actor     `json:"actor"`
	Salt          []byte    `json:"salt"`
}
