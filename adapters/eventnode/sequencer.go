package eventnode

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

const (
	queueLen      = 2048
	roundRequests = 512
	roundBytes    = 4 << 20
	// roundsUnsynced bounds the rounds that wait for the disk.
	roundsUnsynced = 16
	// companyShare is the share of the usual writers that a round waits for, and
	// patience how long (decision 12).
	companyShare = 0.4
	patience     = 500 * time.Microsecond

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
	call     callKind
	queued   time.Time // when it was submitted
	removal  *removal  // set: nothing is appended, a scavenge removes events
	// done is called once, from the settler, which must not be held up.
	done func(outcome)
}

func (r *writeRequest) ids() []uuid.UUID {
	ids := make([]uuid.UUID, len(r.events))
	for i := range r.events {
		ids[i] = r.events[i].id
	}
	return ids
}

// outcome is the answer to a writeRequest.
type outcome struct {
	ruling ruling
	cur    int64 // last revision of the stream, -1 for none
	rev    int64 // revision of the last event of the request, -1 for none
	pos    int64 // its position, 0 for none
	err    error
}

var (
	errTooLate = errors.New("deadline passed before the write began")
	// errBusy: the write found no room in time and was not queued.
	errBusy = errors.New("too many writes wait")
)

// sequencer is the only writer of a store. It works in two steps, each with a
// goroutine: one rules on requests and hands rounds to pebble's write-ahead log
// one after the other, so that their order on the disk is ours; the other, the
// settler, waits until a round is on the disk, shows it to readers and answers.
// Because rounds settle in the order in which they were written, an answer
// never rests on anything a power cut could take back.
type sequencer struct {
	store  *store
	clock  func() time.Time
	log    *zap.Logger
	slow   *zap.Logger // says the same thing now and then only
	noSync bool
	// keepRights: a soft delete leaves the access control list of the stream.
	keepRights bool
	queue      chan *writeRequest
	room       *room         // for what is queued or not answered
	wait       time.Duration // how long a write waits for that room
	rounds     chan *round
	stop       chan struct{} // closed when no more requests will be queued
	done       chan struct{} // closed when the last round has been answered
	ids        *idMemory
	// heads are those of recently written streams, durable or not.
	heads   headCache
	metrics *metrics
	// usual is how many requests are being worked on at a time: rises at once,
	// falls slowly, and by half when a round waited for company in vain.
	usual    float64
	patience time.Duration
	hurry    *time.Timer
	// syncing runs while a round waits for the disk.
	syncing stopwatch
	// closing: writes of clients are not taken any more.
	closing atomic.Bool

	pos        int64
	ticks      int64
	lastStream uint64
	// broken is why nothing can be written any more: what is on the disk and
	// what is in memory may differ.
	broken error
}

func newSequencer(s *store, cfg Config, m *metrics, warm <-chan warmth) *sequencer {
	return &sequencer{
		store: s, clock: cfg.Clock, log: cfg.Log, slow: cfg.slow, noSync: cfg.NoSync, keepRights: cfg.Security != nil, metrics: m,
		room: newRoom(cfg.Limits.QueueBytes), wait: cfg.Limits.QueueWait,
		queue: make(chan *writeRequest, queueLen), rounds: make(chan *round, roundsUnsynced),
		stop: make(chan struct{}), done: make(chan struct{}),
		ids: newIDMemory(cfg.Limits.IDs, warm), heads: newHeadCache(cfg.Limits.Heads / 2),
		pos: s.last, ticks: s.lastTicks, lastStream: s.lastStream,
		patience: patience, hurry: stoppedTimer(),
	}
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// submit queues a request. While there is no room it waits, until ctx ends, the
// node stops, or a client has waited long enough (errBusy); after an error done
// is never called. What the node itself writes waits for as long as it takes.
func (q *sequencer) submit(ctx context.Context, r *writeRequest) error {
	if r.call != callInternal && q.closing.Load() {
		return ErrClosed
	}
	r.queued = q.clock()
	if !q.room.try(r) {
		return q.submitLater(ctx, r)
	}
	select {
	case q.queue <- r:
		return nil
	default:
		q.room.give(q.room.weight(r))
		return q.submitLater(ctx, r)
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

// run rules and writes until stop; whoever stops it has seen to it that nobody
// submits any more.
func (q *sequencer) run() {
	defer close(q.rounds)
	for {
		var requests []*writeRequest
		select {
		case r := <-q.queue:
			requests = q.gather(r)
		case <-q.stop:
			select {
			case r := <-q.queue:
				requests = q.gather(r)
			default:
				return
			}
		}
		select {
		case q.rounds <- q.writeRound(requests):
		case <-q.done: // the settler fell; its requests are never answered
			return
		}
	}
}

// gather takes what waits in the queue, up to the size of a round, and waits for
// company where a sync would be for few of many writers.
func (q *sequencer) gather(first *writeRequest) []*writeRequest {
	requests, bytes := []*writeRequest{first}, first.size
	room := func() bool { return len(requests) < roundRequests && bytes < roundBytes }
	take := func(r *writeRequest) { requests, bytes = append(requests, r), bytes+r.size }
	for waiting := true; waiting && room(); {
		select {
		case r := <-q.queue:
			take(r)
		default:
			waiting = false
		}
	}
	few := q.company(len(requests))
	if q.noSync || len(requests) >= few {
		return requests
	}
	q.hurry.Reset(q.patience)
	defer q.hurry.Stop()
	for len(requests) < few && room() {
		select {
		case r := <-q.queue:
			take(r)
		case <-q.hurry.C:
			q.usual /= 2
			return requests
		case <-q.stop:
			return requests
		}
	}
	return requests
}

// company is how many requests are worth a sync, when some are at hand.
func (q *sequencer) company(atHand int) int {
	const forget = 0.98
	q.usual = max(float64(q.store.unsettled.Load())+float64(atHand), q.usual*forget)
	return int(companyShare * q.usual)
}

// writeRound rules on the requests and hands what they write to the log. No
// answer leaves here, not even a refusal: a refusal may rest on what an
// earlier request wrote.
func (q *sequencer) writeRound(requests []*writeRequest) *round {
	rd := q.newRound(requests)
	q.store.unsettled.Add(int64(len(requests)))
	if rd.err = q.broken; rd.err != nil {
		return rd
	}
	for i, r := range requests {
		rd.outcomes[i] = rd.apply(r)
	}
	if rd.err = rd.flush(); rd.err == nil && !rd.batch.Empty() {
		rd.err = q.hand(rd.batch)
		rd.handed = rd.err == nil
	}
	if q.broken = rd.err; rd.err != nil {
		return rd
	}
	q.pos, q.ticks, q.lastStream = rd.pos, rd.ticks, rd.lastStream
	q.heads.put(rd.streams)
	return rd
}

// hand gives a batch to the write-ahead log without waiting for the disk. The
// log is one sequence: when a later batch is on the disk, so is this one.
func (q *sequencer) hand(b *pebble.Batch) error {
	var err error
	if q.noSync {
		err = q.store.db.Apply(b, pebble.NoSync)
	} else {
		err = q.store.db.ApplyNoSyncWait(b, pebble.Sync)
	}
	if err != nil {
		return storageError("write", err)
	}
	return nil
}

// settle waits for the disk, round by round, and answers.
func (q *sequencer) settle() {
	defer close(q.done)
	for rd := range q.rounds {
		if rd.handed {
			q.sync(rd)
			q.store.heads.put(rd.streams)
			q.store.mark.advance(rd.pos, rd.streams)
		}
		q.store.unsettled.Add(-int64(len(rd.requests)))
		q.metrics.settled(rd, q.clock())
		rd.answer()
		q.room.give(rd.weight())
		rd.close()
	}
}

// sync returns when the disk has the round.
func (q *sequencer) sync(rd *round) {
	if q.noSync {
		return
	}
	began := q.clock()
	q.syncing.start(began)
	if err := rd.batch.SyncWait(); err != nil {
		// Nothing may be acknowledged after a failed sync, and what the disk has
		// is unknown until the folder is opened anew.
		q.log.Fatal("event store: log was not synced", zap.Error(err))
	}
	q.syncing.stop()
	took := q.clock().Sub(began)
	q.metrics.waited(took)
	if took > slowDisk {
		q.slow.Warn("event store: the disk is slow", zap.Duration("waited", took), zap.Int("writes", len(rd.requests)))
	}
}

// nowTicks is the time in units of 100 ns since 1970, never less than before.
func (q *sequencer) nowTicks() int64 {
	return max(q.clock().UnixNano()/nanosecondsTick, q.ticks)
}
