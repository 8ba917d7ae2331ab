package eventnode

import (
	"errors"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// problem is an error in the shape of google.rpc.Status with one detail.
func problem(c codes.Code, message string, detail proto.Message) *rpcstatus.Status {
	s := &rpcstatus.Status{Code: int32(c), Message: message}
	// A generated message always packs; without detail the code still tells.
	if packed, err := anypb.New(detail); err == nil {
		s.Details = []*anypb.Any{packed}
	}
	return s
}

func (a *openAppend) failed(s *rpcstatus.Status) *streams.BatchAppendResp {
	return &streams.BatchAppendResp{
		CorrelationId: a.correlation, StreamIdentifier: a.stream,
		Result: &streams.BatchAppendResp_Error{Error: s},
	}
}

// refusal describes why an append was not even tried.
func (b *batchCall) refusal(err error) *rpcstatus.Status {
	s := status.Convert(err)
	switch {
	case errors.Is(err, errTooBig):
		return problem(codes.InvalidArgument, "MaximumAppendSizeExceeded",
			&shared.MaximumAppendSizeExceeded{MaxAppendSize: uint32(min(b.maxAppend, math.MaxUint32))})
	case s.Code() == codes.PermissionDenied:
		return problem(codes.PermissionDenied, "AccessDenied", &shared.AccessDenied{})
	}
	return problem(codes.InvalidArgument, "BadRequest", &shared.BadRequest{Message: s.Message()})
}

func (a *openAppend) answer(o outcome) *streams.BatchAppendResp {
	switch {
	case errors.Is(o.err, errTooLate):
		return a.failed(problem(codes.DeadlineExceeded, "Timeout", &shared.Timeout{}))
	case o.err != nil:
		s := status.Convert(statusOf(o.err))
		return a.failed(problem(s.Code(), s.Message(), &shared.Unknown{}))
	case o.ruling == rulingStreamDeleted:
		return a.failed(problem(codes.NotFound, "StreamDeleted", &shared.StreamDeleted{StreamIdentifier: a.stream}))
	case o.ruling == rulingWrongVersion:
		return a.failed(problem(codes.AlreadyExists, "WrongExpectedVersion", wrongVersionDetail(a.write.expected, o.cur)))
	}
	s := &streams.BatchAppendResp_Success{
		CurrentRevisionOption: &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}},
		PositionOption:        &streams.BatchAppendResp_Success_NoPosition{NoPosition: &emptypb.Empty{}},
	}
	if o.rev >= 0 {
		s.CurrentRevisionOption = &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: uint64(o.rev)}
	}
	if o.pos > 0 {
		s.PositionOption = &streams.BatchAppendResp_Success_Position{
			Position: &shared.AllStreamPosition{CommitPosition: uint64(o.pos), PreparePosition: uint64(o.pos)}}
	}
	return &streams.BatchAppendResp{
		CorrelationId: a.correlation, StreamIdentifier: a.stream,
		Result: &streams.BatchAppendResp_Success_{Success: s},
	}
}

func wrongVersionDetail(expected expectation, cur int64) *shared.WrongExpectedVersion {
	w := &shared.WrongExpectedVersion{
		CurrentStreamRevisionOption: &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}},
	}
	if cur >= 0 {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(cur)}
	}
	switch expected {
	case expectAny:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	case expectStreamExists:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	case expectNoStream:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	default:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: uint64(expected)}
	}
	return w
}
