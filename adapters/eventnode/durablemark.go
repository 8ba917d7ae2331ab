package eventnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

// The durable mark is a small file beside the engine's. It says how far the log
// was on the disk when it was written, and after a clean stop what the folder
// held. It is a file and not a key, because what loses the end of the log would
// lose a key with it: a missing log file, or a table that no manifest names any
// more, is an end like any other to the engine.
//
// What the mark covers was on the disk when the mark was written, so that no
// crash can have harmed it. When the folder is opened after a crash, only what
// was not in tables by then has to be verified: it is on the disk too, but
// whether it is found depends on a manifest and on logs that were written since.
// Damage that time does to tables is found by their checksums, by whoever reads
// them, and by Verify.
const (
	markFile     = "durable-mark"
	markTempFile = "durable-mark.new"
	markFormat   = 1
)

// durableMark is what the file says.
type durableMark struct {
	Format int       `json:"format"`
	Node   uuid.UUID `json:"node"`
	// Position is the last of the log that was on the disk; 0 for an empty log.
	Position int64 `json:"position"`
	// Flushed is the last position that was in a table, and Manifest and Whole say
	// how much of which manifest named those tables and was on the disk.
	Flushed  int64  `json:"flushed"`
	Manifest string `json:"manifest,omitempty"`
	Whole    int    `json:"whole,omitempty"`
	// Clean: the node stopped, and Files is what it left.
	Clean bool         `json:"clean"`
	Files []filedEntry `json:"files,omitempty"`
}

// filedEntry is one file of the engine as a clean stop left it. Tables have
// checksums of their own, and are too large to read at every start.
type filedEntry struct {
	Name string  `json:"name"`
	Size int64   `json:"size"`
	Sum  *uint32 `json:"crc32c,omitempty"`
}

// encode writes one line of JSON and its checksum on a second one.
func (m durableMark) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("durable mark: %w", err)
	}
	return fmt.Appendf(nil, "%s\n%08x\n", body, checksum(body)), nil
}

// decodeMark takes nothing but what encode makes: every changed bit is found.
func decodeMark(b []byte) (durableMark, error) {
	body, _, found := bytes.Cut(b, []byte("\n"))
	if !found || !bytes.Equal(b, fmt.Appendf(nil, "%s\n%08x\n", body, checksum(body))) {
		return durableMark{}, errors.New("checksum differs")
	}
	var m durableMark
	if err := json.Unmarshal(body, &m); err != nil {
		return durableMark{}, err
	}
	if m.Format != markFormat {
		return durableMark{}, fmt.Errorf("%w: mark of format %d", ErrUnknownFormat, m.Format)
	}
	return m, nil
}

// readMark gives nil when the folder has no mark: it is new, or a backup.
func readMark(files vfs.FS, dir string) (*durableMark, error) {
	path := files.PathJoin(dir, markFile)
	b, err := readFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("durable mark: %w", err)
	}
	m, err := decodeMark(b)
	switch {
	case errors.Is(err, ErrUnknownFormat):
		return nil, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return nil, corrupt(path+" (removing it makes the next start verify the whole log)", err)
	}
	return &m, nil
}

// writeMark replaces the mark; after a crash the old one or the new one is
// there.
func writeMark(files vfs.FS, dir string, m durableMark) error {
	m.Format = markFormat
	b, err := m.encode()
	if err != nil {
		return err
	}
	temp := files.PathJoin(dir, markTempFile)
	err = writeFile(files, temp, b)
	if err == nil {
		err = files.Rename(temp, files.PathJoin(dir, markFile))
	}
	if err == nil {
		err = syncFolder(files, dir)
	}
	if err != nil {
		return fmt.Errorf("durable mark: %w", err)
	}
	return nil
}

func writeFile(files vfs.FS, path string, b []byte) error {
	f, err := files.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func readFile(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

func syncFolder(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func syncFile(files vfs.FS, path string) error {
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
