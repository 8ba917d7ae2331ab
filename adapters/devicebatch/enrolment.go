package devicebatch

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"
)

// enrolmentDomain begins what a device signs when it enrols.
const enrolmentDomain = "tracekeep device enrolment v1\x00"

// SignEnrolment shows that whoever enrols a public key has the private one.
func SignEnrolment(device uuid.UUID, code string, signer ed25519.PrivateKey) []byte {
	return ed25519.Sign(signer, enrolment(device, code))
}

// VerifyEnrolment says whether the key signed its own enrolment.
func VerifyEnrolment(device uuid.UUID, code string, key ed25519.PublicKey, signature []byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, enrolment(device, code), signature) {
		return ErrSignature
	}
	return nil
}

func enrolment(device uuid.UUID, code string) []byte {
	text := append([]byte(enrolmentDomain), device[:]...)
	return append(text, code...)
}

// HashCode is how the code of an invitation is kept: it is drawn at random and long,
// so that its hash leads back to nothing.
func HashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
