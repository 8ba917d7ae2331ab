package domain

import (
	"context"
	"errors"
	"iter"

	"tracekeep/eventschema"
)

// Errors that every event store adapter translates to.
var (
	// ErrConflict says that the stream is not at the revision expected.
	ErrConflict = errors.New("stream has moved on")
	// ErrUnavailable says that the store cannot be reached now; the call had no
	// effect and may be repeated.
	ErrUnavailable = errors.New("event store is unavailable")
	// ErrUnknownOutcome says that an append may or may not have been stored.
	// Repeating it with the same event ids and expectation is safe.
	ErrUnknownOutcome = errors.New("outcome of the append is unknown")
)

// Expected is the revision a stream must be at for an append to succeed.
type Expected int64

// NoStream expects that the stream has no events.
const NoStream Expected = -1

// AnyRevision expects nothing of the stream: for what no rule depends on.
const AnyRevision Expected = -2

// Appended says where the last event of an append stands.
type Appended struct {
	Revision uint64
	Position uint64
}

// Store keeps streams. An append is atomic and durable when it returns. Reads
// see every append that returned before them.
type Store interface {
	// ReadStream yields the events of a stream from a revision on, oldest first.
	// A stream that does not exist yields nothing. The sequence ends after the
	// first error.
	ReadStream(ctx context.Context, stream string, from uint64) iter.Seq2[eventschema.Recorded, error]
	// Append adds events to the end of a stream that is at the revision expected.
	// Repeating an append with the same event ids and expectation stores nothing
	// twice and answers as the first did. Errors: [ErrConflict],
	// [ErrUnavailable], [ErrUnknownOutcome].
	Append(ctx context.Context, stream string, expected Expected, events []eventschema.Proposed) (Appended, error)
}
