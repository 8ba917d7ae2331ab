package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
)

// fill writes events to a stream that then shows the last of them only.
func (r ready) fill(t *testing.T, c *esdb.Client, stream string, events int) {
	t.Helper()
	for i := range events {
		e := esdb.EventData{EventID: uuid.New(), EventType: fmt.Sprint(i), ContentType: esdb.ContentTypeBinary, Data: make([]byte, 500)}
		if _, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e); err != nil {
			t.Fatal(err)
		}
	}
	var m esdb.StreamMetadata
	m.SetMaxCount(1)
	if _, err := c.SetStreamMetadata(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		t.Fatal(err)
	}
}

// revisions are those of a stream as the whole log has them.
func revisions(t *testing.T, c *esdb.Client, stream string) string {
	t.Helper()
	s, err := c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []string
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return strings.Join(all, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Event.StreamID == stream {
			all = append(all, fmt.Sprint(e.Event.EventNumber))
		}
	}
}

func TestEventStoreScavenge(t *testing.T) {
	data := filepath.Join(t.TempDir(), "store")
	at, stop := eventStore(t, "--data", data, "--insecure")
	c := at.as(t, "", "")
	at.fill(t, c, "s", 10)
	tracekeep(t, "eventstore", "scavenge", "--data", data).ok(t, exitInUse)
	var report eventnode.ScavengeReport
	tracekeep(t, "eventstore", "scavenge", "--connection", at.Connection, "--throttle", "80", "--json").ok(t).last(t, &report)
	if report.Events != 9 || report.Streams != 1 || report.DiskAfter == 0 {
		t.Errorf("online: %+v", report)
	}
	if got := revisions(t, c, "s"); got != "9" {
		t.Errorf("the log has revisions %s", got)
	}
	at.fill(t, c, "s", 5)
	_ = c.Close()
	stop().ok(t)
	if got := tracekeep(t, "eventstore", "scavenge", "--data", data).ok(t); !strings.Contains(got.out, "5 events of 1 streams removed") &&
		!strings.Contains(got.out, "6 events of 2 streams removed") {
		t.Errorf("offline: %s", got.out)
	}
	tracekeep(t, "eventstore", "verify", "--data", data).ok(t)
	for _, bad := range [][]string{{"--throttle", "0", "--data", data}, {"--throttle", "101", "--data", data}, {}, {"--connection", "esdb+discover://store?tls=false"}} {
		tracekeep(t, append([]string{"eventstore", "scavenge"}, bad...)...).ok(t, exitUsage)
	}
	if got := tracekeep(t, "eventstore", "scavenge", "--data", t.TempDir()).ok(t, exitFailed); !strings.Contains(got.err, "holds no event store") {
		t.Errorf("of an empty folder: %s", got.err)
	}
}

// Operators of a secure node may scavenge it, but only admins get all there is.
func TestWhoMayAdministerASecureEventStore(t *testing.T) {
	certs, data := filepath.Join(t.TempDir(), "certs"), filepath.Join(t.TempDir(), "store")
	tracekeep(t, "eventstore", "certs", certs).ok(t)
	users := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(users, []byte(`[{"name":"guest","password":"secret-guest","groups":[]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	at, _ := eventStore(t, "--data", data, "--certs", certs, "--users-file", users)
	c := at.as(t, "admin", "changeit")
	at.fill(t, c, "s", 3)
	_ = c.Close()
	connection := func(user string) string { return strings.Replace(at.Connection, "://", "://"+user+"@", 1) }
	to := func() string { return filepath.Join(t.TempDir(), "backups") }
	tracekeep(t, "eventstore", "scavenge", "--connection", connection("ops:changeit")).ok(t)
	tracekeep(t, "eventstore", "backup", "--connection", connection("admin:changeit"), "--to", to()).ok(t)
	for user, says := range map[string]string{"ops:changeit": "access denied", "guest:secret-guest": "403", "admin:wrong": "name and a password"} {
		got := tracekeep(t, "eventstore", "backup", "--connection", connection(user), "--to", to()).ok(t, exitFailed)
		if !strings.Contains(got.err, says) || strings.Contains(got.err, "secret-guest") {
			t.Errorf("%s is told %s", user, got.err)
		}
	}
	tracekeep(t, "eventstore", "scavenge", "--connection", connection("guest:secret-guest")).ok(t, exitFailed)
}

func TestEventStoreBackupAndRestore(t *testing.T) {
	data, to := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "backups")
	at, stop := eventStore(t, "--data", data, "--insecure")
	c := at.as(t, "", "")
	at.fill(t, c, "s", 10)
	tracekeep(t, "eventstore", "backup", "--data", data, "--to", to).ok(t, exitInUse)
	var first, second eventnode.BackupReport
	tracekeep(t, "eventstore", "backup", "--connection", at.Connection, "--to", to, "--json").ok(t).last(t, &first)
	at.fill(t, c, "s", 5)
	want := revisions(t, c, "s")
	_ = c.Close()
	stop().ok(t)
	if got := tracekeep(t, "eventstore", "backup", "--data", data, "--to", to).ok(t); !strings.Contains(got.out, "everything up to position") {
		t.Errorf("offline: %s", got.out)
	}

	listed := tracekeep(t, "eventstore", "restore", "--from", to, "--list", "--json").ok(t)
	if lines := strings.Split(strings.TrimSpace(listed.out), "\n"); len(lines) != 2 || json.Unmarshal([]byte(lines[1]), &second) != nil || second.Position <= first.Position {
		t.Errorf("it lists %s", listed.out)
	}
	if got := tracekeep(t, "eventstore", "restore", "--from", to, "--list").ok(t); !strings.Contains(got.out, first.Name) {
		t.Errorf("it lists %s", got.out)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	var report eventnode.RestoreReport
	tracekeep(t, "eventstore", "restore", "--from", to, "--data", restored, "--json").ok(t).last(t, &report)
	if report.Position != second.Position || report.Node != first.Node || report.Events == 0 {
		t.Errorf("%+v", report)
	}
	tracekeep(t, "eventstore", "verify", "--data", restored).ok(t)
	tracekeep(t, "eventstore", "restore", "--from", to, "--data", restored).ok(t, exitFailed)
	old := filepath.Join(t.TempDir(), "old")
	if got := tracekeep(t, "eventstore", "restore", "--from", to, "--data", old, "--backup", first.Name).ok(t); !strings.Contains(got.out, fmt.Sprint(first.Position)) {
		t.Errorf("an older backup: %s", got.out)
	}
	again, _ := eventStore(t, "--data", restored, "--insecure")
	if got := revisions(t, again.as(t, "", ""), "s"); got != want {
		t.Errorf("the restored store has revisions %s, want %s", got, want)
	}

	objects, err := filepath.Glob(filepath.Join(to, "objects", "*"))
	if err != nil || len(objects) == 0 {
		t.Fatal(objects, err)
	}
	for _, object := range objects {
		if b, err := os.ReadFile(object); err == nil && len(b) > 0 {
			b[0] ^= 1
			if err := errors.Join(os.Remove(object), os.WriteFile(object, b, 0o600)); err != nil { // not the store's own file
				t.Fatal(err)
			}
		}
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	if got := tracekeep(t, "eventstore", "restore", "--from", to, "--data", damaged).ok(t, exitDefect); !strings.Contains(got.err, "have changed") {
		t.Errorf("of a damaged backup: %s", got.err)
	}
	tracekeep(t, "eventstore", "restore", "--from", t.TempDir(), "--data", damaged).ok(t, exitFailed)
	tracekeep(t, "eventstore", "restore", "--from", to).ok(t, exitUsage)
}

// A backup that is killed at any moment leaves what was there before, and
// nothing that looks like a backup and is none.
func TestKilledBackupIsNoBackup(t *testing.T) {
	kills := 8
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		kills = 200
	}
	data, to := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "backups")
	at, stop := eventStore(t, "--data", data, "--insecure")
	c := at.as(t, "", "")
	for i := range 20 {
		e := esdb.EventData{EventID: uuid.New(), EventType: fmt.Sprint(i), Data: make([]byte, 900_000)}
		for j := range e.Data {
			e.Data[j] = byte(rand.Uint32())
		}
		if _, err := c.AppendToStream(t.Context(), "big", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	stop().ok(t)
	var first eventnode.BackupReport
	tracekeep(t, "eventstore", "backup", "--data", data, "--to", to, "--json").ok(t).last(t, &first)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for range kills {
		cmd := child(t.Context(), t, "eventstore", "backup", "--data", data, "--to", to, "--copy")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		moment := time.NewTimer(time.Duration(moments.IntN(int(max(first.Took, 50*time.Millisecond)))) + 20*time.Millisecond)
		select {
		case <-moment.C:
			_ = cmd.Process.Kill()
			if <-ended != nil {
				killed++
			}
		case err := <-ended: // it was quicker
			if err != nil {
				t.Fatal(err)
			}
		}
		var names []eventnode.KeptBackup
		names, err := eventnode.ListBackups(to)
		if err != nil {
			t.Fatal(err)
		}
		latest := names[len(names)-1].Name
		if names[0].Name != first.Name {
			t.Errorf("the first backup is gone, there are %v", names)
		}
		if _, err := eventnode.Restore(context.Background(), to, filepath.Join(t.TempDir(), latest), eventnode.RestoreOptions{}); err != nil {
			t.Errorf("seed %d: restore of %s: %v", seed, latest, err)
		}
	}
	if killed == 0 {
		t.Errorf("seed %d: no backup was killed at work", seed)
	}
	tracekeep(t, "eventstore", "verify", "--data", data).ok(t)
	tracekeep(t, "eventstore", "backup", "--data", data, "--to", to, "--keep", "1").ok(t)
}
