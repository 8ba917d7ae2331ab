package keyring_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// verifier connects with the rights of the verifier alone.
func (s *store) verifier(tb testing.TB, k *keyring.Keyring) *keyring.Verifier {
	tb.Helper()
	if err := k.AdmitVerifier(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	v, err := keyring.OpenVerifier(tb.Context(), s.asVerifier(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(v.Close)
	return v
}

func (s *store) asVerifier(tb testing.TB) string {
	tb.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.User(keyring.VerifierRole)
	return u.String()
}

func TestTheVerifierSeesThatNothingIsLeft(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	v := s.verifier(t, k)
	person, work := subject(t, k, eventschema.PurposeContact), subject(t, k, eventschema.PurposeLocation)
	other := subject(t, k)
	token := func(of uuid.UUID, value string) keyring.Token {
		return keyring.Token{Tenant: tenant, Kind: "badge", Value: value, Person: of}
	}
	if err := k.Index(t.Context(), token(person.Subject, "17"), token(other.Subject, "18")); err != nil {
		t.Fatal(err)
	}
	envelope, others := seal(t, k, person), seal(t, k, other)
	later := s.clock.Now().Add(time.Second)
	order := keyring.Order{
		Tenant: tenant, Case: uuid.New(), Erase: []uuid.UUID{person.Subject}, Restrict: []uuid.UUID{work.Subject},
		Destroy: []keyring.Target{{Subject: person.Subject}, {Subject: work.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}}},
	}
	remains := func(wantKeys, wantLookups int) {
		t.Helper()
		keys, lookups, err := v.Remains(t.Context(), order, later)
		if err != nil || keys != wantKeys || lookups != wantLookups {
			t.Errorf("%d keys and %d tokens remain, %v; want %d and %d", keys, lookups, err, wantKeys, wantLookups)
		}
	}
	try := func(envelope []byte, want eventschema.Opening) {
		t.Helper()
		got, err := v.Try(t.Context(), tenant, envelope, later)
		if err != nil || got.State != want.State || got.Case != want.Case || got.Plaintext != nil {
			t.Errorf("the envelope answers %s under %s, %v; want %s under %s", got.State, got.Case, err, want.State, want.Case)
		}
	}
	remains(3, 1)
	try(envelope, eventschema.Opening{State: eventschema.StateSealed})
	if _, err := k.Destroy(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	remains(0, 0)
	try(envelope, eventschema.Opening{State: eventschema.StateErased, Case: order.Case})
	try(others, eventschema.Opening{State: eventschema.StateSealed})
	if subjects, err := k.RestrictedUnder(t.Context(), tenant, order.Case); err != nil || len(subjects) != 1 || subjects[0] != work.Subject {
		t.Errorf("restricted under the case: %v, %v", subjects, err)
	}
	s.clock.advance(time.Minute, time.Minute)
	newer := subject(t, k)
	if _, err := v.Try(t.Context(), tenant, seal(t, k, newer), later); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("a key that was made later: %v", err)
	}
	if _, err := v.Try(t.Context(), uuid.New(), others, later); err == nil {
		t.Error("another tenant's envelope was answered")
	}
	if _, err := v.Try(t.Context(), tenant, envelope[:20], later); err == nil {
		t.Error("a spoilt envelope was answered")
	}
}

func TestTheVerifierCanReadNoKeyAndChangeNothing(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	subject(t, k)
	s.verifier(t, k)
	s.verifier(t, k) // admitting again is no error
	conn, err := pgx.Connect(t.Context(), s.asVerifier(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, statement := range []string{
		`SELECT wrapped FROM dek`, `SELECT check_value FROM dek`, `SELECT wrapped_kek FROM kek_epoch`, `SELECT token FROM lookup`,
		`DELETE FROM dek`, `DELETE FROM tombstone`, `UPDATE subject SET fence = 'open'`, `DELETE FROM hold`, `CREATE TABLE mine (id integer)`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// A case about one purpose erases nobody: what it destroyed is destroyed again in
// a restored copy, and the rest is served as before.
func TestReconcilingACaseAboutOnePurposeLeavesTheRestAlone(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	work := subject(t, k, eventschema.PurposeLocation, eventschema.PurposeWork)
	location := work
	location.Purpose, location.Period = eventschema.PurposeLocation, "2026-03"
	kept := work
	kept.Purpose = eventschema.PurposeWork
	point, number := seal(t, k, location), seal(t, k, kept)
	s.exec(t, `CREATE TABLE kept_dek AS TABLE dek`)
	receipt, err := k.Destroy(t.Context(), keyring.Order{
		Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{{Subject: work.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}}},
	})
	if err != nil || len(receipt.Keys) != 1 {
		t.Fatal(receipt, err)
	}
	for _, restore := range []string{`TRUNCATE tombstone, destruction`, `DELETE FROM dek`, `INSERT INTO dek TABLE kept_dek`} {
		s.exec(t, restore)
	}
	restored := s.open(t)
	revived, err := restored.Reconcile(t.Context(), tenant, []keyring.Destroyed{{Case: receipt.Case, At: receipt.DestroyedAt, Keys: receipt.Keys}})
	if err != nil || revived != 1 {
		t.Fatalf("%d keys were revived, %v", revived, err)
	}
	wantState(t, restored, location, point, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
	wantClear(t, restored, kept, number)
	wantClear(t, restored, work, seal(t, restored, work))
}
