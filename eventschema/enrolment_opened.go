package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryEnrolment is the category of streams of who is enrolled.
const CategoryEnrolment = "enrolment"

// EnrolmentStream holds the enrolments of one work record, in whatever class.
func EnrolmentStream(tenant, work uuid.UUID) StreamName {
	return StreamName{Category: CategoryEnrolment, Tenant: tenant, ID: work}
}

// EnrolmentOpened says that somebody belongs to a class from a day on. Said again of
// an enrolment it corrects that day, and an end that was told before no longer holds.
//
// The id that the enrolment has in the school's own program is not kept: it is often
// made of the student's number.
//
// History: v1 is the first version.
type EnrolmentOpened struct {
	EnrolmentID uuid.UUID     `json:"enrolment_id"`
	ClassID     uuid.UUID     `json:"class_id"`
	WorkID      uuid.UUID     `json:"work_id"`
	Role        EnrolmentRole `json:"role"`
	BeginsOn    string        `json:"begins_on"` // 2006-01-02
	Source      Source        `json:"source"`
	OpenedAt    time.Time     `json:"opened_at"`
	OpenedBy    uuid.UUID     `json:"opened_by"`
}

// EnrolmentRole says as what somebody belongs to a class.
type EnrolmentRole string

// The roles. Attendance is marked of students.
const (
	RoleStudent       EnrolmentRole = "student"
	RoleTeacher       EnrolmentRole = "teacher"
	RoleAide          EnrolmentRole = "aide"
	RoleProctor       EnrolmentRole = "proctor"
	RoleAdministrator EnrolmentRole = "administrator"
)

// EnrolmentRoles lists every role.
func EnrolmentRoles() []EnrolmentRole {
	return []EnrolmentRole{RoleStudent, RoleTeacher, RoleAide, RoleProctor, RoleAdministrator}
}

// EventType implements [Event].
func (e *EnrolmentOpened) EventType() string { return "enrolment-opened" }

// Sections implements [Event]. People appear as work ids only.
func (e *EnrolmentOpened) Sections() []Section { return nil }

func enrolmentOpened() Definition {
	return Definition{Type: "enrolment-opened", Version: 1, New: func() Event { return new(EnrolmentOpened) }}
}
