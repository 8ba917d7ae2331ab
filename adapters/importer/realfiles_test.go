package importer

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests read two real terminals' files and compare with figures computed by
// another program.

func realFile(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", path)
		}
		t.Skipf("%s is not here; it is needed only to check against real files", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

type reference struct {
	Bytes           int64            `json:"bytes"`
	Lines           int64            `json:"lines"`
	Accepted        int64            `json:"accepted"`
	Rejected        int64            `json:"rejected"`
	People          int64            `json:"people"`
	First           string           `json:"first"`
	Last            string           `json:"last"`
	ExactDuplicates int64            `json:"exact_duplicates"`
	Repeats         int64            `json:"repeats_within_60s"`
	Kept            int64            `json:"kept"`
	States          map[string]int64 `json:"states"`
	PerYear         map[string]int64 `json:"per_year"`
	PerPIN          map[string]int64 `json:"per_pin"`
}

func TestRealTerminals(t *testing.T) {
	for _, name := range []string{"device1_1", "device2_2"} {
		t.Run(name, func(t *testing.T) {
			const folder = "zkteco-attlog-two-devices/"
			clock, people := realFile(t, folder+name+"_attlog.dat"), realFile(t, folder+"people.csv")
			var want reference
			if err := json.Unmarshal(realFile(t, folder+name+".expected.json"), &want); err != nil {
				t.Fatal(err)
			}
			o := options(t, string(clock))
			o.People = readerOf(people)
			sink := newNotebook()
			got, err := Run(t.Context(), o, sink)
			if err != nil {
				t.Fatal(err)
			}
			for what, pair := range map[string][2]int64{
				"bytes": {got.Bytes, want.Bytes}, "lines": {got.Lines, want.Lines},
				"accepted": {got.Accepted, want.Accepted}, "rejected": {got.Rejected, want.Rejected},
				"exact duplicates": {got.ExactDuplicates, want.ExactDuplicates},
				"recorded":         {got.Recorded, want.Accepted - want.ExactDuplicates}, "already recorded": {got.AlreadyRecorded, 0},
				"people registered": {got.PeopleRegistered, want.People}, "people in file": {got.PeopleInFile, 102},
				"people without punches": {got.PeopleWithoutPunches, 102 - want.People}, "people rejected": {got.PeopleRejected, 0},
				"kept, as the reference counts": {kept(sink.punches), want.Kept},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s = %d, want %d", what, pair[0], pair[1])
				}
			}
			if first, last := got.First.Format(time.DateTime), got.Last.Format(time.DateTime); first != want.First || last != want.Last {
				t.Errorf("from %s to %s, want %s to %s", first, last, want.First, want.Last)
			}
			if !maps.Equal(got.PerState, want.States) || !maps.Equal(got.PerYear, want.PerYear) {
				t.Errorf("per state %v per year %v, want %v and %v", got.PerState, got.PerYear, want.States, want.PerYear)
			}
			checkPINs(t, sink, want)
			again(t, o, clock, sink, got)
		})
	}
}

// kept counts as the reference does: a repeat has the state of the PIN's last
// counted punch and comes within 60 seconds after it.
func kept(punches []Punch) (n int64) {
	last := map[string]Punch{}
	for _, p := range punches {
		l, ok := last[p.PIN]
		if ok && l.Direction == p.Direction && l.Kind == p.Kind && p.At.Sub(l.At) <= time.Minute {
			continue
		}
		last[p.PIN] = p
		n++
	}
	return n
}

func checkPINs(t *testing.T, sink *notebook, want reference) {
	t.Helper()
	perPIN, line := map[string]int64{}, int64(0)
	for _, p := range sink.punches {
		perPIN[p.PIN]++
		if p.Line <= line {
			t.Fatalf("line %d came after line %d", p.Line, line)
		}
		line = p.Line
		if p.Work != sink.works[p.PIN] || p.OffsetSeconds != 8*3600 || p.Zone != "Asia/Manila" {
			t.Fatalf("line %d: work, offset or zone is wrong", p.Line)
		}
	}
	var total int64
	for pin, n := range want.PerPIN {
		total += n
		if d := n - perPIN[pin]; d < 0 || d > want.ExactDuplicates {
			t.Errorf("a PIN has %d punches, want %d", perPIN[pin], n)
		}
	}
	if total != want.Accepted || len(perPIN) != len(want.PerPIN) {
		t.Errorf("%d PINs, want %d", len(perPIN), len(want.PerPIN))
	}
}

// again imports the same file once more, without the people file.
func again(t *testing.T, o Options, clock []byte, sink *notebook, first Summary) {
	t.Helper()
	o.Clock, o.People = readerOf(clock), nil
	got, err := Run(t.Context(), o, sink)
	if err != nil {
		t.Fatal(err)
	}
	if got.Recorded != 0 || got.AlreadyRecorded != first.Recorded || got.Rejected != 0 || got.PeopleRegistered != 0 {
		t.Errorf("second import: %d recorded, %d before, %d rejected, %d people, want 0, %d, 0, 0",
			got.Recorded, got.AlreadyRecorded, got.Rejected, got.PeopleRegistered, first.Recorded)
	}
}

// A batch more or less, and where batches end, changes no figure.
func TestBatchSizeChangesNothing(t *testing.T) {
	clock, people := realFile(t, "zkteco-attlog-two-devices/device1_1_attlog.dat"), realFile(t, "zkteco-attlog-two-devices/people.csv")
	var want string
	for _, size := range []int{1, 7, 1000, 10_000} {
		o := options(t, string(clock))
		o.People, o.BatchRows = readerOf(people), size
		got, err := Run(t.Context(), o, newNotebook())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(text)
		}
		if string(text) != want {
			t.Errorf("batches of %s: %s, want %s", strconv.Itoa(size), text, want)
		}
	}
}

// Officers go from one paid detail to the next: 79 times an in and an out of one
// instant. The log of the clock in its own order, backwards and shuffled gives the
// hours that the list of details does, to the minute.
func TestTheOrderOfARealLogChangesNoHours(t *testing.T) {
	const folder = "bpd-paid-details-2022/"
	var want struct {
		Elapsed int64 `json:"elapsed_minutes"`
		Rows    int
	}
	expected(t, folder+"expected.json", &want)
	people := withPIN(realFile(t, folder+"people.csv"))
	lines := slices.Collect(strings.Lines(string(realFile(t, folder+"punches.attlog.dat"))))
	rng := rand.New(rand.NewPCG(2022, 79)) //nolint:gosec // an order, no secret
	for _, order := range []struct {
		name string
		of   func()
	}{
		{"as the clock has it", func() {}},
		{"backwards", func() { slices.Reverse(lines) }},
		{"shuffled", func() { rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] }) }},
	} {
		if order.of(); raceDetector && order.name != "shuffled" {
			continue // seconds each
		}
		t.Run(order.name, func(t *testing.T) {
			log := []byte(strings.Join(lines, ""))
			o := Options{Clock: readerOf(log), Size: int64(len(log)), Format: "attlog", Station: "site", People: readerOf(people),
				Zone: zone(t, "America/New_York"), Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
			sink := newNotebook()
			if sum, err := Run(t.Context(), o, sink); err != nil || sum.Punches != int64(2*want.Rows) {
				t.Fatalf("%d punches, %v", sum.Punches, err)
			}
			if got := worked(sink); got != time.Duration(want.Elapsed)*time.Minute {
				t.Errorf("worked %s, want %s", got, time.Duration(want.Elapsed)*time.Minute)
			}
		})
	}
}
