package devicebatch

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// domain begins what is sealed for and what is signed, so that neither means
// anything elsewhere.
const domain = "tracekeep device batch v1\x00"

// KeyIDBytes is the length of the id of a sealing key.
const KeyIDBytes = 8

// SealingKey is the public half of the key that batches are sealed to.
type SealingKey struct {
	ID     string // the first 8 bytes of the SHA-256 of Public, in hex
	Public []byte // X25519, 32 bytes
}

// KeyID names a public key.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:KeyIDBytes])
}

// Sealed is a batch on its way.
type Sealed struct {
	SealingKey string `json:"sealing_key"` // id of the key it is sealed to
	Sealed     []byte `json:"sealed"`      // HPKE: the encapsulated key (32 bytes), then the ciphertext
	Signature  []byte `json:"signature"`   // Ed25519, of the device
}

// suite is HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256),
// HKDF-SHA256 and ChaCha20Poly1305, which phones have without a library of ours.
func suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.ChaCha20Poly1305() }

// info is what a batch is sealed for: it opens for this device under this key only.
func info(device uuid.UUID, keyID string) ([]byte, error) {
	key, err := hex.DecodeString(keyID)
	if err != nil || len(key) != KeyIDBytes || hex.EncodeToString(key) != keyID {
		return nil, ErrNotSealed
	}
	text := append([]byte(domain), device[:]...)
	return append(text, key...), nil
}

// Seal seals a batch to a key of the server and signs it with the key of the device.
// A batch that [Sealed.Open] would not read is refused.
func Seal(b Batch, to SealingKey, signer ed25519.PrivateKey) (Sealed, error) {
	plain, err := json.Marshal(b)
	if err != nil {
		return Sealed{}, fmt.Errorf("encode a batch: %w", err)
	}
	if _, err := parse(plain); err != nil {
		return Sealed{}, err
	}
	return seal(plain, b.DeviceID, to, signer)
}

func seal(plain []byte, device uuid.UUID, to SealingKey, signer ed25519.PrivateKey) (Sealed, error) {
	purpose, err := info(device, to.ID)
	if err != nil {
		return Sealed{}, err
	}
	public, err := ecdh.X25519().NewPublicKey(to.Public)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing key: %w", err)
	}
	recipient, err := hpke.NewDHKEMPublicKey(public)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing key: %w", err)
	}
	kdf, aead := suite()
	sealed, err := hpke.Seal(recipient, kdf, aead, purpose, plain)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal a batch: %w", err)
	}
	return Sealed{SealingKey: to.ID, Sealed: sealed, Signature: ed25519.Sign(signer, signed(purpose, sealed))}, nil
}

// signed is what the device signs: what it sealed for, and what it sealed. The
// server checks it before it opens anything.
func signed(purpose, sealed []byte) []byte {
	return append(purpose[:len(purpose):len(purpose)], sealed...)
}

// Verify says whether the key of a device signed the batch, else [ErrSignature].
func (s Sealed) Verify(device uuid.UUID, key ed25519.PublicKey) error {
	purpose, err := info(device, s.SealingKey)
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signed(purpose, s.Sealed), s.Signature) {
		return ErrSignature
	}
	return nil
}

// Open opens a batch of a device that was verified. Errors: [ErrNotSealed],
// [ErrFormat], [ErrTooMany], [ErrDevice].
func (s Sealed) Open(device uuid.UUID, key *ecdh.PrivateKey) (Batch, error) {
	purpose, err := info(device, s.SealingKey)
	if err != nil {
		return Batch{}, err
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return Batch{}, errors.Join(ErrNotSealed, err)
	}
	kdf, aead := suite()
	plain, err := hpke.Open(private, kdf, aead, purpose, s.Sealed)
	if err != nil {
		return Batch{}, ErrNotSealed
	}
	batch, err := parse(plain)
	if err != nil {
		return Batch{}, err
	}
	if batch.DeviceID != device {
		return Batch{}, ErrDevice
	}
	return batch, nil
}
