package keyring_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"tracekeep/adapters/keyring"
	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/eventschema"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		os.Exit(rotateAndDie())
	}
	goleak.VerifyTestMain(pgtest.Around(m))
}

// store is one key store, which several processes may open.
type store struct {
	url, dir string // the database, and the folder of provider keys
	clock    *clock
	random   io.Reader
	provider keyring.Provider // nil: files in the folder
}

// clock is set by the test. It starts at a moment and moves only when told to.
type clock struct {
	mu        sync.Mutex
	wall      time.Time
	monotonic time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *clock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.monotonic
}

func (c *clock) advance(wall, monotonic time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.monotonic = c.wall.Add(wall), c.monotonic+monotonic
}

// empty is a database with the schema of a key store and nothing in it, for the
// stores of all tests to begin as.
var empty struct {
	once sync.Once
	url  string
}

func newStore(tb testing.TB) *store {
	tb.Helper()
	return &store{
		url: database(tb), dir: tb.TempDir(), random: rand.Reader,
		clock: &clock{wall: time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC)},
	}
}

func database(tb testing.TB) string {
	tb.Helper()
	if os.Getenv(pgtest.EnvURL) != "" { // there a database lasts no longer than its test
		return pgtest.Database(tb)
	}
	empty.once.Do(func() {
		empty.url = pgtest.Database(tb)
		_, err := keyring.Open(tb.Context(), keyring.Config{
			URL: empty.url, Provider: keyring.NewFiles(tb.TempDir(), "kek", rand.Reader), Random: rand.Reader, Clock: time.Now,
		})
		wantErr(tb, err, keyring.ErrNotInitialised)
	})
	return pgtest.Copy(tb, empty.url)
}

func (s *store) config() keyring.Config {
	provider := s.provider
	if provider == nil {
		provider = keyring.NewFiles(s.dir, "kek", s.random)
	}
	return keyring.Config{URL: s.url, Provider: provider, Random: s.random, Clock: s.clock.Now, Monotonic: s.clock.Monotonic}
}

// keks lists the KEK files, by name.
func (s *store) keks(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*.kek"))
	if err != nil {
		tb.Fatal(err)
	}
	return files
}

// open is one process.
func (s *store) open(tb testing.TB) *keyring.Keyring {
	tb.Helper()
	k, err := keyring.Init(tb.Context(), s.config())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = k.Close() })
	return k
}

func (s *store) exec(tb testing.TB, sql string, args ...any) int64 {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), s.url)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	tag, err := conn.Exec(tb.Context(), sql, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return tag.RowsAffected()
}

// count answers the number of rows of a table.
func (s *store) count(tb testing.TB, table string) int64 {
	tb.Helper()
	return s.exec(tb, "SELECT FROM "+pgx.Identifier{table}.Sanitize())
}

// subject is a person of tenant with one key.
func subject(tb testing.TB, k *keyring.Keyring, purposes ...eventschema.Purpose) keyring.Ref {
	tb.Helper()
	ref := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	create(tb, k, ref)
	for _, purpose := range purposes {
		other := ref
		other.Purpose = purpose
		if purpose == eventschema.PurposeLocation {
			other.Period = "2026-03"
		}
		create(tb, k, other)
	}
	return ref
}

var tenant = uuid.MustParse("7e000000-0000-4000-8000-000000000001")

func create(tb testing.TB, k *keyring.Keyring, refs ...keyring.Ref) {
	tb.Helper()
	if err := k.Create(tb.Context(), refs...); err != nil {
		tb.Fatal(err)
	}
}

func at(ref keyring.Ref) eventschema.Coordinates {
	return eventschema.Coordinates{
		Tenant: ref.Tenant, Subject: ref.Subject, Purpose: ref.Purpose, Period: ref.Period, Item: ref.Item,
		Stream: "person-7e.01", EventID: uuid.MustParse("e0000000-0000-4000-8000-000000000001"),
		EventType: "person-registered", SchemaVersion: 1, Section: string(ref.Purpose),
	}
}

const name = "Zaphira Quillfeather"

func seal(tb testing.TB, k *keyring.Keyring, ref keyring.Ref) []byte {
	tb.Helper()
	envelope, err := k.Seal(tb.Context(), at(ref), []byte(name))
	if err != nil {
		tb.Fatal(err)
	}
	return envelope
}

func wantState(tb testing.TB, k *keyring.Keyring, ref keyring.Ref, envelope []byte, use eventschema.Use, state eventschema.State, underCase uuid.UUID) {
	tb.Helper()
	got, err := k.Open(tb.Context(), at(ref), envelope, use)
	if err != nil {
		tb.Fatal(err)
	}
	text := ""
	if state == eventschema.StateClear {
		text = name
	}
	if got.State != state || got.Case != underCase || string(got.Plaintext) != text {
		tb.Fatalf("got %s under %s (%d bytes), want %s under %s", got.State, got.Case, len(got.Plaintext), state, underCase)
	}
}

func wantClear(tb testing.TB, k *keyring.Keyring, ref keyring.Ref, envelope []byte) {
	tb.Helper()
	wantState(tb, k, ref, envelope, eventschema.UseService, eventschema.StateClear, uuid.Nil)
}

func wantErr(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Fatalf("got %v, want %v", err, want)
	}
}

// erase destroys every key of a subject and closes its fence for ever.
func erase(tb testing.TB, k *keyring.Keyring, ref keyring.Ref) keyring.Receipt {
	tb.Helper()
	receipt, err := k.Destroy(tb.Context(), eraseOrder(ref))
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

func eraseOrder(ref keyring.Ref) keyring.Order {
	return keyring.Order{
		Tenant: ref.Tenant, Case: uuid.New(),
		Destroy: []keyring.Target{{Subject: ref.Subject}}, Erase: []uuid.UUID{ref.Subject},
	}
}
