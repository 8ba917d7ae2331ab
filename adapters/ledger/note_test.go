package ledger

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
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
	forged := trail.CheckpointBody(testOrigin, 9, Hash{1})
	signed, err := l.SignNote(forged)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifierOf(t, l)))
	if err != nil {
		t.Fatal(err)
	}
	if opened.Text == forged || !strings.HasPrefix(opened.Text, trail.NoteLabel+"\n") {
		t.Fatalf("signed as it came: %q", opened.Text)
	}
}

func TestWhatIsNoCheckpointOfTheLog(t *testing.T) {
	l := openTest(t, t.TempDir())
	sign := func(body string) string {
		signed, err := note.Sign(&note.Note{Text: body}, l.key.Load().log)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	right := sign(trail.CheckpointBody(testOrigin, 0, l.Checkpoint().Root))
	if _, err := OpenCheckpoint(right, l.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	// A signature has 68 bytes, so its base64 ends in one padding sign and two
	// spare bits: the next letter spells the same bytes.
	respelled := []byte(right)
	respelled[len(respelled)-3]++
	for rule, c := range map[string]struct {
		text string
		want error
	}{
		"another origin under the same key":     {sign(trail.CheckpointBody("example.com/other", 0, Hash{})), ErrSignature},
		"a second spelling of the signature":    {string(respelled), ErrMalformed},
		"a size with a leading zero":            {sign(testOrigin + "\n01\n" + Hash{}.String() + "\n"), ErrMalformed},
		"a root of 31 bytes":                    {sign(testOrigin + "\n1\n" + Hash{}.String()[:40] + "AA==\n"), ErrMalformed},
		"an empty extension line":               {sign(trail.CheckpointBody(testOrigin, 0, Hash{}) + "\n"), ErrMalformed},
		"a size beyond what proofs can express": {sign(testOrigin + "\n9223372036854775808\n" + Hash{}.String() + "\n"), ErrMalformed},
	} {
		if _, err := OpenCheckpoint(c.text, l.VerifierKey()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", rule, err, c.want)
		}
	}
}

func verifierOf(t *testing.T, l *Ledger) note.Verifier {
	t.Helper()
	name, rest, _ := strings.Cut(l.VerifierKey(), "+")
	_, encoded, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewEd25519VerifierKey(name+trail.NotesSuffix, raw[1:])
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
		"the label of notes": {Dir: t.TempDir(), Origin: trail.NoteLabel},
	} {
		if err := cfg.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if _, err := Open(Config{Dir: t.TempDir(), Origin: testOrigin}); !errors.Is(err, ErrConfig) {
		t.Errorf("a new log without randomness: %v", err)
	}
	dir, _ := written(t, history(40, 3))
	if _, err := Open(Config{Dir: dir, Origin: "example.com/other"}); !errors.Is(err, ErrConfig) {
		t.Errorf("another origin: %v", err)
	}
}
