package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// kill kills the process whose id is the first line of a file.
func kill(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid < 2 {
		panic(fmt.Sprintf("%s names no process: %v", file, err))
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		panic(err)
	}
}

// strike is the death of one of the processes that take part in an erasure, at a
// point of the one that carries it out.
type strike struct {
	point  string
	victim func(c *company, approve []string, point string)
}

// company is an erasure and the processes beside the one that carries it out: the
// event store, Postgres, and an officer's command that holds keys.
type company struct {
	crashCase
	events string // folder of the event store
	store  *exec.Cmd
	pids   string
}

// strikes are the deaths of a night, each process at each point, or the few of
// every run.
func strikes() (all []strike) {
	event, postgres, officer := (*company).killStore, (*company).killPostgres, (*company).killOfficer
	if os.Getenv("TRACEKEEP_NIGHT") == "1" {
		all = append(all, strike{string(eventschema.StepCloseFence) + " done", officer}) // while it approves
		for _, point := range crashPoints()[2:] {
			all = append(all, strike{point, event}, strike{point, postgres})
		}
		return all
	}
	return []strike{
		{string(eventschema.StepCloseFence) + " done", officer},
		{string(eventschema.StepCloseFence) + " recorded", event},
		{string(eventschema.StepDestroy) + " intended", postgres},
		{string(eventschema.StepDestroy) + " done", event},
		{string(eventschema.StepVerify) + " done", postgres},
		{string(eventschema.StepCertify) + " done", event},
	}
}

// TestKilledBesideItAnErasureEndsTheSame kills, at points of the process that
// carries an erasure out, the others that take part: the event store, the Postgres
// of keys and read models, and an officer's command that holds keys. The end is the
// same as if nobody had died, and a search of every file finds nothing.
//
// promise: DS-26
func TestKilledBesideItAnErasureEndsTheSame(t *testing.T) {
	c := &company{crashCase: crashCase{t: t, data: records(t), officer: uuid.NewString(), approver: uuid.NewString()}, pids: t.TempDir()}
	c.events = filepath.Join(filepath.Dir(c.data), "events")
	c.startStore("127.0.0.1:0")
	clock, people := clockFiles(t, 2, 1)
	tracekeep(t, append([]string{"import", "--json", "--data", c.data, "--zone", "Asia/Manila", "--file", clock, "--people", people}, c.stores...)...).ok(t)
	erased := c.erasedPerson(people)
	id := c.prepare(erased.people[0])
	approve := c.command("erase", "approve", "--case", id, "--officer", c.approver, "--json", "--wait", "20s")
	for _, s := range strikes() {
		s.victim(c, approve, s.point)
	}
	c.ends(approve)
	c.checkErased(erased.people[0], id, 1)
	erased.clean(c.stores)
}

// erasedPerson is the first person and what the people file says of them.
func (c *company) erasedPerson(peopleFile string) lab {
	c.t.Helper()
	l := lab{office: office{t: c.t, data: c.data}}
	for _, p := range tracekeep(c.t, c.command("query", "people", "--json")...).ok(c.t).objects(c.t) {
		l.people = append(l.people, p["person_id"].(string))
		if len(l.people) == 1 {
			l.values = l.knownOf(p, peopleFile)
		}
	}
	return l
}

// clean searches for the person everywhere and finds nothing.
func (l lab) clean(stores []string) {
	l.t.Helper()
	if code, found, said := l.looks(l.people[0], stores...); code != exitOK || found.Hits != 0 || !found.Valid {
		l.t.Errorf("the search ends with %d\n%s", code, said)
	}
}

// startStore runs the event store in a process of its own.
func (c *company) startStore(listen string) {
	c.t.Helper()
	c.store = child(c.t.Context(), c.t, "eventstore", "--data", c.events, "--listen", listen, "--insecure")
	out, err := c.store.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.store.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = c.store.Process.Kill()
		_ = c.store.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at := strings.Index(lines.Text(), "esdb://"); at >= 0 {
			c.stores = []string{"--event-store", strings.Fields(lines.Text()[at:])[0]}
			return
		}
	}
	c.t.Fatalf("the event store says no address: %v", lines.Err())
}

// address is where the event store serves.
func (c *company) address() string {
	_, rest, _ := strings.Cut(c.stores[1], "://")
	address, _, _ := strings.Cut(rest, "?")
	return address
}

// strikes runs a process that kills another at a point, and answers how it ended:
// it gives up, or it comes through and dies at the point after.
func (c *company) strikes(args []string, point, pidFile string) (said string, err error) {
	cmd := child(c.t.Context(), c.t, args...)
	cmd.Env = append(cmd.Env, crashAt+"="+point, crashOther+"="+pidFile)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// killStore kills the event store, and starts it again where it was.
func (c *company) killStore(approve []string, point string) {
	c.t.Helper()
	pidFile := filepath.Join(c.pids, "store.pid")
	c.write(pidFile, c.store)
	at, store := c.address(), c.store
	dead := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = store.Wait()
		close(dead)
	}()
	done := make(chan string, 1)
	go func() {
		said, _ := c.strikes(approve, point, pidFile)
		done <- said
	}()
	select {
	case <-dead:
	case said := <-done:
		c.t.Fatalf("the event store was not killed at %q:\n%s", point, said)
	}
	<-ended
	if !killed(store.ProcessState) {
		c.t.Fatalf("the event store ended by itself: %v", store.ProcessState)
	}
	c.startStore(at)
	<-done
}

// killPostgres kills the server of both databases: the process that carries the
// erasure out cannot go on, and the next one recovers them.
func (c *company) killPostgres(approve []string, point string) {
	c.t.Helper()
	said, err := c.strikes(approve, point, filepath.Join(c.data, "postgres", "data", "postmaster.pid"))
	if err == nil {
		c.t.Fatalf("the process outlived its Postgres at %q:\n%s", point, said)
	}
}

// killOfficer kills an officer's command that has joined the folder and holds keys,
// and with it the process that serves the folder. Whoever goes on must not wait for
// either longer than its lease.
func (c *company) killOfficer(approve []string, point string) {
	c.t.Helper()
	first, second := filepath.Join(c.pids, "officer.pid"), filepath.Join(c.pids, "server.pid")
	server := child(c.t.Context(), c.t, c.command("serve", "--listen", "127.0.0.1:0")...)
	server.Env = append(server.Env, crashAt+"="+point, crashOther+"="+first+string(filepath.ListSeparator)+second)
	out := &lockedBuffer{}
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.write(second, server)
	out.waitFor(c.t, "http://")
	officer := child(c.t.Context(), c.t, approve...)
	if err := officer.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.write(first, officer)
	for _, cmd := range []*exec.Cmd{officer, server} {
		if err := cmd.Wait(); !killed(cmd.ProcessState) {
			c.t.Fatalf("%v was not killed at %q: %v", cmd.Args[1:3], point, err)
		}
	}
}

// write keeps the id of a process in a file.
func (c *company) write(file string, cmd *exec.Cmd) {
	c.t.Helper()
	if err := os.WriteFile(file, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
