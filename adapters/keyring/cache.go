package keyring

import (
	"crypto/cipher"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// How long a key may be used after the start of the fetch that brought it.
const (
	readerTTL = 60 * time.Second
	sealerTTL = 10 * time.Second
)

// cacheLimit is the number of keys kept, about 1 KiB each.
const cacheLimit = 1 << 18

// forgottenLimit is how many forgotten keys are remembered one by one, for the
// fetches under way.
const forgottenLimit = 1 << 16

// instant is one moment on both clocks. The monotonic clock stands still in a
// paused virtual machine and the wall clock can be set; a key is fresh only
// while both say so.
type instant struct {
	wall      int64 // nanoseconds since 1970
	monotonic time.Duration
}

func (i instant) within(now instant, ttl time.Duration) bool {
	wall, monotonic := time.Duration(now.wall-i.wall), now.monotonic-i.monotonic
	return wall >= 0 && wall < ttl && monotonic >= 0 && monotonic < ttl
}

// entry is what is known of one key. It does not change once it is cached.
type entry struct {
	id        uuid.UUID
	ref       Ref // of an erased key only tenant and purpose
	aead      cipher.AEAD
	erased    bool
	underCase uuid.UUID         // of the erasure or the restriction
	withheld  eventschema.State // not empty: opens only for a legal claim or an audit
	allowance *atomic.Int64     // seals left of what this process reserved
	fetched   instant
}

// cache holds unwrapped keys. Sealing and opening happen under its read lock,
// so that once forget has returned no forgotten key is in use anywhere in the
// process.
type cache struct {
	mu         sync.RWMutex
	generation uint64               // of invalidations
	floor      uint64               // what a fetch brings that began before this invalidation is not kept
	forgotten  map[uuid.UUID]uint64 // the invalidation, not before floor, in which a key was forgotten
	lease      instant              // start of the last beat; nothing is used once it has run out
	byID       map[uuid.UUID]*entry
	current    map[Ref]*entry // the generation to seal with; every one is in byID too
	allowances map[uuid.UUID]*atomic.Int64
}

func newCache() *cache {
	return &cache{
		forgotten:  map[uuid.UUID]uint64{},
		byID:       map[uuid.UUID]*entry{},
		current:    map[Ref]*entry{},
		allowances: map[uuid.UUID]*atomic.Int64{},
	}
}

// renew says that a beat which began then has succeeded.
func (c *cache) renew(begun instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lease = begun
}

// leased says whether what is cached may be used.
func (c *cache) leased(now instant) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.lease.within(now, leaseTTL)
}

// begin is called before a fetch; its answer goes to keep.
func (c *cache) begin() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.generation
}

// keep stores what a fetch brought, except keys that were invalidated since the
// fetch began: they may have been destroyed meanwhile. It answers whether it
// stored everything.
func (c *cache) keep(begun uint64, sealers bool, entries ...*entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if begun < c.floor {
		return false
	}
	all := true
	for _, e := range entries {
		if c.forgotten[e.id] > begun {
			all = false
			continue
		}
		if old := c.byID[e.id]; old != nil && e.erased {
			c.dropCurrent(old)
		}
		c.byID[e.id] = e
		if sealers {
			e.allowance = c.allowanceOf(e.id)
			c.current[e.ref] = e
		}
	}
	c.trim()
	return all
}

// reserve credits seals that the database has reserved for this process.
func (c *cache) reserve(seals int64, ids ...uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.allowanceOf(id).Store(seals)
	}
}

// exhausted says whether this process has no seals of a key left.
func (c *cache) exhausted(id uuid.UUID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	left := c.allowances[id]
	return left == nil || left.Load() <= 0
}

func (c *cache) allowanceOf(id uuid.UUID) *atomic.Int64 {
	left := c.allowances[id]
	if left == nil {
		left = new(atomic.Int64)
		c.allowances[id] = left
	}
	return left
}

// forget removes keys and waits for every use of them in this process to end.
func (c *cache) forget(ids []uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	if len(c.forgotten)+len(ids) > forgottenLimit {
		c.floor = c.generation
		clear(c.forgotten)
	}
	for _, id := range ids {
		c.forgotten[id] = c.generation
		if e := c.byID[id]; e != nil {
			c.drop(e)
		}
		delete(c.allowances, id)
	}
}

// flush removes every key.
func (c *cache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.floor = c.generation
	clear(c.forgotten)
	clear(c.byID)
	clear(c.current)
}

func (c *cache) drop(e *entry) {
	delete(c.byID, e.id)
	c.dropCurrent(e)
}

func (c *cache) dropCurrent(e *entry) {
	if now := c.current[e.ref]; now != nil && now.id == e.id {
		delete(c.current, e.ref)
	}
}

// trim drops arbitrary keys beyond the limit. A dropped allowance costs
// reserved seals, of which a key has plenty.
func (c *cache) trim() {
	for _, e := range c.byID {
		if len(c.byID) <= cacheLimit {
			break
		}
		c.drop(e)
	}
	for id := range c.allowances {
		if len(c.allowances) <= 2*cacheLimit {
			break
		}
		if c.byID[id] == nil {
			delete(c.allowances, id)
		}
	}
}

// buffers are for associated data.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 512)
	return &b
}}
