package eventnode

import (
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

const (
	queueLen        = 2048
	roundRequests   = 1024
	roundBytes      = 4 << 20
	ticksPerSecond  = 10_000_000
	nanosecondsTick = 100
)

// writeKind says what a request writes besides its events.
type writeKind int

const (
	writeEvents writeKind = iota
	writeSoftDelete
	writeTombstone
)

// proposed is an event as a writer sends it.
type proposed struct {
	id   uuid.UUID
	typ  string
	json bool
	data []byte
	meta []byte
}

func (p proposed) size() int { return len(p.data) + len(p.meta) + 2*len(p.typ) }

// writeRequest asks the sequencer to append to or to delete one stream.
type writeRequest struct {
	kind     writeKind
	stream   string
	expected expectation
	events   []proposed
	size     int
	deadline time.Time // zero: none. A request that waited longer is not written.
	// done is called once, from the sequencer, which must not be held up.
	done func(outcome)
}

// outcome is the answer to a writeRequest.
type outcome struct {
	ruling ruling
	cur    int64 // last revision of the stream, -1 for none
	rev    int64 // revision of the last event of the request, -1 for none
	pos    int64 // its position, 0 for none
	err    error
}

var errTooLate = errors.New("deadline passed before the write began")

// sequencer is the only writer of a store.
type sequencer struct {
	store *store
	clock func() time.Time
	sync  *pebble.WriteOptions
	queue chan *writeRequest
	stop  chan struct{} // closed when no more requests will be queued
	done  chan struct{} // closed when the last round has been answered
	ids   *idMemory

	pos        int64
	ticks      int64
	lastStream uint64
	// broken is why nothing can be written any more: what is on the disk and
	// what is in memory may differ.
	broken error
}

func newSequencer(s *store, clock func() time.Time, sync *pebble.WriteOptions, warm <-chan warmth) *sequencer {
	return &sequencer{
		store: s, clock: clock, sync: sync,
		queue: make(chan *writeRequest, queueLen), stop: make(chan struct{}), done: make(chan struct{}),
		ids: newIDMemory(idMemoryLimit, warm),
		pos: s.last, ticks: s.lastTicks, lastStream: s.lastStream,
	}
}

// submit queues a request. It blocks while the queue is full, until ctx ends or
// the node stops; after an error done is never called.
func (q *sequencer) submit(ctx context.Context, r *writeRequest) error {
	select {
	case <-q.done:
		return ErrClosed
	default:
	}
	select {
	case q.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-q.done:
		return ErrClosed
	}
}

// write queues a request and waits for its outcome. When ctx ends first the
// request may still be written.
func (q *sequencer) write(ctx context.Context, r *writeRequest) (outcome, error) {
	answer := make(chan outcome, 1)
	r.done = func(o outcome) { answer <- o }
	if err := q.submit(ctx, r); err != nil {
		return outcome{}, err
	}
	select {
	case o := <-answer:
		return o, o.err
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	case <-q.done:
	}
	select {
	case o := <-answer:
		return o, o.err
	default:
		return outcome{}, ErrClosed
	}
}

func (q *sequencer) run() {
	defer close(q.done)
	requests := make([]*writeRequest, 0, roundRequests)
	for {
		select {
		case r := <-q.queue:
			requests = q.gather(append(requests[:0], r))
		case <-q.stop:
			if requests = q.gather(requests[:0]); len(requests) == 0 {
				return
			}
		}
		q.commit(requests)
	}
}

// gather takes what waits in the queue, up to the size of a round.
func (q *sequencer) gather(requests []*writeRequest) []*writeRequest {
	bytes := 0
	for _, r := range requests {
		bytes += r.size
	}
	for len(requests) < roundRequests && bytes < roundBytes {
		select {
		case r := <-q.queue:
			requests = append(requests, r)
			bytes += r.size
		default:
			return requests
		}
	}
	return requests
}

// commit writes one round and answers it. No answer leaves, not even a refusal,
// before the round is on the disk: a refusal may rest on what the round wrote.
func (q *sequencer) commit(requests []*writeRequest) {
	outcomes := make([]outcome, len(requests))
	if q.broken == nil {
		q.broken = q.writeRound(requests, outcomes)
	}
	if q.broken != nil {
		failAll(outcomes, q.broken)
	}
	for i, r := range requests {
		r.done(outcomes[i])
		requests[i] = nil
	}
}

func (q *sequencer) writeRound(requests []*writeRequest, outcomes []outcome) error {
	rd := q.newRound()
	defer rd.batch.Close()
	for i, r := range requests {
		outcomes[i] = rd.apply(r)
	}
	if err := rd.flush(); err != nil {
		return err
	}
	if rd.batch.Empty() {
		return nil
	}
	if err := q.store.db.Apply(rd.batch, q.sync); err != nil {
		return storageError("commit", err)
	}
	q.pos, q.ticks, q.lastStream = rd.pos, rd.ticks, rd.lastStream
	q.store.heads.put(rd.streams)
	q.store.mark.advance(rd.pos, rd.streams)
	return nil
}

func failAll(outcomes []outcome, err error) {
	for i := range outcomes {
		outcomes[i] = outcome{err: err}
	}
}

// nowTicks is the time in units of 100 ns since 1970, never less than before.
func (q *sequencer) nowTicks() int64 {
	return max(q.clock().UnixNano()/nanosecondsTick, q.ticks)
}

func (r *writeRequest) ids() []uuid.UUID {
	ids := make([]uuid.UUID, len(r.events))
	for i := range r.events {
		ids[i] = r.events[i].id
	}
	return ids
}
