package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// EnrolmentEnded says from which day on somebody belongs to a class no longer. The day
// may lie ahead. Said again it corrects the day.
//
// History: v1 is the first version.
type EnrolmentEnded struct {
	EnrolmentID uuid.UUID    `json:"enrolment_id"`
	ClassID     uuid.UUID    `json:"class_id"`
	WorkID      uuid.UUID    `json:"work_id"`
	EndsOn      string       `json:"ends_on"` // 2006-01-02, the first day without the enrolment
	Reason      EnrolmentEnd `json:"reason"`
	EndedAt     time.Time    `json:"ended_at"`
	EndedBy     uuid.UUID    `json:"ended_by"`
}

// EnrolmentEnd is why an enrolment ends. The list is closed, so that no free text about
// a person enters the skeleton.
type EnrolmentEnd string

// The reasons.
const (
	EndAsPlanned EnrolmentEnd = "as_planned"        // the day was known when it was opened
	EndWithdrawn EnrolmentEnd = "withdrawn"         // the person left the class
	EndMoved     EnrolmentEnd = "moved"             // to another class
	EndBySource  EnrolmentEnd = "removed_by_source" // the school's own program removed it
	EndByMistake EnrolmentEnd = "entered_by_mistake"
)

// EnrolmentEnds lists every reason.
func EnrolmentEnds() []EnrolmentEnd {
	return []EnrolmentEnd{EndAsPlanned, EndWithdrawn, EndMoved, EndBySource, EndByMistake}
}

// EventType implements [Event].
func (e *EnrolmentEnded) EventType() string { return "enrolment-ended" }

// Sections implements [Event]. People appear as work ids only.
func (e *EnrolmentEnded) Sections() []Section { return nil }

func enrolmentEnded() Definition {
	return Definition{Type: "enrolment-ended", Version: 1, New: func() Event { return new(EnrolmentEnded) }}
}
