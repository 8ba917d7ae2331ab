package eventnode

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// deadProcess plays the end of the process: whoever ends it, and whoever calls
// the disk afterwards, never returns. Run it in a child, which really ends.
type deadProcess struct {
	once      sync.Once
	dead      chan struct{}
	logFailed atomic.Bool
}

func newProcess() *deadProcess { return &deadProcess{dead: make(chan struct{})} }

// OnWrite is called for a fatal log entry.
func (p *deadProcess) OnWrite(*zapcore.CheckedEntry, []zapcore.Field) {
	p.once.Do(func() { close(p.dead) })
	select {}
}

// enginePanics: the caller is in code that ends the process by a panic when the
// disk fails, with locks held, so that nobody could catch it.
func enginePanics() bool {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "atomicfs.(*Marker).Move") || strings.HasSuffix(f.Function, "(*DB).rotateWAL") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (p *deadProcess) log() *zap.Logger {
	return zap.New(zapcore.NewNopCore(), zap.WithFatalHook(p))
}

func (p *deadProcess) ended() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// disk decides for a disk that the process uses.
func (p *deadProcess) disk(decide func(diskOp) error) func(diskOp) error {
	return func(op diskOp) error {
		if p.ended() {
			select {}
		}
		if op.what == "close" && p.logFailed.Load() && enginePanics() {
			p.OnWrite(nil, nil) // it closes a log that failed, to begin the next
		}
		err := decide(op)
		if err != nil && op.log() {
			p.logFailed.Store(true)
		}
		if err != nil && enginePanics() {
			p.OnWrite(nil, nil)
		}
		return err
	}
}

// life is a node without a network, on a disk that may fail, and what it told.
type life struct {
	disk    *faultDisk
	process *deadProcess
	told    *ledger
}

func (l *life) config() Config {
	c := Config{
		FS: l.disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now, Log: l.process.log(),
		memTable: crashMemTable, CacheBytes: 1 << 20,
	}
	markOften(&c)
	return c.withDefaults()
}

// engine is a store with its sequencer.
type engine struct {
	*store
	q       *sequencer
	stop    chan struct{}
	running sync.WaitGroup
}

func openEngine(c Config) (*engine, error) {
	s, err := openStore(c)
	if err != nil {
		return nil, err
	}
	warm := make(chan warmth, 1)
	e := &engine{store: s, q: newSequencer(s, c, nil, warm), stop: make(chan struct{})}
	warm <- s.recent(c.Limits.IDs, e.stop)
	e.running.Go(e.q.run)
	e.running.Go(e.q.settle)
	e.running.Go(func() { s.keepMarks(e.stop) })
	return e, nil
}

func (e *engine) close() error {
	close(e.stop)
	close(e.q.stop)
	e.running.Wait()
	return e.store.close()
}

// live opens, appends until memory tables were flushed, compacts, reads, closes
// and opens again, and stops at the first error.
func (l *life) live() error {
	for round := range 2 {
		e, err := openEngine(l.config())
		if err != nil {
			return err
		}
		err = l.use(e, round)
		if err = errors.Join(err, e.close()); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) use(e *engine, round int) error {
	for i := range 14 {
		id := uuid.New()
		r := &writeRequest{stream: fmt.Sprint("s", i%3), expected: expectAny}
		for at := range 3 {
			r.events = append(r.events, partOf(id, at, 3, seededBytes(uint64(100*round+i), 3000)))
		}
		o, err := e.q.write(context.Background(), r)
		if err != nil {
			return err
		}
		l.told.ack(r, o)
	}
	if err := e.db.Compact(context.Background(), []byte{0}, []byte{255}, false); err != nil {
		return err
	}
	e.last = e.mark.position()
	log, err := wholeLog(e.store)
	if err != nil {
		return err
	}
	return l.told.check(log)
}

func seededBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// after holds both ends of what a power cut may leave against the ledger.
func (l *life) after() error {
	for _, kept := range []int{0, 100} {
		disk := l.disk.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, 1))})
		c := l.config()
		c.FS, c.Log = disk, zap.NewExample()
		s, err := openStore(c.withDefaults())
		if err != nil {
			return fmt.Errorf("%d%% kept: restart: %w", kept, err)
		}
		log, err := wholeLog(s)
		if err == nil {
			err = errors.Join(l.told.copy().check(log), checkInvariants(s, log))
		}
		if err = errors.Join(err, s.close()); err != nil {
			return fmt.Errorf("%d%% kept: %w", kept, err)
		}
	}
	return nil
}

// Whichever call to the disk fails, once or from then on, nothing that was
// acknowledged is lost and nothing else is shown: the node says so, or ends the
// process, and starts again on what the disk has.
func TestEveryDiskCallMayFail(t *testing.T) {
	if !inChild(t) {
		return
	}
	step := int64(times(151, 7, 1))
	all, allEnded := 0, 0
	for _, forever := range []bool{true, false} {
		for _, what := range []error{syscall.EIO, syscall.ENOSPC} {
			failed, ended := 0, 0
			for nth := int64(1); ; nth += step {
				hit, dead := failNth(t, nth, what, forever)
				if !hit {
					break
				}
				failed++
				if dead {
					ended++
				}
			}
			t.Logf("%v, forever %t: %d calls failed one after the other, %d ended the process", what, forever, failed, ended)
			all, allEnded = all+failed, allEnded+ended
		}
	}
	if all < int(1200/step) || allEnded == 0 {
		t.Errorf("only %d calls failed, %d ended the process", all, allEnded)
	}
}

func failNth(t *testing.T, nth int64, what error, forever bool) (hit, dead bool) {
	t.Helper()
	l := &life{process: newProcess(), told: newLedger()}
	var failure atomic.Pointer[diskOp]
	l.disk = newFaultDisk(l.process.disk(func(op diskOp) error {
		if op.n == nth || forever && op.n > nth && failure.Load() != nil {
			if errors.Is(what, syscall.ENOSPC) && op.size == 0 {
				return nil // needs no space
			}
			failure.CompareAndSwap(nil, &op)
			return &errnoError{op, what}
		}
		return nil
	}))
	ended := make(chan error, 1)
	go func() { ended <- l.live() }()
	var err error
	select {
	case err = <-ended:
	case <-l.process.dead:
		dead = true
	case <-within(t).Done():
		t.Fatalf("call %d (%+v), forever %t, %v: the node hangs", nth, failure.Load(), forever, what)
	}
	op := failure.Load()
	if op == nil {
		if err != nil {
			t.Fatalf("call %d: %v although nothing failed", nth, err)
		}
		return l.disk.ops.Load() >= nth, false
	}
	if after := l.after(); after != nil {
		t.Errorf("call %d (%s %s) fails with %v, forever %t; the node said %v, ended %t: %v", nth, op.what, op.path, what, forever, err, dead, after)
	}
	return true, dead
}

// errnoError is what a failed call to the disk looks like.
type errnoError struct {
	op  diskOp
	err error
}

func (e *errnoError) Error() string { return e.op.what + " " + e.op.path + ": " + e.err.Error() }
func (e *errnoError) Unwrap() error { return e.err }

// begin opens the store; nil means that the process ended meanwhile.
func (l *life) begin(t *testing.T) *engine {
	t.Helper()
	opened := make(chan *engine, 1)
	go func() { // of a process that ends nothing returns
		e, err := openEngine(l.config())
		if err != nil {
			t.Error(err)
		}
		opened <- e
	}()
	select {
	case e := <-opened:
		return e
	case <-l.process.dead:
		return nil
	}
}

// writeAtOnce appends from several goroutines until the process ends.
func (l *life) writeAtOnce(e *engine, writers int) {
	for w := range writers {
		go func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for !l.process.ended() {
				req := someRequest(r)
				o, err := e.q.write(context.Background(), req)
				if err == nil && o.ruling == rulingWrite {
					l.told.ack(req, o)
				}
			}
		}()
	}
}

// After a sync of the log fails, once, nothing more is acknowledged than what
// was on the disk before, readers see no further, the process ends, and the
// folder opens again.
func TestNothingIsAcknowledgedAfterAFailedSync(t *testing.T) {
	if !inChild(t) {
		return
	}
	total := 0
	for seed := range uint64(times(3, 20, 500)) {
		nth := 1 + rand.New(rand.NewPCG(seed, 3)).Int64N(40)
		l := &life{process: newProcess(), told: newLedger()}
		var syncs atomic.Int64
		l.disk = newFaultDisk(l.process.disk(func(op diskOp) error {
			if op.what == "sync" && op.log() && syncs.Add(1) == nth {
				return &errnoError{op, syscall.EIO}
			}
			return nil
		}))
		if e := l.begin(t); e != nil {
			l.writeAtOnce(e, 8)
			select {
			case <-l.process.dead:
			case <-within(t).Done():
				t.Fatalf("seed %d: the process goes on", seed)
			}
			total += l.told.size()
			if err := l.seesOnlyWhatIsThere(e); err != nil {
				t.Errorf("seed %d, sync %d: %v", seed, nth, err)
			}
		}
		if err := l.after(); err != nil {
			t.Errorf("seed %d, sync %d: %v", seed, nth, err)
		}
	}
	if total == 0 {
		t.Error("nothing was acknowledged before a sync failed")
	}
}

// seesOnlyWhatIsThere: readers see nothing that the disk has not.
func (l *life) seesOnlyWhatIsThere(e *engine) error {
	shown := e.mark.position()
	c := l.config()
	c.FS, c.Log = l.disk.mem.CrashClone(vfs.CrashCloneCfg{}), zap.NewExample()
	s, err := openStore(c)
	if err != nil {
		return err
	}
	if s.last < shown {
		err = fmt.Errorf("readers see up to position %d, the disk has %d", shown, s.last)
	}
	return errors.Join(err, s.close())
}

// A disk that runs full ends the process; while it is full the node does not
// start; with room again it goes on, and nothing that was acknowledged is lost.
func TestDiskRunsFull(t *testing.T) {
	if !inChild(t) {
		return
	}
	for seed := range uint64(times(1, 10, 200)) {
		r := rand.New(rand.NewPCG(seed, 4))
		l := &life{process: newProcess(), told: newLedger()}
		var room atomic.Int64
		room.Store(10_000 + r.Int64N(900_000))
		l.disk = newFaultDisk(l.process.disk(func(op diskOp) error {
			if op.what == "write" && room.Add(-int64(op.size)) < 0 {
				return &errnoError{op, syscall.ENOSPC}
			}
			return nil
		}))
		e := l.begin(t)
		if e == nil {
			t.Fatalf("seed %d: the process ended before it began", seed)
		}
		l.writeAtOnce(e, 4)
		select {
		case <-l.process.dead:
		case <-within(t).Done():
			t.Fatalf("seed %d: the process goes on", seed)
		}
		if err := l.restartsWithRoom(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if err := l.after(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// restartsWithRoom starts on the full disk, and again when it has room.
func (l *life) restartsWithRoom() error {
	left := l.disk.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	next := &life{process: newProcess(), told: l.told.copy()}
	var full atomic.Bool
	full.Store(true)
	next.disk = onDisk(left, next.process.disk(func(op diskOp) error {
		if op.what == "write" && full.Load() {
			return &errnoError{op, syscall.ENOSPC}
		}
		return nil
	}))
	ended := make(chan error, 1)
	go func() { ended <- next.live() }()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("started on a full disk: %w", err)
		}
	case <-next.process.dead:
	}
	full.Store(false)
	again := &life{process: newProcess(), told: next.told.copy()}
	again.disk = onDisk(left.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}), func(diskOp) error { return nil })
	if err := again.live(); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return again.after()
}
