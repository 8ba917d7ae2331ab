package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SessionPlanned says when a class meets once. The local times are what the timetable
// says; the instants are what they were taken to mean in the zone of the site.
//
// History: v1 is the first version.
type SessionPlanned struct {
	SessionID   uuid.UUID `json:"session_id"`
	ClassID     uuid.UUID `json:"class_id"`
	Zone        string    `json:"zone"`
	StartsLocal string    `json:"starts_local"` // 2006-01-02 15:04, by the clock on the wall
	EndsLocal   string    `json:"ends_local"`
	StartsAt    time.Time `json:"starts_at"`
	EndsAt      time.Time `json:"ends_at"`
	PlannedAt   time.Time `json:"planned_at"`
	PlannedBy   uuid.UUID `json:"planned_by"`
}

// EventType implements [Event].
func (e *SessionPlanned) EventType() string { return "session-planned" }

// Sections implements [Event].
func (e *SessionPlanned) Sections() []Section { return nil }

func sessionPlanned() Definition {
	return Definition{Type: "session-planned", Version: 1, New: func() Event { return new(SessionPlanned) }}
}
