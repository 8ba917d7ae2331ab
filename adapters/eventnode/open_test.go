package eventnode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
)

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	err := Config{Advertise: "x", MaxAppendBytes: 17 << 20, CacheBytes: -1, Security: &Security{
		AdminPassword: strings.Repeat("x", longestPassword+1), OpsPassword: strings.Repeat("x", longestPassword+1),
		Users: []User{{Name: "a:b", Password: "x"}, {Name: "admin", Password: "x"}, {Name: "c"}, {Name: "d", Password: "x", Groups: []string{"$all"}}},
	}}.Validate()
	for _, field := range []string{"Dir", "Listen", "Advertise", "MaxAppendBytes", "CacheBytes", "Clock", "Security.CertFile",
		"Security.AdminPassword", "Security.OpsPassword", "Security.Users[0]", "Security.Users[1]", "Security.Users[2]", "Security.Users[3]"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestFolderHasOneNode(t *testing.T) {
	dir := t.TempDir()
	start(t, func(c *Config) { c.Dir = dir })
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, spelled := range []string{dir, dir + "/", dir + "/../" + filepath.Base(dir), link} {
		_, err := Open(Config{Dir: spelled, Listen: "127.0.0.1:0", Clock: time.Now})
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", spelled, err)
		}
	}
}

func TestPortInUseIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Open(Config{Dir: t.TempDir(), Listen: l.Addr().String(), Clock: time.Now})
	if !errors.Is(err, ErrPortInUse) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("%v", err)
	}
}

func TestFolderOfSomethingElseIsRefused(t *testing.T) {
	for name, fill := range map[string]func(t *testing.T, dir string){
		"keys of another program": func(t *testing.T, dir string) {
			put(t, dir, []byte("k"), []byte("v"))
		},
		"a later format": func(t *testing.T, dir string) {
			put(t, dir, markKey(formatMark), []byte("tracekeep-eventnode-2"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir)
			if _, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now}); !errors.Is(err, ErrUnknownFormat) {
				t.Errorf("%v", err)
			}
		})
	}
}

// put writes a key behind the node's back.
func put(t *testing.T, dir string, key, value []byte) {
	t.Helper()
	db, err := pebble.Open(dir, engineOptions(Config{Dir: dir}.withDefaults(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set(key, value, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	at := func(c *Config) { c.Dir = dir }
	n := start(t, at)
	c := connect(t, n)
	known := event("a", `{}`)
	before := appendTo(t, c, "kept", esdb.AppendToStreamOptions{}, known, event("b", `{"n":2}`))
	if _, err := c.SetStreamMetadata(context.Background(), "kept", esdb.AppendToStreamOptions{}, maxCount(5)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatalf("a second close: %v", err)
	}

	c = connect(t, start(t, at))
	s, err := c.ReadAll(context.Background(), esdb.ReadAllOptions{From: esdb.Start{}}, 100)
	if got := collect(t, s, err); len(got) != 3 || got[1].Event.Position.Commit != before.CommitPosition {
		t.Fatalf("%d events after the restart", len(got))
	}
	m, err := c.GetStreamMetadata(context.Background(), "kept", esdb.ReadStreamOptions{})
	if err != nil || *m.MaxCount() != 5 {
		t.Fatalf("metadata %v (%v)", m, err)
	}
	// A repetition right after a start is recognised too.
	again := appendTo(t, c, "kept", esdb.AppendToStreamOptions{}, known)
	if again.NextExpectedVersion != 0 {
		t.Errorf("a repetition was written as revision %d", again.NextExpectedVersion)
	}
	next := appendTo(t, c, "kept", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(1)}, event("c", `{}`))
	if next.CommitPosition <= before.CommitPosition {
		t.Errorf("position %d after %d", next.CommitPosition, before.CommitPosition)
	}
}

func maxCount(n uint64) esdb.StreamMetadata {
	m := esdb.StreamMetadata{}
	m.SetMaxCount(n)
	return m
}

func TestHealthIsOnTheSamePort(t *testing.T) {
	n := start(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/health/live": http.StatusNoContent, "/info": http.StatusOK, "/other": http.StatusNotFound} {
		resp, err := client.Get("http://" + n.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %d", path, resp.StatusCode)
		}
	}
	n.ready.Store(false)
	resp, err := client.Get("http://" + n.Addr() + "/health/live")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a node that is not ready answers %d", resp.StatusCode)
	}
}

// A connection that never says anything does not hold up Close.
func TestSilentConnection(t *testing.T) {
	n := start(t)
	c, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("PR")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := n.Close(); err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("close took %v (%v)", time.Since(began), err)
	}
}
