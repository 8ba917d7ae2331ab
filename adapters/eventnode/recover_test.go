package eventnode

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

func someMark() durableMark {
	return durableMark{
		Format: markFormat, Node: uuid.MustParse("6f1ed002-ab59-4cc8-9d5c-2ee1b2e3c0a1"), Position: 4711, Flushed: 100,
		Manifest: "MANIFEST-000001", Whole: 77, Clean: true, Files: []filedEntry{{Name: "000004.sst", Size: 12}, {Name: "000005.log", Size: 3, Sum: new(uint32(9))}},
	}
}

// Every changed bit and every missing end of the mark is found.
func TestDamagedMarkIsFound(t *testing.T) {
	good, err := someMark().encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := decodeMark(good)
	if err != nil || m.Position != 4711 || len(m.Files) != 2 || *m.Files[1].Sum != 9 {
		t.Fatalf("%+v (%v)", m, err)
	}
	for i := range good {
		for bit := range 8 {
			good[i] ^= 1 << bit
			if m, err := decodeMark(good); err == nil {
				t.Fatalf("bit %d of byte %d changed unnoticed: %+v", bit, i, m)
			}
			good[i] ^= 1 << bit
		}
		if _, err := decodeMark(good[:i]); err == nil {
			t.Fatalf("cut off after %d bytes unnoticed", i)
		}
	}
	later := someMark()
	later.Format = markFormat + 1
	b, err := later.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeMark(b); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("a later format: %v", err)
	}
}

// FuzzMark feeds the decoder with anything: it takes nothing but what it makes.
func FuzzMark(f *testing.F) {
	good, err := someMark().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n00000000\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMark(b)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeMark(again); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", b, again, err)
		}
	})
}

// FuzzManifest: whatever the manifest holds, it is read without a panic, and
// what is found whole lies inside.
func FuzzManifest(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 40_000))
	f.Fuzz(func(t *testing.T, b []byte) {
		if end, _ := wholeUntil(b); end < 0 || end > len(b) && end%manifestBlock != 0 {
			t.Fatalf("%d bytes are whole up to %d", len(b), end)
		}
	})
}

// inMemory is the configuration of a store on a disk in memory.
func inMemory(disk vfs.FS) Config {
	return Config{FS: disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, CacheBytes: 1 << 20}.withDefaults()
}

func appendOne(t *testing.T, e *engine, stream string) outcome {
	t.Helper()
	o, err := e.q.write(context.Background(), &writeRequest{stream: stream, expected: expectAny, events: []proposed{partOf(uuid.New(), 0, 1, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func openPlain(t *testing.T, disk vfs.FS) *engine {
	t.Helper()
	e, err := openEngine(inMemory(disk))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What a crash leaves after a clean stop is not held against what the stop left,
// whenever it comes while the node starts again.
func TestCrashAfterACleanStop(t *testing.T) {
	var crashed []*vfs.MemFS
	var disk *faultDisk
	var armed atomic.Bool
	var mu sync.Mutex // pebble cleans up beside
	disk = newFaultDisk(func(op diskOp) error {
		mu.Lock()
		defer mu.Unlock()
		if armed.Load() && op.changes() {
			crashed = append(crashed, disk.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}))
		}
		return nil
	})
	e := openPlain(t, disk)
	last := appendOne(t, e, "s").pos
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	s, err := openStore(inMemory(disk))
	if err != nil {
		t.Fatal(err)
	}
	armed.Store(false)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(crashed) < 10 {
		t.Fatalf("%d crashes", len(crashed))
	}
	for i, left := range crashed {
		s, err := openStore(inMemory(left))
		if err != nil {
			t.Errorf("crash %d: %v", i, err)
			continue
		}
		if s.last != last {
			t.Errorf("crash %d: the log ends at %d, appended was up to %d", i, s.last, last)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}

// After a clean stop the files are held against what they were, whatever pebble
// thinks of them, and the message says which of them and what to do.
func TestFilesAreHeldAgainstTheCleanStop(t *testing.T) {
	for name, x := range map[string]struct {
		change func(dir string) error
		says   string
	}{
		"a log is missing":        {func(dir string) error { return eachFile(dir, "*.log", os.Remove) }, ".log"},
		"a byte of a log changed": {func(dir string) error { return eachFile(dir, "*.log", flipLast) }, ".log"},
		"a table is cut": {func(dir string) error {
			return eachFile(dir, "*.sst", func(p string) error { return os.Truncate(p, 100) })
		}, ".sst"},
		"a table appeared":           {func(dir string) error { return os.WriteFile(filepath.Join(dir, "000999.sst"), []byte("x"), 0o600) }, "000999.sst"},
		"the manifest changed":       {func(dir string) error { return eachFile(dir, "MANIFEST-*", flipLast) }, "MANIFEST"},
		"the options changed":        {func(dir string) error { return eachFile(dir, "OPTIONS-*", flipLast) }, "OPTIONS"},
		"the mark changed":           {func(dir string) error { return eachFile(dir, markFile, flipLast) }, "removing it"},
		"the manifest is not marked": {func(dir string) error { return eachFile(dir, "marker.manifest.*", os.Remove) }, "marker.manifest"},
		"all but the mark is gone": {func(dir string) error {
			return eachFile(dir, "*", func(p string) error {
				if filepath.Base(p) == markFile {
					return nil
				}
				return os.Remove(p)
			})
		}, "no data"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := variedFolder(t)
			if err := x.change(dir); err != nil {
				t.Fatal(err)
			}
			before := fingerprint(t, dir)
			n, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable, CacheBytes: 1 << 20})
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), x.says) {
				t.Errorf("opening says %v", err)
			}
			if err == nil {
				n.Close()
				return
			}
			if name != "all but the mark is gone" && fingerprint(t, dir) != before {
				t.Error("the refused folder was changed")
			}
		})
	}
}

func eachFile(dir, pattern string, do func(path string) error) error {
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err == nil && len(paths) == 0 {
		err = fs.ErrNotExist
	}
	for _, path := range paths {
		err = errors.Join(err, do(path))
	}
	return err
}

func flipLast(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)-1] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// A mark that is removed makes the next start verify everything; a mark of
// another folder is refused, and so is a log that ends before the mark.
func TestMarkAndLogBelongTogether(t *testing.T) {
	disk := vfs.NewMem()
	e := openPlain(t, disk)
	last := appendOne(t, e, "s").pos
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	good, err := readMark(disk, "store")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m *durableMark){
		"of another node":        func(m *durableMark) { m.Node = uuid.New() },
		"after the log":          func(m *durableMark) { m.Position = last + 1 },
		"of a longer manifest":   func(m *durableMark) { m.Whole += 1000 },
		"after the log's tables": func(m *durableMark) { m.Position, m.Flushed = last+1, last+1 },
	} {
		bad := *good
		bad.Clean, bad.Files = false, nil
		change(&bad)
		if err := writeMark(disk, "store", bad); err != nil {
			t.Fatal(err)
		}
		s, err := openStore(inMemory(disk))
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("a mark %s: %v", name, err)
		}
		if err == nil {
			s.close()
		}
	}
	if err := disk.Remove("store/" + markFile); err != nil {
		t.Fatal(err)
	}
	e = openPlain(t, disk)
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
}

// A record that vanished with all that knows of it is missed all the same, when
// the node starts after a crash too.
func TestHoleInTheLogIsFound(t *testing.T) {
	disk := vfs.NewCrashableMem()
	e := openPlain(t, disk)
	appendOne(t, e, "s")
	gone := appendOne(t, e, "lonely")
	appendOne(t, e, "s")
	h, _, err := e.loadHead("lonely")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{logKey(gone.pos), streamKey(h.no, 0), headKey(h.no), nameKey("lonely")} {
		err = errors.Join(err, e.db.Delete(key, pebble.Sync))
	}
	crashed := disk.CrashClone(vfs.CrashCloneCfg{})
	if err = errors.Join(err, e.close()); err != nil {
		t.Fatal(err)
	}
	before := crashed.String()
	s, err := openStore(inMemory(crashed))
	if crashed.String() != before {
		t.Errorf("the refused folder was changed:\n%s\n%s", before, crashed)
	}
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "hole") {
		t.Errorf("opening says %v", err)
		if err == nil {
			s.close()
		}
	}
}

// Whichever file or folder the failed sync is of, the process ends.
func TestAnyFailedSyncEndsTheProcess(t *testing.T) {
	if !inChild(t) {
		return
	}
	for _, kind := range []string{"sync log", "sync sst", "sync MANIFEST", "sync folder", "sync durable-mark"} {
		var armed, failed atomic.Bool
		l := &life{process: newProcess(), told: newLedger()}
		l.disk = newFaultDisk(l.process.disk(func(op diskOp) error {
			if armed.Load() && op.kind() == kind && !failed.Swap(true) {
				return &errnoError{op, syscall.EIO}
			}
			return nil
		}))
		e, err := openEngine(l.config())
		if err != nil {
			t.Fatal(err)
		}
		armed.Store(true)
		l.writeAtOnce(e, 4)
		after := 0
		until(t, kind+" fails", func() bool {
			if after == 0 && failed.Load() {
				after = l.told.size()
			}
			return l.process.ended() || after > 0 && l.told.size() > after+5000
		})
		if !l.process.ended() {
			t.Fatalf("%s failed, and the process goes on", kind)
		}
	}
}

// The mark of a running node moves on, so that a crash after a long time leaves
// little to verify.
func TestMarkFollowsTheLog(t *testing.T) {
	disk := vfs.NewCrashableMem()
	c := inMemory(disk)
	markOften(&c)
	e, err := openEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	for range 100 {
		last = appendOne(t, e, "s").pos
	}
	until(t, "the mark is at the end", func() bool {
		m, err := readMark(disk, "store")
		return err == nil && !m.Clean && m.Position == last
	})
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	m, err := readMark(disk, "store")
	if err != nil || !m.Clean || m.Position != last || len(m.Files) == 0 {
		t.Errorf("after the stop the mark is %+v (%v)", m, err)
	}
}
