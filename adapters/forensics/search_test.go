package forensics_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"tracekeep/adapters/forensics"
)

const value = "Jūratė O'Neill-Núñez"

func search(t testing.TB, n *forensics.Needles, content []byte) forensics.Found {
	t.Helper()
	found, err := n.Search(t.Context(), bytes.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Whatever is planted is found, wherever it stands: the end of what is read at
// once hides nothing.
//
// promise: ST-29
func TestSearchFindsAValueInEveryFormAndPlace(t *testing.T) {
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	planted, err := forensics.Control(value)
	if err != nil {
		t.Fatal(err)
	}
	const read = 4 << 20 // at once
	ways := map[string]bool{}
	for _, p := range planted {
		places := []int{0, 1}
		if !ways[p.Way] && (p.Way == "UTF-8" || p.Way == "base64" || p.Way == "gzip") { // no form knows where a read ends
			places = append(places, read-len(p.Content)/2)
		}
		ways[p.Way] = true
		for _, before := range places {
			if found := search(t, n, append(bytes.Repeat([]byte{'.'}, before), p.Content...)); len(found.Hits) == 0 {
				t.Errorf("%s: not found behind %d bytes", p.Way, before)
			}
		}
	}
	for _, way := range []string{
		"UTF-8", "UTF-16LE", "UTF-16BE", "hex", "URL", "HTML", "octal", "quoted-printable", "JSON", "base64", "base64 of UTF-16LE",
		"gzip", "gzip in gzip", "zlib", "zstd", "snappy", "s2", "zip",
	} {
		if !ways[way] {
			t.Errorf("nothing is planted as %s", way)
		}
	}
}

func TestSearchFindsASpellingOfTheValue(t *testing.T) {
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	for spelling, text := range map[string]string{
		"capitals":                     "JŪRATĖ O'NEILL-NÚÑEZ",
		"small letters":                "jūratė o'neill-núñez",
		"mixed":                        "jūraTė o'Neill-NúñEz",
		"decomposed":                   "Ju\u0304rate\u0307 O'Neill-Nu\u0301n\u0303ez",
		"without marks":                "Jurate O'Neill-Nunez",
		"small, without marks, hex":    "6a7572617465206f276e65696c6c2d6e756e657a",
		"Latin-1 has no ū, a query":    "name=J%c5%abrat%c4%97+O%27Neill-N%C3%BA%C3%B1ez&x",
		"an envelope of a mail header": "=?UTF-8?Q?J=C5=ABrat=C4=97_O'Neill-N=C3=BA=C3=B1ez?=",
		"Basic credentials":            base64.StdEncoding.EncodeToString([]byte("user:" + value + ":17")),
	} {
		if found := search(t, n, []byte("<"+text+">")); len(found.Hits) == 0 {
			t.Errorf("%s: not found", spelling)
		}
	}
}

func TestSearchFindsNothingWhereNothingIs(t *testing.T) {
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value}, forensics.Value{Label: "short", Text: "Bo"})
	random := rand.NewChaCha8([32]byte{7})
	noise := make([]byte, 8<<20)
	_, _ = random.Read(noise)
	for what, content := range map[string][]byte{
		"somebody else":                  []byte(strings.Repeat("Jūratė and Bo and somebody else\n", 1000)),
		"noise":                          noise,
		"parts that only look like some": bytes.Repeat([]byte("\x1f\x8b\x08\x28\xb5\x2f\xfd\xff\x06\x00\x00sNaPpYPK\x03\x04BZh91AY&SY\x78\x9c"), 500),
	} {
		if found := search(t, n, content); len(found.Hits) != 0 {
			t.Errorf("%s: %+v", what, found.Hits)
		}
	}
	if !slices.Equal(n.TooShort, []string{"short"}) {
		t.Errorf("too short: %v", n.TooShort)
	}
}

func TestAHitSaysWhereAndNeverWhat(t *testing.T) {
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	planted, err := forensics.Control(value)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(planted, func(p forensics.Planted) bool { return p.Way == "gzip in gzip" })
	found := search(t, n, planted[i].Content)
	if len(found.Hits) != 1 || found.Opened != 2 {
		t.Fatalf("%+v", found)
	}
	hit := found.Hits[0]
	if hit.Label != "name" || hit.Form != "UTF-8" || hit.Offset != 75 || !slices.Equal(hit.Within, []string{"gzip at 75", "gzip at 75"}) {
		t.Errorf("%+v", hit)
	}
}

func TestAStreamThatBreaksIsAnError(t *testing.T) {
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	broken := errors.New("broken")
	found, err := n.Search(t.Context(), io.MultiReader(strings.NewReader(value), iotest.ErrReader(broken)), nil)
	if !errors.Is(err, broken) || len(found.Hits) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

// Any value of any length that is looked for is found in any of its forms.
func TestWhateverIsLookedForIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[\p{L} '\-@.0-9]{6,40}`).Draw(t, "value")
		n := forensics.NewNeedles(forensics.Value{Label: "v", Text: text})
		planted, err := forensics.Control(text)
		if err != nil {
			t.Fatal(err)
		}
		p := rapid.SampledFrom(planted).Draw(t, "planted")
		found, err := n.Search(t.Context(), bytes.NewReader(p.Content), nil)
		if err != nil || len(found.Hits) == 0 {
			t.Errorf("%q as %s: %+v %v", text, p.Way, found, err)
		}
	})
}

func FuzzSearch(f *testing.F) {
	planted, err := forensics.Control(value)
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range planted {
		f.Add(p.Content)
	}
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	f.Fuzz(func(t *testing.T, content []byte) {
		before := search(t, n, content)
		after := search(t, n, append(append([]byte{}, content...), value...))
		if len(after.Hits) < len(before.Hits)+1 {
			t.Errorf("a value behind is not found: %+v, %+v", before, after)
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	random := rand.NewChaCha8([32]byte{7})
	noise := make([]byte, 64<<20)
	_, _ = random.Read(noise)
	var values []forensics.Value
	for _, text := range []string{value, "somebody@example.org", "+63 2 5550 1234", "1990-02-28", "E-4711-0815"} {
		values = append(values, forensics.Value{Label: text, Text: text})
	}
	n := forensics.NewNeedles(values...)
	b.SetBytes(int64(len(noise)))
	for b.Loop() {
		search(b, n, noise)
	}
}
