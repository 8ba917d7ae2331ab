package eventnode

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// scraped is what /metrics says, by name and labels, without the prefix.
func scraped(t testing.TB, n *Node) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for line := range strings.Lines(get(t, n, "/metrics", http.StatusOK)) {
		name, value, found := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, metricsPrefix)), " ")
		if strings.HasPrefix(line, "#") || !found {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		values[name] = v
	}
	return values
}

func get(t testing.TB, n *Node, path string, want int) string {
	t.Helper()
	resp, err := http.Get("http://" + n.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s: %s (%v)", path, resp.Status, err)
	}
	return string(body)
}

func TestMetricsCount(t *testing.T) {
	n := start(t, quickTicks)
	c := connect(t, n)
	no := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
	a, b := event("a", `{}`), event("b", `{}`)
	appendTo(t, c, "s", no, a, b)
	appendTo(t, c, "s", no, a, b) // a repetition
	if _, err := c.AppendToStream(within(t), "s", no, event("c", `{}`)); err == nil {
		t.Error("a wrong version was taken")
	}
	if _, err := c.AppendToStream(within(t), "s", esdb.AppendToStreamOptions{}, event("d", strings.Repeat("x", DefaultMaxAppendBytes))); err == nil {
		t.Error("an append beyond the limit was taken")
	}
	if _, err := c.DeleteStream(within(t), "none", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err == nil {
		t.Error("a stream that is not there was deleted")
	}
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 10); got != "ab" {
		t.Errorf("the stream has %q", got)
	}
	sub, err := c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	wantStory(t, sub, "ab|")
	createGroup(t, c, "s", "g", esdb.Start{}, eager())
	g := consume(t, c, "s", "g", 5)
	receive(t, g)
	if err := g.Nack("no", esdb.NackActionPark, receive(t, g).Event); err != nil {
		t.Fatal(err)
	}
	until(t, "b is parked", func() bool { return infoOf(t, c, "s", "g").Stats.ParkedMessagesCount == 1 })

	var got map[string]float64 // of a moment in which the store writes nothing of its own, as a checkpoint of the group
	until(t, "nothing is queued, and the position is the store's", func() bool {
		got = scraped(t, n)
		return got["queue_bytes"] == 0 && got["position"] == float64(n.store.mark.position())
	})
	for name, want := range map[string]float64{
		`writes_total{result="repeated"}`:                                1,
		`writes_total{result="wrong_version"}`:                           2,
		`writes_total{result="failed"}`:                                  0,
		`refused_total{reason="append_too_big"}`:                         1,
		`events_read_total{by="read"}`:                                   2,
		`events_read_total{by="group"}`:                                  2,
		`write_duration_seconds_count{call="append"}`:                    3,
		`write_duration_seconds_count{call="delete"}`:                    1,
		`calls_total{code="OK",method="Streams/Append"}`:                 3,
		`calls_total{code="InvalidArgument",method="Streams/Append"}`:    1,
		`calls_total{code="FailedPrecondition",method="Streams/Delete"}`: 1,
		`subscriptions{source="all",state="live"}`:                       1,
		`subscriptions{source="stream",state="behind"}`:                  0,
		`groups`:                       1,
		`group_consumers`:              1,
		`group_in_flight`:              1,
		`group_parked`:                 1,
		`group_lag_events`:             2, // the first is not finished
		`ready`:                        1,
		`connections{protocol="http"}`: 1,
		`queue_length`:                 0,
		`open_iterators`:               0,
	} {
		if v, there := got[name]; !there || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, want)
		}
	}
	for _, name := range []string{
		`connections{protocol="grpc"}`, "events_appended_total", "bytes_appended_total", "fsync_duration_seconds_count",
		`fsync_duration_seconds_bucket{le="+Inf"}`, "fsync_duration_seconds_sum", "sync_wait_seconds_count", "round_requests_count",
		"round_bytes_sum", "disk_bytes", "wal_bytes", "memtable_bytes", "uptime_seconds", `events_read_total{by="subscription"}`,
	} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

// A registry that was passed in serves one node after the other, and the names
// are as Prometheus wants them.
func TestMetricsInARegistryOfSomebodyElse(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		n := start(t, func(c *Config) { c.Metrics = registry })
		letters(t, connect(t, n), "s", "a")
		problems, err := testutil.GatherAndLint(registry)
		if err != nil || len(problems) > 0 {
			t.Errorf("%v (%v)", problems, err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if left, err := registry.Gather(); err != nil || len(left) > 0 {
			t.Errorf("a closed node leaves %v (%v)", left, err)
		}
	}
}

// Whatever clients do, neither the log nor the metrics name a stream, an event
// or what is in it.
func TestLogAndMetricsNameNobody(t *testing.T) {
	const canary = "canary4711"
	core, logged := observer.New(zap.DebugLevel)
	dir := t.TempDir()
	open := func() *Node {
		return start(t, quickTicks, func(c *Config) {
			c.Dir, c.Log = dir, zap.New(core)
			c.Limits.Subscriptions, c.Limits.Connections, c.slowConsumer, c.observeEvery = 2, 2, time.Nanosecond, time.Millisecond
		})
	}
	n := open()
	c := connect(t, n)
	stream := "punches-" + canary
	appendTo(t, c, stream, esdb.AppendToStreamOptions{}, esdb.EventData{
		EventID: uuid.New(), EventType: canary, ContentType: esdb.ContentTypeJson, Data: []byte(`"` + canary + `"`), Metadata: []byte(`"` + canary + `"`),
	})
	fill(t, c, stream, 2000)
	createGroup(t, c, stream, "payroll", esdb.Start{}, eager())
	if _, err := c.TombstoneStream(within(t), "$persistentsubscription-"+stream+"::payroll-parked", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	g := consume(t, c, stream, "payroll", 5)
	if err := g.Nack(canary, esdb.NackActionPark, receive(t, g).Event); err != nil {
		t.Fatal(err)
	}
	until(t, "the group says that it cannot park", func() bool { return logged.FilterMessageSnippet("cannot write to its own stream").Len() > 0 })
	slow, err := rawClient(t, n).Read(within(t), subscribeToStream(stream))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "a subscriber is slow", func() bool { return logged.FilterMessageSnippet("does not take what it is sent").Len() > 0 })
	if s, err := c.SubscribeToStream(within(t), stream, esdb.SubscribeToStreamOptions{}); err == nil {
		t.Error("a subscription beyond the limit was taken")
		_ = s.Close()
	}
	_, _ = rawClient(t, n).Read(within(t), subscribeToStream(stream)) // one connection more than there may be
	until(t, "a connection is refused", func() bool { return logged.FilterMessageSnippet("connection refused").Len() > 0 })
	text := get(t, n, "/metrics", http.StatusOK)
	_ = slow.CloseSend()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	open()
	for _, e := range logged.All() {
		text += fmt.Sprintln(e.Message, e.ContextMap())
	}
	if at := strings.Index(text, canary); at >= 0 {
		t.Errorf("told: %q", text[max(0, at-100):at+50])
	}
	for _, want := range []string{"payroll", "category:punches", "opened_in", "stopped_in"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

func subscribeToStream(stream string) *streams.ReadReq {
	r := subscribeRequest(nil)
	r.Options.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
		RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
	}}
	return r
}

// fill appends so many events of about 400 bytes.
func fill(t testing.TB, c *esdb.Client, stream string, events int) {
	t.Helper()
	for events > 0 {
		batch := make([]esdb.EventData, min(events, 1000))
		for i := range batch {
			batch[i] = esdb.EventData{EventID: uuid.New(), EventType: "filler", ContentType: esdb.ContentTypeJson, Data: payload()}
		}
		appendTo(t, c, stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, batch...)
		events -= len(batch)
	}
}
