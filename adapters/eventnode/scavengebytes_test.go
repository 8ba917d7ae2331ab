package eventnode

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// canary is a value that occurs nowhere by chance. It is random to the byte, so
// that the compression of tables leaves its halves whole.
type canary struct {
	value   []byte
	doomed  bool // its event is hidden and must go
	stream  string
	pos     int64
	foundIn string // the file in which it was found before
}

// canaries fills a store with events whose data, or metadata, is a canary.
type canaries struct {
	t   *testing.T
	c   *esdb.Client
	all []*canary
}

func (k *canaries) append(stream string, count int, doomed bool) {
	k.t.Helper()
	for range count {
		x := &canary{value: make([]byte, 32), stream: stream, doomed: doomed}
		rand.Read(x.value)
		e := esdb.EventData{EventID: uuid.New(), EventType: "canary", ContentType: esdb.ContentTypeBinary}
		if len(k.all)%2 == 0 {
			e.Data = x.value
		} else {
			e.Metadata = x.value
		}
		x.pos = int64(appendTo(k.t, k.c, stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e).CommitPosition)
		k.all = append(k.all, x)
	}
}

// spare lets the last event of a stream stay after all.
func (k *canaries) spare(stream string) {
	for i := len(k.all) - 1; i >= 0; i-- {
		if k.all[i].stream == stream {
			k.all[i].doomed = false
			return
		}
	}
}

// A byte search over every file of the folder finds everything before, and
// after a scavenge what must stay and nothing of what was removed; no table has
// a record of it either. The node serves all the while.
func TestScavengedBytesAreInNoFile(t *testing.T) {
	for name, tt := range map[string]struct {
		rounds, kept, doomed int
		settled              bool
	}{
		"written just before":               {20, 3, 3, false},
		"long settled in the lowest tables": {8, 30, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newMovedClock()
			n := start(t, func(c *Config) { c.Clock, c.memTable, c.lazyTables = clock.read, crashMemTable, true })
			s := past{t: t, n: n, c: connect(t, n), clock: clock}
			k := &canaries{t: t, c: s.c}
			k.fill(s, tt.rounds, tt.kept, tt.doomed)
			if tt.settled {
				if err := n.store.db.Compact(within(t), []byte{0}, []byte{0xff}, false); err != nil {
					t.Fatal(err)
				}
			}
			k.wantAll(n)
			busy := sync.OnceFunc(func() { k.append("kept", 200, false) })
			report, err := n.Scavenge(within(t), ScavengeOptions{Progress: func(ScavengeProgress) { busy() }})
			if err != nil {
				t.Fatal(err)
			}
			if doomed := k.count(true); report.Events < int64(doomed) || report.Streams < 5 || report.DiskBefore == 0 || report.DiskAfter == 0 {
				t.Errorf("%d events had to go, the report is %+v", doomed, report)
			}
			k.wantGone(n)
		})
	}
}

// A table that somebody still reads keeps its bytes on the disk, and the
// scavenge from ending.
func TestScavengeOutlastsTheReadersOfOldTables(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	k := &canaries{t: t, c: s.c}
	k.append("s", 20, true)
	k.spare("s")
	s.set("s", maxCountOf(1))
	if err := n.store.db.Flush(); err != nil {
		t.Fatal(err)
	}
	reader, err := n.store.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{}, 1)
	run, err := n.scavenges.start(within(t), ScavengeOptions{Progress: func(p ScavengeProgress) {
		if p.Phase == ScavengeCleans && p.Done < p.Total {
			wake(waiting)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case <-waiting:
		case <-run.done:
		}
	}
	k.wantAll(n)
	if run.over() {
		t.Error("the scavenge ended before the bytes were gone")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	<-run.done
	if run.err != nil {
		t.Fatal(run.err)
	}
	k.wantGone(n)
}

// wantAll is the control of the search.
func (k *canaries) wantAll(n *Node) {
	k.t.Helper()
	k.search(n.cfg.Dir, func(x *canary, file string) { x.foundIn = file })
	for _, x := range k.all {
		if x.foundIn == "" {
			k.t.Fatalf("control: the canary at position %d of %s is in no file before", x.pos, x.stream)
		}
	}
}

// fill interleaves what will go with what will stay, over many tables.
func (k *canaries) fill(s past, rounds, kept, doomed int) {
	for range rounds {
		k.append("kept", kept, false)
		k.append("count", doomed, true)
		k.append("cut", doomed, true)
		k.append("deleted", doomed, true)
		k.append("ended", doomed, true)
		k.append("$$ended", 1, true) // metadata too may say much
	}
	for _, stream := range []string{"count", "cut", "deleted"} {
		k.spare(stream)
	}
	s.set("count", maxCountOf(1))
	s.set("cut", truncateBefore(1000))
	s.delete("deleted")
	s.tombstone("ended")
	s.set("aged", maxAgeOf(time.Hour))
	k.append("aged", rounds*doomed, true)
	s.clock.pass(2 * time.Hour)
	k.append("aged", 1, false)
}

func (k *canaries) count(doomed bool) int {
	n := 0
	for _, x := range k.all {
		if x.doomed == doomed {
			n++
		}
	}
	return n
}

// wantGone looks into the bytes of all files and into the records of all tables.
func (k *canaries) wantGone(n *Node) {
	k.t.Helper()
	kept := map[int64]bool{}
	k.search(n.cfg.Dir, func(x *canary, file string) {
		if x.doomed {
			k.t.Errorf("the canary at position %d of %s, before in %s, is in %s", x.pos, x.stream, filepath.Base(x.foundIn), filepath.Base(file))
		}
		kept[x.pos] = true
	})
	if want := k.count(false); len(kept) != want {
		k.t.Errorf("control: %d of %d canaries that stay were found", len(kept), want)
	}
	for _, file := range k.files(n.cfg.Dir) {
		if isTableFile(file) {
			k.wantNoRecords(file)
		}
	}
}

func (k *canaries) files(dir string) []string {
	k.t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

// search tells in which files a canary is.
func (k *canaries) search(dir string, found func(x *canary, file string)) {
	k.t.Helper()
	for _, file := range k.files(dir) {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) { // compacted meanwhile
			continue
		}
		if err != nil {
			k.t.Fatal(err)
		}
		for _, x := range k.all {
			// A log cuts its records into chunks; one half is whole in any case.
			if half := len(x.value) / 2; bytes.Contains(b, x.value[:half]) || bytes.Contains(b, x.value[half:]) {
				found(x, file)
			}
		}
	}
}

// wantNoRecords reads a table as pebble has it, everything hidden included.
func (k *canaries) wantNoRecords(file string) {
	k.t.Helper()
	f, err := vfs.Default.Open(file)
	if err != nil {
		k.t.Fatal(err)
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		k.t.Fatal(err)
	}
	options := engineOptions(Config{}.withDefaults(), nil)
	options.EnsureDefaults()
	r, err := sstable.NewReader(context.Background(), readable, options.MakeReaderOptions())
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Close()
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		k.t.Fatal(err)
	}
	defer it.Close()
	doomed := map[string]bool{}
	for _, x := range k.all {
		if x.doomed {
			doomed[string(logKey(x.pos))] = true
		}
	}
	for kv := it.First(); kv != nil; kv = it.Next() {
		if kv.Kind() == pebble.InternalKeyKindSet && doomed[string(kv.K.UserKey)] {
			k.t.Errorf("%s has a record under %x", filepath.Base(file), kv.K.UserKey)
		}
	}
}
