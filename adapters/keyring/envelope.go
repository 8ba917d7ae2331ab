package keyring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// ErrCorrupt says that an envelope is malformed, was altered, or stands in
// another place than it was sealed for.
var ErrCorrupt = errors.New("the envelope does not authenticate")

// The envelope, source: keys and erasure design, section 3.
//
//	magic 1 | version 1 | alg 1 | key_id 16 | nonce 12 | ciphertext | tag 16
//	plaintext = uvarint(len) ‖ bytes ‖ zero padding to a bucket
const (
	envelopeMagic   = 0xE7
	envelopeVersion = 1
	algAES256GCM    = 1
	nonceSize       = 12
	tagSize         = 16
	headerSize      = 3 + 16 + nonceSize
	sectionLabel    = "tracekeep section v1"
)

// Buckets of 32 bytes hide the length of a short value and cost little; longer
// sections take buckets of 64.
const (
	shortBucket = 32
	longBucket  = 64
	shortLimit  = 256
)

// header is what stands before the ciphertext.
type header struct {
	keyID uuid.UUID
	nonce []byte
	body  []byte // ciphertext and tag
}

func parseEnvelope(envelope []byte) (header, error) {
	if len(envelope) < headerSize+shortBucket+tagSize {
		return header{}, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(envelope))
	}
	if envelope[0] != envelopeMagic || envelope[1] != envelopeVersion || envelope[2] != algAES256GCM {
		return header{}, fmt.Errorf("%w: unknown format %x", ErrCorrupt, envelope[:3])
	}
	h := header{nonce: envelope[19:headerSize], body: envelope[headerSize:]}
	copy(h.keyID[:], envelope[3:19])
	return h, nil
}

// padded is the bucket that n bytes fill.
func padded(n int) int {
	bucket := shortBucket
	if n > shortLimit {
		bucket = longBucket
	}
	return (n + bucket - 1) / bucket * bucket
}

// sealEnvelope seals in place, so that the plaintext exists only in the
// caller's buffer and, until it is overwritten, in the envelope's.
func sealEnvelope(key *entry, random io.Reader, at eventschema.Coordinates, plaintext []byte) ([]byte, error) {
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], uint64(len(plaintext)))
	size := headerSize + padded(n+len(plaintext))
	out := make([]byte, size, size+tagSize)
	out[0], out[1], out[2] = envelopeMagic, envelopeVersion, algAES256GCM
	copy(out[3:19], key.id[:])
	if _, err := io.ReadFull(random, out[19:headerSize]); err != nil {
		return nil, fmt.Errorf("read a nonce: %w", err)
	}
	copy(out[headerSize:], prefix[:n])
	copy(out[headerSize+n:], plaintext)
	aad := buffers.Get().(*[]byte)
	*aad = appendSectionAAD((*aad)[:0], key.id, at)
	out = key.aead.Seal(out[:headerSize], out[19:headerSize], out[headerSize:], *aad)
	buffers.Put(aad)
	return out, nil
}

func openEnvelope(key *entry, h header, at eventschema.Coordinates) ([]byte, error) {
	aad := buffers.Get().(*[]byte)
	*aad = appendSectionAAD((*aad)[:0], key.id, at)
	plain, err := key.aead.Open(nil, h.nonce, h.body, *aad)
	buffers.Put(aad)
	if err != nil {
		return nil, ErrCorrupt
	}
	return unpad(plain)
}

// unpad accepts exactly what sealEnvelope writes, so that one plaintext has one
// form.
func unpad(plain []byte) ([]byte, error) {
	length, n := binary.Uvarint(plain)
	if n <= 0 || length > uint64(len(plain)-n) {
		return nil, fmt.Errorf("%w: length prefix", ErrCorrupt)
	}
	var canonical [binary.MaxVarintLen64]byte
	end := n + int(length)
	if binary.PutUvarint(canonical[:], length) != n || padded(end) != len(plain) {
		return nil, fmt.Errorf("%w: length prefix", ErrCorrupt)
	}
	for _, b := range plain[end:] {
		if b != 0 {
			return nil, fmt.Errorf("%w: padding", ErrCorrupt)
		}
	}
	return plain[n:end:end], nil
}

// appendSectionAAD writes what is authenticated with a section. The period of a
// location key is not in it: the key id stands for the key, and the key is
// bound to its period by its own wrapping.
func appendSectionAAD(b []byte, keyID uuid.UUID, at eventschema.Coordinates) []byte {
	b = appendField(b, sectionLabel)
	b = appendField(b, string(rune(algAES256GCM)))
	b = appendID(b, keyID)
	b = appendID(b, at.Tenant)
	b = appendID(b, at.Subject)
	b = appendField(b, string(at.Purpose))
	b = appendField(b, at.Stream)
	b = appendID(b, at.EventID)
	b = appendField(b, at.EventType)
	b = appendNumber(b, at.SchemaVersion)
	return appendField(b, at.Section)
}

// appendField writes a field behind its length in four bytes, so that no two
// lists of fields have the same bytes.
func appendField(b []byte, field string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(id)))
	return append(b, id[:]...)
}

func appendNumber(b []byte, n int) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
