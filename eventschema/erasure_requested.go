package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureRequested opens an erasure case for a whole person.
//
// History: v1 is the first version.
type ErasureRequested struct {
	CaseID      uuid.UUID    `json:"case_id"`
	PersonID    uuid.UUID    `json:"person_id"`
	Scope       ErasureScope `json:"scope"`
	RequestedAt time.Time    `json:"requested_at"`
	RequestedBy uuid.UUID    `json:"requested_by"`
	// ClaimHash is the SHA-256, in hex, of the claim code given to the person.
	// It lets them show later that a certificate is theirs.
	ClaimHash string `json:"claim_hash"`

	// WorkID is sealed under the identity key that the case will destroy, so the
	// case can find the work record's keys and nobody can afterwards.
	WorkID Personal `json:"-"`
}

// ErasureScope says how much a case erases.
type ErasureScope string

// ScopePerson erases everything not retained on a legal ground. Narrower scopes
// come with the full erasure machine.
const ScopePerson ErasureScope = "person"

// EventType implements [Event].
func (e *ErasureRequested) EventType() string { return "erasure-requested" }

// Sections implements [Event].
func (e *ErasureRequested) Sections() []Section {
	return []Section{{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{{"work_id", &e.WorkID}}}}
}

func erasureRequested() Definition {
	return Definition{Type: "erasure-requested", Version: 1, New: func() Event { return new(ErasureRequested) }}
}
