package eventnode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A folder of backups holds two others: objects has every file of every backup
// under its hash, and backups one manifest for each. A manifest is written last
// and whole, when everything it names is on the disk and was read again; so what
// is cut off in the middle is no backup, only objects that the next one finds or
// prunes.
const (
	objectsFolder = "objects"
	backupsFolder = "backups"
	manifestEnd   = ".json"
	unfinishedEnd = ".unfinished"
)

var (
	// ErrNotBackups: the folder holds something else than backups.
	ErrNotBackups = errors.New("folder holds something else than backups of an event store")
	// ErrBackupsInUse: another backup is being written to the folder.
	ErrBackupsInUse = errors.New("another backup is being written to this folder")
)

// backupTarget is a folder of backups that one backup at a time may write to.
type backupTarget struct {
	files vfs.FS
	dir   string
	lock  *pebble.Lock
	has   map[string]int64 // the sizes of objects by hash
}

// openTarget makes the folder when it is absent.
func openTarget(files vfs.FS, dir string) (*backupTarget, error) {
	t := &backupTarget{files: files, dir: dir, has: map[string]int64{}}
	if err := t.refuseOthers(); err != nil {
		return nil, err
	}
	for _, path := range []string{dir, t.path(objectsFolder), t.path(backupsFolder)} {
		if err := files.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("folder of backups %s: %w", dir, err)
		}
	}
	var err error
	switch t.lock, err = lockFolder(dir, files); {
	case errors.Is(err, ErrLocked):
		return nil, fmt.Errorf("%s: %w", dir, ErrBackupsInUse)
	case err != nil:
		return nil, fmt.Errorf("folder of backups: %w", err)
	}
	if err := errors.Join(syncAncestors(files, t.path(objectsFolder)), t.inventory()); err != nil {
		return nil, errors.Join(fmt.Errorf("folder of backups %s: %w", dir, err), t.close())
	}
	return t, nil
}

func (t *backupTarget) path(parts ...string) string {
	return t.files.PathJoin(append([]string{t.dir}, parts...)...)
}

func (t *backupTarget) close() error { return t.lock.Close() }

// refuseOthers keeps backups out of a folder that is in use for something else.
func (t *backupTarget) refuseOthers() error {
	names, err := t.files.List(t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("folder of backups %s: %w", t.dir, err)
	}
	for _, name := range names {
		if name != objectsFolder && name != backupsFolder && name != "LOCK" && name != "lost+found" {
			return fmt.Errorf("%s: %w: there is %s; name an empty folder, or one that does not exist", t.dir, ErrNotBackups, name)
		}
	}
	return nil
}

// inventory lists the objects and removes what a crash left unfinished.
func (t *backupTarget) inventory() error {
	for _, folder := range []string{objectsFolder, backupsFolder} {
		names, err := t.files.List(t.path(folder))
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasSuffix(name, unfinishedEnd) {
				if err := t.files.Remove(t.path(folder, name)); err != nil {
					return err
				}
				continue
			}
			if folder == objectsFolder && hashText.MatchString(name) {
				info, err := t.files.Stat(t.path(folder, name))
				if err != nil {
					return err
				}
				t.has[name] = info.Size()
			}
		}
	}
	return nil
}

// lacking are the files of a backup that must still be brought.
func (t *backupTarget) lacking(m BackupManifest) []BackupFile {
	var files []BackupFile
	for _, f := range m.Files {
		if size, found := t.has[f.SHA256]; !found || size != f.Size {
			files = append(files, f)
		}
	}
	return files
}

// link makes an object of a file on the same file system; false if it is on
// another one.
func (t *backupTarget) link(from string, f BackupFile) (bool, error) {
	temp := t.path(objectsFolder, f.SHA256+unfinishedEnd)
	if err := t.files.Link(from, temp); err != nil {
		return false, nil //nolint:nilerr // it is copied instead
	}
	return true, t.finish(temp, f)
}

// write makes an object of what it reads, which must have the hash it goes by.
func (t *backupTarget) write(ctx context.Context, r io.Reader, f BackupFile, told func(n int)) error {
	temp := t.path(objectsFolder, f.SHA256+unfinishedEnd)
	file, err := t.files.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	h := sha256.New()
	size, err := copyAll(ctx, io.MultiWriter(h, file), io.LimitReader(r, f.Size+1), told)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); size != f.Size || sum != f.SHA256 {
		return fmt.Errorf("%s came with %d bytes and the hash %s, not as the manifest says", f.Name, size, sum)
	}
	return t.finish(temp, f)
}

func (t *backupTarget) finish(temp string, f BackupFile) error {
	if err := t.files.Rename(temp, t.path(objectsFolder, f.SHA256)); err != nil {
		return err
	}
	t.has[f.SHA256] = f.Size
	return nil
}

// sound reads every object of a backup again, wherever it came from, and throws
// away those that time has damaged, so that they are brought again.
func (t *backupTarget) sound(ctx context.Context, m BackupManifest, told func(done, total int64)) (bool, error) {
	if err := syncFolder(t.files, t.path(objectsFolder)); err != nil {
		return false, err
	}
	if len(t.lacking(m)) > 0 {
		return false, nil
	}
	err := readObjects(ctx, t.files, t.dir, m, told, func(f BackupFile, _ error) error { return t.discard(f) })
	return len(t.lacking(m)) == 0, err
}

func (t *backupTarget) discard(f BackupFile) error {
	delete(t.has, f.SHA256)
	return t.files.Remove(t.path(objectsFolder, f.SHA256))
}

// commit writes the manifest of a backup that is sound.
func (t *backupTarget) commit(m BackupManifest) (name string, err error) {
	b, err := m.encode()
	if err != nil {
		return "", err
	}
	name = m.name()
	temp := t.path(backupsFolder, name+unfinishedEnd)
	if err := writeFile(t.files, temp, b); err != nil {
		return "", err
	}
	if err := t.files.Rename(temp, t.path(backupsFolder, name+manifestEnd)); err != nil {
		return "", err
	}
	return name, syncFolder(t.files, t.path(backupsFolder))
}

// readObjects reads all objects of a backup and tells of those that are not
// what the manifest says.
func readObjects(ctx context.Context, files vfs.FS, dir string, m BackupManifest, told func(done, total int64), bad func(f BackupFile, err error) error) error {
	done, total := int64(0), m.Bytes()
	read := map[string]bool{} // empty files have one object
	for _, f := range m.Files {
		if read[f.SHA256] {
			continue
		}
		read[f.SHA256] = true
		path := files.PathJoin(dir, objectsFolder, f.SHA256)
		size, sum, err := hashFile(ctx, files, path, func(n int) {
			done += int64(n)
			told(done, total)
		})
		if err == nil && (size != f.Size || sum != f.SHA256) {
			err = bad(f, corrupt(fmt.Sprintf("%s, which is %s of the backup", path, f.Name), errors.New("its bytes have changed")))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
