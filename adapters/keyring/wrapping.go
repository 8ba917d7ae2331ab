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
	wrapping    = nonceSize + tagSize // what one wrapping adds
	wrappedSize = keySize + wrapping
	itemSize    = wrappedSize + wrapping // an item key, wrapped twice

	dekLabel        = "tracekeep dek v1"
	itemLabel       = "tracekeep item key v1"
	epochKEKLabel   = "tracekeep epoch kek v1"
	epochIndexLabel = "tracekeep epoch index v1"
	checkLabel      = "tracekeep key check v1"
)

// Ref names the key of one subject for one purpose, as fine as the register
// wants it. Period is the month of a location key or a note (2026-03), the day of a
// technical key (2026-03-05), and empty for every other purpose. Item names one
// photo, document or note; nil is the key that wraps its items: of a note, that of
// its author and month.
type Ref struct {
	Tenant, Subject uuid.UUID
	Purpose         eventschema.Purpose
	Period          string
	Item            uuid.UUID
}

// parent is the key that wraps an item.
func (r Ref) parent() Ref {
	r.Item = uuid.Nil
	return r
}

// dekAAD binds a wrapped key to its place: a row moved to another tenant,
// subject, purpose, period, item, generation or epoch does not unwrap.
func dekAAD(ref Ref, keyID uuid.UUID, generation, epoch int) []byte {
	b := appendField(nil, dekLabel)
	b = appendNumber(b, epoch)
	b = appendID(b, keyID)
	b = appendID(b, ref.Tenant)
	b = appendID(b, ref.Subject)
	b = appendField(b, string(ref.Purpose))
	b = appendField(b, ref.Period)
	b = appendNumber(b, generation)
	if ref.Item != uuid.Nil {
		b = appendID(b, ref.Item)
	}
	return b
}

// itemAAD binds an item key to the key that wraps it. The epoch is not in it: a
// new epoch renews the outer wrapping and needs no other key for that.
func itemAAD(ref Ref, keyID, parent uuid.UUID, generation int) []byte {
	b := appendField(nil, itemLabel)
	b = appendID(b, parent)
	b = appendID(b, keyID)
	b = appendID(b, ref.Tenant)
	b = appendID(b, ref.Subject)
	b = appendField(b, string(ref.Purpose))
	b = appendID(b, ref.Item)
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

// wrap seals a key under another: nonce 12 | ciphertext | tag 16.
func wrap(under cipher.AEAD, random io.Reader, key, aad []byte) ([]byte, error) {
	out := make([]byte, nonceSize, len(key)+wrapping)
	if _, err := io.ReadFull(random, out); err != nil {
		return nil, fmt.Errorf("read a nonce: %w", err)
	}
	return under.Seal(out, out, key, aad), nil
}

func unwrap(under cipher.AEAD, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) != wrappedSize && len(wrapped) != itemSize {
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
