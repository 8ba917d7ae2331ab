package keyring_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

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
	rotate(t, k, keyring.RotateOptions{Until: keyring.StepCreate})
	if test, err := k.TestProvider(t.Context(), nil); err != nil || test.Epoch != 2 || test.Keys != 0 {
		t.Fatalf("%+v %v", test, err)
	}
	if n := s.exec(t, `SELECT FROM kek_epoch WHERE epoch = 2 AND tested_at IS NOT NULL`); n != 1 {
		t.Fatal("the test was not noted")
	}
	if moved, err := k.Rewrap(t.Context(), nil); err != nil || moved != 1 {
		t.Fatalf("%d moved: %v", moved, err)
	}
	if n := s.exec(t, `SELECT FROM kek_epoch WHERE epoch = 2 AND tested_at IS NULL AND arrived = 1`); n != 1 {
		t.Fatal("the epoch that a key moved to still counts as tested")
	}
}
