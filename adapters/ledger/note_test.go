package ledger

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestNotesAreSignedForTheirPurposeOnly(t *testing.T) {
	l := openTest(t, t.TempDir())
	const text = "{\n\"case\": \"7\"\n\n}\n"
	signed, err := l.SignNote(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := VerifyNote(signed, l.VerifierKey()); err != nil || got != text {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := VerifyNote(strings.Replace(signed, "7", "8", 1), l.VerifierKey()); !errors.Is(err, ErrSignature) {
		t.Errorf("a changed certificate: %v", err)
	}
	other := openOther(t, t.TempDir())
	if _, err := VerifyNote(signed, other.VerifierKey()); !errors.Is(err, ErrSignature) {
		t.Errorf("another log's key: %v", err)
	}
	if _, err := VerifyNote(l.Checkpoint().Text, l.VerifierKey()); !errors.Is(err, ErrSignature) {
		t.Errorf("a checkpoint passed off as a certificate: %v", err)
	}
	if _, err := OpenCheckpoint(signed, l.VerifierKey()); !errors.Is(err, ErrSignature) {
		t.Errorf("a certificate passed off as a checkpoint: %v", err)
	}
	for _, bad := range []string{"", "no newline", "a\tb\n", "\xff\n"} {
		if _, err := l.SignNote(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A certificate whose text is a checkpoint must not become one when somebody
// renames the key on its signature line: the signature covers only the text.
func TestSignedTextIsNeverACheckpoint(t *testing.T) {
	l := openTest(t, t.TempDir())
	forged := checkpointBody(testOrigin, 9, Hash{1})
	signed, err := l.SignNote(forged)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifierOf(t, l)))
	if err != nil {
		t.Fatal(err)
	}
	if opened.Text == forged || !strings.HasPrefix(opened.Text, noteLabel+"\n") {
		t.Fatalf("signed as it came: %q", opened.Text)
	}
}

func verifierOf(t *testing.T, l *Ledger) note.Verifier {
	t.Helper()
	key, err := notesKey(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func TestWhatAConfigRefuses(t *testing.T) {
	for rule, cfg := range map[string]Config{
		"no directory":       {Origin: testOrigin},
		"no origin":          {Dir: t.TempDir()},
		"a space":            {Dir: t.TempDir(), Origin: "two words"},
		"a plus sign":        {Dir: t.TempDir(), Origin: "a+b"},
		"a new line":         {Dir: t.TempDir(), Origin: "a\nb"},
		"the label of notes": {Dir: t.TempDir(), Origin: noteLabel},
		"no randomness":      {Dir: t.TempDir(), Origin: testOrigin},
	} {
		if _, err := Open(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	dir, _ := written(t, history(40, 3))
	if _, err := Open(Config{Dir: dir, Origin: "example.com/other"}); !errors.Is(err, ErrConfig) {
		t.Errorf("another origin: %v", err)
	}
}
