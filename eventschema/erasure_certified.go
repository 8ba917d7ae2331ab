package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureCertified carries the effective certificate of a case: no process uses
// a destroyed key later than the certificate says. Certificate is a signed note;
// its text is JSON that identifies nobody.
//
// History: v1 is the first version.
type ErasureCertified struct {
	CaseID      uuid.UUID `json:"case_id"`
	PersonID    uuid.UUID `json:"person_id"`
	CertifiedAt time.Time `json:"certified_at"`
	// Leaf and Position are the place in the trail of the destruction it certifies.
	Leaf        uint64 `json:"leaf"`
	Position    uint64 `json:"position"`
	Certificate string `json:"certificate"`
}

// EventType implements [Event].
func (e *ErasureCertified) EventType() string { return "erasure-certified" }

// Sections implements [Event].
func (e *ErasureCertified) Sections() []Section { return nil }

func erasureCertified() Definition {
	return Definition{Type: "erasure-certified", Version: 1, New: func() Event { return new(ErasureCertified) }}
}
