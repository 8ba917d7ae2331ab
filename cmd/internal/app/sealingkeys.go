package app

import (
	"context"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
)

// sealingKeptFor is how long a sealing key opens batches after another took its
// place: a device that was away for so long fetches the new one and seals again.
const sealingKeptFor = 90 * 24 * time.Hour

// errSealingKey refuses a batch that is sealed to a key that is not kept.
var errSealingKey = &httpapi.Refusal{
	Code: "unknown_sealing_key", Message: "the batch is sealed to a key that is not in use: fetch the sealing key and seal it again", Pointer: "/sealing_key",
}

// sealingKey is one key as the file has it, the newest last. See
// domain/decisions/0146.
type sealingKey struct {
	ID         string     `json:"id"`
	Secret     []byte     `json:"secret"` // X25519
	MadeAt     time.Time  `json:"made_at"`
	ReplacedAt *time.Time `json:"replaced_at,omitempty"`
}

func (k sealingKey) private() (*ecdh.PrivateKey, error) {
	private, err := ecdh.X25519().NewPrivateKey(k.Secret)
	if err != nil {
		return nil, fmt.Errorf("sealing key %s: %w", k.ID, err)
	}
	return private, nil
}

func (k sealingKey) view() (httpapi.SealingKeyView, error) {
	private, err := k.private()
	if err != nil {
		return httpapi.SealingKeyView{}, err
	}
	return httpapi.SealingKeyView{ID: k.ID, PublicKey: private.PublicKey().Bytes(), MadeAt: k.MadeAt}, nil
}

// SealingKey implements [httpapi.Batches].
func (a *App) SealingKey(context.Context) (httpapi.SealingKeyView, error) {
	keys, err := a.folder.sealingKeys()
	if err == nil && len(keys) == 0 {
		keys, err = a.changeSealingKeys(false)
	}
	if err != nil {
		return httpapi.SealingKeyView{}, err
	}
	return keys[len(keys)-1].view()
}

// RotateSealingKey makes a new sealing key. What was sealed to the one before opens
// for another 90 days; what is older is destroyed.
func (a *App) RotateSealingKey(context.Context) (httpapi.SealingKeyView, error) {
	keys, err := a.changeSealingKeys(true)
	if err != nil {
		return httpapi.SealingKeyView{}, err
	}
	return keys[len(keys)-1].view()
}

// openingKey finds the key that a batch is sealed to. The file is read every time:
// another process may have rotated the keys.
func (a *App) openingKey(id string) (*ecdh.PrivateKey, error) {
	keys, err := a.folder.sealingKeys()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID == id && k.kept(a.clock()) {
			return k.private()
		}
	}
	return nil, errSealingKey
}

func (k sealingKey) kept(now time.Time) bool {
	return k.ReplacedAt == nil || now.Before(k.ReplacedAt.Add(sealingKeptFor))
}

// changeSealingKeys adds a key where there is none, and with rotate in any case.
func (a *App) changeSealingKeys(rotate bool) (_ []sealingKey, err error) {
	if err := os.MkdirAll(a.folder.path("devices"), 0o700); err != nil {
		return nil, fmt.Errorf("sealing keys: %w", err)
	}
	lock, err := os.OpenFile(a.folder.path("devices", "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sealing keys: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { //nolint:gosec // a file descriptor
		return nil, fmt.Errorf("lock the sealing keys: %w", err)
	}
	keys, err := a.folder.sealingKeys()
	if err != nil || len(keys) > 0 && !rotate {
		return keys, err
	}
	private, err := ecdh.X25519().GenerateKey(a.random)
	if err != nil {
		return nil, fmt.Errorf("draw a sealing key: %w", err)
	}
	now := a.clock().UTC()
	for i := range keys {
		if keys[i].ReplacedAt == nil {
			keys[i].ReplacedAt = &now
		}
	}
	keys = slices.DeleteFunc(keys, func(k sealingKey) bool { return !k.kept(now) })
	keys = append(keys, sealingKey{ID: devicebatch.KeyID(private.PublicKey().Bytes()), Secret: private.Bytes(), MadeAt: now})
	text, err := json.MarshalIndent(map[string]any{"keys": keys}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("sealing keys: %w", err)
	}
	return keys, writeFile(a.folder.path("devices", "sealing-keys.json"), text)
}

// sealingKeys reads the file; none are in a folder that no device was enrolled in.
func (f *folder) sealingKeys() ([]sealingKey, error) {
	text, err := os.ReadFile(f.path("devices", "sealing-keys.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sealing keys: %w", err)
	}
	var stored struct {
		Keys []sealingKey `json:"keys"`
	}
	if err := json.Unmarshal(text, &stored); err != nil { // its text may quote a key
		return nil, fmt.Errorf("sealing keys: %s cannot be read", f.path("devices", "sealing-keys.json"))
	}
	return stored.Keys, nil
}
