package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftCompleted closes a shift that is over with how it went, for each person who was
// assigned to it. There is no free text: whoever has more to say writes a note, which
// is sealed.
//
// History: v1 is the first version.
type ShiftCompleted struct {
	ShiftID      uuid.UUID     `json:"shift_id"`
	GraceVersion int           `json:"grace_version"` // of the rule that judged attendance
	Results      []ShiftResult `json:"results"`
	CompletedAt  time.Time     `json:"completed_at"`
	CompletedBy  uuid.UUID     `json:"completed_by"`
}

// ShiftResult is how it went with one person.
type ShiftResult struct {
	WorkID      uuid.UUID     `json:"work_id"`
	Attendance  Attendance    `json:"attendance"`
	LateMinutes int64         `json:"late_minutes"`
	Worked      int64         `json:"worked_minutes"` // within the shift
	Rating      QualityRating `json:"rating"`
}

// Attendance is how somebody came to a shift.
type Attendance string

// The ways. Pending is the answer while a shift is not over, and never stored.
const (
	AttendanceOnTime      Attendance = "on_time"
	AttendanceLate        Attendance = "late"
	AttendanceEarlyLeave  Attendance = "early_leave"
	AttendanceLateEarly   Attendance = "late_and_early_leave"
	AttendanceNoShow      Attendance = "no_show"
	AttendanceUnscheduled Attendance = "unscheduled"
	AttendancePending     Attendance = "pending"
	AttendanceNone        Attendance = "none" // of a task, for which nobody has to be there
)

// QualityRating is how well somebody did.
type QualityRating string

// The ratings.
const (
	RatingExceeds QualityRating = "exceeds"
	RatingMeets   QualityRating = "meets"
	RatingBelow   QualityRating = "below"
	RatingNone    QualityRating = "unrated"
)

// QualityRatings lists every rating.
func QualityRatings() []QualityRating {
	return []QualityRating{RatingExceeds, RatingMeets, RatingBelow, RatingNone}
}

// EventType implements [Event].
func (e *ShiftCompleted) EventType() string { return "shift-completed" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftCompleted) Sections() []Section { return nil }

func shiftCompleted() Definition {
	return Definition{Type: "shift-completed", Version: 1, New: func() Event { return new(ShiftCompleted) }}
}
