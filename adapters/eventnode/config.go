package eventnode

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	// DefaultMaxAppendBytes is the size limit of one append, as on a real node.
	DefaultMaxAppendBytes = 1 << 20
	// DefaultCacheBytes is the size of the block cache.
	DefaultCacheBytes = 128 << 20

	// maxMessageBytes is what the official client is willing to receive.
	maxMessageBytes = 17 << 20
	appendCeiling   = 16<<20 - 10<<10
)

// Errors that Open returns, for errors.Is.
var (
	// ErrLocked: another node, of this process or another, has the folder open.
	ErrLocked = errors.New("event store folder is in use by another node")
	// ErrPortInUse: something else listens on the wanted address.
	ErrPortInUse = errors.New("address is already in use")
	// ErrCorrupt: stored bytes are not what was written. The node refuses to
	// start or to return them; it repairs nothing but the torn end of the log.
	ErrCorrupt = errors.New("event store is corrupt")
	// ErrUnknownFormat: the folder was written by something else, or by a later
	// version of this package.
	ErrUnknownFormat = errors.New("unknown format of the event store folder")
	// ErrClosed: the node is closing or closed.
	ErrClosed = errors.New("event store is closed")
)

// Config says where a node keeps its log and where it listens.
type Config struct {
	// Dir is the data folder; it is created when absent. Required.
	Dir string
	// Listen is host:port; port 0 takes a free one. Required.
	Listen string
	// Advertise is the host:port that Gossip names, which must be reachable for
	// clients that discover the node. Default: the address listened on.
	Advertise string
	// Security is who may call and what; nil means insecure mode.
	Security *Security
	// MaxAppendBytes limits one append; 0 means DefaultMaxAppendBytes.
	MaxAppendBytes int
	// CacheBytes is the size of the block cache; 0 means DefaultCacheBytes.
	CacheBytes int64
	// Limits bound what clients can make the node hold; the zero value means the
	// defaults. MemoryBound sums up what that is.
	Limits Limits
	// FS is the file system; nil means the disk.
	FS vfs.FS
	// NoSync acknowledges before the disk has the data. It is unsafe, loses
	// acknowledged events on a power cut and exists for benchmarks only.
	NoSync bool
	// Clock stamps events. Required.
	Clock func() time.Time
	// Metrics is where the node registers what it counts, until it is closed; it
	// serves all of the registry under /metrics. nil means a registry of its own.
	Metrics *prometheus.Registry
	// Log receives what an operator should know; nil means nobody listens. A
	// failed write to the log, a failed sync of any file and background work
	// that the disk refuses end the process through Log.Fatal, because nothing
	// may be acknowledged after it.
	Log *zap.Logger

	// memTable is small in tests, so that flushes happen in them.
	memTable uint64
	// lazyTables keeps pebble from compacting on its own, so that tests see what
	// is compacted on demand.
	lazyTables bool
	// These are short in tests, so that they need not wait.
	groupTick, observeEvery, slowConsumer, pingEvery, silentTime time.Duration
	// block is small in tests with damage: to say which bit of a block changed
	// takes the engine time that grows with the square of its size.
	block int
	// marks come often in tests, so that crashes find them at any age.
	marks markPace
	// unmeasured: benchmarks hold a node without metrics against one with them.
	unmeasured bool
	// measures is what the node counts; nil counts nothing.
	measures *metrics
	// slow is Log for what clients can cause at will.
	slow *zap.Logger
	// hashCost is small in tests, which log in often.
	hashCost cost
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("Dir is empty"))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("Listen: %w", err))
	}
	if c.Advertise != "" {
		if _, _, err := splitAddress(c.Advertise); err != nil {
			errs = append(errs, fmt.Errorf("Advertise: %w", err))
		}
	}
	if err := c.Security.validate(); err != nil {
		errs = append(errs, err)
	}
	if c.MaxAppendBytes < 0 || c.MaxAppendBytes > appendCeiling {
		errs = append(errs, fmt.Errorf("MaxAppendBytes is %d, allowed are 0 to %d", c.MaxAppendBytes, appendCeiling))
	}
	if c.CacheBytes < 0 {
		errs = append(errs, fmt.Errorf("CacheBytes is %d, less than nothing", c.CacheBytes))
	}
	if err := c.Limits.validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Limits.QueueBytes > 0 && c.Limits.QueueBytes < int64(c.withDefaults().MaxAppendBytes) {
		errs = append(errs, fmt.Errorf("Limits.QueueBytes is %d, less than one append may have (MaxAppendBytes)", c.Limits.QueueBytes))
	}
	if c.Clock == nil {
		errs = append(errs, errors.New("Clock is nil"))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("event node configuration: %w", errors.Join(errs...))
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxAppendBytes, DefaultMaxAppendBytes)
	orDefault(&c.CacheBytes, DefaultCacheBytes)
	c.Limits = c.Limits.withDefaults()
	orDefault(&c.memTable, uint64(c.Limits.MemTableBytes))
	orDefault(&c.groupTick, groupTick)
	orDefault(&c.observeEvery, observeEvery)
	orDefault(&c.slowConsumer, slowConsumer)
	orDefault(&c.marks, markPace{look: time.Second, grown: 16 << 20, idle: time.Minute})
	orDefault(&c.pingEvery, 10*time.Second)
	orDefault(&c.silentTime, sniffTimeout)
	// The events of one stream lie far apart, and each costs a block. Of 10
	// million events a stream is read twice as fast from blocks of 8 KiB as from
	// 32, and the whole log a tenth of a microsecond an event slower.
	orDefault(&c.block, 8<<10)
	orDefault(&c.hashCost, usualCost)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.slow == nil {
		c.slow = nowAndThen(c.Log)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	return c
}
