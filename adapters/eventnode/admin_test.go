package eventnode

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// call asks the node over HTTP and decodes what it says.
func call(t *testing.T, n *Node, method, path string, into any) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(within(t), method, "http://"+n.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s %s says %s: %v", method, path, b, err)
		}
	}
	return resp.StatusCode
}

func TestScavengeOverHTTP(t *testing.T) {
	dir := t.TempDir()
	n := start(t, func(c *Config) { c.Dir = dir })
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcd")
	s.set("s", maxCountOf(1))
	if code := call(t, n, http.MethodGet, "/admin/scavenge/last", nil); code != http.StatusNotFound {
		t.Errorf("before the first scavenge the last one answers %d", code)
	}
	var begun, st ScavengeStatus
	if code := call(t, n, http.MethodPost, "/admin/scavenge?throttlePercent=90&threads=2", &begun); code != http.StatusOK || begun.Link != "/admin/scavenge/"+begun.ID.String() {
		t.Fatalf("%d, %+v", code, begun)
	}
	until(t, "the end of the scavenge", func() bool {
		st = ScavengeStatus{}
		return call(t, n, http.MethodGet, begun.Link, &st) == http.StatusOK && st.Result != ScavengeInProgress
	})
	if st.Result != ScavengeSuccess || st.Report == nil || st.Report.Events != 3 || st.Report.Streams != 1 || st.Report.ID != begun.ID {
		t.Errorf("%+v, report %+v", st, st.Report)
	}
	if got := s.log(); got != "dM" {
		t.Errorf("the log shows %q", got)
	}
	for path, want := range map[string]int{
		"/admin/scavenge/last":    http.StatusOK,
		"/admin/scavenge/current": http.StatusNotFound,
		"/admin/scavenge/none":    http.StatusNotFound,
		"/admin/other":            http.StatusNotFound,
		"/health/live":            http.StatusNoContent,
	} {
		if code := call(t, n, http.MethodGet, path, nil); code != want {
			t.Errorf("%s answers %d, want %d", path, code, want)
		}
	}
	for _, bad := range []string{"0", "101", "x"} {
		if code := call(t, n, http.MethodPost, "/admin/scavenge?throttlePercent="+bad, nil); code != http.StatusBadRequest {
			t.Errorf("throttlePercent %s answers %d", bad, code)
		}
	}
	_ = s.c.Close()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = start(t, func(c *Config) { c.Dir = dir })
	if code := call(t, n, http.MethodGet, begun.Link, &st); code != http.StatusOK || st.Result != ScavengeSuccess {
		t.Errorf("after a restart: %d, %+v", code, st)
	}
}

// heldScavenge starts a scavenge that waits in its first report of progress.
func heldScavenge(t *testing.T, n *Node) (run *scavengeRun, release func()) {
	t.Helper()
	reached, held := make(chan struct{}, 1), make(chan struct{})
	run, err := n.scavenges.start(context.Background(), ScavengeOptions{Progress: func(ScavengeProgress) {
		wake(reached)
		<-held
	}})
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	return run, func() { close(held) }
}

func TestOneScavengeAtATime(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "ab")
	run, release := heldScavenge(t, n)
	if _, err := n.Scavenge(within(t), ScavengeOptions{}); !errors.Is(err, ErrScavenging) {
		t.Errorf("a second scavenge: %v", err)
	}
	var st ScavengeStatus
	if code := call(t, n, http.MethodPost, "/admin/scavenge", &st); code != http.StatusBadRequest || st.ID != run.id {
		t.Errorf("a second scavenge over HTTP: %d, %+v", code, st)
	}
	if code := call(t, n, http.MethodGet, "/admin/scavenge/current", &st); code != http.StatusOK || st.ID != run.id || st.Progress == nil || st.Progress.Phase != ScavengeRemoves {
		t.Errorf("the current scavenge: %d, %+v", code, st)
	}
	release()
	<-run.done
	if _, err := n.Scavenge(within(t), ScavengeOptions{ThrottlePercent: 101}); err == nil {
		t.Error("more than all of the time was allowed")
	}
}

func TestStoppedScavengeSaysSo(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcd")
	s.set("s", maxCountOf(1))
	run, release := heldScavenge(t, n)
	stopped := make(chan ScavengeStatus)
	go func() {
		var st ScavengeStatus
		call(t, n, http.MethodDelete, "/admin/scavenge/"+run.id.String(), &st)
		stopped <- st
	}()
	until(t, "the wish to stop", func() bool { return run.ctx.Err() != nil })
	release()
	if st := <-stopped; st.Result != ScavengeStopped {
		t.Errorf("%+v", st)
	}
	if code := call(t, n, http.MethodDelete, "/admin/scavenge/current", nil); code != http.StatusNotFound {
		t.Errorf("stopping what is over answers %d", code)
	}
	if report := s.scavenge(); report.Resumed {
		t.Error("a scavenge that was stopped counts as interrupted")
	}
	// What the stopped one left in the files is gone now.
	if state, err := n.store.loadScavenge(); err != nil || !state.Pending.empty() || state.Records != 3 {
		t.Errorf("%+v (%v)", state, err)
	}
}

// A node that closes interrupts its scavenge; the next life says so and does
// the rest.
func TestClosingInterruptsTheScavenge(t *testing.T) {
	dir := t.TempDir()
	n := start(t, func(c *Config) { c.Dir = dir })
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcd")
	s.set("s", maxCountOf(1))
	run, release := heldScavenge(t, n)
	closed := make(chan error)
	go func() { closed <- n.Close() }()
	until(t, "the wish to close", func() bool { return run.ctx.Err() != nil })
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := n.Scavenge(within(t), ScavengeOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a scavenge of a closed node: %v", err)
	}
	n = start(t, func(c *Config) { c.Dir = dir })
	var st ScavengeStatus
	if code := call(t, n, http.MethodGet, "/admin/scavenge/last", &st); code != http.StatusOK || st.Result != ScavengeInterrupted {
		t.Errorf("%d, %+v", code, st)
	}
	s = past{t: t, n: n, c: connect(t, n)}
	if report := s.scavenge(); !report.Resumed || report.Events != 3 {
		t.Errorf("%+v", report)
	}
}

// Whoever throttles a scavenge gives the rest of the time to others, but need
// not wait for its rest to stop it.
func TestThrottledScavengeRests(t *testing.T) {
	for percent, want := range map[int]time.Duration{25: 3 * time.Second, 50: time.Second, 100: 0} {
		if got := (ScavengeOptions{ThrottlePercent: percent}).pause(time.Second); got != want {
			t.Errorf("at %d%% a second of work is followed by %v of rest, want %v", percent, got, want)
		}
	}
	clock := newMovedClock()
	v := newScavenger(nil, nil, Config{Clock: clock.read}, "", ScavengeOptions{ThrottlePercent: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	began := clock.read()
	clock.pass(time.Hour)
	if err := v.rest(ctx, began); !errors.Is(err, context.Canceled) {
		t.Errorf("a rest that nobody wants: %v", err)
	}
}

// A scavenge tells of itself in the streams in which a real node does.
func TestScavengeTellsOfItself(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcd")
	s.set("s", maxCountOf(1))
	report := s.scavenge()
	own, err := s.c.ReadStream(within(t), "$scavenges-"+report.ID.String(), esdb.ReadStreamOptions{}, 10)
	events := collect(t, own, err)
	if typesOf(events) != "$scavengeStarted$scavengeCompleted" {
		t.Fatalf("%q", typesOf(events))
	}
	var said struct {
		ScavengeID, Result string
		EventsRemoved      int64
	}
	if err := json.Unmarshal(events[1].Event.Data, &said); err != nil || said.ScavengeID != report.ID.String() || said.Result != ScavengeSuccess || said.EventsRemoved != 3 {
		t.Errorf("%s (%v)", events[1].Event.Data, err)
	}
	links, err := s.c.ReadStream(within(t), scavengesStream, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10)
	if got := typesOf(collect(t, links, err)); got != "$scavengeStarted$scavengeCompleted" {
		t.Errorf("the links lead to %q", got)
	}
	if got := timeSpan(26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond); got != "26:03:04.0050000" {
		t.Errorf("a time span reads %s", got)
	}
}

func TestWhoMayAdministerAnInsecureNode(t *testing.T) {
	request := func(change func(*http.Request)) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:2113/admin/scavenge", strings.NewReader(""))
		r.RemoteAddr = "127.0.0.1:50000"
		change(r)
		return r
	}
	for name, tt := range map[string]struct {
		change func(*http.Request)
		may    bool
	}{
		"a program on this machine":                {func(*http.Request) {}, true},
		"the same over IPv6":                       {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:50000", "localhost:2113" }, true},
		"another machine":                          {func(r *http.Request) { r.RemoteAddr = "192.0.2.7:50000" }, false},
		"a page loaded from elsewhere":             {func(r *http.Request) { r.Header.Set("Origin", "https://example.com") }, false},
		"a page, as newer browsers say it":         {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, false},
		"a page whose name was made to point here": {func(r *http.Request) { r.Host = "example.com:2113" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := loopbackOnly(request(tt.change)); (err == nil) != tt.may {
				t.Errorf("%v", err)
			}
		})
	}
	n := start(t)
	n.admin.authorise = func(*http.Request) error { return &refusalError{http.StatusUnauthorized, "who are you"} }
	var said struct{ Error string }
	if code := call(t, n, http.MethodPost, "/admin/scavenge", &said); code != http.StatusUnauthorized || said.Error != "who are you" {
		t.Errorf("%d %+v", code, said)
	}
}
