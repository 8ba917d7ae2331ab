package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"unicode/utf8"

	"github.com/transparency-dev/merkle/rfc6962"

	"tracekeep/eventschema"
)

const (
	leafLabel = "tracekeep-leaf/v1"

	kindSalted   = 0x01
	kindUnsalted = 0x02

	leafBytes   = len(leafLabel) + 1 + 8 + sha256.Size
	saltEncoded = 44 // characters of standard base64 for SaltBytes bytes
)

// Hash is a leaf, node or root hash. In JSON and text it is standard base64.
type Hash [sha256.Size]byte

// String writes the hash in standard base64.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// MarshalText writes the hash in standard base64.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads exactly 32 bytes of canonical standard base64.
func (h *Hash) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) != len(h) || len(text) != saltEncoded {
		return fmt.Errorf("hash in base64: %w", ErrMalformed)
	}
	copy(h[:], raw)
	return nil
}

// LeafData is the content of the leaf that stands for an event, in the format
// of the package documentation. It is a pure function of the event as stored.
func LeafData(event eventschema.Recorded) []byte {
	kind, sum := commit(event)
	return leafData(kind, event.Position, sum)
}

// LeafHash is the RFC 6962 leaf hash of [LeafData].
func LeafHash(event eventschema.Recorded) Hash {
	kind, sum := commit(event)
	return leafHash(kind, event.Position, sum)
}

func leafData(kind byte, position uint64, commitment Hash) []byte {
	leaf := make([]byte, 0, leafBytes)
	leaf = append(leaf, leafLabel...)
	leaf = append(leaf, kind)
	leaf = binary.BigEndian.AppendUint64(leaf, position)
	return append(leaf, commitment[:]...)
}

func leafHash(kind byte, position uint64, commitment Hash) Hash {
	return Hash(rfc6962.DefaultHasher.HashLeaf(leafData(kind, position, commitment)))
}

// commit answers the kind of the leaf and the commitment. The position is not
// part of the commitment, so that an event found at another place is recognised.
func commit(event eventschema.Recorded) (byte, Hash) {
	kind := byte(kindUnsalted)
	salt := saltOf(event.Metadata)
	if salt != nil {
		kind = kindSalted
	}
	created := event.Created.Unix()*1e7 + int64(event.Created.Nanosecond()/100)

	fields := make([]byte, 0, 512)
	fields = appendField(fields, leafLabel)
	fields = appendField(fields, salt)
	fields = appendField(fields, event.ID[:])
	fields = appendField(fields, event.Stream)
	fields = appendNumber(fields, event.Revision)
	fields = appendField(fields, event.Type)
	fields = appendNumber(fields, uint64(created))
	fields = appendField(fields, event.ContentType)

	digest := sha256.New()
	digest.Write(fields)
	writeField(digest, event.Data)
	writeField(digest, event.Metadata)
	var sum Hash
	digest.Sum(sum[:0])
	return kind, sum
}

func appendField[T string | []byte](to []byte, value T) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(len(value)))
	return append(to, value...)
}

func appendNumber(to []byte, value uint64) []byte {
	to = binary.BigEndian.AppendUint64(to, 8)
	return binary.BigEndian.AppendUint64(to, value)
}

func writeField(digest hash.Hash, value []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(value)))
	digest.Write(length[:])
	digest.Write(value)
}

// saltOf answers nil unless the metadata carry a well-formed salt. It decodes
// into a map because a struct field would also match "Salt" and "SALT", which
// no other language's parser does.
func saltOf(metadata []byte) []byte {
	if !utf8.Valid(metadata) {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(metadata, &members) != nil {
		return nil
	}
	raw, found := members["salt"]
	if !found || raw[0] != '"' {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil || len(text) != saltEncoded {
		return nil
	}
	salt, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(salt) != eventschema.SaltBytes {
		return nil
	}
	return salt
}
