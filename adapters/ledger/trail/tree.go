package trail

import (
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

// Tree recomputes the root of a log from its leaves, the first one first, with
// two implementations side by side. Its memory grows with the logarithm of the log.
type Tree struct {
	factory *compact.RangeFactory // ranges of one factory can be joined
	edge    *compact.Range
	peaks   []peak
}

// peak is a complete subtree of the second implementation; peaks fall in level
// from left to right, each level at most once.
type peak struct {
	level int
	hash  tlog.Hash
}

// NewTree is the tree of an empty log.
func NewTree() *Tree {
	factory := &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return &Tree{factory: factory, edge: factory.NewEmptyRange(0)}
}

// Size is how many leaves the tree covers.
func (t *Tree) Size() uint64 { return t.edge.End() }

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) error { return t.AppendVisiting(leaf, nil) }

// AppendVisiting adds a leaf and tells of every node that it completes, the leaf
// itself first.
func (t *Tree) AppendVisiting(leaf Hash, visit func(id compact.NodeID, hash []byte)) error {
	if err := t.edge.Append(leaf[:], visit); err != nil {
		return fmt.Errorf("leaf %d: %w", t.Size(), ErrProof)
	}
	t.push(peak{hash: tlog.Hash(leaf)})
	return nil
}

// Skip adds the leaves up to end by the complete subtrees that cover them, left
// to right. Errors: [ErrProof].
func (t *Tree) Skip(end uint64, subtrees []Hash) error {
	begin := t.Size()
	if end < begin || end > maxSize {
		return fmt.Errorf("leaves %d to %d: %w", begin, end, ErrProof)
	}
	nodes := compact.RangeNodes(begin, end, nil)
	part, err := t.factory.NewRange(begin, end, bytesOf(subtrees))
	if err != nil || len(nodes) != len(subtrees) {
		return fmt.Errorf("leaves %d to %d need %d hashes, there are %d: %w", begin, end, len(nodes), len(subtrees), ErrProof)
	}
	if err := t.edge.AppendRange(part, nil); err != nil {
		return fmt.Errorf("leaves %d to %d: %w", begin, end, ErrProof)
	}
	for i, node := range nodes {
		t.push(peak{level: int(node.Level), hash: tlog.Hash(subtrees[i])})
	}
	return nil
}

// push joins peaks of the same level, as a counter carries.
func (t *Tree) push(next peak) {
	for n := len(t.peaks); n > 0 && t.peaks[n-1].level == next.level; n = len(t.peaks) {
		next = peak{level: next.level + 1, hash: tlog.NodeHash(t.peaks[n-1].hash, next.hash)}
		t.peaks = t.peaks[:n-1]
	}
	t.peaks = append(t.peaks, next)
}

// Root is the root over the leaves so far. It is an error when the two
// implementations disagree: then neither is to be believed.
func (t *Tree) Root() (Hash, error) {
	if t.Size() == 0 {
		return EmptyRoot(), nil
	}
	first, err := t.edge.GetRootHash(nil)
	if err != nil {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", t.Size(), err)
	}
	second, err := tlog.TreeHash(int64(t.Size()), tlog.HashReaderFunc(t.readPeaks))
	if err != nil {
		return Hash{}, fmt.Errorf("root of %d leaves, second implementation: %w", t.Size(), err)
	}
	if Hash(first) != Hash(second) {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", t.Size(), ErrDisagree)
	}
	return Hash(first), nil
}

// ErrDisagree is a fault of the verifier: neither of its two halves is to be believed.
var ErrDisagree = errors.New("the two implementations of the tree disagree; this is a fault of the verifier")

func (t *Tree) readPeaks(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		for _, p := range t.peaks {
			if p.level == level {
				hashes = append(hashes, p.hash)
			}
		}
	}
	if len(hashes) != len(indexes) {
		return nil, ErrDisagree
	}
	return hashes, nil
}
