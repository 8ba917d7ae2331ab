package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftRescheduled says that a shift that nobody is assigned to is at another time.
// Whatever was offered, declined or bid for the time before is over.
//
// History: v1 is the first version.
type ShiftRescheduled struct {
	ShiftID       uuid.UUID `json:"shift_id"`
	Zone          string    `json:"zone"`
	StartsLocal   string    `json:"starts_local"`
	EndsLocal     string    `json:"ends_local"`
	StartsAt      time.Time `json:"starts_at"`
	EndsAt        time.Time `json:"ends_at"`
	RescheduledAt time.Time `json:"rescheduled_at"`
	RescheduledBy uuid.UUID `json:"rescheduled_by"`
}

// EventType implements [Event].
func (e *ShiftRescheduled) EventType() string { return "shift-rescheduled" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftRescheduled) Sections() []Section { return nil }

func shiftRescheduled() Definition {
	return Definition{Type: "shift-rescheduled", Version: 1, New: func() Event { return new(ShiftRescheduled) }}
}
