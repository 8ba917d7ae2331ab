package main

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tracekeep/cmd/internal/app"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

// promise: ST-29
func TestDemoShowsTheWholePromise(t *testing.T) {
	data := records(t)
	var got demoResult
	answer := tracekeep(t, "demo", "--once", "--json", "--data", data, "--count", "12", "--months", "3").ok(t)
	answer.last(t, &got)
	switch {
	case got.Imported < 1000:
		t.Errorf("imported %d punches", got.Imported)
	case got.Rejected != 0:
		t.Errorf("rejected %d rows of a generated file", got.Rejected)
	case got.Events < uint64(got.Imported):
		t.Errorf("%d events for %d punches", got.Events, got.Imported)
	case !got.Verified:
		t.Error("the trail did not verify")
	case got.PlaintextHits != 0:
		t.Errorf("%d personal values lie in clear", got.PlaintextHits)
	case got.ControlHits == 0:
		t.Error("the control of the search was not found")
	case got.ErasedPerson == "" || got.DataFolder != data:
		t.Errorf("incomplete result %+v", got)
	}
	if !strings.Contains(answer.err, "[erased: case "+got.Case) {
		t.Errorf("the query after the erasure does not say erased:\n%s", answer.err)
	}
	// Afterwards the folder still opens, agrees with itself and remembers the erasure.
	tracekeep(t, "verify", "--data", data).ok(t)
	tracekeep(t, "rebuild", "--check", "--data", data).ok(t)
	tracekeep(t, "doctor", "--data", data).ok(t)
	if people := tracekeep(t, "query", "people", "--data", data).ok(t); !strings.Contains(people.out, "[erased: case "+got.Case) {
		t.Errorf("the directory does not say erased:\n%s", people.out)
	}
}

// expected is the reference of a real clock file, computed by an independent script.
type expected struct {
	Lines           int64   `json:"lines"`
	Accepted        int64   `json:"accepted"`
	Rejected        int64   `json:"rejected"`
	People          int64   `json:"people"`
	ExactDuplicates int64   `json:"exact_duplicates"`
	Repeats         int     `json:"repeats_within_60s"`
	Sessions        int     `json:"sessions"`
	SessionHours    float64 `json:"session_hours"`
	MissingOut      int     `json:"missing_out"`
	OutWithoutIn    int     `json:"out_without_in"`
}

func TestRealClockFilesGiveTheReferenceFigures(t *testing.T) {
	for _, device := range []string{"device1_1", "device2_2"} {
		t.Run(device, func(t *testing.T) {
			reference, err := os.ReadFile(realFile(t, device+".expected.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want expected
			if err := json.Unmarshal(reference, &want); err != nil {
				t.Fatal(err)
			}
			data := records(t)
			arguments := []string{"import", "--json", "--data", data, "--zone", "Asia/Manila",
				"--file", realFile(t, device+"_attlog.dat"), "--people", realFile(t, "people.csv")}
			var first, second importReport
			tracekeep(t, arguments...).ok(t).last(t, &first)
			if first.Lines != want.Lines || first.Accepted != want.Accepted || first.Rejected != want.Rejected ||
				first.ExactDuplicates != want.ExactDuplicates || first.PeopleRegistered != want.People {
				t.Errorf("import %+v, want %+v", first.Summary, want)
			}
			if first.Recorded != want.Accepted-want.ExactDuplicates {
				t.Errorf("recorded %d punches, want %d", first.Recorded, want.Accepted-want.ExactDuplicates)
			}
			tracekeep(t, arguments...).ok(t).last(t, &second)
			if second.Recorded != 0 || second.PeopleRegistered != 0 || second.AlreadyRecorded != first.Recorded {
				t.Errorf("a second import recorded %d punches and registered %d people", second.Recorded, second.PeopleRegistered)
			}
			withFolder(t, data, func(a *app.App) { checkHours(t, a, want) })
		})
	}
}

// withFolder opens a data folder inside the test.
func withFolder(t *testing.T, data string, do func(*app.App)) {
	t.Helper()
	term := &terminal{out: os.Stdout, err: os.Stderr, clock: time.Now, random: crand.Reader}
	err := dataFlags{Data: data}.withApp(t.Context(), term, false, func(ctx context.Context, a *app.App) error {
		if err := a.CatchUp(t.Context(), nil); err != nil {
			return err
		}
		do(a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkHours(t *testing.T, a *app.App, want expected) {
	t.Helper()
	days := projections.Days{From: "2000-01-01", To: "2100-01-01"}
	byDay, err := projections.HoursByDay(t.Context(), a.ReadModels(), a.Tenant(), days)
	if err != nil {
		t.Fatal(err)
	}
	var seconds int64
	sessions := 0
	for _, d := range byDay {
		seconds += d.Seconds
		sessions += d.Intervals
	}
	exceptions, err := projections.ExceptionsOf(t.Context(), a.ReadModels(), a.Tenant(), days, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	codes := map[hours.ExceptionCode]int{}
	for _, e := range exceptions {
		codes[e.Code]++
	}
	if sessions != want.Sessions || float64(seconds)/3600-want.SessionHours > 1e-4 || want.SessionHours-float64(seconds)/3600 > 1e-4 {
		t.Errorf("%d intervals of %.4f hours, want %d of %.4f", sessions, float64(seconds)/3600, want.Sessions, want.SessionHours)
	}
	if codes[hours.MissingOut] != want.MissingOut || codes[hours.MissingIn] != want.OutWithoutIn || codes[hours.RepeatPunch] != want.Repeats {
		t.Errorf("exceptions %v, want missing out %d, out without in %d, repeats %d", codes, want.MissingOut, want.OutWithoutIn, want.Repeats)
	}
}

// TestKilledImportLosesAndDoublesNothing kills the process at random moments of
// an import, twenty times, and then lets one import end.
func TestKilledImportLosesAndDoublesNothing(t *testing.T) {
	const kills = 20
	clock, people := clockFiles(t, 80, 8)
	data := records(t)
	arguments := []string{"import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	killedAtWork := 0
	for range kills {
		cmd := child(t.Context(), t, arguments...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The folder is open as soon as the process announces itself; from then on
		// any moment is a good one.
		announced := waitForFile(t.Context(), filepath.Join(data, "running.json"), cmd.Process.Pid)
		pause := time.NewTimer(time.Duration(moments.IntN(500)) * time.Millisecond)
		<-pause.C
		if err := cmd.Process.Kill(); err == nil && announced {
			killedAtWork++
		}
		_ = cmd.Wait()
	}
	if killedAtWork < kills/2 {
		t.Fatalf("only %d of %d processes were killed at work", killedAtWork, kills)
	}
	var report importReport
	tracekeep(t, arguments...).ok(t).last(t, &report)
	if report.Recorded+report.AlreadyRecorded+report.ExactDuplicates != report.Accepted {
		t.Errorf("of %d accepted rows %d were recorded and %d had been", report.Accepted, report.Recorded, report.AlreadyRecorded)
	}
	var replayed app.Replayed
	tracekeep(t, "replay", "--json", "--data", data).ok(t).last(t, &replayed)
	if got, want := replayed.ByType["punch-recorded.v3"], uint64(report.Accepted-report.ExactDuplicates); got != want {
		t.Errorf("the log holds %d punches, want %d", got, want)
	}
	if got, want := replayed.ByType["person-registered.v2"], uint64(report.PeopleInFile-report.PeopleWithoutPunches); got != want {
		t.Errorf("the log holds %d registrations, want %d", got, want)
	}
	tracekeep(t, "rebuild", "--check", "--data", data).ok(t)
	tracekeep(t, "verify", "--data", data).ok(t)
}

// waitForFile waits until a process has announced itself in a file.
func waitForFile(ctx context.Context, path string, pid int) bool {
	limit, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var who struct {
			PID int `json:"pid"`
		}
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &who) == nil && who.PID == pid {
			return true
		}
		select {
		case <-limit.Done():
			return false
		case <-tick.C:
		}
	}
}
