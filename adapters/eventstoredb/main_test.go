package eventstoredb_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/eventschema"
)

// Watermill's own suite leaves behind the goroutines that fan its fifty
// subscribers in.
func TestMain(m *testing.M) {
	const fanIn = "github.com/ThreeDotsLabs/watermill/internal/subscriber.(*multiplier).Subscribe"
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(fanIn+".func2"), goleak.IgnoreAnyFunction(fanIn+".func3"))
}

// startNode runs an embedded node until the test ends.
func startNode(t testing.TB) *eventnode.Node {
	t.Helper()
	return startNodeAt(t, t.TempDir(), "127.0.0.1:0")
}

func startNodeAt(t testing.TB, dir, listen string) *eventnode.Node {
	t.Helper()
	node, err := eventnode.Open(eventnode.Config{Dir: dir, Listen: listen, Clock: time.Now, CacheBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close() })
	return node
}

// connect makes a client that is closed before the node is.
func connect(t testing.TB, connection string, change ...func(*eventstoredb.Config)) *eventstoredb.Client {
	t.Helper()
	config := eventstoredb.Config{ConnectionString: connection}
	for _, c := range change {
		c(&config)
	}
	client, err := eventstoredb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// endpoints are the stores the contract is checked against: the embedded node,
// and a real server when the environment names one.
func endpoints(t *testing.T, check func(t *testing.T, connection string)) {
	t.Run("embedded node", func(t *testing.T) { check(t, startNode(t).ConnectionString()) })
	if real := os.Getenv("TRACEKEEP_TEST_EVENTSTORE"); real != "" {
		t.Run("real server", func(t *testing.T) { check(t, real) })
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func newStream() string {
	return eventschema.PersonStream(uuid.New(), uuid.New()).String()
}

func proposed(n int) []eventschema.Proposed {
	events := make([]eventschema.Proposed, n)
	for i := range events {
		events[i] = eventschema.Proposed{
			ID: uuid.New(), Type: "work-opened.v1",
			Data: fmt.Appendf(nil, `{"n":%d}`, i), Metadata: []byte(`{"salt":"x"}`),
		}
	}
	return events
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, d time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %s still not: %s", d, what)
		}
	}
}
