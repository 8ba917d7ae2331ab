package eventnode

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// The phases of a backup, in their order.
const (
	BackupReads    = "reading"   // the files of the store, to know them by hash
	BackupCopies   = "copying"   // those that the folder of backups lacks
	BackupVerifies = "verifying" // all files of the backup, as they are kept
)

// BackupOptions say how a backup is taken.
type BackupOptions struct {
	// Copy makes copies also where a hard link would do. A link costs nothing and
	// guards against a mistaken deletion or a failed upgrade, but it is the same
	// bytes on the same disk: it does not outlive the disk.
	Copy bool
	// Keep is how many backups stay in the folder, this one included; 0 means all.
	Keep int
	// Progress is told how many bytes of a phase are done; it must not block. May
	// be nil.
	Progress func(phase string, done, total int64)
}

func (o BackupOptions) withDefaults() BackupOptions {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	return o
}

// Validate says what is wrong with the options.
func (o BackupOptions) Validate() error {
	if o.Keep < 0 {
		return fmt.Errorf("Keep is %d, less than nothing", o.Keep)
	}
	return nil
}

// BackupReport is what a backup has and what it took.
type BackupReport struct {
	Name        string        `json:"backup"`
	Node        uuid.UUID     `json:"node"`
	Position    int64         `json:"position"` // of the last record in it
	Taken       time.Time     `json:"taken"`
	Files       int           `json:"files"`
	Bytes       int64         `json:"bytes"`
	Copied      int           `json:"copied_files"`
	CopiedBytes int64         `json:"copied_bytes"`
	Linked      int           `json:"linked_files"`
	Removed     int           `json:"removed_backups"`
	Took        time.Duration `json:"took_ns"`
}

// Backup adds a backup of the node to a folder of backups, which is made when it
// is absent. Everything that was acknowledged before is in it, and an append is
// in it wholly or not at all; writers and readers go on. Files that the folder
// has already are not copied again. When Backup returns without an error, the
// backup is on the disk and every byte of it was read again; cut off at any
// moment it leaves no backup that looks whole. One at a time may write to a
// folder of backups: the other fails with ErrBackupsInUse.
//
// Values that are sealed in the node are sealed in the backup; their keys are
// elsewhere. A scavenge does not reach backups that were taken before.
func (n *Node) Backup(ctx context.Context, dir string, o BackupOptions) (BackupReport, error) {
	if !n.admin.enter() {
		return BackupReport{}, ErrClosed
	}
	defer n.admin.requests.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.admin.closing, cancel)()
	return backUp(ctx, n.store, n.cfg, dir, o)
}

// Backup does for a folder that no node has open what Node.Backup does. It does
// not serve; of cfg everything counts except the addresses.
func Backup(ctx context.Context, cfg Config, dir string, o BackupOptions) (report BackupReport, err error) {
	if err := cfg.Validate(); err != nil {
		return BackupReport{}, err
	}
	cfg = cfg.withDefaults()
	st, err := openExisting(cfg)
	if err != nil {
		return BackupReport{}, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	return backUp(ctx, st, cfg, dir, o)
}

func backUp(ctx context.Context, s *store, cfg Config, dir string, o BackupOptions) (report BackupReport, err error) {
	if err := o.Validate(); err != nil {
		return BackupReport{}, err
	}
	o = o.withDefaults()
	began := cfg.Clock()
	to := wholePath(cfg.FS, dir)
	if within, err := filepath.Rel(s.dir, to); err == nil && filepath.IsLocal(within) {
		return BackupReport{}, fmt.Errorf("%s is inside the folder of the event store; name one outside", dir)
	}
	t, err := openTarget(cfg.FS, to)
	if err != nil {
		return BackupReport{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	st, err := s.takeStage(ctx, began, func(done, total int64) { o.Progress(BackupReads, done, total) })
	if err != nil {
		return BackupReport{}, err
	}
	defer func() { err = errors.Join(err, st.drop()) }()
	report = reportOf(st.manifest)
	bring := func(f BackupFile, told func(n int)) error { return t.bring(ctx, st, f, o.Copy, told, &report) }
	if err := t.fill(ctx, st.manifest, bring, o); err != nil {
		return BackupReport{}, fmt.Errorf("back up to %s: %w", dir, err)
	}
	err = t.end(st.manifest, o, &report)
	report.Took = cfg.Clock().Sub(began)
	return report, err
}

// wholePath gives a folder of the disk one name, as far as it exists.
func wholePath(files vfs.FS, dir string) string {
	if files != vfs.Default {
		return dir
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		return real
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		return filepath.Join(real, filepath.Base(absolute))
	}
	return absolute
}

func reportOf(m BackupManifest) BackupReport {
	return BackupReport{Name: m.name(), Node: m.Node, Position: m.Position, Taken: m.Taken, Files: len(m.Files), Bytes: m.Bytes()}
}

// bring makes one object from the frozen folder.
func (t *backupTarget) bring(ctx context.Context, st *stage, f BackupFile, copies bool, told func(n int), report *BackupReport) error {
	from := t.files.PathJoin(st.dir, f.Name)
	// What is no table was copied when the folder was frozen.
	if !copies || !isTable(f.Name) {
		linked, err := t.link(from, f)
		if linked && isTable(f.Name) {
			report.Linked++
		}
		if linked || err != nil {
			told(int(f.Size))
			return err
		}
	}
	file, err := t.files.Open(from, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer file.Close()
	report.Copied++
	report.CopiedBytes += f.Size
	return t.write(ctx, file, f, told)
}

// fill brings what the folder of backups lacks and reads all of the backup
// again. What turns out to be damaged is brought once more.
func (t *backupTarget) fill(ctx context.Context, m BackupManifest, bring func(BackupFile, func(n int)) error, o BackupOptions) error {
	for range 2 {
		lacking := t.lacking(m)
		done, total := int64(0), BackupManifest{Files: lacking}.Bytes()
		for _, f := range lacking {
			if err := bring(f, func(n int) {
				done += int64(n)
				o.Progress(BackupCopies, done, total)
			}); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		sound, err := t.sound(ctx, m, func(done, total int64) { o.Progress(BackupVerifies, done, total) })
		if err != nil || sound {
			return err
		}
	}
	return errUnsound
}

var errUnsound = errors.New("what was written reads differently: the disk of the backups is not to be trusted")

// end makes the backup one, and removes those that are too many.
func (t *backupTarget) end(m BackupManifest, o BackupOptions, report *BackupReport) error {
	var err error
	if report.Name, err = t.commit(m); err != nil {
		return fmt.Errorf("back up to %s: %w", t.dir, err)
	}
	if report.Removed, err = t.prune(o.Keep); err != nil {
		return fmt.Errorf("the backup is whole, but older ones were not removed: %w", err)
	}
	return nil
}
