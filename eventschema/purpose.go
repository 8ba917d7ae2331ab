package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// Purpose is why a personal value is held. It decides which key seals it and
// therefore when it can be forgotten. Source of the list: design, keys and
// lifetimes.
type Purpose string

// The purposes in use. The granularity of the key is given behind each.
const (
	PurposeIdentity   Purpose = "identity"    // person
	PurposeContact    Purpose = "contact"     // person
	PurposeThirdParty Purpose = "third_party" // person
	PurposeWork       Purpose = "work"        // work id
	PurposeLocation   Purpose = "location"    // work id and month
)

// Purposes lists every purpose that an event of this release may use.
func Purposes() []Purpose {
	return []Purpose{PurposeIdentity, PurposeContact, PurposeThirdParty, PurposeWork, PurposeLocation}
}

// LocationPeriod is the period of the location key that covers an instant: the
// UTC month, as 2026-03.
func LocationPeriod(occurredAt time.Time) string { return occurredAt.UTC().Format("2006-01") }

// Coordinates say where a sealed section stands. They are authenticated with
// the ciphertext: a section moved to another person, stream, event or schema
// version does not open.
type Coordinates struct {
	Tenant        uuid.UUID
	Subject       uuid.UUID // person id or work id, as the purpose asks
	Purpose       Purpose
	Period        string // empty, or the month of a location key
	Stream        string
	EventID       uuid.UUID
	EventType     string // without version
	SchemaVersion int    // as stored, never as upcast
	Section       string
}
