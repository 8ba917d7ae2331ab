package ledger

import (
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// head is one state of the log: what a checkpoint describes, and the right edge
// of the tree from which it grows. It never changes once made.
type head struct {
	checkpoint Checkpoint
	tree       *tree
	frontier   [][]byte // complete subtrees that cover the log, left to right
}

// growth is the step from one head to the next.
type growth struct {
	next head
	full []tile // tiles that became full
	part []tile // partial tiles that changed
}

func rangeFactory() *compact.RangeFactory {
	return &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
}

// grow computes the tree after some leaves without touching the old head.
func grow(from head, leaves []leaf) (growth, error) {
	edge, err := rangeFactory().NewRange(0, from.checkpoint.Size, slices.Clone(from.frontier))
	if err != nil {
		return growth{}, fmt.Errorf("right edge of the tree: %w", err)
	}
	step := growth{}
	tails := make([][]Hash, levels(from.checkpoint.Size+uint64(len(leaves))))
	for level, tail := range from.tree.tails {
		tails[level] = slices.Clone(tail)
	}
	changed := make([]bool, len(tails))
	visit := func(id compact.NodeID, hash []byte) {
		if id.Level%tileHeight != 0 {
			return
		}
		level := id.Level / tileHeight
		tails[level] = append(tails[level], Hash(hash))
		changed[level] = true
		if len(tails[level]) == tileWidth {
			step.full = append(step.full, tile{level: level, index: id.Index / tileWidth, hashes: tails[level]})
			tails[level] = nil
		}
	}
	for i := range leaves {
		if err := edge.Append(leaves[i].hash[:], visit); err != nil {
			return growth{}, fmt.Errorf("grow the tree: %w", err)
		}
	}
	size := edge.End()
	for level, tail := range tails {
		if changed[level] && len(tail) > 0 {
			index := entries(size, uint(level)) / tileWidth
			step.part = append(step.part, tile{level: uint(level), index: index, hashes: tail})
		}
	}
	step.next = head{tree: &tree{dir: from.tree.dir, size: size, tails: tails}, frontier: edge.Hashes()}
	step.next.checkpoint = Checkpoint{Origin: from.checkpoint.Origin, Size: size, Position: from.checkpoint.Position}
	if len(leaves) > 0 {
		step.next.checkpoint.Position = leaves[len(leaves)-1].position
	}
	step.next.checkpoint.Root, err = rootOf(edge)
	return step, err
}

// rootOf is the RFC 6962 root, which for an empty log is the hash of nothing.
func rootOf(edge *compact.Range) (Hash, error) {
	if edge.End() == 0 {
		return Hash(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := edge.GetRootHash(nil)
	if err != nil {
		return Hash{}, fmt.Errorf("root of the tree: %w", err)
	}
	return Hash(root), nil
}

// loadHead reads the right edge of a log of this size from its tiles.
func loadHead(dir, origin string, size uint64) (head, error) {
	at, err := openTree(dir, size)
	if err != nil {
		return head{}, err
	}
	frontier, err := at.nodes(compact.RangeNodes(0, size, nil))
	if err != nil {
		return head{}, err
	}
	edge, err := rangeFactory().NewRange(0, size, frontier)
	if err != nil {
		return head{}, fmt.Errorf("right edge of the tree: %w", err)
	}
	root, err := rootOf(edge)
	if err != nil {
		return head{}, err
	}
	return head{
		checkpoint: Checkpoint{Origin: origin, Size: size, Root: root},
		tree:       at,
		frontier:   frontier,
	}, nil
}
