package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryField is the category of the streams of fields of people.
const CategoryField = "field"

// FieldStream holds every field that a tenant defined: fields are few, and a value is
// checked against those there are.
func FieldStream(tenant uuid.UUID) StreamName {
	return StreamName{Category: CategoryField, Tenant: tenant, ID: tenant}
}

// FieldDefined says that the tenant keeps a value of its own of people from now on, and
// what for. A definition is about nobody: values stand in [PersonFieldsSet] and
// [WorkFieldsSet], and only there.
//
// History: v1 is the first version.
type FieldDefined struct {
	Field       string      `json:"field"` // a code of the tenant's, never used again
	Label       string      `json:"label"` // what people call it
	Purpose     Purpose     `json:"purpose"`
	Sensitivity Sensitivity `json:"sensitivity"`
	Kind        FieldKind   `json:"kind"`
	Choices     []string    `json:"choices,omitempty"`    // of [FieldChoice], in their order
	MaxLength   int         `json:"max_length,omitempty"` // in characters, of [FieldText] and [FieldNumber]
	DefinedAt   time.Time   `json:"defined_at"`
	DefinedBy   uuid.UUID   `json:"defined_by"`
}

// Sensitivity says how much harm it does when the wrong people read a value.
type Sensitivity string

// The sensitivities, from the least.
const (
	SensitivityOrdinary     Sensitivity = "ordinary"
	SensitivityConfidential Sensitivity = "confidential"
	SensitivitySpecial      Sensitivity = "special_category" // GDPR Art. 9: health, union, religion, origin and the like
)

// Sensitivities lists every sensitivity, from the least.
func Sensitivities() []Sensitivity {
	return []Sensitivity{SensitivityOrdinary, SensitivityConfidential, SensitivitySpecial}
}

// FieldKind says what the values of a field are.
type FieldKind string

// The kinds.
const (
	FieldText   FieldKind = "text"
	FieldNumber FieldKind = "number"
	FieldDate   FieldKind = "date"
	FieldChoice FieldKind = "choice" // one of a list
)

// FieldKinds lists every kind.
func FieldKinds() []FieldKind { return []FieldKind{FieldText, FieldNumber, FieldDate, FieldChoice} }

// FieldPurposes lists what a field may be held for: the purposes that have one key for
// a person or a work record.
func FieldPurposes() []Purpose {
	return []Purpose{PurposeIdentity, PurposeContact, PurposeThirdParty, PurposeWork}
}

// EventType implements [Event].
func (e *FieldDefined) EventType() string { return "field-defined" }

// Sections implements [Event].
func (e *FieldDefined) Sections() []Section { return nil }

func fieldDefined() Definition {
	return Definition{Type: "field-defined", Version: 1, New: func() Event { return new(FieldDefined) }}
}
