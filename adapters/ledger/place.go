package ledger

import "fmt"

// VerifyPlace checks offline that a leaf stands in the log of a signed checkpoint,
// without the event: for a paper that must identify nobody. Whoever has the event
// holds [LeafHash] of it against the leaf. Errors as [VerifyInclusion].
func VerifyPlace(made InclusionProof, verifierKey string) error {
	signed, err := OpenCheckpoint(made.Checkpoint, verifierKey)
	if err != nil {
		return err
	}
	if signed.Size != made.Size {
		return fmt.Errorf("proof of size %d under a checkpoint of size %d: %w", made.Size, signed.Size, ErrProof)
	}
	return made.CheckPath(signed.Root)
}
