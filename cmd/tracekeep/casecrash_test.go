package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// crashAt names the point at which a child process kills itself: what the
// kernel does to it there is what a power cut or kill -9 does, nothing less.
const crashAt = "TRACEKEEP_TEST_CRASH_AT"

// crashAfter is at which of several passings it does; 1 where it is not set.
const crashAfter = "TRACEKEEP_TEST_CRASH_AFTER"

// crashOther names files whose first lines are the ids of the processes that are
// killed instead.
const crashOther = "TRACEKEEP_TEST_CRASH_OTHER"

// haste is how much faster the clock of such a process runs. Who comes after a
// process that was killed must wait until its lease on keys has run out: half a
// minute, which here is a second.
const haste = 30

// clockAhead is by how much such a process lives in the future.
const clockAhead = "TRACEKEEP_TEST_CLOCK_AHEAD"

// crashing makes a child process die at a point, if it is told to.
func crashing(t *terminal) {
	wanted, told := os.LookupEnv(crashAt)
	if !told {
		return
	}
	ahead, _ := time.ParseDuration(os.Getenv(clockAhead))
	began := time.Now()
	t.clock = func() time.Time { return began.Add(ahead + haste*time.Since(began)) }
	gate, other := os.Getenv(gateFile), os.Getenv(crashOther)
	struck := false
	var passed atomic.Int64 // parts that work side by side come by
	after, _ := strconv.ParseInt(os.Getenv(crashAfter), 10, 64)
	t.fault = func(point string) {
		if gate != "" && point == gateAt {
			wait(gate)
		}
		switch {
		case struck: // it came through; the strikes at later points are for others
		case point != wanted, passed.Add(1) < after:
			return
		case other != "":
			struck = true
			for _, file := range filepath.SplitList(other) {
				kill(file)
			}
			return
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal has come
	}
}

// gateFile names a file for which a child process waits while it drains the
// writers. It says by another beside it that it has come there.
const (
	gateFile = "TRACEKEEP_TEST_GATE"
	gateAt   = string(eventschema.StepDrain) + " intended"
)

func wait(gate string) {
	if err := os.WriteFile(gate+".reached", nil, 0o600); err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(gate); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
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
		points = append(points, string(step)+" intended")
		if step == eventschema.StepPursue {
			points = append(points, "media deleted") // of the first of two files
		}
		points = append(points, string(step)+" done", string(step)+" recorded")
	}
	return points
}

// crashCase is an installation whose erasures are killed.
type crashCase struct {
	t                       *testing.T
	data, officer, approver string
	stores                  []string // flags that name stores elsewhere
}

func (c crashCase) command(args ...string) []string {
	return slices.Concat(args, []string{"--data", c.data, "--cooling-off", "0s", "--erasures-per-day", "1000"}, c.stores)
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
	data := founded(t)
	clock, people := clockFiles(t, rounds+2, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	c := crashCase{t: t, data: data, officer: uuid.NewString(), approver: uuid.NewString()}
	for round, person := range c.people()[:rounds] {
		c.photograph(person)
		id := c.prepare(person)
		approve := c.command("erase", "approve", "--case", id, "--officer", c.approver, "--json")
		for _, point := range crashPoints() {
			c.dies(approve, point)
		}
		c.ends(approve)
		c.checkErased(person, id, round+1)
		c.checkFiles(2 * (round + 1))
		if round == 0 {
			c.checkFinal(id)
		}
	}
}

// photograph attaches two photos, and lets a third upload die between its file and its
// event.
func (c crashCase) photograph(person string) {
	c.t.Helper()
	photo := write(c.t, "photo.png", drawing(c.t))
	attach := c.command("media", "attach", photo, "--person", person, "--class", "work_media", "--officer", c.officer)
	c.dies(attach, "media stored")
	for range 2 {
		tracekeep(c.t, attach...).ok(c.t)
	}
}

// checkFiles waits until every file is gone, those that an event named and those that none
// did.
func (c crashCase) checkFiles(removed int) {
	c.t.Helper()
	var report app.MediaReport
	for limit := time.Now().Add(30 * time.Second); ; {
		tracekeep(c.t, c.command("media", "verify", "--json")...).last(c.t, &report)
		if report.OK || time.Now().After(limit) {
			break
		}
	}
	if !report.OK || report.Kept != 0 || report.Removed != removed {
		c.t.Errorf("of the files %+v is said", report)
	}
}

// checkFinal retires the epoch of an erasure and kills whoever writes its final
// certificate behind the intent, the effect and the result: there is one.
func (c crashCase) checkFinal(id string) {
	c.t.Helper()
	policy := filepath.Join(c.data, "keys", "policy.json")
	if err := os.WriteFile(policy, []byte(`{"retire_without_backup": true, "backup_retention_days": 0}`), 0o600); err != nil {
		c.t.Fatal(err)
	}
	tracekeep(c.t, c.command("keys", "rotate")...).ok(c.t)
	for _, place := range []string{" intended", " done", " recorded"} {
		c.dies(c.command("serve", "--listen", "127.0.0.1:0"), string(eventschema.StepFinalise)+place)
	}
	file := filepath.Join(c.t.TempDir(), "final.txt")
	note := tracekeep(c.t, c.command("certificate", "show", id, "--final")...).ok(c.t)
	if err := os.WriteFile(file, []byte(note.out), 0o600); err != nil {
		c.t.Fatal(err)
	}
	var read struct {
		Kind  eventschema.CertificateKind `json:"kind"`
		Final *time.Time                  `json:"final_from"`
	}
	tracekeep(c.t, "certificate", "verify", file, "--data", c.data, "--json").ok(c.t).last(c.t, &read)
	if read.Kind != eventschema.CertificateFinal || read.Final == nil {
		c.t.Errorf("the final certificate says %+v", read)
	}
	var replayed app.Replayed
	tracekeep(c.t, c.command("replay", "--json")...).ok(c.t).last(c.t, &replayed)
	if got := replayed.ByType["epochs-retired.v1"]; got != 1 || replayed.ByType["erasure-certified.v2"] != 2 {
		c.t.Errorf("%d retirements, %d certificates", got, replayed.ByType["erasure-certified.v2"])
	}
}

// TestKilledWhileItIsStoppedACaseOpensThePersonAgain cancels a case while its
// writers are drained and kills whoever opens the fence again.
func TestKilledWhileItIsStoppedACaseOpensThePersonAgain(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 2, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	c := crashCase{t: t, data: data, officer: uuid.NewString(), approver: uuid.NewString()}
	person := c.people()[0]
	id := c.prepare(person)
	gate := filepath.Join(t.TempDir(), "gate")
	serve := c.command("serve", "--listen", "127.0.0.1:0")
	reopening := func(place string) string { return string(eventschema.StepReopenFence) + place }

	server := child(t.Context(), t, serve...)
	server.Env = append(server.Env, crashAt+"="+reopening(" intended"), gateFile+"="+gate)
	out := &lockedBuffer{}
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "http://")
	tracekeep(t, c.command("erase", "approve", "--case", id, "--officer", c.approver, "--wait", "1ms")...).ok(t, exitFailed)
	for limit := time.After(2 * time.Minute); ; {
		if _, err := os.Stat(gate + ".reached"); err == nil {
			break
		}
		select {
		case <-limit:
			t.Fatal("the case does not come to its writers")
		case <-time.After(10 * time.Millisecond):
		}
	}
	tracekeep(t, c.command("erase", "cancel", "--case", id, "--officer", c.officer, "--reason", "mistaken")...).ok(t)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); !killed(server.ProcessState) {
		t.Fatalf("the process did not die: %v", err)
	}
	c.dies(serve, reopening(" done"))
	c.dies(serve, reopening(" recorded"))
	withFolder(t, data, func(a *app.App) {
		correction := httpapi.PersonCorrection{
			PersonID: uuid.MustParse(person), Email: eventschema.Clear("a@example.org"), Reason: "typo", ReceivedAt: time.Now(),
		}
		if _, err := a.CorrectPerson(t.Context(), httpapi.Intent{Principal: operator(a), Key: uuid.NewString()}, correction); err != nil {
			t.Errorf("the person cannot be written about: %v", err)
		}
	})
	if people := c.people(); !slices.Contains(people, person) {
		t.Errorf("the person is not among %v", people)
	}
	tracekeep(t, c.command("rebuild", "--check")...).ok(t)
	if certificate := tracekeep(t, c.command("certificate", "show", id)...); certificate.code != exitFailed {
		t.Errorf("a cancelled case has a certificate: %+v", certificate)
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
	if !killed(cmd.ProcessState) {
		c.t.Fatalf("the process did not die at %q: %v\n%s", point, err, out)
	}
}

func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// ends runs a command in a process that goes on to its end, and answers what it
// wrote.
func (c crashCase) ends(args []string) string {
	c.t.Helper()
	cmd := child(c.t.Context(), c.t, args...)
	cmd.Env = append(cmd.Env, crashAt+"=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v does not end: %v\n%s", args, err, out)
	}
	return string(out)
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
