package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"golang.org/x/net/http2"
)

// A record whose bytes changed under the node is reported with its position,
// whoever meets it, and never shown; its neighbours stay readable.
func TestChangedRecordIsReported(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	letters(t, c, "s", "a")
	pos := int64(letters(t, c, "s", "b"))
	letters(t, c, "s", "c")
	raw, err := n.store.get(logKey(pos))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 4
	if err := n.store.db.Set(logKey(pos), raw, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	s, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	wantDataLoss(t, s, err, pos)
	s, err = c.ReadStream(within(t), "s", esdb.ReadStreamOptions{}, 10)
	wantDataLoss(t, s, err, pos)
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{From: esdb.Revision(2)}, 10); got != "c" {
		t.Errorf("the record after it: %q", got)
	}
}

func wantDataLoss(t *testing.T, s *esdb.ReadStream, err error, pos int64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for err == nil {
		_, err = s.Recv()
	}
	if errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "DataLoss") || !strings.Contains(err.Error(), fmt.Sprintf("position %d", pos)) {
		t.Errorf("%v", err)
	}
}

// A record or an index entry that is missing is corruption, not an end.
func TestMissingRecordIsReported(t *testing.T) {
	for name, key := range map[string]func(stream uint64, pos int64) []byte{
		"record":      func(_ uint64, pos int64) []byte { return logKey(pos) },
		"index entry": func(stream uint64, _ int64) []byte { return streamKey(stream, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t)
			c := connect(t, n)
			letters(t, c, "s", "a")
			pos := int64(letters(t, c, "s", "b"))
			h, _ := n.store.heads.get("s")
			if err := n.store.db.Delete(key(h.no, pos), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			s, err := c.ReadStream(within(t), "s", esdb.ReadStreamOptions{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for err == nil {
				_, err = s.Recv()
			}
			if !strings.Contains(err.Error(), "DataLoss") {
				t.Errorf("%v", err)
			}
		})
	}
}

// Whichever byte of whichever file changes while the node is down, it refuses
// to start, or reports what it cannot read, or shows exactly what was written.
func TestFlippedBitsInFilesAreNeverSilent(t *testing.T) {
	const flips, seed = 60, 11
	origin := t.TempDir()
	n, err := Open(Config{Dir: origin, Listen: "127.0.0.1:0", Clock: time.Now, memTable: crashMemTable})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, n)
	for i := range 40 {
		letters(t, c, fmt.Sprint("s", i%3), strings.Repeat("abcdefghij", 10))
	}
	want := logOf(t, n.store)
	_ = c.Close()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(origin, "*"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	found, harmless := 0, 0
	for range flips {
		file := files[r.IntN(len(files))]
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
			t.Fatal(err)
		}
		at, size := flip(t, filepath.Join(dir, filepath.Base(file)), r)
		got, err := readAllOf(dir)
		switch {
		case err != nil:
			found++
		case bytes.Equal(got, want):
			harmless++
		default:
			t.Errorf("seed %d: bit flipped at %d of %d in %s: the log differs and nobody says so", seed, at, size, filepath.Base(file))
		}
	}
	t.Logf("seed %d: %d flips found, %d without effect on the events", seed, found, harmless)
	if found == 0 {
		t.Error("no flip was found")
	}
}

func flip(t *testing.T, file string, r *rand.Rand) (at, size int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 {
		return 0, 0
	}
	at = r.IntN(len(b))
	b[at] ^= 1 << r.IntN(8)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return at, len(b)
}

func logOf(t *testing.T, s *store) []byte {
	t.Helper()
	b, err := dumpLog(s, s.mark.position())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func dumpLog(s *store, to int64) ([]byte, error) {
	var b []byte
	for from := int64(1); ; {
		p := &page{}
		if err := s.scanLog(p, logRange{from: from, to: to}, 1<<30, 1<<30, nil); err != nil {
			return nil, err
		}
		for i := range p.recs {
			b = append(b, encodeRecord(p.recs[i])...)
		}
		if p.end {
			return b, nil
		}
		from = p.lastSeen + 1
	}
}

func readAllOf(dir string) ([]byte, error) {
	s, err := openStore(Config{Dir: dir, Clock: time.Now}.withDefaults())
	if err != nil {
		return nil, err
	}
	b, err := dumpLog(s, s.last)
	return b, errors.Join(err, s.close())
}

// What pebble shows while the disk still works on it is shown to nobody: not to
// readers of the log or of a stream, not to subscribers.
func TestNothingIsShownBeforeItIsDurable(t *testing.T) {
	var held atomic.Bool
	release := make(chan struct{})
	disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if held.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			<-release
		}
		return nil
	}))
	n := start(t, func(c *Config) { c.FS, c.Dir = disk, "store" })
	c := connect(t, n)
	letters(t, c, "old", "a")
	sub, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	wantStory(t, sub, "a|")

	held.Store(true)
	appended := make(chan error, 2)
	for _, stream := range []string{"old", "new"} {
		go func() {
			_, err := c.AppendToStream(within(t), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, event("b", `{}`))
			appended <- err
		}()
	}
	for visible := 0; visible < 3; { // to pebble
		visible = countKeys(t, n.store, spaceLog)
	}
	s, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	if got := typesOf(collect(t, s, err)); got != "a" {
		t.Errorf("the log shows %q", got)
	}
	if got := readTypes(t, c, "old", esdb.ReadStreamOptions{}, 10); got != "a" {
		t.Errorf("the stream shows %q", got)
	}
	soon, cancel := context.WithTimeout(within(t), 50*time.Millisecond)
	defer cancel()
	if rs, err := c.ReadStream(soon, "new", esdb.ReadStreamOptions{}, 10); err == nil {
		if e, err := rs.Recv(); err == nil {
			t.Errorf("a new stream shows %s", e.Event.EventType)
		}
		rs.Close()
	}
	held.Store(false)
	close(release)
	for range 2 {
		if err := <-appended; err != nil {
			t.Error(err)
		}
	}
	wantStory(t, sub, "bb")
	if got := readTypes(t, c, "new", esdb.ReadStreamOptions{}, 10); got != "b" {
		t.Errorf("in the end the new stream shows %q", got)
	}
}

// Clients ping an idle connection; the node takes that for no offence.
func TestIdleClientMayPing(t *testing.T) {
	t.Parallel()
	n := start(t)
	conn, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	// A server of other mind takes the second ping for an offence, forgives two
	// and ends the connection before it answers the fifth.
	for acks := 0; acks < 5; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("after %d pings: %v", acks, err)
		}
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			t.Fatalf("after %d pings: %v", acks, frame)
		case *http2.SettingsFrame:
			if frame.IsAck() {
				err = f.WritePing(false, [8]byte{})
			} else {
				err = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				continue
			}
			if acks++; acks == 5 {
				continue
			}
			wait, cancel := context.WithTimeout(context.Background(), 2100*time.Millisecond)
			<-wait.Done()
			cancel()
			err = f.WritePing(false, [8]byte{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
