package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

const (
	keySize     = 32
	wrappedSize = nonceSize + keySize + tagSize

	dekLabel        = "tracekeep dek v1"
	epochKEKLabel   = "tracekeep epoch kek v1"
	epochIndexLabel = "tracekeep epoch index v1"
	checkLabel      = "tracekeep key check v1"
)

// Ref names the key of one subject for one purpose. Period is the month of a
// location key (2026-03) and empty for every other purpose.
type Ref struct {
	Tenant, Subject uuid.UUID
	Purpose         eventschema.Purpose
	Period          string
}

// dekAAD binds a wrapped key to its place: a row moved to another tenant,
// subject, purpose, period, generation or epoch does not unwrap.
func dekAAD(ref Ref, keyID uuid.UUID, generation, epoch int) []byte {
	b := appendField(nil, dekLabel)
	b = appendNumber(b, epoch)
	b = appendID(b, keyID)
	b = appendID(b, ref.Tenant)
	b = appendID(b, ref.Subject)
	b = appendField(b, string(ref.Purpose))
	b = appendField(b, ref.Period)
	return appendNumber(b, generation)
}

func epochAAD(label string, epoch int) []byte {
	return appendNumber(appendField(nil, label), epoch)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// wrap seals a key under another: nonce 12 | ciphertext 32 | tag 16.
func wrap(under cipher.AEAD, random io.Reader, key, aad []byte) ([]byte, error) {
	out := make([]byte, nonceSize, wrappedSize)
	if _, err := io.ReadFull(random, out); err != nil {
		return nil, fmt.Errorf("read a nonce: %w", err)
	}
	return under.Seal(out, out, key, aad), nil
}

func unwrap(under cipher.AEAD, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) != wrappedSize {
		return nil, fmt.Errorf("%w: a wrapped key has %d bytes", ErrCorrupt, len(wrapped))
	}
	return under.Open(nil, wrapped[:nonceSize], wrapped[nonceSize:], aad)
}

// checkValue lets a certificate name a key without saying anything about it: it
// is a keyed hash of a constant.
func checkValue(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, checkLabel)
	return mac.Sum(nil)[:16]
}
