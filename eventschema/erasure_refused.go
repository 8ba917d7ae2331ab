package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureRefused ends a case with a no that the person is told, with its ground
// and how to complain about it (GDPR Art. 12(4), promise OT-22).
//
// History: v1 is the first version.
type ErasureRefused struct {
	CaseID    uuid.UUID     `json:"case_id"`
	RefusedAt time.Time     `json:"refused_at"`
	RefusedBy uuid.UUID     `json:"refused_by"`
	Ground    RefusalGround `json:"ground"`
}

// RefusalGround says why an erasure is refused.
type RefusalGround string

// The grounds: those of GDPR Art. 17(3) and 12, and of CCPA regulations § 7060.
const (
	RefusalUnverified  RefusalGround = "identity_not_verified"
	RefusalLegalDuty   RefusalGround = "legal_duty"       // Art. 17(3)(b)
	RefusalLegalClaims RefusalGround = "legal_claims"     // Art. 17(3)(e)
	RefusalExpression  RefusalGround = "expression"       // Art. 17(3)(a)
	RefusalArchiving   RefusalGround = "public_interest"  // Art. 17(3)(c), (d)
	RefusalExcessive   RefusalGround = "excessive"        // Art. 12(5)
	RefusalNotOurs     RefusalGround = "not_a_controller" // somebody else decides about these values
)

// RefusalGrounds lists what an officer may state.
func RefusalGrounds() []RefusalGround {
	return []RefusalGround{
		RefusalUnverified, RefusalLegalDuty, RefusalLegalClaims, RefusalExpression, RefusalArchiving, RefusalExcessive, RefusalNotOurs,
	}
}

// EventType implements [Event].
func (e *ErasureRefused) EventType() string { return "erasure-refused" }

// Sections implements [Event].
func (e *ErasureRefused) Sections() []Section { return nil }

func erasureRefused() Definition {
	return Definition{Type: "erasure-refused", Version: 1, New: func() Event { return new(ErasureRefused) }}
}
