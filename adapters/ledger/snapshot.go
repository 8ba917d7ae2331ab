package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"tracekeep/adapters/ledger/trail"
)

// Snapshot is the log as one checkpoint describes it, for reading. It is safe
// for concurrent use, and the writer may go on meanwhile.
type Snapshot struct {
	keys      trail.Keys
	handovers string
	head      Checkpoint
	tree      *tree
	positions positions
	file      io.Closer            // of its own positions; nil when the writer lends its own
	latest    atomic.Pointer[tile] // whose leaves were asked for last
}

// Snapshot is the log as it was last published. It ends with the ledger.
func (l *Ledger) Snapshot() *Snapshot {
	keys, at := l.key.Load(), l.current.Load()
	return &Snapshot{
		keys: keys.keys, handovers: keys.handovers, head: at.checkpoint, tree: at.tree, positions: positions{file: l.positions},
	}
}

// ReadSnapshot opens the log in dir, which another process may be writing. The
// verifier key beside the log is believed. The caller closes it. Errors:
// [ErrCorrupt], [ErrSignature], [ErrMalformed].
func ReadSnapshot(dir string) (*Snapshot, error) {
	keys, handovers, err := ReadKeys(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	head, err := keys.OpenCheckpoint(string(text))
	if err != nil {
		return nil, err
	}
	at, err := openTree(dir, head.Size)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(dir, positionsFile))
	if err != nil {
		return nil, fmt.Errorf("open positions: %w", err)
	}
	s := &Snapshot{keys: keys, handovers: handovers, head: head, tree: at, positions: positions{file: file}, file: file}
	if head.Size > 0 {
		if s.head.Position, err = s.positions.at(head.Size - 1); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return s, nil
}

// ReadKeys reads the keys of the log in dir, believing the verifier key that
// stands beside it, and the text of their hand-overs.
func ReadKeys(dir string) (trail.Keys, string, error) {
	key, err := os.ReadFile(filepath.Join(dir, verifierKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return trail.Keys{}, "", fmt.Errorf("%s is missing: %w", verifierKeyFile, ErrCorrupt)
	}
	if err != nil {
		return trail.Keys{}, "", fmt.Errorf("read the verifier key: %w", err)
	}
	handovers, err := readHandovers(dir)
	if err != nil {
		return trail.Keys{}, "", err
	}
	keys, err := trail.ParseKeys(string(key), handovers)
	return keys, handovers, err
}

// Close lets go of the files. A snapshot of the writer has none of its own.
func (s *Snapshot) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Checkpoint is the head.
func (s *Snapshot) Checkpoint() Checkpoint { return s.head }

// Keys are all the keys the log has had.
func (s *Snapshot) Keys() trail.Keys { return s.keys }

// Handovers is the text of all changes of the key, for [trail.ParseKeys].
func (s *Snapshot) Handovers() string { return s.handovers }

// Position is the $all position of a leaf.
func (s *Snapshot) Position(index uint64) (uint64, error) { return s.positions.at(index) }

// Leaf is the hash of a leaf. Asked for one after the other, leaves cost a read of
// a tile for each 256.
func (s *Snapshot) Leaf(index uint64) (Hash, error) {
	at := s.latest.Load()
	if at == nil || at.index != index/tileWidth {
		hashes, err := s.tree.tile(0, index/tileWidth)
		if err != nil {
			return Hash{}, err
		}
		at = &tile{index: index / tileWidth, hashes: hashes}
		s.latest.Store(at)
	}
	if index%tileWidth >= uint64(len(at.hashes)) {
		return Hash{}, fmt.Errorf("leaf %d is beyond the log: %w", index, ErrCorrupt)
	}
	return at.hashes[index%tileWidth], nil
}

// Find is the first leaf at or after a position, and whether it is exactly
// there. It is the size of the log when there is none.
func (s *Snapshot) Find(position uint64) (index uint64, exact bool, err error) {
	return s.positions.search(s.head.Size, position)
}

// Subtrees are the hashes of the complete subtrees that cover the leaves from
// begin up to end, left to right, for [trail.Tree.Skip].
func (s *Snapshot) Subtrees(begin, end uint64) ([]Hash, error) {
	var hashes []Hash
	for _, id := range compact.RangeNodes(begin, end, nil) {
		hash, err := s.tree.node(id)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// RootAt is the root of the log when it had this size.
func (s *Snapshot) RootAt(size uint64) (Hash, error) { return s.tree.rootAt(size) }

// Prove proves the event at an $all position. It checks its own proof before it
// hands it out, so a damaged tile is [ErrCorrupt] and not a proof that fails
// elsewhere. Errors: [ErrNotYet], [ErrNotInTrail], [ErrCorrupt], [ErrClosed].
func (s *Snapshot) Prove(ctx context.Context, position uint64) (InclusionProof, error) {
	if err := ctx.Err(); err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	index, exact, err := s.Find(position)
	switch {
	case err != nil:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	case index == s.head.Size:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, ErrNotYet)
	case !exact:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, ErrNotInTrail)
	}
	made, err := s.tree.inclusion(index)
	if err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	made.Position, made.Checkpoint = position, s.head.Text
	if err := made.CheckPath(s.head.Root); err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w: %w", position, ErrCorrupt, err)
	}
	return made, nil
}

// ProveConsistency proves that the log of the older size is a prefix of the log
// of the newer one. Errors: [ErrNotYet] when a size lies beyond the checkpoint,
// [ErrProof] when old is greater than new, [ErrCorrupt].
func (s *Snapshot) ProveConsistency(ctx context.Context, oldSize, newSize uint64) ([]Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	if oldSize > newSize {
		return nil, fmt.Errorf("consistency from %d back to %d: %w", oldSize, newSize, ErrProof)
	}
	if newSize > s.head.Size {
		return nil, fmt.Errorf("consistency up to %d: %w", newSize, ErrNotYet)
	}
	hashes, err := s.tree.consistency(oldSize, newSize)
	if err != nil {
		return nil, fmt.Errorf("consistency from %d to %d: %w", oldSize, newSize, err)
	}
	return hashes, nil
}

func (t *tree) inclusion(index uint64) (InclusionProof, error) {
	made := InclusionProof{Index: index, Size: t.size}
	first, err := t.tile(0, index/tileWidth)
	if err != nil {
		return made, err
	}
	made.Leaf = first[index%tileWidth]
	plan, err := proof.Inclusion(index, t.size)
	if err != nil {
		return made, err
	}
	made.Hashes, err = t.path(plan)
	return made, err
}

func (t *tree) consistency(oldSize, newSize uint64) ([]Hash, error) {
	plan, err := proof.Consistency(oldSize, newSize)
	if err != nil {
		return nil, err
	}
	return t.path(plan)
}

// path reads and folds the nodes of a proof.
func (t *tree) path(plan proof.Nodes) ([]Hash, error) {
	nodes, err := t.nodes(plan.IDs)
	if err != nil {
		return nil, err
	}
	folded, err := plan.Rehash(nodes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, err
	}
	hashes := make([]Hash, len(folded))
	for i := range folded {
		hashes[i] = Hash(folded[i])
	}
	return hashes, nil
}

// rootAt computes the root of an earlier size.
func (t *tree) rootAt(size uint64) (Hash, error) {
	if size > t.size {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", size, ErrNotYet)
	}
	nodes, err := t.nodes(compact.RangeNodes(0, size, nil))
	if err != nil {
		return Hash{}, err
	}
	edge, err := rangeFactory().NewRange(0, size, nodes)
	if err != nil {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", size, err)
	}
	return rootOf(edge)
}
