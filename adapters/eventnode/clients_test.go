package eventnode

import (
	"bufio"
	"context"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What clients of other languages send that the Go one does not.

func textID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

// The clients of Node, Python and Rust write ids as text, and get them so.
func TestIDsAsText(t *testing.T) {
	n := start(t)
	raw := rawClient(t, n)
	id := uuid.New()
	call, err := raw.Append(within(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
		StreamIdentifier: streamID("s"), ExpectedStreamRevision: &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}}}})
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: textID(id), Metadata: map[string]string{"type": "t", "content-type": contentJSON}}}})
	if _, err := call.CloseAndRecv(); err != nil {
		t.Fatal(err)
	}
	read, err := raw.Read(within(t), readReq("s", onePage))
	if err != nil {
		t.Fatal(err)
	}
	m, err := read.Recv()
	if got := m.GetEvent().GetEvent().GetId().GetString_(); err != nil || got != id.String() {
		t.Errorf("read as %q (%v)", got, err)
	}

	batch, err := raw.BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	r, correlation := exact(batchRequest("s"), 0), textID(uuid.New())
	r.CorrelationId, r.IsFinal = correlation, true
	_ = batch.Send(r)
	a, err := batch.Recv()
	if err != nil || !proto.Equal(a.GetCorrelationId(), correlation) || a.GetSuccess() == nil {
		t.Errorf("answered %v (%v)", a, err)
	}

	createGroup(t, connect(t, n), "s", "g", esdb.Start{}, eager())
	consumer, err := groupCall(t, n).Read(within(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = consumer.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g", BufferSize: 1,
		UuidOption: &persistent.ReadReq_Options_UUIDOption{Content: &persistent.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}}}}})
	for place := 0; place < 2; {
		m, err := consumer.Recv()
		if err != nil {
			t.Fatal(err)
		}
		e := m.GetEvent().GetEvent()
		if e == nil {
			continue
		}
		if text := e.GetId().GetString_(); int(e.GetStreamRevision()) != place || uuid.Validate(text) != nil {
			t.Fatalf("message %d is %v", place, e)
		}
		// With one slot the next message comes only when this was understood.
		_ = consumer.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Ack_{Ack: &persistent.ReadReq_Ack{Id: []byte("s::g"), Ids: []*shared.UUID{e.GetId()}}}})
		place++
	}
}

// Clients before 21.10 send the instant of a deadline, later ones how long it is
// away, and those of .NET and Node the end of time or nothing.
func TestBatchAppendDeadlines(t *testing.T) {
	n := start(t)
	call, err := rawClient(t, n).BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rule string
		set  func(*streams.BatchAppendReq_Options)
		late bool
	}{
		{"none", func(o *streams.BatchAppendReq_Options) { o.DeadlineOption = nil }, false},
		{"in a minute", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(time.Minute)}
		}, false},
		{"as far as a duration goes", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: &durationpb.Duration{Seconds: 315_576_000_000}}
		}, false},
		{"a second ago", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-time.Second)}
		}, true},
		{"an instant to come", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Now().Add(time.Minute))}
		}, false},
		{"the end of time of .NET", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999999900}}
		}, false},
		{"an instant that is past", func(o *streams.BatchAppendReq_Options) {
			o.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Now().Add(-time.Minute))}
		}, true},
	} {
		r := batchRequest("s")
		tt.set(r.Options)
		a := ask(t, call, r)
		if late := codes.Code(a.GetError().GetCode()) == codes.DeadlineExceeded; late != tt.late || !late && a.GetSuccess() == nil {
			t.Errorf("%s: %v", tt.rule, a)
		}
	}
}

// A call that ran out of time says so.
func TestDeadlineOfACall(t *testing.T) {
	n := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	call, err := rawClient(t, n).Read(ctx, readReq("none", nil))
	for err == nil {
		_, err = call.Recv()
	}
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("%v", err)
	}
}

// Headers that clients add change nothing, but the name of a connection is shown.
func TestHeadersOfClients(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "s", "a")
	createGroup(t, c, "s", "g", esdb.Start{}, eager())
	ctx := metadata.AppendToOutgoingContext(within(t), "requires-leader", "true", "connection-name", "payroll",
		"authorization", basic("admin", "wrong"), "user-agent", "grpc-node-js/1.12") // insecure mode asks nobody
	read, err := rawClient(t, n).Read(ctx, readReq("s", onePage))
	if err == nil {
		_, err = read.Recv()
	}
	if err != nil {
		t.Error(err)
	}
	consumer, err := groupCall(t, n).Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = consumer.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g", BufferSize: 1}}})
	if _, err := consumer.Recv(); err != nil {
		t.Fatal(err)
	}
	info := infoOf(t, c, "s", "g")
	if len(info.Connections) != 1 || info.Connections[0].ConnectionName != "payroll" || info.Connections[0].Username != "anonymous" {
		t.Errorf("%+v", info.Connections)
	}
}

// Compressed requests are understood.
func TestCompression(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "a")
	for name, stream := range map[string]string{"read": "s", "not found": "none"} {
		call, err := rawClient(t, n).Read(within(t), readReq(stream, onePage), grpc.UseCompressor("gzip"))
		if err == nil {
			_, err = call.Recv()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The shape of persistent subscriptions before version 21, in which both clients
// of Node still create and update groups on streams: 2^64-1 means the end.
func TestGroupsInTheOldShape(t *testing.T) {
	n := start(t)
	c, raw := connect(t, n), groupCall(t, n)
	letters(t, c, "s", "abc")
	for group, tt := range map[string]struct {
		revision uint64
		from     string
	}{"start": {0, "0"}, "middle": {2, "2"}, "end": {math.MaxUint64, "-1"}} {
		settings := usualSettings()
		settings.Revision = tt.revision //nolint:staticcheck // as older clients
		_, err := raw.Create(within(t), &persistent.CreateReq{Options: &persistent.CreateReq_Options{
			StreamIdentifier: streamID("s"), GroupName: group, Settings: settings}}) //nolint:staticcheck // as older clients
		if err != nil {
			t.Fatal(err)
		}
		_, err = raw.Update(within(t), &persistent.UpdateReq{Options: &persistent.UpdateReq_Options{
			StreamIdentifier: streamID("s"), GroupName: group, Settings: &persistent.UpdateReq_Settings{ //nolint:staticcheck // as older clients
				Revision: tt.revision, ReadBatchSize: 10, HistoryBufferSize: 20, MaxRetryCount: 7, //nolint:staticcheck // as older clients
				NamedConsumerStrategy: persistent.UpdateReq_RoundRobin,
				MessageTimeout:        &persistent.UpdateReq_Settings_MessageTimeoutMs{MessageTimeoutMs: 1500},
				CheckpointAfter:       &persistent.UpdateReq_Settings_CheckpointAfterMs{CheckpointAfterMs: 2500}}}})
		if err != nil {
			t.Fatal(err)
		}
		info, err := raw.GetInfo(within(t), &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
			StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: group}})
		i := info.GetSubscriptionInfo()
		if err != nil || i.GetStartFrom() != tt.from || i.GetMaxRetryCount() != 7 || i.GetMessageTimeoutMilliseconds() != 1500 || i.GetCheckPointAfterMilliseconds() != 2500 {
			t.Errorf("%s: %v (%v)", group, i, err)
		}
	}
	hears(t, consume(t, c, "s", "middle", 1), "c")
}

// Clients that discover a node, or are given several hosts, are led to what it
// advertises.
func TestDiscovery(t *testing.T) {
	secure := secured(t)
	for name, change := range map[string]func(*Config){"insecure": func(*Config) {}, "secure": secure,
		"on all addresses": func(c *Config) { c.Listen = "0.0.0.0:0" }} {
		n := start(t, change)
		at := strings.TrimPrefix(n.ConnectionString(), "esdb://")
		host, rest, _ := strings.Cut(at, "?")
		for _, connection := range []string{"esdb+discover://" + at, "esdb://" + host + "," + host + "?" + rest} {
			cfg, err := esdb.ParseConnectionString(connection)
			if err != nil {
				t.Fatal(err)
			}
			if n.cfg.Security != nil {
				cfg.RootCAs, cfg.Username, cfg.Password = trusting(t, n).RootCAs, "anna", passwords["anna"]
			}
			cfg.Logger = esdb.NoopLogging()
			c, err := esdb.NewClient(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.AppendToStream(within(t), "s", esdb.AppendToStreamOptions{}, event("t", `{}`)); err != nil {
				t.Errorf("%s, %s: %v", name, connection, err)
			}
			_ = c.Close()
		}
	}
}

// Load balancers ask in all kinds of HTTP/1.
func TestProbes(t *testing.T) {
	n := start(t)
	for request, want := range map[string]string{
		"GET /health/live HTTP/1.0\r\n\r\n":             "204",
		"HEAD /health/live HTTP/1.1\r\nHost: x\r\n\r\n": "204",
		"GET /info HTTP/1.0\r\n\r\n":                    "200",
		"POST /health/live HTTP/1.0\r\n\r\n":            "405",
	} {
		conn, err := net.Dial("tcp", n.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(resp.Status, want) {
			t.Errorf("%q is answered %s", request, resp.Status)
		}
		resp.Body.Close()
		conn.Close()
	}
}

// "$$" would be the metadata of a stream without a name.
func TestStreamThatNamesNothing(t *testing.T) {
	c := connect(t, start(t))
	for name, call := range map[string]func() error{
		"append": func() error {
			_, err := c.AppendToStream(within(t), "$$", esdb.AppendToStreamOptions{}, event("t", `{}`))
			return err
		},
		"delete": func() error {
			_, err := c.DeleteStream(within(t), "$$", esdb.DeleteStreamOptions{})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "describes no stream") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
