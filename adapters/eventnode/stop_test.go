package eventnode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ackLedger is what writers were told of each event, by its id.
type ackLedger struct {
	mu                        sync.Mutex
	acked, refused, uncertain map[uuid.UUID]bool
	count                     atomic.Int64 // of the acknowledged
}

func newAckLedger() *ackLedger {
	return &ackLedger{acked: map[uuid.UUID]bool{}, refused: map[uuid.UUID]bool{}, uncertain: map[uuid.UUID]bool{}}
}

// note says whether the writer may go on.
func (l *ackLedger) note(id uuid.UUID, code codes.Code) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch code {
	case codes.OK:
		l.acked[id] = true
		l.count.Add(1)
		return true
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal:
		l.uncertain[id] = true
	default:
		l.refused[id] = true
	}
	return false
}

// check holds what a store has against what was told of it. strict: nobody was
// cut off, so that what was not acknowledged is not there either.
func (l *ackLedger) check(t testing.TB, dir string, strict bool) {
	t.Helper()
	st, err := openStore(Config{Dir: dir, Clock: time.Now}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	there := map[uuid.UUID]bool{}
	for p, from := (&page{}), int64(1); !p.end; from = p.lastSeen + 1 {
		if err := st.scanLog(p, logRange{from: from, to: st.last}, 1<<30, 1<<30, nil); err != nil {
			t.Fatal(err)
		}
		for i := range p.recs {
			there[p.recs[i].id] = true
		}
	}
	lost, unknown := 0, 0
	for id := range l.acked {
		if !there[id] {
			lost++
		}
	}
	for id := range l.refused {
		if there[id] {
			t.Errorf("event %s was refused and is there", id)
		}
	}
	for id := range l.uncertain {
		if there[id] {
			unknown++
		}
	}
	if lost > 0 || strict && unknown > 0 {
		t.Errorf("%d of %d acknowledged events are lost; %d were written and nobody was told", lost, len(l.acked), unknown)
	}
	t.Logf("%d acknowledged, %d refused, %d unknown of which %d are there", len(l.acked), len(l.refused), len(l.uncertain), unknown)
}

// keepAppending appends to a stream of its own until it is told to stop.
func keepAppending(ctx context.Context, c streams.StreamsClient, l *ackLedger, stream string) {
	for {
		id := uuid.New()
		call, err := c.Append(ctx)
		if err == nil {
			for _, m := range appendMessages(stream, payload()) {
				if m.GetProposedMessage() != nil {
					m.GetProposedMessage().Id = wireID(id)
				}
				_ = call.Send(m) // what goes wrong is told by the answer
			}
			_, err = call.CloseAndRecv()
		}
		if !l.note(id, status.Code(err)) {
			return
		}
	}
}

// keepBatching does the same over one call of BatchAppend, 64 at a time.
func keepBatching(ctx context.Context, c streams.StreamsClient, l *ackLedger, stream string) {
	call, err := c.BatchAppend(ctx)
	if err != nil {
		return
	}
	slots, failed := make(chan struct{}, 64), make(chan struct{})
	var open sync.Map // correlation to event id
	go func() {
		defer close(failed)
		for {
			a, err := call.Recv()
			if err != nil {
				return
			}
			id, _ := open.LoadAndDelete(a.GetCorrelationId().GetString_())
			l.note(id.(uuid.UUID), codes.Code(a.GetError().GetCode()))
			<-slots
		}
	}()
	for sending := true; sending; {
		r, id := batchRequest(stream), uuid.New()
		r.ProposedMessages[0].Id = wireID(id)
		select {
		case slots <- struct{}{}:
			open.Store(r.GetCorrelationId().GetString_(), id)
			sending = call.Send(r) == nil
		case <-failed:
			sending = false
		}
	}
	<-failed
	open.Range(func(_, id any) bool {
		l.note(id.(uuid.UUID), codes.Unknown)
		return true
	})
}

// A node that is stopped under load answers all it has taken. What was
// acknowledged is there, what was not acknowledged is not, whoever else
// misbehaves.
func TestStopUnderLoad(t *testing.T) {
	for name, misbehave := range map[string]func(t *testing.T, ctx context.Context, n *Node){
		"among good clients": func(*testing.T, context.Context, *Node) {},
		"among bad clients": func(t *testing.T, ctx context.Context, n *Node) {
			h := dialHTTP2(t, n)
			h.call(1, streams.Streams_Append_FullMethodName)
			_ = h.data(1, []byte{0, 0, 0, 200, 0, 1, 2, 3}) // half a request
			for range 5 {
				stalled(ctx, t, n, subscribeRequest(nil))
			}
			dialHTTP2(t, n).mute.Store(true)
			dialHTTP2(t, n).conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, times := t.TempDir(), 1
			if os.Getenv("TRACEKEEP_NIGHT") == "1" {
				times = 50
			}
			for range times {
				stopUnderLoad(t, dir, misbehave)
			}
		})
	}
}

func stopUnderLoad(t *testing.T, dir string, misbehave func(t *testing.T, ctx context.Context, n *Node)) {
	n := start(t, func(c *Config) { c.Dir, c.Limits.StopTime = dir, 4*time.Second })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	misbehave(t, ctx, n)
	l := newAckLedger()
	var writers sync.WaitGroup
	var conns []streams.StreamsClient
	for range 4 {
		conns = append(conns, streams.NewStreamsClient(dial(t, n)))
	}
	for i := range 64 {
		writers.Go(func() { keepAppending(ctx, conns[i%4], l, fmt.Sprint("single-", i)) })
	}
	for i := range 2 {
		writers.Go(func() { keepBatching(ctx, conns[i], l, fmt.Sprint("batch-", i)) })
	}
	until(t, "the load is on", func() bool { return l.count.Load() > 2000 })
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	writers.Wait()
	l.check(t, dir, true)
}

// Health says first that the node stops. Then no write is taken any more, those
// that were are answered, and consumers find their place again.
func TestStopInOrder(t *testing.T) {
	disk, held, release := holdable()
	n := start(t, func(c *Config) { c.FS, c.Dir = disk, "store" })
	c := connect(t, n)
	letters(t, c, "s", "abc")
	createGroup(t, c, "s", "g", esdb.Start{}, nil)
	hears(t, consume(t, c, "s", "g", 1), "ab")
	until(t, "both are finished", func() bool { return infoOf(t, c, "s", "g").Stats.OutstandingMessagesCount == 1 })
	sub, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.End{}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()

	held.Store(true)
	raw := streams.NewStreamsClient(dial(t, n))
	queued := make(chan error, 1)
	go func() { queued <- appendRaw(within(t), raw, "queued", nil) }()
	until(t, "the append waits for the disk", func() bool { return n.store.unsettled.Load() == 1 })
	late, err := raw.Append(within(t)) // begun in time, asked for too late
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- n.Close() }()
	until(t, "health is red", func() bool {
		resp, err := http.Get("http://" + n.Addr() + "/health/live")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusServiceUnavailable
	})
	for _, m := range appendMessages("late", nil) {
		_ = late.Send(m)
	}
	if _, err := late.CloseAndRecv(); status.Code(err) != codes.Unavailable {
		t.Errorf("an append that came too late: %v", err)
	}
	if len(queued)+len(stopped) > 0 {
		t.Errorf("while the disk has not answered, %d writers were and %d nodes stopped", len(queued), len(stopped))
	}
	held.Store(false)
	close(release)
	if err := errors.Join(<-queued, <-stopped); err != nil {
		t.Error(err)
	}
	for e := sub.Recv(); ; e = sub.Recv() {
		if dropped := e.SubscriptionDropped; dropped != nil {
			if status.Code(dropped.Error) != codes.Unavailable {
				t.Errorf("the subscriber was told %v", dropped.Error)
			}
			break
		}
	}
	n = start(t, func(c *Config) { c.FS, c.Dir = disk, "store" })
	c = connect(t, n)
	hears(t, consume(t, c, "s", "g", 1), "c")
	if got := readTypes(t, c, "queued", esdb.ReadStreamOptions{}, 10); got != "x" {
		t.Errorf("the append that was queued left %q", got)
	}
	if code := readError(t, c, "late"); code != esdb.ErrorCodeResourceNotFound {
		t.Errorf("the append that came too late left something: %v", code)
	}
}

// A disk that does not answer holds up Close no longer than it may take. What
// was queued is lost to the writer as an unknown outcome, not as a refusal.
func TestStopIsBounded(t *testing.T) {
	disk, held, release := holdable()
	n, err := Open(Config{Dir: "store", FS: disk, Listen: "127.0.0.1:0", Clock: time.Now, Limits: Limits{StopTime: 200 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	held.Store(true)
	raw, queued := streams.NewStreamsClient(dial(t, n)), make(chan error, 1)
	go func() { queued <- appendRaw(within(t), raw, "queued", nil) }()
	until(t, "the append waits for the disk", func() bool { return n.store.unsettled.Load() == 1 })
	if err := n.Close(); !errors.Is(err, ErrStopTime) {
		t.Errorf("close: %v", err)
	}
	if err := <-queued; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the writer was told %v", err)
	}
	held.Store(false)
	close(release) // in place of the end of the process
	until(t, "the folder is closed", func() bool {
		lock, err := lockFolder("store", disk)
		return err == nil && lock.Close() == nil
	})
}

// Subscribers that do not read hold up a stop for a moment only, and no call
// has to be cut off for their sake.
func TestStopAmongStalledSubscribers(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	n := start(t, func(c *Config) { c.NoSync, c.Log, c.Limits.StopTime = true, zap.New(core), 5*time.Second })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range 3 {
		stalled(ctx, t, n, subscribeRequest(nil))
	}
	push(t, n, 0, 100, 32<<10, func(int) string { return "s" })
	until(t, "they are stalled", func() bool {
		busy := 0
		for _, f := range n.streams.followers.list() {
			if f.sending.running(time.Now()) > 10*time.Millisecond {
				busy++
			}
		}
		return busy == 3
	})
	if err := n.Close(); err != nil || logged.Len() > 0 {
		t.Errorf("%v (%v)", logged.All(), err)
	}
}
