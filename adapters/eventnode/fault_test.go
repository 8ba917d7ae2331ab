package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
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

// After a failed sync a client gets no answer, and the node goes down through
// the fatal log entry that ends a process.
func TestNoAnswerAfterFailedSync(t *testing.T) {
	if !inChild(t) {
		return
	}
	var failing atomic.Bool
	process := newProcess()
	disk := newFaultDisk(process.disk(func(op diskOp) error {
		if op.what == "sync" && failing.Load() {
			return syscall.EIO
		}
		return nil
	}))
	n, err := Open(Config{Dir: "store", FS: disk, Listen: "127.0.0.1:0", Clock: time.Now, Log: process.log()})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, n)
	letters(t, c, "s", "a")
	before := n.store.mark.position()
	failing.Store(true)
	waiting, cancel := context.WithCancel(within(t))
	go func() {
		<-process.dead
		cancel()
	}()
	_, err = c.AppendToStream(waiting, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, event("b", `{}`))
	if err == nil {
		t.Error("acknowledged although the disk refused")
	}
	if !process.ended() {
		t.Error("the process would have gone on")
	}
	if n.store.mark.position() != before {
		t.Error("readers may see what is not on the disk")
	}
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
