package eventnode

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// room is the bytes that may be queued or unanswered.
type room struct {
	size  int64
	free  *semaphore.Weighted
	taken atomic.Int64
}

func newRoom(size int64) *room { return &room{size: size, free: semaphore.NewWeighted(size)} }

// bytesPerWrite is what a write takes beside its events.
const bytesPerWrite = 512

// weight is what a request takes of the room; never more than there is.
func (r *room) weight(w *writeRequest) int64 { return min(r.size, int64(w.size)+bytesPerWrite) }

func (r *room) try(w *writeRequest) bool {
	n := r.weight(w)
	if !r.free.TryAcquire(n) {
		return false
	}
	r.taken.Add(n)
	return true
}

func (r *room) take(ctx context.Context, w *writeRequest) error {
	n := r.weight(w)
	if err := r.free.Acquire(ctx, n); err != nil {
		return context.Cause(ctx)
	}
	r.taken.Add(n)
	return nil
}

func (r *room) give(n int64) {
	r.free.Release(n)
	r.taken.Add(-n)
}

func (r *room) held() int64 { return r.taken.Load() }

// submitLater waits for room, see submit.
func (q *sequencer) submitLater(ctx context.Context, r *writeRequest) error {
	if r.call != callInternal {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, q.wait, errBusy)
		defer cancel()
	}
	err := q.room.take(ctx, r)
	if err == nil {
		select {
		case q.queue <- r:
			return nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-q.done:
			err = ErrClosed
		}
		q.room.give(q.room.weight(r))
	}
	if errors.Is(err, errBusy) {
		q.metrics.turnedAway(refusedBusy)
	}
	return err
}
