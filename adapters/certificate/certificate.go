// Package certificate is the format of erasure certificates: the JSON that is
// signed, its reader, and its printed form.
//
// A certificate says what was destroyed, what was kept, why and until when, since
// when no process uses what was destroyed, what it does not cover, and where the
// destruction stands in the log. It identifies nobody: whoever holds the claim
// code, whose hash it carries, can show that it is about them.
//
// What is signed is the text that [Certificate.Text] writes, as a note with the
// key of the trail. Signing and checking the signature are not this package's.
package certificate

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// The formats. Version 1 was written by the first release and stays readable.
const (
	TypeV1 = "tracekeep-erasure-certificate/v1"
	TypeV2 = "tracekeep-erasure-certificate/v2"
)

// Certificate is what a certificate says.
type Certificate struct {
	Type        string                      `json:"type"`
	Kind        eventschema.CertificateKind `json:"kind"`
	Case        uuid.UUID                   `json:"case"`
	Origin      eventschema.ErasureOrigin   `json:"origin"`
	Scope       eventschema.ErasureScope    `json:"scope"`
	Purposes    []eventschema.Purpose       `json:"purposes,omitempty"` // of a case about purposes
	RequestedAt time.Time                   `json:"requested_at"`
	DestroyedAt time.Time                   `json:"destroyed_at"`
	// EffectiveFrom is when the last process that could have used a destroyed key
	// had stopped, or must have.
	EffectiveFrom time.Time `json:"effective_from"`
	// FinalFrom is, in a final certificate, when every older copy of the key store
	// had become noise; FinalBy is, in an effective one, when that will have
	// happened at the latest.
	FinalFrom   *time.Time                 `json:"final_from,omitempty"`
	FinalBy     *time.Time                 `json:"final_not_later_than,omitempty"`
	CertifiedAt time.Time                  `json:"certified_at"`
	Keys        []eventschema.DestroyedKey `json:"keys"`
	Lookups     int                        `json:"lookups_removed"`
	Files       int                        `json:"files_deleted,omitempty"` // sealed photos and documents, whose keys are among these
	Retained    []eventschema.Retained     `json:"retained"`
	Caches      Caches                     `json:"caches"`
	Probes      Probes                     `json:"probes"`
	Recipients  Recipients                 `json:"recipients"`
	Epochs      []eventschema.RetiredEpoch `json:"epochs,omitempty"` // of a final certificate
	NotCovered  []string                   `json:"not_covered"`
	ClaimHash   string                     `json:"claim_hash,omitempty"`
	Place       Place                      `json:"trail"`
}

// Caches says how it is known that no process uses a destroyed key.
type Caches struct {
	Acknowledged int       `json:"acknowledged"` // processes that said so
	Silent       int       `json:"silent"`       // processes that did not, and whose time to use a key without asking is over
	BoundedBy    time.Time `json:"bounded_by"`
}

// Probes says what was found by looking, after the destruction.
type Probes struct {
	Credentials eventschema.VerifierCredentials `json:"credentials"`
	Tried       int                             `json:"envelopes_tried"`
	Erased      int                             `json:"envelopes_erased"`
	Keys        int                             `json:"keys_left"`
	Lookups     int                             `json:"lookups_left"`
}

// Recipients counts whom the values had been disclosed to.
type Recipients struct {
	Listed int `json:"listed"`
	Told   int `json:"told"` // or shown to be out of reach
}

// Place is where the destruction stands in the log, with the proof.
type Place struct {
	Origin     string   `json:"origin"`
	Position   uint64   `json:"position"`
	Leaf       uint64   `json:"leaf"`
	LeafHash   string   `json:"leaf_hash"` // base64
	Size       uint64   `json:"size"`
	Hashes     []string `json:"hashes"`     // base64, from the leaf towards the root
	Checkpoint string   `json:"checkpoint"` // a signed note
}

// Text is what is signed.
func (c Certificate) Text() (string, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the certificate: %w", err)
	}
	return string(text) + "\n", nil
}

// HashClaim is the hash that a certificate carries of a claim code. Spaces and
// hyphens do not count, nor does the case of letters: a code is written down by
// hand.
func HashClaim(code string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "", "\r", "", "\n", "").Replace(code))))
	return hex.EncodeToString(sum[:])
}

// Claims says whether a claim code belongs to the certificate.
func (c Certificate) Claims(code string) bool {
	return c.ClaimHash != "" && subtle.ConstantTimeCompare([]byte(HashClaim(code)), []byte(c.ClaimHash)) == 1
}
