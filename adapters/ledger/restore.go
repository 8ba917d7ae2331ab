package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"go.uber.org/zap"
)

// restore brings the files to the state the signed checkpoint describes.
func (l *Ledger) restore() error {
	text, err := os.ReadFile(filepath.Join(l.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return l.begin()
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	signed, err := l.Keys().OpenCheckpoint(string(text))
	if err != nil {
		return err
	}
	from, leaves, err := l.readBase(signed.Size)
	if err != nil {
		return err
	}
	step, err := grow(from, leaves)
	if err != nil {
		return err
	}
	if step.next.checkpoint.Root != signed.Root {
		return fmt.Errorf("tiles and journal do not give the signed root: %w", ErrCorrupt)
	}
	step.next.checkpoint.Text = signed.Text
	if len(leaves) > 0 {
		l.log.Info("trail rebuilt from its journal", zap.Int("leaves", len(leaves)))
	}
	return l.rewrite(from, step, leaves)
}

// begin makes a new log. Leaves without a checkpoint are not a new log.
func (l *Ledger) begin() error {
	if _, err := os.Stat(filepath.Join(l.dir, "tile")); err == nil {
		return fmt.Errorf("tiles without a checkpoint: %w", ErrCorrupt)
	}
	if err := l.openPositions(os.O_CREATE); err != nil {
		return err
	}
	if stat, err := l.positions.Stat(); err != nil || stat.Size() > 0 {
		return errors.Join(err, fmt.Errorf("positions without a checkpoint: %w", ErrCorrupt))
	}
	var err error
	if l.journal, err = startJournal(l.dir, 0); err != nil {
		return err
	}
	empty, err := loadHead(l.dir, l.origin, 0)
	if err != nil {
		return err
	}
	return l.publish(empty)
}

func (l *Ledger) openPositions(flags int) error {
	file, err := os.OpenFile(filepath.Join(l.dir, positionsFile), os.O_RDWR|flags, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", positionsFile, ErrCorrupt)
	}
	if err != nil {
		return fmt.Errorf("open positions: %w", err)
	}
	l.positions = file
	return nil
}

// readBase reads what the disk held when the journal began, and the leaves the
// journal adds to it.
func (l *Ledger) readBase(size uint64) (head, []leaf, error) {
	base, leaves, err := readJournal(l.dir, size)
	if err != nil {
		return head{}, nil, err
	}
	if base > size || base+uint64(len(leaves)) != size {
		return head{}, nil, fmt.Errorf("journal covers leaves %d to %d of %d: %w", base, base+uint64(len(leaves)), size, ErrCorrupt)
	}
	if err := l.openPositions(0); err != nil {
		return head{}, nil, err
	}
	from, err := loadHead(l.dir, l.origin, base)
	if err != nil {
		return head{}, nil, err
	}
	if base > 0 {
		if from.checkpoint.Position, err = (positions{file: l.positions}).at(base - 1); err != nil {
			return head{}, nil, err
		}
	}
	last, some := from.checkpoint.Position, base > 0
	for _, next := range leaves {
		if some && next.position <= last {
			return head{}, nil, fmt.Errorf("journal: position %d after %d: %w", next.position, last, ErrCorrupt)
		}
		last, some = next.position, true
	}
	return from, leaves, nil
}

// rewrite puts the files at the checkpoint's state and makes that durable.
func (l *Ledger) rewrite(from head, step growth, leaves []leaf) error {
	base := int64(from.checkpoint.Size) * positionBytes
	if err := l.positions.Truncate(base); err != nil {
		return fmt.Errorf("cut positions: %w", err)
	}
	if _, err := l.positions.WriteAt(encodePositions(leaves), base); err != nil {
		return fmt.Errorf("write positions: %w", err)
	}
	if err := l.writeTiles(step); err != nil {
		return err
	}
	next := step.next
	if err := l.sweep(next.tree); err != nil {
		return err
	}
	l.synced, l.live = partials(from.tree), partials(next.tree)
	l.current.Store(&next)
	return l.flush()
}

// partials names the partial tile of each level.
func partials(t *tree) map[uint]string {
	paths := map[uint]string{}
	for level, tail := range t.tails {
		if len(tail) > 0 {
			index := entries(t.size, uint(level)) / tileWidth
			paths[uint(level)] = tilePath(uint(level), index, len(tail))
		}
	}
	return paths
}

// sweep removes tiles beyond the log: what an append wrote before a crash kept
// it from publishing its checkpoint.
func (l *Ledger) sweep(t *tree) error {
	for level := uint(0); ; level++ {
		dir := filepath.Join(l.dir, "tile", strconv.FormatUint(uint64(level), 10))
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return fmt.Errorf("look for tiles: %w", err)
		}
		all := entries(t.size, level)
		for index := all / tileWidth; index <= (all+maxChunk)/tileWidth+1; index++ {
			if err := l.sweepTile(level, index, t.size); err != nil {
				return fmt.Errorf("remove a tile beyond the log: %w", err)
			}
		}
	}
}

// sweepTile removes a tile that cannot be full yet, and its partial tiles that
// are wider than the log.
func (l *Ledger) sweepTile(level uint, index, size uint64) error {
	full := filepath.Join(l.dir, tilePath(level, index, tileWidth))
	if err := os.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	first := index * tileWidth
	width := uint64(0)
	if all := entries(size, level); all > first {
		width = all - first
	}
	found, err := os.ReadDir(full + ".p")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range found {
		if n, bad := strconv.ParseUint(entry.Name(), 10, 64); bad != nil || n > width {
			err = errors.Join(err, os.Remove(filepath.Join(full+".p", entry.Name())))
		}
	}
	if width == 0 {
		_ = os.Remove(full + ".p") // succeeds when it is empty
	}
	return err
}
