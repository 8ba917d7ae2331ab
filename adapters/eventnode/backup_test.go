package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// overHTTP asks a node for a backup as a client does.
func overHTTP(t *testing.T, n *Node) func(context.Context, []byte) (io.ReadCloser, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context, body []byte) (io.ReadCloser, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.Addr()+"/admin/backup", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("the node answers %s", resp.Status), resp.Body.Close())
		}
		return resp.Body, nil
	}
}

// takers are the ways to take a backup of a running node.
func takers(t *testing.T, n *Node) map[string]func(dir string, o BackupOptions) (BackupReport, error) {
	return map[string]func(string, BackupOptions) (BackupReport, error){
		"in the process": func(dir string, o BackupOptions) (BackupReport, error) { return n.Backup(within(t), dir, o) },
		"over the network": func(dir string, o BackupOptions) (BackupReport, error) {
			return ReceiveBackup(within(t), dir, o, time.Now, overHTTP(t, n))
		},
	}
}

func restored(t *testing.T, from string, o RestoreOptions) (dir string, report RestoreReport) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "restored")
	report, err := Restore(within(t), from, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, report
}

// logUpTo is the log up to a position as bytes.
func logUpTo(t *testing.T, s *store, position int64) []byte {
	t.Helper()
	all, err := wholeLog(s)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, r := range all {
		if r.pos <= position {
			b = append(b, encodeRecord(r)...)
		}
	}
	return b
}

// logIn is the log of a folder that no node has open, which must hold.
func logIn(t *testing.T, dir string) []byte {
	t.Helper()
	s, err := openStore(Config{Dir: dir, Clock: time.Now}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	wantInvariants(t, s)
	return logUpTo(t, s, s.last)
}

// However a backup is taken, it restores to the store as it was: every record at
// its position, limits, deletions, groups with their checkpoints, the node's id.
func TestBackupRestoresTheStoreAsItWas(t *testing.T) {
	n := start(t, quickTicks, func(c *Config) { c.memTable = crashMemTable })
	s := past{t: t, n: n, c: connect(t, n)}
	for range 100 {
		s.append("s", "abcdefgh")
	}
	s.set("s", maxCountOf(20))
	s.append("deleted", "ab")
	s.delete("deleted")
	s.append("ended", "ab")
	s.tombstone("ended")
	s.scavenge()
	createGroup(t, s.c, "s", "g", esdb.Start{}, eager())
	hears(t, consume(t, s.c, "s", "g", 2), "efgh")
	until(t, "a checkpoint", func() bool { return infoOf(t, s.c, "s", "g").Stats.LastCheckpointedEventRevision != nil })
	for name, take := range takers(t, n) {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "backups")
			report, err := take(to, BackupOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if report.Position == 0 || report.Node != n.store.nodeID || report.Bytes == 0 {
				t.Errorf("%+v", report)
			}
			dir, got := restored(t, to, RestoreOptions{})
			if got.Name != report.Name || got.Position != report.Position || got.Events == 0 {
				t.Errorf("%+v", got)
			}
			if !bytes.Equal(logIn(t, dir), logUpTo(t, n.store, report.Position)) {
				t.Error("the log differs")
			}
			m := start(t, func(c *Config) { c.Dir = dir })
			c := connect(t, m)
			if m.store.nodeID != n.store.nodeID {
				t.Error("another node id")
			}
			if got, want := shows(t, c, "s"), shows(t, s.c, "s"); got != want {
				t.Errorf("the stream shows %q, want %q", got, want)
			}
			if readError(t, c, "deleted") != esdb.ErrorCodeResourceNotFound || readError(t, c, "ended") != esdb.ErrorCodeStreamDeleted {
				t.Error("deletions are lost")
			}
			hears(t, consume(t, c, "s", "g", 1), "abcd") // after its checkpoint
		})
	}
	wantNoStages(t, n.cfg.Dir)
}

func wantNoStages(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, stagePrefix+"*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v (%v)", left, err)
	}
}

// A later backup brings what is new only, and keeps as many as are wanted, with
// what they need.
func TestBackupsAreIncremental(t *testing.T) {
	n := start(t, func(c *Config) { c.memTable = crashMemTable })
	c := connect(t, n)
	grow := func() {
		batchAppend(t, n, 300, 3)
		if err := n.store.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	grow()
	for name, take := range takers(t, n) {
		for _, copies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, copies %v", name, copies), func(t *testing.T) {
				to := filepath.Join(t.TempDir(), "backups")
				first, err := take(to, BackupOptions{Copy: copies})
				if err != nil {
					t.Fatal(err)
				}
				grow()
				letters(t, c, "s", "a")
				second, err := take(to, BackupOptions{Copy: copies})
				if err != nil {
					t.Fatal(err)
				}
				if second.Copied+second.Linked >= second.Files || second.CopiedBytes >= second.Bytes {
					t.Errorf("everything was brought again: %+v", second)
				}
				if linked := first.Linked > 0; linked != (!copies && name == "in the process") {
					t.Errorf("%d files were linked", first.Linked)
				}
				_, old := restored(t, to, RestoreOptions{Name: first.Name})
				_, latest := restored(t, to, RestoreOptions{})
				if old.Position != first.Position || latest.Position != second.Position || old.Position >= latest.Position {
					t.Errorf("restored up to %d and %d, taken up to %d and %d", old.Position, latest.Position, first.Position, second.Position)
				}
				third, err := take(to, BackupOptions{Copy: copies, Keep: 1})
				if err != nil || third.Removed != 2 {
					t.Errorf("%+v (%v)", third, err)
				}
				objects, err := os.ReadDir(filepath.Join(to, objectsFolder))
				if err != nil || len(objects) > third.Files {
					t.Errorf("%d objects are kept for %d files (%v)", len(objects), third.Files, err)
				}
				restored(t, to, RestoreOptions{})
				_, err = Restore(within(t), to, filepath.Join(t.TempDir(), "x"), RestoreOptions{Name: first.Name})
				if !errors.Is(err, ErrNoBackup) {
					t.Errorf("restoring what was removed: %v", err)
				}
			})
		}
	}
}

// What time damages in the folder of backups is brought again.
func TestBackupHealsDamagedFiles(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	if err := n.store.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for name, take := range takers(t, n) {
		for how, harm := range map[string]func(b []byte) []byte{
			"changed": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"cut off": func(b []byte) []byte { return b[:len(b)/2] },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				to := filepath.Join(t.TempDir(), "backups")
				first, err := take(to, BackupOptions{Copy: true})
				if err != nil {
					t.Fatal(err)
				}
				damage(t, object(t, to, first.Name, ".sst"), harm)
				if _, err := Restore(within(t), to, filepath.Join(t.TempDir(), "x"), RestoreOptions{}); !errors.Is(err, ErrCorrupt) {
					t.Fatalf("control: %v", err)
				}
				if _, err := take(to, BackupOptions{Copy: true}); err != nil {
					t.Fatal(err)
				}
				restored(t, to, RestoreOptions{Name: first.Name})
			})
		}
	}
}

// object is where the first file of a kind is kept.
func object(t *testing.T, to, name, kind string) string {
	t.Helper()
	m, err := readBackup(vfs.Default, to, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		if f.Size > 0 && strings.Contains(f.Name, kind) {
			return filepath.Join(to, objectsFolder, f.SHA256)
		}
	}
	t.Fatalf("the backup has no %s", kind)
	return ""
}

func damage(t *testing.T, path string, harm func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, harm(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever is wrong with a backup or with where it is to go, nothing is restored
// and the message says what and where.
func TestRestoreRefuses(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	if err := n.store.db.Flush(); err != nil {
		t.Fatal(err)
	}
	letters(t, connect(t, n), "s", "def")
	flip := func(b []byte) []byte { b[len(b)/2] ^= 4; return b }
	remove := func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		harm func(t *testing.T, to, backup, target string)
		want error
		says string
	}{
		"a table with another byte":    {func(t *testing.T, to, b, _ string) { damage(t, object(t, to, b, ".sst"), flip) }, ErrCorrupt, ".sst"},
		"a log with another byte":      {func(t *testing.T, to, b, _ string) { damage(t, object(t, to, b, ".log"), flip) }, ErrCorrupt, ".log"},
		"a manifest with another byte": {func(t *testing.T, to, b, _ string) { damage(t, object(t, to, b, "MANIFEST"), flip) }, ErrCorrupt, "MANIFEST"},
		"options with another byte":    {func(t *testing.T, to, b, _ string) { damage(t, object(t, to, b, "OPTIONS"), flip) }, ErrCorrupt, "OPTIONS"},
		"a table that is missing":      {func(t *testing.T, to, b, _ string) { remove(t, object(t, to, b, ".sst")) }, ErrCorrupt, "is missing"},
		"a table that is cut off": {func(t *testing.T, to, b, _ string) {
			damage(t, object(t, to, b, ".sst"), func(b []byte) []byte { return b[:len(b)-1] })
		}, ErrCorrupt, ".sst"},
		"a list of files with another byte": {func(t *testing.T, to, b, _ string) {
			damage(t, filepath.Join(to, backupsFolder, b+manifestEnd), flip)
		}, ErrCorrupt, manifestEnd},
		"a list of files of another backup": {func(t *testing.T, to, b, _ string) {
			path := filepath.Join(to, backupsFolder, b+manifestEnd)
			if err := os.Rename(path, filepath.Join(to, backupsFolder, "20990101T000000.000000000Z-1"+manifestEnd)); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "it is of backup"},
		"a later format": {func(t *testing.T, to, b, _ string) {
			m := BackupManifest{Format: "tracekeep-eventnode-backup-2"}
			damage(t, filepath.Join(to, backupsFolder, b+manifestEnd), func([]byte) []byte { return sealedText(t, m) })
		}, ErrUnknownFormat, "tracekeep-eventnode-backup-2"},
		"a backup that was never finished": {func(t *testing.T, to, b, _ string) {
			remove(t, filepath.Join(to, backupsFolder, b+manifestEnd))
		}, ErrNoBackup, "never finished"},
		"a folder that has something in it": {func(t *testing.T, _, _, target string) {
			if err := errors.Join(os.MkdirAll(target, 0o700), os.WriteFile(filepath.Join(target, "x"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, ErrNotEmpty, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			to, target := filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "restored")
			report, err := n.Backup(within(t), to, BackupOptions{Copy: true})
			if err != nil {
				t.Fatal(err)
			}
			tt.harm(t, to, report.Name, target)
			_, err = Restore(within(t), to, target, RestoreOptions{})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(filepath.Join(target, "CURRENT")); err == nil {
				t.Error("something was restored")
			}
			if left, _ := filepath.Glob(target + "*"); len(left) > 0 && !errors.Is(tt.want, ErrNotEmpty) {
				t.Errorf("left over: %v", left)
			}
		})
	}
	if _, err := Restore(within(t), t.TempDir(), filepath.Join(t.TempDir(), "x"), RestoreOptions{}); !errors.Is(err, ErrNoBackup) {
		t.Errorf("of an empty folder: %v", err)
	}
}

// An empty folder is as good as none.
func TestRestoreToAnEmptyFolder(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	to, target := t.TempDir(), t.TempDir()
	if _, err := n.Backup(within(t), to, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(within(t), to, target, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(logIn(t, target), logUpTo(t, n.store, n.store.mark.position())) {
		t.Error("the log differs")
	}
}

func TestBackupRefuses(t *testing.T) {
	n := start(t)
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "letter.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy := filepath.Join(t.TempDir(), "backups")
	target, err := openTarget(vfs.Default, busy)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	for name, take := range takers(t, n) {
		if _, err := take(other, BackupOptions{}); !errors.Is(err, ErrNotBackups) || !strings.Contains(err.Error(), "letter.txt") {
			t.Errorf("%s, to a folder of something else: %v", name, err)
		}
		if _, err := take(n.cfg.Dir, BackupOptions{}); err == nil {
			t.Errorf("%s, to the folder of the node: it was taken", name)
		}
		if _, err := take(busy, BackupOptions{}); !errors.Is(err, ErrBackupsInUse) {
			t.Errorf("%s, while another one is written: %v", name, err)
		}
		if _, err := take(t.TempDir(), BackupOptions{Keep: -1}); err == nil {
			t.Errorf("%s: fewer than no backups are kept", name)
		}
	}
	inside := filepath.Join(n.cfg.Dir, "backups")
	if _, err := n.Backup(within(t), inside, BackupOptions{}); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("to a folder inside that of the node: %v", err)
	}
	if code := call(t, n, http.MethodPost, "/admin/backup", nil); code != http.StatusBadRequest {
		t.Errorf("a request without a body answers %d", code)
	}
	if _, err := Backup(within(t), n.cfg, t.TempDir(), BackupOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("of a folder that a node has open: %v", err)
	}
	mistaken := n.cfg
	mistaken.Dir = t.TempDir()
	if _, err := Backup(within(t), mistaken, t.TempDir(), BackupOptions{}); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("of a folder that holds no store: %v", err)
	}
	if _, err := Scavenge(within(t), mistaken, ScavengeOptions{}); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("a scavenge of a folder that holds no store: %v", err)
	}
	wantNoStages(t, n.cfg.Dir)
}

func TestBackupOfAFolderThatNobodyHasOpen(t *testing.T) {
	n := start(t)
	letters(t, connect(t, n), "s", "abc")
	want := logUpTo(t, n.store, n.store.mark.position())
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "deep", "backups")
	if _, err := Backup(within(t), n.cfg, to, BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	dir, _ := restored(t, to, RestoreOptions{})
	if !bytes.Equal(logIn(t, dir), want) {
		t.Error("the log differs")
	}
	if _, err := n.Backup(within(t), to, BackupOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed node: %v", err)
	}
}
