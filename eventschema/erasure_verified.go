package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureVerified says what was found by looking with other eyes: old envelopes
// were tried, and the key store was searched for what must not be there.
//
// History: v1 is the first version.
type ErasureVerified struct {
	CaseID      uuid.UUID           `json:"case_id"`
	VerifiedAt  time.Time           `json:"verified_at"`
	Credentials VerifierCredentials `json:"credentials"`
	Tried       int                 `json:"tried"`   // old envelopes
	Erased      int                 `json:"erased"`  // of these, how many answered erased
	Keys        int                 `json:"keys"`    // living keys of what was to be destroyed
	Lookups     int                 `json:"lookups"` // blind-index tokens that still find the person
}

// VerifierCredentials says with whose rights the verification looked.
type VerifierCredentials string

// The credentials.
const (
	CredentialsSeparate VerifierCredentials = "separate" // an account that can only read, with empty caches
	CredentialsSame     VerifierCredentials = "same"     // the account of the service, with empty caches
)

// EventType implements [Event].
func (e *ErasureVerified) EventType() string { return "erasure-verified" }

// Sections implements [Event].
func (e *ErasureVerified) Sections() []Section { return nil }

func erasureVerified() Definition {
	return Definition{Type: "erasure-verified", Version: 1, New: func() Event { return new(ErasureVerified) }}
}
