package ledger

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tracekeep/eventschema"
)

func yield(events []eventschema.Recorded) iter.Seq2[eventschema.Recorded, error] {
	return func(next func(eventschema.Recorded, error) bool) {
		for _, event := range events {
			if !next(event, nil) {
				return
			}
		}
	}
}

func verifyTest(t testing.TB, dir, key string, events []eventschema.Recorded) Report {
	t.Helper()
	report, err := Verify(t.Context(), dir, key, yield(events), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// written makes a closed trail and answers its directory and key.
func written(t testing.TB, events []eventschema.Recorded) (dir, key string) {
	t.Helper()
	dir = t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events, 211)
	closeTest(t, l)
	return dir, l.VerifierKey()
}

func TestCleanStoreVerifies(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 1000, 3 * 256} {
		events := history(uint64(n), n+20)
		dir, key := written(t, events[:n])
		var calls []uint64
		report, err := Verify(t.Context(), dir, key, yield(events), func(done uint64) { calls = append(calls, done) })
		if err != nil || !report.OK {
			t.Fatalf("%d events: %v %+v", n, err, report)
		}
		if report.Events != uint64(n) || report.Later != 20 || report.Leaves != uint64(n) || report.Root != report.Checkpoint.Root {
			t.Errorf("%d events: %+v", n, report)
		}
		if len(calls) == 0 || calls[len(calls)-1] != uint64(n+20) {
			t.Errorf("progress ended with %v", calls)
		}
	}
}

// Two harms at once: the index of positions is wrong just where an event is
// missing. The events around it are recognised by their leaves.
func TestRemovedEventIsFoundWhereThePositionsAreWrong(t *testing.T) {
	events := history(26, 900)
	dir, key := written(t, events)
	if err := bitOf(positionsFile, 400*positionBytes)(dir); err != nil { // far beyond the end
		t.Fatal(err)
	}
	report := verifyTest(t, dir, key, slices.Delete(slices.Clone(events), 400, 401))
	if len(report.Findings) != 1 || report.Findings[0].Kind != KindRemoved || report.Events != 899 {
		t.Fatalf("%+v", report)
	}
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func filesOf(t testing.TB, dir, prefix string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if relative, _ := filepath.Rel(dir, path); err == nil && !entry.IsDir() && strings.HasPrefix(relative, prefix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("files %s: %v %v", prefix, paths, err)
	}
	return paths
}

// promise: I16
func TestEveryDamagedFileIsNamed(t *testing.T) {
	events := history(21, 1500)
	whole := t.TempDir()
	l := openTest(t, whole)
	appendAll(t, l, events, 211)
	key := l.VerifierKey()
	if l.journal.held == 0 {
		t.Fatal("the test wants leaves in the journal")
	}
	dir := copyDir(t, whole)
	if report := verifyTest(t, dir, key, events); !report.OK {
		t.Fatalf("an untouched copy: %+v", report.Findings)
	}
	for prefix, kinds := range map[string][]Kind{
		"tile/0/": {KindCorrupt}, "tile/1/": {KindCorrupt}, positionsFile: {KindCorrupt}, journalFile: {KindCorrupt},
		verifierKeyFile: {KindCorrupt}, checkpointFile: {KindBadSignature, KindCorrupt},
	} {
		t.Run(strings.ReplaceAll(prefix, "/", "-"), func(t *testing.T) {
			paths := filesOf(t, dir, prefix)
			for seed := range times(40, 1000) {
				r := rand.New(seeded(seed))
				path := paths[r.IntN(len(paths))]
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				damaged, offset := damage(r, content)
				rewriteFile(t, path, damaged)
				report := verifyTest(t, dir, key, events)
				if report.OK || !slices.Contains(kinds, report.Findings[0].Kind) {
					t.Fatalf("seed %d, %s: %+v", seed, path, report)
				}
				if want, exact := damagedPosition(t, dir, path, offset, len(damaged) == len(content), events); exact && report.Findings[0].Position != want {
					t.Fatalf("seed %d, %s offset %d: want position %d, got %+v", seed, path, offset, want, report.Findings)
				}
				rewriteFile(t, path, content)
			}
		})
	}
	if report := verifyTest(t, dir, key, events); !report.OK {
		t.Fatalf("after everything was put back: %+v", report.Findings)
	}
}

func rewriteFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// damage flips a bit, or now and then cuts the file short.
func damage(r *rand.Rand, content []byte) ([]byte, int) {
	offset := r.IntN(len(content))
	if r.IntN(5) == 0 {
		return content[:offset], offset
	}
	damaged := slices.Clone(content)
	damaged[offset] ^= 1 << r.IntN(8)
	return damaged, offset
}

// damagedPosition is the first event whose record the damage touches, for a
// flipped bit in a file that speaks about single events.
func damagedPosition(t testing.TB, dir, path string, offset int, flipped bool, events []eventschema.Recorded) (uint64, bool) {
	relative, err := filepath.Rel(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !flipped:
		return 0, false
	case relative == positionsFile:
		return events[offset/positionBytes].Position, true
	case strings.HasPrefix(relative, "tile/1/"):
		return events[offset/32*tileWidth].Position, true
	case strings.HasPrefix(relative, "tile/0/"):
		number := strings.TrimPrefix(strings.Split(relative, ".p")[0], "tile/0/")
		return events[int(number[2]-'0')*tileWidth+offset/32].Position, true
	}
	return 0, false
}

// An insider with the disk but not the key: the event and its leaf are rewritten
// alike, then the hashes above as well.
func TestForgedEventAndTileAreAFork(t *testing.T) {
	events := history(22, 1500)
	dir, key := written(t, events)
	forged := slices.Clone(events)
	forged[600].Data = []byte(`{"minutes":600}`)

	tile0 := filepath.Join(dir, tilePath(0, 600/tileWidth, tileWidth))
	content, err := os.ReadFile(tile0)
	if err != nil {
		t.Fatal(err)
	}
	hash := LeafHash(forged[600])
	copy(content[600%tileWidth*32:], hash[:])
	rewriteFile(t, tile0, content)
	report := verifyTest(t, dir, key, forged)
	if report.OK || report.Findings[0].Kind != KindForked || report.Findings[0].Position != events[512].Position {
		t.Fatalf("forged leaf: %+v", report.Findings)
	}

	// The other trail is a complete one, under a key of its own.
	other := t.TempDir()
	l := openOther(t, other)
	appendAll(t, l, forged, 300)
	closeTest(t, l)
	if report := verifyTest(t, other, key, forged); report.OK || report.Findings[0].Kind != KindBadSignature && report.Findings[0].Kind != KindCorrupt {
		t.Fatalf("foreign key: %+v", report.Findings)
	}
	signed, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, filepath.Join(other, checkpointFile), signed)
	rewriteFile(t, filepath.Join(other, verifierKeyFile), []byte(key+"\n"))
	if report := verifyTest(t, other, key, forged); report.OK || report.Findings[0].Kind != KindForked {
		t.Fatalf("all tiles rewritten: %+v", report.Findings)
	}
}

func openOther(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(Config{Dir: dir, Origin: testOrigin, Random: seeded(99)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestHeldCheckpointUnmasksARolledBackTrail(t *testing.T) {
	events := history(23, 1200)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events[:500], 50)
	held := l.Checkpoint().Text
	old := copyDir(t, dir)
	appendAll(t, l, events[500:], 50)
	later := l.Checkpoint().Text
	if err := VerifyExtends(t.Context(), dir, l.VerifierKey(), held); err != nil {
		t.Errorf("an honest trail: %v", err)
	}
	if err := VerifyExtends(t.Context(), old, l.VerifierKey(), later); !errors.Is(err, ErrFork) {
		t.Errorf("rolled back: %v", err)
	}
	// Rewritten and signed with the same key.
	forged := slices.Clone(events)
	forged[3].Data = nil
	rewritten := t.TempDir()
	again := openTest(t, rewritten)
	appendAll(t, again, forged, 400)
	if again.VerifierKey() != l.VerifierKey() {
		t.Fatal("the test wants the same key")
	}
	if report := verifyTest(t, rewritten, l.VerifierKey(), forged); !report.OK {
		t.Fatalf("alone it looks right: %+v", report)
	}
	if err := VerifyExtends(t.Context(), rewritten, l.VerifierKey(), held); !errors.Is(err, ErrProof) {
		t.Errorf("rewritten: %v", err)
	}
}

func TestVerifyWhileTheWriterAppends(t *testing.T) {
	events := history(24, 2000)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events[:300], 100)
	done := make(chan error, 1)
	go func() {
		for chunk := range slices.Chunk(events[300:], 7) {
			if err := l.Append(context.WithoutCancel(t.Context()), chunk); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for runs := 0; ; runs++ {
		report := verifyTest(t, dir, l.VerifierKey(), events)
		if !report.OK {
			t.Fatalf("run %d: %+v", runs, report.Findings)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

func TestVerifyStopsWhenItCannotLook(t *testing.T) {
	events := history(25, 50)
	dir, key := written(t, events)
	broken := errors.New("connection lost")
	source := func(next func(eventschema.Recorded, error) bool) {
		if next(events[0], nil) {
			next(eventschema.Recorded{}, broken)
		}
	}
	if report, err := Verify(t.Context(), dir, key, source, nil); !errors.Is(err, broken) || report.OK {
		t.Errorf("failing source: %v", err)
	}
	if _, err := Verify(t.Context(), filepath.Join(dir, "absent"), key, yield(nil), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := Verify(t.Context(), dir, "no key", yield(nil), nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("no key: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(cancelled, dir, key, yield(events), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
