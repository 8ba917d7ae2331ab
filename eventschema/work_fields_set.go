package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// WorkFieldsSet is [PersonFieldsSet] for the fields that are held for work. It stands in
// the stream of the work record and goes with it.
//
// History: v1 is the first version.
type WorkFieldsSet struct {
	WorkID uuid.UUID `json:"work_id"`
	SetAt  time.Time `json:"set_at"`
	Reason string    `json:"reason"` // a reason code, never free text

	Work Personal `json:"-"`
}

// EventType implements [Event].
func (e *WorkFieldsSet) EventType() string { return "work-fields-set" }

// Sections implements [Event].
func (e *WorkFieldsSet) Sections() []Section {
	return []Section{{Name: "work", Purpose: PurposeWork, Subject: e.WorkID, Fields: []Field{{FieldsName, &e.Work}}}}
}

func workFieldsSet() Definition {
	return Definition{Type: "work-fields-set", Version: 1, New: func() Event { return new(WorkFieldsSet) }}
}
