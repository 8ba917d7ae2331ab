package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// WorkEnded says on which day the employment behind a work record ended. The
// retention of the record is counted from there (promise ST-36), long after
// nobody can tell any more whose record it is; so the day stands in the record's
// own stream. It is a day and not an instant: an instant would find the person's
// closing.
//
// History: v1 is the first version.
type WorkEnded struct {
	WorkID  uuid.UUID `json:"work_id"`
	EndedOn string    `json:"ended_on"` // a date, UTC
}

// EventType implements [Event].
func (e *WorkEnded) EventType() string { return "work-ended" }

// Sections implements [Event].
func (e *WorkEnded) Sections() []Section { return nil }

// Anchor is the instant from which retention is counted; the zero time for a date
// that is none.
func (e *WorkEnded) Anchor() time.Time {
	day, err := time.Parse(time.DateOnly, e.EndedOn)
	if err != nil {
		return time.Time{}
	}
	return day
}

func workEnded() Definition {
	return Definition{Type: "work-ended", Version: 1, New: func() Event { return new(WorkEnded) }}
}
