package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/transparency-dev/merkle/compact"

	"tracekeep/adapters/ledger/trail"
)

// leafCache keeps the level-0 tiles around the leaf that is compared.
type leafCache struct {
	slots [4]struct {
		index  uint64
		hashes []Hash
		filled bool
	}
	next int
}

// leaf answers the hash the trail holds, and false when its tile is unreadable.
func (a *audit) leaf(index uint64) (Hash, bool) {
	if index >= a.size {
		return Hash{}, false
	}
	hashes := a.leaves(index / tileWidth)
	if index%tileWidth >= uint64(len(hashes)) {
		return Hash{}, false
	}
	return hashes[index%tileWidth], true
}

func (a *audit) leaves(number uint64) []Hash {
	for _, slot := range a.cache.slots {
		if slot.filled && slot.index == number {
			return slot.hashes
		}
	}
	hashes, err := a.tree.tile(0, number)
	if err != nil {
		hashes = nil // reported when the trail was read
	}
	slot := &a.cache.slots[a.cache.next%len(a.cache.slots)]
	a.cache.next++
	slot.index, slot.hashes, slot.filled = number, hashes, true
	return hashes
}

// readTrail recomputes the tree from the level-0 tiles and compares every hash
// the upper tiles and the journal hold with it.
func (a *audit) readTrail(ctx context.Context) error {
	a.rebuilt = rangeFactory().NewEmptyRange(0)
	a.openTails()
	rebuilt := trail.NewTree()
	upper := upperTiles{tree: a.tree}
	var wrong []compact.NodeID
	visit := func(id compact.NodeID, hash []byte) {
		if id.Level == 0 || id.Level%tileHeight != 0 {
			return
		}
		if stored, ok := upper.entry(id.Level/tileHeight, id.Index); (!ok || stored != Hash(hash)) && len(wrong) < maxFindings {
			wrong = append(wrong, id)
		}
	}
	complete := true
	for number := uint64(0); number*tileWidth < a.size; number++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("verify the trail: %w", err)
		}
		hashes, err := a.tree.tile(0, number)
		if err != nil || hashes == nil {
			complete = false
			if err != nil { // a missing tail is already reported
				a.reportTile(number, err)
			}
			continue
		}
		a.report.Leaves += uint64(len(hashes))
		for i := range hashes {
			if !complete {
				break
			}
			if err := rebuilt.AppendVisiting(hashes[i], visit); err != nil {
				return fmt.Errorf("recompute the tree: %w", err)
			}
		}
	}
	return a.judgeTrail(rebuilt, wrong, complete)
}

// judgeTrail compares the recomputed root with the signed one.
func (a *audit) judgeTrail(rebuilt *trail.Tree, wrong []compact.NodeID, complete bool) error {
	if complete {
		root, err := rebuilt.Root()
		if err != nil {
			return err
		}
		a.report.Root = root
		a.authentic = a.signed && root == a.report.Checkpoint.Root
	}
	named := map[string]bool{}
	for _, id := range wrong {
		first, _ := id.Coverage()
		if !a.authentic {
			a.suspects = append(a.suspects, first)
			continue
		}
		path := a.pathOf(id.Level/tileHeight, id.Index)
		if !named[path] {
			a.blame(KindCorrupt, first, fmt.Sprintf("%s: hash %d is wrong or missing", path, id.Index%tileWidth))
		}
		named[path] = true
	}
	return a.readOwnJournal()
}

// openTails is openTree that goes on without a tile.
func (a *audit) openTails() {
	a.tree = &tree{dir: a.dir, size: a.size, tails: make([][]Hash, levels(a.size))}
	for level := range a.tree.tails {
		all := entries(a.size, uint(level))
		width := int(all % tileWidth)
		if width == 0 {
			continue
		}
		tail, err := readTile(a.dir, uint(level), all/tileWidth, width)
		if err != nil && level == 0 { // a missing hash above is found by comparing it
			a.reportTile(all/tileWidth, err)
		}
		a.tree.tails[level] = tail
	}
}

func (a *audit) reportTile(number uint64, err error) {
	a.blame(KindCorrupt, number*tileWidth, err.Error())
}

// upperTiles answers single hashes of the upper tiles, which are asked for in
// rising order.
type upperTiles struct {
	tree *tree
	held map[uint]tile
}

func (u *upperTiles) entry(level uint, index uint64) (Hash, bool) {
	at, ok := u.held[level]
	if !ok || at.index != index/tileWidth {
		hashes, err := u.tree.tile(level, index/tileWidth)
		if err != nil {
			hashes = nil
		}
		at = tile{level: level, index: index / tileWidth, hashes: hashes}
		if u.held == nil {
			u.held = map[uint]tile{}
		}
		u.held[level] = at
	}
	if index%tileWidth >= uint64(len(at.hashes)) {
		return Hash{}, false
	}
	return at.hashes[index%tileWidth], true
}

// VerifyExtends shows, without the events, that the trail in dir still contains
// the log of a checkpoint that was handed out earlier. It finds what no look at
// the trail alone can find: a trail that was rolled back ([ErrFork]) or rewritten
// as a whole and signed anew ([ErrProof]). dir is only read.
func VerifyExtends(ctx context.Context, dir, verifierKey, held string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("verify the trail: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	handovers, err := readHandovers(dir)
	if err != nil {
		return err
	}
	keys, err := trail.ParseKeys(verifierKey, handovers)
	if err != nil {
		return err
	}
	from, err := keys.OpenCheckpoint(held)
	if err != nil {
		return fmt.Errorf("held checkpoint: %w", err)
	}
	to, err := keys.OpenCheckpoint(string(text))
	if err != nil {
		return err
	}
	if from.Size > to.Size {
		return fmt.Errorf("trail ends at leaf %d, the held checkpoint at leaf %d: rolled back: %w", to.Size, from.Size, ErrFork)
	}
	at, err := openTree(dir, to.Size)
	if err != nil {
		return err
	}
	hashes, err := at.consistency(from.Size, to.Size)
	if err != nil {
		return err
	}
	return trail.CheckConsistency(from.Head(), to.Head(), hashes)
}
