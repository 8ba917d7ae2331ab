package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tracekeep/adapters/ledger/trail"
)

// readOwnJournal compares the journal, and the tiles it stands on, with the
// tree and the positions. A copy of the trail for an auditor may come without.
func (a *audit) readOwnJournal() error {
	base, leaves, err := readJournal(a.dir, a.size)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, ErrCorrupt) {
		a.blame(KindCorrupt, 0, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if base > a.size {
		return a.checkJournalAhead(base)
	}
	if held := base + uint64(len(leaves)); held < a.size {
		a.blame(KindCorrupt, held, fmt.Sprintf("journal covers leaves %d to %d of %d", base, held, a.size))
	}
	a.compareJournal(base, leaves)
	for level := range levels(base) {
		if err := a.compareBase(level, base); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) compareJournal(base uint64, leaves []leaf) {
	for i, held := range leaves {
		index := base + uint64(i)
		if stored, ok := a.leaf(index); ok && stored != held.hash {
			if !a.authentic {
				a.suspects = append(a.suspects, index)
				return
			}
			a.suspectJournal(index)
		} else if at, ok := a.scan.at(index); ok && at != held.position {
			a.suspectJournal(index)
		}
	}
}

// suspectJournal waits with its judgement until the event has shown whether
// the index of positions is right.
func (a *audit) suspectJournal(index uint64) {
	if len(a.journal) < maxFindings {
		a.journal[index] = struct{}{}
	}
}

// blameJournal reports where the journal is wrong and the positions are not.
func (a *audit) blameJournal() {
	for index := range a.journal {
		a.blame(KindCorrupt, index, fmt.Sprintf("journal and trail disagree about leaf %d", index))
	}
}

// compareBase checks a partial tile that is kept only because a restart would
// begin from it. The writer may have dropped it since.
func (a *audit) compareBase(level uint, base uint64) error {
	all := entries(base, level)
	width := int(all % tileWidth)
	if width == 0 {
		return nil
	}
	path := tilePath(level, all/tileWidth, width)
	content, err := os.ReadFile(filepath.Join(a.dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a tile: %w", err)
	}
	first := all / tileWidth * tileWidth
	kept, err := splitTile(path, content, width)
	if err != nil {
		a.blame(KindCorrupt, first<<(level*tileHeight), err.Error())
		return nil
	}
	now, err := a.tree.tile(level, all/tileWidth)
	if err != nil || len(now) < width {
		return nil // reported as missing
	}
	for i := range kept {
		if kept[i] != now[i] {
			index := (first + uint64(i)) << (level * tileHeight)
			if !a.authentic {
				a.suspects = append(a.suspects, index)
				return nil
			}
			a.blame(KindCorrupt, index, fmt.Sprintf("%s: hash %d is wrong", path, i))
			return nil
		}
	}
	return nil
}

// checkJournalAhead: the writer may have published more and begun a new journal
// since the checkpoint was read, but never beyond the checkpoint of now.
func (a *audit) checkJournalAhead(base uint64) error {
	text, err := os.ReadFile(filepath.Join(a.dir, checkpointFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	body := trail.CutNote(string(text))
	if now, err := trail.ParseCheckpoint(body); err != nil || base > now.Size {
		a.blame(KindCorrupt, 0, fmt.Sprintf("journal begins at leaf %d beyond the checkpoint", base))
	}
	return nil
}
