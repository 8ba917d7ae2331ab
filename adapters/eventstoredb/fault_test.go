package eventstoredb_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
)

const tolerance = 100 * time.Millisecond

// traffic calls a store from many goroutines and notes calls that outstay their
// deadline, appends that were acknowledged, and errors nobody should see.
type traffic struct {
	late, acked, refused atomic.Int64
	worst                atomic.Int64 // overrun of a deadline, in nanoseconds
	strange              atomic.Pointer[error]
	writers              sync.WaitGroup
	stop                 context.CancelFunc

	mu    sync.Mutex
	heads map[string]uint64 // revision acknowledged last, by stream
}

func startTraffic(store domain.Store, writers int, deadline time.Duration) *traffic {
	ctx, stop := context.WithCancel(context.Background())
	t := &traffic{stop: stop, heads: map[string]uint64{}}
	for range writers {
		t.writers.Go(func() { t.write(ctx, store, newStream(), deadline) })
		t.writers.Go(func() { t.read(ctx, store, deadline) })
	}
	return t
}

// write appends one event after the other; an append whose outcome is unknown is
// made again, the same.
func (t *traffic) write(ctx context.Context, store domain.Store, stream string, deadline time.Duration) {
	expected := domain.NoStream
	for ctx.Err() == nil {
		events := proposed(1)
		for ctx.Err() == nil {
			appended, err := timed(t, deadline, func(ctx context.Context) (domain.Appended, error) {
				return store.Append(ctx, stream, expected, events)
			})
			if err == nil {
				t.acked.Add(1)
				expected = domain.Expected(appended.Revision)
				t.mu.Lock()
				t.heads[stream] = appended.Revision
				t.mu.Unlock()
				break
			}
			if !t.note(ctx, err) {
				return
			}
		}
	}
}

func (t *traffic) read(ctx context.Context, store domain.Store, deadline time.Duration) {
	stream := newStream()
	for ctx.Err() == nil {
		_, err := timed(t, deadline, func(ctx context.Context) (struct{}, error) {
			for _, err := range store.ReadStream(ctx, stream, 0) {
				if err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		if err != nil && !t.note(ctx, err) {
			return
		}
	}
}

func timed[T any](t *traffic, deadline time.Duration, op func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	start := time.Now()
	value, err := op(ctx)
	if over := time.Since(start) - deadline; over > tolerance {
		t.late.Add(1)
		t.worst.Store(max(t.worst.Load(), int64(over)))
	}
	return value, err
}

// note counts an error and takes a breath, as a caller told to try later would.
func (t *traffic) note(ctx context.Context, err error) bool {
	t.refused.Add(1)
	if !errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, domain.ErrUnknownOutcome) {
		t.strange.CompareAndSwap(nil, &err)
		return false
	}
	return pass(ctx, 2*time.Millisecond)
}

// pass lets an outage last.
func pass(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// end stops the traffic and checks it against the store: nothing late, nothing
// strange, every stream dense and as long as was acknowledged.
func (t *traffic) end(tb testing.TB, store domain.Store) {
	tb.Helper()
	t.stop()
	t.writers.Wait()
	if n := t.late.Load(); n > 0 {
		tb.Errorf("%d calls outstayed their deadline by more than %s, the worst by %s", n, tolerance, time.Duration(t.worst.Load()))
	}
	if err := t.strange.Load(); err != nil {
		tb.Errorf("a caller saw %v", *err)
	}
	for stream, head := range t.heads {
		events := read(tb, store, stream, 0)
		// One more may be stored: the append in flight when the traffic stopped.
		if n := uint64(len(events)); n != head+1 && n != head+2 {
			tb.Errorf("%s: acknowledged up to revision %d, %d events stored", stream, head, n)
		}
		ids := map[string]bool{}
		for i, e := range events {
			if e.Revision != uint64(i) || ids[e.ID.String()] {
				tb.Errorf("%s: revision %d at place %d, or stored twice", stream, e.Revision, i)
			}
			ids[e.ID.String()] = true
		}
	}
}

func TestOutage(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		for _, outage := range []time.Duration{time.Second, 5 * time.Second} {
			t.Run(fmt.Sprintf("%s, batch append %t", outage, bulk), func(t *testing.T) {
				t.Parallel()
				p := newProxy(t, startNode(t).Addr())
				client := connect(t, p.connectionString())
				store := storeOf(t, client, bulk)
				mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
				traffic := startTraffic(store, 8, 400*time.Millisecond)
				eventually(t, 10*time.Second, "traffic", func() bool { return traffic.acked.Load() > 50 })
				p.down()
				pass(t.Context(), outage)
				before := traffic.acked.Load()
				p.up(t)
				back := time.Now()
				eventually(t, 5*time.Second, "appends after the outage", func() bool { return traffic.acked.Load() > before })
				if err := client.Ready(within(t, 5*time.Second-time.Since(back))); err != nil {
					t.Fatalf("readers are not back: %v", err)
				}
				t.Logf("back after %s; %d calls were refused meanwhile", time.Since(back), traffic.refused.Load())
				traffic.end(t, store)
			})
		}
	}
}

func storeOf(t testing.TB, client *eventstoredb.Client, bulk bool) domain.Store {
	t.Helper()
	if !bulk {
		return eventstoredb.NewStore(client)
	}
	b, err := eventstoredb.NewBulk(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// During an outage callers are not kept waiting: after the first failed attempt
// to connect they are refused at once.
func TestRefusedAtOnce(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		t.Run(fmt.Sprintf("batch append %t", bulk), func(t *testing.T) {
			p := newProxy(t, startNode(t).Addr())
			store := storeOf(t, connect(t, p.connectionString()), bulk)
			mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
			p.down()
			eventually(t, 5*time.Second, "refused at once", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err := store.Append(ctx, newStream(), domain.NoStream, proposed(1))
				return errors.Is(err, domain.ErrUnavailable) && ctx.Err() == nil
			})
			for range 100 {
				start := time.Now()
				_, err := store.Append(within(t, time.Minute), newStream(), domain.NoStream, proposed(1))
				if took := time.Since(start); !errors.Is(err, domain.ErrUnavailable) || took > tolerance {
					t.Fatalf("refused after %s with %v", took, err)
				}
			}
		})
	}
}

// promise: I17
func TestTwentyBouncesLeaveNothingBehind(t *testing.T) {
	p := newProxy(t, startNode(t).Addr())
	client := connect(t, p.connectionString(), func(c *eventstoredb.Config) { c.MinPause, c.MaxPause = 10*time.Millisecond, 50*time.Millisecond })
	for _, bulk := range []bool{false, true} {
		store := storeOf(t, client, bulk)
		mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
		base := runtime.NumGoroutine()
		traffic := startTraffic(store, 16, time.Second)
		for bounce := range 20 {
			before := traffic.acked.Load()
			eventually(t, 10*time.Second, fmt.Sprintf("traffic before bounce %d", bounce), func() bool { return traffic.acked.Load() > before+20 })
			p.down()
			pass(t.Context(), time.Duration(bounce%4)*30*time.Millisecond)
			p.up(t)
		}
		before := traffic.acked.Load()
		eventually(t, 10*time.Second, "traffic after the last bounce", func() bool { return traffic.acked.Load() > before })
		if err := client.Ready(within(t, 5*time.Second)); err != nil {
			t.Fatal(err) // appends in bulk have a connection of their own and may be back first
		}
		traffic.end(t, store)
		eventually(t, 15*time.Second, fmt.Sprintf("goroutines back to %d (batch append %t)", base, bulk), func() bool {
			return runtime.NumGoroutine() <= base+2 // the proxy's own two of a new connection come and go
		})
		t.Logf("%d acknowledged, %d refused, %d goroutines before, %d after", traffic.acked.Load(), traffic.refused.Load(), base, runtime.NumGoroutine())
	}
}

// An answer lost on the way leaves the outcome open; the repetition with the
// same ids and expectation finds it.
func TestLostAnswerIsStoredOnce(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		t.Run(fmt.Sprintf("batch append %t", bulk), func(t *testing.T) {
			node := startNode(t)
			p := newProxy(t, node.Addr())
			store := storeOf(t, connect(t, p.connectionString(), func(c *eventstoredb.Config) { c.MinPause = time.Millisecond }), bulk)
			direct := eventstoredb.NewStore(connect(t, node.ConnectionString()))
			stream, expected := newStream(), domain.NoStream
			for i := range 30 {
				if i > 0 {
					p.cutNextAnswer()
				}
				expected = domain.Expected(mustAppend(t, store, stream, expected, proposed(2)).Revision)
			}
			if got := read(t, direct, stream, 0); len(got) != 60 {
				t.Fatalf("%d events stored of 60", len(got))
			}
		})
	}
}

func TestOutcomeThatStaysUnknownIsSaidSo(t *testing.T) {
	p := newProxy(t, startNode(t).Addr())
	store := eventstoredb.NewStore(connect(t, p.connectionString()))
	mustAppend(t, store, newStream(), domain.NoStream, proposed(1))
	p.freeze()
	stream, events := newStream(), proposed(1)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := store.Append(ctx, stream, domain.NoStream, events)
	if !errors.Is(err, domain.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(start); took > 300*time.Millisecond+tolerance {
		t.Errorf("took %s", took)
	}
	p.thaw()
	mustAppend(t, store, stream, domain.NoStream, events)
	if got := read(t, store, stream, 0); len(got) != 1 {
		t.Errorf("%d events stored", len(got))
	}
}

// A store that accepts connections and answers nothing hangs nobody, and the
// client finds it again when it answers.
func TestBlackHole(t *testing.T) {
	p := newProxy(t, startNode(t).Addr())
	store := eventstoredb.NewStore(connect(t, p.connectionString()))
	traffic := startTraffic(store, 8, 300*time.Millisecond)
	eventually(t, 10*time.Second, "traffic", func() bool { return traffic.acked.Load() > 50 })
	p.freeze()
	pass(t.Context(), 2*time.Second)
	p.thaw()
	before := traffic.acked.Load()
	eventually(t, 10*time.Second, "appends after the silence", func() bool { return traffic.acked.Load() > before })
	traffic.end(t, store)
}

func TestClosedClientAnswersAtOnce(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	stream := newStream()
	mustAppend(t, store, stream, domain.NoStream, proposed(10))
	traffic := startTraffic(store, 8, time.Second)
	eventually(t, 10*time.Second, "traffic", func() bool { return traffic.acked.Load() > 50 })
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	traffic.stop()
	traffic.writers.Wait()
	if n := traffic.late.Load(); n > 0 {
		t.Errorf("%d calls were late", n)
	}
	for _, err := range store.ReadStream(t.Context(), stream, 0) {
		if !errors.Is(err, domain.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := store.Append(t.Context(), stream, 9, proposed(1)); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
