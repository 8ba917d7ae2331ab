package eventnode

import (
	"errors"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
)

// drainLimit bounds what is read of a request that has been refused already.
const drainLimit = 64 << 20

const allStream = "$all"

// Append serves one atomic append to one stream.
func (n *streamServer) Append(call streams.Streams_AppendServer) error {
	r, err := n.receiveAppend(call)
	if err != nil {
		// The client sees the status only once its whole request was taken.
		drain(call)
		return err
	}
	arrived(call.Context())
	o, err := n.sequencer.write(call.Context(), r)
	if err != nil {
		return statusOf(err)
	}
	switch o.ruling {
	case rulingStreamDeleted:
		return streamDeleted(call.SetTrailer, r.stream)
	case rulingWrongVersion:
		return call.SendAndClose(wrongVersionResp(r.expected, o.cur))
	}
	return call.SendAndClose(appendedResp(o))
}

func drain(call streams.Streams_AppendServer) {
	for left := drainLimit; left > 0; {
		m, err := call.Recv()
		if err != nil {
			return
		}
		left -= 1 + len(m.GetProposedMessage().GetData()) + len(m.GetProposedMessage().GetCustomMetadata())
	}
}

func (n *streamServer) receiveAppend(call streams.Streams_AppendServer) (*writeRequest, error) {
	first, err := call.Recv()
	if err != nil {
		return nil, invalid("append without options")
	}
	o := first.GetOptions()
	if o == nil {
		return nil, invalid("the first message of an append must be its options")
	}
	r := &writeRequest{call: callAppend, stream: string(o.GetStreamIdentifier().GetStreamName())}
	if r.expected, err = appendExpectation(o); err != nil {
		return nil, err
	}
	if err := writable(call.SetTrailer, r.stream); err != nil {
		return nil, err
	}
	if err := n.access.stream(call.Context(), rightWrite, r.stream); err != nil {
		return nil, statusFor(call.SetTrailer, err)
	}
	for {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		if m.GetProposedMessage() == nil {
			return nil, invalid("options may be sent only once")
		}
		if err := n.receiveEvent(r, m.GetProposedMessage()); err != nil {
			return nil, n.eventRefused(call.SetTrailer, err)
		}
	}
}

// proposedMessage is what Append and BatchAppend send alike.
type proposedMessage interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

// receiveEvent adds an event to a request, within the size of an append.
func (n *streamServer) receiveEvent(r *writeRequest, m proposedMessage) error {
	e, err := parseProposed(m)
	if err != nil {
		return err
	}
	r.events = append(r.events, e)
	if r.size += e.size(); r.size > n.maxAppend {
		return errTooBig
	}
	return nil
}

// eventRefused is the status of an Append with an event that cannot be taken.
func (n *streamServer) eventRefused(setTrailer func(metadata.MD), err error) error {
	switch {
	case errors.Is(err, errTooBig):
		n.metrics.turnedAway(refusedTooBig)
		return tooBig(setTrailer, n.maxAppend)
	case errors.Is(err, errMissingMetadata):
		setTrailer(metadata.Pairs(trailerException, "missing-required-metadata-property",
			"required-metadata-properties", "type,content-type"))
	}
	return invalid("%v", err)
}

var (
	errMissingMetadata = errors.New("required metadata property is missing: type, content-type")
	errEmptyType       = errors.New("event type is empty")
	errTooBig          = errors.New("append is too big")
)

func parseProposed(m proposedMessage) (proposed, error) {
	id, err := parseUUID(m.GetId())
	if err != nil {
		return proposed{}, err
	}
	if id == uuid.Nil {
		return proposed{}, errNilID
	}
	typ, haveType := m.GetMetadata()["type"]
	content, haveContent := m.GetMetadata()["content-type"]
	if !haveType || !haveContent {
		return proposed{}, errMissingMetadata
	}
	if typ == "" {
		return proposed{}, errEmptyType
	}
	return proposed{id: id, typ: typ, json: content == contentJSON, data: m.GetData(), meta: m.GetCustomMetadata()}, nil
}

// writable refuses streams that are not written to by clients.
func writable(setTrailer func(metadata.MD), stream string) error {
	switch stream {
	case "", allStream:
		return accessDenied(setTrailer)
	case metaStreamOf(""):
		return invalid("%s describes no stream", stream)
	}
	return nil
}

func exactly(rev uint64) (expectation, error) {
	if rev > math.MaxInt64 {
		return 0, invalid("expected revision %d is out of range", rev)
	}
	return expectation(rev), nil
}

func appendExpectation(o *streams.AppendReq_Options) (expectation, error) {
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		return exactly(e.Revision)
	case *streams.AppendReq_Options_NoStream:
		return expectNoStream, nil
	case *streams.AppendReq_Options_Any:
		return expectAny, nil
	case *streams.AppendReq_Options_StreamExists:
		return expectStreamExists, nil
	}
	return 0, invalid("append without expected revision")
}

func appendedResp(o outcome) *streams.AppendResp {
	s := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if o.rev >= 0 {
		s.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(o.rev)}
	}
	if o.pos > 0 {
		s.PositionOption = &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: uint64(o.pos), PreparePosition: uint64(o.pos),
		}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: s}}
}

// wrongVersionResp says what was expected and what is, in the present fields
// and in those that clients before 20.6.1 read.
func wrongVersionResp(expected expectation, cur int64) *streams.AppendResp {
	type resp = streams.AppendResp_WrongExpectedVersion
	w := &resp{
		CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}},
		CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}},
		ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: uint64(expected)},
	}
	if cur >= 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(cur)}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(cur)}
	}
	switch expected {
	case expectAny:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	case expectStreamExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	case expectNoStream:
		// In the old fields this is the revision 2^64-1, which -1 converts to.
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	default:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(expected)}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}
