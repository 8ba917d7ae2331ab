package eventnode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

const (
	// storeFormat names the layout of keys and records.
	storeFormat = "tracekeep-eventnode-1"
	// engineFormat is pinned: a folder is readable by every build of this
	// package until someone decides otherwise. From this one on pebble tells a
	// torn end of its write-ahead log from damage in the middle of it.
	engineFormat = pebble.FormatTableFormatV6
)

// openStore opens or creates the folder. It reads a handful of keys only.
func openStore(cfg Config) (*store, error) {
	dir, err := cfg.folder()
	if err != nil {
		return nil, err
	}
	cfg.FS = failStop{cfg.FS, cfg.Log}
	lock, err := lockFolder(dir, cfg.FS)
	if err != nil {
		return nil, err
	}
	s, err := openLocked(cfg, dir, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// openExisting opens a folder that holds an event store, and makes none where
// the name is mistaken.
func openExisting(cfg Config) (*store, error) {
	names, err := cfg.FS.List(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("event store folder %s: %w", cfg.Dir, err)
	}
	if !slices.ContainsFunc(names, engineFile) {
		return nil, fmt.Errorf("%s: %w: it holds no event store", cfg.Dir, ErrUnknownFormat)
	}
	return openStore(cfg)
}

// folder creates the data folder and gives it one name, whatever way it was
// spelled, because locks go by name.
func (c Config) folder() (string, error) {
	dir := c.Dir
	if err := c.FS.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("event store folder %s: %w", dir, err)
	}
	if c.FS != vfs.Default {
		return dir, nil
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("event store folder %s: %w", c.Dir, err)
	}
	return dir, nil
}

func lockFolder(dir string, files vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, files)
	var path *fs.PathError
	switch {
	case err == nil:
		return lock, nil
	case errors.As(err, &path): // the lock file itself cannot be made
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
}

func openLocked(cfg Config, dir string, lock *pebble.Lock) (*store, error) {
	s := &store{lock: lock, heads: newHeadCache(cfg.Limits.Heads / 2), fs: cfg.FS, dir: dir, log: cfg.Log, marks: cfg.marks}
	if err := dropStages(cfg.FS, dir); err != nil {
		return nil, err
	}
	marked, err := beforeEngine(cfg, dir)
	if err != nil {
		return nil, err
	}
	o := engineOptions(cfg, lock)
	s.logs = o.FS.(steppedLogs).sizes
	cfg.measures.watchEngine(o.EventListener, cfg.slow)
	if s.db, err = openPebble(dir, o); err != nil {
		return nil, err
	}
	err = errors.Join(s.checkFormat(dir), s.readEnd())
	if err == nil {
		err = s.reaches(marked)
	}
	if err == nil {
		err = s.setMark(s.last)
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	s.mark = newWatermark(s.last)
	return s, nil
}

// openPebble makes an error of a sync that fails while pebble opens, for which it
// panics.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			db, err = nil, fmt.Errorf("open %s: %v", dir, reason)
		}
	}()
	if db, err = pebble.Open(dir, o); err != nil {
		return nil, openError(dir, err)
	}
	return db, nil
}

// close leaves a folder of which the next start need not verify anything.
func (s *store) close() error {
	m, err := s.newMark(s.mark.position())
	err = errors.Join(err, s.db.Close())
	if err == nil {
		err = s.setCleanMark(m)
	}
	return errors.Join(err, s.lock.Close())
}

// openError names what an operator must tell apart. Pebble reports a newer
// format in words only, so that what is neither damage nor a failed system call
// counts as a folder written by something else.
func openError(dir string, err error) error {
	var path *fs.PathError
	switch {
	case pebble.IsCorruptionError(err), errors.Is(err, fs.ErrNotExist):
		return corrupt(dir, err)
	case errors.As(err, &path):
		return fmt.Errorf("open %s: %w", dir, err)
	}
	return fmt.Errorf("%s: %w: %w", dir, ErrUnknownFormat, err)
}

func engineOptions(cfg Config, lock *pebble.Lock) *pebble.Options {
	o := &pebble.Options{
		FS:                 steppedLogs{cfg.FS, newLogSizes()},
		Lock:               lock,
		FormatMajorVersion: engineFormat,
		MemTableSize:       cfg.memTable,
		// Pebble takes the memory tables out of its cache, those kept for reuse
		// too; without this nothing would be left for blocks.
		CacheSize:    cfg.CacheBytes + 3*int64(cfg.memTable),
		BytesPerSync: 1 << 20,
		// Each durable mark reads the manifest.
		MaxManifestFileSize: 4 << 20,
		Logger:              engineLog{cfg.Log},

		DisableAutomaticCompactions: cfg.lazyTables,
		EventListener: &pebble.EventListener{
			// Without this pebble ends the process when a reader meets a
			// damaged block; the reader gets the error in any case.
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				cfg.Log.Error("event store: damaged file", zap.String("file", info.Path), zap.Error(info.Details))
			},
			// Pebble repeats at once and for ever what it could not flush or
			// compact, and holds appends up meanwhile. A disk that fails or is
			// full is nothing to go on with.
			BackgroundError: func(err error) {
				if errno := syscall.Errno(0); errors.As(err, &errno) {
					cfg.Log.Fatal("event store: the disk fails in the background; start again when it is well", zap.Error(err))
				}
				cfg.Log.Error("event store: background work", zap.Error(err))
			},
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].BlockSize = cfg.block
	}
	return o
}

// engineLog passes on what pebble cannot go on from. It ends the process:
// after a failed write to the log nothing may be acknowledged.
type engineLog struct{ log *zap.Logger }

func (engineLog) Infof(string, ...any) {}

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Error("event store: " + fmt.Sprintf(format, args...))
}

func (l engineLog) Fatalf(format string, args ...any) {
	l.log.Fatal("event store: " + fmt.Sprintf(format, args...))
}

// checkFormat marks a new folder and refuses a foreign one.
func (s *store) checkFormat(dir string) error {
	got, err := s.get(markKey(formatMark))
	if err != nil {
		return storageError("format mark", err)
	}
	if got == nil {
		return s.markNew(dir)
	}
	if string(got) != storeFormat {
		return fmt.Errorf("%s: %w: %q", dir, ErrUnknownFormat, got)
	}
	id, err := s.get(markKey(nodeMark))
	if err != nil {
		return storageError("node mark", err)
	}
	if s.nodeID, err = uuid.FromBytes(id); err != nil {
		return corrupt("node mark", err)
	}
	return nil
}

func (s *store) markNew(dir string) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return storageError("format mark", err)
	}
	used := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return storageError("format mark", err)
	}
	if used {
		return fmt.Errorf("%s: %w: it has data and no format mark", dir, ErrUnknownFormat)
	}
	s.nodeID = uuid.New()
	b := s.db.NewBatch()
	defer b.Close()
	if err := errors.Join(
		b.Set(markKey(nodeMark), s.nodeID[:], nil),
		b.Set(markKey(formatMark), []byte(storeFormat), nil),
		b.Commit(pebble.Sync),
	); err != nil {
		return storageError("format mark", err)
	}
	return nil
}

// readEnd finds where the log ends and which stream number is the highest.
func (s *store) readEnd() error {
	raw, key, err := s.lastIn(spaceLog)
	if err != nil || key == nil {
		return err
	}
	pos, ok := positionOf(key)
	if !ok {
		return corrupt("end of the log", fmt.Errorf("key of %d bytes", len(key)))
	}
	s.last = pos
	r, damage := decodeRecord(pos, raw)
	if damage != nil {
		damage = corrupt(fmt.Sprintf("record at position %d", pos), damage)
	}
	s.lastTicks = r.ticks
	if _, key, err = s.lastIn(spaceHead); err != nil {
		return errors.Join(damage, err)
	}
	if len(key) != headKeyLen {
		return errors.Join(damage, corrupt("stream heads", fmt.Errorf("last key has %d bytes", len(key))))
	}
	s.lastStream = binary.BigEndian.Uint64(key[1:])
	return damage
}

// lastIn copies the last entry of a key space; a nil key means it is empty.
func (s *store) lastIn(space byte) (value, key []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: after(space)})
	if err != nil {
		return nil, nil, storageError("last entry", err)
	}
	defer it.Close()
	if !it.Last() {
		return nil, nil, wrapStorage("last entry", it.Error())
	}
	raw, err := it.ValueAndErr()
	if err != nil {
		return nil, nil, storageError("last entry", err)
	}
	return append([]byte{}, raw...), append([]byte{}, it.Key()...), nil
}

func wrapStorage(what string, err error) error {
	if err == nil {
		return nil
	}
	return storageError(what, err)
}

// recent collects the ids of the latest records, oldest first. stop ends it
// early, when nobody will ask any more.
func (s *store) recent(limit int, stop <-chan struct{}) warmth {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceLog}, UpperBound: logKey(s.last + 1)})
	if err != nil {
		return warmth{err: storageError("log", err)}
	}
	defer it.Close()
	var entries []idEntry
	for ok := it.Last(); ok && len(entries) < limit; ok = it.Prev() {
		select {
		case <-stop:
			return warmth{err: ErrClosed}
		default:
		}
		pos, _ := positionOf(it.Key())
		raw, err := it.ValueAndErr()
		if err != nil {
			return warmth{err: storageError(fmt.Sprintf("record at position %d", pos), err)}
		}
		r, err := decodeRecord(pos, raw)
		if err != nil {
			return warmth{err: corrupt(fmt.Sprintf("record at position %d", pos), err)}
		}
		if r.rev != tombstoneRevision {
			entries = append(entries, idEntry{idKey{r.stream, r.id}, r.rev})
		}
	}
	for i, j := 0, len(entries)-1; i < j; i, j = i+1, j-1 {
		entries[i], entries[j] = entries[j], entries[i]
	}
	return warmth{entries: entries, err: wrapStorage("log", it.Error())}
}
