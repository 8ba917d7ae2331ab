package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// caseQueue holds the erasure cases that have news, each once. Several workers
// take from it, and none takes a case that another is at: news that come meanwhile
// bring the case back when it is given back.
type caseQueue struct {
	mu       sync.Mutex
	waiting  []uuid.UUID
	taken    map[uuid.UUID]bool // true when news came meanwhile
	failures map[uuid.UUID]int  // in a row
	news     chan struct{}      // holds a token while anything waits
}

func newCaseQueue() *caseQueue {
	return &caseQueue{taken: map[uuid.UUID]bool{}, failures: map[uuid.UUID]int{}, news: make(chan struct{}, 1)}
}

func (q *caseQueue) add(ids ...uuid.UUID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		if _, busy := q.taken[id]; busy {
			q.taken[id] = true
		} else if !slices.Contains(q.waiting, id) {
			q.waiting = append(q.waiting, id)
		}
	}
	q.tell()
}

func (q *caseQueue) tell() {
	if len(q.waiting) == 0 {
		return
	}
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// take waits for a case; ok is false when ctx ended.
func (q *caseQueue) take(ctx context.Context) (id uuid.UUID, ok bool) {
	for {
		q.mu.Lock()
		if len(q.waiting) > 0 {
			id, q.waiting = q.waiting[0], q.waiting[1:]
			q.taken[id] = false
			q.tell()
			q.mu.Unlock()
			return id, true
		}
		q.mu.Unlock()
		select {
		case <-ctx.Done():
			return uuid.Nil, false
		case <-q.news:
		}
	}
}

// give gives a case back. A case that failed comes again by itself, after a pause
// that grows from 100 ms to 10 s.
func (q *caseQueue) give(id uuid.UUID, failed bool) (pause time.Duration) {
	q.mu.Lock()
	news := q.taken[id]
	delete(q.taken, id)
	if failed {
		q.failures[id]++
		pause = min(50*time.Millisecond<<min(q.failures[id], 10), 10*time.Second)
	} else {
		delete(q.failures, id)
	}
	q.mu.Unlock()
	switch {
	case failed:
		time.AfterFunc(pause, func() { q.add(id) })
	case news:
		q.add(id)
	}
	return pause
}

// stuck is how many cases failed when they were last tried.
func (q *caseQueue) stuck() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.failures)
}
