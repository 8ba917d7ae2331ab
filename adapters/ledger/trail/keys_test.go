package trail

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "example.com/tracekeep/trail"

// testKey is a key of a log with its secret half.
type testKey struct {
	public string
	seed   []byte
}

func newTestKey(t testing.TB, origin string, number byte) testKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = number
	public, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no public key")
	}
	text, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{public: text, seed: seed}
}

// sign is the signer of one of the names of the key.
func (k testKey) sign(t testing.TB, suffix string) note.Signer {
	t.Helper()
	name, _, _ := strings.Cut(k.public, "+")
	named, err := note.NewEd25519VerifierKey(name+suffix, ed25519.NewKeyFromSeed(k.seed).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(strings.TrimPrefix(named, name+suffix+"+"), "+")[0]
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + suffix + "+" + hash + "+" + base64Key(k.seed))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (k testKey) checkpoint(t testing.TB, size uint64, root Hash) string {
	t.Helper()
	return signed(t, CheckpointBody(testOrigin, size, root), k.sign(t, ""))
}

func (k testKey) note(t testing.TB, text string) string {
	t.Helper()
	return signed(t, NoteLabel+"\n"+text, k.sign(t, NotesSuffix))
}

func signed(t testing.TB, text string, signers ...note.Signer) string {
	t.Helper()
	made, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// handOver is the signed hand-over from one key to the next.
func handOver(t testing.TB, from, to testKey, size uint64) string {
	t.Helper()
	said := Handover{Origin: testOrigin, Size: size, Root: Hash{9}, Old: from.public, New: to.public}
	return signed(t, said.Text(), from.sign(t, HandoverSuffix), to.sign(t, HandoverSuffix))
}

func TestTrustInOneKeyIsTrustInAll(t *testing.T) {
	a, b, c := newTestKey(t, testOrigin, 1), newTestKey(t, testOrigin, 2), newTestKey(t, testOrigin, 3)
	handovers := handOver(t, a, b, 100) + "\n" + handOver(t, b, c, 250)
	for _, trusted := range []testKey{a, b, c} {
		keys, err := ParseKeys(trusted.public, handovers)
		if err != nil {
			t.Fatal(err)
		}
		if keys.Current() != c.public || keys.Origin() != testOrigin || len(keys.Terms()) != 3 || len(keys.Handovers()) != 2 {
			t.Fatalf("%+v", keys)
		}
		for rule, sample := range map[string]struct {
			key  testKey
			size uint64
			want error
		}{
			"the first key before the change":     {a, 99, nil},
			"both keys at the change, the old":    {a, 100, nil},
			"both keys at the change, the new":    {b, 100, nil},
			"the old key after it was given up":   {a, 101, ErrSignature},
			"the new key before it was in force":  {b, 99, ErrSignature},
			"the second key at its end":           {b, 250, nil},
			"the second key after its end":        {b, 251, ErrSignature},
			"the last key, however large the log": {c, 1 << 40, nil},
		} {
			if _, err := keys.OpenCheckpoint(sample.key.checkpoint(t, sample.size, Hash{1})); !errors.Is(err, sample.want) {
				t.Errorf("%s: %v", rule, err)
			}
		}
		text, term, err := keys.OpenNote(b.note(t, "certificate\n"))
		if err != nil || text != "certificate\n" || term.From != 100 || term.To != 250 {
			t.Errorf("a note of the second key: %q %+v %v", text, term, err)
		}
	}
}

func TestWhatIsNoHandover(t *testing.T) {
	a, b, c := newTestKey(t, testOrigin, 1), newTestKey(t, testOrigin, 2), newTestKey(t, testOrigin, 3)
	foreign := newTestKey(t, "example.com/other", 4)
	right := handOver(t, a, b, 100)
	half := func(signers ...note.Signer) string {
		return signed(t, Handover{Origin: testOrigin, Size: 100, Old: a.public, New: b.public}.Text(), signers...)
	}
	for rule, sample := range map[string]struct {
		trusted   testKey
		handovers string
		want      error
	}{
		"a trusted key that is none of the log":      {c, right, ErrSignature},
		"only the old key signed":                    {a, half(a.sign(t, HandoverSuffix)), ErrSignature},
		"only the new key signed":                    {a, half(b.sign(t, HandoverSuffix)), ErrSignature},
		"signed as a certificate":                    {a, half(a.sign(t, NotesSuffix), b.sign(t, NotesSuffix)), ErrSignature},
		"a changed size":                             {a, strings.Replace(right, "\n100\n", "\n900\n", 1), ErrSignature},
		"a size in another spelling":                 {a, strings.Replace(right, "\n100\n", "\n0100\n", 1), ErrMalformed},
		"a hand-over that does not follow":           {a, right + "\n" + handOver(t, c, a, 200), ErrSignature},
		"a size that falls":                          {a, right + "\n" + handOver(t, b, c, 99), ErrSignature},
		"the same key again":                         {a, handOver(t, a, a, 5), ErrMalformed},
		"a key of another log":                       {a, handOver(t, a, foreign, 5), ErrMalformed},
		"text behind the last signature":             {a, right + "\nmore\n", ErrMalformed},
		"no signatures":                              {a, strings.Split(right, "\n\n")[0], ErrMalformed},
		"a checkpoint in the place of a hand-over":   {a, a.checkpoint(t, 5, Hash{}), ErrMalformed},
		"a hand-over without the line between notes": {a, right + handOver(t, b, c, 200), ErrMalformed},
	} {
		if _, err := ParseKeys(sample.trusted.public, sample.handovers); !errors.Is(err, sample.want) {
			t.Errorf("%s: %v, want %v", rule, err, sample.want)
		}
	}
}

// A hand-over that parses says what it was written from, and both keys signed it.
func FuzzKeys(f *testing.F) {
	a, b := newTestKey(f, testOrigin, 1), newTestKey(f, testOrigin, 2)
	right := handOver(f, a, b, 100)
	f.Add(right)
	f.Add(right + "\n" + right)
	f.Add(strings.ReplaceAll(right, "\n", "\n\n"))
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(a.public, text)
		if err != nil {
			return
		}
		if n := len(keys.Handovers()); n > 1 || n == 1 && keys.Handovers()[0].Text() != CutNote(right) {
			t.Fatalf("forged: %q", text)
		}
	})
}

func base64Key(seed []byte) string {
	return base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...))
}
