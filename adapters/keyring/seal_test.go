package keyring_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func TestWhatIsSealedOpensAfterARestart(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	wantClear(t, k, ref, envelope)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := keyring.Open(t.Context(), s.config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	wantClear(t, again, ref, envelope)
	if string(seal(t, again, ref)) == string(envelope) {
		t.Fatal("two seals of one text are equal")
	}
}

// Each change moves a sealed section somewhere it was not sealed for.
func moves() map[string]func(*eventschema.Coordinates) {
	return map[string]func(*eventschema.Coordinates){
		"another tenant":         func(c *eventschema.Coordinates) { c.Tenant = uuid.New() },
		"another subject":        func(c *eventschema.Coordinates) { c.Subject = uuid.New() },
		"another purpose":        func(c *eventschema.Coordinates) { c.Purpose = eventschema.PurposeContact },
		"another month":          func(c *eventschema.Coordinates) { c.Period = "2026-04" },
		"another stream":         func(c *eventschema.Coordinates) { c.Stream += "0" },
		"another event":          func(c *eventschema.Coordinates) { c.EventID = uuid.New() },
		"another type":           func(c *eventschema.Coordinates) { c.EventType = "person-renamed" },
		"another schema version": func(c *eventschema.Coordinates) { c.SchemaVersion++ },
		"another section":        func(c *eventschema.Coordinates) { c.Section = "contact" },
	}
}

// promise: ST-29
func TestASectionOpensOnlyWhereItWasSealed(t *testing.T) {
	k := newStore(t).open(t)
	ref := subject(t, k)
	ref.Purpose, ref.Period = eventschema.PurposeLocation, "2026-03"
	create(t, k, ref)
	envelope := seal(t, k, ref)
	for rule, move := range moves() {
		t.Run(rule, func(t *testing.T) {
			moved := at(ref)
			move(&moved)
			opening, err := k.Open(t.Context(), moved, envelope, eventschema.UseService)
			wantErr(t, err, keyring.ErrCorrupt)
			if opening.Plaintext != nil {
				t.Fatal("a plaintext came with the error")
			}
		})
	}
	wantClear(t, k, ref, envelope)
}

func TestNoCombinationOfMovesOpens(t *testing.T) {
	k := newStore(t).open(t)
	ref := subject(t, k, eventschema.PurposeContact)
	envelope := seal(t, k, ref)
	all := moves()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		moved := at(ref)
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(rt, "moves") {
			all[name](&moved)
		}
		if _, err := k.Open(t.Context(), moved, envelope, eventschema.UseService); !errors.Is(err, keyring.ErrCorrupt) {
			rt.Fatalf("got %v", err)
		}
	})
}

func TestAnAlteredEnvelopeIsCorruptOrUnknown(t *testing.T) {
	k := newStore(t).open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	for i := range envelope {
		altered := append([]byte(nil), envelope...)
		altered[i] ^= 0x01
		_, err := k.Open(t.Context(), at(ref), altered, eventschema.UseService)
		if want := i >= 3 && i < 19; want != errors.Is(err, keyring.ErrNoKey) || !want && !errors.Is(err, keyring.ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for n := range envelope {
		if _, err := k.Open(t.Context(), at(ref), envelope[:n], eventschema.UseService); !errors.Is(err, keyring.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestSealingNeverMakesAKey(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	_, err := k.Seal(t.Context(), at(ref), []byte(name))
	wantErr(t, err, keyring.ErrNoKey)
	if n := s.count(t, "dek") + s.count(t, "subject"); n != 0 {
		t.Fatalf("%d rows were made", n)
	}
}

func TestAMissingKeyAndADestroyedOneAreDifferent(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref, lost := subject(t, k), subject(t, k)
	envelope, orphan := seal(t, k, ref), seal(t, k, lost)
	receipt := erase(t, k, ref)
	wantState(t, k, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)

	s.exec(t, `DELETE FROM dek WHERE subject = $1`, lost.Subject)
	_, err := s.open(t).Open(t.Context(), at(lost), orphan, eventschema.UseService)
	wantErr(t, err, keyring.ErrNoKey)
}

func TestAStoreThatCannotBeAskedIsUnavailable(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	s.clock.advance(keyring.ReaderTTL, keyring.ReaderTTL)
	s.exec(t, `ALTER TABLE dek RENAME TO dek_away`)
	wantState(t, k, ref, envelope, eventschema.UseService, eventschema.StateUnavailable, uuid.Nil)
	s.exec(t, `ALTER TABLE dek_away RENAME TO dek`)
	wantClear(t, k, ref, envelope)

	s.clock.advance(keyring.ReaderTTL, keyring.ReaderTTL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := k.Open(ctx, at(ref), envelope, eventschema.UseService)
	wantErr(t, err, context.Canceled)
}

func TestAKeyIsReplacedBeforeItSealsTooOften(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	first := seal(t, k, ref)
	s.exec(t, `UPDATE dek SET reserved = $1`, keyring.SealLimit-keyring.SealBlock)
	k.UseUp()
	last := seal(t, k, ref) // takes the last block
	if string(first[3:19]) != string(last[3:19]) {
		t.Fatal("replaced too early")
	}
	k.UseUp()
	next := seal(t, k, ref)
	if string(first[3:19]) == string(next[3:19]) {
		t.Fatal("the spent key still seals")
	}
	if n := s.exec(t, `SELECT FROM dek WHERE reserved > $1`, keyring.SealLimit); n != 0 {
		t.Fatal("more seals were handed out than allowed")
	}
	for _, envelope := range [][]byte{first, last, next} {
		wantClear(t, k, ref, envelope)
	}
	if receipt := erase(t, k, ref); len(receipt.Keys) != 2 {
		t.Fatalf("%d generations destroyed, want 2", len(receipt.Keys))
	}
}

func TestALowerLimitMakesMoreGenerations(t *testing.T) {
	s := newStore(t)
	cfg := s.config()
	cfg.SealLimit = 5
	k, err := keyring.Init(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	ref := subject(t, k)
	seals := map[string]int{}
	var envelopes [][]byte
	for range 23 {
		envelope := seal(t, k, ref)
		seals[string(envelope[3:19])]++
		envelopes = append(envelopes, envelope)
	}
	if len(seals) != 5 || s.count(t, "dek") != 5 {
		t.Fatalf("%d keys sealed, %d are stored", len(seals), s.count(t, "dek"))
	}
	for id, n := range seals {
		if n > 5 {
			t.Errorf("key %x sealed %d times", id, n)
		}
	}
	for _, envelope := range envelopes {
		wantClear(t, k, ref, envelope)
	}
	for _, limit := range []int64{-1, keyring.SealLimit + 1} {
		cfg.SealLimit = limit
		if cfg.Validate() == nil {
			t.Errorf("a limit of %d is accepted", limit)
		}
	}
}

func TestEverySealIsReservedFirst(t *testing.T) {
	s := newStore(t)
	ref := subject(t, s.open(t))
	for range 3 { // three processes, each with a block of its own
		seal(t, s.open(t), ref)
	}
	if n := s.exec(t, `SELECT FROM dek WHERE reserved = $1`, 4*keyring.SealBlock); n != 1 {
		t.Fatal("the makers' and the sealers' blocks are not all reserved")
	}
}

func TestNoValueStandsInAnError(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref, other := subject(t, k), subject(t, k)
	badge := keyring.Token{Tenant: tenant, Kind: "badge", Value: name, Person: ref.Subject}
	if err := k.Index(t.Context(), badge); err != nil {
		t.Fatal(err)
	}
	badge.Person = other.Subject
	taken := k.Index(t.Context(), badge)
	erase(t, k, ref)
	_, sealed := k.Seal(t.Context(), at(ref), []byte(name))
	_, opened := k.Open(t.Context(), at(ref), []byte(name), eventschema.UseService)
	wrong := k.Index(t.Context(), keyring.Token{Kind: "badge", Value: name})
	s.exec(t, `ALTER TABLE lookup RENAME TO lookup_away`)
	_, found := k.Find(t.Context(), tenant, "badge", name)
	for _, err := range []error{taken, sealed, opened, wrong, found} {
		if err == nil || strings.Contains(err.Error(), "Zaphira") || strings.Contains(err.Error(), ref.Subject.String()) {
			t.Errorf("%v", err)
		}
	}
}
