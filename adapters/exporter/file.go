package exporter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists says that there is a file of the name already.
var ErrExists = errors.New("the file is there already; name another one, or give --replace")

// WriteFile writes a file beside its place and puts it there when all of it is on
// the disk. When anything fails, nothing is left and a file that was there stays
// as it was. Only the owner may read it. Errors: [ErrExists] unless it may replace.
func WriteFile(path string, replace bool, write func(to io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	next := path + ".partial"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was killed
		return fmt.Errorf("write an export: %w", err)
	}
	file, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	defer func() {
		if err != nil {
			if removed := os.Remove(next); !errors.Is(removed, fs.ErrNotExist) {
				err = errors.Join(err, removed)
			}
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<16)
	err = write(buffer)
	if err = errors.Join(err, buffer.Flush(), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}
