package keyring_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// alone retires without a copy of the newest epoch.
var alone = keyring.RotateOptions{RetireOptions: keyring.RetireOptions{WithoutBackup: true}}

func rotate(tb testing.TB, k *keyring.Keyring, options keyring.RotateOptions) keyring.Rotation {
	tb.Helper()
	done, err := k.Rotate(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	return done
}

// promise: RR-39
func TestARotationLeavesEverythingReadableAndTheOldEpochGone(t *testing.T) {
	s := newStore(t)
	k, other := s.open(t), s.open(t)
	ref := subject(t, k, eventschema.PurposeContact)
	_, items := withItems(t, k, 1)
	index(t, k, badge("A-17", ref.Subject, uuid.Nil))
	old, note := seal(t, k, ref), seal(t, k, items[0])
	wantClear(t, other, ref, old)
	first := s.keks(t)
	for epoch := 2; epoch <= 4; epoch++ {
		done := rotate(t, k, alone)
		if !done.Created || done.Epoch != epoch || done.TokensLeft != 0 || len(done.Retired) != 1 || done.Retired[0].Epoch != epoch-1 || done.Test.Keys != int(done.Moved) {
			t.Fatalf("%+v", done)
		}
		for _, reader := range []*keyring.Keyring{k, other, s.open(t)} {
			wantClear(t, reader, ref, old)
			wantClear(t, reader, items[0], note)
			wantClear(t, reader, ref, seal(t, reader, ref))
			wantFound(t, reader, map[string]keyring.Found{"A-17": {Person: ref.Subject}}, "A-17", "B-18")
		}
		for _, table := range []string{"kek_epoch", "dek", "lookup"} {
			if n := s.exec(t, fmt.Sprintf(`SELECT FROM %s WHERE epoch <> $1`, table), epoch); n != 0 {
				t.Errorf("%d rows of %s under another epoch", n, table)
			}
		}
		fresh := subject(t, other)
		wantClear(t, k, fresh, seal(t, other, fresh))
	}
	if files := s.keks(t); len(files) != 1 || files[0] == first[0] {
		t.Fatalf("%v", files)
	}
	receipt := erase(t, k, ref)
	quiesce(t, k, receipt.Case)
	wantState(t, other, ref, old, eventschema.UseAudit, eventschema.StateErased, receipt.Case)
}

// Keys are made, used and destroyed while a rotation moves them.
func TestARotationUnderLoad(t *testing.T) {
	s := newStore(t)
	k, other := s.open(t), s.open(t)
	var refs []keyring.Ref
	for range 400 {
		refs = append(refs, keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity})
	}
	create(t, k, refs...)
	envelopes := make([][]byte, len(refs))
	for i, ref := range refs {
		envelopes[i] = seal(t, k, ref)
		index(t, k, badge(fmt.Sprint("B-", i), ref.Subject, uuid.Nil))
	}
	var stop atomic.Bool
	var busy sync.WaitGroup
	destroyed := make([]uuid.UUID, 100)
	busy.Go(func() { // destroys the first hundred
		for i := range destroyed {
			receipt, err := other.Destroy(t.Context(), eraseOrder(refs[i]))
			if err != nil {
				t.Error(err)
				return
			}
			destroyed[i] = receipt.Case
		}
	})
	for _, worker := range []*keyring.Keyring{k, other} {
		busy.Go(func() { // reads, looks up, registers
			for i := 100; !stop.Load(); i = 100 + (i-99)%300 {
				if state := opens(t, worker, refs[i], envelopes[i]); state != eventschema.StateClear {
					t.Errorf("%s while the keys move", state)
					return
				}
				found, err := worker.Find(t.Context(), tenant, "badge", fmt.Sprint("B-", i))
				if err != nil || found[fmt.Sprint("B-", i)].Person != refs[i].Subject {
					t.Errorf("badge %d is %v: %v", i, found, err)
					return
				}
				fresh := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
				if err := worker.Create(t.Context(), fresh); err != nil {
					t.Error(err)
					return
				}
				if err := worker.Index(t.Context(), badge(fresh.Subject.String(), fresh.Subject, uuid.Nil)); err != nil {
					t.Error(err)
					return
				}
				if _, err := worker.Seal(t.Context(), at(fresh), []byte(name)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		rotate(t, k, alone)
	}
	stop.Store(true)
	busy.Wait()
	reader := s.open(t)
	for i, ref := range refs {
		if i < len(destroyed) {
			wantState(t, reader, ref, envelopes[i], eventschema.UseAudit, eventschema.StateErased, destroyed[i])
			continue
		}
		wantClear(t, reader, ref, envelopes[i])
	}
	if n := s.exec(t, `SELECT FROM dek WHERE epoch <> 4`) + s.exec(t, `SELECT FROM lookup WHERE epoch <> 4`); n != 0 {
		t.Errorf("%d rows under an older epoch", n)
	}
}

// A process that has not heard of the next epoch makes nothing under the old
// one, and finds what has moved. Each does one thing, since it knows afterwards.
func TestAProcessThatHearsNothingDoesNotFallBehindARotation(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref, fresh := subject(t, k), keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	index(t, k, badge("A-17", ref.Subject, uuid.Nil))
	old := seal(t, k, ref)
	var deaf []*keyring.Keyring
	for range 6 {
		deaf = append(deaf, s.open(t))
		deaf[len(deaf)-1].Deafen()
	}
	until := alone
	until.Until = keyring.StepTokens
	rotate(t, k, until)
	wantFound(t, deaf[0], map[string]keyring.Found{"A-17": {Person: ref.Subject}}, "A-17")
	create(t, deaf[1], fresh)
	index(t, deaf[2], badge("B-18", fresh.Subject, uuid.Nil))
	wantErr(t, deaf[3].Index(t.Context(), badge("A-17", fresh.Subject, uuid.Nil)), keyring.ErrTaken)
	wantClear(t, deaf[4], ref, old)
	s.exec(t, `UPDATE dek SET reserved = $1 WHERE subject = $2`, keyring.SealLimit, ref.Subject)
	wantClear(t, k, ref, seal(t, deaf[5], ref)) // makes the next generation
	if n := s.exec(t, `SELECT FROM dek WHERE epoch = 1`) + s.exec(t, `SELECT FROM lookup WHERE epoch = 1`); n != 0 {
		t.Fatalf("%d rows under the old epoch", n)
	}
	if n := s.count(t, "dek"); n != 3 {
		t.Fatalf("%d keys", n)
	}
}

// A value must not get a second owner because its first token still stands
// under the older epoch.
func TestAValueHasOneOwnerWhileTokensMove(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	a, b := subject(t, k), subject(t, k)
	index(t, k, badge("A-17", a.Subject, uuid.Nil), badge("B-18", b.Subject, uuid.Nil))
	until := alone
	until.Until = keyring.StepRewrap
	rotate(t, k, until)
	wantErr(t, k.Index(t.Context(), badge("A-17", b.Subject, uuid.Nil)), keyring.ErrTaken)
	work := subject(t, k).Subject
	index(t, k, badge("A-17", a.Subject, work)) // hired again: the old token is replaced
	wantFound(t, k, map[string]keyring.Found{"A-17": {Person: a.Subject, Work: work}}, "A-17")
	if n := s.exec(t, `SELECT FROM lookup WHERE epoch = 2`); n != 1 {
		t.Fatalf("%d tokens under the new epoch", n)
	}
	// What is looked for moves by itself.
	wantFound(t, k, map[string]keyring.Found{"B-18": {Person: b.Subject}}, "B-18")
	if n := s.exec(t, `SELECT FROM lookup WHERE epoch = 1`); n != 0 {
		t.Fatalf("%d tokens under the old epoch", n)
	}
}

// Tokens of the first release have no value beside them. They move when their
// value is given, or are looked for; otherwise the epoch does not retire.
func TestTokensWithoutAValueKeepTheirEpochUntilItIsGiven(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	a, b, c := subject(t, k), subject(t, k), subject(t, k)
	index(t, k, badge("A-17", a.Subject, uuid.Nil), badge("B-18", b.Subject, uuid.Nil), badge("C-19", c.Subject, uuid.Nil))
	s.exec(t, `UPDATE lookup SET sealed = NULL`)
	_, err := k.Rotate(t.Context(), alone)
	wantErr(t, err, keyring.ErrTokensLeft)
	if !keyring.Waits(err) {
		t.Error("it waits for somebody")
	}
	moved, err := k.Retoken(t.Context(), badge("A-17", a.Subject, uuid.Nil), badge("A-17x", a.Subject, uuid.Nil), badge("B-18", a.Subject, uuid.Nil))
	if err != nil || moved != 1 {
		t.Fatalf("%d moved: %v", moved, err)
	}
	wantFound(t, k, map[string]keyring.Found{"B-18": {Person: b.Subject}}, "B-18")
	_, err = k.Rotate(t.Context(), alone)
	wantErr(t, err, keyring.ErrTokensLeft)
	forget := alone
	forget.ForgetTokens = true
	if done := rotate(t, k, forget); done.Created || len(done.Retired) != 1 {
		t.Fatalf("%+v", done)
	}
	wantFound(t, k, map[string]keyring.Found{"A-17": {Person: a.Subject}, "B-18": {Person: b.Subject}}, "A-17", "B-18", "C-19")
	rotate(t, k, alone) // A-17 and B-18 have their values now
}

func TestHashesOfEveryLivingEpochAreComparable(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	before, err := k.Macs(t.Context(), tenant, "request", []byte("value"))
	if err != nil || len(before) != 1 || before[0].Epoch != 1 {
		t.Fatalf("%v %v", before, err)
	}
	until := alone
	until.Until = keyring.StepTest
	rotate(t, k, until)
	during, err := s.open(t).Macs(t.Context(), tenant, "request", []byte("value"))
	if err != nil || len(during) != 2 || during[0].Epoch != 2 || during[1] != before[0] || during[0].Sum == during[1].Sum {
		t.Fatalf("%v %v", during, err)
	}
	rotate(t, k, alone)
	after, err := k.Macs(t.Context(), tenant, "request", []byte("value"))
	if err != nil || len(after) != 1 || after[0] != during[0] {
		t.Fatalf("%v %v", after, err)
	}
	other, err := k.Macs(t.Context(), tenant, "other", []byte("value"))
	if err != nil || other[0].Sum == after[0].Sum {
		t.Fatal("two kinds have one hash")
	}
}

func TestOneProcessRotatesAtATime(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	subject(t, a)
	var refused error
	options := alone
	options.BeforeRetiring = func(ctx context.Context) error {
		_, refused = b.Rotate(ctx, alone)
		return nil
	}
	rotate(t, a, options)
	wantErr(t, refused, keyring.ErrRotating)
}
