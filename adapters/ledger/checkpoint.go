package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// maxNote bounds what is parsed as a note, in bytes.
const maxNote = 1 << 20

// Checkpoint is the head of the log that a signature vouches for.
type Checkpoint struct {
	Origin string `json:"origin"`
	Size   uint64 `json:"size"` // leaves
	Root   Hash   `json:"root"`
	// Position is the $all position of the last leaf, 0 for an empty log. It
	// comes from the index of positions, not from the signed text.
	Position uint64 `json:"position"`
	// Text is the signed note: C2SP tlog-checkpoint.
	Text string `json:"text"`
}

func checkpointBody(origin string, size uint64, root Hash) string {
	return origin + "\n" + strconv.FormatUint(size, 10) + "\n" + root.String() + "\n"
}

// OpenCheckpoint reads a signed checkpoint and checks its signature. It needs
// no ledger. The answer has no Position. Errors: [ErrMalformed], [ErrSignature].
func OpenCheckpoint(text, verifierKey string) (Checkpoint, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(verifierKey))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verifier key: %w", ErrMalformed)
	}
	body, err := openNote(text, verifier)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	head, err := parseCheckpoint(body)
	if err != nil {
		return Checkpoint{}, err
	}
	if head.Origin != verifier.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint of another log: %w", ErrSignature)
	}
	head.Text = text
	return head, nil
}

// parseCheckpoint reads the text that is signed. Lines after the third are
// extensions, which C2SP tells readers to ignore.
func parseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) < 4 || lines[0] == "" || lines[len(lines)-1] != "" {
		return Checkpoint{}, fmt.Errorf("checkpoint text: %w", ErrMalformed)
	}
	for _, extension := range lines[3 : len(lines)-1] {
		if extension == "" {
			return Checkpoint{}, fmt.Errorf("checkpoint extension: %w", ErrMalformed)
		}
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint size: %w", ErrMalformed)
	}
	head := Checkpoint{Origin: lines[0], Size: size}
	if err := head.Root.UnmarshalText([]byte(lines[2])); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint root: %w", err)
	}
	return head, nil
}

// openNote answers the text of a note that the verifier's key signed.
func openNote(text string, verifier note.Verifier) (string, error) {
	if len(text) > maxNote {
		return "", ErrMalformed
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid), errors.As(err, &unverified):
		return "", ErrSignature
	case err != nil:
		return "", ErrMalformed
	}
	// note.Open ignores how a signature is encoded beyond its bytes; a second
	// spelling of the same note must not pass as the note that was kept.
	for _, signature := range opened.Sigs {
		raw, err := base64.StdEncoding.Strict().DecodeString(signature.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != signature.Base64 {
			return "", ErrMalformed
		}
	}
	return opened.Text, nil
}

// cutNote answers the text of a note without checking who signed it.
func cutNote(text string) (body string) {
	before, _, _ := strings.Cut(text, "\n\n")
	return before + "\n"
}
