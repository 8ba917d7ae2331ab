package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/uuid"
)

// Backups that are taken one after the other while many write restore each to a
// moment of the store: what had been acknowledged before is in it, an append is
// in it wholly or not at all, and it is what the log begins with.
func TestBackupUnderLoadIsAPrefix(t *testing.T) {
	t.Parallel()
	backups := times(2, 4, 100)
	for name, disk := range map[string]vfs.FS{"disk": vfs.Default, "memory": vfs.NewMem()} {
		t.Run(name, func(t *testing.T) { backupsUnderLoad(t, disk, t.TempDir(), backups) })
	}
}

func backupsUnderLoad(t *testing.T, disk vfs.FS, dir string, backups int) {
	const seed = 9
	in := func(name string) string { return disk.PathJoin(dir, name) }
	n := start(t, func(c *Config) { c.FS, c.Dir, c.memTable = disk, in("store"), crashMemTable })
	c := connect(t, n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := newPlaces()
	var running sync.WaitGroup
	for w := range 4 {
		running.Go(func() { p.writeUntil(ctx, t, c, rand.New(rand.NewPCG(seed, uint64(w)))) })
	}
	type taken struct {
		report BackupReport
		told   map[uuid.UUID]place // before it began
	}
	var all []taken
	for range backups {
		for until := p.acks.Load() + 50; p.acks.Load() < until; {
			<-p.moved
		}
		told := p.copy()
		report, err := n.Backup(within(t), in("backups"), BackupOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, taken{report, told})
	}
	cancel()
	running.Wait()
	for _, b := range all {
		if _, err := Restore(within(t), in("backups"), in("restored"), RestoreOptions{Name: b.report.Name, FS: disk}); err != nil {
			t.Fatal(err)
		}
		checkPrefix(t, disk, in("restored"), n.store, b.report.Position, b.told)
		if err := disk.RemoveAll(in("restored")); err != nil {
			t.Fatal(err)
		}
	}
}

// The log grows while it is copied, from behind to in front of where the copy has
// come to, which is among the zeros at its end.
func TestBackupWhileItsLogGrows(t *testing.T) {
	disk := vfs.NewMem()
	var c *esdb.Client
	var copying atomic.Bool
	var reads atomic.Int64
	watched := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		ofLog := op.Kind == errorfs.OpFileRead && isLogFile(op.Path) && !strings.Contains(op.Path, stagePrefix)
		if ofLog && copying.Load() && reads.Add(1) == 3 {
			for range 60 { // later ones say in the log that earlier ones were synced
				e := esdb.EventData{EventID: uuid.New(), EventType: "big", Data: make([]byte, 2_000)}
				appendTo(t, c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
			}
		}
		return nil
	}))
	n := start(t, func(cfg *Config) { cfg.FS, cfg.Dir = watched, "store" })
	c = connect(t, n)
	letters(t, c, "s", "abc")
	if err := n.store.db.Flush(); err != nil { // the first log of a folder tells less than later ones
		t.Fatal(err)
	}
	letters(t, c, "s", "def")
	before := n.store.mark.position()
	copying.Store(true)
	report, err := n.Backup(within(t), "backups", BackupOptions{})
	copying.Store(false)
	if err != nil {
		t.Fatal(err)
	}
	if reads.Load() < 6 || report.Position < before {
		t.Fatalf("control: the log was read %d times, the backup ends at %d, %d was acknowledged", reads.Load(), report.Position, before)
	}
	if _, err := Restore(within(t), "backups", "restored", RestoreOptions{FS: disk}); err != nil {
		t.Fatal(err)
	}
	checkPrefix(t, disk, "restored", n.store, report.Position, nil)
}

func checkPrefix(t *testing.T, disk vfs.FS, dir string, whole *store, position int64, told map[uuid.UUID]place) {
	t.Helper()
	s, err := openStore(Config{FS: disk, Dir: dir, Clock: time.Now, memTable: crashMemTable}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	wantInvariants(t, s)
	if s.last != position || !bytes.Equal(logUpTo(t, s, position), logUpTo(t, whole, position)) {
		t.Errorf("%s ends at %d, its backup at %d; it is not what the log begins with", dir, s.last, position)
	}
	all, err := wholeLog(s)
	if err != nil {
		t.Fatal(err)
	}
	there := map[place]uuid.UUID{}
	for _, r := range all {
		there[place{string(r.name), r.rev}] = r.id
	}
	for id, at := range told {
		if there[at] != id {
			t.Errorf("%s lacks %s@%d, which was acknowledged before", dir, at.stream, at.rev)
		}
	}
}

// A backup that a power cut ends, at any operation on the disk, is no backup: what
// the folder lists restores, the earlier backup among it. The store is whole, and
// the next backup is taken as if nothing had been.
func TestBackupEndsTheSameAfterAnyPowerCut(t *testing.T) {
	t.Parallel()
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	asItIs := vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r}
	origin := vfs.NewCrashableMem()
	wornStore(t, origin, []byte("mark"))
	take := func(disk vfs.FS) BackupReport {
		report, err := Backup(within(t), crashedConfig(disk), "backups", BackupOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := take(origin)
	operations := countOperations(origin.CrashClone(asItIs), -1, nil, func(disk vfs.FS) { take(disk) })
	cut, listed := 0, 0
	for at := 0; at < operations; at += times(30, 3, 1) {
		disk := origin.CrashClone(asItIs)
		var left *vfs.MemFS
		countOperations(disk, at, func(crashed *vfs.MemFS) {
			left = crashed.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100}[r.IntN(2)], RNG: r})
		}, func(disk vfs.FS) { take(disk) })
		if left == nil {
			continue
		}
		cut++
		what := fmt.Sprintf("seed %d, cut at operation %d of %d", seed, at, operations)
		names, err := backupNames(left, "backups")
		if err != nil || len(names) == 0 || names[0] != first.Name {
			t.Fatalf("%s: the folder lists %v (%v)", what, names, err)
		}
		listed += len(names) - 1
		for _, name := range names {
			if _, err := Restore(within(t), "backups", "restored-"+name, RestoreOptions{Name: name, FS: left}); err != nil {
				t.Errorf("%s: restore of %s: %v", what, name, err)
			}
		}
		lookInto(t, left, func(*store) {})
		again := take(left)
		if again.Position < first.Position {
			t.Errorf("%s: the next backup is up to %d", what, again.Position)
		}
		if _, err := Restore(within(t), "backups", "again", RestoreOptions{Name: again.Name, FS: left}); err != nil {
			t.Errorf("%s: restore of the next backup: %v", what, err)
		}
		if files, err := left.List("store"); err != nil || strings.Contains(strings.Join(files, " "), stagePrefix) {
			t.Errorf("%s: left over in the store: %v (%v)", what, files, err)
		}
	}
	t.Logf("seed %d: %d cuts over %d operations, after %d of them the new backup was whole", seed, cut, operations, listed)
	if listed == cut || !raceDetector && listed == 0 {
		t.Error("the cuts were not where they should be")
	}
}

// countOperations does something on the disk and calls cut before the given
// operation that changes it. It says how many there were.
func countOperations(disk *vfs.MemFS, at int, cut func(*vfs.MemFS), do func(vfs.FS)) int {
	var operations atomic.Int64
	do(errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && operations.Add(1) == int64(at)+1 && cut != nil {
			cut(disk)
		}
		return nil
	})))
	return int(operations.Load())
}

// A disk of backups that fails at any operation fails the backup, says so, and
// leaves no backup that looks whole; the store goes on.
func TestBackupToAFailingDisk(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	wornStore(t, disk, []byte("mark"))
	failed := 0
	for at := 1; ; at += times(10, 1, 1) {
		var operations atomic.Int64
		failing := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasPrefix(op.Path, "backups") && operations.Add(1) == int64(at) {
				return errorfs.ErrInjected
			}
			return nil
		}))
		_, err := Backup(within(t), crashedConfig(failing), "backups", BackupOptions{Copy: true})
		if operations.Load() < int64(at) { // none was left to fail
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if err != nil {
			failed++
		}
		names, listErr := backupNames(disk, "backups")
		if listErr != nil && failed > 3 {
			t.Fatal(listErr)
		}
		for _, name := range names {
			to := fmt.Sprintf("restored-%d-%s", at, name)
			if _, err := Restore(within(t), "backups", to, RestoreOptions{Name: name, FS: disk}); err != nil {
				t.Errorf("after operation %d failed: %v", at, err)
			}
			if err := disk.RemoveAll(to); err != nil {
				t.Fatal(err)
			}
		}
		if err := disk.RemoveAll("backups"); err != nil {
			t.Fatal(err)
		}
	}
	if failed < times(2, 10, 10) {
		t.Errorf("only %d failures were injected", failed)
	}
}

// A scavenge ends only when no backup that is being taken holds what it removed;
// what the backup has is its own affair.
func TestScavengeOutlastsABackupBeingTaken(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	k := &canaries{t: t, c: s.c}
	k.append("s", 20, true)
	k.spare("s")
	s.set("s", maxCountOf(1))
	if err := n.store.db.Flush(); err != nil {
		t.Fatal(err)
	}
	st, err := n.store.takeStage(within(t), time.Now(), func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{}, 1)
	run, err := n.scavenges.start(within(t), ScavengeOptions{Progress: func(p ScavengeProgress) {
		if p.Phase == ScavengeWaits {
			wake(waiting)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case <-waiting:
		case <-run.done:
			t.Fatal("the scavenge ended while a backup held the bytes")
		}
	}
	k.wantAll(n)
	if err := st.drop(); err != nil {
		t.Fatal(err)
	}
	<-run.done
	if run.err != nil {
		t.Fatal(run.err)
	}
	k.wantGone(n)
}

// A node that stops does not wait for a client that takes its backup slowly, and
// leaves nothing of it.
func TestStopEndsABackupOnItsWay(t *testing.T) {
	n := start(t)
	c := connect(t, n)
	for range 40 {
		e := esdb.EventData{EventID: uuid.New(), EventType: "big", Data: make([]byte, 900_000)}
		rand.NewChaCha8([32]byte{}).Read(e.Data) // so that it does not shrink
		appendTo(t, c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
	}
	conn, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"have":[]}`
	if _, err := fmt.Fprintf(conn, "POST /admin/backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 100)); err != nil { // and no more
		t.Fatal(err)
	}
	_ = c.Close()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	wantNoStages(t, n.cfg.Dir)
}

// What a killed process left of a backup goes when the folder is opened.
func TestOpeningDropsWhatABackupLeft(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	if _, err := n.store.takeStage(within(t), time.Now(), func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(n.cfg.Dir, stagePrefix+"*")); len(left) != 1 {
		t.Fatalf("control: %v", left)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, func(c *Config) { c.Dir = n.cfg.Dir })
	wantNoStages(t, n.cfg.Dir)
}

// Whoever gives up waiting for a backup gets none.
func TestBackupEndsWithItsContext(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	to := filepath.Join(t.TempDir(), "backups")
	ctx, cancel := context.WithCancel(context.Background())
	_, err := n.Backup(ctx, to, BackupOptions{Progress: func(phase string, _, _ int64) {
		if phase == BackupVerifies {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if names, err := backupNames(vfs.Default, to); err != nil || len(names) > 0 {
		t.Errorf("it left the backups %v (%v)", names, err)
	}
	wantNoStages(t, n.cfg.Dir)
}
