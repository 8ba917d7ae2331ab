package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/uuid"
)

// crashedConfig opens what a power cut left, and compacts nothing on its own.
func crashedConfig(disk vfs.FS) Config {
	return Config{FS: disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, lazyTables: true}
}

// wornStore fills a folder in which much is hidden, the mark among it.
func wornStore(t *testing.T, disk vfs.FS, mark []byte) {
	t.Helper()
	n := start(t, func(c *Config) { *c = crashedConfig(disk) })
	s := past{t: t, n: n, c: connect(t, n)}
	appendTo(t, s.c, "count", esdb.AppendToStreamOptions{}, esdb.EventData{EventID: uuid.New(), EventType: "x", ContentType: esdb.ContentTypeBinary, Data: mark})
	for range 12 {
		s.append("count", "abcdefgh")
		s.append("kept", "ab")
		s.append("deleted", "abcd")
		s.append("ended", "abcd")
	}
	s.set("count", maxCountOf(5))
	s.set("ended", maxCountOf(5))
	s.delete("deleted")
	s.tombstone("ended")
	if err := errors.Join(n.store.db.Compact(within(t), []byte{0}, []byte{0xff}, false), n.Close()); err != nil {
		t.Fatal(err)
	}
}

// survivors is the log without what scavenges tell of themselves.
func survivors(t *testing.T, s *store) []byte {
	t.Helper()
	log := recordsOf(t, s)
	var b []byte
	for _, r := range log {
		if !bytes.Contains(r.name, []byte(scavengesStream)) {
			b = append(b, encodeRecord(r)...)
		}
	}
	return b
}

func finish(t *testing.T, disk vfs.FS) ScavengeReport {
	t.Helper()
	report, err := Scavenge(within(t), crashedConfig(disk), ScavengeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func lookInto(t *testing.T, disk vfs.FS, look func(*store)) {
	t.Helper()
	s, err := openStore(crashedConfig(disk).withDefaults())
	if err != nil {
		t.Fatalf("open after the cut: %v", err)
	}
	defer s.close()
	wantInvariants(t, s)
	look(s)
}

// filesWith are the files of the folder that hold the mark.
func filesWith(t *testing.T, disk vfs.FS, mark []byte) []string {
	t.Helper()
	names, err := disk.List("store")
	if err != nil {
		t.Fatal(err)
	}
	var with []string
	for _, name := range names {
		f, err := disk.Open(disk.PathJoin("store", name))
		if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, mark) {
			with = append(with, name)
		}
	}
	return with
}

// A scavenge that is cut off at any operation on the disk leaves a folder that
// is whole, and the next one ends where an undisturbed one would have: the same
// records, nothing left to remove, no bytes of removed records in any file.
func TestScavengeEndsTheSameAfterAnyPowerCut(t *testing.T) {
	t.Parallel()
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	asItIs := vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r}
	mark := make([]byte, 32)
	for i := range mark {
		mark[i] = byte(r.Uint32())
	}
	origin := vfs.NewCrashableMem()
	wornStore(t, origin, mark)
	if len(filesWith(t, origin, mark)) == 0 {
		t.Fatal("control: the mark is in no file before")
	}
	var want []byte
	undisturbed := origin.CrashClone(asItIs)
	operations := cutAt(t, undisturbed, -1, nil)
	lookInto(t, undisturbed, func(s *store) { want = survivors(t, s) })

	rounds, unfinished, cuts := times(1, 1, 30), 0, 0
	for i := 0; i < rounds*operations; i += times(20, 2, 1) {
		at := i % operations
		disk := origin.CrashClone(asItIs)
		var left *vfs.MemFS
		cutAt(t, disk, at, func(crashed *vfs.MemFS) {
			// Nothing in between: the folder is also being opened, and while pebble
			// changes its manifest it counts on a disk that keeps the order in which
			// files of one folder were made.
			left = crashed.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100}[r.IntN(2)], RNG: r})
		})
		if left == nil {
			continue // this time there were fewer operations
		}
		cuts++
		lookInto(t, left, func(*store) {})
		if finish(t, left).Resumed {
			unfinished++
		}
		what := fmt.Sprintf("seed %d, cut at operation %d of %d", seed, at, operations)
		for _, disk := range []*vfs.MemFS{left, left.CrashClone(vfs.CrashCloneCfg{})} {
			if with := filesWith(t, disk, mark); len(with) > 0 {
				t.Errorf("%s: a removed event is in %v", what, with)
			}
		}
		lookInto(t, left, func(s *store) {
			if got := survivors(t, s); !bytes.Equal(got, want) {
				t.Errorf("%s: the log differs from that of an undisturbed scavenge", what)
			}
			if state, err := s.loadScavenge(); err != nil || !state.Pending.empty() || state.Result != ScavengeSuccess {
				t.Errorf("%s: %+v (%v)", what, state, err)
			}
		})
		if again := finish(t, left); again.Events > 0 {
			t.Errorf("%s: %d events were left over", what, again.Events)
		}
	}
	t.Logf("seed %d: %d cuts over %d operations, %d scavenges were unfinished", seed, cuts, operations, unfinished)
	if unfinished < cuts/4 {
		t.Errorf("only %d of %d cuts hit a scavenge at work", unfinished, cuts)
	}
}

// What a scavenge of a running node has removed is gone for good when it says so.
func TestScavengedFilesDoNotComeBack(t *testing.T) {
	mark := []byte("what must not come back")
	disk := vfs.NewCrashableMem()
	wornStore(t, disk, mark)
	n := start(t, func(c *Config) { *c = crashedConfig(disk) })
	if len(filesWith(t, disk, mark)) == 0 {
		t.Fatal("control: the mark is in no file before")
	}
	if _, err := n.Scavenge(within(t), ScavengeOptions{}); err != nil {
		t.Fatal(err)
	}
	if with := filesWith(t, disk.CrashClone(vfs.CrashCloneCfg{}), mark); len(with) > 0 {
		t.Errorf("after a power cut a removed event is in %v", with)
	}
}

// cutAt runs a scavenge and calls cut before the given operation that changes
// the disk. It says how many there were.
func cutAt(t *testing.T, disk *vfs.MemFS, at int, cut func(*vfs.MemFS)) int {
	t.Helper()
	var operations atomic.Int64
	counted := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && operations.Add(1) == int64(at)+1 && cut != nil {
			cut(disk)
		}
		return nil
	}))
	finish(t, counted)
	return int(operations.Load())
}

// places is what writers were told of the places of their events, kept outside
// the system.
type places struct {
	mu    sync.Mutex
	at    map[uuid.UUID]place
	acks  atomic.Int64
	moved chan struct{}
	// rest is held while a cut is examined, so that the log does not outgrow
	// the examination.
	rest sync.RWMutex
}

const (
	crashStreams = 5
	acksBetween  = 40 // two cuts, at most
)

type place struct {
	stream string
	rev    int64
}

func newPlaces() *places {
	return &places{at: map[uuid.UUID]place{}, moved: make(chan struct{}, 1)}
}

func (p *places) examine(check func()) {
	p.rest.Lock()
	defer p.rest.Unlock()
	check()
}

func (p *places) copy() map[uuid.UUID]place {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.at)
}

func (p *places) writeUntil(ctx context.Context, t *testing.T, c *esdb.Client, r *rand.Rand) {
	for ctx.Err() == nil {
		stream, events := fmt.Sprintf("cut-%d", r.IntN(crashStreams)), make([]esdb.EventData, 1+r.IntN(3))
		for i := range events {
			events[i] = esdb.EventData{EventID: uuid.New(), EventType: "x", Data: make([]byte, r.IntN(200))}
		}
		p.rest.RLock()
		w, err := c.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, events...)
		p.rest.RUnlock()
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		p.mu.Lock()
		for i, e := range events {
			p.at[e.EventID] = place{stream, int64(w.NextExpectedVersion) - int64(len(events)-1-i)}
		}
		p.mu.Unlock()
		p.acks.Add(1)
		wake(p.moved)
	}
}

// Under load, with power cuts at any moment: nothing that a reader could see is
// ever removed, and of what writers were told nothing else is missing.
func TestPowerCutWhileScavenging(t *testing.T) {
	t.Parallel()
	const seed, limit = 3, 7
	cuts := times(10, 60, 600)
	disk := vfs.NewCrashableMem()
	n := start(t, func(c *Config) { *c, c.lazyTables = crashedConfig(disk), false })
	c := connect(t, n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for i := range crashStreams {
		past{t: t, n: n, c: c}.set(fmt.Sprintf("cut-%d", i), maxCountOf(limit))
	}
	p := newPlaces()
	var running sync.WaitGroup
	for w := range 4 {
		running.Go(func() { p.writeUntil(ctx, t, c, rand.New(rand.NewPCG(seed, uint64(w)))) })
	}
	scavenges, removed := 0, int64(0)
	running.Go(func() {
		for ctx.Err() == nil {
			report, err := n.Scavenge(ctx, ScavengeOptions{})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
				return
			}
			scavenges++
			removed += report.Events
		}
	})
	r := rand.New(rand.NewPCG(seed, 1000))
	for range cuts {
		for until := p.acks.Load() + int64(r.IntN(acksBetween)); p.acks.Load() < until; {
			<-p.moved
		}
		told := p.copy()
		after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[r.IntN(3)], RNG: r})
		p.examine(func() { checkScavengedCut(t, after, told, limit) })
	}
	cancel()
	running.Wait()
	t.Logf("seed %d: %d cuts, %d scavenges removed %d events", seed, cuts, scavenges, removed)
	if scavenges < 3 || removed < 20 {
		t.Error("too little was scavenged to show anything")
	}
}

// checkScavengedCut holds a folder against what writers were told: what is not
// there any more is below the floor of its stream, and that is hidden.
func checkScavengedCut(t *testing.T, disk *vfs.MemFS, told map[uuid.UUID]place, limit int64) {
	t.Helper()
	lookInto(t, disk, func(s *store) {
		floors, there := map[string]int64{}, map[place]uuid.UUID{}
		for i := range crashStreams {
			name := fmt.Sprintf("cut-%d", i)
			h, _, err := s.loadHead(name)
			if err != nil {
				t.Fatal(err)
			}
			if h.floor > max(h.last-limit+1, 0) {
				t.Errorf("%s lost events that its readers see: %+v", name, h)
			}
			floors[name] = h.floor
		}
		log := recordsOf(t, s)
		for _, r := range log {
			there[place{string(r.name), r.rev}] = r.id
		}
		for id, at := range told {
			if at.rev >= floors[at.stream] && there[at] != id {
				t.Errorf("acknowledged event %s@%d is lost", at.stream, at.rev)
			}
		}
	})
}
