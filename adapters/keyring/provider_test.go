package keyring_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tracekeep/adapters/keyring"
)

// providers are all there are; each keeps the same contract.
func providers(t *testing.T) map[string]keyring.Provider {
	t.Helper()
	return map[string]keyring.Provider{
		"files":   keyring.NewFiles(t.TempDir(), "kek", rand.Reader),
		"transit": newEngine(t).provider(t, nil),
	}
}

func TestTheContractOfAProvider(t *testing.T) {
	for who, p := range providers(t) {
		t.Run(who, func(t *testing.T) {
			ctx, plain, aad := t.Context(), bytes.Repeat([]byte{7}, 32), []byte("epoch 1")
			_, err := p.Wrap(ctx, "epoch-1-a", plain, aad)
			wantErr(t, err, keyring.ErrNoKEK)
			_, err = p.Unwrap(ctx, "epoch-1-a", plain, aad)
			wantErr(t, err, keyring.ErrNoKEK)
			for range 2 { // a creation that was interrupted is repeated
				if err := p.Create(ctx, "epoch-1-a"); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Create(ctx, "epoch-2-b"); err != nil {
				t.Fatal(err)
			}
			wrapped, err := p.Wrap(ctx, "epoch-1-a", plain, aad)
			if err != nil || bytes.Contains(wrapped, plain[:8]) {
				t.Fatal(err)
			}
			if again, err := p.Wrap(ctx, "epoch-1-a", plain, aad); err != nil || bytes.Equal(again, wrapped) {
				t.Fatalf("two wraps are equal: %v", err)
			}
			got, err := p.Unwrap(ctx, "epoch-1-a", wrapped, aad)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%x %v", got, err)
			}
			_, err = p.Unwrap(ctx, "epoch-1-a", wrapped, []byte("epoch 2"))
			wantErr(t, err, keyring.ErrWrongKEK)
			_, err = p.Unwrap(ctx, "epoch-2-b", wrapped, aad)
			wantErr(t, err, keyring.ErrWrongKEK)
			_, err = p.Unwrap(ctx, "epoch-1-a", wrapped[:len(wrapped)-1], aad)
			wantErr(t, err, keyring.ErrWrongKEK)
			for range 2 {
				if err := p.Destroy(ctx, "epoch-1-a"); err != nil {
					t.Fatal(err)
				}
			}
			_, err = p.Unwrap(ctx, "epoch-1-a", wrapped, aad)
			wantErr(t, err, keyring.ErrNoKEK)
			_, err = p.Wrap(ctx, "epoch-1-a", plain, aad)
			wantErr(t, err, keyring.ErrNoKEK)
			if reach := p.Reach(); reach.Provider == "" || reach.Standard != "clear" && reach.Standard != "purge" {
				t.Errorf("%+v", reach)
			}
		})
	}
}

func TestProcessesThatMakeOneKeyTogetherMakeOne(t *testing.T) {
	for who, p := range providers(t) {
		t.Run(who, func(t *testing.T) {
			var together sync.WaitGroup
			wraps := make([][]byte, 8)
			for i := range wraps {
				together.Go(func() {
					if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
						t.Error(err)
						return
					}
					var err error
					if wraps[i], err = p.Wrap(t.Context(), "epoch-1-a", make([]byte, 32), nil); err != nil {
						t.Error(err)
					}
				})
			}
			together.Wait()
			for _, wrapped := range wraps {
				if _, err := p.Unwrap(t.Context(), "epoch-1-a", wrapped, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestADestroyedFileIsOverwrittenUnderEveryName(t *testing.T) {
	dir := t.TempDir()
	p := keyring.NewFiles(dir, "kek", rand.Reader)
	if err := p.Create(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "kept")
	if err := os.Link(filepath.Join(dir, "epoch-1-a.kek"), other); err != nil {
		t.Fatal(err)
	}
	if err := p.Destroy(t.Context(), "epoch-1-a"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(other)
	if err != nil || !bytes.Equal(raw, make([]byte, 32)) {
		t.Fatalf("%x %v", raw, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
}

func TestNamesThatLeadOutOfTheFolderAreRefused(t *testing.T) {
	p := keyring.NewFiles(t.TempDir(), "kek", rand.Reader)
	for _, name := range []string{"../epoch-1", "a/b", ".hidden", ".."} {
		wantErr(t, p.Create(t.Context(), name), keyring.ErrKEKName)
		wantErr(t, p.Destroy(t.Context(), name), keyring.ErrKEKName)
	}
}

// A store of the first release has one KEK file under a name of its own. It
// serves until the first rotation, which leaves nothing of it.
func TestTheSingleFileOfTheFirstReleaseServesUntilItsEpochRetires(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(s.dir, "kek")
	if err := os.Rename(s.keks(t)[0], single); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `UPDATE kek_epoch SET provider_key = ''`)
	k = s.open(t)
	wantClear(t, k, ref, envelope)
	rotate(t, k, alone)
	if _, err := os.Stat(single); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the single file is left: %v", err)
	}
	wantClear(t, s.open(t), ref, envelope)
}

// Whoever moves from files to Vault does so by one rotation.
func TestTheNextEpochMayHaveAnotherProvider(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t)
	s.provider = e.provider(t, nil)
	_, err := keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrUnknownProvider)
	cfg := s.config()
	cfg.Former = []keyring.Provider{keyring.NewFiles(s.dir, "kek", rand.Reader)}
	if k, err = keyring.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	wantClear(t, k, ref, envelope)
	if done := rotate(t, k, alone); done.Retired[0].Provider != keyring.FilesProvider || len(s.keks(t)) != 0 {
		t.Fatalf("%+v %v", done, s.keks(t))
	}
	wantClear(t, s.open(t), ref, envelope) // the files are not needed any more
	if done := rotate(t, s.open(t), alone); done.Retired[0].Provider != keyring.TransitProvider || len(e.keys) != 1 {
		t.Fatalf("%+v, %d keys at the engine", done, len(e.keys))
	}
}
