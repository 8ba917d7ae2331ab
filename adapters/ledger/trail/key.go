package trail

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const (
	// NoteLabel is the first line of every note that is not a checkpoint. A note
	// signature covers the text only, not the key's name, so without this line a
	// certificate could be passed off as a checkpoint.
	NoteLabel = "tracekeep-note/v1"
	// HandoverLabel is the first line of a note by which a log changes its key.
	HandoverLabel = "tracekeep-handover/v1"

	// NotesSuffix and HandoverSuffix make the second and third name of a key of
	// the log, for what is not a checkpoint.
	NotesSuffix    = "/notes"
	HandoverSuffix = "/handover"

	algEd25519 = 1
)

// Key is a public Ed25519 key of a log, under its three names.
type Key struct {
	text                 string
	log, notes, handover note.Verifier
}

// ParseKey reads a verifier key as sumdb/note writes it:
// <name>+<hash>+<base64 of algorithm and key>. Errors: [ErrMalformed].
func ParseKey(verifierKey string) (Key, error) {
	text := strings.TrimSpace(verifierKey)
	refused := fmt.Errorf("verifier key: %w", ErrMalformed)
	log, err := note.NewVerifier(text)
	if err != nil {
		return Key{}, refused
	}
	parts := strings.SplitN(text, "+", 3)
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algEd25519 {
		return Key{}, refused
	}
	k := Key{text: text, log: log}
	for suffix, into := range map[string]*note.Verifier{NotesSuffix: &k.notes, HandoverSuffix: &k.handover} {
		named, err := note.NewEd25519VerifierKey(log.Name()+suffix, raw[1:])
		if err != nil {
			return Key{}, refused
		}
		if *into, err = note.NewVerifier(named); err != nil {
			return Key{}, refused
		}
	}
	return k, nil
}

// String is the verifier key as [ParseKey] reads it.
func (k Key) String() string { return k.text }

// Origin is the name of the log.
func (k Key) Origin() string { return k.log.Name() }

// openCheckpoint reads a checkpoint that this key signed.
func (k Key) openCheckpoint(text string) (Checkpoint, error) {
	body, err := openNote(text, k.log)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	head, err := ParseCheckpoint(body)
	if err != nil {
		return Checkpoint{}, err
	}
	if head.Origin != k.Origin() {
		return Checkpoint{}, fmt.Errorf("checkpoint of another log: %w", ErrSignature)
	}
	head.Text = text
	return head, nil
}

// openNote reads a note that this key signed.
func (k Key) openNote(signed string) (string, error) {
	body, err := openNote(signed, k.notes)
	if err != nil {
		return "", fmt.Errorf("note: %w", err)
	}
	text, found := strings.CutPrefix(body, NoteLabel+"\n")
	if !found {
		return "", fmt.Errorf("note of another purpose: %w", ErrSignature)
	}
	return text, nil
}
