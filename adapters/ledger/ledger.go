package ledger

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

const (
	checkpointFile = "checkpoint"

	// journalLimit is how many leaves the journal holds before the tiles are
	// flushed and it starts anew: 2.6 MB, some 257 tiles.
	journalLimit = 1 << 16
	// maxChunk is how many leaves one checkpoint adds at most. It bounds what a
	// crash can leave beyond the checkpoint.
	maxChunk = 8192
)

// Config says where a log lives and what it is called.
type Config struct {
	// Dir holds the files of the log and nothing else. It is made when missing.
	Dir string
	// Origin names the log in every checkpoint and is the name of its key, for
	// example "example.com/tracekeep/trail". It never changes.
	Origin string
	// Random is read once, for the key of a new log. An existing log may be
	// opened without it.
	Random io.Reader
	// Log receives openings, recoveries and events without a salt. Nil is silent.
	Log *zap.Logger
}

// Validate reports everything that is wrong at once, wrapping [ErrConfig].
func (c Config) Validate() error {
	var dir error
	if c.Dir == "" {
		dir = fmt.Errorf("no directory: %w", ErrConfig)
	}
	return errors.Join(dir, checkOrigin(c.Origin))
}

// Ledger is the writer of one log. Append and Close take turns; everything else
// reads the last published head and may be called at any time from any
// goroutine.
type Ledger struct {
	dir    string
	origin string
	log    *zap.Logger
	key    atomic.Pointer[logKeys]
	lock   *os.File

	current   atomic.Pointer[head]
	positions *os.File

	writing  sync.Mutex // guards what follows
	journal  *journal
	limit    uint64              // leaves in the journal before it starts anew
	unsynced map[string]struct{} // tile files the disk may not hold yet
	live     map[uint]string     // partial tile of each level
	synced   map[uint]string     // the same at the base of the journal: kept until it moves
	own      *Cosigner           // of the log itself; nil when it has none
	failed   error
	closed   bool
	fault    func(point string) // of a test that ends the writer at a point; else nil
}

// passes says that a write has come to a point between two changes on the disk.
func (l *Ledger) passes(point string) {
	if l.fault != nil {
		l.fault(point)
	}
}

// Open opens or creates a log for writing. After a crash it continues from the
// signed checkpoint: what lies beyond is dropped, what had not reached the disk
// is rebuilt from the journal, and the root must come out as signed. Errors:
// [ErrLocked], [ErrConfig], [ErrCorrupt], [ErrSignature].
func Open(cfg Config) (*Ledger, error) {
	return open(cfg, journalLimit)
}

func open(cfg Config, limit uint64) (*Ledger, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory of the trail: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		dir: cfg.Dir, origin: cfg.Origin, log: cfg.Log, lock: lock, limit: limit,
		unsynced: map[string]struct{}{}, live: map[uint]string{}, synced: map[uint]string{},
	}
	if l.log == nil {
		l.log = zap.NewNop()
	}
	keys, err := openKeys(cfg.Dir, cfg.Origin, cfg.Random)
	if err == nil {
		l.own, err = readOwnCosigner(cfg.Dir)
	}
	if err == nil {
		l.key.Store(keys)
		err = l.restore()
	}
	if err != nil {
		return nil, fmt.Errorf("open the trail: %w", errors.Join(err, l.release()))
	}
	l.log.Info("trail open", zap.String("origin", cfg.Origin), zap.Uint64("size", l.Checkpoint().Size))
	return l, nil
}

// Checkpoint is the last published head.
func (l *Ledger) Checkpoint() Checkpoint { return l.current.Load().checkpoint }

// LastPosition is where the trail ends, and false while it is empty. The
// follower of the event store continues after it, once [Ledger.Confirm] agreed.
func (l *Ledger) LastPosition() (uint64, bool) {
	at := l.Checkpoint()
	return at.Position, at.Size > 0
}

// VerifierKey is the public key in force as sumdb/note writes it. Auditors must
// get one key of the log by another way than the trail itself.
func (l *Ledger) VerifierKey() string { return l.key.Load().verifierKey }

// Close flushes everything and releases the lock. A second call does nothing.
// After a failed write it only releases: the next [Open] recovers.
func (l *Ledger) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var flush error
	if l.failed == nil && l.journal.held > 0 {
		flush = l.flush()
	}
	return errors.Join(flush, l.release())
}

// release closes every file; the lock goes last.
func (l *Ledger) release() error {
	errs := []error{l.journal.close()}
	if l.positions != nil {
		errs = append(errs, l.positions.Close())
	}
	return errors.Join(append(errs, l.lock.Close())...)
}

// publish signs a head, replaces the checkpoint and only then shows the head.
func (l *Ledger) publish(next head) error {
	body := trail.CheckpointBody(l.origin, next.checkpoint.Size, next.checkpoint.Root)
	signers := []note.Signer{l.key.Load().log}
	if l.own != nil {
		signers = append(signers, l.own.signer)
	}
	signed, err := note.Sign(&note.Note{Text: body}, signers...)
	if err != nil {
		return fmt.Errorf("sign the checkpoint: %w", err)
	}
	if err := writeDurable(filepath.Join(l.dir, checkpointFile), signed, 0o644); err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	l.passes("checkpoint written")
	next.checkpoint.Text = string(signed)
	l.current.Store(&next)
	return nil
}

// writeTiles puts the tiles of a step in place without waiting for the disk.
func (l *Ledger) writeTiles(step growth) error {
	for _, group := range [][]tile{step.full, step.part} {
		for _, t := range group {
			path := filepath.Join(l.dir, t.path())
			err := writeVisible(path, t.bytes(), 0o644)
			if errors.Is(err, os.ErrNotExist) {
				if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
					err = writeVisible(path, t.bytes(), 0o644)
				}
			}
			if err != nil {
				return fmt.Errorf("write a tile: %w", err)
			}
			l.unsynced[t.path()] = struct{}{}
			l.passes("tile written")
		}
	}
	return nil
}

// flush brings tiles and positions to the disk and starts a new journal.
func (l *Ledger) flush() error {
	dirs := map[string]struct{}{l.dir: {}}
	for path := range l.unsynced {
		if err := syncPath(filepath.Join(l.dir, path)); err != nil {
			return fmt.Errorf("flush a tile: %w", err)
		}
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			dirs[filepath.Join(l.dir, dir)] = struct{}{}
		}
	}
	for dir := range dirs {
		if err := syncPath(dir); err != nil {
			return fmt.Errorf("flush a directory: %w", err)
		}
	}
	if err := l.positions.Sync(); err != nil {
		return fmt.Errorf("flush positions: %w", err)
	}
	l.passes("tiles flushed")
	next, err := startJournal(l.dir, l.Checkpoint().Size)
	if err != nil {
		return err
	}
	l.passes("journal started")
	old := l.journal
	l.journal = next
	for level, path := range l.synced {
		if l.live[level] != path {
			l.discard(path)
		}
	}
	clear(l.unsynced)
	l.synced = maps.Clone(l.live)
	return old.close()
}

// discard removes a partial tile that a wider one replaced. If that fails the
// file stays behind and harms nobody.
func (l *Ledger) discard(path string) {
	if err := os.Remove(filepath.Join(l.dir, path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		l.log.Warn("partial tile stays", zap.String("tile", path), zap.Error(err))
	}
	delete(l.unsynced, path)
	// Succeeds only for the last partial tile of a tile that became full.
	_ = os.Remove(filepath.Dir(filepath.Join(l.dir, path)))
}
