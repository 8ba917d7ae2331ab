package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryClass is the category of streams of classes and their sessions.
const CategoryClass = "class"

// ClassStream holds one class and its sessions. Nobody of its people is named in it:
// who is enrolled and how they attended stands in streams of their own work record
// ([EnrolmentStream], [AttendanceStream]), and ends with that record.
func ClassStream(tenant, class uuid.UUID) StreamName {
	return StreamName{Category: CategoryClass, Tenant: tenant, ID: class}
}

// ClassDefined says that a course is taught as a class, by whom it is known to the
// program that told of it, and when it runs.
//
// The title is that of the course. The title of a class is not kept: schools write the
// teacher's name into it.
//
// History: v1 is the first version.
type ClassDefined struct {
	ClassID   uuid.UUID `json:"class_id"`
	Source    string    `json:"source"`    // name of the program whose id follows
	SourceID  string    `json:"source_id"` // of the class, in that program
	Code      string    `json:"code"`      // of the class, as the school writes it
	Course    string    `json:"course"`    // code
	Title     string    `json:"title"`     // of the course
	Site      string    `json:"site"`      // code of the school or centre
	Zone      string    `json:"zone"`      // IANA zone of the site
	StartsOn  string    `json:"starts_on"` // 2006-01-02; empty when nobody said
	EndsOn    string    `json:"ends_on"`   // the first day on which it is over; empty when nobody said
	DefinedAt time.Time `json:"defined_at"`
	DefinedBy uuid.UUID `json:"defined_by"`
}

// EventType implements [Event].
func (e *ClassDefined) EventType() string { return "class-defined" }

// Sections implements [Event].
func (e *ClassDefined) Sections() []Section { return nil }

func classDefined() Definition {
	return Definition{Type: "class-defined", Version: 1, New: func() Event { return new(ClassDefined) }}
}
