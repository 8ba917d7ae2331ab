package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// Purpose is why a personal value is held. It decides which key seals it and
// therefore when it can be forgotten. [Register] says everything else about it.
type Purpose string

// The purposes in use.
const (
	PurposeIdentity   Purpose = "identity"
	PurposeContact    Purpose = "contact"
	PurposeThirdParty Purpose = "third_party"
	PurposeWork       Purpose = "work"
	PurposeLocation   Purpose = "location"
	PurposeMedia      Purpose = "media"
	PurposeNotes      Purpose = "notes"
	PurposeTechnical  Purpose = "technical"
	PurposeCase       Purpose = "case"
	PurposeExport     Purpose = "export"
)

// Purposes lists every purpose of the register, in its order.
func Purposes() []Purpose {
	register := Register()
	purposes := make([]Purpose, len(register))
	for i, activity := range register {
		purposes[i] = activity.Purpose
	}
	return purposes
}

// Activity answers what the register says of a purpose; ok is false for one
// that it does not know.
func Activity(purpose Purpose) (activity ProcessingActivity, ok bool) {
	for _, activity := range Register() {
		if activity.Purpose == purpose {
			return activity, true
		}
	}
	return ProcessingActivity{}, false
}

// KeysMade lists the purposes whose keys are made at a moment: what a
// registration makes comes from here and from nowhere else.
func KeysMade(at KeyMoment) []Purpose {
	var purposes []Purpose
	for _, activity := range Register() {
		if activity.KeyMade == at {
			purposes = append(purposes, activity.Purpose)
		}
	}
	return purposes
}

// LocationPeriod is the period of the location key that covers an instant: the
// UTC month, as 2026-03.
func LocationPeriod(occurredAt time.Time) string { return occurredAt.UTC().Format("2006-01") }

// NotesPeriod is the period of the key that wraps those of the texts written at an
// instant: the UTC month, as 2026-03.
func NotesPeriod(at time.Time) string { return at.UTC().Format("2006-01") }

// TechnicalPeriod is the period of the technical key that covers an instant:
// the UTC day, as 2026-03-05.
func TechnicalPeriod(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// Coordinates say where a sealed section stands. They are authenticated with
// the ciphertext: a section moved to another person, stream, event or schema
// version does not open.
type Coordinates struct {
	Tenant        uuid.UUID
	Subject       uuid.UUID // person id or work id, as the purpose asks
	Purpose       Purpose
	Period        string    // empty, or what the granularity of the purpose asks
	Item          uuid.UUID // of a photo, a document or a note with a key of its own, else nil
	Stream        string
	EventID       uuid.UUID
	EventType     string // without version
	SchemaVersion int    // as stored, never as upcast
	Section       string
}
