package trail

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/transparency-dev/merkle/rfc6962"
)

// Hash is a leaf, node or root hash. In JSON and text it is standard base64.
type Hash [sha256.Size]byte

const hashEncoded = 44 // characters of standard base64 for a hash

// String writes the hash in standard base64.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// MarshalText writes the hash in standard base64.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads exactly 32 bytes of canonical standard base64.
func (h *Hash) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) != len(h) || len(text) != hashEncoded {
		return fmt.Errorf("hash in base64: %w", ErrMalformed)
	}
	copy(h[:], raw)
	return nil
}

// Join is the hash of the inner node above two others.
func Join(left, right Hash) Hash {
	return Hash(rfc6962.DefaultHasher.HashChildren(left[:], right[:]))
}

// EmptyRoot is the root of a log without leaves: the hash of nothing.
func EmptyRoot() Hash { return Hash(rfc6962.DefaultHasher.EmptyRoot()) }

// Reduce computes the root of a perfect subtree from its 2^n leaves.
func Reduce(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return Join(Reduce(hashes[:half]), Reduce(hashes[half:]))
}

func bytesOf(hashes []Hash) [][]byte {
	raw := make([][]byte, len(hashes))
	for i := range hashes {
		raw[i] = hashes[i][:]
	}
	return raw
}
