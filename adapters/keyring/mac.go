package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"
)

// Mac answers a keyed hash of a value, for recognising what was seen before
// without keeping something that confirms a guess to whoever reads it. Kind
// keeps uses apart. The key is that of the newest epoch: after a rotation the
// same value has another hash.
func (k *Keyring) Mac(tenant uuid.UUID, kind string, value []byte) ([sha256.Size]byte, error) {
	key, err := k.tokens.key(k.newest(), tenant, "mac "+kind)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("key of %s: %w", kind, err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(value)
	return [sha256.Size]byte(mac.Sum(nil)), nil
}
