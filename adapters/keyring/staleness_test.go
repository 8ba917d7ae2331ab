package keyring_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func TestAnotherProcessForgetsADestroyedKeyWhenItIsNotified(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	ref := subject(t, a)
	envelope := seal(t, b, ref)
	wantClear(t, b, ref, envelope)
	receipt := erase(t, a, ref)
	began := time.Now()
	until(t, func() bool { return opens(t, b, ref, envelope) == eventschema.StateErased }) // the clock stands still
	t.Logf("after %v", time.Since(began))
	wantState(t, b, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
	_, err := b.Seal(t.Context(), at(ref), []byte(name))
	wantErr(t, err, keyring.ErrSubjectErased)
}

// promise: ST-29
func TestWithoutNotificationsADestroyedKeyEndsWithItsTime(t *testing.T) {
	cases := map[string]struct{ wall, monotonic time.Duration }{
		"both clocks run": {keyring.ReaderTTL, keyring.ReaderTTL},
		"the machine was paused: the monotonic clock stood still": {keyring.ReaderTTL, 0},
		"the wall clock was set back":                             {-24 * time.Hour, keyring.ReaderTTL},
		"the wall clock was set back in a paused machine":         {-time.Nanosecond, 0},
		"the wall clock jumped ahead":                             {24 * time.Hour, time.Second},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			a, b := s.open(t), s.open(t)
			ref := subject(t, a)
			envelope := seal(t, b, ref)
			wantClear(t, b, ref, envelope)
			b.Deafen()
			receipt := erase(t, a, ref)
			wantClear(t, b, ref, envelope) // the limit is real: a cached key is used until it
			s.clock.advance(c.wall, c.monotonic)
			wantState(t, b, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
		})
	}
}

func TestWithoutNotificationsASealerStopsWithinTenSeconds(t *testing.T) {
	for rule, step := range map[string]struct{ wall, monotonic time.Duration }{
		"both clocks run":              {keyring.SealerTTL, keyring.SealerTTL},
		"the monotonic clock stood":    {keyring.SealerTTL, 0},
		"the wall clock stood":         {0, keyring.SealerTTL},
		"the wall clock was set ahead": {time.Hour, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			a, b := s.open(t), s.open(t)
			ref := subject(t, a)
			seal(t, b, ref)
			b.Deafen()
			receipt := erase(t, a, ref)
			late := seal(t, b, ref)
			wantState(t, a, ref, late, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
			s.clock.advance(step.wall, step.monotonic)
			_, err := b.Seal(t.Context(), at(ref), []byte(name))
			wantErr(t, err, keyring.ErrSubjectErased)
		})
	}
}

// A notification that was lost with the connection must not matter: neither
// one sent before the loss was noticed nor one sent before it was repaired.
func TestALostConnectionForgetsEveryKey(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	before, during := subject(t, k), subject(t, k)
	envelopes := map[keyring.Ref][]byte{before: seal(t, k, before), during: seal(t, k, during)}
	silently := connect(t, s.url) // destroys without a notice
	destroy := func(ref keyring.Ref) {
		t.Helper()
		wantClear(t, k, ref, envelopes[ref])
		if _, err := silently.Exec(t.Context(), `WITH gone AS (DELETE FROM dek WHERE subject = $1 RETURNING *)
			INSERT INTO tombstone SELECT key_id, tenant, $2, purpose, check_value, epoch, now() FROM gone`, ref.Subject, uuid.New()); err != nil {
			t.Fatal(err)
		}
		wantClear(t, k, ref, envelopes[ref])
	}
	destroy(before)
	repair := cutListener(t, s)
	until(t, func() bool { return opens(t, k, before, envelopes[before]) == eventschema.StateErased })
	destroy(during)
	repair()
	until(t, func() bool { return opens(t, k, during, envelopes[during]) == eventschema.StateErased })

	// It listens again.
	after := subject(t, k)
	envelope := seal(t, k, after)
	wantClear(t, k, after, envelope)
	erase(t, s.open(t), after)
	until(t, func() bool { return opens(t, k, after, envelope) == eventschema.StateErased })
}

// cutListener ends the listeners' connections and lets no new one in until it
// is repaired.
func cutListener(t *testing.T, s *store) (repair func()) {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	admin := connect(t, u.String())
	allow := func(yes string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), `ALTER DATABASE `+pgx.Identifier{database}.Sanitize()+` ALLOW_CONNECTIONS `+yes); err != nil {
			t.Fatal(err)
		}
	}
	allow("false")
	if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'tracekeep keyring listener' AND datname = $1`, database); err != nil {
		t.Fatal(err)
	}
	return func() { allow("true") }
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func opens(t *testing.T, k *keyring.Keyring, ref keyring.Ref, envelope []byte) eventschema.State {
	t.Helper()
	opening, err := k.Open(t.Context(), at(ref), envelope, eventschema.UseService)
	if err != nil {
		t.Fatal(err)
	}
	return opening.State
}

func until(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !condition() {
		if ctx.Err() != nil {
			t.Fatal("it never came true")
		}
	}
}
