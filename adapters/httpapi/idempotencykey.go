package httpapi

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// maxKey is the longest Idempotency-Key that is kept.
const maxKey = 255

var (
	errKeyMissing   = errors.New("no Idempotency-Key")
	errKeyMalformed = errors.New("Idempotency-Key is not one quoted string")
)

// parseIdempotencyKey reads the header of draft-ietf-httpapi-idempotency-key-header-07:
// one structured-field string (RFC 8941 § 3.3.3) in quotes, without parameters.
func parseIdempotencyKey(header http.Header) (string, error) {
	lines := header.Values("Idempotency-Key")
	if len(lines) == 0 {
		return "", errKeyMissing
	}
	if len(lines) > 1 {
		return "", errKeyMalformed
	}
	line := strings.Trim(lines[0], " \t")
	if len(line) < 2 || line[0] != '"' || line[len(line)-1] != '"' {
		return "", errKeyMalformed
	}
	inner := line[1 : len(line)-1]
	var key strings.Builder
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		switch {
		case c < 0x20 || c > 0x7e || c == '"':
			return "", errKeyMalformed
		case c == '\\':
			if i++; i == len(inner) || inner[i] != '"' && inner[i] != '\\' {
				return "", errKeyMalformed
			}
			c = inner[i]
		}
		key.WriteByte(c)
	}
	if key.Len() == 0 || key.Len() > maxKey {
		return "", errKeyMalformed
	}
	return key.String(), nil
}

// fingerprint is what makes two requests the same: method, path, principal and
// the canonical body. Each part is preceded by its length.
func fingerprint(method, path string, principal uuid.UUID, precondition string, canonical []byte) [32]byte {
	hash := sha256.New()
	for _, part := range [][]byte{[]byte(method), []byte(path), principal[:], []byte(precondition), canonical} {
		n := len(part)
		hash.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		hash.Write(part)
	}
	return [32]byte(hash.Sum(nil))
}
