package eventstoredb_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
)

// subscribe starts a subscription that ends before the client is closed.
func subscribe(t testing.TB, client *eventstoredb.Client, topic string, config eventstoredb.SubscriberConfig) <-chan *message.Message {
	t.Helper()
	subscriber, err := eventstoredb.NewSubscriber(client, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = subscriber.Close() })
	messages, err := subscriber.Subscribe(context.Background(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func next(t testing.TB, messages <-chan *message.Message) (*message.Message, eventstoredb.Page) {
	t.Helper()
	select {
	case msg, open := <-messages:
		if !open {
			t.Fatal("subscription ended")
		}
		page, ok := eventstoredb.PageFromContext(msg.Context())
		if !ok {
			t.Fatal("message without a page")
		}
		return msg, page
	case <-time.After(20 * time.Second):
		t.Fatal("no message")
	}
	return nil, eventstoredb.Page{}
}

// consumer applies pages as a projection does: rows and checkpoint move together.
type consumer struct {
	mu         sync.Mutex
	positions  []uint64
	checkpoint uint64
	asked      int
}

func (c *consumer) from(context.Context) (uint64, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.checkpoint, c.checkpoint > 0, nil
}

func (c *consumer) apply(page eventstoredb.Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range page.Events {
		c.positions = append(c.positions, e.Position)
	}
	c.checkpoint = page.Last
}

func (c *consumer) seen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.positions)
}

func (c *consumer) consume(messages <-chan *message.Message) {
	for msg := range messages {
		page, _ := eventstoredb.PageFromContext(msg.Context())
		c.apply(page)
		msg.Ack()
	}
}

// promise: pages come in order, each event once, none too large, and the end is told.
func TestPagesWhileCatchingUp(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	stream, expected := newStream(), domain.NoStream
	for range 12 {
		expected = domain.Expected(mustAppend(t, store, stream, expected, proposed(1000)).Revision)
	}
	ready := make(chan struct{}, 1)
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{
		Pages: true, MaxPage: 3000, CaughtUp: func() { ready <- struct{}{} },
	})
	var got []uint64
	for len(got) < 12_000 {
		msg, page := next(t, messages)
		if len(page.Events) == 0 || len(page.Events) > 3000 {
			t.Fatalf("page of %d events", len(page.Events))
		}
		if page.First != page.Events[0].Position || page.Last != page.Events[len(page.Events)-1].Position {
			t.Errorf("page from %d to %d holds %d to %d", page.First, page.Last, page.Events[0].Position, page.Events[len(page.Events)-1].Position)
		}
		var payload struct{ First, Last uint64 }
		if err := json.Unmarshal(msg.Payload, &payload); err != nil || payload.First != page.First || payload.Last != page.Last {
			t.Errorf("payload %s of page %d to %d: %v", msg.Payload, page.First, page.Last, err)
		}
		for _, e := range page.Events {
			got = append(got, e.Position)
		}
		msg.Ack()
	}
	<-ready
	var want []uint64
	for _, e := range collect(t, store.ReadAll(t.Context(), 0)) {
		want = append(want, e.Position)
	}
	if !slices.Equal(got, want) {
		t.Fatal("pages do not hold the log")
	}
	live := mustAppend(t, store, stream, expected, proposed(1))
	msg, page := next(t, messages)
	if len(page.Events) != 1 || page.Last != live.Position || !page.CaughtUp {
		t.Errorf("live page %+v", page)
	}
	msg.Ack()
}

func TestNextPageComesAfterTheAckAndANackBringsTheSame(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	mustAppend(t, store, newStream(), domain.NoStream, proposed(40))
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true, MinPage: 10, MaxPage: 10})
	first, page := next(t, messages)
	for range 5 {
		first.Nack()
		var again eventstoredb.Page
		first, again = next(t, messages)
		if again.First != page.First || again.Last != page.Last || len(again.Events) != len(page.Events) {
			t.Fatalf("after the nack came %d to %d instead of %d to %d", again.First, again.Last, page.First, page.Last)
		}
	}
	select {
	case <-messages:
		t.Fatal("a page came before the ack")
	case <-time.After(50 * time.Millisecond):
	}
	first.Ack()
	if _, second := next(t, messages); second.First <= page.Last {
		t.Errorf("second page starts at %d, the first ended at %d", second.First, page.Last)
	}
	<-first.Context().Done()
}

func TestResumesBehindTheCheckpoint(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	stream := newStream()
	mustAppend(t, store, stream, domain.NoStream, proposed(100))
	all := collect(t, store.ReadAll(t.Context(), 0))
	for topic, checkpoint := range map[string]uint64{eventstoredb.TopicAll: all[59].Position, stream: 59} {
		messages := subscribe(t, client, topic, eventstoredb.SubscriberConfig{
			Pages: true, From: func(context.Context) (uint64, bool, error) { return checkpoint, true, nil },
		})
		if _, page := next(t, messages); page.First != all[60].Position {
			t.Errorf("%s: starts at %d, not at %d", topic, page.First, all[60].Position)
		}
	}
}

func TestACheckpointThatCannotBeReadIsAskedForAgain(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString(), func(c *eventstoredb.Config) { c.MinPause = time.Millisecond })
	mustAppend(t, eventstoredb.NewStore(client), newStream(), domain.NoStream, proposed(1))
	var asked atomic.Int32
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{
		Pages: true, From: func(context.Context) (uint64, bool, error) {
			if asked.Add(1) < 3 {
				return 0, false, errors.New("database is down")
			}
			return 0, false, nil
		},
	})
	next(t, messages)
}

func TestCaughtUpWithAnEmptyLog(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	ready := make(chan struct{}, 1)
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true, CaughtUp: func() { ready <- struct{}{} }})
	select {
	case <-ready:
	case <-messages:
		t.Fatal("a page of nothing")
	case <-time.After(10 * time.Second):
		t.Fatal("not told")
	}
}

func TestSystemEventsAreLeftOutOnlyOnRequest(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	system := proposed(2)
	system[0].Type, system[1].Type = "$own", "$own"
	mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
	mustAppend(t, store, newStream(), domain.NoStream, system)
	last := mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
	for exclude, want := range map[bool]int{false: 4, true: 2} {
		messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true, ExcludeSystem: exclude})
		if _, page := next(t, messages); len(page.Events) != want || page.Last != last.Position {
			t.Errorf("exclude %t: %d events up to %d, want %d up to %d", exclude, len(page.Events), page.Last, want, last.Position)
		}
	}
}

func TestPublishedMessageKeepsItsTypeContentAndMetadata(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	publisher := eventstoredb.NewPublisher(client)
	msg := message.NewMessage(uuid.NewString(), []byte(`{"a":1}`))
	msg.Metadata.Set(eventstoredb.MetadataEventType, "notice-sent.v1")
	msg.Metadata.Set(eventstoredb.MetadataContentType, "application/json")
	msg.Metadata.Set("correlation", "c-1")
	for range 3 { // the same message again is not stored again
		if err := publisher.Publish("notices", msg); err != nil {
			t.Fatal(err)
		}
	}
	second := message.NewMessage(uuid.NewString(), []byte("x"))
	if err := publisher.Publish("notices", msg, second); err != nil { // a group of which one is known
		t.Fatal(err)
	}
	if err := publisher.Publish("notices", message.NewMessage("no uuid", nil)); !errors.Is(err, eventstoredb.ErrMessageID) {
		t.Errorf("got %v", err)
	}
	messages := subscribe(t, client, "notices", eventstoredb.SubscriberConfig{})
	got, page := next(t, messages)
	e := page.Events[0]
	if e.Type != "notice-sent.v1" || e.ContentType != "application/json" || e.ID.String() != msg.UUID {
		t.Errorf("stored as %+v", e)
	}
	if got.UUID != msg.UUID || string(got.Payload) != `{"a":1}` || got.Metadata.Get("correlation") != "c-1" || got.Metadata.Get(eventstoredb.MetadataRevision) != "0" {
		t.Errorf("delivered as %s %s %v", got.UUID, got.Payload, got.Metadata)
	}
	got.Ack()
	if got, _ := next(t, messages); got.UUID != second.UUID || got.Metadata.Get(eventstoredb.MetadataContentType) != "application/octet-stream" {
		t.Errorf("second is %s %v", got.UUID, got.Metadata)
	}
}

// promise: I3, ST-29: the node is restarted on its port and folder under a
// running subscription; no event is missed, none comes twice.
func TestRestartedNode(t *testing.T) {
	dir := t.TempDir()
	node := startNodeAt(t, dir, "127.0.0.1:0")
	listen := node.Addr()
	client := connect(t, node.ConnectionString(), func(c *eventstoredb.Config) { c.MinPause, c.MaxPause = 10*time.Millisecond, 100*time.Millisecond })
	store := eventstoredb.NewStore(client)
	projection := &consumer{}
	messages := subscribe(t, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true, From: projection.from})
	go projection.consume(messages)
	traffic := startTraffic(store, 4, time.Second)
	for restart := range 4 {
		before, seen := traffic.acked.Load(), projection.seen()
		eventually(t, 20*time.Second, "traffic and its projection", func() bool {
			return traffic.acked.Load() > before+100 && projection.seen() > seen+100
		})
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
		node = startNodeAt(t, dir, listen)
		t.Logf("restart %d after %d acknowledged", restart, traffic.acked.Load())
	}
	before := traffic.acked.Load()
	eventually(t, 20*time.Second, "traffic after the restarts", func() bool { return traffic.acked.Load() > before+100 })
	traffic.end(t, store)
	all := collect(t, store.ReadAll(t.Context(), 0))
	eventually(t, 20*time.Second, "the projection to be at the end of the log", func() bool { return projection.seen() >= len(all) })
	for i, e := range all {
		if projection.positions[i] != e.Position {
			t.Fatalf("at place %d the projection saw position %d, the log has %d", i, projection.positions[i], e.Position)
		}
	}
	if len(projection.positions) != len(all) || projection.asked < 5 {
		t.Errorf("%d events seen of %d; the checkpoint was asked for %d times", len(projection.positions), len(all), projection.asked)
	}
}

// The subscription goes silent, the log grows behind its back: the watchdog
// notices and subscribes again.
func TestStalledSubscriptionIsReplaced(t *testing.T) {
	node := startNode(t)
	p := newProxy(t, node.Addr())
	projection := &consumer{}
	ready := make(chan struct{}, 8)
	messages := subscribe(t, connect(t, p.connectionString()), eventstoredb.TopicAll, eventstoredb.SubscriberConfig{
		Pages: true, From: projection.from, StallAfter: 200 * time.Millisecond, CaughtUp: func() { ready <- struct{}{} },
	})
	go projection.consume(messages)
	<-ready
	p.freezeConnections()
	store := eventstoredb.NewStore(connect(t, node.ConnectionString()))
	mustAppend(t, store, newStream(), domain.NoStream, proposed(3))
	eventually(t, 10*time.Second, "the events behind the stall", func() bool { return projection.seen() == 3 })
}
