package eventnode

import (
	"context"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// followers are the subscriptions that are open.
type followers struct {
	// endless lets in calls without an end: subscriptions, consumers of groups,
	// BatchAppend.
	endless *limit
	metrics *metrics
	slow    *zap.Logger // says the same thing now and then only

	mu    sync.Mutex
	open  map[*follower]struct{}
	calls map[*handle]struct{} // of subscriptions and consumers
}

// follower is what others may know of a subscription while it goes on.
type follower struct {
	stream string // empty: the whole log
	client string
	next   atomic.Int64 // the revision or position from which it has not been sent anything
	live   atomic.Bool  // it has caught up
	// sending runs while the subscriber is sent one page.
	sending stopwatch
}

func newFollowers(most int, m *metrics, slow *zap.Logger) *followers {
	return &followers{endless: newLimit(most), metrics: m, slow: slow, open: map[*follower]struct{}{}, calls: map[*handle]struct{}{}}
}

// begin lets a call without an end in; what it returns ends it.
func (f *followers) begin() (end func(), err error) {
	if f.endless.enter() {
		return f.endless.leave, nil
	}
	f.metrics.turnedAway(refusedSubscription)
	f.slow.Warn("event store: subscription refused, as many are open as may be; close some, or raise the limit",
		zap.Int64("limit", f.endless.most))
	return nil, status.Error(codes.ResourceExhausted, "Too many subscriptions are open. Close some, or raise the limit of the node.")
}

// beginSending is begin for a call that may be cut off when the node stops:
// what it has not sent its client asks for again.
func (f *followers) beginSending(ctx context.Context) (end func(), err error) {
	leave, err := f.begin()
	if err != nil {
		return nil, err
	}
	h := handleOf(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[h] = struct{}{}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.calls, h)
		leave()
	}, nil
}

// cutOff ends the calls whose clients do not take what they are sent.
func (f *followers) cutOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for h := range f.calls {
		h.cancel()
	}
}

// follow notes a subscription, which must be forgotten.
func (f *followers) follow(ctx context.Context, stream string) *follower {
	x := &follower{stream: stream}
	_, x.client = whoCalls(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[x] = struct{}{}
	return x
}

func (f *followers) forget(x *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, x)
}

func (f *followers) list() []*follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*follower, 0, len(f.open))
	for x := range f.open {
		all = append(all, x)
	}
	return all
}

// tally sums up the followers of the log and those of streams.
func (f *followers) tally(s *store) (log, stream following) {
	end := s.mark.position()
	for _, x := range f.list() {
		to, last := &log, end
		if x.stream != "" {
			to, last = &stream, -1
			// What is not durable yet counts too: this is about distance.
			if h, found, err := s.loadHead(x.stream); err == nil && found {
				last = h.last
			}
		}
		if x.live.Load() {
			to.live++
		} else {
			to.behind++
		}
		to.lag = max(to.lag, last+1-x.next.Load())
	}
	return log, stream
}

// groupTally sums up the persistent subscriptions.
type groupTally struct {
	groups, stopped, consumers, inFlight, retries int
	parked, lagBytes, lagEvents                   int64
}

func (gs *groups) tally() groupTally {
	var t groupTally
	for _, g := range gs.list() {
		t.groups++
		g.addTo(&t)
	}
	return t
}

func (g *group) addTo(t *groupTally) {
	end := g.store.mark.position()
	if !g.set.all() {
		end = -1
		if h, found, err := g.store.loadHead(g.set.Stream); err == nil && found {
			end = h.last
		}
	}
	parked := int64(0)
	if h, found, err := g.store.loadHead(g.set.parkedStream()); err == nil && found {
		parked = h.last + 1 - min(h.firstVisible(), h.last+1)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over != nil {
		t.stopped++
	}
	if g.core == nil {
		return
	}
	t.consumers += len(g.core.consumers)
	t.inFlight += g.core.outstanding()
	t.retries += len(g.core.retries)
	t.parked += parked
	finished, _ := g.core.checkpoint()
	if g.set.all() {
		t.lagBytes = max(t.lagBytes, end-finished)
	} else {
		t.lagEvents = max(t.lagEvents, end-finished)
	}
}
