package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// ErasureCertified carries a certificate of a case. The effective one says that
// no process uses a destroyed key later than it says; the final one that no
// older copy of the key store opens anything either, because the epochs that
// wrapped the keys are retired. Certificate is a signed note; its text is JSON
// that identifies nobody.
//
// History:
//   - v1 knew the effective certificate only.
//   - v2 says which of the two it is.
type ErasureCertified struct {
	CaseID      uuid.UUID       `json:"case_id"`
	PersonID    uuid.UUID       `json:"person_id,omitzero"`
	Kind        CertificateKind `json:"kind"`
	CertifiedAt time.Time       `json:"certified_at"`
	// Leaf and Position are the place in the trail of the destruction it certifies.
	Leaf        uint64 `json:"leaf"`
	Position    uint64 `json:"position"`
	Certificate string `json:"certificate"`
}

// CertificateKind says how far an erasure reaches.
type CertificateKind string

// The kinds, in the order in which a case gets them.
const (
	CertificateEffective CertificateKind = "effective"
	CertificateFinal     CertificateKind = "final"
)

// EventType implements [Event].
func (e *ErasureCertified) EventType() string { return "erasure-certified" }

// Sections implements [Event].
func (e *ErasureCertified) Sections() []Section { return nil }

type erasureCertifiedV1 struct {
	CaseID      uuid.UUID `json:"case_id"`
	PersonID    uuid.UUID `json:"person_id"`
	CertifiedAt time.Time `json:"certified_at"`
	Leaf        uint64    `json:"leaf"`
	Position    uint64    `json:"position"`
	Certificate string    `json:"certificate"`
}

func erasureCertified() Definition {
	return Definition{
		Type: "erasure-certified", Version: 2, New: func() Event { return new(ErasureCertified) },
		Upcasts: map[int]Upcast{1: {Data: upcastErasureCertifiedV1}},
	}
}

func upcastErasureCertifiedV1(data json.RawMessage) (json.RawMessage, error) {
	var old erasureCertifiedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(ErasureCertified{
		CaseID: old.CaseID, PersonID: old.PersonID, Kind: CertificateEffective, CertifiedAt: old.CertifiedAt,
		Leaf: old.Leaf, Position: old.Position, Certificate: old.Certificate,
	})
}
