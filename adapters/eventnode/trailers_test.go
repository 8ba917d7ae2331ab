package eventnode

import (
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func appendOptions(stream string) *streams.AppendReq {
	return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
		StreamIdentifier: streamID(stream), ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}}}
}

func appendMessage(change func(*streams.AppendReq_ProposedMessage)) *streams.AppendReq {
	m := &streams.AppendReq_ProposedMessage{Id: wireID(uuid.New()), Metadata: map[string]string{"type": "t", "content-type": contentJSON}, Data: []byte("{}")}
	if change != nil {
		change(m)
	}
	return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}}
}

// By its code and trailers clients of every language know why an append failed.
func TestWhyAnAppendFails(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "dead ß", "a")
	if _, err := c.TombstoneStream(within(t), "dead ß", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rule     string
		messages []*streams.AppendReq
		code     codes.Code
		trailers metadata.MD
	}{
		{"larger than the limit", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { m.Data = make([]byte, DefaultMaxAppendBytes) })},
			codes.InvalidArgument, metadata.Pairs("exception", "maximum-append-size-exceeded", "maximum-append-size", "1048576")},
		{"larger by its metadata and type", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) {
			m.Data, m.CustomMetadata = make([]byte, DefaultMaxAppendBytes/2), make([]byte, DefaultMaxAppendBytes/2-1)
		})}, codes.InvalidArgument, metadata.Pairs("exception", "maximum-append-size-exceeded", "maximum-append-size", "1048576")},
		{"as large as the limit", []*streams.AppendReq{appendOptions("fits"), appendMessage(func(m *streams.AppendReq_ProposedMessage) {
			m.Data = make([]byte, DefaultMaxAppendBytes-2)
		})}, codes.OK, nil},
		{"without a type", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "type") })},
			codes.InvalidArgument, metadata.Pairs("exception", "missing-required-metadata-property", "required-metadata-properties", "type,content-type")},
		{"without a content type", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "content-type") })},
			codes.InvalidArgument, metadata.Pairs("exception", "missing-required-metadata-property", "required-metadata-properties", "type,content-type")},
		{"an empty type", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { m.Metadata["type"] = "" })},
			codes.InvalidArgument, nil},
		{"no id", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { m.Id = nil })},
			codes.InvalidArgument, nil},
		{"a nil id", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) { m.Id = wireID(uuid.Nil) })},
			codes.InvalidArgument, nil},
		{"an id that is none", []*streams.AppendReq{appendOptions("s"), appendMessage(func(m *streams.AppendReq_ProposedMessage) {
			m.Id = &shared.UUID{Value: &shared.UUID_String_{String_: "x"}}
		})}, codes.InvalidArgument, nil},
		{"no options", []*streams.AppendReq{appendMessage(nil)}, codes.InvalidArgument, nil},
		{"options twice", []*streams.AppendReq{appendOptions("s"), appendOptions("s")}, codes.InvalidArgument, nil},
		{"nothing at all", nil, codes.InvalidArgument, nil},
		{"no expectation", []*streams.AppendReq{{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{StreamIdentifier: streamID("s")}}}},
			codes.InvalidArgument, nil},
		{"the log itself", []*streams.AppendReq{appendOptions(allStream), appendMessage(nil)}, codes.PermissionDenied, metadata.Pairs("exception", "access-denied")},
		{"no name", []*streams.AppendReq{appendOptions(""), appendMessage(nil)}, codes.PermissionDenied, metadata.Pairs("exception", "access-denied")},
		{"a stream that has ended", []*streams.AppendReq{appendOptions("dead ß"), appendMessage(nil)}, codes.FailedPrecondition,
			metadata.Pairs("exception", "stream-deleted", "stream-name", "dead %C3%9F")},
		{"its metadata", []*streams.AppendReq{appendOptions("$$dead ß"), appendMessage(nil)}, codes.FailedPrecondition,
			metadata.Pairs("exception", "stream-deleted", "stream-name", "$$dead %C3%9F")},
	} {
		call, err := rawClient(t, n).Append(within(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tt.messages {
			_ = call.Send(m)
		}
		_, err = call.CloseAndRecv()
		sameFailure(t, tt.rule, err, call.Trailer(), tt.code, tt.trailers)
	}
	if got := readError(t, c, "s"); got != esdb.ErrorCodeResourceNotFound {
		t.Errorf("a refused append left something: %v", got)
	}
}

// A deletion that expected something else fails with a status.
func TestWhyADeletionFails(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s ß", "ab")
	raw := rawClient(t, n)
	for _, tt := range []struct {
		rule, stream string
		expect       *streams.DeleteReq_Options
		code         codes.Code
		trailers     metadata.MD
	}{
		{"another revision", "s ß", &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 7}}, codes.FailedPrecondition,
			metadata.Pairs("exception", "wrong-expected-version", "stream-name", "s %C3%9F", "expected-version", "7", "actual-version", "1")},
		{"no stream where there is one", "s ß", &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_NoStream{NoStream: &shared.Empty{}}}, codes.FailedPrecondition,
			metadata.Pairs("exception", "wrong-expected-version", "stream-name", "s %C3%9F", "expected-version", "-1", "actual-version", "1")},
		{"anything of a stream that is not there", "none", &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}, codes.FailedPrecondition,
			metadata.Pairs("exception", "wrong-expected-version", "stream-name", "none", "expected-version", "-2", "actual-version", "-1")},
		{"nothing said", "s ß", &streams.DeleteReq_Options{}, codes.InvalidArgument, nil},
		{"metadata", "$$s ß", &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}, codes.PermissionDenied,
			metadata.Pairs("exception", "access-denied")},
		{"the log", allStream, &streams.DeleteReq_Options{ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}, codes.PermissionDenied,
			metadata.Pairs("exception", "access-denied")},
	} {
		var trailer metadata.MD
		tt.expect.StreamIdentifier = streamID(tt.stream)
		_, err := raw.Delete(within(t), &streams.DeleteReq{Options: tt.expect}, grpc.Trailer(&trailer))
		sameFailure(t, tt.rule, err, trailer, tt.code, tt.trailers)
	}
}

func sameFailure(t *testing.T, rule string, err error, trailer metadata.MD, code codes.Code, want metadata.MD) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("%s: %v, want %v", rule, err, code)
	}
	for _, name := range []string{"exception", "stream-name", "maximum-append-size", "required-metadata-properties", "expected-version", "actual-version"} {
		if got := strings.Join(trailer.Get(name), " "); got != strings.Join(want.Get(name), " ") {
			t.Errorf("%s: trailer %s is %q, want %q", rule, name, got, want.Get(name))
		}
	}
}
