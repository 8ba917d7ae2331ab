package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The refusals of a KEK file.
var (
	ErrKEKPermission = errors.New("a KEK file must be readable by its owner only (chmod 0600)")
	ErrKEKFile       = errors.New("the KEK file is not 32 bytes of a regular file")
	ErrKEKName       = errors.New("no name of a KEK file")
)

// Files is the [Provider] that keeps each provider key in a file of its own,
// <name>.kek in one folder, for its owner only. Destroying a key overwrites its
// file and removes it: that reaches NIST Clear, where the file system writes in
// place, and no copy of the folder made before.
type Files struct {
	dir    string
	single string
	random io.Reader
}

// FilesProvider is how [Files] stands in a stored epoch.
const FilesProvider = "file"

// NewFiles keeps keys in a folder, which exists. single names, inside it, the
// one file that the first release kept; it serves epochs of that release until
// they are retired, and is never made.
func NewFiles(dir, single string, random io.Reader) *Files {
	return &Files{dir: dir, single: single, random: random}
}

// Reach implements [Provider].
func (f *Files) Reach() Reach { return Reach{Provider: FilesProvider, Standard: "clear"} }

// path refuses a name that could lead out of the folder.
func (f *Files) path(key string) (string, error) {
	if key == "" {
		return filepath.Join(f.dir, f.single), nil
	}
	if filepath.Base(key) != key || key[0] == '.' {
		return "", fmt.Errorf("%w: %q", ErrKEKName, key)
	}
	return filepath.Join(f.dir, key+".kek"), nil
}

// Create implements [Provider].
func (f *Files) Create(_ context.Context, key string) error {
	name, err := f.path(key)
	if err != nil {
		return err
	}
	if err := makeKEK(name, f.random); err != nil {
		return fmt.Errorf("make a KEK file in %s: %w", f.dir, err)
	}
	return nil
}

// Wrap implements [Wrapper].
func (f *Files) Wrap(_ context.Context, key string, plain, associated []byte) ([]byte, error) {
	name, err := f.path(key)
	if err != nil {
		return nil, err
	}
	raw, err := readKEK(name)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	aead, err := newAEAD(raw)
	if err != nil {
		return nil, err
	}
	return wrap(aead, f.random, plain, associated)
}

// Unwrap implements [Wrapper].
func (f *Files) Unwrap(_ context.Context, key string, wrapped, associated []byte) ([]byte, error) {
	name, err := f.path(key)
	if err != nil {
		return nil, err
	}
	raw, err := readKEK(name)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	aead, err := newAEAD(raw)
	if err != nil {
		return nil, err
	}
	plain, err := unwrap(aead, wrapped, associated)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrWrongKEK, name)
	}
	return plain, nil
}

// Destroy implements [Provider].
func (f *Files) Destroy(_ context.Context, key string) error {
	name, err := f.path(key)
	if err != nil {
		return err
	}
	if err := overwrite(name); err != nil {
		return fmt.Errorf("destroy a KEK file: %w", err)
	}
	return nil
}

// overwrite writes zeros over a file and removes it. One that is gone is done.
func overwrite(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return syncDir(filepath.Dir(name)) // the removal may not be on disk yet
	}
	if err != nil {
		return err
	}
	st, err := file.Stat()
	if err == nil {
		_, err = io.CopyN(file, zeroes{}, st.Size())
	}
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// zeroes reads as zeros without end.
type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func readKEK(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrNoKEK, name)
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
	raw := make([]byte, keySize)
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// makeKEK writes a new key beside its place and links it there, so that the
// file appears whole, on disk, and never replaces one that exists.
func makeKEK(name string, random io.Reader) error {
	raw := make([]byte, keySize)
	defer clear(raw)
	if _, err := io.ReadFull(random, raw); err != nil {
		return fmt.Errorf("read a key: %w", err)
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return err
	}
	linked := false
	defer func() {
		if linked { // one file by two names: overwriting it would destroy the key
			_ = os.Remove(f.Name())
		} else {
			_ = overwrite(f.Name())
		}
	}()
	if _, err := f.Write(raw); err != nil {
		_ = f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	switch err := os.Link(f.Name(), name); {
	case err == nil:
		linked = true
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
