package ledger

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tracekeep/eventschema"
)

// A crash leaves the files that were waited for (journal up to the checkpoint,
// checkpoint) and any part of the others. The test takes a copy after one page,
// the files of the next page on top of it as far as they may have come, damages
// what was never waited for, and reopens.
func TestReopenAfterACrashContinuesToTheSameRoot(t *testing.T) {
	events := history(30, 3000)
	whole := openTest(t, t.TempDir())
	appendAll(t, whole, events, 5000)
	want := whole.Checkpoint()

	for seed := range uint64(40) {
		r := rand.New(seeded(seed))
		crashed, before := crash(t, r, events)
		l, err := open(testConfig(crashed), 700)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if l.Checkpoint() != before {
			t.Fatalf("seed %d: reopened at %+v, crashed at %+v", seed, l.Checkpoint(), before)
		}
		if report := verifyTest(t, crashed, l.VerifierKey(), events); !report.OK {
			t.Fatalf("seed %d: %+v", seed, report.Findings)
		}
		if left := beyond(t, crashed, before.Size); len(left) > 0 {
			t.Fatalf("seed %d: beyond the checkpoint: %v", seed, left)
		}
		appendAll(t, l, events[before.Size:], 60+r.IntN(900))
		if l.Checkpoint() != want {
			t.Fatalf("seed %d: got %+v, want %+v", seed, l.Checkpoint(), want)
		}
		closeTest(t, l)
		if report := verifyTest(t, crashed, l.VerifierKey(), events); !report.OK || report.Events != want.Size {
			t.Fatalf("seed %d after going on: %+v", seed, report.Findings)
		}
		if err := os.RemoveAll(crashed); err != nil {
			t.Fatal(err)
		}
	}
}

// crash answers a directory as a power cut might leave it and the checkpoint
// that was published in it.
func crash(t *testing.T, r *rand.Rand, events []eventschema.Recorded) (string, Checkpoint) {
	dir := t.TempDir()
	l := openTest(t, dir)
	reached := 0
	for range 1 + r.IntN(8) {
		page := 1 + r.IntN(300)
		appendAll(t, l, events[reached:reached+page], page)
		reached += page
	}
	before, base := l.Checkpoint(), l.journal.base
	crashed := copyDir(t, dir)
	if l.journal.held+100 < l.limit { // the next page stays within this journal
		page := 1 + r.IntN(100)
		appendAll(t, l, events[reached:reached+page], page)
		lay(t, r, dir, crashed)
	}
	closeTest(t, l)
	loseUnsynced(t, r, crashed, base)
	return crashed, before
}

// lay puts files of the unpublished page over the copy, some of them whole,
// some cut. The checkpoint stays the old one.
func lay(t *testing.T, r *rand.Rand, from, to string) {
	for _, path := range filesOf(t, from, "") {
		relative, err := filepath.Rel(from, path)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		old, err := os.ReadFile(filepath.Join(to, relative))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		switch {
		case relative == checkpointFile || r.IntN(3) == 0:
			continue
		case relative == journalFile || relative == positionsFile:
			content = content[:len(old)+r.IntN(len(content)-len(old)+1)]
		case strings.HasPrefix(relative, "tile") && r.IntN(2) == 0 && old == nil:
			content = content[:r.IntN(len(content))]
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, relative)), 0o755); err != nil {
			t.Fatal(err)
		}
		rewriteFile(t, filepath.Join(to, relative), content)
	}
}

// loseUnsynced damages tiles and positions beyond the base of the journal, which
// the disk was never waited for.
func loseUnsynced(t *testing.T, r *rand.Rand, dir string, base uint64) {
	kept := partials(&tree{size: base, tails: tailsOf(base)})
	for _, path := range filesOf(t, dir, "tile") {
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		if flushed(relative, base, kept) || r.IntN(2) == 0 {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch r.IntN(3) {
		case 0:
			err = os.Remove(path)
		case 1:
			err = os.WriteFile(path, content[:r.IntN(len(content))], 0o600)
		case 2:
			err = os.WriteFile(path, make([]byte, len(content)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, positionsFile)
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	flushedTo := int64(base) * positionBytes
	if err := os.Truncate(path, flushedTo+r.Int64N(stat.Size()-flushedTo+1)); err != nil {
		t.Fatal(err)
	}
}

func tailsOf(size uint64) [][]Hash {
	tails := make([][]Hash, levels(size))
	for level := range tails {
		tails[level] = make([]Hash, entries(size, uint(level))%tileWidth)
	}
	return tails
}

// flushed says whether a tile had reached the disk when the journal began.
func flushed(relative string, base uint64, kept map[uint]string) bool {
	for level := range levels(base) {
		if kept[level] == relative {
			return true
		}
		for number := range entries(base, level) / tileWidth {
			if tilePath(level, number, tileWidth) == relative {
				return true
			}
		}
	}
	return false
}

// beyond lists what the files hold more than a log of this size does.
func beyond(t *testing.T, dir string, size uint64) (found []string) {
	allowed := map[string]bool{}
	for level := range levels(size) {
		all := entries(size, level)
		for number := range all/tileWidth + 1 {
			for width := 1; width <= tileWidth; width++ {
				allowed[tilePath(level, number, width)] = number*tileWidth+uint64(width) <= all
			}
		}
	}
	for _, path := range filesOf(t, dir, "") {
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(relative, "tile") && !allowed[relative] {
			found = append(found, relative)
		}
	}
	if stat, err := os.Stat(filepath.Join(dir, positionsFile)); err != nil || stat.Size() != int64(size)*positionBytes {
		found = append(found, positionsFile)
	}
	return found
}

// A crash while the journal starts anew: the new one is in place, the partial
// tiles of the old one are still there. Or: the new one is only a draft.
func TestCrashWhileTheJournalStartsAnew(t *testing.T) {
	events := history(31, 900)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events[:650], 50)
	draft := copyDir(t, dir)
	appendAll(t, l, events[650:700], 50)
	if l.journal.held != 0 {
		t.Fatal("the test wants a journal that just started")
	}
	want := l.Checkpoint()
	renamed := copyDir(t, dir)
	rewriteFile(t, filepath.Join(draft, journalFile+".next"), []byte("tkp"))
	rewriteFile(t, filepath.Join(draft, checkpointFile+".next"), []byte("example"))
	if err := os.CopyFS(filepath.Join(renamed, "tile/0/000.p"), os.DirFS(filepath.Join(draft, "tile/0/002.p"))); err != nil {
		t.Fatal(err)
	}
	for name, crashed := range map[string]string{"draft": draft, "renamed": renamed} {
		again := openTest(t, crashed)
		appendAll(t, again, events[600:700], 13)
		if again.Checkpoint() != want {
			t.Errorf("%s: %+v", name, again.Checkpoint())
		}
		if report := verifyTest(t, crashed, again.VerifierKey(), events); !report.OK {
			t.Errorf("%s: %+v", name, report.Findings)
		}
	}
}

// promise: I16
func TestOpenRefusesADamagedTrail(t *testing.T) {
	events := history(32, 1100)
	whole := t.TempDir()
	l := openTest(t, whole)
	appendAll(t, l, events, 150)
	for rule, c := range map[string]struct {
		harm func(dir string) error
		want error
	}{
		"a changed checkpoint":        {bitOf(checkpointFile, 30), ErrSignature},
		"no checkpoint":               {remove(checkpointFile), ErrCorrupt},
		"a changed journal entry":     {bitOf(journalFile, journalHeader+20), ErrCorrupt},
		"a changed journal header":    {bitOf(journalFile, 3), ErrCorrupt},
		"a journal cut short":         {cut(journalFile, int64(journalHeader)+40), ErrCorrupt},
		"no positions":                {remove(positionsFile), ErrCorrupt},
		"positions cut below a flush": {cut(positionsFile, 80), ErrCorrupt},
		"another verifier key":        {bitOf(verifierKeyFile, 40), ErrCorrupt},
	} {
		t.Run(rule, func(t *testing.T) {
			dir := copyDir(t, whole)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			if again, err := Open(testConfig(dir)); !errors.Is(err, c.want) {
				t.Fatalf("got %v %v, want %v", again, err, c.want)
			}
			// The refusal must have released the lock.
			if _, err := Open(testConfig(dir)); errors.Is(err, ErrLocked) {
				t.Fatal("lock kept")
			}
		})
	}
}

func bitOf(file string, offset int) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, file)
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content[offset] ^= 2
		return os.WriteFile(path, content, 0o600)
	}
}

func remove(file string) func(string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, file)) }
}

func cut(file string, size int64) func(string) error {
	return func(dir string) error { return os.Truncate(filepath.Join(dir, file), size) }
}

// promise: I15
func TestAfterAFailedWriteNothingIsWritten(t *testing.T) {
	events := history(33, 400)
	for name, harm := range map[string]func(l *Ledger) error{
		"journal":   func(l *Ledger) error { return l.journal.file.Close() },
		"positions": func(l *Ledger) error { return l.positions.Close() },
		"tile": func(l *Ledger) error {
			return errors.Join(os.RemoveAll(filepath.Join(l.dir, "tile/0/000.p")), os.WriteFile(filepath.Join(l.dir, "tile/0/000.p"), nil, 0o600))
		},
		"checkpoint": func(l *Ledger) error { return os.Mkdir(filepath.Join(l.dir, checkpointFile+".next"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openTest(t, dir)
			appendAll(t, l, events[:100], 100)
			before := l.Checkpoint()
			if err := harm(l); err != nil {
				t.Fatal(err)
			}
			if err := l.Append(t.Context(), events[100:200]); err == nil {
				t.Fatal("a lost write was acknowledged")
			}
			if err := l.Append(t.Context(), events[100:200]); !errors.Is(err, ErrFailed) || l.Checkpoint() != before {
				t.Fatalf("went on after a failed write: %v", err)
			}
			_ = l.Close()
			repair := []string{filepath.Join(dir, checkpointFile+".next"), filepath.Join(dir, "tile/0/000.p")}
			for _, path := range repair {
				if stat, err := os.Stat(path); err == nil && (name == "checkpoint" || !stat.IsDir()) {
					if err := os.RemoveAll(path); err != nil {
						t.Fatal(err)
					}
				}
			}
			again := openTest(t, dir)
			if again.Checkpoint() != before {
				t.Fatalf("reopened at %+v", again.Checkpoint())
			}
			appendAll(t, again, events[50:], 40)
			if report := verifyTest(t, dir, again.VerifierKey(), events); !report.OK {
				t.Fatal(report.Findings)
			}
		})
	}
}

// The number of files must not grow with the number of checkpoints.
func TestPartialTilesDoNotPileUp(t *testing.T) {
	events := history(34, 1500)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events, 3)
	closeTest(t, l)
	tiles := filesOf(t, dir, "tile")
	for i := range tiles {
		tiles[i], _ = filepath.Rel(dir, tiles[i])
	}
	want := []string{"tile/0/000", "tile/0/001", "tile/0/002", "tile/0/003", "tile/0/004", "tile/0/005.p/220", "tile/1/000.p/5"}
	if !slices.Equal(tiles, want) {
		t.Fatalf("%v", tiles)
	}
}
