package keyring_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/keyring"
	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/eventschema"
)

// recorder remembers every key that is made.
type recorder struct {
	mu   sync.Mutex
	keys [][]byte
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := rand.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; len(b) >= 32; b = b[32:] {
		r.keys = append(r.keys, bytes.Clone(b[:32]))
	}
	return n, err
}

// No value and no key may stand in any file of the key store: heap, indexes,
// write-ahead log, server log, before and after an erasure.
//
// promise: ST-29
func TestNoFileOfTheKeyStoreHoldsAValueOrAKey(t *testing.T) {
	cluster := pgtest.Start(t, nil)
	if err := cluster.EnsureDatabase(t.Context(), "keys"); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	made := &recorder{}
	s.url, s.random = cluster.URL("keys"), made
	k := s.open(t)
	ref := subject(t, k, eventschema.PurposeContact, eventschema.PurposeWork)
	index(t, k, badge("BADGE-7391-QX", ref.Subject, ref.Subject))
	wantErr(t, k.Index(t.Context(), badge("BADGE-7391-QX", subject(t, k).Subject, ref.Subject)), keyring.ErrTaken)
	wantFound(t, k, map[string]keyring.Found{"BADGE-7391-QX": {Person: ref.Subject, Work: ref.Subject}}, "BADGE-7391-QX")
	wantClear(t, k, ref, seal(t, k, ref))
	kek, err := os.ReadFile(s.keks(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	needles := append(made.keys, kek, []byte(name), []byte("BADGE-7391-QX"))
	if len(made.keys) != 3+4 {
		t.Fatalf("%d keys were made, want root, epoch, index and four data keys", len(made.keys))
	}
	for range 2 {
		s.exec(t, `CHECKPOINT`)
		if hits := search(t, s, needles); hits != 0 {
			t.Errorf("%d hits", hits)
		}
		erase(t, k, ref)
		ref = subject(t, k)
	}
	// The search finds what is there.
	s.exec(t, `CREATE TABLE control AS SELECT $1::text AS planted`, name)
	s.exec(t, `CHECKPOINT`)
	if hits := search(t, s, needles); hits == 0 {
		t.Error("the search does not find a planted value")
	}
}

func search(t *testing.T, s *store, needles [][]byte) (hits int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var data string
	if err := conn.QueryRow(t.Context(), `SHOW data_directory`).Scan(&data); err != nil {
		t.Fatal(err)
	}
	var forms [][]byte
	for _, needle := range needles {
		upper := bytes.ToUpper([]byte(hex.EncodeToString(needle)))
		forms = append(forms, needle, bytes.ToLower(upper), upper, []byte(base64.StdEncoding.EncodeToString(needle)))
	}
	files := 0
	err = filepath.WalkDir(filepath.Dir(data), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // Postgres removes files while it runs
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		files++
		for _, form := range forms {
			hits += bytes.Count(text, form)
		}
		return nil
	})
	if err != nil || files < 500 {
		t.Fatalf("searched %d files: %v", files, err)
	}
	return hits
}
