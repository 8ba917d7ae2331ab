package eventnode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

const (
	cutsPerLoad   = 25
	cutWriters    = 6
	cutStreams    = 4
	cutEvery      = 50       // disk calls between two cuts, on average
	crashMemTable = 64 << 10 // so that log files and tables change under load
	crashCache    = 4 << 20
)

var cutGroup = &groupSettings{Stream: "cut-0", Group: "g"}

// Whatever the disk is doing when the power goes, every acknowledged append is
// kept, any other is kept or lost as a whole, revisions have no gaps, positions
// grow, nothing is taken back that a subscriber was shown, and the checkpoint of
// a group covers finished events only.
//
// A seed makes the same load and the same cuts; which goroutine is first is for
// the scheduler to say. -run 'TestPowerCut/all/seed=7$' plays one again.
func TestPowerCut(t *testing.T) {
	goal := times(50, 2000, 100_000)
	var where sync.Map
	t.Run("all", func(t *testing.T) {
		for load := range goal / cutsPerLoad {
			seed := uint64(load) + 1
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				powerCutUnderLoad(t, seed, &where)
			})
		}
	})
	total := 0
	where.Range(func(key, n any) bool {
		total += int(n.(*atomic.Int64).Load())
		t.Logf("%5d cuts before %v", n.(*atomic.Int64).Load(), key)
		return true
	})
	for _, must := range []string{"write log", "sync log", "write sst", "sync sst", "write MANIFEST", "sync MANIFEST", "remove sst", "rename durable-mark", "sync folder"} {
		if _, hit := where.Load(must); !hit && total >= 2000 {
			t.Errorf("of %d cuts none was before %q", total, must)
		}
	}
}

// kind names what a disk call is about, whatever the number of the file.
func (o diskOp) kind() string {
	base := filepath.Base(o.path)
	switch ext := filepath.Ext(base); {
	case strings.HasSuffix(o.path, "/"):
		return o.what + " folder"
	case ext == ".log" || ext == ".sst":
		return o.what + " " + ext[1:]
	case strings.HasPrefix(base, "durable-mark"):
		return o.what + " durable-mark"
	default:
		return o.what + " " + strings.TrimRight(base, "-.0123456789dbtmp")
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

// powerCut is a disk as a cut left it, and what the world had been told by then.
type powerCut struct {
	op       diskOp
	kept     int // percent of what was not synced
	disk     *vfs.MemFS
	told     *ledger
	finished map[int64]bool
}

// cutter cuts the power now and then: it copies what would be left of the disk.
type cutter struct {
	disk *faultDisk
	told *ledger
	cuts chan powerCut

	mu   sync.Mutex
	r    *rand.Rand
	next int64
	left int
}

func (c *cutter) before(op diskOp) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.n < c.next || c.left == 0 || !op.changes() {
		return nil
	}
	c.left--
	c.next = op.n + 1 + int64(c.r.IntN(2*cutEvery))
	kept := []int{0, 50, 100}[c.r.IntN(3)]
	cut := powerCut{op: op, kept: kept, told: c.told.copy()}
	cut.disk = c.disk.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: c.r})
	cut.finished = c.told.finished() // after the copy, so that it has all that the copy may rest on
	c.cuts <- cut
	return nil
}

// markOften makes crashes find marks of any age.
func markOften(c *Config) {
	c.marks = markPace{look: 2 * time.Millisecond, grown: 8 << 10, idle: 20 * time.Millisecond}
}

func powerCutUnderLoad(t *testing.T, seed uint64, where *sync.Map) {
	r := rand.New(rand.NewPCG(seed, 1000))
	told := newLedger()
	cut := &cutter{told: told, r: r, next: int64(r.IntN(200)), left: cutsPerLoad, cuts: make(chan powerCut, cutsPerLoad)}
	cut.disk = newFaultDisk(cut.before)
	n := start(t, markOften, quickTicks, func(c *Config) {
		c.FS, c.Dir, c.Clock, c.memTable, c.CacheBytes = cut.disk, "a/b/store", wobblyClock(seed), crashMemTable, crashCache
	})
	c := connect(t, n)
	createGroup(t, c, cutGroup.Stream, cutGroup.Group, esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.CheckpointUpperBound, s.MessageTimeout = 3, 60_000
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { follow(ctx, t, c, told) })
	running.Go(func() { acknowledge(ctx, t, c, told, seed) })
	for w := range cutWriters {
		running.Go(func() { writeUntil(ctx, t, n, told, rand.New(rand.NewPCG(seed, uint64(w)))) })
	}
	var late []powerCut
	for range cutsPerLoad {
		late = append(late, <-cut.cuts)
	}
	cancel()
	running.Wait()
	for i, p := range late {
		n, _ := where.LoadOrStore(p.op.kind(), new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		if err := afterCut(t.Context(), p, i%4 == 0); err != nil {
			t.Errorf("seed %d, cut %d before disk call %d (%s %s), %d%% of the unsynced kept: %v", seed, i, p.op.n, p.op.what, p.op.path, p.kept, err)
		}
	}
}

// writeUntil appends, deletes and describes streams.
func writeUntil(ctx context.Context, t *testing.T, n *Node, told *ledger, r *rand.Rand) {
	for i := 0; ctx.Err() == nil; i++ {
		req := someRequest(r)
		o, err := n.sequencer.write(ctx, req)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Error(err)
			return
		case o.ruling == rulingWrite:
			told.ack(req, o)
		}
	}
}

func someRequest(r *rand.Rand) *writeRequest {
	req := &writeRequest{stream: fmt.Sprintf("cut-%d", r.IntN(cutStreams)), expected: expectAny}
	id, count, padding := uuid.New(), 1+r.IntN(4), r.IntN(300)
	switch r.IntN(30) {
	case 0:
		// Not of the stream of the group, which skips what metadata hides.
		req.stream, count, padding = fmt.Sprintf("$$cut-%d", 1+r.IntN(cutStreams-1)), 0, 0
		req.events = []proposed{{id: id, typ: typeMetadata, json: true, data: fmt.Appendf(nil, `{"$maxCount":%d}`, 1+r.IntN(9))}}
	case 1:
		req.kind, req.stream = writeSoftDelete, "gone"
	case 2:
		req.kind, req.stream = writeTombstone, fmt.Sprintf("ended-%d", r.Uint64())
	case 3, 4:
		req.stream = "gone"
	case 5:
		count, padding = 1, 20_000+r.IntN(60_000)
	case 6:
		count = 50
	case 7, 8:
		req.expected = expectation(r.IntN(40))
	}
	if req.kind != writeEvents {
		req.events = []proposed{{id: id, typ: typeTombstone}}
		return req
	}
	for i := range count {
		req.events = append(req.events, partOf(id, i, count, make([]byte, padding)))
	}
	return req
}

// follow is a subscriber to everything.
func follow(ctx context.Context, t *testing.T, c *esdb.Client, told *ledger) {
	s, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
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
			told.mu.Lock()
			told.seen[int64(e.EventAppeared.Event.Position.Commit)] = e.EventAppeared.Event.EventID
			told.mu.Unlock()
		}
	}
}

// acknowledge consumes the group, and holds some messages back for a while.
func acknowledge(ctx context.Context, t *testing.T, c *esdb.Client, told *ledger, seed uint64) {
	s, err := c.SubscribeToPersistentSubscription(ctx, cutGroup.Stream, cutGroup.Group, esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 16})
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(seed, 5))
	var held []*esdb.ResolvedEvent
	for {
		e := s.Recv()
		if e.EventAppeared == nil {
			return
		}
		held = append(held, e.EventAppeared.Event)
		if len(held) < 12 && r.IntN(3) > 0 {
			continue
		}
		r.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		i := r.IntN(len(held))
		told.mu.Lock()
		for _, e := range held[i:] {
			told.done[int64(e.OriginalEvent().EventNumber)] = true
		}
		told.mu.Unlock()
		if err := s.Ack(held[i:]...); err != nil {
			return
		}
		held = held[:i]
	}
}

// afterCut opens what the power cut left and holds it against the ledger. full
// is to verify the folder as an operator would, too.
func afterCut(ctx context.Context, p powerCut, full bool) error {
	const dir = "a/b/store"
	if _, err := p.disk.Stat(dir); full && err == nil {
		var first string
		report, err := Verify(ctx, VerifyConfig{Dir: dir, FS: p.disk, CacheBytes: crashCache, Found: func(d Defect) {
			first = cmp.Or(first, d.String())
		}})
		if report.Defects > 0 {
			return fmt.Errorf("verify found %s", first)
		}
		if err != nil && !errors.Is(err, ErrUnknownFormat) { // which it is before it is made
			return fmt.Errorf("verify: %w", err)
		}
	}
	s, err := openStore(Config{FS: p.disk, Dir: dir, Clock: time.Now, memTable: crashMemTable, CacheBytes: crashCache}.withDefaults())
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	log, err := wholeLog(s)
	if err == nil {
		err = errors.Join(p.told.check(log), checkInvariants(s, log))
	}
	checkpoint, cerr := checkpointOf(s, cutGroup)
	if cerr == nil {
		cerr = notBefore(checkpoint, p.finished)
	}
	return errors.Join(err, cerr, s.close())
}
