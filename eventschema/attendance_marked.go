package eventschema

import (
	"strconv"
	"time"

	"github.com/google/uuid"
)

// CategoryAttendance is the category of streams of marks.
const CategoryAttendance = "attendance"

// AttendanceStream holds the marks of one work record for the sessions that begin in
// one calendar year (UTC).
func AttendanceStream(tenant, work uuid.UUID, startsAt time.Time) StreamName {
	return StreamName{Category: CategoryAttendance, Tenant: tenant, ID: work, Period: strconv.Itoa(startsAt.UTC().Year())}
}

// AttendanceMarked says how a student attended one session. A mark is never edited: a
// later one for the same session names the mark it corrects, and why.
//
// History: v1 is the first version.
type AttendanceMarked struct {
	MarkID      uuid.UUID  `json:"mark_id"`
	SessionID   uuid.UUID  `json:"session_id"`
	ClassID     uuid.UUID  `json:"class_id"`
	WorkID      uuid.UUID  `json:"work_id"`
	StartsAt    time.Time  `json:"starts_at"` // of the session, as planned when the mark was made
	State       MarkState  `json:"state"`
	LateMinutes int        `json:"late_minutes"` // 0 unless late
	Corrects    uuid.UUID  `json:"corrects,omitzero"`
	Reason      MarkReason `json:"reason,omitempty"` // of a correction
	MarkedAt    time.Time  `json:"marked_at"`
	MarkedBy    uuid.UUID  `json:"marked_by"`
}

// MarkState is how somebody attended.
type MarkState string

// The states.
const (
	MarkPresent MarkState = "present"
	MarkAbsent  MarkState = "absent"
	MarkLate    MarkState = "late"
	MarkExcused MarkState = "excused" // absent with leave
)

// MarkStates lists every state.
func MarkStates() []MarkState { return []MarkState{MarkPresent, MarkAbsent, MarkLate, MarkExcused} }

// MarkReason is why a mark was corrected. The list is closed, so that no free text
// about a person enters the skeleton.
type MarkReason string

// The reasons.
const (
	ReasonArrived      MarkReason = "arrived_after_all" // marked absent, and came
	ReasonExcusedSince MarkReason = "excused_since"     // leave was given or proved afterwards
	ReasonNotExcused   MarkReason = "not_excused"       // the leave was not given, or taken back
	ReasonWrongMark    MarkReason = "wrong_mark"        // pressed by mistake
	ReasonWrongStudent MarkReason = "wrong_student"     // meant somebody else
)

// MarkReasons lists every reason.
func MarkReasons() []MarkReason {
	return []MarkReason{ReasonArrived, ReasonExcusedSince, ReasonNotExcused, ReasonWrongMark, ReasonWrongStudent}
}

// EventType implements [Event].
func (e *AttendanceMarked) EventType() string { return "attendance-marked" }

// Sections implements [Event]. People appear as work ids only.
func (e *AttendanceMarked) Sections() []Section { return nil }

// StoredID makes the mark id the id of its event.
func (e *AttendanceMarked) StoredID() uuid.UUID { return e.MarkID }

func attendanceMarked() Definition {
	return Definition{Type: "attendance-marked", Version: 1, New: func() Event { return new(AttendanceMarked) }}
}
