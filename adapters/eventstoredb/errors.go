package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tracekeep/domain"
)

// Errors beside those of [domain.Store].
var (
	// ErrStreamDeleted: the stream is tombstoned; it can never be read or written again.
	ErrStreamDeleted = errors.New("stream is deleted for good")
	// ErrDenied: the store does not let these credentials do that.
	ErrDenied = errors.New("event store denies access")
	// ErrRefused: the store refuses the request as such, for example an append
	// that is too big. Repeating it is useless; it had no effect.
	ErrRefused = errors.New("event store refuses the request")
	// ErrFault: the store answered a read with a fault of its own.
	ErrFault = errors.New("event store reports a fault")
	// ErrOtherTenant: the stream does not belong to a tenant this store is for.
	ErrOtherTenant = errors.New("stream of another tenant")
	// ErrOrder: events came out of order. What came before them is right.
	ErrOrder = errors.New("events out of order")
)

// errNotNow marks an unavailability that another attempt at once cannot end: no
// connection and the last attempt to get one failed, or too many calls.
var errNotNow = fmt.Errorf("%w: not now", domain.ErrUnavailable)

// worthwhile tells a call that lost its connection, for which a new one may be
// had soon, from every other failure.
func worthwhile(err error) bool {
	return errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, errNotNow)
}

// translate names the bare client's error in our words. An append that ends in
// [domain.ErrUnavailable] or [ErrFault] here may have been stored; appending
// sorts that out.
func translate(err error) error {
	if err == nil {
		return nil
	}
	sentinel := domain.ErrUnavailable
	var bare *esdb.Error
	switch {
	case errors.Is(err, domain.ErrUnavailable):
		return err
	case errors.As(err, &bare):
		sentinel = sentinelOf(bare)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errPanic):
	default:
		sentinel = sentinelOfStatus(err)
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

func sentinelOf(bare *esdb.Error) error {
	switch bare.Code() {
	case esdb.ErrorCodeWrongExpectedVersion:
		return domain.ErrConflict
	case esdb.ErrorCodeStreamDeleted:
		return ErrStreamDeleted
	case esdb.ErrorCodeAccessDenied, esdb.ErrorCodeUnauthenticated:
		return ErrDenied
	case esdb.ErrorCodeUnsupportedFeature, esdb.ErrorCodeResourceNotFound, esdb.ErrorCodeResourceAlreadyExists:
		return ErrRefused
	case esdb.ErrorCodeConnectionClosed, esdb.ErrorUnavailable, esdb.ErrorCodeNotLeader,
		esdb.ErrorAborted, esdb.ErrorCodeDeadlineExceeded:
		return domain.ErrUnavailable
	default:
		return sentinelOfStatus(bare.Err())
	}
}

// sentinelOfStatus looks at what the bare client lumps together as unknown.
func sentinelOfStatus(err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange, codes.ResourceExhausted, codes.Unimplemented:
		return ErrRefused
	case codes.PermissionDenied, codes.Unauthenticated:
		return ErrDenied
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.Canceled:
		return domain.ErrUnavailable
	default:
		return ErrFault
	}
}

// unsent says that a failed append never left: there was no connection, the
// stream for it could not be opened, or the node is not the leader.
func unsent(err error) bool {
	if errors.Is(err, domain.ErrUnavailable) {
		return true // ours, from before the call; its cause may be an error of the bare client
	}
	var bare *esdb.Error
	if !errors.As(err, &bare) {
		return false
	}
	return bare.IsErrorCode(esdb.ErrorCodeConnectionClosed) || bare.IsErrorCode(esdb.ErrorCodeNotLeader) ||
		strings.HasPrefix(err.Error(), "could not construct append operation")
}

func isTimeout(err error) bool {
	var bare *esdb.Error
	if errors.As(err, &bare) {
		return bare.IsErrorCode(esdb.ErrorCodeDeadlineExceeded)
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// isGone says that the connection is of no more use. Reads that cannot be opened
// and subscriptions that are dropped fail with the bare gRPC status.
func isGone(err error) bool {
	var bare *esdb.Error
	if errors.As(err, &bare) {
		return bare.IsErrorCode(esdb.ErrorCodeConnectionClosed) || bare.IsErrorCode(esdb.ErrorUnavailable)
	}
	return errors.Is(err, errPanic) || status.Code(err) == codes.Unavailable
}
