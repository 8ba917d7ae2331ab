package eventnode

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// name is that of the backup: when it was taken and where its log ends.
func (m BackupManifest) name() string {
	return fmt.Sprintf("%s-%d", m.Taken.UTC().Format("20060102T150405.000000000Z"), m.Position)
}

// KeptBackup is one backup in a folder of backups, as its manifest says.
type KeptBackup struct {
	Name     string    `json:"backup"`
	Node     uuid.UUID `json:"node"`
	Position int64     `json:"position"`
	Taken    time.Time `json:"taken"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
}

// ListBackups reads the manifests of a folder of backups, the oldest first. It
// fails at the first that is damaged or of another format.
func ListBackups(dir string) ([]KeptBackup, error) {
	names, err := backupNames(vfs.Default, dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s is no folder of backups, or the first one was never finished: %w", dir, ErrNoBackup)
	}
	var all []KeptBackup
	for _, name := range names {
		m, err := readBackup(vfs.Default, dir, name)
		if err != nil {
			return nil, err
		}
		all = append(all, KeptBackup{Name: name, Node: m.Node, Position: m.Position, Taken: m.Taken, Files: len(m.Files), Bytes: m.Bytes()})
	}
	return all, nil
}

// backupNames are the names of all backups, the oldest first: a name begins with
// a time.
func backupNames(files vfs.FS, dir string) ([]string, error) {
	list, err := files.List(files.PathJoin(dir, backupsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder of backups %s: %w", dir, err)
	}
	var names []string
	for _, file := range list {
		if name, found := strings.CutSuffix(file, manifestEnd); found {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func readBackup(files vfs.FS, dir, name string) (BackupManifest, error) {
	path := files.PathJoin(dir, backupsFolder, name+manifestEnd)
	b, err := readFile(files, path)
	if err != nil {
		return BackupManifest{}, fmt.Errorf("backup %s: %w", name, err)
	}
	m, err := decodeManifest(b)
	switch {
	case errors.Is(err, ErrUnknownFormat):
		return BackupManifest{}, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return BackupManifest{}, corrupt(path, err)
	}
	if m.name() != name {
		return BackupManifest{}, corrupt(path, fmt.Errorf("it is of backup %s", m.name()))
	}
	return m, nil
}

// prune keeps the latest backups, as many as asked for, and the objects that
// they need; 0 keeps everything.
func (t *backupTarget) prune(keep int) (removed int, err error) {
	names, err := backupNames(t.files, t.dir)
	if err != nil || keep <= 0 {
		return 0, err
	}
	first := max(len(names)-keep, 0)
	old, kept := names[:first], names[first:]
	needed := map[string]bool{}
	for _, name := range kept {
		m, err := readBackup(t.files, t.dir, name)
		if err != nil {
			return 0, err
		}
		for _, f := range m.Files {
			needed[f.SHA256] = true
		}
	}
	for _, name := range old {
		if err := t.files.Remove(t.path(backupsFolder, name+manifestEnd)); err != nil {
			return removed, err
		}
		removed++
	}
	// Manifests must be gone before the objects that they name.
	if err := syncFolder(t.files, t.path(backupsFolder)); err != nil {
		return removed, err
	}
	for hash := range t.has {
		if needed[hash] {
			continue
		}
		if err := t.files.Remove(t.path(objectsFolder, hash)); err != nil {
			return removed, err
		}
	}
	return removed, syncFolder(t.files, t.path(objectsFolder))
}
