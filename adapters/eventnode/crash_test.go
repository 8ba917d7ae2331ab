package eventnode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

const (
	powerCuts     = 300
	cutsPerLoad   = 20
	crashWriters  = 12
	crashStreams  = 5
	acksBetween   = 40
	crashMemTable = 64 << 10 // so that log files and tables change under load
)

// ledger is what the outside world was told, kept outside the system.
type ledger struct {
	mu    sync.Mutex
	acked map[uuid.UUID]int64 // event id → position told for the last of its append
	seen  map[int64]uuid.UUID // position → event a subscriber was shown
	acks  atomic.Int64
	moved chan struct{}
	// rest is held while a cut is examined, so that the log does not outgrow
	// the examination.
	rest sync.RWMutex
}

func (l *ledger) ack(events []esdb.EventData, w *esdb.WriteResult) {
	l.mu.Lock()
	for _, e := range events {
		l.acked[e.EventID] = int64(w.CommitPosition)
	}
	l.mu.Unlock()
	l.acks.Add(1)
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

func (l *ledger) copy() (acked map[uuid.UUID]int64, seen map[int64]uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	acked, seen = map[uuid.UUID]int64{}, map[int64]uuid.UUID{}
	for k, v := range l.acked {
		acked[k] = v
	}
	for k, v := range l.seen {
		seen[k] = v
	}
	return acked, seen
}

func (l *ledger) examine(check func()) {
	l.rest.Lock()
	defer l.rest.Unlock()
	check()
}

// part says which place an event has in its append.
type part struct {
	Append uuid.UUID
	At, Of int
}

// A power cut at any moment keeps every acknowledged append, keeps or loses
// any other as a whole, leaves revisions without gaps and positions growing,
// and takes nothing back that a subscriber was shown.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for load := range powerCuts / cutsPerLoad {
		seed := uint64(load) + 1
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { powerCutUnderLoad(t, seed) })
	}
}

// wobblyClock goes backwards every now and then.
func wobblyClock(seed uint64) func() time.Time {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 7))
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(-time.Duration(r.IntN(3)) * time.Hour)
	}
}

func powerCutUnderLoad(t *testing.T, seed uint64) {
	disk := vfs.NewCrashableMem()
	n := start(t, func(c *Config) {
		c.FS, c.Dir, c.Clock, c.memTable = disk, "store", wobblyClock(seed), crashMemTable
	})
	c := connect(t, n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &ledger{acked: map[uuid.UUID]int64{}, seen: map[int64]uuid.UUID{}, moved: make(chan struct{}, 1)}
	var running sync.WaitGroup
	running.Go(func() { follow(ctx, t, c, l) })
	for w := range crashWriters {
		running.Go(func() { writeUntil(ctx, t, c, l, rand.New(rand.NewPCG(seed, uint64(w)))) })
	}
	r := rand.New(rand.NewPCG(seed, 1000))
	for range cutsPerLoad {
		for until := l.acks.Load() + int64(r.IntN(acksBetween)); l.acks.Load() < until; {
			<-l.moved
		}
		acked, seen := l.copy()
		after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[r.IntN(3)], RNG: r})
		l.examine(func() { checkAfterCut(t, after, acked, seen) })
	}
	cancel()
	running.Wait()
}

func writeUntil(ctx context.Context, t *testing.T, c *esdb.Client, l *ledger, r *rand.Rand) {
	for ctx.Err() == nil {
		id := uuid.New()
		events := make([]esdb.EventData, 1+r.IntN(4))
		for i := range events {
			data, _ := json.Marshal(part{id, i, len(events)})
			events[i] = esdb.EventData{EventID: uuid.New(), EventType: "part", ContentType: esdb.ContentTypeJson, Data: data, Metadata: make([]byte, r.IntN(300))}
		}
		l.rest.RLock()
		w, err := c.AppendToStream(ctx, fmt.Sprintf("cut-%d", r.IntN(crashStreams)), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, events...)
		l.rest.RUnlock()
		switch {
		case err == nil:
			l.ack(events, w)
		case ctx.Err() == nil:
			t.Error(err)
			return
		}
	}
}

func follow(ctx context.Context, t *testing.T, c *esdb.Client, l *ledger) {
	s, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	for {
		e := s.Recv()
		if e.SubscriptionDropped != nil {
			if ctx.Err() == nil {
				t.Error(e.SubscriptionDropped.Error)
			}
			return
		}
		if e.EventAppeared != nil {
			l.mu.Lock()
			l.seen[int64(e.EventAppeared.Event.Position.Commit)] = e.EventAppeared.Event.EventID
			l.mu.Unlock()
		}
	}
}

// checkAfterCut opens what the power cut left and holds it against the ledger.
func checkAfterCut(t *testing.T, disk *vfs.MemFS, acked map[uuid.UUID]int64, seen map[int64]uuid.UUID) {
	t.Helper()
	s, err := openStore(Config{FS: disk, Dir: "store", Clock: time.Now, memTable: crashMemTable}.withDefaults())
	if err != nil {
		t.Fatalf("open after the cut: %v", err)
	}
	defer s.close()
	checkInvariants(t, s)
	byID, parts := map[uuid.UUID]int64{}, map[uuid.UUID][]part{}
	for _, r := range wholeLog(t, s) {
		byID[r.id] = r.pos
		var p part
		if err := json.Unmarshal(r.data, &p); err != nil {
			t.Fatal(err)
		}
		parts[p.Append] = append(parts[p.Append], p)
		if id, ok := seen[r.pos]; ok && id != r.id {
			t.Errorf("at position %d a subscriber was shown another event", r.pos)
		}
		delete(seen, r.pos)
	}
	for id, pos := range acked {
		if at, ok := byID[id]; !ok || at > pos {
			t.Errorf("acknowledged event %s is lost (position told %d, found %d)", id, pos, at)
		}
	}
	if len(seen) > 0 {
		t.Errorf("%d events that a subscriber was shown are lost", len(seen))
	}
	for id, ps := range parts {
		for i, p := range ps {
			if p.At != i || p.Of != len(ps) {
				t.Errorf("append %s is there in part: %v", id, ps)
			}
		}
	}
}

func wholeLog(t *testing.T, s *store) []record {
	t.Helper()
	var all []record
	for from := int64(1); ; {
		p := &page{}
		if err := s.scanLog(p, logRange{from: from, to: s.mark.position()}, 1<<30, 1<<30, nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.recs...)
		if p.end {
			return all
		}
		from = p.lastSeen + 1
	}
}

// checkInvariants holds a folder against itself: the log, the stream index and
// the stream heads tell the same story, and what is missing was scavenged.
func checkInvariants(t *testing.T, s *store) {
	t.Helper()
	lastPos, lastTicks, span := int64(0), int64(0), int64(0)
	revs, names := map[uint64][]int64{}, map[uint64]string{}
	for _, r := range wholeLog(t, s) {
		if r.pos <= lastPos || r.ticks < lastTicks {
			t.Fatalf("position %d at %d follows position %d at %d", r.pos, r.ticks, lastPos, lastTicks)
		}
		lastPos, lastTicks, span = r.pos, r.ticks, span+1+int64(r.encodedLen())
		if at, err := s.positionAt(r.stream, r.rev); err != nil || at != r.pos {
			t.Fatalf("index of %s@%d says %d, the log %d (%v)", r.name, r.rev, at, r.pos, err)
		}
		revs[r.stream], names[r.stream] = append(revs[r.stream], r.rev), string(r.name)
	}
	checkHeads(t, s, revs, names)
	if n := countKeys(t, s, spaceStream); n != countKeys(t, s, spaceLog) {
		t.Fatalf("the stream index has %d entries, the log another number", n)
	}
	if state, err := s.loadScavenge(); err != nil || span+state.Span != lastPos {
		t.Fatalf("records take up %d of the positions and %d are free, but the last is %d (%v)", span, state.Span, lastPos, err)
	}
}

// checkHeads: a stream has every revision from its floor to its last, a floor
// never passes the last revision while the stream can be read, and every head
// belongs to a stream.
func checkHeads(t *testing.T, s *store, revs map[uint64][]int64, names map[uint64]string) {
	t.Helper()
	heads, err := s.headsFrom(0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range heads {
		if h.no != uint64(i)+1 {
			t.Fatalf("head %d is of stream number %d", i+1, h.no)
		}
		found := revs[h.no]
		delete(revs, h.no)
		if n := len(found); h.tombstoned != (n > 0 && found[n-1] == tombstoneRevision) {
			t.Fatalf("stream %q: ended is %v, its revisions are %v", names[h.no], h.tombstoned, found)
		}
		if h.tombstoned {
			found = found[:len(found)-1]
		}
		for i, rev := range found {
			if rev != h.floor+int64(i) {
				t.Fatalf("%s@%d stands where %d belongs", names[h.no], rev, h.floor+int64(i))
			}
		}
		if h.floor+int64(len(found)) != h.last+1 {
			t.Fatalf("%s has the revisions %v, its head says %+v", names[h.no], found, h)
		}
		if len(found) == 0 && h.last >= 0 && !h.tombstoned && h.meta.maxCount != 1 {
			t.Fatalf("nothing is left of %+v", h)
		}
		if name, ok := names[h.no]; ok {
			if same, found, err := s.loadHead(name); err != nil || !found || same != h {
				t.Fatalf("head of %s is %+v (%v, %v), not %+v", name, same, found, err, h)
			}
		}
		if h.metaPos > 0 {
			if _, err := s.readRecord(h.metaPos); err != nil {
				t.Fatalf("metadata of %s: %v", names[h.no], err)
			}
		}
	}
	if len(revs) > 0 {
		t.Fatalf("%d streams have no head", len(revs))
	}
}

func countKeys(t *testing.T, s *store, space byte) int {
	t.Helper()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: after(space)})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}
