package ledger

import (
	"errors"

	"tracekeep/adapters/ledger/trail"
)

var (
	// ErrLocked says that another writer has the directory open.
	ErrLocked = errors.New("trail is open in another writer")
	// ErrClosed says that the ledger was closed.
	ErrClosed = errors.New("trail is closed")
	// ErrFailed says that an earlier write did not reach the disk. Nothing more
	// is written until the ledger is opened anew, because what the disk then
	// holds is unknown.
	ErrFailed = errors.New("trail stopped after a failed write")
	// ErrFork says that the event store is not the one the trail was written
	// from: it is shorter, or holds other events at known positions.
	ErrFork = errors.New("event store and trail disagree about the past")
	// ErrOutOfOrder refuses a page whose positions do not strictly increase.
	ErrOutOfOrder = errors.New("positions do not increase")
	// ErrNotYet says that an event lies beyond the checkpoint. Ask again later.
	ErrNotYet = errors.New("event is not yet in the trail")
	// ErrNotInTrail says that the trail has passed a position without a leaf for it.
	ErrNotInTrail = errors.New("no event of the trail has this position")
	// ErrCorrupt says that files of the trail contradict each other or the
	// signed checkpoint.
	ErrCorrupt = errors.New("trail is damaged")
	// ErrMalformed, ErrSignature and ErrProof are those of package trail.
	ErrMalformed = trail.ErrMalformed
	ErrSignature = trail.ErrSignature
	ErrProof     = trail.ErrProof
	// ErrConfig says that a configuration cannot work.
	ErrConfig = errors.New("configuration of the trail")
)
