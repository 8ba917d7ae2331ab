package ledger

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"tracekeep/adapters/ledger/trail"
)

// Prove proves the event at an $all position against the last checkpoint. Errors
// as [Snapshot.Prove].
func (l *Ledger) Prove(ctx context.Context, position uint64) (InclusionProof, error) {
	return l.Snapshot().Prove(ctx, position)
}

// ProveConsistency proves that the log of the older size is a prefix of the log
// of the newer one. Errors as [Snapshot.ProveConsistency].
func (l *Ledger) ProveConsistency(ctx context.Context, oldSize, newSize uint64) ([]Hash, error) {
	return l.Snapshot().ProveConsistency(ctx, oldSize, newSize)
}

// Locate answers the index of the leaf for an $all position, and false when the
// trail has none or can no longer be read.
func (l *Ledger) Locate(position uint64) (uint64, bool) {
	index, exact, err := l.Snapshot().Find(position)
	if err != nil && !errors.Is(err, ErrClosed) {
		l.log.Error("positions unreadable", zap.Error(err))
	}
	return index, err == nil && exact
}

// LastTwo answers the positions of the last event of the trail and of the one
// before it, 0 when there is none: a store that can only be read from where an
// event stands is read from there to meet the last one again. ok is false for an
// empty trail.
func (l *Ledger) LastTwo() (before, last uint64, ok bool, err error) {
	head := l.Checkpoint()
	if head.Size == 0 {
		return 0, 0, false, nil
	}
	if head.Size > 1 {
		if before, err = l.Snapshot().Position(head.Size - 2); err != nil {
			return 0, 0, false, err
		}
	}
	return before, head.Position, true, nil
}

// VerifyConsistency checks offline that the log of an older signed checkpoint is
// a prefix of the log of a newer one. Errors: [ErrProof], [ErrSignature], [ErrMalformed].
func VerifyConsistency(older, newer string, hashes []Hash, verifierKey string) error {
	from, err := trail.OpenCheckpoint(older, verifierKey)
	if err != nil {
		return fmt.Errorf("older: %w", err)
	}
	to, err := trail.OpenCheckpoint(newer, verifierKey)
	if err != nil {
		return fmt.Errorf("newer: %w", err)
	}
	return trail.CheckConsistency(from.Head(), to.Head(), hashes)
}
