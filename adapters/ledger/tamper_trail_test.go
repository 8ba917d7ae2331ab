package ledger

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// kept is a trail, the store beside it, and what outsiders were given of it.
type kept struct {
	dir    string
	key    string
	events []eventschema.Recorded
	held   []string // checkpoints handed out: of 300, 700 and all leaves
	older  string   // a copy of the trail when it had 700
}

// keptTrail has four full tiles and the beginning of a fifth, and a journal with
// leaves in it.
func keptTrail(t *testing.T) *kept {
	k := &kept{dir: t.TempDir(), events: history(27, 1100)}
	l := openTest(t, k.dir)
	k.key = l.VerifierKey()
	for _, size := range []int{300, 700, 1100} {
		appendAll(t, l, k.events[l.Checkpoint().Size:size], 50)
		k.held = append(k.held, l.Checkpoint().Text)
		if size == 700 {
			k.older = copyDir(t, k.dir)
		}
	}
	if l.journal.held == 0 {
		t.Fatal("the test wants leaves in the journal")
	}
	return k
}

// edited changes a file of a trail.
func edited(t *testing.T, dir, file string, change func(content []byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, file)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, path, change(content))
}

func swap(content []byte, size, i, j int) []byte {
	other := slices.Clone(content[i*size : (i+1)*size])
	copy(content[i*size:], content[j*size:(j+1)*size])
	copy(content[j*size:], other)
	return content
}

// trailTampering changes files of a trail, or the events beside it, and says
// which leaf must be found first, and as what.
type trailTampering func(t *testing.T, r *rand.Rand, k *kept, dir string, events []eventschema.Recorded) (found []eventschema.Recorded, leaf int, kind Kind)

var trailTamperings = map[string]trailTampering{
	"two leaves exchanged in a tile": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		number, i := r.IntN(4), r.IntN(tileWidth-1)
		edited(t, dir, tilePath(0, uint64(number), tileWidth), func(c []byte) []byte { return swap(c, 32, i, i+1+r.IntN(tileWidth-i-1)) })
		return events, number*tileWidth + i, KindCorrupt
	},
	"two tiles exchanged": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(3)
		one, other := filepath.Join(dir, tilePath(0, uint64(i), tileWidth)), filepath.Join(dir, tilePath(0, uint64(i+1+r.IntN(3-i)), tileWidth))
		for _, step := range [][2]string{{one, one + ".x"}, {other, one}, {one + ".x", other}} {
			if err := os.Rename(step[0], step[1]); err != nil {
				t.Fatal(err)
			}
		}
		return events, i * tileWidth, KindCorrupt
	},
	"a tile of another log": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(4)
		edited(t, dir, tilePath(0, uint64(i), tileWidth), func(c []byte) []byte { seeded(r.Uint64()).Read(c); return c })
		return events, i * tileWidth, KindCorrupt
	},
	"a tile removed": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(4)
		if err := remove(tilePath(0, uint64(i), tileWidth))(dir); err != nil {
			t.Fatal(err)
		}
		return events, i * tileWidth, KindCorrupt
	},
	"a tile cut short": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(4)
		edited(t, dir, tilePath(0, uint64(i), tileWidth), func(c []byte) []byte { return c[:r.IntN(len(c))] })
		return events, i * tileWidth, KindCorrupt
	},
	"a hash above the leaves": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(4)
		edited(t, dir, tilePath(1, 0, 4), func(c []byte) []byte { c[i*32+r.IntN(32)] ^= 1 << r.IntN(8); return c })
		return events, i * tileWidth, KindCorrupt
	},
	"two positions exchanged": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(len(events) - 1)
		edited(t, dir, positionsFile, func(c []byte) []byte { return swap(c, positionBytes, i, i+1) })
		return events, i, KindCorrupt
	},
	"an entry of the journal": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		base, leaves, err := readJournal(dir, uint64(len(events)))
		if err != nil {
			t.Fatal(err)
		}
		i := r.IntN(len(leaves))
		edited(t, dir, journalFile, func(c []byte) []byte {
			c[journalHeader+i*journalEntry+r.IntN(journalEntry)] ^= 1 << r.IntN(8)
			return c
		})
		return events, int(base) + i, KindCorrupt
	},
	"an event and its leaf": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(600) // before the journal
		events[i].Data = flipBit(r, events[i].Data)
		hash := LeafHash(events[i])
		edited(t, dir, tilePath(0, uint64(i/tileWidth), tileWidth), func(c []byte) []byte { copy(c[i%tileWidth*32:], hash[:]); return c })
		return events, i / tileWidth * tileWidth, KindForked // to within its tile
	},
	"an event, its leaf and all above it": func(t *testing.T, r *rand.Rand, k *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(len(events))
		events[i].Data = flipBit(r, events[i].Data)
		writtenAnew(t, dir, events, seeded(99))
		for _, file := range []string{checkpointFile, verifierKeyFile} { // of the real log
			content, err := os.ReadFile(filepath.Join(k.dir, file))
			if err != nil {
				t.Fatal(err)
			}
			rewriteFile(t, filepath.Join(dir, file), content)
		}
		return events, heldBefore(i), KindForked // to within what was handed out
	},
	"everything written anew with the key of the log": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(len(events))
		events[i].Data = flipBit(r, events[i].Data)
		writtenAnew(t, dir, events, seeded(7))
		return events, heldBefore(i), KindForked
	},
	"trail and store rolled back": func(t *testing.T, _ *rand.Rand, k *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		replaced(t, dir, k.older)
		return events[:700], 700, KindRolledBack
	},
	"the trail rolled back": func(t *testing.T, _ *rand.Rand, k *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		replaced(t, dir, k.older)
		return events, 700, KindRolledBack
	},
	"the checkpoint rolled back": func(t *testing.T, r *rand.Rand, k *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(2)
		rewriteFile(t, filepath.Join(dir, checkpointFile), []byte(k.held[i]))
		return events, []int{300, 700}[i], KindRolledBack
	},
	"rolled back and grown in another way": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		i := r.IntN(len(events))
		for j := i; j < len(events); j++ {
			events[j].Data = flipBit(r, events[j].Data)
		}
		writtenAnew(t, dir, events, seeded(7))
		return events, heldBefore(i), KindForked
	},
	"the checkpoint signed by another key": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		edited(t, dir, checkpointFile, func(c []byte) []byte { return []byte(signWith(t, seeded(r.Uint64()), trail.CutNote(string(c)))) })
		return events, 0, KindBadSignature
	},
	"a smaller size in the checkpoint": func(t *testing.T, r *rand.Rand, _ *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		edited(t, dir, checkpointFile, func(c []byte) []byte {
			head, err := trail.ParseCheckpoint(trail.CutNote(string(c)))
			if err != nil {
				t.Fatal(err)
			}
			body := trail.CheckpointBody(head.Origin, head.Size-1-r.Uint64N(500), head.Root)
			return append([]byte(body), c[len(trail.CutNote(string(c))):]...)
		})
		return events, 0, KindBadSignature
	},
	"a hand-over to a stranger": func(t *testing.T, r *rand.Rand, k *kept, dir string, events []eventschema.Recorded) ([]eventschema.Recorded, int, Kind) {
		stranger, err := makeKey(t.TempDir(), signerKeyFile, testOrigin, seeded(r.Uint64()))
		if err != nil {
			t.Fatal(err)
		}
		said := trail.Handover{Origin: testOrigin, Size: 1100, Old: k.key, New: stranger.verifierKey}
		signed, err := note.Sign(&note.Note{Text: said.Text()}, stranger.handover)
		if err != nil {
			t.Fatal(err)
		}
		rewriteFile(t, filepath.Join(dir, handoversFile), signed)
		return events, 0, KindCorrupt
	},
}

// heldBefore is the largest size that was handed out before a leaf was there.
func heldBefore(leaf int) int {
	switch {
	case leaf >= 700:
		return 700
	case leaf >= 300:
		return 300
	}
	return 0
}

// writtenAnew replaces a trail by one of other events.
func writtenAnew(t *testing.T, dir string, events []eventschema.Recorded, random *rand.ChaCha8) {
	t.Helper()
	other := t.TempDir()
	l, err := Open(Config{Dir: other, Origin: testOrigin, Random: random})
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, events, len(events))
	closeTest(t, l)
	replaced(t, dir, other)
}

func replaced(t *testing.T, dir, by string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(by)); err != nil {
		t.Fatal(err)
	}
}

// promise: I9
// promise: I16
// promise: OT-27
func TestEveryTamperingWithTheTrailIsNamed(t *testing.T) {
	k := keptTrail(t)
	check := func(dir string, events []eventschema.Recorded) Report {
		report, err := Verify(t.Context(), dir, k.key, yield(events), nil, k.held...)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := check(k.dir, k.events); !report.OK {
		t.Fatalf("the trail itself: %+v", report.Findings)
	}
	for name, tamper := range trailTamperings {
		t.Run(name, func(t *testing.T) {
			for seed := range times(5, 1000) {
				r := rand.New(seeded(seed))
				dir := filepath.Join(t.TempDir(), "trail")
				replaced(t, dir, k.dir)
				events, leaf, kind := tamper(t, r, k, dir, slices.Clone(k.events))
				report := check(dir, events)
				if report.OK || len(report.Findings) == 0 {
					t.Fatalf("seed %d: not found", seed)
				}
				if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Kind == kind && f.Leaf == uint64(leaf) }) {
					t.Fatalf("seed %d: want %s at leaf %d, got %+v", seed, kind, leaf, report.Findings[:min(5, len(report.Findings))])
				}
				if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if report := check(k.dir, k.events); !report.OK {
		t.Fatalf("the trail itself, after everything: %+v", report.Findings)
	}
}
