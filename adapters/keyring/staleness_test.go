package keyring_test

import (
	"context"
	"testing"
	"time"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"

	"github.com/google/uuid"
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

// A notification that was lost with the connection must not matter.
func TestALostConnectionForgetsEveryKey(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	wantClear(t, k, ref, envelope)
	underCase := uuid.New()
	s.exec(t, `WITH gone AS (DELETE FROM dek RETURNING *) INSERT INTO tombstone
		SELECT key_id, tenant, $1, purpose, check_value, epoch, now() FROM gone`, underCase)
	wantClear(t, k, ref, envelope)
	s.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'tracekeep keyring listener' AND datname = current_database()`)
	until(t, func() bool { return opens(t, k, ref, envelope) == eventschema.StateErased })

	// It listens again afterwards.
	listeners := `SELECT FROM pg_stat_activity WHERE application_name = 'tracekeep keyring listener'
		AND datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN%'`
	until(t, func() bool { return s.exec(t, listeners) == 1 })
	other := subject(t, k)
	sealed := seal(t, k, other)
	wantClear(t, k, other, sealed)
	erase(t, s.open(t), other)
	until(t, func() bool { return opens(t, k, other, sealed) == eventschema.StateErased })
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
