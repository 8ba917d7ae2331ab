package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/field"
)

// Fields keeps values of people that the tenant defines itself. Errors: *Refusal (its
// pointer names the field at fault, its message never the value), *Erased, ErrNotFound,
// ErrStale, ErrConflict, ErrUnavailable.
type Fields interface {
	// DefinedFields lists the fields by code, those that are retired included.
	DefinedFields(ctx context.Context, by Principal) ([]FieldDefinition, error)
	SteerField(ctx context.Context, intent Intent, command field.Command) (Receipt, error)
	// SetPersonFields changes the values that it names and leaves the others.
	// Intent.IfRevision is about the person's stream, wherever a value goes. Who may
	// only what is their own sets nothing that is held for work.
	SetPersonFields(ctx context.Context, intent Intent, setting FieldSetting) (Receipt, error)
	// PersonFields opens the values of one person in every field in which there may be
	// any, by code. Of a field that is not for this reader the state is sealed, whether
	// or not there is a value. ground is why values of special categories are read, or
	// empty. Revision is that of the person's stream.
	PersonFields(ctx context.Context, by Principal, person uuid.UUID, ground field.Ground) (PersonFieldsView, error)
}

// FieldDefinition is a field as it stands.
type FieldDefinition struct {
	field.Field
	DefinedAt time.Time
	RetiredAt *time.Time
}

// FieldSetting is values of one person as they are wanted; an absent one clears.
type FieldSetting struct {
	PersonID uuid.UUID
	Values   field.Values
	Reason   string // a code
	At       time.Time
}

// PersonFieldsView is what one reader may see of one person's fields.
type PersonFieldsView struct {
	PersonID uuid.UUID
	Revision uint64
	Fields   []FieldView
}

// FieldView is one field of one person.
type FieldView struct {
	FieldDefinition
	Value Personal
}

// Values lists what is personal.
func (view PersonFieldsView) Values() []Personal {
	values := make([]Personal, len(view.Fields))
	for i := range view.Fields {
		values[i] = view.Fields[i].Value
	}
	return values
}
