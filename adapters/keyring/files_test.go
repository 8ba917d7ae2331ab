package keyring_test

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"tracekeep/adapters/keyring"
)

func TestTheKEKFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	s := newStore(t)
	_, err := keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrNotInitialised)
	if files, _ := os.ReadDir(s.dir); len(files) != 0 {
		t.Fatal("Open made a KEK file")
	}
	var starting sync.WaitGroup
	for range 4 {
		starting.Go(func() {
			k, err := keyring.Init(t.Context(), s.config())
			if err != nil {
				t.Error(err)
				return
			}
			_ = k.Close()
		})
	}
	starting.Wait()
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) != 1 || len(s.keks(t)) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	st, err := files[0].Info()
	if err != nil || st.Mode() != 0o600 || st.Size() != 32 {
		t.Fatalf("%v %v", st, err)
	}
	before, _ := os.ReadFile(s.keks(t)[0])
	ref := subject(t, s.open(t))
	envelope := seal(t, s.open(t), ref)
	after, _ := os.ReadFile(s.keks(t)[0])
	if string(before) != string(after) {
		t.Fatal("a second Init replaced the KEK file")
	}
	wantClear(t, s.open(t), ref, envelope)
}

func TestKEKFilesThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		spoil func(t *testing.T, name string) error
		want  error
	}{
		"readable by the group": {func(_ *testing.T, name string) error { return os.Chmod(name, 0o640) }, keyring.ErrKEKPermission},
		"readable by all":       {func(_ *testing.T, name string) error { return os.Chmod(name, 0o604) }, keyring.ErrKEKPermission},
		"writable by the group": {func(_ *testing.T, name string) error { return os.Chmod(name, 0o620) }, keyring.ErrKEKPermission},
		"too short":             {func(_ *testing.T, name string) error { return os.Truncate(name, 31) }, keyring.ErrKEKFile},
		"too long":              {func(_ *testing.T, name string) error { return os.Truncate(name, 33) }, keyring.ErrKEKFile},
		"a directory": {func(_ *testing.T, name string) error {
			return errors.Join(os.Remove(name), os.Mkdir(name, 0o700))
		}, keyring.ErrKEKFile},
		"of another store": {func(_ *testing.T, name string) error {
			other := make([]byte, 32)
			_, _ = rand.Read(other)
			return os.WriteFile(name, other, 0o600)
		}, keyring.ErrWrongKEK},
		"lost": {func(_ *testing.T, name string) error { return os.Remove(name) }, keyring.ErrNoKEK},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			_ = s.open(t).Close()
			if err := c.spoil(t, s.keks(t)[0]); err != nil {
				t.Fatal(err)
			}
			_, err := keyring.Open(t.Context(), s.config())
			wantErr(t, err, c.want)
			_, err = keyring.Init(t.Context(), s.config()) // and it is never made anew
			wantErr(t, err, c.want)
		})
	}
}

func TestAConfigurationSaysEverythingItLacks(t *testing.T) {
	_, err := keyring.Open(t.Context(), keyring.Config{})
	for _, need := range []string{"URL", "provider", "randomness", "clock"} {
		if err == nil || !strings.Contains(err.Error(), need) {
			t.Errorf("%v does not name %s", err, need)
		}
	}
}
