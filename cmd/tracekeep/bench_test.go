package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// A bench so short that its figures mean nothing runs through, prints what it
// should and leaves nothing behind. How fast anything is, no test says.
func TestBenchRuns(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	got := tracekeep(t, "bench", "--only", "store,growth,trail", "--runs", "1", "--span", "1ms", "--events", "2000", "--json").ok(t)
	figures := map[string]figure{}
	for line := range strings.Lines(got.out) {
		var f figure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if name := strings.TrimSpace(f.Name); figures[name].Name == "" { // of several the first
			figures[name] = f
		}
	}
	for name, goal := range map[string]string{
		"append, 1 writer, fsynced":                                        "",
		"p50 beyond that of the disk, growing file":                        "<= 0.5",
		"append, 64 writers, no fsync":                                     "",
		"BatchAppend : append with 64 writers":                             ">= 3",
		"$all : list in memory":                                            ">= 0.9",
		"read of all streams, one after the other":                         "",
		"delivery by a subscription that catches up":                       "",
		"from append to subscriber, p99":                                   "<= 25",
		"start after a clean stop, 10000 events":                           "<= 2",
		"many : few, rate":                                                 ">= 0.9",
		"read of the last 10 of a stream, 1000 events":                     "",
		"memory tables and block cache, 10000 events":                      "",
		"disk, 400 bytes and fdatasync, preallocated file":                 "",
		"start to the first append without a revision, 1000 events":        "",
		"load of a new trail in pages of 5000, each fsynced, 10000 leaves": "",
		"inclusion proof, made and checked, 10000 leaves":                  "",
		"verification of every event, 1000 leaves":                         "",
		"export of everything, 10000 leaves":                               "",
		"check of that bundle, 10000 leaves":                               "",
		"memory of an export, at most, 10000 leaves":                       "",
	} {
		f, there := figures[name]
		if !there || f.Goal != goal {
			t.Errorf("%q: there %v, goal %q, want %q", name, there, f.Goal, goal)
		}
		if there && goal == "" && f.Value <= 0 {
			t.Errorf("%q is %v %s", name, f.Value, f.Unit)
		}
	}
	if left, err := filepath.Glob(filepath.Join(temporary, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// So does one that needs Postgres.
func TestBenchOfHoursRuns(t *testing.T) {
	temporary := filepath.Dir(records(t))
	t.Setenv("TMPDIR", temporary)
	got := tracekeep(t, "bench", "--only", "hours,queries", "--runs", "1", "--span", "1ms", "--staff", "10", "--json").ok(t)
	for _, name := range []string{
		"the same punches copied, the same intervals added up", "punches paired, and california applied",
		"filling them, the way a rebuild does", "pay report of a biweekly period, everybody, p95", "time card of one person, two weeks, p50",
		"who is in, with names, p50", "exceptions of a biweekly period, everybody, p50", "SELECT 1, there and back, p50",
	} {
		if !strings.Contains(got.out, name) {
			t.Errorf("no %q in\n%s", name, got.out)
		}
	}
	for line := range strings.Lines(got.out) {
		var f figure
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.Value <= 0 {
			t.Errorf("%q: %v", line, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(temporary, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestGoals(t *testing.T) {
	for name, c := range map[string]struct {
		goal  goal
		value float64
		met   bool
	}{
		"at least, above": {atLeast(3), 3.1, true}, "at least, equal": {atLeast(3), 3, true}, "at least, below": {atLeast(3), 2.9, false},
		"at most, below": {atMost(2), 1.9, true}, "at most, equal": {atMost(2), 2, true}, "at most, above": {atMost(2), 2.1, false},
	} {
		if got := c.goal.met(c.value); got != c.met {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := quantile([]float64{5, 1, 4, 2, 3}, 0.5); got != 3 {
		t.Errorf("the median of 1 to 5 is %v", got)
	}
	if got := quantile([]float64{5, 1, 4, 2, 3}, 0.99); got != 5 {
		t.Errorf("the 99th percentile of 1 to 5 is %v", got)
	}
}
