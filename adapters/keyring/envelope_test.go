package keyring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

// vector is the file that any other implementation of the envelope is checked
// against. It never changes: envelopes of version 1 are opened for ever.
type vector struct {
	Key, KeyID, Nonce, Plaintext                                  string
	Tenant, Subject, Purpose, Stream, EventID, EventType, Section string
	SchemaVersion                                                 int
	AAD, Envelope                                                 string
}

func readVector(t testing.TB) vector {
	t.Helper()
	text, err := os.ReadFile("testdata/envelope-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v vector) coordinates() eventschema.Coordinates {
	return eventschema.Coordinates{
		Tenant: uuid.MustParse(v.Tenant), Subject: uuid.MustParse(v.Subject), Purpose: eventschema.Purpose(v.Purpose),
		Stream: v.Stream, EventID: uuid.MustParse(v.EventID), EventType: v.EventType, SchemaVersion: v.SchemaVersion,
		Section: v.Section,
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func testEntry(t testing.TB, id uuid.UUID, key []byte) *entry {
	t.Helper()
	e, err := newEntry(id, Ref{}, bytes.Clone(key), instant{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// promise: ST-29
func TestTheEnvelopeHasTheBytesItAlwaysHad(t *testing.T) {
	v := readVector(t)
	at, id := v.coordinates(), uuid.MustParse(v.KeyID)
	if got := hex.EncodeToString(appendSectionAAD(nil, id, at)); got != v.AAD {
		t.Errorf("associated data\n got %s\nwant %s", got, v.AAD)
	}
	e := testEntry(t, id, unhex(t, v.Key))
	envelope, err := sealEnvelope(e, bytes.NewReader(unhex(t, v.Nonce)), at, []byte(v.Plaintext))
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(envelope); got != v.Envelope {
		t.Errorf("envelope\n got %s\nwant %s", got, v.Envelope)
	}
	if envelope[2] != algAES256GCM || len(unhex(t, v.Key)) != 32 {
		t.Error("the header does not state AES-256-GCM")
	}
	h, err := parseEnvelope(unhex(t, v.Envelope))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := openEnvelope(e, h, at)
	if err != nil || string(plain) != v.Plaintext {
		t.Fatalf("opened %q, %v", plain, err)
	}
}

func TestPaddingHidesTheLengthOfAName(t *testing.T) {
	e := testEntry(t, uuid.UUID{1}, make([]byte, keySize))
	sizes := map[int]bool{}
	for n := range 31 {
		envelope, err := sealEnvelope(e, zeros{}, eventschema.Coordinates{}, []byte(strings.Repeat("x", n)))
		if err != nil {
			t.Fatal(err)
		}
		sizes[len(envelope)] = true
	}
	if len(sizes) != 1 {
		t.Errorf("values of 0 to 30 bytes give %d lengths", len(sizes))
	}
	for n, want := range map[int]int{1: 32, 32: 32, 33: 64, 256: 256, 257: 320, 320: 320, 321: 384} {
		if got := padded(n); got != want {
			t.Errorf("%d bytes are padded to %d, want %d", n, got, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAnyPlaintextComesBackAsItWas(t *testing.T) {
	e := testEntry(t, uuid.UUID{1}, make([]byte, keySize))
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "plaintext")
		envelope, err := sealEnvelope(e, zeros{}, eventschema.Coordinates{}, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		h, err := parseEnvelope(envelope)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openEnvelope(e, h, eventschema.Coordinates{})
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("got %x, %v", got, err)
		}
	})
}

// Bytes that move over the border of two fields must not give the same
// associated data.
func TestNoTwoPlacesShareTheirAssociatedData(t *testing.T) {
	type fields struct{ purpose, stream, eventType, section string }
	place := func(f fields) []byte {
		return appendSectionAAD(nil, uuid.Nil, eventschema.Coordinates{
			Purpose: eventschema.Purpose(f.purpose), Stream: f.stream, EventType: f.eventType, Section: f.section,
		})
	}
	id := string(make([]byte, 16))
	number := string(make([]byte, 8))
	cases := map[string][2]fields{
		"from the purpose to the stream":          {{purpose: "ab", stream: "c"}, {purpose: "a", stream: "bc"}},
		"an empty field":                          {{purpose: "ab"}, {stream: "ab"}},
		"over the event id":                       {{stream: id}, {eventType: id}},
		"over the schema version":                 {{eventType: number}, {section: number}},
		"from the section, which ends everything": {{eventType: "a", section: number + "b"}, {eventType: "a" + number, section: "b"}},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			if bytes.Equal(place(c[0]), place(c[1])) {
				t.Error("two places share their associated data")
			}
		})
	}
}

func FuzzEnvelope(f *testing.F) {
	v := readVector(f)
	whole := unhex(f, v.Envelope)
	f.Add(whole)
	f.Add(whole[:headerSize])
	f.Add([]byte{envelopeMagic, envelopeVersion, algAES256GCM})
	f.Add(append(bytes.Clone(whole), 0))
	e, at := testEntry(f, uuid.MustParse(v.KeyID), unhex(f, v.Key)), v.coordinates()
	f.Fuzz(func(t *testing.T, envelope []byte) {
		h, err := parseEnvelope(envelope)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		rebuilt := append([]byte{envelopeMagic, envelopeVersion, algAES256GCM}, h.keyID[:]...)
		rebuilt = append(append(rebuilt, h.nonce...), h.body...)
		if !bytes.Equal(rebuilt, envelope) {
			t.Fatal("parsing loses bytes")
		}
		if _, err := openEnvelope(e, h, at); (err == nil) != bytes.Equal(envelope, whole) {
			// The key id stands in the associated data of the entry, not of the header.
			if err == nil && bytes.Equal(h.nonce, whole[19:headerSize]) && bytes.Equal(h.body, whole[headerSize:]) {
				return
			}
			t.Fatalf("an altered envelope opens, or the whole one does not: %v", err)
		}
	})
}

func FuzzPadding(f *testing.F) {
	f.Add([]byte{3, 'a', 'b', 'c'})
	f.Add(make([]byte, 32))
	f.Add(bytes.Repeat([]byte{0xff}, 32))
	f.Fuzz(func(t *testing.T, plain []byte) {
		value, err := unpad(plain)
		if err != nil {
			return
		}
		e := testEntry(t, uuid.UUID{1}, make([]byte, keySize))
		envelope, err := sealEnvelope(e, zeros{}, eventschema.Coordinates{}, value)
		if err != nil {
			t.Fatal(err)
		}
		h, err := parseEnvelope(envelope)
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.aead.Open(nil, h.nonce, h.body, appendSectionAAD(nil, e.id, eventschema.Coordinates{}))
		if err != nil || !bytes.Equal(again, plain) {
			t.Fatalf("a second form of one plaintext: %x and %x", again, plain)
		}
	})
}
