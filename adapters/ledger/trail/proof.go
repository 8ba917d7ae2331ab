package trail

import (
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// maxProof is more than the hashes of any proof in a log of 2^56 leaves.
	maxProof = 128
	// maxSize is more leaves than any log has; both implementations can still check
	// proofs of it.
	maxSize = 1 << 56
)

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

// Verify checks that an event, exactly as stored, is in the log of the proof's
// signed checkpoint. Both implementations must agree. Errors: [ErrProof],
// [ErrSignature], [ErrMalformed].
func (p InclusionProof) Verify(event Event, keys Keys) error {
	signed, err := keys.OpenCheckpoint(p.Checkpoint)
	if err != nil {
		return err
	}
	if signed.Size != p.Size {
		return fmt.Errorf("proof of size %d under a checkpoint of size %d: %w", p.Size, signed.Size, ErrProof)
	}
	if event.Position != p.Position || LeafHash(event) != p.Leaf {
		return fmt.Errorf("event at position %d is not the one that was recorded: %w", event.Position, ErrProof)
	}
	return p.CheckPath(signed.Root)
}

// CheckPath verifies the hashes against a root, twice. Errors: [ErrProof].
func (p InclusionProof) CheckPath(root Hash) error {
	if p.Size > maxSize || p.Index >= p.Size || len(p.Hashes) > maxProof {
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

// Head is a size and a root: what a checkpoint or a certificate says of the log.
type Head struct {
	Size uint64 `json:"size"`
	Root Hash   `json:"root"`
}

// Head is what the checkpoint says of the log.
func (c Checkpoint) Head() Head { return Head{Size: c.Size, Root: c.Root} }

// CheckConsistency verifies that the log of an older head is a prefix of the log
// of a newer one: nothing that was in it was changed. Both implementations must
// agree. Errors: [ErrProof].
func CheckConsistency(from, to Head, hashes []Hash) error {
	refused := fmt.Errorf("log of size %d is not a prefix of the log of size %d: %w", from.Size, to.Size, ErrProof)
	if from.Size > to.Size || to.Size > maxSize || len(hashes) > maxProof {
		return refused
	}
	if from.Size == 0 {
		if len(hashes) > 0 || from.Root != EmptyRoot() {
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
