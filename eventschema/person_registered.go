package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// PersonRegistered says that a person was entered into the records.
//
// History:
//   - v1 called the name full_name and did not say where the entry came from.
//   - v2 calls it legal_name, because the name used in payroll is another value
//     with another lifetime ([WorkOpened]), and records the source.
type PersonRegistered struct {
	PersonID     uuid.UUID `json:"person_id"`
	RegisteredAt time.Time `json:"registered_at"`
	Source       Source    `json:"source"`

	// WorkID links the person to their work records. The link is itself
	// personal: without the identity key nobody can tell whose hours those are.
	WorkID    Personal `json:"-"`
	LegalName Personal `json:"-"`
	BirthDate Personal `json:"-"`
	Email     Personal `json:"-"`
	Phone     Personal `json:"-"`
}

// Source says by which way a fact came in.
type Source string

// The sources.
const (
	SourceImport   Source = "import"
	SourceAPI      Source = "api"
	SourceTerminal Source = "terminal" // pushed by a clock on the wall
	SourceDevice   Source = "device"   // signed by an enrolled device
	SourceManual   Source = "manual"   // entered by hand for somebody else
)

// EventType implements [Event].
func (e *PersonRegistered) EventType() string { return "person-registered" }

// Sections implements [Event].
func (e *PersonRegistered) Sections() []Section {
	return []Section{
		{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{
			{"work_id", &e.WorkID}, {"legal_name", &e.LegalName}, {"birth_date", &e.BirthDate},
		}},
		{Name: "contact", Purpose: PurposeContact, Subject: e.PersonID, Fields: []Field{
			{"email", &e.Email}, {"phone", &e.Phone},
		}},
	}
}

type personRegisteredV1 struct {
	PersonID     uuid.UUID `json:"person_id"`
	RegisteredAt time.Time `json:"registered_at"`
}

func personRegistered() Definition {
	return Definition{
		Type: "person-registered", Version: 2, New: func() Event { return new(PersonRegistered) },
		Upcasts: map[int]Upcast{1: {Data: upcastPersonRegisteredV1, Fields: map[string]string{
			"identity.work_id": "identity.work_id", "identity.full_name": "identity.legal_name", "identity.birth_date": "identity.birth_date",
			"contact.email": "contact.email", "contact.phone": "contact.phone",
		}}},
	}
}

func upcastPersonRegisteredV1(data json.RawMessage) (json.RawMessage, error) {
	var old personRegisteredV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(PersonRegistered{PersonID: old.PersonID, RegisteredAt: old.RegisteredAt, Source: SourceAPI})
}
