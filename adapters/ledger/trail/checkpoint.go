package trail

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
	// Position is the $all position of the last leaf, 0 for an empty log and where
	// it is not known. It is no part of the signed text.
	Position uint64 `json:"position"`
	// Text is the signed note: C2SP tlog-checkpoint.
	Text string `json:"text"`
}

// CheckpointBody is the text of a checkpoint that is signed: C2SP tlog-checkpoint.
func CheckpointBody(origin string, size uint64, root Hash) string {
	return origin + "\n" + strconv.FormatUint(size, 10) + "\n" + root.String() + "\n"
}

// ParseCheckpoint reads the text that is signed. Lines after the third are
// extensions, which C2SP tells readers to ignore. It checks no signature: the
// answer is only what somebody claims.
func ParseCheckpoint(body string) (Checkpoint, error) {
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

// openNote answers the text of a note that every one of the verifiers' keys signed.
func openNote(text string, verifiers ...note.Verifier) (string, error) {
	if len(text) > maxNote {
		return "", ErrMalformed
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid), errors.As(err, &unverified):
		return "", ErrSignature
	case err != nil:
		return "", ErrMalformed
	case len(opened.Sigs) != len(verifiers):
		return "", ErrSignature
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

// CutNote answers the text of a note without checking who signed it.
func CutNote(text string) (body string) {
	before, _, _ := strings.Cut(text, "\n\n")
	return before + "\n"
}
