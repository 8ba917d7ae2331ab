package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tracekeep/eventschema"
)

// errLeftBehind ends a subscription that another one has replaced.
var errLeftBehind = errors.New("subscription was replaced")

// place is where a consumer stands: behind an event, or before all of them.
type place struct {
	started  bool
	position uint64
	revision uint64 // counts only when one stream is subscribed to
}

// buffer stands between the receiving goroutine, which fills a page, and the
// delivering one, which takes it. While a page is being applied the next one
// fills; when that is full the receiver waits, and the connection's own flow
// control tells the server.
type buffer struct {
	config SubscriberConfig
	filled chan struct{} // capacity 1: there may be a page to take
	room   chan struct{} // capacity 1: the page was taken
	empty  chan struct{} // capacity 1: all that was received is acknowledged

	mu     sync.Mutex
	page   Page
	bytes  int
	term   uint64 // of the subscription that may fill the page
	last   uint64 // position last received, over all pages
	done   place  // acknowledged by the consumer
	live   bool   // the end of the log was reached since the last resume
	notify bool   // and the consumer has not been told yet
	busy   bool   // a page is being delivered
	full   bool   // the receiver waits for room
}

func newBuffer(config SubscriberConfig) *buffer {
	return &buffer{config: config, filled: make(chan struct{}, 1), room: make(chan struct{}, 1), empty: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// resume waits until the consumer has acknowledged all that was received, and
// prepares for a subscription that starts behind the place that from answers.
// From then on only that subscription's term counts: what an earlier one, left
// behind, still receives is refused.
func (b *buffer) resume(ctx context.Context, from func(done place) (place, error)) (start place, term uint64, err error) {
	b.mu.Lock()
	b.live = false
	b.term++
	term = b.term
	for b.busy || len(b.page.Events) > 0 {
		b.mu.Unlock()
		select {
		case <-b.empty:
		case <-ctx.Done():
			return place{}, 0, ctx.Err()
		}
		b.mu.Lock()
	}
	done := b.done
	b.mu.Unlock()
	start, err = from(done)
	if err != nil {
		return place{}, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page, b.bytes, b.last = Page{}, 0, start.position
	return start, term, nil
}

// put adds a received event and waits while the page is full. Its errors are
// [ErrOrder], that of ctx, and errLeftBehind.
func (b *buffer) put(ctx context.Context, term uint64, e eventschema.Recorded) error {
	b.mu.Lock()
	for len(b.page.Events) >= b.config.MaxPage || b.bytes >= b.config.MaxPageBytes {
		b.full = true
		b.mu.Unlock()
		select {
		case <-b.room:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.mu.Lock()
		b.full = false
	}
	defer b.mu.Unlock()
	switch {
	case b.term != term:
		return errLeftBehind
	case e.Position <= b.last:
		return fmt.Errorf("%w: position %d after %d", ErrOrder, e.Position, b.last)
	}
	b.last = e.Position
	if b.page.First == 0 {
		b.page.First = e.Position
	}
	b.page.Last = e.Position
	if b.config.ExcludeSystem && strings.HasPrefix(e.Type, "$") {
		return nil
	}
	if b.page.Events == nil {
		b.page.Events = make([]eventschema.Recorded, 0, b.capacity())
	}
	b.page.Events = append(b.page.Events, e)
	b.bytes += len(e.Data) + len(e.Metadata)
	if n := len(b.page.Events); n == 1 || n == b.config.MinPage || b.live {
		signal(b.filled)
	}
	return nil
}

func (b *buffer) capacity() int {
	if b.live {
		return 8
	}
	return b.config.MinPage
}

// caughtUp notes that the log's end was reached.
func (b *buffer) caughtUp(term uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.live && b.term == term {
		b.live, b.notify = true, true
	}
	signal(b.filled)
}

// take waits for the next page: at once when live, else until the page is large
// enough or has lingered. caughtUp asks to tell the consumer, once it has
// acknowledged the page, that it has reached the end of the log; the page may be
// empty then. Every page taken must be acknowledged.
func (b *buffer) take(ctx context.Context) (page Page, caughtUp bool, err error) {
	var lingering <-chan time.Time
	lingered := false
	for {
		page, caughtUp, state := b.cut(lingered)
		switch {
		case state == pageReady:
			return page, caughtUp, nil
		case state == pageStarted && lingering == nil:
			timer := time.NewTimer(b.config.Linger)
			defer timer.Stop()
			lingering = timer.C
		}
		select {
		case <-b.filled:
		case <-lingering:
			lingered = true
		case <-ctx.Done():
			return Page{}, false, ctx.Err()
		}
	}
}

type pageState int

const (
	pageEmpty pageState = iota
	pageStarted
	pageReady
)

func (b *buffer) cut(lingered bool) (Page, bool, pageState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.page.Events)
	switch {
	case n == 0 && !b.notify:
		return Page{}, false, pageEmpty
	case n > 0 && !b.live && !lingered && n < b.config.MinPage && b.bytes < b.config.MaxPageBytes:
		return Page{}, false, pageStarted
	}
	page, notify := b.page, b.notify
	page.CaughtUp = b.live
	b.page, b.bytes, b.notify, b.busy = Page{}, 0, false, true
	signal(b.room)
	return page, notify, pageReady
}

// acknowledged notes how far the consumer is.
func (b *buffer) acknowledged(e eventschema.Recorded, position uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = place{started: true, position: position, revision: e.Revision}
}

// delivered ends what take began.
func (b *buffer) delivered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = false
	signal(b.empty)
}

// received tells the watchdog how far the subscription is, and whether it waits
// for the consumer.
func (b *buffer) received() (position uint64, waiting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.full
}
