package eventnode

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
)

// push writes through the sequencer as calls do, without gRPC in between: many
// events, each to a stream chosen by its number.
func push(t testing.TB, n *Node, from, to int, size int, stream func(i int) string) {
	t.Helper()
	data, ctx := make([]byte, size), within(t)
	var answers sync.WaitGroup
	for i := from; i < to; i++ {
		answers.Add(1)
		r := &writeRequest{
			call: callInternal, stream: stream(i), expected: expectAny, size: size,
			events: []proposed{{id: uuid.New(), typ: "x", data: data}},
			done: func(o outcome) {
				if o.err != nil {
					t.Error(o.err)
				}
				answers.Done()
			},
		}
		if err := n.sequencer.submit(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	answers.Wait()
}

// Subscribers that never read cost the node no more than a page each, hold up
// neither writers nor other subscribers, and keep no iterator open. When they
// read again they are sent everything.
func TestSubscribersThatDoNotRead(t *testing.T) {
	const subscribers, events, size = 200, 3200, 32 << 10 // 100 MB of events for each
	n := start(t, func(c *Config) { c.NoSync = true })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var calls []streams.Streams_ReadClient
	for i := range subscribers {
		r := subscribeRequest(nil)
		if i%2 == 1 {
			r = subscribeToStream("s")
		}
		calls = append(calls, stalled(ctx, t, n, r))
	}
	before := heap()
	var reading sync.WaitGroup
	reading.Go(func() {
		call, err := rawClient(t, n).Read(ctx, subscribeRequest(nil))
		if err != nil {
			t.Error(err)
			return
		}
		readEvents(t, call, events)
	})
	push(t, n, 0, events, size, func(int) string { return "s" })
	reading.Wait()
	const window = 1 << 16                                                                         // of the client, which lives here too
	grown, most := heap()-before, int64(subscribers*(bytesPerSubscription+3*size+2*window)+64<<20) // the last: what is being flushed
	if grown > most && !raceDetector {                                                             // whose own memory is counted with ours
		t.Errorf("%d MB are held for %d subscribers that do not read, allowed are %d", grown>>20, subscribers, most>>20)
	}
	state := scraped(t, n)
	if state["open_iterators"] != 0 || state["subscription_lag_bytes"] < events*size/2 || state["subscription_lag_events"] < events/2 {
		t.Errorf("%v iterators are open, lag is %v bytes and %v events", state["open_iterators"], state["subscription_lag_bytes"], state["subscription_lag_events"])
	}
	readEvents(t, calls[0], events)
	readEvents(t, calls[1], events)
}

// stalled opens a subscription on a connection with small windows, and takes
// nothing but the confirmation.
func stalled(ctx context.Context, t testing.TB, n *Node, r *streams.ReadReq) streams.Streams_ReadClient {
	t.Helper()
	call, err := rawClient(t, n, grpc.WithStaticStreamWindowSize(1<<16), grpc.WithStaticConnWindowSize(1<<16)).Read(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := call.Recv(); err != nil || m.GetConfirmation() == nil {
		t.Fatalf("%v (%v)", m, err)
	}
	return call
}

func readEvents(t testing.TB, call streams.Streams_ReadClient, want int) {
	t.Helper()
	for seen := 0; seen < want; {
		m, err := call.Recv()
		if err != nil {
			t.Errorf("after %d events: %v", seen, err)
			return
		}
		if m.GetEvent() != nil {
			seen++
		}
	}
}

// Whatever was written and whoever was connected, the node holds no more than
// its configuration says, and no more after much than after little.
func TestMemoryIsBounded(t *testing.T) {
	n := start(t, func(c *Config) {
		c.NoSync, c.CacheBytes = true, 4<<20
		c.Limits = Limits{MemTableBytes: 2 << 20, QueueBytes: 2 << 20, Heads: 1000, IDs: 1000, Subscriptions: 20, Connections: 8}
	})
	visit := func() {
		ctx, leave := context.WithCancel(within(t))
		defer leave()
		for range 4 {
			conn := dial(t, n)
			for range 2 {
				if _, err := subscribed(ctx, t, streams.NewStreamsClient(conn)); err != nil {
					t.Fatal(err)
				}
			}
			conn.Close()
		}
		until(t, "all have left", func() bool {
			return n.demux.grpcDoor.open.Load() == 0 && n.streams.followers.endless.open.Load() == 0
		})
	}
	stream := func(i int) string { return fmt.Sprintf("%s-%d", strings.Repeat("s", 90), i) }
	const little, much = 4_000, 20_000
	push(t, n, 0, little, 300, stream)
	visit()
	first := heap()
	push(t, n, little, much, 300, stream)
	visit()
	until(t, "what was held for more events is let go of", func() bool { return heap()-first < 4<<20 })
	last, engine := heap(), n.store.db.Metrics()
	held := last + engine.BlockCache.Size + int64(engine.MemTable.Size+engine.MemTable.ZombieSize)
	if most := n.cfg.MemoryBound(); held > most {
		t.Errorf("%d MB are held, allowed are %d", held>>20, most>>20)
	}
	if ids, heads := len(n.sequencer.ids.revs), len(n.store.heads.young)+len(n.store.heads.old); ids > 1000 || heads > 1000 {
		t.Errorf("%d ids and %d heads are remembered", ids, heads)
	}
}
