package eventnode

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// story is what a subscriber is told: event types, "|" for caught up, and "!"
// for the end. It reads until the story has the wanted length.
func story(s *esdb.Subscription, length int) string {
	var b strings.Builder
	for b.Len() < length {
		e := s.Recv()
		switch {
		case e.SubscriptionDropped != nil:
			return b.String() + "!"
		case e.CaughtUp != nil:
			b.WriteString("|")
		case e.EventAppeared != nil:
			b.WriteString(e.EventAppeared.Event.EventType)
		}
	}
	return b.String()
}

func wantStory(t *testing.T, s *esdb.Subscription, want string) {
	t.Helper()
	if got := story(s, len(want)); got != want {
		t.Fatalf("the subscriber was told %q, want %q", got, want)
	}
}

func TestSubscribeToAll(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "a")
	b := letters(t, c, "s", "b")
	letters(t, c, "s", "c")
	follow := func(from esdb.AllPosition) *esdb.Subscription {
		s, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: from})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	fromStart, fromPosition, fromEnd := follow(esdb.Start{}), follow(esdb.Position{Commit: b, Prepare: b}), follow(esdb.End{})
	wantStory(t, fromStart, "abc|")
	wantStory(t, fromPosition, "c|")
	wantStory(t, fromEnd, "|")
	letters(t, c, "t", "de")
	for _, s := range []*esdb.Subscription{fromStart, fromPosition, fromEnd} {
		wantStory(t, s, "de")
	}
}

func TestSubscribeToStream(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "abc")
	follow := func(stream string, from esdb.StreamPosition) *esdb.Subscription {
		s, err := c.SubscribeToStream(within(t), stream, esdb.SubscribeToStreamOptions{From: from})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	all, after, end, missing := follow("s", esdb.Start{}), follow("s", esdb.Revision(1)), follow("s", esdb.End{}), follow("later", esdb.Start{})
	wantStory(t, all, "abc|")
	wantStory(t, after, "c|")
	wantStory(t, end, "|")
	wantStory(t, missing, "|")
	letters(t, c, "other", "x")
	letters(t, c, "s", "d")
	letters(t, c, "later", "y")
	wantStory(t, all, "d")
	wantStory(t, after, "d")
	wantStory(t, end, "d")
	wantStory(t, missing, "y")

	// A soft delete does not end a subscription, a tombstone does.
	if _, err := c.DeleteStream(within(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	deleted := follow("s", esdb.Start{})
	wantStory(t, deleted, "|")
	letters(t, c, "s", "e")
	for _, s := range []*esdb.Subscription{all, after, end, deleted} {
		wantStory(t, s, "e")
	}
	if _, err := c.TombstoneStream(within(t), "s", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	wantStory(t, all, "$streamDeleted")
	if got := story(all, 1); got != "!" {
		t.Errorf("after the tombstone: %q", got)
	}
	if got := story(follow("s", esdb.Start{}), 20); got != "$streamDeleted!" {
		t.Errorf("subscribing to a tombstoned stream: %q", got)
	}
}

func TestFilters(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "work-1", "ab")
	letters(t, c, "rest-1", "ac")
	letters(t, c, "straße", "ü")
	appendTo(t, c, "$system", esdb.AppendToStreamOptions{}, event("$s", `{}`))
	for name, tt := range map[string]struct {
		f    *esdb.SubscriptionFilter
		want string
	}{
		"stream prefixes":        {&esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"work-", "none"}}, "ab"},
		"type prefixes":          {&esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"a", "c"}}, "aac"},
		"a stream expression":    {&esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: "est"}, "ac"},
		"an anchored expression": {&esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^(b|c)$"}, "bc"},
		"no system events":       {esdb.ExcludeSystemEventsFilter(), "abacü"},
		// As the Python client leaves out system events unless told otherwise.
		"a look-ahead":       {&esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `^(?!(\$.+$|a$))`}, "bcü"},
		"a back-reference":   {&esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: `(.)est-\d(?<=\1est-1)`}, "ac"},
		"names beyond ASCII": {&esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: `^(?=straße)`}, "ü"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: tt.f})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			wantStory(t, s, tt.want+"|")
		})
	}
	for name, bad := range map[string]string{
		"a broken expression":   "(",
		"an endless expression": strings.Repeat("x", longestPattern+1),
		"an unknown construct":  `(?~x)`,
	} {
		_, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: bad}})
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// An expression that would compare one record for ever ends the call that has
// it, with nothing chosen wrongly, and the group that has it.
func TestSlowFilter(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, strings.Repeat("a", 60)+"!", "x")
	slow := &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: `^(?=(a+)+$)`}
	s, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: slow})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e := s.Recv(); e.SubscriptionDropped == nil || !strings.Contains(e.SubscriptionDropped.Error.Error(), errSlowPattern.Error()) {
		t.Errorf("%+v", e)
	}
	err = c.CreatePersistentSubscriptionToAll(within(t), "g", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.Start{}, Settings: eager(), Filter: slow})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.SubscribeToPersistentSubscriptionToAll(within(t), "g", esdb.SubscribeToPersistentSubscriptionOptions{})
	if err == nil {
		defer p.Close()
		if e := p.Recv(); e.SubscriptionDropped == nil {
			t.Errorf("%+v", e)
		} else {
			err = e.SubscriptionDropped.Error
		}
	}
	if err == nil || !strings.Contains(err.Error(), errSlowPattern.Error()) {
		t.Errorf("%v", err)
	}
}

// rawClient speaks the protocol without the official client's opinions.
func rawClient(t testing.TB, n *Node, o ...grpc.DialOption) streams.StreamsClient {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return streams.NewStreamsClient(conn)
}

func subscribeRequest(filter *streams.ReadReq_Options_FilterOptions) *streams.ReadReq {
	o := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}},
		CountOption:  &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}
	if filter != nil {
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: filter}
	}
	return &streams.ReadReq{Options: o}
}

// A checkpoint comes after every window of records looked at, and once when
// catching up ends; it names the last record looked at.
func TestCheckpoints(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	var at []uint64
	for i := range 7 {
		at = append(at, letters(t, c, fmt.Sprintf("s%d", i), "a"))
	}
	call, err := rawClient(t, n).Read(within(t), subscribeRequest(&streams.ReadReq_Options_FilterOptions{
		Filter:                       &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"s1", "s6"}}},
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: 3},
		CheckpointIntervalMultiplier: 1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	next := func() string {
		t.Helper()
		m, err := call.Recv()
		if err != nil {
			t.Fatal(err)
		}
		switch x := m.GetContent().(type) {
		case *streams.ReadResp_Confirmation:
			return "confirmed"
		case *streams.ReadResp_Checkpoint_:
			return fmt.Sprint("checkpoint ", x.Checkpoint.GetCommitPosition())
		case *streams.ReadResp_CaughtUp_:
			if len(x.CaughtUp.ProtoReflect().GetUnknown()) == 0 {
				t.Error("caught up without time and place")
			}
			return "caught up"
		}
		return string(m.GetEvent().GetEvent().GetStreamIdentifier().GetStreamName())
	}
	want := []string{"confirmed", "s1", fmt.Sprint("checkpoint ", at[2]), fmt.Sprint("checkpoint ", at[5]), "s6", fmt.Sprint("checkpoint ", at[6]), "caught up"}
	for i, w := range want {
		if got := next(); got != w {
			t.Fatalf("message %d is %q, want %q", i, got, w)
		}
	}
	letters(t, c, "t", "a")
	letters(t, c, "t", "a")
	last := letters(t, c, "t", "a")
	if got := next(); got != fmt.Sprint("checkpoint ", last) {
		t.Errorf("live: %q", got)
	}
}

// Nothing is lost, doubled or out of order where history meets what is written
// meanwhile.
func TestNoGapBetweenHistoryAndLive(t *testing.T) {
	n := start(t)
	batchAppend(t, n, 3000, 50)
	c := connect(t, n)
	s, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	written := make(chan struct{})
	go func() {
		defer close(written)
		batchAppend(t, n, 3000, 50)
	}()
	next := map[string]uint64{}
	for seen, last := 0, uint64(0); seen < 6000; {
		e := s.Recv()
		if e.SubscriptionDropped != nil {
			t.Fatal(e.SubscriptionDropped.Error)
		}
		if e.EventAppeared == nil {
			continue
		}
		r := e.EventAppeared.Event
		if r.Position.Commit <= last || r.EventNumber != next[r.StreamID] {
			t.Fatalf("%s@%d at %d after position %d, expected revision %d", r.StreamID, r.EventNumber, r.Position.Commit, last, next[r.StreamID])
		}
		last, next[r.StreamID] = r.Position.Commit, r.EventNumber+1
		seen++
	}
	<-written
}

// heap is what is held; pools are emptied by the second collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Close ends subscriptions at once, and says that the server went away.
func TestCloseEndsSubscriptions(t *testing.T) {
	n := start(t)
	call, err := rawClient(t, n).Read(within(t), subscribeRequest(nil))
	if err != nil {
		t.Fatal(err)
	}
	for m := new(streams.ReadResp); m.GetCaughtUp() == nil; {
		if m, err = call.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := n.Close(); err != nil || time.Since(began) > 3*time.Second {
		t.Errorf("close took %v (%v)", time.Since(began), err)
	}
	if _, err := call.Recv(); err == nil || !strings.Contains(err.Error(), "Unavailable") {
		t.Errorf("the subscriber was told %v", err)
	}
}
