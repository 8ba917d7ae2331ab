package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// healthy says whether the node answers a probe.
func healthy(t testing.TB, n *Node) { t.Helper(); get(t, n, "/health/live", http.StatusNoContent) }

// subscribed opens a subscription on a connection of its own and gives what the
// node first says.
func subscribed(ctx context.Context, t testing.TB, c streams.StreamsClient) (streams.Streams_ReadClient, error) {
	t.Helper()
	call, err := c.Read(ctx, subscribeRequest(nil))
	if err != nil {
		return nil, err
	}
	_, err = call.Recv()
	return call, err
}

func TestConnectionsAreLimited(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.Connections = 2 })
	ctx, leave := context.WithCancel(within(t))
	defer leave()
	for range 2 {
		if _, err := subscribed(ctx, t, rawClient(t, n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := subscribed(ctx, t, rawClient(t, n)); status.Code(err) != codes.Unavailable {
		t.Errorf("a third connection: %v", err)
	}
	healthy(t, n)
	if got := scraped(t, n)[`refused_total{reason="connection_limit"}`]; got < 1 {
		t.Errorf("%v refusals counted", got)
	}
}

// A connection that is closed makes room for another.
func TestRoomComesBack(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.Connections, c.Limits.Subscriptions = 1, 1 })
	for range 3 {
		until(t, "there is room", func() bool {
			return n.demux.grpcDoor.open.Load() == 0 && n.streams.followers.endless.open.Load() == 0
		})
		conn := dial(t, n)
		if _, err := subscribed(within(t), t, streams.NewStreamsClient(conn)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func dial(t testing.TB, n *Node) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), plaintext, grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Connections that say nothing keep nobody out: the oldest make room.
func TestSilentConnections(t *testing.T) {
	n := start(t, func(c *Config) { c.silentTime = time.Hour })
	var silent []net.Conn
	defer func() {
		for _, c := range silent {
			c.Close()
		}
	}()
	for range silentConnections + 20 {
		c, err := net.Dial("tcp", n.Addr())
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, c)
	}
	healthy(t, n)
	letters(t, connect(t, n), "s", "a")
	_ = silent[0].SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := silent[0].Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the oldest was not dropped")
	}
	until(t, "no more than the limit wait", func() bool {
		n.demux.mu.Lock()
		defer n.demux.mu.Unlock()
		return len(n.demux.waiting) <= silentConnections
	})
}

func TestSubscriptionsAreLimited(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.Subscriptions = 2 })
	c := connect(t, n)
	createGroup(t, c, "s", "g", esdb.Start{}, nil)
	consume(t, c, "s", "g", 1)
	batch, err := rawClient(t, n).BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	ask(t, batch, noStream(batchRequest("s")))
	conn := dial(t, n)
	for what, refused := range map[string]func() error{
		"subscription": func() error { _, err := subscribed(within(t), t, streams.NewStreamsClient(conn)); return err },
		"consumer": func() error {
			call, err := persistent.NewPersistentSubscriptionsClient(conn).Read(within(t))
			if err != nil {
				return err
			}
			if err := call.Send(groupReadRequest("s", "g")); err != nil {
				return err
			}
			_, err = call.Recv()
			return err
		},
		"batch": func() error {
			call, err := streams.NewStreamsClient(conn).BatchAppend(within(t))
			if err != nil {
				return err
			}
			_, err = call.Recv()
			return err
		},
	} {
		if err := refused(); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a %s beyond the limit: %v", what, err)
		}
	}
	if err := batch.CloseSend(); err != nil {
		t.Fatal(err)
	}
	until(t, "there is room again", func() bool {
		_, err := subscribed(within(t), t, streams.NewStreamsClient(conn))
		return err == nil
	})
}

// A client with more calls than it may have waits; others do not.
func TestCallsOfOneConnectionAreLimited(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.CallsPerConnection = 2 })
	c := streams.NewStreamsClient(dial(t, n))
	for range 2 {
		if _, err := subscribed(within(t), t, c); err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(within(t), 100*time.Millisecond)
	defer cancel()
	if _, err := subscribed(soon, t, c); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a third call: %v", err)
	}
	letters(t, connect(t, n), "s", "a")
}

// holdable is a disk that stops syncing while it is held.
func holdable() (disk vfs.FS, held *atomic.Bool, release chan struct{}) {
	held, release = &atomic.Bool{}, make(chan struct{})
	return errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if held.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			<-release
		}
		return nil
	})), held, release
}

// While the disk hangs, writers that find no room are told so within the time
// that was set, and what they asked for was not written; those that were queued
// are answered when the disk is back.
func TestFullQueueIsSaid(t *testing.T) {
	disk, held, release := holdable()
	n := start(t, func(c *Config) {
		c.FS, c.Dir, c.observeEvery = disk, "store", time.Millisecond
		c.Limits.QueueWait, c.Limits.QueueBytes, c.MaxAppendBytes = 20*time.Millisecond, 64<<10, 16<<10
	})
	c := streams.NewStreamsClient(dial(t, n)) // the official one leaks when it is turned away
	if err := appendRaw(within(t), c, "before", nil); err != nil {
		t.Fatal(err)
	}
	held.Store(true)
	var busy, written atomic.Int64
	var writers sync.WaitGroup
	for i := range 100 {
		writers.Go(func() {
			err := appendRaw(within(t), c, fmt.Sprint("s", i), make([]byte, 2000))
			switch {
			case err == nil:
				written.Add(1)
			case status.Code(err) == codes.Unavailable && strings.Contains(err.Error(), "Server Is Too Busy"):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	until(t, "some are turned away while nothing is synced", func() bool { return busy.Load() > 50 })
	if written.Load() > 0 {
		t.Error("acknowledged by a disk that hangs")
	}
	if got := scraped(t, n); got["sync_waiting_seconds"] == 0 || got["queue_bytes"] < 50<<10 || got["queue_bytes"] > 64<<10 {
		t.Errorf("the disk hangs for %v s, with %v bytes queued", got["sync_waiting_seconds"], got["queue_bytes"])
	}
	batch, err := rawClient(t, n).BatchAppend(within(t))
	if err != nil {
		t.Fatal(err)
	}
	big := noStream(batchRequest("batch"))
	big.ProposedMessages[0].Data = make([]byte, 10_000)
	if a := ask(t, batch, big); codes.Code(a.GetError().GetCode()) != codes.Unavailable {
		t.Errorf("an append of a batch: %v", a)
	}
	held.Store(false)
	close(release)
	writers.Wait()
	if got := countKeys(t, n.store, spaceLog); got != int(written.Load())+1 {
		t.Errorf("%d appends were acknowledged, %d turned away, and the log has %d events", written.Load()+1, busy.Load(), got)
	}
	if a := ask(t, batch, noStream(batchRequest("batch"))); a.GetError() != nil {
		t.Errorf("the batch does not go on: %v", a)
	}
	if got := scraped(t, n)["queue_bytes"]; got != 0 {
		t.Errorf("%v bytes are still queued", got)
	}
}

// One client sends what it should not; whatever it is, the node goes on, and
// the client is soon gone.
func TestClientsThatMisbehave(t *testing.T) {
	const patience = 300 * time.Millisecond
	n := start(t, func(c *Config) { c.silentTime, c.Limits.RequestTime = patience, patience })
	c := connect(t, n)
	letters(t, c, "s", "a")
	for name, misbehave := range map[string]func(t *testing.T, conn net.Conn){
		"half a preface": func(_ *testing.T, conn net.Conn) { _, _ = io.WriteString(conn, "PRI * HT") },
		"nothing at all": func(*testing.T, net.Conn) {},
		"half an HTTP request": func(_ *testing.T, conn net.Conn) {
			_, _ = io.WriteString(conn, "GET /health/live HTTP/1.1\r\nHost: x\r\n")
		},
		"a header without end": func(_ *testing.T, conn net.Conn) {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nX: "+strings.Repeat("x", 1<<20))
		},
		"garbage": func(_ *testing.T, conn net.Conn) { _, _ = conn.Write(noise(10_000)) },
		"garbage after a preface": func(_ *testing.T, conn net.Conn) {
			_, _ = conn.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), noise(10_000)...))
		},
		"a byte now and then": func(t *testing.T, conn net.Conn) {
			for _, b := range []byte("GET /health/live HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 1000)) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				pause(t, time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", n.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = io.Copy(io.Discard, conn)
			}()
			misbehave(t, conn)
			select {
			case <-gone:
			case <-within(t).Done():
				t.Error("the node keeps the connection")
			}
			letters(t, c, "s", "b")
			healthy(t, n)
		})
	}
}

func noise(length int) []byte {
	b, r := make([]byte, length), rand.New(rand.NewPCG(4, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// pause is part of what a slow client does; no test waits with it.
func pause(t testing.TB, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// A request that does not arrive whole ends, however slowly it goes on.
func TestRequestsThatDoNotArrive(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.RequestTime = 100 * time.Millisecond })
	letters(t, connect(t, n), "s", "a")
	for name, method := range map[string]string{
		"append": streams.Streams_Append_FullMethodName, "read": streams.Streams_Read_FullMethodName, "delete": streams.Streams_Delete_FullMethodName,
	} {
		t.Run(name, func(t *testing.T) {
			h := dialHTTP2(t, n)
			h.call(1, method)
			h.data(1, []byte{0, 0, 0, 16, 0}) // a message of 4 kB begins
			go func() {
				for h.data(1, []byte{7}) == nil { // and goes on, byte by byte
					pause(t, 5*time.Millisecond)
				}
			}()
			if code := h.status(1); code != fmt.Sprint(uint32(codes.DeadlineExceeded)) {
				t.Errorf("the call ended with status %s", code)
			}
		})
	}
	if got := scraped(t, n)[`refused_total{reason="slow_request"}`]; got != 3 {
		t.Errorf("%v slow requests counted", got)
	}
}

// A message beyond what the node is willing to read is refused before it is
// read, and one beyond the size of an append when it was.
func TestMessagesAreLimited(t *testing.T) {
	n := start(t)
	c := streams.NewStreamsClient(dial(t, n))
	before := heap()
	for size, want := range map[int]codes.Code{2 << 20: codes.InvalidArgument, 18 << 20: codes.ResourceExhausted, 60 << 20: codes.ResourceExhausted} {
		call, err := c.Append(within(t))
		if err != nil {
			t.Fatal(err)
		}
		big := appendMessages("s", make([]byte, size))
		for _, m := range big {
			if err := call.Send(m); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		if _, err := call.CloseAndRecv(); status.Code(err) != want {
			t.Errorf("%d MiB: %v", size>>20, err)
		}
	}
	until(t, "what was refused is let go of", func() bool { return heap()-before < 8<<20 })
}

// A connection without a call is closed in the end; the official client opens
// another when it needs one.
func TestIdleConnectionsAreClosed(t *testing.T) {
	n := start(t, func(c *Config) { c.Limits.IdleTime = 50 * time.Millisecond })
	c := connect(t, n)
	for range 3 {
		letters(t, c, "s", "a")
		until(t, "the connection is closed", func() bool { return n.demux.grpcDoor.open.Load() == 0 })
	}
}

// A peer that is gone without a word, or only pretends to be there, is found
// out by pings.
func TestHalfOpenConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *Config) { c.pingEvery = time.Second })
	h := dialHTTP2(t, n)
	until(t, "the connection is open", func() bool { return n.demux.grpcDoor.open.Load() == 1 })
	h.mute.Store(true)
	until(t, "the connection is closed", func() bool { return n.demux.grpcDoor.open.Load() == 0 })
}
