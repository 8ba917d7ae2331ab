package eventnode

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// The clients know most failures by the trailer "exception".
const (
	trailerException  = "exception"
	trailerStreamName = "stream-name"
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// streamDeleted sets the trailers that clients need and gives the status.
func streamDeleted(setTrailer func(metadata.MD), stream string) error {
	setTrailer(metadata.Pairs(trailerException, "stream-deleted", trailerStreamName, plain(stream)))
	return status.Errorf(codes.FailedPrecondition, "Event stream '%s' is deleted.", stream)
}

// plain is a text as a trailer can carry it. Names of streams and groups may
// hold any character, trailers only printable ASCII: a client takes anything
// else for a broken connection.
func plain(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func accessDenied(setTrailer func(metadata.MD)) error {
	setTrailer(metadata.Pairs(trailerException, "access-denied"))
	return status.Error(codes.PermissionDenied, "Access Denied")
}

func tooBig(setTrailer func(metadata.MD), limit int) error {
	setTrailer(metadata.Pairs(trailerException, "maximum-append-size-exceeded",
		"maximum-append-size", strconv.Itoa(limit)))
	return status.Error(codes.InvalidArgument, tooBigMessage(limit))
}

func tooBigMessage(limit int) string {
	return fmt.Sprintf("Maximum Append Size of %d Exceeded.", limit)
}

// statusOf turns an error of the store into what a client can act on.
func statusOf(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTooLate):
		return status.Error(codes.DeadlineExceeded, err.Error())
	case errors.Is(err, errUnauthenticated):
		return status.Error(codes.Unauthenticated, "Unauthenticated")
	case errors.Is(err, errBusy), errors.Is(err, errTooManyLogins):
		return status.Error(codes.Unavailable, "Server Is Too Busy")
	case errors.Is(err, ErrClosed):
		return status.Error(codes.Unavailable, "Server Is Not Ready")
	case errors.Is(err, ErrCorrupt):
		return status.Error(codes.DataLoss, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

// trailerSetter is where a unary call puts its trailers.
func trailerSetter(ctx context.Context) func(metadata.MD) {
	return func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) }
}
