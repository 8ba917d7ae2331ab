package eventnode

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Limits bound what clients can make a node hold and how long they can make it
// wait. A zero means the default, which stands beside each.
type Limits struct {
	// Connections is how many gRPC connections may be open (256). One more is
	// closed at once, which its client sees as Unavailable. Health, metrics and
	// the rest of HTTP/1 have a limit of their own, so that they go on answering.
	Connections int
	// CallsPerConnection is how many calls of one connection may go on at a time
	// (1,000); a client with more to ask waits.
	CallsPerConnection int
	// Subscriptions is how many calls without an end may go on at a time (256):
	// subscriptions, consumers of groups, and BatchAppend. One more is answered
	// ResourceExhausted.
	Subscriptions int
	// QueueBytes is how many bytes of event may be queued or not answered yet
	// (64 MiB); QueueWait is how long a write waits for room among them (2 s)
	// before it is answered Unavailable, "Server Is Too Busy". It was not written
	// then.
	QueueBytes int64
	QueueWait  time.Duration
	// RequestTime is how long the request of a call may take to arrive (30 s),
	// however slowly its bytes come. Subscriptions and BatchAppend may go on for
	// ever once they have begun.
	RequestTime time.Duration
	// IdleTime is how long a connection may stay open without a call (15 min). A
	// peer that does not even answer pings is dropped after 20 s.
	IdleTime time.Duration
	// StopTime bounds Close (10 s): half of it is for calls that are under way.
	StopTime time.Duration

	// MemTableBytes is the size of one memory table of the engine (64 MiB), of
	// which up to three exist.
	MemTableBytes int64
	// Heads is how many streams the node remembers the ends of without reading
	// them (100,000), and IDs how many of the latest events it knows by id, for
	// writers that repeat an append without naming a revision (100,000).
	Heads, IDs int
}

const (
	// httpConnections is how many connections may speak HTTP/1.
	httpConnections = 64
	// silentConnections is how many connections may be open that have not said
	// anything; the oldest of them goes first.
	silentConnections = 256
	// unfinishedBytes bounds the appends that all BatchAppend calls together have
	// begun and not ended.
	unfinishedBytes = 64 << 20
)

// What the parts of the node hold at most, measured and rounded up.
const (
	bytesPerID           = 200
	bytesPerHead         = 700       // in both caches, with a name of 100 bytes
	bytesPerSubscription = 384 << 10 // a page, and what gRPC holds for a stalled stream
	bytesPerConnection   = 640 << 10 // buffers of both directions
	bytesPerQueued       = 3         // the request, its batch, and the log writer's blocks
	bytesFixed           = 48 << 20  // tables of pebble, metrics, the program itself
)

func (l Limits) withDefaults() Limits {
	orDefault(&l.Connections, 256)
	orDefault(&l.CallsPerConnection, 1000)
	orDefault(&l.Subscriptions, 256)
	orDefault(&l.QueueBytes, 64<<20)
	orDefault(&l.QueueWait, 2*time.Second)
	orDefault(&l.RequestTime, 30*time.Second)
	orDefault(&l.IdleTime, 15*time.Minute)
	orDefault(&l.StopTime, 10*time.Second)
	orDefault(&l.MemTableBytes, 64<<20)
	orDefault(&l.Heads, 100_000)
	orDefault(&l.IDs, 100_000)
	return l
}

func orDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

func (l Limits) validate() error {
	var errs []error
	for _, x := range []struct {
		name  string
		value int64
	}{
		{"Connections", int64(l.Connections)}, {"CallsPerConnection", int64(l.CallsPerConnection)},
		{"Subscriptions", int64(l.Subscriptions)}, {"QueueBytes", l.QueueBytes}, {"QueueWait", int64(l.QueueWait)},
		{"RequestTime", int64(l.RequestTime)}, {"IdleTime", int64(l.IdleTime)}, {"StopTime", int64(l.StopTime)},
		{"MemTableBytes", l.MemTableBytes}, {"Heads", int64(l.Heads)}, {"IDs", int64(l.IDs)},
	} {
		if x.value < 0 {
			errs = append(errs, fmt.Errorf("Limits.%s is %d, less than nothing", x.name, x.value))
		}
	}
	return errors.Join(errs...)
}

// MemoryBound is how many bytes the node holds at most with this configuration
// while clients keep to the protocol: the sum of
//
//	CacheBytes                           blocks of files
//	3 × Limits.MemTableBytes             memory tables
//	3 × Limits.QueueBytes + 64 MiB       appends on their way, appends of BatchAppend not ended
//	700 × Limits.Heads + 200 × Limits.IDs
//	384 KiB × Limits.Subscriptions       what slow clients have not taken,
//	3 × MaxAppendBytes × the same        where every event is as large as may be
//	640 KiB × Limits.Connections         buffers of the transport
//	48 MiB                               the rest
//
// Go's collector lets the heap grow beyond what is held; GOMEMLIMIT bounds that.
// Requests that have not arrived whole come on top: a client can have as many of
// them as Limits allow calls, each up to 17 MiB, for Limits.RequestTime.
func (c Config) MemoryBound() int64 {
	c = c.withDefaults()
	l := c.Limits
	return c.CacheBytes + 3*int64(c.memTable) + bytesPerQueued*l.QueueBytes + unfinishedBytes +
		bytesPerHead*int64(l.Heads) + bytesPerID*int64(l.IDs) +
		(bytesPerSubscription+3*int64(c.MaxAppendBytes))*int64(l.Subscriptions) + bytesPerConnection*int64(l.Connections+httpConnections) + bytesFixed
}

// limit lets in so many at a time.
type limit struct {
	most int64
	open atomic.Int64
}

func newLimit(most int) *limit { return &limit{most: int64(most)} }

// enter says whether there was room; who entered must leave.
func (l *limit) enter() bool {
	if l.open.Add(1) <= l.most {
		return true
	}
	l.open.Add(-1)
	return false
}

func (l *limit) leave() { l.open.Add(-1) }
