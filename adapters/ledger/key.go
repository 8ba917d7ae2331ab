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

	"tracekeep/adapters/ledger/trail"
)

const (
	signerKeyFile   = "log.key"
	nextKeyFile     = "log.key.new"
	verifierKeyFile = "log.vkey"
	handoversFile   = "log.handovers"

	algEd25519 = 1
)

// logKey is the Ed25519 key of the log under its three names.
type logKey struct {
	log, notes, handover note.Signer
	verifierKey          string
}

// logKeys are the key in force and all the log ever had. They never change once made.
type logKeys struct {
	*logKey
	keys      trail.Keys
	handovers string // as the file has them
}

// openKeys reads the keys of the log, or makes the first when the directory
// holds no log yet, and finishes a change of the key that a crash cut short. A
// key that is missing beside a log is never replaced: the old checkpoints would
// no longer verify and nobody would know why.
func openKeys(dir, origin string, random io.Reader) (*logKeys, error) {
	handovers, err := readHandovers(dir)
	if err != nil {
		return nil, err
	}
	key, err := readKey(dir, signerKeyFile, origin)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err == nil || handovers != "" {
			return nil, fmt.Errorf("%s is missing beside a log: %w", signerKeyFile, ErrCorrupt)
		}
		key, err = makeKey(dir, signerKeyFile, origin, random)
	}
	if err != nil {
		return nil, fmt.Errorf("signer key: %w", err)
	}
	keys, err := trail.ParseKeys(key.verifierKey, handovers)
	if err != nil || keys.Current() != key.verifierKey {
		if key, keys, err = finishChange(dir, origin, handovers); err != nil {
			return nil, err
		}
	}
	if err := dropFile(dir, nextKeyFile); err != nil {
		return nil, fmt.Errorf("key of a change that did not happen: %w", err)
	}
	return &logKeys{logKey: key, keys: keys, handovers: handovers}, keepVerifierKey(dir, keys)
}

// finishChange puts the key in force that the last hand-over names.
func finishChange(dir, origin, handovers string) (*logKey, trail.Keys, error) {
	refused := fmt.Errorf("%s is not the key that %s ends with: %w", signerKeyFile, handoversFile, ErrCorrupt)
	next, err := readKey(dir, nextKeyFile, origin)
	if err != nil {
		return nil, trail.Keys{}, refused
	}
	keys, err := trail.ParseKeys(next.verifierKey, handovers)
	if err != nil || keys.Current() != next.verifierKey {
		return nil, trail.Keys{}, refused
	}
	return next, keys, putInForce(dir)
}

// putInForce overwrites the key by the next one, so that the old one is gone.
func putInForce(dir string) error {
	if err := os.Rename(filepath.Join(dir, nextKeyFile), filepath.Join(dir, signerKeyFile)); err != nil {
		return fmt.Errorf("put the new key in force: %w", err)
	}
	return syncPath(dir)
}

func readHandovers(dir string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, handoversFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("hand-overs of the key: %w", err)
	}
	return string(content), nil
}

func readKey(dir, file, origin string) (*logKey, error) {
	content, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	return parseKey(strings.TrimSpace(string(content)), origin)
}

func makeKey(dir, file, origin string, random io.Reader) (*logKey, error) {
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
	if err := writeDurable(filepath.Join(dir, file), []byte(encoded+"\n"), 0o600); err != nil {
		return nil, err
	}
	return parseKey(encoded, origin)
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
func parseKey(encoded, origin string) (*logKey, error) {
	log, err := note.NewSigner(encoded)
	if err != nil {
		return nil, fmt.Errorf("signer key: %w", ErrCorrupt)
	}
	if log.Name() != origin {
		return nil, fmt.Errorf("key belongs to the log %s: %w", log.Name(), ErrConfig)
	}
	parts := strings.SplitN(encoded, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, fmt.Errorf("signer key: %w", ErrCorrupt)
	}
	_, verifierKey, err := encodeKey(origin, raw[1:])
	if err != nil {
		return nil, err
	}
	key := &logKey{log: log, verifierKey: verifierKey}
	for suffix, into := range map[string]*note.Signer{trail.NotesSuffix: &key.notes, trail.HandoverSuffix: &key.handover} {
		named, _, err := encodeKey(origin+suffix, raw[1:])
		if err != nil {
			return nil, err
		}
		if *into, err = note.NewSigner(named); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// keepVerifierKey writes the public key in force beside the log, or checks that
// the one there is the same or, where a crash cut a change short, one before it.
func keepVerifierKey(dir string, keys trail.Keys) error {
	path := filepath.Join(dir, verifierKeyFile)
	content, err := os.ReadFile(path)
	current := keys.Current() + "\n"
	switch {
	case err == nil && string(content) == current:
		return nil
	case err == nil && !hadKey(keys, strings.TrimSuffix(string(content), "\n")):
		err = fmt.Errorf("it does not belong to the signer key: %w", ErrCorrupt)
	case err == nil, errors.Is(err, fs.ErrNotExist):
		err = writeDurable(path, []byte(current), 0o644)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verifierKeyFile, err)
	}
	return nil
}

func hadKey(keys trail.Keys, verifierKey string) bool {
	for _, term := range keys.Terms() {
		if term.Key.String() == verifierKey {
			return true
		}
	}
	return false
}

// dropFile removes a file that may not be there.
func dropFile(dir, file string) error {
	err := os.Remove(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkOrigin refuses what sumdb/note or C2SP does not take as a key name, and
// what would make a checkpoint look like another note.
func checkOrigin(origin string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || r < ' ' || r == '+' || r == unicode.ReplacementChar }
	if origin == "" || len(origin) > 200 || strings.ContainsFunc(origin, bad) ||
		strings.HasPrefix(origin, trail.NoteLabel) || strings.HasPrefix(origin, trail.HandoverLabel) {
		return fmt.Errorf("origin must be a short name without spaces or plus signs: %w", ErrConfig)
	}
	return nil
}
