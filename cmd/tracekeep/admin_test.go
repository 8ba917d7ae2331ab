package main

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Operators see metrics at an address of their own and at that of the event
// store, of the process and of the store alike, and none that names a stream.
func TestMetricsAreServed(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--data", records(t), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--store-queue-mib", "8"},
			&terminal{out: &out, err: io.Discard, clock: time.Now, random: rand.Reader})
	}()
	store := out.waitFor(t, "esdb://")
	out.mu.Lock()
	admin := regexp.MustCompile(`http://\S+/metrics`).FindString(out.text.String())
	out.mu.Unlock()
	node := "http://" + strings.TrimSuffix(strings.TrimPrefix(store, "esdb://"), "?tls=false") + "/metrics"
	for _, url := range []string{admin, node} {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s (%v)", url, response.Status, err)
		}
		for _, want := range []string{"go_goroutines ", "process_resident_memory_bytes ", "go_build_info{", "tracekeep_eventstore_ready 1\n", "tracekeep_eventstore_position "} {
			if !strings.Contains(string(body), "\n"+want) {
				t.Errorf("%s does not tell %q", url, want)
			}
		}
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("serve ended with %d", code)
	}
	if response, err := http.Get(admin); err == nil {
		_ = response.Body.Close()
		t.Error("metrics are served after the end")
	}
}
