package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"tracekeep/eventschema"
)

// errCrash ends a writer at a point.
var errCrash = errors.New("crash")

// writeUntil appends pages and changes the key, and ends without another
// word at a point; with a point beyond the last it comes to the end. It answers
// how many leaves were acknowledged and which points it came by.
func writeUntil(t *testing.T, dir string, events []eventschema.Recorded, point int) (acknowledged uint64, passed []string) {
	t.Helper()
	l, err := open(testConfig(dir), 90)
	if err != nil {
		t.Fatal(err)
	}
	l.fault = func(name string) {
		if passed = append(passed, name); len(passed) == point+1 {
			panic(errCrash)
		}
	}
	defer func() {
		if fault := recover(); fault != nil && !errors.Is(fault.(error), errCrash) { //nolint:forcetypeassert // any other panic is one
			panic(fault)
		}
		if err := l.release(); err != nil { // the files as they are, as the kernel does
			t.Fatal(err)
		}
	}()
	pages := slices.Collect(slices.Chunk(events, 65))
	for i, page := range pages {
		if err := l.Append(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		acknowledged += uint64(len(page))
		if i == 2 {
			if _, err := l.ChangeKey(seeded(uint64(90 + i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return acknowledged, passed
}

// A power cut at each point between two changes on the disk: what was never
// waited for is lost or torn, what was acknowledged is there, and the log goes on
// to the root that it would have had.
//
// promise: I9
func TestACrashAtEveryPointLosesNothing(t *testing.T) {
	events := history(37, 260)
	first := seededKey(t, 7)
	whole := t.TempDir()
	size, points := writeUntil(t, whole, events, 1<<30)
	if size != uint64(len(events)) {
		t.Fatalf("%d leaves", size)
	}
	for _, name := range []string{"journal written", "tile written", "positions written", "checkpoint written", "partial tiles replaced", "tiles flushed", "journal started", "key made", "hand-over written", "key in force", "verifier key written"} {
		if !slices.Contains(points, name) {
			t.Errorf("the test never comes by %q", name)
		}
	}
	end := openTest(t, whole)
	want := end.Checkpoint().Head()
	for point := range points {
		at := fmt.Sprintf("point %d, %s", point, points[point])
		dir := filepath.Join(t.TempDir(), "trail")
		acknowledged, _ := writeUntil(t, dir, events, point)
		if slices.Contains(points[:point+1], "tile written") {
			loseUnsynced(t, rand.New(seeded(uint64(point))), dir, baseOf(t, dir))
		}
		l, err := open(testConfig(dir), 90)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if reached := l.Checkpoint().Size; reached < acknowledged || reached > acknowledged+65 {
			t.Fatalf("%s: %d leaves, %d were acknowledged", at, reached, acknowledged)
		}
		if report := verifyTest(t, dir, first, events); !report.OK {
			t.Fatalf("%s: %+v", at, report.Findings)
		}
		appendAll(t, l, events[acknowledged:], 101)
		if got := l.Checkpoint().Head(); got != want {
			t.Fatalf("%s: %+v, without a crash %+v", at, got, want)
		}
		closeTest(t, l)
		if report := verifyTest(t, dir, first, events); !report.OK || report.Events != size {
			t.Fatalf("%s, after going on: %+v", at, report.Findings)
		}
	}
	t.Logf("%d points", len(points))
}

// seededKey is the verifier key that is drawn from a seed.
func seededKey(t *testing.T, seed uint64) string {
	t.Helper()
	key, err := makeKey(t.TempDir(), signerKeyFile, testOrigin, seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key.verifierKey
}

// baseOf is where the journal on the disk begins.
func baseOf(t *testing.T, dir string) uint64 {
	t.Helper()
	base, _, err := readJournal(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return base
}
