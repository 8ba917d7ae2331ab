package eventnode

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errReadOnly is what a read-only file system says to every change.
var errReadOnly = errors.New("the folder is only read")

// readOnly is a file system that changes nothing, not even by locking: a lock
// file that is missing stays missing, and a lock that may not be taken because
// the medium is read-only is done without.
type readOnly struct{ vfs.FS }

func (readOnly) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, errReadOnly }
func (readOnly) Link(string, string) error                              { return errReadOnly }
func (readOnly) OpenReadWrite(string, vfs.DiskWriteCategory, ...vfs.OpenOption) (vfs.File, error) {
	return nil, errReadOnly
}
func (readOnly) Remove(string) error         { return errReadOnly }
func (readOnly) RemoveAll(string) error      { return errReadOnly }
func (readOnly) Rename(string, string) error { return errReadOnly }
func (readOnly) ReuseForWrite(string, string, vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, errReadOnly
}
func (readOnly) MkdirAll(string, fs.FileMode) error { return errReadOnly }

func (readOnly) Lock(string) (io.Closer, error) { return unlocked{}, nil }

type unlocked struct{}

func (unlocked) Close() error { return nil }

// lockToRead keeps nodes out of a folder while it is read.
func lockToRead(dir string, files vfs.FS) (io.Closer, error) {
	path := files.PathJoin(dir, "LOCK")
	if _, err := files.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return unlocked{}, nil
	}
	lock, err := files.Lock(path)
	var failed *fs.PathError
	switch {
	case err == nil:
		return lock, nil
	case errors.As(err, &failed): // the file cannot be written to, by no node either
		return unlocked{}, nil
	}
	return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
}
