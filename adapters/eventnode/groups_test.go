package eventnode

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func quickTicks(c *Config) { c.groupTick = 10 * time.Millisecond }

// eager settings write a checkpoint for every message.
func eager(change ...func(*esdb.PersistentSubscriptionSettings)) *esdb.PersistentSubscriptionSettings {
	s := esdb.SubscriptionSettingsDefault()
	s.CheckpointLowerBound, s.CheckpointUpperBound = 1, 1
	for _, f := range change {
		f(&s)
	}
	return &s
}

func createGroup(t testing.TB, c *esdb.Client, stream, group string, from esdb.StreamPosition, s *esdb.PersistentSubscriptionSettings) {
	t.Helper()
	err := c.CreatePersistentSubscription(within(t), stream, group, esdb.PersistentStreamSubscriptionOptions{StartFrom: from, Settings: s})
	if err != nil {
		t.Fatalf("create %s on %s: %v", group, stream, err)
	}
}

func consume(t testing.TB, c *esdb.Client, stream, group string, slots uint32) *esdb.PersistentSubscription {
	t.Helper()
	s, err := c.SubscribeToPersistentSubscription(within(t), stream, group, esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: slots})
	if err != nil {
		t.Fatalf("consume %s on %s: %v", group, stream, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func receive(t testing.TB, s *esdb.PersistentSubscription) *esdb.EventAppeared {
	t.Helper()
	e := s.Recv()
	if e.EventAppeared == nil {
		t.Fatalf("the consumer was dropped: %v", e.SubscriptionDropped.Error)
	}
	return e.EventAppeared
}

// hears checks the types of the next messages, acknowledges them, and gives the
// last one.
func hears(t testing.TB, s *esdb.PersistentSubscription, types string) *esdb.EventAppeared {
	t.Helper()
	var last *esdb.EventAppeared
	for i, want := range types {
		last = receive(t, s)
		if got := last.Event.Event.EventType; got != string(want) {
			t.Fatalf("message %d is %q, want %q of %q", i, got, string(want), types)
		}
		if err := s.Ack(last.Event); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func infoOf(t testing.TB, c *esdb.Client, stream, group string) *esdb.PersistentSubscriptionInfo {
	t.Helper()
	info, err := c.GetPersistentSubscriptionInfo(within(t), stream, group, esdb.GetPersistentSubscriptionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// until waits for what a group shows to become as described.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	look, late := time.NewTicker(time.Millisecond), time.After(15*time.Second)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("never came: " + what)
		}
	}
}

func TestWhereAGroupBegins(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "abc")
	createGroup(t, c, "s", "start", esdb.Start{}, nil)
	createGroup(t, c, "s", "revision", esdb.Revision(1), nil)
	createGroup(t, c, "s", "later", esdb.Revision(4), nil)
	createGroup(t, c, "s", "end", esdb.End{}, nil)
	createGroup(t, c, "missing/ß", "grüße/ß", esdb.Start{}, nil)
	letters(t, c, "s", "def")
	letters(t, c, "missing/ß", "x")
	for group, want := range map[string]string{"start": "abcdef", "revision": "bcdef", "later": "ef", "end": "def"} {
		if last := hears(t, consume(t, c, "s", group, 3), want); last.RetryCount != 0 || last.Event.OriginalEvent().Position.Commit == 0 {
			t.Errorf("%s: last message %+v", group, last)
		}
	}
	hears(t, consume(t, c, "missing/ß", "grüße/ß", 1), "x")
}

func TestGroupOnAll(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "work-1", "ab")
	at := letters(t, c, "work-2", "c")
	letters(t, c, "rest", "x")
	create := func(group string, from esdb.AllPosition, f *esdb.SubscriptionFilter) *esdb.PersistentSubscription {
		t.Helper()
		if err := c.CreatePersistentSubscriptionToAll(within(t), group, esdb.PersistentAllSubscriptionOptions{StartFrom: from, Settings: eager(), Filter: f}); err != nil {
			t.Fatal(err)
		}
		s, err := c.SubscribeToPersistentSubscriptionToAll(within(t), group, esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	work := create("work", esdb.Start{}, &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"work-"}})
	position := create("position", esdb.Position{Commit: at, Prepare: at}, &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^[a-z]$"})
	end := create("end", esdb.End{}, &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^[a-z]$"})
	letters(t, c, "rest", "y")
	letters(t, c, "work-3", "d")
	hears(t, work, "abcd")
	hears(t, position, "cxyd")
	hears(t, end, "yd")
	var info *esdb.PersistentSubscriptionInfo
	until(t, "a checkpoint", func() bool {
		var err error
		if info, err = c.GetPersistentSubscriptionInfoToAll(within(t), "work", esdb.GetPersistentSubscriptionOptions{}); err != nil {
			t.Fatal(err)
		}
		return info.Stats.LastCheckpointedPosition != nil && info.Stats.LastCheckpointedPosition.Commit > at
	})
	if _, ok := info.Settings.StartFrom.(esdb.Start); !ok || info.EventSource != "$all" || info.Stats.LastKnownPosition == nil {
		t.Errorf("info %+v, settings %+v", info, info.Settings)
	}
	// What groups on $all write themselves is shown to nobody.
	if got := readTypes(t, c, groupStreamPrefix+"$all::work"+checkpointSuffix, esdb.ReadStreamOptions{}, 9); !strings.Contains(got, typeCheckpoint) {
		t.Errorf("the checkpoint stream has %q", got)
	}
	all, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 1000)
	if got := typesOf(collect(t, all, err)); strings.Contains(got, typeCheckpoint) {
		t.Errorf("$all shows %s", got)
	}
}

func TestParkAndReplay(t *testing.T) {
	c := connect(t, start(t, quickTicks))
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.MaxRetryCount = 1 }))
	s := consume(t, c, "s", "g", 5)
	letters(t, c, "s", "abcd")
	give := func(action esdb.NackAction, want string) *esdb.EventAppeared {
		t.Helper()
		e := receive(t, s)
		if e.Event.Event.EventType != want {
			t.Fatalf("%s came, want %s", e.Event.Event.EventType, want)
		}
		if err := s.Nack("because", action, e.Event); err != nil {
			t.Fatal(err)
		}
		return e
	}
	parked := func(want int64) {
		t.Helper()
		until(t, fmt.Sprint(want, " parked messages"), func() bool { return infoOf(t, c, "s", "g").Stats.ParkedMessagesCount == want })
	}
	give(esdb.NackActionPark, "a")
	parked(1) // so that the order of the parked stream is known
	give(esdb.NackActionSkip, "b")
	give(esdb.NackActionPark, "c")
	parked(2)
	give(esdb.NackActionRetry, "d")
	if e := give(esdb.NackActionRetry, "d"); e.RetryCount != 1 {
		t.Errorf("second delivery says retry %d", e.RetryCount)
	}
	parked(3)
	const parkedStream = groupStreamPrefix + "s::g" + parkedSuffix
	r, err := c.ReadStream(within(t), parkedStream, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10)
	links := collect(t, r, err)
	if got := typesOf(links); got != "acd" {
		t.Fatalf("parked are %q", got)
	}
	if m := string(links[2].Link.UserMetadata); !strings.Contains(m, `"reason":"Reached retry count of 1"`) || !strings.Contains(m, `"subscriptionEventNumber":3`) {
		t.Errorf("metadata of a parked message: %s", m)
	}
	if m := string(links[0].Link.UserMetadata); !strings.Contains(m, `"reason":"because"`) {
		t.Errorf("metadata of a parked message: %s", m)
	}

	replay := func(stopAt int) {
		t.Helper()
		if err := c.ReplayParkedMessages(within(t), "s", "g", esdb.ReplayParkedMessagesOptions{StopAt: stopAt}); err != nil {
			t.Fatal(err)
		}
	}
	replay(2)
	if e := hears(t, s, "ac"); e.Event.Link == nil || e.Event.Link.StreamID != parkedStream || e.RetryCount != 0 {
		t.Errorf("replayed message %+v", e.Event)
	}
	until(t, "the replayed ones are cut off", func() bool { return readTypes(t, c, parkedStream, esdb.ReadStreamOptions{}, 9) == "$>" })
	parked(1)
	replay(0)
	give(esdb.NackActionPark, "d") // parked again, and not as a link to a link
	parked(1)
	replay(0)
	hears(t, s, "d")
	until(t, "everything is cut off", func() bool { return readTypes(t, c, parkedStream, esdb.ReadStreamOptions{}, 9) == "" })
	letters(t, c, "s", "e")
	hears(t, s, "e")
}

func TestMessageTimeout(t *testing.T) {
	c := connect(t, start(t, quickTicks))
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.MessageTimeout = 30 }))
	letters(t, c, "s", "a")
	s := consume(t, c, "s", "g", 1)
	first, again := receive(t, s), receive(t, s)
	if first.RetryCount != 0 || again.RetryCount != 1 || again.Event.Event.EventID != first.Event.Event.EventID {
		t.Errorf("got retry %d, then %d", first.RetryCount, again.RetryCount)
	}
}

func TestResolvedLinks(t *testing.T) {
	c := connect(t, start(t, quickTicks))
	letters(t, c, "s", "a")
	link := esdb.EventData{EventID: uuid.New(), EventType: typeLink, Data: []byte("0@s")}
	gone := esdb.EventData{EventID: uuid.New(), EventType: typeLink, Data: []byte("7@s")}
	appendTo(t, c, "links", esdb.AppendToStreamOptions{}, link, gone)
	createGroup(t, c, "links", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.ResolveLinkTos = true }))
	createGroup(t, c, "links", "plain", esdb.Start{}, nil)
	s := consume(t, c, "links", "g", 1)
	e := hears(t, s, "a").Event
	if e.Link == nil || e.OriginalEvent().EventID != link.EventID || e.Event.StreamID != "s" {
		t.Errorf("resolved link %+v", e)
	}
	if e := receive(t, s).Event; e.Event != nil || e.Link == nil || e.Link.EventID != gone.EventID {
		t.Errorf("a link to nothing is %+v", e)
	}
	if e := receive(t, consume(t, c, "links", "plain", 1)).Event; e.Link != nil || e.Event.EventType != typeLink {
		t.Errorf("a link that is not resolved is %+v", e)
	}
}

// groupCall speaks the protocol of groups without the official client.
func groupCall(t testing.TB, n *Node) persistent.PersistentSubscriptionsClient {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
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
		"consume a missing group":    {read("x", 1), codes.NotFound, missing},
		"consume without slots":      {read("g", 0), codes.InvalidArgument, ""},
		"one consumer more than may": {read("one", 1), codes.FailedPrecondition, "maximum-subscribers-reached"},
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
	if status.Code(err) != codes.Unavailable || time.Since(began) > graceful {
		t.Errorf("after %v the consumer was told %v", time.Since(began), err)
	}
}

func TestGroupsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	at := func(c *Config) { c.Dir = dir }
	n := start(t, at)
	c := connect(t, n)
	letters(t, c, "s", "abcd")
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.ConsumerStrategyName, s.MaxRetryCount = esdb.ConsumerStrategyDispatchToSingle, 3
	}))
	createGroup(t, c, "later", "end", esdb.End{}, nil)
	if err := c.CreatePersistentSubscriptionToAll(within(t), "f", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.Start{},
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"z"}}}); err != nil {
		t.Fatal(err)
	}
	s := consume(t, c, "s", "g", 3)
	hears(t, s, "a")
	receive(t, s)
	if err := s.Ack(receive(t, s).Event); err != nil { // c, while b is held
		t.Fatal(err)
	}
	until(t, "c is finished", func() bool { return infoOf(t, c, "s", "g").Stats.OutstandingMessagesCount == 2 })
	letters(t, c, "later", "y") // after the group was made, before it was ever consumed
	before := infoOf(t, c, "s", "g")
	if err := errors.Join(s.Close(), c.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}

	n = start(t, at)
	c = connect(t, n)
	after := infoOf(t, c, "s", "g")
	if *after.Settings != *before.Settings {
		t.Errorf("settings were %+v and are %+v", before.Settings, after.Settings)
	}
	hears(t, consume(t, c, "s", "g", 3), "bcd")
	hears(t, consume(t, c, "later", "end", 3), "y")
	letters(t, c, "other", "xz")
	f, err := c.SubscribeToPersistentSubscriptionToAll(within(t), "f", esdb.SubscribeToPersistentSubscriptionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	hears(t, f, "z")
	all, err := c.ListAllPersistentSubscriptions(within(t), esdb.ListPersistentSubscriptionsOptions{})
	if err != nil || len(all) != 3 {
		t.Errorf("%d groups (%v)", len(all), err)
	}
}

// Consumers that come, go, retry and park under load: every event is
// acknowledged or parked, and the checkpoint reaches the end.
func TestRestlessConsumers(t *testing.T) {
	n := start(t, quickTicks, func(c *Config) { c.NoSync = true })
	c := connect(t, n)
	for _, strategyName := range []esdb.ConsumerStrategy{esdb.ConsumerStrategyRoundRobin, esdb.ConsumerStrategyDispatchToSingle, esdb.ConsumerStrategyPinned} {
		t.Run(string(strategyName), func(t *testing.T) { restless(t, c, strategyName) })
	}
}

func restless(t *testing.T, c *esdb.Client, strategyName esdb.ConsumerStrategy) {
	const events = 1000
	stream := "restless-" + string(strategyName)
	createGroup(t, c, stream, "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.ConsumerStrategyName, s.MaxRetryCount, s.CheckpointUpperBound, s.MessageTimeout = strategyName, 2, 50, 50
		s.CheckpointAfter = 20
	}))
	var mu sync.Mutex
	acked := map[uuid.UUID]bool{}
	ctx, cancel := context.WithCancel(within(t))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 11))
			for ctx.Err() == nil {
				s, err := c.SubscribeToPersistentSubscription(ctx, stream, "g", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 7})
				if err != nil {
					return
				}
				for range 1 + r.IntN(200) {
					e := s.Recv()
					if e.EventAppeared == nil {
						break
					}
					switch r.IntN(12) {
					case 0:
						_ = s.Nack("again", esdb.NackActionRetry, e.EventAppeared.Event)
					case 1:
						_ = s.Nack("no", esdb.NackActionPark, e.EventAppeared.Event)
					case 2: // forgotten
					default:
						mu.Lock()
						acked[e.EventAppeared.Event.Event.EventID] = true
						mu.Unlock()
						_ = s.Ack(e.EventAppeared.Event)
					}
				}
				_ = s.Close()
			}
		})
	}
	sent := map[uuid.UUID]bool{}
	for range events / 50 {
		var batch []esdb.EventData
		for range 50 {
			e := event("x", `{}`)
			batch, sent[e.EventID] = append(batch, e), true
		}
		appendTo(t, c, stream, esdb.AppendToStreamOptions{}, batch...)
	}
	until(t, "the checkpoint is at the end", func() bool {
		at := infoOf(t, c, stream, "g").Stats.LastCheckpointedEventRevision
		return at != nil && *at == events-1
	})
	cancel()
	all.Wait()
	r, err := c.ReadStream(within(t), groupStreamPrefix+stream+"::g"+parkedSuffix, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10*events)
	for _, e := range collect(t, r, err) {
		acked[e.Event.EventID] = true
	}
	for id := range sent {
		if !acked[id] {
			t.Fatalf("event %s was neither acknowledged nor parked", id)
		}
	}
}

// After a power cut every event that was not acknowledged or parked is
// delivered by the group, which is there because its creation was confirmed.
func TestGroupsSurviveAPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	n := start(t, quickTicks, func(c *Config) { c.FS, c.Dir = disk, "store" })
	c := connect(t, n)
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.CheckpointUpperBound = 7 }))
	s := consume(t, c, "s", "g", 20)
	var mu sync.Mutex
	acked := map[uuid.UUID]bool{}
	moved := make(chan struct{}, 1)
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ; i++ {
			e := s.Recv()
			if e.EventAppeared == nil {
				return
			}
			if i%9 == 0 {
				_ = s.Nack("no", esdb.NackActionPark, e.EventAppeared.Event)
			} else {
				mu.Lock()
				acked[e.EventAppeared.Event.Event.EventID] = true
				mu.Unlock()
				_ = s.Ack(e.EventAppeared.Event)
			}
			wake(moved)
		}
	})
	for cut := range 15 {
		var sent []uuid.UUID
		for range 20 {
			e := event("x", `{}`)
			appendTo(t, c, "s", esdb.AppendToStreamOptions{}, e)
			sent = append(sent, e.EventID)
		}
		<-moved
		clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(cut), 3))})
		mu.Lock()
		before := map[uuid.UUID]bool{}
		for id := range acked {
			before[id] = true
		}
		mu.Unlock()
		afterPowerCut(t, clone, sent, before)
	}
	_ = s.Close()
	running.Wait()
}

func afterPowerCut(t *testing.T, disk vfs.FS, sent []uuid.UUID, finished map[uuid.UUID]bool) {
	t.Helper()
	n, err := Open(Config{FS: disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	c := connect(t, n)
	r, err := c.ReadStream(within(t), groupStreamPrefix+"s::g"+parkedSuffix, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := r.Recv(); err == nil; e, err = r.Recv() {
		finished[e.Event.EventID] = true
	}
	r.Close()
	s := consume(t, c, "s", "g", 1000)
	missing := map[uuid.UUID]bool{}
	for _, id := range sent {
		if !finished[id] {
			missing[id] = true
		}
	}
	for len(missing) > 0 {
		delete(missing, receive(t, s).Event.Event.EventID)
	}
	_ = s.Close()
	_ = c.Close()
}

func TestImport(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: time.Now}
	rec := func(pos int64, stream string, rev int64) ImportRecord {
		return ImportRecord{Position: pos, Stream: stream, Revision: rev, ID: uuid.New(), Type: "t", Ticks: 16_000_000_000_000_000, Data: []byte("{}"), JSON: true}
	}
	in := func(records ...ImportRecord) func(func(ImportRecord) bool) {
		return func(yield func(ImportRecord) bool) {
			for _, r := range records {
				if !yield(r) {
					return
				}
			}
		}
	}
	meta := rec(70, "$$s", 0)
	meta.Data = []byte(`{"$maxCount":1}`)
	for name, bad := range map[string]func(func(ImportRecord) bool){
		"a position twice":   in(rec(5, "s", 0), rec(5, "s", 1)),
		"a missing revision": in(rec(5, "s", 1)),
		"no stream":          in(rec(5, "", 0)),
	} {
		if err := Import(Config{Dir: t.TempDir(), Listen: cfg.Listen, Clock: cfg.Clock}, bad); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
	if err := Import(cfg, in(rec(5, "s", 0), rec(60, "s", 1), meta)); err != nil {
		t.Fatal(err)
	}
	if err := Import(cfg, in(rec(100, "s", 2))); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a second import: %v", err)
	}
	c := connect(t, start(t, func(x *Config) { x.Dir = cfg.Dir }))
	all, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	got := collect(t, all, err)
	if len(got) != 3 || got[0].Event.Position.Commit != 5 || got[1].Event.Position.Commit != 60 || got[0].Event.CreatedDate.Unix() != 1_600_000_000 {
		t.Errorf("%d events, first %+v", len(got), got[0].Event)
	}
	if w := letters(t, c, "s", "a"); w <= 70 {
		t.Errorf("the next position is %d", w)
	}
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 10); got != "a" {
		t.Errorf("with $maxCount 1 the stream shows %q", got)
	}
}
