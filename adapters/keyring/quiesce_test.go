package keyring_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// holders opens n processes that have all used one key.
func holders(t *testing.T, s *store, n int, ref keyring.Ref, envelope []byte) []*keyring.Keyring {
	t.Helper()
	all := make([]*keyring.Keyring, n)
	for i := range all {
		all[i] = s.open(t)
		wantClear(t, all[i], ref, envelope)
	}
	return all
}

func ids(of ...*keyring.Keyring) []uuid.UUID {
	all := make([]uuid.UUID, len(of))
	for i, k := range of {
		all[i] = k.Holder()
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return all
}

func quiesce(t *testing.T, k *keyring.Keyring, underCase uuid.UUID) keyring.Quiescence {
	t.Helper()
	quiet, err := k.Quiesce(t.Context(), tenant, underCase)
	if err != nil {
		t.Fatal(err)
	}
	return quiet
}

func TestEveryHolderAcknowledgesADestruction(t *testing.T) {
	s := newStore(t)
	destroyer := s.open(t)
	ref := subject(t, destroyer)
	envelope := seal(t, destroyer, ref)
	others := holders(t, s, 7, ref, envelope)
	receipt := erase(t, destroyer, ref)
	quiet := quiesce(t, destroyer, receipt.Case)
	if want := ids(append(others, destroyer)...); !slices.Equal(quiet.Acknowledged, want) || len(quiet.Silent) != 0 {
		t.Fatalf("%+v, want %v", quiet, want)
	}
	for _, k := range others { // the clock stands still: nothing but the acknowledgement ended the use
		wantState(t, k, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
	}
	if again := quiesce(t, others[0], receipt.Case); !again.At.Equal(quiet.At) || !slices.Equal(again.Acknowledged, quiet.Acknowledged) {
		t.Fatalf("asked again it says %+v", again)
	}
}

// A holder whose notification was lost hears of the destruction at its next
// beat, five seconds later at most, and acknowledges then.
func TestAHolderThatLostTheNotificationAcknowledgesAtItsNextBeat(t *testing.T) {
	s := newStore(t)
	destroyer := s.open(t)
	ref := subject(t, destroyer)
	envelope := seal(t, destroyer, ref)
	others := holders(t, s, 2, ref, envelope)
	others[0].LoseNotices()
	receipt := erase(t, destroyer, ref)
	wantClear(t, others[0], ref, envelope)
	done := make(chan keyring.Quiescence, 1)
	go func() { done <- quiesce(t, destroyer, receipt.Case) }()
	until(t, func() bool { return s.exec(t, `SELECT FROM cache_ack`) == 2 })
	select {
	case quiet := <-done:
		t.Fatalf("quiet before the last holder has acknowledged: %+v", quiet)
	default:
	}
	if err := others[0].Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if quiet := <-done; len(quiet.Acknowledged) != 3 || len(quiet.Silent) != 0 {
		t.Fatalf("%+v", quiet)
	}
	wantState(t, others[0], ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
}

// promise: ST-29
func TestASilentHolderIsWaitedForUntilItsTimeHasRunOut(t *testing.T) {
	s := newStore(t)
	destroyer := s.open(t)
	ref := subject(t, destroyer)
	envelope := seal(t, destroyer, ref)
	others := holders(t, s, 7, ref, envelope)
	silent := []*keyring.Keyring{others[2], others[5]}
	hearing := slices.DeleteFunc(append(slices.Clone(others), destroyer), func(k *keyring.Keyring) bool { return slices.Contains(silent, k) })
	for _, k := range silent {
		k.Deafen()
	}
	receipt := erase(t, destroyer, ref)
	limit := keyring.ReaderTTL + keyring.ClockAllowance
	short, cancel := context.WithCancel(t.Context())
	interrupted := make(chan error, 1)
	go func() { _, err := destroyer.Quiesce(short, tenant, receipt.Case); interrupted <- err }()
	until(t, func() bool { return s.exec(t, `SELECT FROM cache_ack`) == 6 })
	cancel()
	wantErr(t, <-interrupted, context.Canceled)

	done, begun := make(chan keyring.Quiescence, 1), make(chan struct{})
	go func() {
		close(begun)
		done <- quiesce(t, destroyer, receipt.Case)
	}()
	<-begun
	wantClear(t, silent[0], ref, envelope)
	// The silent holders keep their rows: they are deaf, and so nobody may say
	// that they are dead before their lease is over.
	for range 2 {
		s.clock.advance(limit, limit)
		until(t, func() bool { return len(done) == 1 || s.exec(t, `SELECT FROM cache_holder`) < 8 })
	}
	quiet := <-done
	if !slices.Equal(quiet.Acknowledged, ids(hearing...)) || !slices.Equal(quiet.Silent, ids(silent...)) {
		t.Errorf("%+v, want %v silent", quiet, ids(silent...))
	}
	for _, k := range silent {
		wantState(t, k, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
	}
}

func TestADeadHolderIsRemovedAfterItsLeaseAndNoLongerWaitedFor(t *testing.T) {
	s := newStore(t)
	k, dead := s.open(t), s.open(t)
	ref, second := subject(t, k), subject(t, k)
	envelope, another := seal(t, dead, ref), seal(t, dead, second)
	wantClear(t, dead, second, another)
	dead.Deafen() // killed
	if err := k.RemoveDead(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.clock.advance(keyring.LeaseTTL+keyring.ClockAllowance-1, keyring.LeaseTTL+keyring.ClockAllowance-1)
	if err := errors.Join(k.Beat(t.Context()), k.RemoveDead(t.Context())); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "cache_holder"); n != 2 {
		t.Fatalf("%d holders: removed before its lease was over", n)
	}
	s.clock.advance(1, 1)
	if err := k.RemoveDead(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "cache_holder"); n != 1 {
		t.Fatalf("%d holders", n)
	}
	order := eraseOrder(ref)
	order.Destroy = append(order.Destroy, keyring.Target{Subject: second.Subject})
	if _, err := k.Destroy(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if quiet := quiesce(t, k, order.Case); !slices.Equal(quiet.Acknowledged, ids(k)) {
		t.Fatalf("%+v", quiet)
	}
	// It was only paused: it finds its lease over, forgets everything and registers
	// anew before it opens anything.
	wantState(t, dead, ref, envelope, eventschema.UseAudit, eventschema.StateErased, order.Case)
	wantState(t, dead, second, another, eventschema.UseAudit, eventschema.StateErased, order.Case)
	if n := s.count(t, "cache_holder"); n != 2 {
		t.Fatalf("%d holders, the paused one is back", n)
	}
}

func TestAProcessThatLeavesIsNotWaitedFor(t *testing.T) {
	s := newStore(t)
	k, leaver := s.open(t), s.open(t)
	ref := subject(t, k)
	wantClear(t, leaver, ref, seal(t, k, ref))
	if err := leaver.Close(); err != nil {
		t.Fatal(err)
	}
	receipt := erase(t, k, ref)
	if quiet := quiesce(t, k, receipt.Case); !slices.Equal(quiet.Acknowledged, ids(k)) || len(quiet.Silent) != 0 {
		t.Fatalf("%+v", quiet)
	}
}

// Closing a subject ends sealing, whose time is shorter than that of reading.
func TestWritersAreDrainedAfterAClosing(t *testing.T) {
	s := newStore(t)
	k, deaf := s.open(t), s.open(t)
	ref := subject(t, k)
	seal(t, deaf, ref)
	deaf.Deafen()
	underCase := uuid.New()
	fence(t, k, underCase, keyring.FenceClosing, ref)
	until(t, func() bool { return s.exec(t, `SELECT FROM cache_ack`) == 1 })
	done := make(chan keyring.Quiescence, 1)
	go func() { done <- quiesce(t, k, underCase) }()
	limit := keyring.SealerTTL + keyring.ClockAllowance
	until(t, func() bool {
		s.clock.advance(limit, limit) // the wait may not have begun yet
		return len(done) == 1
	})
	if quiet := <-done; !slices.Equal(quiet.Acknowledged, ids(k)) || !slices.Equal(quiet.Silent, ids(deaf)) {
		t.Fatalf("%+v", quiet)
	}
	_, err := deaf.Seal(t.Context(), at(ref), []byte(name))
	wantErr(t, err, keyring.ErrSubjectClosing)
}

func TestThereIsNothingToQuiesceBeforeADestruction(t *testing.T) {
	k := newStore(t).open(t)
	_, err := k.Quiesce(t.Context(), tenant, uuid.New())
	wantErr(t, err, keyring.ErrNothingRevoked)
}

func TestNothingIsUsedOnceTheLeaseIsOver(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	for rule, step := range map[string]struct{ wall, monotonic time.Duration }{
		"both clocks run":             {keyring.LeaseTTL, keyring.LeaseTTL},
		"the machine was paused":      {keyring.LeaseTTL, 0},
		"the wall clock was set back": {-time.Hour, time.Second},
		"the wall clock stood":        {0, keyring.LeaseTTL},
	} {
		t.Run(rule, func(t *testing.T) {
			wantClear(t, k, ref, envelope)
			s.exec(t, `ALTER TABLE cache_holder RENAME TO away`) // it cannot say that it lives
			s.clock.advance(step.wall, step.monotonic)
			wantState(t, k, ref, envelope, eventschema.UseService, eventschema.StateUnavailable, uuid.Nil)
			s.exec(t, `ALTER TABLE away RENAME TO cache_holder`)
			wantClear(t, k, ref, envelope)
		})
	}
}

func TestNoEpochIsRetiredInTheBeginning(t *testing.T) {
	k := newStore(t).open(t)
	all, err := k.Retirements(t.Context())
	if err != nil || len(all) != 0 {
		t.Fatalf("%v %v", all, err)
	}
	if _, retired, err := k.RetiredAt(t.Context(), 1); err != nil || retired {
		t.Fatalf("%v %v", retired, err)
	}
}
