package eventnode

import (
	"context"
	"fmt"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Delete hides all events of a stream; a later append brings the stream back
// without them.
func (n *streamServer) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := req.GetOptions()
	var expected expectation
	var err error
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.DeleteReq_Options_Revision:
		expected, err = exactly(e.Revision)
	case *streams.DeleteReq_Options_NoStream:
		expected = expectNoStream
	case *streams.DeleteReq_Options_Any:
		expected = expectAny
	case *streams.DeleteReq_Options_StreamExists:
		expected = expectStreamExists
	default:
		err = invalid("delete without expected revision")
	}
	if err != nil {
		return nil, err
	}
	pos, err := n.removeFor(ctx, writeSoftDelete, string(o.GetStreamIdentifier().GetStreamName()), expected)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

// Tombstone ends a stream for ever.
func (n *streamServer) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := req.GetOptions()
	var expected expectation
	var err error
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.TombstoneReq_Options_Revision:
		expected, err = exactly(e.Revision)
	case *streams.TombstoneReq_Options_NoStream:
		expected = expectNoStream
	case *streams.TombstoneReq_Options_Any:
		expected = expectAny
	case *streams.TombstoneReq_Options_StreamExists:
		expected = expectStreamExists
	default:
		err = invalid("tombstone without expected revision")
	}
	if err != nil {
		return nil, err
	}
	pos, err := n.removeFor(ctx, writeTombstone, string(o.GetStreamIdentifier().GetStreamName()), expected)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

// removeFor removes a stream for a client.
func (n *streamServer) removeFor(ctx context.Context, kind writeKind, stream string, expected expectation) (uint64, error) {
	if err := n.access.stream(ctx, rightDelete, stream); err != nil {
		return 0, statusFor(trailerSetter(ctx), err)
	}
	return n.remove(ctx, kind, stream, expected)
}

func (n *streamServer) remove(ctx context.Context, kind writeKind, stream string, expected expectation) (uint64, error) {
	setTrailer := trailerSetter(ctx)
	if err := writable(setTrailer, stream); err != nil {
		return 0, err
	}
	if isMetastream(stream) {
		return 0, accessDenied(setTrailer)
	}
	call := callDelete
	if kind == writeTombstone {
		call = callTombstone
	}
	o, err := n.sequencer.write(ctx, &writeRequest{
		call: call, kind: kind, stream: stream, expected: expected,
		// A fresh id is never taken for a repetition.
		events: []proposed{{id: uuid.New(), typ: typeTombstone}},
	})
	if err != nil {
		return 0, statusOf(err)
	}
	switch o.ruling {
	case rulingStreamDeleted:
		return 0, streamDeleted(setTrailer, stream)
	case rulingWrongVersion:
		setTrailer(metadata.Pairs(trailerException, "wrong-expected-version", trailerStreamName, plain(stream),
			"expected-version", strconv.FormatInt(int64(expected), 10), "actual-version", strconv.FormatInt(o.cur, 10)))
		return 0, status.Error(codes.FailedPrecondition, fmt.Sprintf(
			"Delete failed due to WrongExpectedVersion. Stream: %s, Expected version: %d, Actual version: %d",
			stream, int64(expected), o.cur))
	}
	return uint64(o.pos), nil
}
