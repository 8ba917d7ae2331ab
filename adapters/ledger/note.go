package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

const (
	// noteLabel is the first line of every note that is not a checkpoint. A
	// note signature covers the text only, not the key's name, so without this
	// line a certificate could be passed off as a checkpoint.
	noteLabel = "tracekeep-note/v1"
	// noteSuffix makes the second name of the key, for other notes than checkpoints.
	noteSuffix = "/notes"

	algEd25519 = 1
)

// SignNote signs a text, such as a certificate, with the key of the log under
// the name <origin>/notes. The text must be UTF-8 that ends in a newline,
// without control characters other than newlines; anything else is
// [ErrMalformed]. It may be called at any time, also by several goroutines.
func (l *Ledger) SignNote(text string) (string, error) {
	if err := checkNoteText(text); err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: noteLabel + "\n" + text}, l.key.notes)
	if err != nil {
		return "", fmt.Errorf("sign a note: %w", err)
	}
	return string(signed), nil
}

// VerifyNote answers the text that [Ledger.SignNote] was given, if the key of
// the log signed it. It needs no ledger. Errors: [ErrMalformed], [ErrSignature].
func VerifyNote(signed, verifierKey string) (string, error) {
	key, err := notesKey(strings.TrimSpace(verifierKey))
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", fmt.Errorf("verifier key: %w", ErrMalformed)
	}
	body, err := openNote(signed, verifier)
	if err != nil {
		return "", fmt.Errorf("note: %w", err)
	}
	text, found := strings.CutPrefix(body, noteLabel+"\n")
	if !found {
		return "", fmt.Errorf("note of another purpose: %w", ErrSignature)
	}
	return text, nil
}

// notesKey derives the verifier key of notes from the one of the log.
func notesKey(verifierKey string) (string, error) {
	name, public, err := splitVerifierKey(verifierKey)
	if err != nil {
		return "", err
	}
	return note.NewEd25519VerifierKey(name+noteSuffix, public)
}

// splitVerifierKey takes <name>+<hash>+<base64 of algorithm and key> apart.
func splitVerifierKey(verifierKey string) (string, ed25519.PublicKey, error) {
	parts := strings.SplitN(verifierKey, "+", 3)
	if len(parts) != 3 {
		return "", nil, fmt.Errorf("verifier key: %w", ErrMalformed)
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algEd25519 {
		return "", nil, fmt.Errorf("verifier key: %w", ErrMalformed)
	}
	return parts[0], ed25519.PublicKey(raw[1:]), nil
}

func checkNoteText(text string) error {
	if len(text) > maxNote/2 || !strings.HasSuffix(text, "\n") || !utf8.ValidString(text) {
		return fmt.Errorf("text of a note: %w", ErrMalformed)
	}
	for _, r := range text {
		if r < ' ' && r != '\n' {
			return fmt.Errorf("control character in a note: %w", ErrMalformed)
		}
	}
	return nil
}
