package eventschema_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// errTag is what the test sealer answers when an envelope does not authenticate.
var errTag = errors.New("envelope does not authenticate")

// gcmSealer seals with AES-256-GCM under one fixed key and the coordinates as
// additional data. Its nonce follows from what is sealed, so that the golden
// payloads come out the same every time: good for a test, for nothing else.
type gcmSealer struct {
	aead  cipher.AEAD
	asked []eventschema.Coordinates // by Open, in order
	// answer, when set, is given in place of opening, after the tag was checked.
	answer *eventschema.Opening
}

func newSealer(t testing.TB) *gcmSealer {
	t.Helper()
	key := sha256.Sum256([]byte("the key of the golden payloads"))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return &gcmSealer{aead: aead}
}

func additional(at eventschema.Coordinates) []byte {
	var b strings.Builder
	for _, part := range []string{
		at.Tenant.String(), at.Subject.String(), string(at.Purpose), at.Period, at.Stream,
		at.EventID.String(), at.EventType, fmt.Sprint(at.SchemaVersion), at.Section,
	} {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	return []byte(b.String())
}

func (s *gcmSealer) Seal(_ context.Context, at eventschema.Coordinates, plaintext []byte) ([]byte, error) {
	aad := additional(at)
	digest := sha256.Sum256(slices.Concat(aad, plaintext))
	nonce := digest[:s.aead.NonceSize()]
	return s.aead.Seal(slices.Clone(nonce), nonce, plaintext, aad), nil
}

func (s *gcmSealer) Open(_ context.Context, at eventschema.Coordinates, envelope []byte, _ eventschema.Use) (eventschema.Opening, error) {
	s.asked = append(s.asked, at)
	if len(envelope) < s.aead.NonceSize() {
		return eventschema.Opening{}, errTag
	}
	nonce, ciphertext := envelope[:s.aead.NonceSize()], envelope[s.aead.NonceSize():]
	plaintext, err := s.aead.Open(nil, nonce, ciphertext, additional(at))
	if err != nil {
		return eventschema.Opening{}, errTag
	}
	if s.answer != nil {
		return *s.answer, nil
	}
	return eventschema.Opening{State: eventschema.StateClear, Plaintext: plaintext}, nil
}

func newRegistry(t testing.TB) *eventschema.Registry {
	t.Helper()
	registry, err := eventschema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// id makes a fixed id from a word, so that tests can be read.
func id(word string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(word)) }

// at reads an instant.
func at(rfc3339 string) time.Time {
	instant, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		panic(err) // a mistake in the test itself
	}
	return instant.UTC()
}

func pointer[T any](value T) *T { return &value }

func metadata() eventschema.Metadata {
	salt := sha256.Sum256([]byte("salt"))
	return eventschema.Metadata{
		CorrelationID: id("correlation"), CausationID: id("causation"), Tenant: id("tenant"),
		Actor: eventschema.Actor{ID: id("officer"), Role: "hr_officer"}, Salt: salt[:],
	}
}

// sealByHand writes a stored event of an older version the way its release did:
// the skeleton as given, each section sealed under that version's coordinates.
func sealByHand(t testing.TB, sealer *gcmSealer, stream string, eventID uuid.UUID, storedName, skeleton string, sections ...byHand) eventschema.Recorded {
	t.Helper()
	eventType, version, ok := eventschema.SplitStoredName(storedName)
	if !ok {
		t.Fatalf("%q is not a stored name", storedName)
	}
	var sealed []eventschema.Sealed
	for _, section := range sections {
		envelope, err := sealer.Seal(t.Context(), eventschema.Coordinates{
			Tenant: metadata().Tenant, Subject: section.subject, Purpose: section.purpose, Stream: stream,
			EventID: eventID, EventType: eventType, SchemaVersion: version, Section: section.name,
		}, []byte(section.values))
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, eventschema.Sealed{Section: section.name, Purpose: section.purpose, Subject: section.subject, Envelope: envelope})
	}
	data := []byte(skeleton)
	if len(sealed) > 0 {
		data = fmt.Appendf(nil, `%s,"sealed":%s}`, strings.TrimSuffix(skeleton, "}"), mustJSON(t, sealed))
	}
	return eventschema.Recorded{
		Stream: stream, ID: eventID, Type: storedName, Revision: 3, Position: 1234,
		ContentType: eventschema.ContentTypeJSON, Data: data, Metadata: mustJSON(t, metadata()),
	}
}

type byHand struct {
	name    string
	purpose eventschema.Purpose
	subject uuid.UUID
	values  string
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
