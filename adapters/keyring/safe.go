package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
)

// escrowType names the format of what is inside.
const escrowType = "tracekeep-key-escrow/v1"

// Safe locks and unlocks an escrow: an age file (age-encryption.org/v1), so that
// the age command opens it too. Only locks are used that a quantum computer does
// not pick: a passphrase, or a hybrid recipient (ML-KEM-768 with X25519).
type Safe struct {
	recipient age.Recipient
	identity  age.Identity
	kind      string
}

// The kinds of safes.
const (
	SafePassphrase = "passphrase"
	SafeRecipient  = "recipient"
)

// DefaultWork is the base-2 logarithm of scrypt's work for a passphrase: about
// a second and 256 MiB.
const DefaultWork = 18

// PassphraseSafe is opened by whoever knows the passphrase. White space around
// it does not count. work is [DefaultWork] except in tests.
func PassphraseSafe(passphrase string, work int) (Safe, error) {
	passphrase = strings.TrimSpace(passphrase)
	if len(passphrase) < 16 {
		return Safe{}, ErrSafe
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return Safe{}, ErrSafe
	}
	recipient.SetWorkFactor(work)
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Safe{}, ErrSafe
	}
	identity.SetMaxWorkFactor(DefaultWork) // a foreign file must not take more
	return Safe{recipient: recipient, identity: identity, kind: SafePassphrase}, nil
}

// RecipientSafe locks for the holder of a hybrid key of age. It cannot open.
func RecipientSafe(recipient string) (Safe, error) {
	r, err := age.ParseHybridRecipient(strings.TrimSpace(recipient))
	if err != nil {
		return Safe{}, ErrSafe
	}
	return Safe{recipient: r, kind: SafeRecipient}, nil
}

// IdentitySafe opens what was locked for the recipient of an age identity file.
func IdentitySafe(file string) (Safe, error) {
	for line := range strings.Lines(file) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		identity, err := age.ParseHybridIdentity(line)
		if err != nil {
			return Safe{}, ErrSafe
		}
		return Safe{identity: identity, recipient: identity.Recipient(), kind: SafeRecipient}, nil
	}
	return Safe{}, ErrSafe
}

// escrowed is what is inside an escrow.
type escrowed struct {
	Type   string          `json:"type"`
	Escrow uuid.UUID       `json:"escrow"`
	MadeAt time.Time       `json:"made_at"`
	Epochs []escrowedEpoch `json:"epochs"`
}

type escrowedEpoch struct {
	Epoch int    `json:"epoch"`
	KEK   []byte `json:"kek"`
	Index []byte `json:"index"`
}

func (e escrowed) forget() {
	for _, epoch := range e.Epochs {
		clear(epoch.KEK)
		clear(epoch.Index)
	}
}

func (s Safe) lock(inside escrowed) ([]byte, error) {
	plain, err := json.Marshal(inside)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, s.recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // writes the last of it
		return nil, err
	}
	return file.Bytes(), nil
}

// escrowLimit is more than any escrow holds: thousands of epochs.
const escrowLimit = 1 << 20

func (s Safe) unlock(file []byte) (escrowed, error) {
	if s.identity == nil {
		return escrowed{}, ErrSafe
	}
	r, err := age.Decrypt(bytes.NewReader(file), s.identity)
	var closed *age.NoIdentityMatchError
	switch {
	case errors.As(err, &closed):
		return escrowed{}, ErrEscrowClosed
	case err != nil:
		return escrowed{}, fmt.Errorf("%w: %w", ErrEscrowFile, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, escrowLimit))
	if err != nil {
		return escrowed{}, fmt.Errorf("%w: %w", ErrEscrowFile, err)
	}
	defer clear(plain)
	return parseEscrowed(plain)
}

// parseEscrowed accepts what [Keyring.Escrow] writes and nothing else.
func parseEscrowed(plain []byte) (escrowed, error) {
	var inside escrowed
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&inside); err != nil || decoder.More() {
		return escrowed{}, ErrEscrowFile
	}
	if inside.Type != escrowType || inside.Escrow == uuid.Nil || len(inside.Epochs) == 0 {
		return escrowed{}, ErrEscrowFile
	}
	before := 0
	for _, e := range inside.Epochs {
		if e.Epoch <= before || len(e.KEK) != keySize || len(e.Index) != keySize {
			return escrowed{}, ErrEscrowFile
		}
		before = e.Epoch
	}
	return inside, nil
}
