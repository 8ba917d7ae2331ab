package eventnode

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// groupCall speaks the protocol of groups without the official client.
func groupCall(t testing.TB, n *Node, o ...grpc.DialOption) persistent.PersistentSubscriptionsClient {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return persistent.NewPersistentSubscriptionsClient(conn)
}

func streamID(name string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(name)}
}

//nolint:staticcheck // clients before version 21 send the revision here
func usualSettings() *persistent.CreateReq_Settings {
	return &persistent.CreateReq_Settings{
		MaxRetryCount: 10, MinCheckpointCount: 1, MaxCheckpointCount: 1, LiveBufferSize: 10, ReadBatchSize: 10, HistoryBufferSize: 20,
		ConsumerStrategy: roundRobin, Revision: 1,
		MessageTimeout:  &persistent.CreateReq_Settings_MessageTimeoutTicks{MessageTimeoutTicks: 30 * ticksPerSecond},
		CheckpointAfter: &persistent.CreateReq_Settings_CheckpointAfterTicks{CheckpointAfterTicks: ticksPerSecond},
	}
}

func TestGroupErrors(t *testing.T) {
	n := start(t)
	c, raw := connect(t, n), groupCall(t, n)
	letters(t, c, "s", "ab")
	// The shape of clients before version 21, from revision 1 on.
	create := func(change func(*persistent.CreateReq_Options)) func(context.Context, grpc.CallOption) error {
		//nolint:staticcheck // and the stream here
		o := &persistent.CreateReq_Options{StreamIdentifier: streamID("s"), GroupName: "g", Settings: usualSettings()}
		if change != nil {
			change(o)
		}
		return func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.Create(ctx, &persistent.CreateReq{Options: o}, opt)
			return err
		}
	}
	onAll := func(commit, prepare uint64) func(*persistent.CreateReq_Options) {
		return func(o *persistent.CreateReq_Options) {
			o.StreamOption = &persistent.CreateReq_Options_All{All: &persistent.CreateReq_AllOptions{AllOption: &persistent.CreateReq_AllOptions_Position{
				Position: &persistent.CreateReq_Position{CommitPosition: commit, PreparePosition: prepare}}}}
		}
	}
	if err := create(nil)(within(t), grpc.EmptyCallOption{}); err != nil {
		t.Fatal(err)
	}
	hears(t, consume(t, c, "s", "g", 1), "b")
	info, err := raw.GetInfo(within(t), &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
		StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g"}})
	if i := info.GetSubscriptionInfo(); err != nil || i.GetMessageTimeoutMilliseconds() != 30_000 || i.GetCheckPointAfterMilliseconds() != 1000 || i.GetStartFrom() != "1" {
		t.Errorf("%v (%v)", i, err)
	}
	read := func(group string, slots int32) func(context.Context, grpc.CallOption) error {
		return func(ctx context.Context, opt grpc.CallOption) error {
			call, err := raw.Read(ctx, opt)
			if err != nil {
				return err
			}
			_ = call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: group, BufferSize: slots}}})
			for err == nil {
				_, err = call.Recv()
			}
			return err
		}
	}
	createGroup(t, c, "s", "one", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.MaxSubscriberCount = 1 }))
	consume(t, c, "s", "one", 1)
	const missing, refused = "persistent-subscription-does-not-exist", "persistent-subscription-failed"
	replay := &persistent.ReplayParkedReq_Options{StreamOption: &persistent.ReplayParkedReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g",
		StopAtOption: &persistent.ReplayParkedReq_Options_StopAt{StopAt: -1}}
	for name, tt := range map[string]struct {
		call      func(context.Context, grpc.CallOption) error
		code      codes.Code
		exception string
	}{
		"create twice":           {create(nil), codes.AlreadyExists, "persistent-subscription-exists"},
		"unknown strategy":       {create(func(o *persistent.CreateReq_Options) { o.GroupName, o.Settings.ConsumerStrategy = "x", "Best" }), codes.Internal, refused},
		"batch not below buffer": {create(func(o *persistent.CreateReq_Options) { o.GroupName, o.Settings.ReadBatchSize = "x", 20 }), codes.Internal, refused},
		"negative number":        {create(func(o *persistent.CreateReq_Options) { o.GroupName, o.Settings.MaxRetryCount = "x", -1 }), codes.Internal, refused},
		"start past the log":     {create(onAll(1<<40, 1<<40)), codes.Internal, refused},
		"prepare above commit":   {create(onAll(1, 2)), codes.Internal, refused},
		"update a missing group": {func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.Update(ctx, &persistent.UpdateReq{Options: &persistent.UpdateReq_Options{GroupName: "x", StreamOption: &persistent.UpdateReq_Options_All{
				All: &persistent.UpdateReq_AllOptions{AllOption: &persistent.UpdateReq_AllOptions_End{End: &shared.Empty{}}}}}}, opt)
			return err
		}, codes.NotFound, missing},
		"delete a missing group": {func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.Delete(ctx, &persistent.DeleteReq{Options: &persistent.DeleteReq_Options{
				StreamOption: &persistent.DeleteReq_Options_All{All: &shared.Empty{}}, GroupName: "x"}}, opt)
			return err
		}, codes.NotFound, missing},
		"describe a missing group": {func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.GetInfo(ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{GroupName: "x"}}, opt)
			return err
		}, codes.NotFound, missing},
		"list a stream without groups": {func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.List(ctx, &persistent.ListReq{Options: &persistent.ListReq_Options{ListOption: &persistent.ListReq_Options_ListForStream{
				ListForStream: &persistent.ListReq_StreamOption{StreamOption: &persistent.ListReq_StreamOption_All{All: &shared.Empty{}}}}}}, opt)
			return err
		}, codes.NotFound, missing},
		"replay before the start": {func(ctx context.Context, opt grpc.CallOption) error {
			_, err := raw.ReplayParked(ctx, &persistent.ReplayParkedReq{Options: replay}, opt)
			return err
		}, codes.Internal, refused},
		"a group whose name is not plain": {read("grüße/ß", 1), codes.NotFound, missing},
		"a group with a line break":       {read("a\nb", 1), codes.NotFound, missing},
		"consume a missing group":         {read("x", 1), codes.NotFound, missing},
		"consume without slots":           {read("g", 0), codes.InvalidArgument, ""},
		"one consumer more than may":      {read("one", 1), codes.FailedPrecondition, "maximum-subscribers-reached"},
	} {
		t.Run(name, func(t *testing.T) {
			var trailer metadata.MD
			err := tt.call(within(t), grpc.Trailer(&trailer))
			if status.Code(err) != tt.code || strings.Join(trailer.Get(trailerException), "") != tt.exception {
				t.Errorf("%v with trailers %v", err, trailer)
			}
			if tt.exception != "" && (len(trailer.Get(trailerStreamName)) == 0 || len(trailer.Get("group-name")) == 0) {
				t.Errorf("trailers %v", trailer)
			}
		})
	}
}

// dropsWith opens a raw consumer and says how it ends once act was done.
func dropsWith(t *testing.T, n *Node, stream, group string, act func()) (metadata.MD, error) {
	t.Helper()
	var trailer metadata.MD
	call, err := groupCall(t, n).Read(within(t), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	_ = call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID(stream)}, GroupName: group, BufferSize: 1}}})
	m, err := call.Recv()
	if got := m.GetSubscriptionConfirmation().GetSubscriptionId(); err != nil || got != stream+"::"+group {
		t.Fatalf("confirmed as %q (%v)", got, err)
	}
	act()
	for err == nil {
		_, err = call.Recv()
	}
	return trailer, err
}

func TestConsumersAreDropped(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "s", "abc")
	createGroup(t, c, "s", "g", esdb.Start{}, eager())
	hears(t, consume(t, c, "s", "g", 1), "a")
	until(t, "the first is finished", func() bool { return infoOf(t, c, "s", "g").Stats.LastCheckpointedEventRevision != nil })
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, act := range map[string]func(){
		"restart": func() {
			ok(c.RestartPersistentSubscriptionSubsystem(within(t), esdb.RestartPersistentSubscriptionSubsystemOptions{}))
		},
		"update": func() {
			ok(c.UpdatePersistentSubscription(within(t), "s", "g", esdb.PersistentStreamSubscriptionOptions{StartFrom: esdb.Start{}, Settings: eager()}))
		},
	} {
		trailer, err := dropsWith(t, n, "s", "g", act)
		if status.Code(err) != codes.Canceled || strings.Join(trailer.Get(trailerException), "") != "persistent-subscription-dropped" {
			t.Errorf("%s: %v with trailers %v", name, err, trailer)
		}
	}
	// The group went on from its checkpoint, and not from the new start.
	s := consume(t, c, "s", "g", 1)
	if got := receive(t, s).Event.Event.EventType; got != "b" {
		t.Errorf("after the update came %q", got)
	}
	if err := s.Nack("", esdb.NackActionPark, receiveNothing); err != nil {
		t.Fatal(err)
	}
	_, err := dropsWith(t, n, "s", "g", func() {
		ok(c.DeletePersistentSubscription(within(t), "s", "g", esdb.DeletePersistentSubscriptionOptions{}))
	})
	if status.Code(err) != codes.Canceled {
		t.Errorf("delete: %v", err)
	}
	if code := readError(t, c, groupStreamPrefix+"s::g"+checkpointSuffix); code != esdb.ErrorCodeResourceNotFound {
		t.Errorf("the checkpoint of a deleted group: %v", code)
	}
	createGroup(t, c, "s", "g", esdb.Start{}, eager())
	hears(t, consume(t, c, "s", "g", 1), "abc")
}

// receiveNothing is an event that no group ever delivered.
var receiveNothing = &esdb.ResolvedEvent{Event: &esdb.RecordedEvent{EventID: uuid.MustParse("11111111-1111-4111-8111-111111111111")}}

func TestCloseEndsConsumers(t *testing.T) {
	n := start(t)
	createGroup(t, connect(t, n), "s", "g", esdb.Start{}, nil)
	began := time.Now()
	_, err := dropsWith(t, n, "s", "g", func() { _ = n.Close() })
	if status.Code(err) != codes.Unavailable || time.Since(began) > 3*time.Second {
		t.Errorf("after %v the consumer was told %v", time.Since(began), err)
	}
}
