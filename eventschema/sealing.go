package eventschema

import (
	"context"

	"github.com/google/uuid"
)

// Use is the purpose of use that a reader declares. Restricted values open only
// for UseLegalClaim and UseAudit.
type Use string

// The purposes of use.
const (
	UseService    Use = "service"     // the ordinary work of HR and of the person
	UseLegalClaim Use = "legal_claim" // establishing or defending a claim
	UseAudit      Use = "audit"       // checking the record
)

// Sealer seals sections. The key must exist: a sealer never makes one, because
// making a missing key would bring an erased person back.
type Sealer interface {
	Seal(ctx context.Context, at Coordinates, plaintext []byte) (envelope []byte, err error)
}

// Opening is the answer to opening one section. Plaintext is set only when
// State is StateClear; Case only when a case erased or restricted it.
type Opening struct {
	State     State
	Plaintext []byte
	Case      uuid.UUID
}

// Opener opens sections. An envelope that does not authenticate is an error
// (the record is corrupt) and stops a replay; every other outcome is a State.
type Opener interface {
	Open(ctx context.Context, at Coordinates, envelope []byte, use Use) (Opening, error)
}
