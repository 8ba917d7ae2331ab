package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// PersonFieldsSet says that values of fields of the tenant's own were given, put right
// or cleared. Each of its values is what changed of one purpose, all fields together
// ([JoinFields]): that somebody has a value in a field may say as much as the value, so
// the names are sealed with it. Fields held for work are in [WorkFieldsSet].
//
// History: v1 is the first version.
type PersonFieldsSet struct {
	PersonID uuid.UUID `json:"person_id"`
	SetAt    time.Time `json:"set_at"`
	Reason   string    `json:"reason"` // a reason code, never free text

	Identity   Personal `json:"-"`
	Contact    Personal `json:"-"`
	ThirdParty Personal `json:"-"`
}

// FieldsName is the name of joined values in their section.
const FieldsName = "fields"

// EventType implements [Event].
func (e *PersonFieldsSet) EventType() string { return "person-fields-set" }

// Sections implements [Event].
func (e *PersonFieldsSet) Sections() []Section {
	return []Section{
		{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{{FieldsName, &e.Identity}}},
		{Name: "contact", Purpose: PurposeContact, Subject: e.PersonID, Fields: []Field{{FieldsName, &e.Contact}}},
		{Name: "third_party", Purpose: PurposeThirdParty, Subject: e.PersonID, Fields: []Field{{FieldsName, &e.ThirdParty}}},
	}
}

func personFieldsSet() Definition {
	return Definition{Type: "person-fields-set", Version: 1, New: func() Event { return new(PersonFieldsSet) }}
}
