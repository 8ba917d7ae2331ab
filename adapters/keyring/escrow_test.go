package keyring_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
)

const passphrase = "correct horse battery staple"

// safe is cheap, which is for tests alone.
func safe(tb testing.TB, passphrase string) keyring.Safe {
	tb.Helper()
	s, err := keyring.PassphraseSafe(passphrase, 10)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// escrow makes an escrow and puts it to its place.
func escrow(tb testing.TB, k *keyring.Keyring, in keyring.Safe) (keyring.Escrow, []byte) {
	tb.Helper()
	place := filepath.Join(tb.TempDir(), "escrow.age")
	made, file, err := k.Escrow(tb.Context(), in, place)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(place, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	return made, file
}

func TestAnEscrowIsVerifiedByOpeningEveryKey(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	locks := map[string]func() (lock, open keyring.Safe){
		"with a passphrase": func() (keyring.Safe, keyring.Safe) { return safe(t, passphrase), safe(t, passphrase+"\n") },
		"for a recipient": func() (keyring.Safe, keyring.Safe) {
			lock, err := keyring.RecipientSafe(hybrid.Recipient().String() + "\n")
			if err != nil {
				t.Fatal(err)
			}
			open, err := keyring.IdentitySafe("# created: today\n" + hybrid.String() + "\n")
			if err != nil {
				t.Fatal(err)
			}
			return lock, open
		},
	}
	for rule, make := range locks {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			subject(t, k)
			withItems(t, k, 2)
			lock, open := make()
			made, file := escrow(t, k, lock)
			if !slices.Equal(made.Epochs, []int{1}) || bytes.Contains(file, []byte("kek")) {
				t.Fatalf("%+v", made)
			}
			test, retired, err := k.VerifyEscrow(t.Context(), open, file, nil)
			if err != nil || test.Epoch != 1 || test.Keys != 5 || len(retired) != 0 {
				t.Fatalf("%+v %v %v", test, retired, err)
			}
			all, err := k.Escrows(t.Context())
			if err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].VerifiedAt.IsZero() || !all[0].DestroyedAt.IsZero() {
				t.Fatalf("%+v %v", all, err)
			}
			wrong := safe(t, "another passphrase entirely")
			_, _, err = k.VerifyEscrow(t.Context(), wrong, file, nil)
			if !errors.Is(err, keyring.ErrEscrowClosed) && !errors.Is(err, keyring.ErrEscrowFile) {
				t.Fatal(err)
			}
			file[len(file)-1] ^= 1
			_, _, err = k.VerifyEscrow(t.Context(), open, file, nil)
			wantErr(t, err, keyring.ErrEscrowFile)
			other := newStore(t).open(t)
			file[len(file)-1] ^= 1
			if _, _, err = other.VerifyEscrow(t.Context(), open, file, nil); err == nil {
				t.Fatal("an escrow of another store passes")
			}
		})
	}
}

func TestLocksThatAreRefused(t *testing.T) {
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	_, short := keyring.PassphraseSafe("  short  ", 10)
	_, curve := keyring.RecipientSafe(x25519.Recipient().String())
	_, curveID := keyring.IdentitySafe(x25519.String())
	_, nothing := keyring.IdentitySafe("# nothing\n")
	for rule, err := range map[string]error{
		"a short passphrase": short, "a recipient that a quantum computer opens": curve, "its identity": curveID, "an empty file": nothing,
	} {
		if !errors.Is(err, keyring.ErrSafe) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := keyring.RecipientSafe(hybrid.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = newStore(t).open(t).VerifyEscrow(t.Context(), lock, nil, nil)
	wantErr(t, err, keyring.ErrSafe) // a recipient alone opens nothing
}

// An escrow of the old epoch keeps it from retiring until it is destroyed, and
// one of the new epoch must have been verified.
//
// promise: DS-23
func TestAnEpochRetiresWhenItsEscrowsAreDestroyedAndTheNextIsVerified(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	old, oldFile := escrow(t, k, safe(t, passphrase))
	_, err := k.Rotate(t.Context(), keyring.RotateOptions{})
	wantErr(t, err, keyring.ErrNoBackup)
	next, nextFile := escrow(t, k, safe(t, passphrase))
	if !slices.Equal(next.Epochs, []int{2}) {
		t.Fatalf("%+v: an escrow of the emptied epoch would keep it from retiring", next)
	}
	_, err = k.Rotate(t.Context(), keyring.RotateOptions{})
	wantErr(t, err, keyring.ErrNoBackup) // made, and not verified
	_, _, err = k.VerifyEscrow(t.Context(), safe(t, passphrase), oldFile, nil)
	wantErr(t, err, keyring.ErrEscrowOld)
	if _, _, err := k.VerifyEscrow(t.Context(), safe(t, passphrase), nextFile, nil); err != nil {
		t.Fatal(err)
	}
	_, err = k.Rotate(t.Context(), keyring.RotateOptions{})
	wantErr(t, err, keyring.ErrEscrowed)
	for range 2 {
		if err := k.DestroyEscrow(t.Context(), old.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(old.Place); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the file of a destroyed escrow is left")
	}
	if done := rotate(t, k, keyring.RotateOptions{}); done.Created || len(done.Retired) != 1 {
		t.Fatalf("%+v", done)
	}
	wantClear(t, s.open(t), ref, envelope)
}

func TestADestroyedEscrowIsWhereItWasSaidToBe(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	subject(t, k)
	made, _ := escrow(t, k, safe(t, passphrase))
	if err := os.WriteFile(made.Place, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantErr(t, k.DestroyEscrow(t.Context(), made.ID, false), keyring.ErrEscrowPlace)
	if text, _ := os.ReadFile(made.Place); string(text) != "something else" {
		t.Fatal("another file was destroyed")
	}
	wantErr(t, k.DestroyEscrow(t.Context(), uuid.New(), true), keyring.ErrNoEscrow)
	if err := k.DestroyEscrow(t.Context(), made.ID, true); err != nil {
		t.Fatal(err)
	}
	all, err := k.Escrows(t.Context())
	if err != nil || all[0].DestroyedAt.IsZero() {
		t.Fatalf("%+v %v", all, err)
	}
}

// The provider key is lost, and the store cannot be opened: the escrow brings it
// back, for what still lives and for nothing that was erased or has retired.
func TestAnEscrowBringsBackALostProviderKey(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref, gone := subject(t, k), subject(t, k)
	envelope, ashes := seal(t, k, ref), seal(t, k, gone)
	index(t, k, badge("A-17", ref.Subject, uuid.Nil))
	_, first := escrow(t, k, safe(t, passphrase))
	receipt := erase(t, k, gone)
	if err := errors.Join(k.Close(), os.Remove(s.keks(t)[0])); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrNoKEK)
	recovered, err := keyring.Recover(t.Context(), s.config(), safe(t, passphrase), first)
	if err != nil || !slices.Equal(recovered, []int{1}) {
		t.Fatalf("%v %v", recovered, err)
	}
	if recovered, err = keyring.Recover(t.Context(), s.config(), safe(t, passphrase), first); err != nil || len(recovered) != 0 {
		t.Fatalf("a key that works was replaced: %v %v", recovered, err)
	}
	k = s.open(t)
	wantClear(t, k, ref, envelope)
	wantState(t, k, gone, ashes, "audit", "erased", receipt.Case)
	wantFound(t, k, map[string]keyring.Found{"A-17": {Person: ref.Subject}}, "A-17")

	// An escrow of a retired epoch brings nothing back.
	made, err := k.Escrows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := k.DestroyEscrow(t.Context(), made[0].ID, true); err != nil {
		t.Fatal(err)
	}
	rotate(t, k, alone)
	if err := errors.Join(k.Close(), os.Remove(s.keks(t)[0])); err != nil {
		t.Fatal(err)
	}
	if recovered, err = keyring.Recover(t.Context(), s.config(), safe(t, passphrase), first); err != nil || len(recovered) != 0 {
		t.Fatalf("%v %v", recovered, err)
	}
	_, err = keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrNoKEK)
}

func TestARecoveryDoesNotBelieveAnEscrowOfAnotherStore(t *testing.T) {
	s, other := newStore(t), newStore(t)
	k := s.open(t)
	subject(t, k)
	_, foreign := escrow(t, other.open(t), safe(t, passphrase))
	if err := errors.Join(k.Close(), os.Remove(s.keks(t)[0])); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Recover(t.Context(), s.config(), safe(t, passphrase), foreign)
	wantErr(t, err, keyring.ErrNotRestored)
	if len(s.keks(t)) != 0 {
		t.Fatal("a key was made for it")
	}
}

func TestARestoredKeyStoreIsVerified(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	subject(t, k)
	withItems(t, k, 1)
	until := alone
	until.Until = keyring.StepCreate
	rotate(t, k, until)
	subject(t, k)
	tests, err := keyring.VerifyRestored(t.Context(), s.config(), nil) // a restored copy would be another database
	if err != nil || len(tests) != 2 || tests[0].Epoch != 1 || tests[0].Keys != 4 || tests[1].Keys != 1 {
		t.Fatalf("%+v %v", tests, err)
	}
	s.exec(t, `UPDATE dek SET check_value = set_byte(check_value, 0, get_byte(check_value, 0) # 1) WHERE epoch = 2`)
	_, err = keyring.VerifyRestored(t.Context(), s.config(), nil)
	wantErr(t, err, keyring.ErrNotRestored)
	s.provider = keyring.NewFiles(t.TempDir(), "kek", s.random)
	_, err = keyring.VerifyRestored(t.Context(), s.config(), nil)
	wantErr(t, err, keyring.ErrNoKEK)
}

// promise: ST-37
// promise: DS-19
// promise: DS-21
func TestWhenAnErasureIsFinalIsAddedUpAndHeldToThePromise(t *testing.T) {
	const day = 24 * time.Hour
	file := keyring.Reach{Provider: "file", Standard: "clear"}
	cloud := keyring.Reach{Provider: "kms", Standard: "purge", Delay: 30 * day}
	for rule, c := range map[string]struct {
		change func(*keyring.Lifetimes)
		reach  keyring.Reach
		final  time.Duration
		says   string
	}{
		"the defaults keep thirty days with a day to spare": {func(*keyring.Lifetimes) {}, file, 29*day + 65*time.Second, ""},
		"a cloud's usual delay of thirty days breaks it":    {func(*keyring.Lifetimes) {}, cloud, 59*day + 65*time.Second, "the kms provider destroys its key"},
		"a delay of seven days and no backups keep it": {func(l *keyring.Lifetimes) { l.BackupRetention = 0 },
			keyring.Reach{Provider: "kms", Standard: "purge", Delay: 7 * day}, 22*day + 65*time.Second, ""},
		"monthly epochs break it":         {func(l *keyring.Lifetimes) { l.Epoch = 30 * day }, file, 52*day + 65*time.Second, "the epoch ends"},
		"old backups break it":            {func(l *keyring.Lifetimes) { l.BackupRetention = 35 * day }, file, 50*day + 65*time.Second, "the last backup"},
		"a shorter promise is stricter":   {func(l *keyring.Lifetimes) { l.Limit = 14 * day }, file, 29*day + 65*time.Second, "14 days are promised"},
		"to the second":                   {func(l *keyring.Lifetimes) { l.Limit = 29 * day }, file, 29*day + 65*time.Second, "too late"},
		"a cooling-off is a week at most": {func(l *keyring.Lifetimes) { l.CoolingOff, l.BackupRetention = 8*day, 0 }, file, 16*day + 65*time.Second, "a week at most"},
		"no epoch lasts for ever":         {func(l *keyring.Lifetimes) { l.Epoch = 0 }, file, 22*day + 65*time.Second, "the length of an epoch"},
	} {
		t.Run(rule, func(t *testing.T) {
			l := keyring.DefaultLifetimes()
			c.change(&l)
			f, err := l.Finality(c.reach)
			if f.Final != c.final || f.Effective != l.CoolingOff+65*time.Second || f.Stages[len(f.Stages)-1].After != f.Final {
				t.Errorf("final after %s, effective after %s", f.Final, f.Effective)
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
