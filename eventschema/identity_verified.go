package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// IdentityVerified says that whoever asked was shown to be the person the case is
// about. Before it nothing of a case is decided or released (GDPR Art. 12(6),
// promise RR-31). It names how, and nothing that was shown.
//
// History: v1 is the first version.
type IdentityVerified struct {
	CaseID     uuid.UUID      `json:"case_id"`
	VerifiedAt time.Time      `json:"verified_at"`
	VerifiedBy uuid.UUID      `json:"verified_by"`
	Method     IdentityMethod `json:"method"`
}

// IdentityMethod says how an identity was verified.
type IdentityMethod string

// The methods.
const (
	IdentityInPerson      IdentityMethod = "in_person"
	IdentityDocument      IdentityMethod = "document"
	IdentityKnownContact  IdentityMethod = "known_contact" // answered at an address that was on record before
	IdentityAuthenticated IdentityMethod = "authenticated" // signed in
	IdentityNobodyAsked   IdentityMethod = "nobody_asked"  // a clock opened the case
)

// IdentityMethods lists what an officer may state.
func IdentityMethods() []IdentityMethod {
	return []IdentityMethod{IdentityInPerson, IdentityDocument, IdentityKnownContact, IdentityAuthenticated}
}

// EventType implements [Event].
func (e *IdentityVerified) EventType() string { return "identity-verified" }

// Sections implements [Event].
func (e *IdentityVerified) Sections() []Section { return nil }

func identityVerified() Definition {
	return Definition{Type: "identity-verified", Version: 1, New: func() Event { return new(IdentityVerified) }}
}
