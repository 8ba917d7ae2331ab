package eventnode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/grpc"
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
	look, late := time.NewTicker(time.Millisecond), time.After(time.Minute)
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
	// An update changes the settings and keeps the filter and the checkpoint.
	if err := c.UpdatePersistentSubscriptionToAll(within(t), "work", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.Start{}, Settings: eager()}); err != nil {
		t.Fatal(err)
	}
	until(t, "the old consumer is dropped", func() bool { return work.Recv().SubscriptionDropped != nil })
	letters(t, c, "rest", "z")
	letters(t, c, "work-1", "e")
	work, err := c.SubscribeToPersistentSubscriptionToAll(within(t), "work", esdb.SubscribeToPersistentSubscriptionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer work.Close()
	hears(t, work, "e")
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

func TestGroupInfo(t *testing.T) {
	c := connect(t, start(t, quickTicks))
	letters(t, c, "s", "abcde")
	set := eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.StartFrom, s.MaxSubscriberCount, s.ConsumerStrategyName = esdb.Start{}, 4, esdb.ConsumerStrategyPinned
	})
	createGroup(t, c, "s", "g", esdb.Start{}, set)
	s := consume(t, c, "s", "g", 3)
	if err := s.Ack(receive(t, s).Event); err != nil {
		t.Fatal(err)
	}
	var info *esdb.PersistentSubscriptionInfo
	until(t, "the first is finished", func() bool {
		info = infoOf(t, c, "s", "g")
		return info.Stats.LastCheckpointedEventRevision != nil
	})
	st := info.Stats
	if info.EventSource != "s" || info.GroupName != "g" || info.Status != "Live" || *info.Settings != *set {
		t.Errorf("info %+v, settings %+v", info, info.Settings)
	}
	if *st.LastCheckpointedEventRevision != 0 || *st.LastKnownEventRevision != 4 || st.TotalItems != 4 || st.OutstandingMessagesCount != 3 || st.ReadBufferCount != 1 {
		t.Errorf("statistics %+v", st)
	}
	if len(info.Connections) != 1 || info.Connections[0].AvailableSlots != 0 || info.Connections[0].InFlightMessages != 3 || info.Connections[0].ConnectionName != "<unknown>" {
		t.Errorf("connections %+v", info.Connections)
	}
	_ = s.Close()
	until(t, "the consumer is gone", func() bool {
		info = infoOf(t, c, "s", "g")
		return len(info.Connections) == 0 && info.Stats.RetryBufferCount == 3
	})
}

// Consumers that take everything they may and read nothing cost the node no
// more than the windows of their connections: a group remembers no bodies.
func TestSlowConsumers(t *testing.T) {
	n := start(t, func(c *Config) { c.NoSync = true })
	c := connect(t, n)
	const consumers, events = 10, 40_000 // 16 MB of events
	settings := eager(func(s *esdb.PersistentSubscriptionSettings) { s.HistoryBufferSize = 30_000 })
	batchAppend(t, n, events, 100) // what the store itself needs for so many is there before the measuring
	if err := c.CreatePersistentSubscriptionToAll(within(t), "g", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.End{}, Settings: settings}); err != nil {
		t.Fatal(err)
	}
	for range consumers {
		call, err := groupCall(t, n, grpc.WithInitialWindowSize(1<<16), grpc.WithInitialConnWindowSize(1<<16)).Read(within(t))
		if err != nil {
			t.Fatal(err)
		}
		_ = call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
			StreamOption: &persistent.ReadReq_Options_All{All: &shared.Empty{}}, GroupName: "g", BufferSize: 1 << 30}}})
		if m, err := call.Recv(); err != nil || m.GetSubscriptionConfirmation() == nil {
			t.Fatalf("%v (%v)", m, err)
		}
	}
	before := heap()
	batchAppend(t, n, events, 100)
	until(t, "all events are given out", func() bool {
		info, err := c.GetPersistentSubscriptionInfoToAll(within(t), "g", esdb.GetPersistentSubscriptionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return info.Stats.OutstandingMessagesCount >= events
	})
	if raceDetector {
		return // whose own memory is counted with ours; the run without it measures
	}
	// What is on its way at this moment passes; bodies that are held would stay.
	until(t, "memory returns to what it was, though 16 MB of events are given out and none is read", func() bool {
		return heap()-before < 24<<20
	})
}
