package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// LocationRecorded keeps the point at which a punch was made, for as long as
// the location consent and the month's key live. It is written only when a
// location consent was in force at OccurredAt (promise ST-10).
//
// History: v1 is the first version.
type LocationRecorded struct {
	PunchID    uuid.UUID `json:"punch_id"`
	WorkID     uuid.UUID `json:"work_id"`
	OccurredAt time.Time `json:"occurred_at"`

	Latitude       Personal `json:"-"` // decimal degrees, WGS 84
	Longitude      Personal `json:"-"` // decimal degrees, WGS 84
	AccuracyMetres Personal `json:"-"`
}

// EventType implements [Event].
func (e *LocationRecorded) EventType() string { return "location-recorded" }

// Sections implements [Event].
func (e *LocationRecorded) Sections() []Section {
	return []Section{{Name: "location", Purpose: PurposeLocation, Subject: e.WorkID, Period: LocationPeriod(e.OccurredAt), Fields: []Field{
		{"latitude", &e.Latitude}, {"longitude", &e.Longitude}, {"accuracy_metres", &e.AccuracyMetres},
	}}}
}

func locationRecorded() Definition {
	return Definition{Type: "location-recorded", Version: 1, New: func() Event { return new(LocationRecorded) }}
}
