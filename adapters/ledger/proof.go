package ledger

import (
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"tracekeep/eventschema"
)

// maxProof is more than the hashes of any proof in a log of 2^63 leaves.
const maxProof = 128

// InclusionProof shows that an event is in the log that a signed checkpoint
// describes. It marshals to JSON and is complete: with the event and the public
// key nothing else is needed. It reveals no other event.
type InclusionProof struct {
	Position   uint64 `json:"position"`
	Index      uint64 `json:"index"`
	Size       uint64 `json:"size"`
	Leaf       Hash   `json:"leaf"`
	Hashes     []Hash `json:"hashes"` // from the leaf towards the root
	Checkpoint string `json:"checkpoint"`
}

// Prove proves the event at an $all position against the last checkpoint. It
// checks its own proof before it hands it out, so a damaged tile is
// [ErrCorrupt] and not a proof that fails elsewhere. Errors: [ErrNotYet],
// [ErrNotInTrail], [ErrCorrupt], [ErrClosed].
func (l *Ledger) Prove(ctx context.Context, position uint64) (InclusionProof, error) {
	if err := ctx.Err(); err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	at := l.current.Load()
	head := at.checkpoint
	index, exact, err := positions{file: l.positions}.search(head.Size, position)
	switch {
	case err != nil:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	case index == head.Size:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, ErrNotYet)
	case !exact:
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, ErrNotInTrail)
	}
	made, err := at.tree.inclusion(index)
	if err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	made.Position, made.Checkpoint = position, head.Text
	if err := made.checkPath(head.Root); err != nil {
		return InclusionProof{}, fmt.Errorf("prove position %d: %w: %w", position, ErrCorrupt, err)
	}
	return made, nil
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

// ProveConsistency proves that the log of the older size is a prefix of the log
// of the newer one. Errors: [ErrNotYet] when a size lies beyond the checkpoint,
// [ErrProof] when old is greater than new, [ErrCorrupt].
func (l *Ledger) ProveConsistency(ctx context.Context, oldSize, newSize uint64) ([]Hash, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	at := l.current.Load()
	if oldSize > newSize {
		return nil, fmt.Errorf("consistency from %d back to %d: %w", oldSize, newSize, ErrProof)
	}
	if newSize > at.checkpoint.Size {
		return nil, fmt.Errorf("consistency up to %d: %w", newSize, ErrNotYet)
	}
	hashes, err := at.tree.consistency(oldSize, newSize)
	if err != nil {
		return nil, fmt.Errorf("consistency from %d to %d: %w", oldSize, newSize, err)
	}
	return hashes, nil
}

func (t *tree) consistency(oldSize, newSize uint64) ([]Hash, error) {
	plan, err := proof.Consistency(oldSize, newSize)
	if err != nil {
		return nil, err
	}
	return t.path(plan)
}

// VerifyInclusion checks offline that an event, exactly as stored, is in the
// log of the proof's signed checkpoint. Two independent implementations must
// both agree. Errors: [ErrProof], [ErrSignature], [ErrMalformed].
func VerifyInclusion(made InclusionProof, event eventschema.Recorded, verifierKey string) error {
	signed, err := OpenCheckpoint(made.Checkpoint, verifierKey)
	if err != nil {
		return err
	}
	if signed.Size != made.Size {
		return fmt.Errorf("proof of size %d under a checkpoint of size %d: %w", made.Size, signed.Size, ErrProof)
	}
	if event.Position != made.Position || LeafHash(event) != made.Leaf {
		return fmt.Errorf("event at position %d is not the one that was recorded: %w", event.Position, ErrProof)
	}
	return made.checkPath(signed.Root)
}

// checkPath verifies the hashes against a root, twice.
func (p InclusionProof) checkPath(root Hash) error {
	if p.Size > 1<<62 || p.Index >= p.Size || len(p.Hashes) > maxProof {
		return fmt.Errorf("leaf %d of %d: %w", p.Index, p.Size, ErrProof)
	}
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, p.Size, p.Leaf[:], bytesOf(p.Hashes), root[:])
	if err != nil {
		return fmt.Errorf("inclusion of leaf %d of %d: %w", p.Index, p.Size, ErrProof)
	}
	record := make(tlog.RecordProof, len(p.Hashes))
	for i, hash := range p.Hashes {
		record[i] = tlog.Hash(hash)
	}
	if tlog.CheckRecord(record, int64(p.Size), tlog.Hash(root), int64(p.Index), tlog.Hash(p.Leaf)) != nil {
		return fmt.Errorf("inclusion of leaf %d of %d, second verifier: %w", p.Index, p.Size, ErrProof)
	}
	return nil
}

// VerifyConsistency checks offline that the log of an older signed checkpoint
// is a prefix of the log of a newer one: nothing that was in it was changed.
// Errors: [ErrProof], [ErrSignature], [ErrMalformed].
func VerifyConsistency(older, newer string, hashes []Hash, verifierKey string) error {
	from, err := OpenCheckpoint(older, verifierKey)
	if err != nil {
		return fmt.Errorf("older: %w", err)
	}
	to, err := OpenCheckpoint(newer, verifierKey)
	if err != nil {
		return fmt.Errorf("newer: %w", err)
	}
	return checkConsistency(from, to, hashes)
}

func checkConsistency(from, to Checkpoint, hashes []Hash) error {
	refused := fmt.Errorf("log of size %d is not a prefix of the log of size %d: %w", from.Size, to.Size, ErrProof)
	if from.Size > to.Size || to.Size > 1<<62 || len(hashes) > maxProof {
		return refused
	}
	if from.Size == 0 {
		if len(hashes) > 0 || from.Root != Hash(rfc6962.DefaultHasher.EmptyRoot()) {
			return refused
		}
		return nil
	}
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, from.Size, to.Size, bytesOf(hashes), from.Root[:], to.Root[:])
	if err != nil {
		return refused
	}
	steps := make(tlog.TreeProof, len(hashes))
	for i, hash := range hashes {
		steps[i] = tlog.Hash(hash)
	}
	if tlog.CheckTree(steps, int64(to.Size), tlog.Hash(to.Root), int64(from.Size), tlog.Hash(from.Root)) != nil {
		return fmt.Errorf("second verifier: %w", refused)
	}
	return nil
}

func bytesOf(hashes []Hash) [][]byte {
	raw := make([][]byte, len(hashes))
	for i := range hashes {
		raw[i] = hashes[i][:]
	}
	return raw
}
