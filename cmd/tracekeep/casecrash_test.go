package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// crashAt names the point at which a child process kills itself: what the
// kernel does to it there is what a power cut or kill -9 does, nothing less.
const crashAt = "TRACEKEEP_TEST_CRASH_AT"

// haste is how much faster the clock of such a process runs. Who comes after a
// process that was killed must wait until its lease on keys has run out: half a
// minute, which here is a second.
const haste = 30

// crashing makes a child process die at a point, if it is told to.
func crashing(t *terminal) {
	wanted, told := os.LookupEnv(crashAt)
	if !told {
		return
	}
	began := time.Now()
	t.clock = func() time.Time { return began.Add(haste * time.Since(began)) }
	t.fault = func(point string) {
		if point == wanted {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal has come
		}
	}
}

// crashPoints are the points of the machine that a case about a whole person
// comes by: behind each intent, each effect and each result.
func crashPoints() []string {
	var points []string
	for _, step := range []eventschema.ErasureStep{
		eventschema.StepCloseFence, eventschema.StepDrain, eventschema.StepReview, eventschema.StepDestroy, eventschema.StepQuiesce,
		eventschema.StepScrub, eventschema.StepPursue, eventschema.StepVerify, eventschema.StepCertify,
	} {
		for _, place := range []string{" intended", " done", " recorded"} {
			points = append(points, string(step)+place)
		}
	}
	return points
}

// crashCase is an installation whose erasures are killed.
type crashCase struct {
	t                       *testing.T
	data, officer, approver string
}

func (c crashCase) command(args ...string) []string {
	return append(args, "--data", c.data, "--cooling-off", "0s", "--erasures-per-day", "1000")
}

// TestKilledAtAnyStepAnErasureEndsTheSame kills the process that carries out an
// erasure behind every intent, every effect and every result, one process after
// the other on one case, and lets the last go on: the end is the same, with one
// certificate, and nothing readable. With TRACEKEEP_NIGHT=1 it does so fifty times.
//
// promise: I7
func TestKilledAtAnyStepAnErasureEndsTheSame(t *testing.T) {
	rounds := 1
	if os.Getenv("TRACEKEEP_NIGHT") == "1" {
		rounds = 50
	}
	data := records(t)
	clock, people := clockFiles(t, rounds+2, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	c := crashCase{t: t, data: data, officer: uuid.NewString(), approver: uuid.NewString()}
	for round, person := range c.people()[:rounds] {
		id := c.prepare(person)
		approve := c.command("erase", "approve", "--case", id, "--officer", c.approver, "--json")
		for _, point := range crashPoints() {
			c.dies(approve, point)
		}
		c.ends(approve)
		c.checkErased(person, id, round+1)
	}
}

// people lists the ids of the people who are not erased yet.
func (c crashCase) people() []string {
	c.t.Helper()
	var ids []string
	for line := range strings.Lines(tracekeep(c.t, c.command("query", "people", "--json")...).ok(c.t).out) {
		var person struct {
			PersonID  string       `json:"person_id"`
			LegalName personalJSON `json:"legal_name"`
		}
		if err := json.Unmarshal([]byte(line), &person); err != nil {
			c.t.Fatal(err)
		}
		if person.LegalName.State == eventschema.StateClear {
			ids = append(ids, person.PersonID)
		}
	}
	return ids
}

// prepare takes a case as far as officers do before the approval.
func (c crashCase) prepare(person string) (id string) {
	c.t.Helper()
	var opened struct {
		Case string `json:"case"`
	}
	tracekeep(c.t, c.command("erase", "request", "--person", person, "--officer", c.officer, "--json")...).ok(c.t).last(c.t, &opened)
	tracekeep(c.t, c.command("erase", "verify", "--case", opened.Case, "--officer", c.officer, "--method", "document")...).ok(c.t)
	tracekeep(c.t, c.command("erase", "assess", "--case", opened.Case, "--officer", c.officer)...).ok(c.t)
	return opened.Case
}

// dies runs a command in a process that must kill itself at a point.
func (c crashCase) dies(args []string, point string) {
	c.t.Helper()
	cmd := child(c.t.Context(), c.t, args...)
	cmd.Env = append(cmd.Env, crashAt+"="+point)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		c.t.Fatalf("the process did not die at %q: %v\n%s", point, err, out)
	}
}

// ends runs a command in a process that goes on to its end.
func (c crashCase) ends(args []string) {
	c.t.Helper()
	cmd := child(c.t.Context(), c.t, args...)
	cmd.Env = append(cmd.Env, crashAt+"=")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("the case does not end: %v\n%s", err, out)
	}
}

// checkErased holds the end of a case to what every end is.
func (c crashCase) checkErased(person, id string, certified int) {
	c.t.Helper()
	var shown struct {
		Status string `json:"status"`
		Keys   int    `json:"keys_destroyed"`
	}
	tracekeep(c.t, c.command("erase", "show", "--case", id, "--json")...).ok(c.t).last(c.t, &shown)
	if shown.Status != "certified" || shown.Keys < 2 {
		c.t.Errorf("the case is %s with %d keys destroyed", shown.Status, shown.Keys)
	}
	var replayed app.Replayed
	tracekeep(c.t, c.command("replay", "--json")...).ok(c.t).last(c.t, &replayed)
	for _, once := range []string{"keys-destroyed.v1", "erasure-verified.v1", "erasure-certified.v2"} {
		if got := replayed.ByType[once]; got != uint64(certified) {
			c.t.Errorf("%d cases left %d events %s", certified, got, once)
		}
	}
	var entry struct {
		LegalName personalJSON `json:"legal_name"`
		WorkID    personalJSON `json:"work_id"`
	}
	tracekeep(c.t, c.command("query", "people", "--find", person, "--json")...).ok(c.t).last(c.t, &entry)
	if entry.LegalName.State != eventschema.StateErased || entry.LegalName.Case != id || entry.WorkID.State != eventschema.StateErased || entry.LegalName.CertificateLeaf == nil {
		c.t.Errorf("the directory says %+v", entry)
	}
	file := filepath.Join(c.t.TempDir(), "certificate.txt")
	note := tracekeep(c.t, c.command("certificate", "show", id)...).ok(c.t)
	if err := os.WriteFile(file, []byte(note.out), 0o600); err != nil {
		c.t.Fatal(err)
	}
	tracekeep(c.t, "certificate", "verify", file, "--data", c.data).ok(c.t)
	tracekeep(c.t, c.command("verify")...).ok(c.t)
	tracekeep(c.t, c.command("rebuild", "--check")...).ok(c.t)
}
