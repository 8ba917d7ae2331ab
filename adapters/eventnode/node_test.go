package eventnode

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// start runs a node on a folder of its own until the test ends.
func start(t testing.TB, change ...func(*Config)) *Node {
	t.Helper()
	cfg := Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: time.Now}
	for _, f := range change {
		f(&cfg)
	}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// connect gives an official client of the node.
func connect(t testing.TB, n *Node) *esdb.Client {
	t.Helper()
	cfg, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func event(typ, data string) esdb.EventData {
	return esdb.EventData{EventID: uuid.New(), EventType: typ, ContentType: esdb.ContentTypeJson, Data: []byte(data), Metadata: []byte(`{"m":1}`)}
}

func appendTo(t testing.TB, c *esdb.Client, stream string, o esdb.AppendToStreamOptions, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	w, err := c.AppendToStream(context.Background(), stream, o, events...)
	if err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
	return w
}

func collect(t testing.TB, s *esdb.ReadStream, err error) []*esdb.ResolvedEvent {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []*esdb.ResolvedEvent
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("after %d events: %v", len(all), err)
		}
		all = append(all, e)
	}
}

func TestAppendReadSubscribe(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	w := appendTo(t, c, "work-1", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, event("a", `{"n":1}`), event("b", `{"n":2}`))
	if w.NextExpectedVersion != 1 || w.CommitPosition == 0 {
		t.Fatalf("write result %+v", w)
	}
	stream, err := c.ReadStream(ctx, "work-1", esdb.ReadStreamOptions{}, 10)
	got := collect(t, stream, err)
	if len(got) != 2 || got[1].Event.EventType != "b" || string(got[1].Event.Data) != `{"n":2}` || got[1].Event.Position.Commit != w.CommitPosition {
		t.Fatalf("read %d events, last %+v", len(got), got[len(got)-1].Event)
	}
	all, err := c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	if got := collect(t, all, err); len(got) != 2 {
		t.Fatalf("$all has %d events", len(got))
	}
	sub, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"work-"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	appendTo(t, c, "other-1", esdb.AppendToStreamOptions{}, event("x", `{}`))
	appendTo(t, c, "work-2", esdb.AppendToStreamOptions{}, event("c", `{}`))
	var types []string
	for len(types) < 3 {
		e := sub.Recv()
		if e.SubscriptionDropped != nil {
			t.Fatal(e.SubscriptionDropped.Error)
		}
		if e.EventAppeared != nil {
			types = append(types, e.EventAppeared.Event.EventType)
		}
	}
	if types[0] != "a" || types[1] != "b" || types[2] != "c" {
		t.Fatalf("subscriber saw %v", types)
	}
}
