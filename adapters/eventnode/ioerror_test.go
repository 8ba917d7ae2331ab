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
	once sync.Once
	dead chan struct{}
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

func (p *deadProcess) stopDisk() {
	if p.ended() {
		select {}
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
	e := &engine{store: s, q: newSequencer(s, c, warm), stop: make(chan struct{})}
	warm <- s.recent(idMemoryLimit, e.stop)
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
			r.events = append(r.events, partOf(id, at, 3, randomBytes(uint64(100*round+i), 3000)))
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

func randomBytes(seed uint64, n int) []byte {
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
	step := int64(times(23, 1, 1))
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
			if failed < int(300/step) || ended == 0 {
				t.Errorf("only %d calls failed, %d ended the process", failed, ended)
			}
		}
	}
}

func failNth(t *testing.T, nth int64, what error, forever bool) (hit, dead bool) {
	t.Helper()
	l := &life{process: newProcess(), told: newLedger()}
	var failure atomic.Pointer[diskOp]
	l.disk = newFaultDisk(func(op diskOp) error {
		l.process.stopDisk()
		if first := failure.Load(); op.what == "close" && first != nil && first.log() && enginePanics() {
			l.process.OnWrite(nil, nil) // it closes a log that failed, to begin the next
		}
		if op.n == nth || forever && op.n > nth && failure.Load() != nil {
			if what == error(syscall.ENOSPC) && op.size == 0 {
				return nil // needs no space
			}
			failure.CompareAndSwap(nil, &op)
			if enginePanics() {
				l.process.OnWrite(nil, nil)
			}
			return &errnoError{op, what}
		}
		return nil
	})
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
