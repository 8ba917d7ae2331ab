package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"
)

// ErrFolderInUse says that another process owns the data folder.
var ErrFolderInUse = errors.New("the data folder is in use by another tracekeep")

// ErrNotRunning says that there is nothing to attach to.
var ErrNotRunning = errors.New("no tracekeep is serving this data folder")

// ErrNoFolder says that a folder holds no Tracekeep data.
var ErrNoFolder = errors.New("not a tracekeep data folder")

// folder is the data folder of one installation:
//
//	tenant.json   the tenant whose records these are
//	running.json  addresses of the process that owns the folder, while it runs
//	lock          held by that process
//	events/       embedded event store
//	postgres/     private Postgres cluster
//	keys/         key-encryption key
//	media/        photos and documents, sealed
//	media.json    what of them is taken in, where that differs from the usual
//	devices/      keys that devices seal their batches to
//	trail/        Merkle log
//	logs/         log of the service
//	terminals.json  what terminals did that push, for operators
type folder struct {
	dir  string
	lock *os.File
}

// running is what the owner of a folder tells those who attach.
type running struct {
	PID        int    `json:"pid"`
	EventStore string `json:"event_store"`
	ReadModels string `json:"read_models"`
	Keys       string `json:"keys"`
	API        string `json:"api,omitempty"`
}

func (f *folder) path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

// openFolder makes the folder when it is missing and takes its lock.
func openFolder(dir string) (*folder, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := MakeFolder(absolute); err != nil {
		return nil, err
	}
	f := &folder{dir: absolute}
	lock, err := os.OpenFile(f.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w; stop that process or name another folder with --data", absolute, ErrFolderInUse)
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	f.lock = lock
	if err := os.Remove(f.path("running.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("data folder: %w", err), lock.Close())
	}
	return f, nil
}

// MakeFolder makes the folder passable, not readable, for other accounts: the
// private Postgres runs as one of them. Every folder inside is closed.
func MakeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("data folder %s: is a file", dir)
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // parents must be passable for the Postgres account
		return fmt.Errorf("data folder: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // passable, not readable
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// attachFolder reads who owns the folder. It returns [ErrNoFolder] or [ErrNotRunning].
func attachFolder(dir string) (*folder, running, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, running{}, fmt.Errorf("data folder: %w", err)
	}
	f := &folder{dir: absolute}
	if _, err := os.Stat(f.path("tenant.json")); err != nil {
		return nil, running{}, fmt.Errorf("%s: %w; `tracekeep demo --data %s` makes one", absolute, ErrNoFolder, dir)
	}
	text, err := os.ReadFile(f.path("running.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, running{}, fmt.Errorf("%s: %w", absolute, ErrNotRunning)
	}
	if err != nil {
		return nil, running{}, fmt.Errorf("data folder: %w", err)
	}
	var who running
	if err := json.Unmarshal(text, &who); err != nil {
		return nil, running{}, fmt.Errorf("read running.json: %w", ErrNotRunning)
	}
	return f, who, nil
}

func (f *folder) announce(who running) error {
	text, err := json.MarshalIndent(who, "", "  ")
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return writeFile(f.path("running.json"), text)
}

// tenant reads the tenant of the folder, or gives it one.
func (f *folder) tenant(random func() (uuid.UUID, error)) (uuid.UUID, error) {
	path := f.path("tenant.json")
	var stored struct {
		Tenant uuid.UUID `json:"tenant"`
	}
	text, err := os.ReadFile(path) //nolint:gosec // a path below the data folder
	if err == nil {
		if err := json.Unmarshal(text, &stored); err != nil || stored.Tenant == uuid.Nil {
			return uuid.Nil, fmt.Errorf("read %s: %w", path, ErrNoFolder)
		}
		return stored.Tenant, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return uuid.Nil, fmt.Errorf("read tenant: %w", err)
	}
	if stored.Tenant, err = random(); err != nil {
		return uuid.Nil, err
	}
	if text, err = json.MarshalIndent(stored, "", "  "); err != nil {
		return uuid.Nil, fmt.Errorf("write tenant: %w", err)
	}
	return stored.Tenant, writeFile(path, text)
}

func (f *folder) close() error {
	if f.lock == nil {
		return nil
	}
	err := os.Remove(f.path("running.json"))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.lock.Close())
}

// writeFile writes a small file so that a crash leaves the old or the new one.
func writeFile(path string, content []byte) error {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path below the data folder
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.Write(append(content, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
