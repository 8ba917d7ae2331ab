package eventnode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

// store is the folder: what is written, and what of it readers may see.
type store struct {
	db     *pebble.DB
	lock   *pebble.Lock
	mark   *watermark
	heads  headCache
	nodeID uuid.UUID

	fs    vfs.FS
	dir   string
	log   *zap.Logger
	marks markPace
	logs  *logSizes
	// staging is held for reading while a backup is taken, whose files a scavenge
	// must outlast.
	staging sync.RWMutex

	last       int64  // position of the last record when the folder was opened
	lastTicks  int64  // its creation time
	lastStream uint64 // the highest stream number given out

	// unsettled counts the requests that are with the log and not answered.
	unsettled atomic.Int64
}

// headCache keeps heads of recently written streams. Only the settler puts
// heads in, and only durable ones; a reader that put in what it had read could
// replace a newer head by an older one.
type headCache struct {
	mu        sync.RWMutex
	young     map[string]head
	old       map[string]head
	perBuffer int
}

func newHeadCache(perBuffer int) headCache {
	return headCache{young: map[string]head{}, perBuffer: perBuffer}
}

func (c *headCache) get(name string) (head, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if h, ok := c.young[name]; ok {
		return h, true
	}
	h, ok := c.old[name]
	return h, ok
}

func (c *headCache) put(streams map[string]*openStream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, s := range streams {
		if s.head.no == 0 {
			continue // asked for, never written
		}
		if len(c.young) >= c.perBuffer {
			c.young, c.old = map[string]head{}, c.young
		}
		c.young[name] = s.head
	}
}

func corrupt(what string, err error) error { return fmt.Errorf("%w: %s: %w", ErrCorrupt, what, err) }

// storageError names corruption as such, wherever pebble met it.
func storageError(what string, err error) error {
	if pebble.IsCorruptionError(err) {
		return corrupt(what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// get copies a value out of the database; absent keys give nil.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}

// loadHead reads a head as it was last written, durable or not.
func (s *store) loadHead(name string) (head, bool, error) {
	no, err := s.get(nameKey(name))
	if err != nil {
		return head{}, false, storageError("name of a stream", err)
	}
	if no == nil {
		return head{}, false, nil
	}
	if len(no) != 8 {
		return head{}, false, corrupt("name of a stream", fmt.Errorf("its number has %d bytes", len(no)))
	}
	number := binary.BigEndian.Uint64(no)
	raw, err := s.get(headKey(number))
	if err != nil {
		return head{}, false, storageError(fmt.Sprintf("head of stream number %d", number), err)
	}
	h, err := decodeHead(raw)
	if err != nil {
		return head{}, false, corrupt(fmt.Sprintf("head of stream number %d", number), err)
	}
	return h, true, nil
}

// readHead is the head of a stream as readers may see it: durable.
func (s *store) readHead(ctx context.Context, name string) (head, bool, error) {
	if h, ok := s.heads.get(name); ok {
		return h, true, nil
	}
	h, found, err := s.loadHead(name)
	if err != nil || !found {
		return head{}, false, err
	}
	// What pebble shows may still be on its way to the disk.
	if err := s.mark.reach(ctx, h.asOf); err != nil {
		return head{}, false, err
	}
	return h, true, nil
}

// readRecord reads one record that must be there; the result owns its memory.
func (s *store) readRecord(pos int64) (record, error) {
	r, found, err := s.findRecord(pos)
	if err == nil && !found {
		err = corrupt(fmt.Sprintf("record at position %d", pos), errors.New("it is missing"))
	}
	return r, err
}

func (s *store) findRecord(pos int64) (r record, found bool, err error) {
	raw, err := s.get(logKey(pos))
	if err != nil {
		return record{}, false, storageError(fmt.Sprintf("record at position %d", pos), err)
	}
	if raw == nil {
		return record{}, false, nil
	}
	if r, err = decodeRecord(pos, raw); err != nil {
		return record{}, false, corrupt(fmt.Sprintf("record at position %d", pos), err)
	}
	return r, true, nil
}

// eventAt reads an event whose revision was given out; it is not found when a
// scavenge removed it.
func (s *store) eventAt(stream uint64, rev int64) (r record, found bool, err error) {
	pos, err := s.positionAt(stream, rev)
	if err != nil {
		return record{}, false, err
	}
	return s.recordOf(origin{pos: pos, stream: stream, rev: rev})
}

// origin names a record for good: the stream and revision also tell whether one
// that is gone was removed by a scavenge.
type origin struct {
	pos    int64 // 0: it has no entry in the stream index
	stream uint64
	rev    int64
}

func (s *store) recordOf(at origin) (r record, found bool, err error) {
	if at.pos > 0 {
		if r, found, err = s.findRecord(at.pos); err != nil || found {
			return r, found, err
		}
	}
	return record{}, false, s.mayLack(at.stream, revisionRange{from: at.rev, to: at.rev})
}

// positionAt is the position of an event of a stream; 0 means there is none.
func (s *store) positionAt(stream uint64, rev int64) (int64, error) {
	raw, err := s.get(streamKey(stream, rev))
	if err != nil {
		return 0, storageError("stream index", err)
	}
	if raw == nil {
		return 0, nil
	}
	return decodePosition(raw)
}

func decodePosition(raw []byte) (int64, error) {
	if len(raw) != 8 {
		return 0, corrupt("stream index", fmt.Errorf("entry of %d bytes", len(raw)))
	}
	return int64(binary.BigEndian.Uint64(raw)), nil
}
