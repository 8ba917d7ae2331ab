package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

const (
	signerKeyFile   = "log.key"
	verifierKeyFile = "log.vkey"
)

// logKey is the Ed25519 key of the log under its two names.
type logKey struct {
	log, notes  note.Signer
	verifierKey string
}

// openKey reads the key of the log, or makes it when the directory holds no log
// yet. A key that is missing beside a log is never replaced: the old
// checkpoints would no longer verify and nobody would know why.
func openKey(dir, origin string, random io.Reader) (logKey, error) {
	path := filepath.Join(dir, signerKeyFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err == nil {
			return logKey{}, fmt.Errorf("%s is missing beside a log: %w", signerKeyFile, ErrCorrupt)
		}
		content, err = newSeed(path, origin, random)
	}
	if err != nil {
		return logKey{}, fmt.Errorf("signer key: %w", err)
	}
	key, err := parseKey(strings.TrimSpace(string(content)), origin)
	if err != nil {
		return logKey{}, err
	}
	return key, keepVerifierKey(dir, key.verifierKey)
}

func newSeed(path, origin string, random io.Reader) ([]byte, error) {
	if random == nil {
		return nil, fmt.Errorf("no randomness for a new key: %w", ErrConfig)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, err
	}
	encoded, _, err := encodeKey(origin, seed)
	if err != nil {
		return nil, err
	}
	content := []byte(encoded + "\n")
	return content, writeDurable(path, content, 0o600)
}

// encodeKey writes the signer key and the verifier key as sumdb/note has them.
func encodeKey(name string, seed []byte) (signer, verifier string, err error) {
	public, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ok {
		return "", "", ErrMalformed
	}
	verifier, err = note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return "", "", err
	}
	keyHash := strings.Split(strings.TrimPrefix(verifier, name+"+"), "+")[0]
	secret := base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...))
	return "PRIVATE+KEY+" + name + "+" + keyHash + "+" + secret, verifier, nil
}

// parseKey never repeats the key text in an error.
func parseKey(encoded, origin string) (logKey, error) {
	log, err := note.NewSigner(encoded)
	if err != nil {
		return logKey{}, fmt.Errorf("%s: %w", signerKeyFile, ErrCorrupt)
	}
	if log.Name() != origin {
		return logKey{}, fmt.Errorf("key belongs to the log %s: %w", log.Name(), ErrConfig)
	}
	parts := strings.SplitN(encoded, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return logKey{}, fmt.Errorf("%s: %w", signerKeyFile, ErrCorrupt)
	}
	_, verifierKey, err := encodeKey(origin, raw[1:])
	if err != nil {
		return logKey{}, err
	}
	notesSigner, _, err := encodeKey(origin+noteSuffix, raw[1:])
	if err != nil {
		return logKey{}, err
	}
	notes, err := note.NewSigner(notesSigner)
	if err != nil {
		return logKey{}, err
	}
	return logKey{log: log, notes: notes, verifierKey: verifierKey}, nil
}

// keepVerifierKey writes the public key beside the log, or checks that the one
// there is the same.
func keepVerifierKey(dir, verifierKey string) error {
	path := filepath.Join(dir, verifierKeyFile)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeDurable(path, []byte(verifierKey+"\n"), 0o644)
	case err == nil && string(content) != verifierKey+"\n":
		err = fmt.Errorf("it does not belong to the signer key: %w", ErrCorrupt)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verifierKeyFile, err)
	}
	return nil
}

// checkOrigin refuses what sumdb/note or C2SP does not take as a key name.
func checkOrigin(origin string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || r < ' ' || r == '+' || r == unicode.ReplacementChar }
	if origin == "" || len(origin) > 200 || strings.ContainsFunc(origin, bad) || strings.HasPrefix(origin, noteLabel) {
		return fmt.Errorf("origin must be a short name without spaces or plus signs: %w", ErrConfig)
	}
	return nil
}
