package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
)

// eventStoreWith fills the folder of an embedded event store.
func eventStoreWith(t *testing.T, events int) (data string, cfg eventnode.Config) {
	t.Helper()
	data = t.TempDir()
	cfg = eventnode.Config{Dir: filepath.Join(data, "events"), Listen: "127.0.0.1:0", Clock: time.Now}
	err := eventnode.Import(cfg, func(yield func(eventnode.ImportRecord) bool) {
		for i := range events {
			if !yield(eventnode.ImportRecord{
				Position: int64(i+1) * 1000, Stream: fmt.Sprint("s-", i%7), Revision: int64(i / 7), ID: uuid.New(),
				Type: "t", Ticks: int64(i), Data: make([]byte, 500),
			}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return data, cfg
}

func TestEventStoreVerify(t *testing.T) {
	data, cfg := eventStoreWith(t, 700)
	for _, folder := range []string{data, cfg.Dir} {
		got := tracekeep(t, "eventstore", "verify", "--data", folder).ok(t)
		if !strings.Contains(got.out, "verified: 700 events of 7 streams") {
			t.Errorf("%s: %s", folder, got.out)
		}
	}
	var report eventnode.VerifyReport
	tracekeep(t, "eventstore", "verify", "--data", data, "--json").ok(t).last(t, &report)
	if report.Events != 700 || report.Defects != 0 {
		t.Errorf("%+v", report)
	}

	node, err := eventnode.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tracekeep(t, "eventstore", "verify", "--data", data).ok(t, exitInUse)
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tracekeep(t, "eventstore", "verify", "--data", t.TempDir()).ok(t, exitFailed); !strings.Contains(got.err, "holds no event store") {
		t.Errorf("of an empty folder it says %s", got.err)
	}

	tables, err := filepath.Glob(filepath.Join(cfg.Dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	damaged := tables[len(tables)-1]
	content, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/3] ^= 1
	if err := os.WriteFile(damaged, content, 0o600); err != nil {
		t.Fatal(err)
	}
	got := tracekeep(t, "eventstore", "verify", "--data", data).ok(t, exitDefect)
	if !strings.Contains(got.out, "file "+filepath.Base(damaged)) {
		t.Errorf("the damaged table %s is not named:\n%s", filepath.Base(damaged), got.out)
	}
	var last eventnode.VerifyReport
	tracekeep(t, "eventstore", "verify", "--data", data, "--json").ok(t, exitDefect).last(t, &last)
	if last.Defects == 0 {
		t.Errorf("%+v", last)
	}
}
