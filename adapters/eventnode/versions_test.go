package eventnode

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Clients newer than our protocol files read when and where a subscription has
// caught up.
func TestCaughtUpSaysWhenAndWhere(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "s", "ab")
	last := letters(t, c, "s", "c")
	at := fmt.Sprintf("%d/%d", last, last)
	position := func(p uint64) func(*streams.ReadReq_Options) {
		return func(o *streams.ReadReq_Options) {
			o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: p, PreparePosition: p}}
		}
	}
	for _, tt := range []struct {
		rule, stream string
		change       func(*streams.ReadReq_Options)
		revision     string
		position     string
	}{
		{"a stream", "s", nil, "2", ""},
		{"a stream that is not there", "none", nil, "", ""},
		{"the log", allStream, nil, "", at},
		{"the log from its end", allStream, func(o *streams.ReadReq_Options) {
			o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}
		}, "", at},
		{"the log after its last record", allStream, position(last), "", at},
		{"the log after the last position there can be", allStream, position(math.MaxInt64), "", fmt.Sprintf("%d/%d", math.MaxInt64-1, math.MaxInt64-1)},
	} {
		call, err := rawClient(t, n).Read(within(t), readReq(tt.stream, tt.change))
		if err != nil {
			t.Fatal(err)
		}
		var caughtUp *streams.ReadResp_CaughtUp
		for caughtUp == nil {
			m, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			caughtUp = m.GetCaughtUp()
		}
		stamp, revision, position := newerFields(t, caughtUp.ProtoReflect().GetUnknown())
		if since := time.Since(stamp); since < -time.Second || since > time.Minute || revision != tt.revision || position != tt.position {
			t.Errorf("%s: %v, revision %q, position %q", tt.rule, stamp, revision, position)
		}
	}
}

// newerFields reads what newer clients read of a CaughtUp.
func newerFields(t *testing.T, b []byte) (stamp time.Time, revision, position string) {
	t.Helper()
	for len(b) > 0 {
		field, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			t.Fatal("no field")
		}
		b = b[size:]
		value := b[:protowire.ConsumeFieldValue(field, kind, b)]
		b = b[len(value):]
		switch field {
		case 1:
			inner, _ := protowire.ConsumeBytes(value)
			var ts timestamppb.Timestamp
			if err := proto.Unmarshal(inner, &ts); err != nil {
				t.Fatal(err)
			}
			stamp = ts.AsTime()
		case 2:
			v, _ := protowire.ConsumeVarint(value)
			revision = fmt.Sprint(v)
		case 3:
			inner, _ := protowire.ConsumeBytes(value)
			var p streams.ReadReq_Options_Position // of the same shape
			if err := proto.Unmarshal(inner, &p); err != nil {
				t.Fatal(err)
			}
			position = fmt.Sprintf("%d/%d", p.GetCommitPosition(), p.GetPreparePosition())
		}
	}
	return stamp, revision, position
}

// Clients before 20.6.1 read what failed from fields of their own.
func TestWrongVersionInOldFields(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "ab")
	for _, tt := range []struct {
		stream  string
		options *streams.AppendReq_Options
		want    string
	}{
		{"s", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_Revision{Revision: 7}}, "is 1, 1; expected 7, 7"},
		{"s", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}}, "is 1, 1; expected none, 18446744073709551615"},
		{"none", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_StreamExists{StreamExists: &shared.Empty{}}}, "is none, none; expected exists, exists"},
		{"none", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_Revision{Revision: 0}}, "is none, none; expected 0, 0"},
	} {
		call, err := rawClient(t, n).Append(within(t))
		if err != nil {
			t.Fatal(err)
		}
		tt.options.StreamIdentifier = streamID(tt.stream)
		_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: tt.options}})
		_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: wireID(uuid.New()), Metadata: map[string]string{"type": "t", "content-type": contentJSON}}}})
		a, err := call.CloseAndRecv()
		w := a.GetWrongExpectedVersion()
		if err != nil || w == nil {
			t.Fatalf("%v (%v)", a, err)
		}
		if got := wrongVersionInWords(w); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func wrongVersionInWords(w *streams.AppendResp_WrongExpectedVersion) string {
	name := func(none, exists, anything bool, revision uint64) string {
		switch {
		case none:
			return "none"
		case exists:
			return "exists"
		case anything:
			return "any"
		}
		return fmt.Sprint(revision)
	}
	return fmt.Sprintf("is %s, %s; expected %s, %s",
		name(w.GetCurrentNoStream() != nil, false, false, w.GetCurrentRevision()),
		name(w.GetNoStream_20_6_0() != nil, false, false, w.GetCurrentRevision_20_6_0()),
		name(w.GetExpectedNoStream() != nil, w.GetExpectedStreamExists() != nil, w.GetExpectedAny() != nil, w.GetExpectedRevision()),
		name(false, w.GetStreamExists_20_6_0() != nil, w.GetAny_20_6_0() != nil, w.GetExpectedRevision_20_6_0()))
}

// Reads that make no sense are refused as such, and those beside them are not.
func TestReadsThatMakeNoSense(t *testing.T) {
	n := start(t)
	position := func(commit, prepare uint64) func(*streams.ReadReq_Options) {
		return func(o *streams.ReadReq_Options) {
			o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: commit, PreparePosition: prepare}}
		}
	}
	revision := func(r uint64) func(*streams.ReadReq_Options) {
		return func(o *streams.ReadReq_Options) {
			o.GetStream().RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: r}
		}
	}
	filtered := func(multiplier uint32, e *streams.ReadReq_Options_FilterOptions_Expression) func(*streams.ReadReq_Options) {
		return func(o *streams.ReadReq_Options) {
			o.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
				Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: e}, CheckpointIntervalMultiplier: multiplier}}
		}
	}
	some := &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"a"}}
	backwards := func(o *streams.ReadReq_Options) { o.ReadDirection = streams.ReadReq_Options_Backwards }
	for _, tt := range []struct {
		rule, stream string
		sense        bool
		change       func(*streams.ReadReq_Options)
	}{
		{"a subscription to a stream", "s", true, nil},
		{"a subscription that goes back", "s", false, backwards},
		{"a subscription to the log that goes back", allStream, false, backwards},
		{"a stream with a filter", "s", false, filtered(1, some)},
		{"the log with a filter", allStream, true, filtered(1, some)},
		{"a filter that filters nothing", allStream, false, filtered(1, &streams.ReadReq_Options_FilterOptions_Expression{})},
		{"a filter without checkpoints", allStream, false, filtered(0, some)},
		{"no filter option", allStream, true, func(o *streams.ReadReq_Options) { o.FilterOption = nil }},
		{"no count", "s", false, func(o *streams.ReadReq_Options) { o.CountOption = nil }},
		{"no form of ids", "s", false, func(o *streams.ReadReq_Options) { o.UuidOption = nil }},
		{"no stream", "s", false, func(o *streams.ReadReq_Options) { o.StreamOption = nil }},
		{"no name", "", false, nil},
		{"no start", "s", false, func(o *streams.ReadReq_Options) { o.GetStream().RevisionOption = nil }},
		{"no start in the log", allStream, false, func(o *streams.ReadReq_Options) { o.GetAll().AllOption = nil }},
		{"the last revision there can be", "s", true, revision(math.MaxInt64)},
		{"a revision beyond", "s", false, revision(math.MaxInt64 + 1)},
		{"the revision that means the end", "s", true, revision(math.MaxUint64)},
		{"the last position there can be", allStream, true, position(math.MaxInt64, math.MaxInt64)},
		{"a position beyond", allStream, false, position(math.MaxInt64+1, 0)},
		{"a prepare position beyond", allStream, false, position(1, math.MaxInt64+1)},
		{"the position that means the end", allStream, true, position(math.MaxUint64, math.MaxUint64)},
	} {
		call, err := rawClient(t, n).Read(within(t), readReq(tt.stream, tt.change))
		if err == nil {
			_, err = call.Recv()
		}
		if sense := err == nil; sense != tt.sense || !sense && status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", tt.rule, err)
		}
	}
}
