package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// WorkOpened says that a work record was opened for somebody who is named only
// inside the sealed section. It stands in a stream of its own and shares no id
// with the person's registration, so that erasing the identity really cuts the
// link. The payroll name and employee number are what a lawful wage claim needs
// (29 CFR 516.2); they live as long as the work record and, once the identity
// is erased, open only for a legal claim or an audit.
//
// History: v1 is the first version.
type WorkOpened struct {
	WorkID   uuid.UUID `json:"work_id"`
	OpenedAt time.Time `json:"opened_at"`

	PayrollName    Personal `json:"-"`
	EmployeeNumber Personal `json:"-"`
}

// EventType implements [Event].
func (e *WorkOpened) EventType() string { return "work-opened" }

// Sections implements [Event].
func (e *WorkOpened) Sections() []Section {
	return []Section{{Name: "work", Purpose: PurposeWork, Subject: e.WorkID, Fields: []Field{
		{"payroll_name", &e.PayrollName}, {"employee_number", &e.EmployeeNumber},
	}}}
}

func workOpened() Definition {
	return Definition{Type: "work-opened", Version: 1, New: func() Event { return new(WorkOpened) }}
}
