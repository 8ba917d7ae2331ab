package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftPlanned says that work is to be done at a site, by how many people and when.
// The local times are what the plan says; the instants are what they were taken to
// mean in the zone of the site, so that no later change of the zone's rules moves a
// shift that somebody agreed to.
//
// History: v1 is the first version.
type ShiftPlanned struct {
	ShiftID  uuid.UUID `json:"shift_id"`
	RosterID uuid.UUID `json:"roster_id,omitzero"` // of the weekly pattern it was made from
	Kind     ShiftKind `json:"kind"`
	Employer string    `json:"employer"` // code of who pays
	Site     string    `json:"site"`     // code

	Zone        string    `json:"zone"`         // IANA zone of the site
	StartsLocal string    `json:"starts_local"` // 2006-01-02 15:04, by the clock on the wall
	EndsLocal   string    `json:"ends_local"`
	StartsAt    time.Time `json:"starts_at"`
	EndsAt      time.Time `json:"ends_at"`

	Headcount     int       `json:"headcount"`
	Qualification string    `json:"qualification,omitempty"` // code of what everybody on it must have
	PlannedAt     time.Time `json:"planned_at"`
	PlannedBy     uuid.UUID `json:"planned_by"`
}

// ShiftKind says for whom a shift is worked.
type ShiftKind string

// The kinds. The hours of a detail, which somebody takes on voluntarily for a
// separate employer, are not hours of the agency (29 U.S.C. 207(p)(1)); a cap may
// count both. A task is something to be done between two instants, by people who are
// at work anyway: it takes up no time of its own.
const (
	ShiftDuty   ShiftKind = "duty"
	ShiftDetail ShiftKind = "detail"
	ShiftTask   ShiftKind = "task"
)

// ShiftKinds lists every kind.
func ShiftKinds() []ShiftKind { return []ShiftKind{ShiftDuty, ShiftDetail, ShiftTask} }

// EventType implements [Event].
func (e *ShiftPlanned) EventType() string { return "shift-planned" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftPlanned) Sections() []Section { return nil }

func shiftPlanned() Definition {
	return Definition{Type: "shift-planned", Version: 1, New: func() Event { return new(ShiftPlanned) }}
}
