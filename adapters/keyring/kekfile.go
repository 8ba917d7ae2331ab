package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The refusals of a KEK file.
var (
	ErrNoKEK         = errors.New("the KEK file is missing")
	ErrKEKPermission = errors.New("the KEK file must be readable by its owner only (chmod 0600)")
	ErrKEKFile       = errors.New("the KEK file is not 32 bytes of a regular file")
	ErrWrongKEK      = errors.New("the KEK file does not belong to this key store")
)

func readKEK(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoKEK, name)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() != keySize {
		return nil, fmt.Errorf("%w: %s", ErrKEKFile, name)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o", ErrKEKPermission, name, st.Mode().Perm())
	}
	root := make([]byte, keySize)
	if _, err := io.ReadFull(f, root); err != nil {
		return nil, err
	}
	return root, nil
}

// makeKEK writes a new root beside its place and links it there, so that the
// file appears whole, on disk, and never replaces one that exists.
func makeKEK(name string, random io.Reader) error {
	root := make([]byte, keySize)
	defer clear(root)
	if _, err := io.ReadFull(random, root); err != nil {
		return fmt.Errorf("read a root key: %w", err)
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.Write(root); err != nil {
		_ = f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
