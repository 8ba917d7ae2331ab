package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

const testOrigin = "example.com/tracekeep/trail"

// seeded is a reproducible source of bytes.
func seeded(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(key)
}

// history makes n events as a store would hold them: positions with gaps, a few
// streams, some of the store's own events without a salt.
func history(seed uint64, n int) []eventschema.Recorded {
	source := seeded(seed)
	random := rand.New(source)
	events := make([]eventschema.Recorded, n)
	revisions := map[string]uint64{}
	position := uint64(random.IntN(500))
	created := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	for i := range events {
		position += 3 + uint64(random.IntN(900))
		created = created.Add(time.Duration(random.IntN(1e6)) * 100)
		stream := fmt.Sprintf("punches-0123456789abcdef0123456789abcdef.%032x.2026", random.IntN(7))
		events[i] = eventschema.Recorded{
			Stream: stream, Position: position, ID: uuid.Must(uuid.NewRandomFromReader(source)),
			Type: "punch-recorded.v2", ContentType: eventschema.ContentTypeJSON, Created: created,
			Data: fmt.Appendf(nil, `{"n":%d,"envelope":"%x"}`, i, random.Uint64()), Metadata: salted(source),
		}
		if i%11 == 5 {
			events[i].Stream, events[i].Type, events[i].Metadata = "$$"+stream, "$metadata", nil
			events[i].Data = fmt.Appendf(nil, `{"$maxAge":%d}`, i)
		}
		events[i].Revision = revisions[events[i].Stream]
		revisions[events[i].Stream]++
	}
	return events
}

func salted(source *rand.ChaCha8) []byte {
	salt := make([]byte, eventschema.SaltBytes)
	source.Read(salt)
	metadata, err := json.Marshal(eventschema.Metadata{Tenant: uuid.MustParse("01234567-89ab-4def-8123-456789abcdef"), Salt: salt})
	if err != nil {
		panic(err) // a fixed struct always marshals
	}
	return metadata
}

func testConfig(dir string) Config {
	return Config{Dir: dir, Origin: testOrigin, Random: seeded(7)}
}

// openTest opens with a small journal so that short tests cross its restarts.
func openTest(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := open(testConfig(dir), 700)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func appendAll(t testing.TB, l *Ledger, events []eventschema.Recorded, page int) {
	t.Helper()
	for chunk := range slices.Chunk(events, page) {
		if err := l.Append(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
}

func closeTest(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The root must be the one of RFC 6962 section 2.1 computed by its definition.
func definedRoot(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	split := 1
	for split*2 < len(hashes) {
		split *= 2
	}
	return trail.Join(definedRoot(hashes[:split]), definedRoot(hashes[split:]))
}

func TestRootFollowsRFC6962AtEverySize(t *testing.T) {
	events := history(1, 530)
	hashes := make([]Hash, len(events))
	for i, event := range events {
		hashes[i] = LeafHash(event)
	}
	l := openTest(t, t.TempDir())
	for i := range events {
		if err := l.Append(t.Context(), events[i:i+1]); err != nil {
			t.Fatal(err)
		}
		if got := l.Checkpoint(); got.Size != uint64(i+1) || got.Root != definedRoot(hashes[:i+1]) || got.Position != events[i].Position {
			t.Fatalf("after %d events: %+v", i+1, got)
		}
	}
}

func TestEmptyLogHasTheRootOfNothing(t *testing.T) {
	l := openTest(t, t.TempDir())
	at := l.Checkpoint()
	if at.Size != 0 || at.Root.String() != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Fatalf("empty log: %+v", at)
	}
	if _, some := l.LastPosition(); some {
		t.Fatal("an empty log has a last position")
	}
}

func TestReopenContinuesToTheSameRoot(t *testing.T) {
	events := history(2, 3000)
	dir := t.TempDir()
	for chunk := range slices.Chunk(events, 431) {
		l := openTest(t, dir)
		appendAll(t, l, chunk, 97)
		closeTest(t, l)
	}
	whole := openTest(t, t.TempDir())
	appendAll(t, whole, events, 5000)
	if again := openTest(t, dir); again.Checkpoint() != whole.Checkpoint() {
		t.Fatalf("interrupted %+v\nwhole       %+v", again.Checkpoint(), whole.Checkpoint())
	}
}

func TestOnlyOneWriter(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	if _, err := Open(testConfig(dir)); !errors.Is(err, ErrLocked) {
		t.Fatalf("second writer: %v", err)
	}
	closeTest(t, l)
	openTest(t, dir)
}

func TestKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, history(3, 5), 5)
	key := l.VerifierKey()
	closeTest(t, l)
	stat, err := os.Stat(filepath.Join(dir, signerKeyFile))
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Fatalf("signer key: %v %v", stat, err)
	}
	again, err := Open(Config{Dir: dir, Origin: testOrigin})
	if err != nil || again.VerifierKey() != key {
		t.Fatalf("opened without randomness: %v", err)
	}
	closeTest(t, again)
	if err := os.Remove(filepath.Join(dir, signerKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testConfig(dir)); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a lost key was replaced: %v", err)
	}
}

func TestWhatAppendRefuses(t *testing.T) {
	events := history(4, 400)
	other := events[120]
	other.Data = []byte(`{"other":1}`)
	between := events[120]
	between.Position++
	own := func(stream string, behind int) eventschema.Recorded {
		return eventschema.Recorded{Stream: stream, Type: "$statsCollected", Position: events[behind].Position + 1}
	}
	without := func(i int, page []eventschema.Recorded) []eventschema.Recorded {
		return slices.Delete(slices.Clone(page), i, i+1)
	}
	for rule, c := range map[string]struct {
		page []eventschema.Recorded
		want error
		size uint64
	}{
		"a known page again is skipped":                     {events[100:200], nil, 300},
		"a page half known continues":                       {events[250:350], nil, 350},
		"positions that fall are refused":                   {[]eventschema.Recorded{events[301], events[300]}, ErrOutOfOrder, 300},
		"the same position twice is refused":                {[]eventschema.Recorded{events[300], events[300]}, ErrOutOfOrder, 300},
		"another event at a known position is a fork":       {[]eventschema.Recorded{other}, ErrFork, 300},
		"an event between known positions is a fork":        {[]eventschema.Recorded{between}, ErrFork, 300},
		"a known page with a hole is a fork":                {without(10, events[100:200]), ErrFork, 300},
		"a hole before the end of the known part is a fork": {without(49, events[250:350]), ErrFork, 300},
		"a fork late in a page writes nothing of it":        {append(slices.Clone(events[250:280]), events[290:310]...), ErrFork, 300},
		"an empty page changes nothing":                     {nil, nil, 300},
		"the store's own streams have no leaf":              {[]eventschema.Recorded{own("$stats-1", 301), own("$$$scavenges", 302)}, nil, 300},
		"among others they are left out":                    {[]eventschema.Recorded{own("$stats-1", 299), events[300], own("$ce-a", 300)}, nil, 301},
	} {
		t.Run(rule, func(t *testing.T) {
			l := openTest(t, t.TempDir())
			appendAll(t, l, events[:300], 77)
			if err := l.Append(t.Context(), c.page); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if got := l.Checkpoint().Size; got != c.size {
				t.Fatalf("size %d, want %d", got, c.size)
			}
		})
	}
}

// A follower that reopens beside a restored or replaced event store must not
// continue as if nothing had happened.
func TestReopenBesideAnotherEventStore(t *testing.T) {
	events, foreign := history(5, 500), history(6, 900)
	for i := range foreign {
		foreign[i].Position = uint64(i) // dense: some position of every known event is taken
	}
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events, 100)
	closeTest(t, l)

	l = openTest(t, dir)
	before := l.Checkpoint()
	for rule, next := range map[string][]eventschema.Recorded{
		"a shorter store":                      nil,
		"a store without the last known event": {{Position: before.Position + 10}},
		"another event at the last position":   {{Position: before.Position, Type: "other.v1"}},
	} {
		if err := l.Confirm(t.Context(), next); !errors.Is(err, ErrFork) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if err := l.Append(t.Context(), foreign[:50]); !errors.Is(err, ErrFork) {
		t.Errorf("append of a shorter, regrown store: %v", err)
	}
	if l.Checkpoint() != before {
		t.Error("a refused page changed the trail")
	}
	if err := l.Confirm(t.Context(), events[499:]); err != nil {
		t.Errorf("the right store is refused: %v", err)
	}
}

func TestCancelledAndClosed(t *testing.T) {
	events := history(8, 20)
	l := openTest(t, t.TempDir())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(cancelled, events); !errors.Is(err, context.Canceled) || l.Checkpoint().Size != 0 {
		t.Fatalf("cancelled append: %v", err)
	}
	appendAll(t, l, events[:10], 10) // a cancelled append is no failed write
	closeTest(t, l)
	closeTest(t, l)
	if err := l.Append(t.Context(), events); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, err := l.Prove(t.Context(), events[0].Position); !errors.Is(err, ErrClosed) {
		t.Errorf("prove after close: %v", err)
	}
}

// The folder is read as another process would, while the writer holds it.
func TestALeafIsLocatedInTheFolderAlone(t *testing.T) {
	dir, events := t.TempDir(), history(9, 300)
	l := openTest(t, dir)
	if leaves, err := LocateIn(dir, l.VerifierKey(), 1); err != nil || len(leaves) != 0 {
		t.Fatalf("before the first checkpoint: %v %v", leaves, err)
	}
	appendAll(t, l, events, 33)
	leaves, err := LocateIn(dir, l.VerifierKey(), events[0].Position, events[299].Position, events[299].Position+1)
	if err != nil || len(leaves) != 2 || leaves[events[0].Position] != 0 || leaves[events[299].Position] != 299 {
		t.Errorf("%v %v", leaves, err)
	}
	signed, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	signed[30] ^= 1
	rewriteFile(t, filepath.Join(dir, checkpointFile), signed)
	if _, err := LocateIn(dir, l.VerifierKey(), events[0].Position); !errors.Is(err, ErrSignature) {
		t.Errorf("with a changed checkpoint: %v", err)
	}
}

func TestLocateAndProveKnowWhatIsThere(t *testing.T) {
	events := history(9, 700)
	l := openTest(t, t.TempDir())
	appendAll(t, l, events, 33)
	for i, event := range events {
		if index, ok := l.Locate(event.Position); !ok || index != uint64(i) {
			t.Fatalf("position %d: %d %v", event.Position, index, ok)
		}
		if _, ok := l.Locate(event.Position + 1); ok {
			t.Fatalf("position %d has no event", event.Position+1)
		}
	}
	if _, err := l.Prove(t.Context(), events[699].Position+1); !errors.Is(err, ErrNotYet) {
		t.Errorf("beyond the end: %v", err)
	}
	if _, err := l.Prove(t.Context(), events[10].Position+1); !errors.Is(err, ErrNotInTrail) {
		t.Errorf("between events: %v", err)
	}
}
