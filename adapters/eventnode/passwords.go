package eventnode

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// longestPassword bounds what a caller may let the node hash.
const longestPassword = 1024

// cost is what one verification takes: memory in KiB, passes and lanes.
type cost struct {
	memory, passes uint32
	lanes          uint8
}

// usualCost is the least that OWASP recommends for argon2id with one pass: some
// 40 ms. A call pays it once a user, see users.login.
var usualCost = cost{memory: 46 << 10, passes: 1, lanes: 1}

// Bounds of what is read from a folder, so that a damaged one costs no more.
var (
	leastCost = cost{memory: 8 << 10, passes: 1, lanes: 1}
	mostCost  = cost{memory: 1 << 20, passes: 16, lanes: 16}
)

const (
	saltLen = 16
	tagLen  = 32
)

var errPasswordHash = errors.New("not a password hash")

// passwordHash is an argon2id hash. Its text is the usual one,
// $argon2id$v=19$m=…,t=…,p=…$salt$tag.
type passwordHash struct {
	cost
	salt, tag []byte
}

func hashPassword(password string, at cost) passwordHash {
	h := passwordHash{cost: at, salt: randomBytes(saltLen)}
	h.tag = h.derive(password)
	return h
}

// noPassword is a hash that no password is known to have.
func noPassword(at cost) passwordHash {
	return passwordHash{cost: at, salt: randomBytes(saltLen), tag: randomBytes(tagLen)}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails; it ends the process instead
	return b
}

func (h passwordHash) derive(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, tagLen)
}

// is takes the same time whatever the password is.
func (h passwordHash) is(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password), h.tag) == 1
}

func (h passwordHash) String() string {
	text := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		text.EncodeToString(h.salt), text.EncodeToString(h.tag))
}

func parsePasswordHash(text string) (passwordHash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return passwordHash{}, errPasswordHash
	}
	var h passwordHash
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return passwordHash{}, errPasswordHash
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.tag, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case err1 != nil, err2 != nil, len(h.salt) < saltLen/2, len(h.tag) != tagLen,
		h.memory < leastCost.memory, h.memory > mostCost.memory,
		h.passes < leastCost.passes, h.passes > mostCost.passes,
		h.lanes < leastCost.lanes, h.lanes > mostCost.lanes,
		h.String() != text: // one text for one hash
		return passwordHash{}, errPasswordHash
	}
	return h, nil
}
