package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/google/uuid"
)

const blindLabel = "tracekeep blind index v1"

// tokenKeys holds the roots of the index keys of the living epochs, and
// remembers what was derived from them.
type tokenKeys struct {
	mu      sync.Mutex
	roots   map[int][]byte
	derived map[tokenScope][]byte
}

type tokenScope struct {
	epoch  int
	tenant uuid.UUID
	kind   string
}

// add takes the root of an epoch.
func (t *tokenKeys) add(epoch int, root []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.roots == nil {
		t.roots, t.derived = map[int][]byte{}, map[tokenScope][]byte{}
	}
	t.roots[epoch] = root
}

// keep overwrites and forgets the keys of every other epoch.
func (t *tokenKeys) keep(living []epoch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lives := map[int]bool{}
	for _, e := range living {
		lives[e.number] = true
	}
	for number, root := range t.roots {
		if !lives[number] {
			clear(root)
			delete(t.roots, number)
		}
	}
	for scope, key := range t.derived {
		if !lives[scope.epoch] {
			clear(key)
			delete(t.derived, scope)
		}
	}
}

// mac hashes under the lock, so that no key is overwritten while it is in use.
func (t *tokenKeys) mac(epoch int, tenant uuid.UUID, kind string, value []byte) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	scope := tokenScope{epoch, tenant, kind}
	key, ok := t.derived[scope]
	if !ok {
		root, living := t.roots[epoch]
		if !living {
			return nil, fmt.Errorf("epoch %d: %w", epoch, errUnknownEpoch)
		}
		label := appendField(appendID(appendField(nil, blindLabel), tenant), kind)
		var err error
		if key, err = hkdf.Key(sha256.New, root, nil, string(label), keySize); err != nil {
			return nil, err
		}
		t.derived[scope] = key
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(value)
	return mac.Sum(nil), nil
}

// root answers a copy of the root of an epoch.
func (t *tokenKeys) root(epoch int) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	root, ok := t.roots[epoch]
	return bytes.Clone(root), ok
}
