package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/transparency-dev/merkle/compact"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// progressStep is how many events pass between two calls of progress.
const progressStep = 4096

// Verify compares a whole event store with the trail in dir and the trail with
// its signed checkpoint, and names what was altered, removed, inserted or moved.
// An event that is gone is no finding when a listing in the trail shows which one
// it was and the store had been told that it may remove it; see [trail.Listing].
//
// verifierKey is a key of the log that is trusted, the first or a later one; the
// file of hand-overs in dir leads to the others. events yields what the store
// holds, in order of position; events after the checkpoint are counted as later.
// progress may be nil and is told the number of events read. dir is only read,
// needs no lock, and may be written to meanwhile: the checkpoint found at the
// start counts. Memory grows with the number of streams, not of events.
//
// Whatever is wrong with the trail or the events is a finding. The error is
// for what kept Verify from looking: ctx, a failing source of events, an
// unreadable directory, a verifier key that is none ([ErrMalformed]).
//
// A trail and a store that were rolled back together, or written anew and signed
// anew, look whole: held, checkpoints that were handed out earlier, unmask them.
func Verify(
	ctx context.Context, dir, verifierKey string, events iter.Seq2[eventschema.Recorded, error], progress func(done uint64), held ...string,
) (Report, error) {
	if progress == nil {
		progress = func(uint64) {}
	}
	a := &audit{dir: dir, journal: map[uint64]struct{}{}, accounts: trail.NewAccounts(true)}
	if err := a.readCheckpoint(strings.TrimSpace(verifierKey)); err != nil {
		return a.report, err
	}
	if a.scan != nil {
		defer a.scan.Close()
	}
	if err := a.readTrail(ctx); err != nil {
		return a.report, err
	}
	a.checkHandovers()
	a.checkHeld(held)
	var done uint64
	for event, err := range events {
		if err != nil {
			return a.report, fmt.Errorf("read events after position %d: %w", a.previous, err)
		}
		if done%progressStep == 0 {
			if err := ctx.Err(); err != nil {
				return a.report, fmt.Errorf("verify the trail: %w", err)
			}
			progress(done)
		}
		if err := a.compare(event); err != nil {
			return a.report, err
		}
		done++
	}
	progress(done)
	return a.conclude()
}

// audit is the state of one verification.
type audit struct {
	dir    string
	report Report
	keys   trail.Keys

	size   uint64
	signed bool // the checkpoint is signed by the key
	// authentic says that the level-0 tiles give the signed root, so that every
	// difference from them lies in the event store.
	authentic bool
	journal   map[uint64]struct{} // leaves at which the journal differs
	suspects  []uint64            // leaves under upper hashes or journal entries that disagree with the level-0 tiles
	sure      []trail.Head        // states of the log that other signatures than the checkpoint's vouch for

	tree  *tree
	cache leafCache
	scan  *positionScan

	index    uint64 // next leaf to find
	previous uint64 // position of the event before
	seen     bool
	whole    bool           // leaves of the log's older kind come
	rebuilt  *compact.Range // over the events, while the tiles are not authentic

	missing      trail.Marks // leaves without an event that no listing explains yet
	accounts     *trail.Accounts
	certificates *trail.Certificates
}

// readCheckpoint settles what is compared with. Under a bad signature the
// comparison goes on, unauthenticated, to tell as much as possible.
func (a *audit) readCheckpoint(verifierKey string) error {
	// The checkpoint comes first: if the key changes now, it is one that the older
	// key may still sign.
	text, err := os.ReadFile(filepath.Join(a.dir, checkpointFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	if err := a.readKeys(verifierKey); err != nil {
		return err
	}
	a.openPositions()
	head, err := a.keys.OpenCheckpoint(string(text))
	switch {
	case err == nil:
		a.signed, a.size = true, head.Size
	case errors.Is(err, ErrSignature):
		a.blame(KindBadSignature, 0, "checkpoint is not signed by the given key")
	default:
		a.blame(KindCorrupt, 0, "checkpoint is missing or malformed")
	}
	held := uint64(0)
	if a.scan != nil {
		held = a.scan.size
	}
	if !a.signed {
		body := trail.CutNote(string(text))
		if head, err = trail.ParseCheckpoint(body); err == nil && head.Size <= held {
			held = head.Size
		}
		a.size, head.Text = held, string(text)
	}
	if held < a.size {
		a.blame(KindCorrupt, 0, fmt.Sprintf("%s holds %d of %d leaves", positionsFile, held, a.size))
	}
	a.report.Checkpoint = head
	if a.size > 0 {
		a.report.Checkpoint.Position = a.position(a.size - 1)
	}
	return nil
}

// readKeys finds the keys of the log, from the one that is trusted.
func (a *audit) readKeys(verifierKey string) error {
	if _, err := trail.ParseKey(verifierKey); err != nil {
		return err
	}
	if _, err := os.ReadDir(a.dir); err != nil {
		return fmt.Errorf("directory of the trail: %w", err)
	}
	handovers, err := readHandovers(a.dir)
	if err != nil {
		return err
	}
	if a.keys, err = trail.ParseKeys(verifierKey, handovers); err != nil {
		a.blame(KindCorrupt, 0, handoversFile+" does not lead to the given key")
		if a.keys, err = trail.OneKey(verifierKey); err != nil {
			return err
		}
	}
	beside, err := os.ReadFile(filepath.Join(a.dir, verifierKeyFile))
	if err == nil && string(beside) != a.keys.Current()+"\n" {
		a.blame(KindCorrupt, 0, verifierKeyFile+" is not the given key")
	}
	a.report.Keys = len(a.keys.Terms())
	a.certificates = trail.NewCertificates(a.keys)
	return nil
}

// checkHandovers holds what the hand-overs say of the log against it.
func (a *audit) checkHandovers() {
	for _, said := range a.keys.Handovers() {
		a.sure = append(a.sure, trail.Head{Size: said.Size, Root: said.Root})
		if root, known := a.rootAt(said.Size); known && root != said.Root || a.signed && said.Size > a.size {
			a.blame(KindForked, 0, fmt.Sprintf("the key was handed over at a log of %d leaves that this one never was", said.Size))
		}
	}
}

// checkHeld holds checkpoints from outside against the log. Between the last one
// that it continues and the first that it does not lies what was written anew.
func (a *audit) checkHeld(held []string) {
	var known []Checkpoint
	for _, text := range held {
		head, err := a.keys.OpenCheckpoint(text)
		if err != nil {
			a.blame(KindBadSignature, 0, "the held checkpoint is not signed by a key of the log")
			continue
		}
		known, a.sure = append(known, head), append(a.sure, head.Head())
	}
	slices.SortFunc(known, func(x, y Checkpoint) int { return cmp.Compare(x.Size, y.Size) })
	from := uint64(0)
	for _, head := range known {
		switch root, sure := a.rootAt(head.Size); {
		case head.Size > a.size && a.signed:
			a.report.add(finding{Finding: Finding{
				Position: a.report.Checkpoint.Position, Leaf: a.size, Kind: KindRolledBack,
				Detail: fmt.Sprintf("the trail ends at leaf %d and had %d leaves when the held checkpoint was signed", a.size, head.Size),
			}})
			return
		case sure && root != head.Root:
			a.blame(KindForked, from, fmt.Sprintf("leaves %d to %d are not those of the held checkpoint of %d leaves: written anew", from, head.Size-1, head.Size))
			return
		case sure:
			from = head.Size
		}
	}
}

// rootAt is the root of the log at an earlier size, as far as it is sure.
func (a *audit) rootAt(size uint64) (Hash, bool) {
	if !a.authentic || size > a.size {
		return Hash{}, false
	}
	root, err := a.tree.rootAt(size)
	return root, err == nil
}

// blame reports what is wrong with a leaf, or a file of the trail.
func (a *audit) blame(kind Kind, leaf uint64, detail string) {
	a.report.add(finding{Finding: Finding{Position: a.position(leaf), Leaf: leaf, Kind: kind, Detail: detail}})
}

// position answers 0 for a leaf whose position is lost.
func (a *audit) position(index uint64) uint64 {
	at, _ := a.scan.at(index)
	return at
}

func (a *audit) openPositions() {
	// A file that cannot be opened counts as one without entries.
	a.scan, _ = openPositionScan(a.dir)
}

// conclude decides what the differences mean once all events were seen.
func (a *audit) conclude() (Report, error) {
	for leaf := range a.missing.All {
		a.blame(KindRemoved, leaf, fmt.Sprintf("leaf %d has no event, and no listing of removals names it", leaf))
	}
	if a.index < a.size {
		a.blame(KindTruncated, a.index, fmt.Sprintf("the store ends %d events before the trail", a.size-a.index))
	}
	a.recognise()
	a.blameJournal()
	if !a.authentic && a.signed {
		root, err := rootOf(a.rebuilt)
		if err != nil {
			return a.report, err
		}
		if a.rebuilt.End() == a.size && root == a.report.Checkpoint.Root {
			a.blameFiles()
		} else {
			a.blameFork()
		}
	}
	found, summary := a.accounts.Close(len(a.report.open) > 0)
	a.report.addAll(found)
	a.report.Summary, a.report.Certificates = summary, a.certificates.Checked()
	a.report.close()
	return a.report, nil
}

// blameFiles: the events give the signed root, so every difference is damage in
// the files of the trail.
func (a *audit) blameFiles() {
	for i := range a.report.open {
		if f := &a.report.open[i]; f.isLeaf {
			f.Kind = KindCorrupt
			f.Detail = fmt.Sprintf("%s does not hold the signed hash of leaf %d", a.tileOf(f.Leaf), f.Leaf)
		}
	}
	if len(a.report.open) > 0 {
		return
	}
	for _, index := range a.suspects {
		a.blame(KindCorrupt, index, "hashes disagree above "+a.tileOf(index))
	}
}

// blameFork: neither events nor tiles give the signed root.
func (a *audit) blameFork() {
	from := a.surelyTo()
	fork := Finding{Kind: KindForked, Leaf: from, Position: a.position(from)}
	fork.Detail = fmt.Sprintf("from leaf %d on, neither the events nor the tiles give the signed root", from)
	if len(a.suspects) > 0 {
		first := slices.Min(a.suspects)
		fork.Position, fork.Leaf = a.position(first), first
		fork.Detail = fmt.Sprintf("%s and the hashes above it or the journal disagree from leaf %d on, and nothing gives the signed root", a.tileOf(first), first)
	}
	a.report.add(finding{Finding: fork})
}

// surelyTo is how far the tiles are those of the log, as other signatures than
// that of the checkpoint show: hand-overs of the key and held checkpoints.
func (a *audit) surelyTo() (size uint64) {
	for _, head := range a.sure {
		if root, err := a.tree.rootAt(head.Size); err == nil && root == head.Root {
			size = max(size, head.Size)
		}
	}
	return size
}

func (a *audit) tileOf(index uint64) string { return a.pathOf(0, index) }

// pathOf names the tile that holds a hash of a level.
func (a *audit) pathOf(level uint, index uint64) string {
	number := index / tileWidth
	width := min(entries(a.size, level)-number*tileWidth, tileWidth)
	return tilePath(level, number, int(width))
}
