package mediastore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// DefaultLimit is how many bytes of content are taken in, unless told otherwise.
const DefaultLimit = 50 << 20

// Errors of the folder.
var (
	ErrTooLarge = errors.New("the content is larger than is taken in")
	ErrMissing  = errors.New("the stored file is missing")
	ErrCorrupt  = errors.New("the stored file is not what was stored")
)

// Config says where the files are and what seals them.
type Config struct {
	Dir    string // made when it is missing; its parent exists
	Sealer eventschema.Sealer
	Opener eventschema.Opener
	Limit  int64 // bytes of content; 0: [DefaultLimit]
}

// Store is an open folder. Its methods may be called concurrently, by several processes.
type Store struct {
	root   *os.Root
	sealer eventschema.Sealer
	opener eventschema.Opener
	limit  int64
}

// incoming is the folder of what is being written.
const incoming = "incoming"

// Open opens the folder. The caller closes it.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" || cfg.Sealer == nil || cfg.Opener == nil || cfg.Limit < 0 {
		return nil, errors.New("media store: a folder, a sealer and an opener are required")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("media folder: %w", err)
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("media folder: %w", err)
	}
	if err := root.MkdirAll(incoming, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("media folder: %w", err), root.Close())
	}
	s := &Store{root: root, sealer: cfg.Sealer, opener: cfg.Opener, limit: cfg.Limit}
	if s.limit == 0 {
		s.limit = DefaultLimit
	}
	return s, nil
}

// Close closes the folder.
func (s *Store) Close() error { return s.root.Close() }

// Limit is how many bytes of content are taken in.
func (s *Store) Limit() int64 { return s.limit }

// Blob names a stored file.
type Blob struct {
	Item   uuid.UUID
	SHA256 string // of the file as it is stored, in hex
}

func (b Blob) folder() string { return eventschema.Hex(b.Item)[:2] }

func (b Blob) name() string { return path.Join(b.folder(), eventschema.Hex(b.Item)+"."+b.SHA256) }

// parseBlob reads a name written by [Blob.name]; the folder is not looked at.
func parseBlob(name string) (Blob, bool) {
	item, hash, found := strings.Cut(path.Base(name), ".")
	id, err := eventschema.ParseHex(item)
	raw, bad := hex.DecodeString(hash)
	b := Blob{Item: id, SHA256: hash}
	return b, found && err == nil && bad == nil && len(raw) == sha256.Size && b.name() == name
}

// lock holds the folder until the file it answers is closed, also by the death of the
// process.
func (s *Store) lock(how int) (*os.File, error) {
	file, err := s.root.OpenFile("lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Alone runs what must not meet a writer between its file and its event, and answers
// false where there is one now.
func (s *Store) Alone(do func() error) (alone bool, err error) {
	lock, err := s.lock(syscall.LOCK_EX | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("media folder: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return true, do()
}

// Blobs lists every stored file. What is in the folder under any other name is left out.
func (s *Store) Blobs(ctx context.Context) iter.Seq2[Blob, error] {
	return func(yield func(Blob, error) bool) {
		err := fs.WalkDir(s.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && name != "." {
				return nil // removed meanwhile
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			if blob, ok := parseBlob(name); ok && !yield(blob, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Blob{}, fmt.Errorf("media folder: %w", err))
		}
	}
}

// Probe says whether the folder can be written to.
func (s *Store) Probe(context.Context) error {
	file, err := s.lock(syscall.LOCK_SH | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) { // it is being swept
		return nil
	}
	if err != nil {
		return fmt.Errorf("media folder: %w", err)
	}
	return file.Close()
}

// ClearIncoming removes what a crash left half-written. Call it inside [Store.Alone].
func (s *Store) ClearIncoming() (removed int, err error) {
	entries, err := fs.ReadDir(s.root.FS(), incoming)
	if err != nil {
		return 0, fmt.Errorf("media folder: %w", err)
	}
	for _, entry := range entries {
		if err := s.root.Remove(path.Join(incoming, entry.Name())); err != nil {
			return removed, fmt.Errorf("media folder: %w", err)
		}
		removed++
	}
	return removed, nil
}

// Remove deletes a file for good: when it returns, the folder is synced. One that is
// gone is done.
func (s *Store) Remove(b Blob) error {
	err := s.root.Remove(b.name())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a stored file: %w", err)
	}
	err = s.syncFolder(b.folder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RemoveItem deletes every file of an item and answers how many there were.
func (s *Store) RemoveItem(item uuid.UUID) (removed int, err error) {
	entries, err := fs.ReadDir(s.root.FS(), Blob{Item: item}.folder())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("media folder: %w", err)
	}
	for _, entry := range entries {
		if blob, ok := parseBlob(path.Join(Blob{Item: item}.folder(), entry.Name())); ok && blob.Item == item {
			if err := s.Remove(blob); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

// Check holds a file against its name, and so against the event that names it. It needs
// no key. Errors: [ErrMissing], [ErrCorrupt].
func (s *Store) Check(ctx context.Context, b Blob) (bytes int64, err error) {
	file, err := s.open(b)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	bytes, err = io.Copy(sum, &reader{ctx: ctx, from: file})
	if err != nil {
		return bytes, fmt.Errorf("read a stored file: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != b.SHA256 {
		return bytes, ErrCorrupt
	}
	return bytes, nil
}

func (s *Store) open(b Blob) (*os.File, error) {
	file, err := s.root.Open(b.name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("open a stored file: %w", err)
	}
	return file, nil
}

func (s *Store) syncFolder(name string) error {
	folder, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// reader ends with its context.
type reader struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
