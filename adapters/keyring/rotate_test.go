package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// A dump of the key store that was stolen before an erasure, put to the keys
// that the provider holds, opens the erased person's values until the epoch
// retires, and never after it.
//
// promise: DS-26
// promise: DS-23
func TestAStolenDumpOpensBeforeTheEpochRetiresAndNotAfter(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	tables := []string{"kek_epoch", "subject", "dek"}
	for _, table := range tables {
		s.exec(t, fmt.Sprintf(`CREATE TABLE stolen_%s AS TABLE %s`, table, table))
	}
	erase(t, k, ref)
	// thief puts the stolen rows into a store of their own, beside the provider.
	thief := func() error {
		other := newStore(t)
		other.dir = s.dir
		copyRows(t, s, other, tables)
		stolen, err := keyring.Open(t.Context(), other.config())
		if err != nil {
			return err
		}
		defer func() { _ = stolen.Close() }()
		opening, err := stolen.Open(t.Context(), at(ref), envelope, eventschema.UseService)
		if err == nil && string(opening.Plaintext) != name {
			t.Fatalf("%+v", opening)
		}
		return err
	}
	if err := thief(); err != nil {
		t.Fatalf("before the epoch retires the dump must open, or this test shows nothing: %v", err)
	}
	if _, retired, err := k.RetiredAt(t.Context(), 1); err != nil || retired {
		t.Fatalf("%v %v", retired, err)
	}
	rotate(t, k, alone)
	wantErr(t, thief(), keyring.ErrNoKEK)
	at, retired, err := k.RetiredAt(t.Context(), 1)
	if err != nil || !retired || at.After(s.clock.Now()) {
		t.Fatalf("%v %v %v", at, retired, err)
	}
}

// What this test shows is a limit, not a promise: a copy of the provider key
// that was stolen together with a dump outlives the epoch. That is why escrows
// are counted and backups of the folder have a retention.
func TestACopyOfTheProviderKeyOutlivesItsEpoch(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	tables := []string{"kek_epoch", "subject", "dek"}
	for _, table := range tables {
		s.exec(t, fmt.Sprintf(`CREATE TABLE stolen_%s AS TABLE %s`, table, table))
	}
	kek := s.keks(t)[0]
	raw, err := os.ReadFile(kek)
	if err != nil {
		t.Fatal(err)
	}
	erase(t, k, ref)
	rotate(t, k, alone)
	other := newStore(t)
	copyRows(t, s, other, tables)
	if err := os.WriteFile(other.dir+kek[len(s.dir):], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	wantClear(t, other.open(t), ref, envelope)
}

// copyRows brings the stolen tables of one store into another, empty one.
func copyRows(t *testing.T, from, to *store, tables []string) {
	t.Helper()
	k, err := keyring.Open(t.Context(), to.config()) // makes the schema and finds it empty
	if err == nil {
		t.Fatal(k.Close())
	}
	wantErr(t, err, keyring.ErrNotInitialised)
	source, target := connect(t, from.url), connect(t, to.url)
	for _, table := range tables {
		rows, err := source.Query(t.Context(), `SELECT row_to_json(stolen)::text FROM stolen_`+table+` AS stolen`)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		for _, text := range texts {
			if _, err := target.Exec(t.Context(), `INSERT INTO `+table+` SELECT * FROM json_populate_record(NULL::`+table+`, $1::json)`, text); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAReceiptSaysWhatWasRetired(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k, eventschema.PurposeContact)
	gone := subject(t, k)
	erase(t, k, gone)
	made := rotate(t, k, alone).Retired
	made = append(made, rotate(t, k, alone).Retired...)
	all, err := k.Retirements(t.Context())
	if err != nil || len(all) != 2 || all[0] != made[0] || all[1] != made[1] {
		t.Fatalf("%+v, and told at once were %+v: %v", all, made, err)
	}
	first := all[0]
	now := s.clock.Now().UTC().Truncate(1000)
	if first.Epoch != 1 || !first.RetiredAt.Equal(now) || !first.FinalAt.Equal(now) || first.Provider != "file" || first.ProviderKey == "" ||
		first.Reach != "clear" || first.Rewrapped != 2 || first.Destroyed != 1 || len(first.Hash) != 64 {
		t.Fatalf("%+v", first)
	}
	if all[1].Rewrapped != 2 || all[1].Destroyed != 0 || all[1].Hash == first.Hash {
		t.Fatalf("%+v", all[1])
	}
	wantClear(t, k, ref, seal(t, k, ref))
}

// Each condition refuses, and leaves the epoch as it was.
func TestWhatKeepsAnEpochFromRetiring(t *testing.T) {
	cases := map[string]struct {
		prepare func(t *testing.T, s *store, k *keyring.Keyring, ref keyring.Ref)
		options keyring.RetireOptions
		epoch   int
		want    error
	}{
		"it is the newest": {epoch: 2, want: keyring.ErrNotRetirable},
		"there is none":    {epoch: 7, want: keyring.ErrNotRetirable},
		"a key stands under it": {
			prepare: func(t *testing.T, s *store, _ *keyring.Keyring, _ keyring.Ref) { s.exec(t, `UPDATE dek SET epoch = 1`) },
			want:    keyring.ErrEpochInUse,
		},
		"a token stands under it": {
			prepare: func(t *testing.T, s *store, _ *keyring.Keyring, _ keyring.Ref) {
				s.exec(t, `UPDATE lookup SET epoch = 1, sealed = NULL`)
			},
			want: keyring.ErrTokensLeft,
		},
		"the newest was not tested": {
			prepare: func(t *testing.T, s *store, _ *keyring.Keyring, _ keyring.Ref) {
				s.exec(t, `UPDATE kek_epoch SET tested_at = NULL`)
			},
			want: keyring.ErrNotTested,
		},
		"no copy of the newest was verified": {options: keyring.RetireOptions{}, want: keyring.ErrNoBackup},
		"an escrow of it exists": {
			prepare: func(t *testing.T, s *store, _ *keyring.Keyring, _ keyring.Ref) {
				s.exec(t, `INSERT INTO escrow VALUES ($1, now(), '{1}', 'passphrase', '/somewhere', sha256(''))`, uuid.New())
			},
			want: keyring.ErrEscrowed,
		},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			ref := subject(t, k)
			index(t, k, badge("A-17", ref.Subject, uuid.Nil))
			until := alone
			until.Until = keyring.StepTest
			rotate(t, k, until)
			if c.epoch == 0 {
				c.epoch = 1
			}
			options := c.options
			if !errors.Is(c.want, keyring.ErrNoBackup) {
				options.WithoutBackup = true
			}
			if c.prepare != nil {
				c.prepare(t, s, k, ref)
			}
			_, err := k.Retire(t.Context(), c.epoch, options)
			wantErr(t, err, c.want)
			if n := s.exec(t, `SELECT FROM kek_epoch WHERE state = 'living'`); n != 2 || len(s.keks(t)) != 2 {
				t.Fatalf("%d epochs, %d files", n, len(s.keks(t)))
			}
		})
	}
}

func TestEpochsRetireInOrder(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	subject(t, k)
	s.exec(t, `INSERT INTO kek_epoch (epoch, provider, wrapped_kek, wrapped_index, created_at, provider_key)
		SELECT 0 + epoch + 5, provider, wrapped_kek, wrapped_index, created_at, provider_key FROM kek_epoch`)
	s.exec(t, `UPDATE kek_epoch SET tested_at = now()`)
	s.exec(t, `INSERT INTO kek_epoch (epoch, provider, wrapped_kek, wrapped_index, created_at, provider_key)
		SELECT epoch + 7, provider, wrapped_kek, wrapped_index, created_at, provider_key FROM kek_epoch WHERE epoch = 1`)
	_, err := k.Retire(t.Context(), 6, alone.RetireOptions)
	wantErr(t, err, keyring.ErrNotRetirable)
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
// one, and finds what has moved.
func TestAProcessThatHearsNothingDoesNotFallBehindARotation(t *testing.T) {
	s := newStore(t)
	k, deaf := s.open(t), s.open(t)
	ref := subject(t, k)
	index(t, k, badge("A-17", ref.Subject, uuid.Nil))
	old := seal(t, k, ref)
	wantClear(t, deaf, ref, old)
	deaf.Deafen()
	until := alone
	until.Until = keyring.StepTokens
	rotate(t, k, until)
	wantFound(t, deaf, map[string]keyring.Found{"A-17": {Person: ref.Subject}}, "A-17")
	fresh, taken := subject(t, deaf), subject(t, deaf)
	wantErr(t, deaf.Index(t.Context(), badge("A-17", taken.Subject, uuid.Nil)), keyring.ErrTaken)
	index(t, deaf, badge("B-18", fresh.Subject, uuid.Nil))
	if n := s.exec(t, `SELECT FROM dek WHERE epoch = 1`) + s.exec(t, `SELECT FROM lookup WHERE epoch = 1`); n != 0 {
		t.Fatalf("%d rows under the old epoch", n)
	}
	wantClear(t, k, fresh, seal(t, deaf, fresh))
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

// The newest epoch is tested by opening all there is, not by asking whether a
// file exists.
func TestARestoreTestFindsWhatDoesNotOpen(t *testing.T) {
	for rule, damage := range map[string]func(t *testing.T, s *store){
		"a key that does not unwrap": func(t *testing.T, s *store) {
			s.exec(t, `UPDATE dek SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE key_id = (SELECT max(key_id::text)::uuid FROM dek WHERE item = '00000000-0000-0000-0000-000000000000')`)
		},
		"an item key that does not unwrap": func(t *testing.T, s *store) {
			s.exec(t, `UPDATE dek SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE parent IS NOT NULL`)
		},
		"a check value that does not agree": func(t *testing.T, s *store) {
			s.exec(t, `UPDATE dek SET check_value = set_byte(check_value, 0, get_byte(check_value, 0) # 1)`)
		},
		"a provider key that was exchanged": func(t *testing.T, s *store) {
			if err := os.WriteFile(s.keks(t)[1], make([]byte, 32), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a provider key that is lost": func(t *testing.T, s *store) {
			if err := os.Remove(s.keks(t)[1]); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			withItems(t, k, 2)
			until := alone
			until.Until = keyring.StepTokens
			rotate(t, k, until)
			damage(t, s)
			if _, err := k.TestProvider(t.Context(), nil); err == nil {
				t.Fatal("the test passed")
			}
			_, err := k.Retire(t.Context(), 1, alone.RetireOptions)
			wantErr(t, err, keyring.ErrNotTested)
			if len(s.keks(t)) == 0 {
				t.Fatal("the old provider key is gone")
			}
		})
	}
}

func TestKeysThatMoveTakeTheRestoreTestBack(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	subject(t, k)
	until := alone
	until.Until = keyring.StepTest
	rotate(t, k, until)
	s.exec(t, `UPDATE kek_epoch SET tested_at = now()`)
	before := s.exec(t, `SELECT FROM kek_epoch WHERE epoch = 2 AND tested_at IS NOT NULL`)
	late := subject(t, k)
	s.exec(t, `INSERT INTO kek_epoch (epoch, provider, provider_key, state, wrapped_kek, wrapped_index, created_at) VALUES (3, 'file', 'epoch-3-x', 'making', '', '', now())`)
	rotate(t, k, keyring.RotateOptions{Until: keyring.StepRewrap})
	if n := s.exec(t, `SELECT FROM kek_epoch WHERE epoch = 3 AND tested_at IS NULL AND arrived = 2`); before != 1 || n != 1 {
		t.Fatal("the epoch that keys moved to counts as tested")
	}
	wantClear(t, s.open(t), late, seal(t, k, late))
}
