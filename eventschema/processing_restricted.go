package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ProcessingRestricted says that a person's values are stored and opened for
// legal claims and audits only (GDPR Art. 18, promise RR-28). An objection (Art. 21,
// promise RR-27) restricts until it is decided.
//
// History: v1 is the first version.
type ProcessingRestricted struct {
	CaseID       uuid.UUID         `json:"case_id"`
	PersonID     uuid.UUID         `json:"person_id"`
	Ground       RestrictionGround `json:"ground"`
	RequestedAt  time.Time         `json:"requested_at"`
	RestrictedAt time.Time         `json:"restricted_at"`
	RestrictedBy uuid.UUID         `json:"restricted_by"`

	// WorkID lets the restriction cover the work record too.
	WorkID Personal `json:"-"`
}

// RestrictionGround says why processing is restricted.
type RestrictionGround string

// The grounds.
const (
	RestrictionAccuracy  RestrictionGround = "accuracy_contested" // Art. 18(1)(a)
	RestrictionUnlawful  RestrictionGround = "unlawful"           // Art. 18(1)(b): restricted instead of erased
	RestrictionClaims    RestrictionGround = "legal_claims"       // Art. 18(1)(c): the person needs the values
	RestrictionObjection RestrictionGround = "objection"          // Art. 18(1)(d) and 21(1)
)

// RestrictionGrounds lists every ground.
func RestrictionGrounds() []RestrictionGround {
	return []RestrictionGround{RestrictionAccuracy, RestrictionUnlawful, RestrictionClaims, RestrictionObjection}
}

// EventType implements [Event].
func (e *ProcessingRestricted) EventType() string { return "processing-restricted" }

// Sections implements [Event].
func (e *ProcessingRestricted) Sections() []Section {
	return []Section{{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{{"work_id", &e.WorkID}}}}
}

func processingRestricted() Definition {
	return Definition{Type: "processing-restricted", Version: 1, New: func() Event { return new(ProcessingRestricted) }}
}
