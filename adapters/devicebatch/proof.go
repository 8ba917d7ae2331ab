package devicebatch

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/google/uuid"
)

// proofDomain begins what a device signs to be listened to.
const proofDomain = "tracekeep device batch proof v1\x00"

// proofBytes is the length of a proof: a SHA-256 and a signature.
const proofBytes = sha256.Size + ed25519.SignatureSize

// Proof shows in a header that a device sealed a batch, so that nobody else can make
// a server read a long one. It opens nothing: the batch carries its own signature.
type Proof [proofBytes]byte

// Prove makes the proof of a batch that was sealed.
func (s Sealed) Prove(device uuid.UUID, signer ed25519.PrivateKey) Proof {
	digest := sha256.Sum256(s.Sealed)
	var p Proof
	copy(p[:], digest[:])
	copy(p[len(digest):], ed25519.Sign(signer, proven(device, digest[:])))
	return p
}

// String is the proof as the header has it: base64, 128 characters.
func (p Proof) String() string { return base64.StdEncoding.EncodeToString(p[:]) }

// ParseProof reads the value of the header, or answers [ErrSignature].
func ParseProof(text string) (Proof, error) {
	var p Proof
	if len(text) != base64.StdEncoding.EncodedLen(proofBytes) {
		return p, ErrSignature
	}
	read, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(read) != proofBytes { // the decoder passes over line breaks
		return p, ErrSignature
	}
	copy(p[:], read)
	return p, nil
}

// Verify says whether the key of a device signed the proof, else [ErrSignature].
func (p Proof) Verify(device uuid.UUID, key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, proven(device, p[:sha256.Size]), p[sha256.Size:]) {
		return ErrSignature
	}
	return nil
}

// Of says whether the proof is of this batch, else [ErrSignature].
func (p Proof) Of(s Sealed) error {
	digest := sha256.Sum256(s.Sealed)
	if subtle.ConstantTimeCompare(digest[:], p[:sha256.Size]) != 1 {
		return ErrSignature
	}
	return nil
}

func proven(device uuid.UUID, digest []byte) []byte {
	text := append([]byte(proofDomain), device[:]...)
	return append(text, digest...)
}
