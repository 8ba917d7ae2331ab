package eventnode

import (
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// ask sends one append over a call and gives its answer.
func ask(t *testing.T, call streams.Streams_BatchAppendClient, chunks ...*streams.BatchAppendReq) *streams.BatchAppendResp {
	t.Helper()
	id := wireID(uuid.New())
	for i, c := range chunks {
		c.CorrelationId, c.IsFinal = id, i == len(chunks)-1
		if err := call.Send(c); err != nil {
			t.Fatal(err)
		}
	}
	a, err := call.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(a.GetCorrelationId(), id) {
		t.Fatalf("answer to %v, asked %v", a.GetCorrelationId(), id)
	}
	return a
}

func exact(r *streams.BatchAppendReq, rev uint64) *streams.BatchAppendReq {
	r.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: rev}
	return r
}

func noStream(r *streams.BatchAppendReq) *streams.BatchAppendReq {
	r.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	return r
}

func followUp(r *streams.BatchAppendReq) *streams.BatchAppendReq {
	r.Options = nil
	return r
}

// Each kind of failure is an answer with its own code and detail; the call and
// the appends after it go on.
func TestBatchAppendAnswers(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "dead", "a")
	if _, err := c.TombstoneStream(within(t), "dead", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	call, err := rawClient(t, n).BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	big, late, nameless, untyped := batchRequest("s"), batchRequest("s"), batchRequest("s"), batchRequest("s")
	big.ProposedMessages[0].Data = make([]byte, DefaultMaxAppendBytes)
	late.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-time.Second)}
	nameless.ProposedMessages[0].Id = nil
	untyped.ProposedMessages[0].Metadata = nil
	for _, tt := range []struct {
		name   string
		chunks []*streams.BatchAppendReq
		code   codes.Code
		detail proto.Message
	}{
		{"a first append", []*streams.BatchAppendReq{noStream(batchRequest("s"))}, codes.OK, nil},
		{"in three chunks", []*streams.BatchAppendReq{exact(batchRequest("s"), 0), followUp(batchRequest("s")), followUp(batchRequest("s"))}, codes.OK, nil},
		{"at a wrong version", []*streams.BatchAppendReq{exact(batchRequest("s"), 0)}, codes.AlreadyExists, &shared.WrongExpectedVersion{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: 3},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: 0}}},
		{"to a tombstoned stream", []*streams.BatchAppendReq{batchRequest("dead")}, codes.NotFound, &shared.StreamDeleted{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("dead")}}},
		{"to the log itself", []*streams.BatchAppendReq{batchRequest("$all")}, codes.PermissionDenied, &shared.AccessDenied{}},
		{"too big", []*streams.BatchAppendReq{big, followUp(batchRequest("s"))}, codes.InvalidArgument, &shared.MaximumAppendSizeExceeded{MaxAppendSize: DefaultMaxAppendBytes}},
		{"too late", []*streams.BatchAppendReq{late}, codes.DeadlineExceeded, &shared.Timeout{}},
		{"without an id", []*streams.BatchAppendReq{nameless}, codes.InvalidArgument, &shared.BadRequest{Message: errNilID.Error()}},
		{"without a type", []*streams.BatchAppendReq{untyped}, codes.InvalidArgument, &shared.BadRequest{Message: errMissingMetadata.Error()}},
		{"and it still works", []*streams.BatchAppendReq{exact(batchRequest("s"), 3)}, codes.OK, nil},
	} {
		a := ask(t, call, tt.chunks...)
		if got := codes.Code(a.GetError().GetCode()); got != tt.code {
			t.Errorf("%s: %v, want %v", tt.name, a.GetError(), tt.code)
			continue
		}
		if tt.detail == nil {
			continue
		}
		detail, err := a.GetError().GetDetails()[0].UnmarshalNew()
		if err != nil || !proto.Equal(detail, tt.detail) {
			t.Errorf("%s: detail %v (%v), want %v", tt.name, detail, err, tt.detail)
		}
	}
	if got := len(readTypes(t, c, "s", esdb.ReadStreamOptions{}, 100)); got != 5*len("punch-recorded.v2") {
		t.Errorf("the stream has %d letters of types", got)
	}
}

// Appends of one call are written in the order in which they were finished.
func TestBatchAppendKeepsOrder(t *testing.T) {
	n := start(t)
	call, err := rawClient(t, n).BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	const appends = 500
	go func() {
		for i := range appends {
			r := noStream(batchRequest("s"))
			if i > 0 {
				r = exact(r, uint64(i-1))
			}
			if call.Send(r) != nil {
				return
			}
		}
		_ = call.CloseSend()
	}()
	for i := range appends {
		a, err := call.Recv()
		if err != nil || a.GetSuccess().GetCurrentRevision() != uint64(i) {
			t.Fatalf("answer %d: %v (%v)", i, a, err)
		}
	}
}
