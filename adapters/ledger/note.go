package ledger

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

// maxNoteText bounds the text of a note, in bytes; the largest note that can be
// read is twice as long.
const maxNoteText = 1 << 19

// SignNote signs a text, such as a certificate, with the key of the log under
// the name <origin>/notes. The text must be UTF-8 that ends in a newline,
// without control characters other than newlines; anything else is
// [ErrMalformed]. It may be called at any time, also by several goroutines.
func (l *Ledger) SignNote(text string) (string, error) { return l.key.Load().signNote(text) }

func (k *logKey) signNote(text string) (string, error) {
	if err := checkNoteText(text); err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: trail.NoteLabel + "\n" + text}, k.notes)
	if err != nil {
		return "", fmt.Errorf("sign a note: %w", err)
	}
	return string(signed), nil
}

func checkNoteText(text string) error {
	if len(text) > maxNoteText || !strings.HasSuffix(text, "\n") || !utf8.ValidString(text) {
		return fmt.Errorf("text of a note: %w", ErrMalformed)
	}
	for _, r := range text {
		if r < ' ' && r != '\n' {
			return fmt.Errorf("control character in a note: %w", ErrMalformed)
		}
	}
	return nil
}
