package eventnode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The phases of a restore, in their order.
const (
	RestoreCopies   = "copying"   // Done and Total count bytes of files
	RestoreVerifies = "verifying" // bytes, as Verify counts them
)

// restoringEnd ends the name of the folder in which a restore is made; it takes
// its name only when it is whole.
const restoringEnd = ".restoring"

// ErrNoBackup: the folder has no backup, or none of this name.
var ErrNoBackup = errors.New("no such backup")

// RestoreOptions say what is restored.
type RestoreOptions struct {
	// Name is that of the backup; empty means the latest.
	Name string
	// FS is the file system; nil means the disk.
	FS vfs.FS
	// Progress is told how far a phase is; it must not block. May be nil.
	Progress func(phase string, done, total int64)
}

// RestoreReport is what was restored.
type RestoreReport struct {
	BackupReport
	Events  int64 `json:"events"`
	Streams int64 `json:"streams"`
}

// Restore makes the folder to, which must not exist or be empty, from a backup
// in the folder from. Every file is held against its hash, and the folder
// against itself, before it takes its name; a backup that is damaged, partial or
// of another format is refused with the file and the reason. Cut off at any
// moment it leaves to as it was.
//
// The restored store is the backed-up one at an earlier moment: it has the same
// node id, the same positions and revisions up to the position of the backup, and
// gives out those behind it anew. Whoever remembers a place behind it must go
// back: read models are rebuilt, and groups go on from their checkpoints, which
// are in the backup. Never let the restored node and the one it came from serve
// side by side.
func Restore(ctx context.Context, from, to string, o RestoreOptions) (RestoreReport, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	r := &restoration{ctx: ctx, files: o.FS, from: wholePath(o.FS, from), to: wholePath(o.FS, to), o: o}
	if err := errors.Join(r.choose(), r.room()); err != nil {
		return RestoreReport{}, err
	}
	r.work = r.to + restoringEnd
	err := r.files.RemoveAll(r.work) // of a restore that was killed
	if err == nil {
		err = r.run()
	}
	if err != nil {
		return RestoreReport{}, errors.Join(err, r.files.RemoveAll(r.work))
	}
	return r.report, nil
}

type restoration struct {
	ctx            context.Context
	files          vfs.FS
	from, to, work string
	o              RestoreOptions
	manifest       BackupManifest
	report         RestoreReport
}

// choose finds the backup.
func (r *restoration) choose() error {
	names, err := backupNames(r.files, r.from)
	if err != nil {
		return err
	}
	name := r.o.Name
	if name == "" && len(names) > 0 {
		name = names[len(names)-1]
	}
	found := false
	for _, n := range names {
		found = found || n == name
	}
	switch {
	case !found && name != "":
		return fmt.Errorf("%s has no backup %s: %w", r.from, name, ErrNoBackup)
	case !found:
		return fmt.Errorf("%s is no folder of backups, or the first one was never finished: %w", r.from, ErrNoBackup)
	}
	r.manifest, err = readBackup(r.files, r.from, name)
	return err
}

// room refuses a folder that has something in it.
func (r *restoration) room() error {
	names, err := r.files.List(r.to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore to %s: %w", r.to, err)
	}
	if len(names) > 0 {
		return fmt.Errorf("restore to %s: %w; name a folder that does not exist", r.to, ErrNotEmpty)
	}
	return nil
}

func (r *restoration) run() error {
	if err := r.files.MkdirAll(r.work, 0o700); err != nil {
		return fmt.Errorf("restore to %s: %w", r.to, err)
	}
	done, total := int64(0), r.manifest.Bytes()
	for _, f := range r.manifest.Files {
		if err := r.copy(f, func(n int) {
			done += int64(n)
			r.o.Progress(RestoreCopies, done, total)
		}); err != nil {
			return fmt.Errorf("restore %s: %w", r.manifest.name(), err)
		}
	}
	if err := syncFolder(r.files, r.work); err != nil {
		return fmt.Errorf("restore to %s: %w", r.to, err)
	}
	if err := r.verify(); err != nil {
		return fmt.Errorf("restore %s: %w", r.manifest.name(), err)
	}
	if err := r.name(); err != nil {
		return fmt.Errorf("restore to %s: %w", r.to, err)
	}
	r.report.BackupReport = reportOf(r.manifest)
	return nil
}

func (r *restoration) copy(f BackupFile, told func(n int)) error {
	object := r.files.PathJoin(r.from, objectsFolder, f.SHA256)
	in, err := r.files.Open(object, vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return corrupt(f.Name+" of the backup", fmt.Errorf("%s is missing", object))
	}
	if err != nil {
		return fmt.Errorf("%s of the backup: %w", f.Name, err)
	}
	defer in.Close()
	out, err := r.files.Create(r.files.PathJoin(r.work, f.Name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	h := sha256.New()
	size, err := copyAll(r.ctx, io.MultiWriter(h, out), in, told)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s of the backup: %w", f.Name, err)
	}
	if size != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return corrupt(f.Name+" of the backup", fmt.Errorf("the bytes of %s have changed", object))
	}
	return nil
}

// verify holds what was restored against itself and against the manifest.
func (r *restoration) verify() error {
	node, position, err := endOf(r.files, r.work)
	if err != nil {
		return err
	}
	if node != r.manifest.Node || position != r.manifest.Position {
		return corrupt("the backup", fmt.Errorf("it is of node %s up to position %d, its manifest says %s up to %d",
			node, position, r.manifest.Node, r.manifest.Position))
	}
	var first error
	report, err := Verify(r.ctx, VerifyConfig{
		Dir: r.work, FS: r.files,
		Found: func(d Defect) {
			if first == nil {
				first = corrupt("the backup", errors.New(d.String()))
			}
		},
		Progress: func(done, total int64) { r.o.Progress(RestoreVerifies, done, total) },
	})
	r.report.Events, r.report.Streams = report.Events, report.Streams
	return errors.Join(err, first)
}

// name gives the folder its name, for good.
func (r *restoration) name() error {
	if err := r.files.Remove(r.to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.files.Rename(r.work, r.to); err != nil {
		return err
	}
	return syncFolder(r.files, r.files.PathDir(r.to))
}
