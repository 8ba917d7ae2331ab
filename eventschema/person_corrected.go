package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// PersonCorrected says that personal values of a person were put right. It
// carries only the values that changed; the earlier ones stay in the trail
// (promise ST-42) until the key of their purpose is destroyed.
//
// History: v1 is the first version.
type PersonCorrected struct {
	PersonID    uuid.UUID `json:"person_id"`
	CorrectedAt time.Time `json:"corrected_at"`
	Reason      string    `json:"reason"` // a reason code, never free text

	LegalName Personal `json:"-"`
	BirthDate Personal `json:"-"`
	Email     Personal `json:"-"`
	Phone     Personal `json:"-"`
}

// EventType implements [Event].
func (e *PersonCorrected) EventType() string { return "person-corrected" }

// Sections implements [Event].
func (e *PersonCorrected) Sections() []Section {
	return []Section{
		{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{
			{"legal_name", &e.LegalName}, {"birth_date", &e.BirthDate},
		}},
		{Name: "contact", Purpose: PurposeContact, Subject: e.PersonID, Fields: []Field{
			{"email", &e.Email}, {"phone", &e.Phone},
		}},
	}
}

func personCorrected() Definition {
	return Definition{Type: "person-corrected", Version: 1, New: func() Event { return new(PersonCorrected) }}
}
