package eventnode

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var (
	errGroupDropped = errors.New("persistent subscription was dropped")
	errGroupFull    = errors.New("persistent subscription has as many consumers as it may have")
)

// group is a persistent subscription at work: the rules of groupCore, and one
// goroutine that feeds them from the log and writes what they decide. Consumers
// call in under the lock and are never waited for.
type group struct {
	*groups
	set *groupSettings

	mu       sync.Mutex
	core     *groupCore // nil until the checkpoint has been read
	waiting  []*consumer
	live     bool  // the source was read to its end
	replayTo int64 // revision of the parked stream before which a replay ends
	forget   bool  // no last checkpoint when the group stops: it is being deleted
	// over is why the group serves nobody any more.
	over  error
	ended chan struct{} // closed when over is set

	poke   chan struct{} // something for the goroutine to do
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
	page   page

	catching  bool
	truncated int64 // $tb of the parked stream as last written
}

func (gs *groups) newGroup(set *groupSettings) *group {
	g := &group{
		groups: gs, set: set, catching: true,
		ended: make(chan struct{}), poke: make(chan struct{}, 1), done: make(chan struct{}),
	}
	g.ctx, g.cancel = context.WithCancel(asSystem(context.Background()))
	return g
}

// run works until stop.
func (g *group) run() {
	defer close(g.done)
	watched := g.set.Stream
	if g.set.all() {
		watched = ""
	}
	w := g.store.mark.watch(watched)
	defer g.store.mark.unwatch(w)
	clock := time.NewTicker(g.tickEvery)
	defer clock.Stop()
	err := g.begin()
	for busy := false; err == nil; busy, err = g.step() {
		if busy && g.ctx.Err() == nil {
			continue
		}
		select {
		case <-w.signal:
		case <-g.poke:
		case <-clock.C:
			g.tick()
		case <-g.ctx.Done():
			g.finish()
			return
		}
	}
	if g.ctx.Err() != nil {
		g.finish()
		return
	}
	g.log.Error("event store: persistent subscription stopped", append(g.set.logged(), zap.Error(err))...)
	g.end(err)
}

// begin finds where an earlier life of the group left off.
func (g *group) begin() error {
	from, err := g.readCheckpoint()
	if err != nil {
		return err
	}
	parked, err := g.parkedHead()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.core = newGroupCore(g.set.limits(), newStrategy(g.set.Strategy), from, g.clock())
	g.core.replayed, g.truncated = parked.first, parked.first
	for _, c := range g.waiting {
		g.core.join(c) // there was room when it came
	}
	g.waiting = nil
	return nil
}

// step does one piece of whatever there is to do; busy means there is more.
func (g *group) step() (busy bool, err error) {
	if busy, err = g.writeParked(); err != nil {
		return false, err
	}
	for _, piece := range []func() (bool, error){g.readSource, g.readReplay} {
		more, err := piece()
		if err != nil {
			return false, err
		}
		busy = busy || more
	}
	return busy, errors.Join(g.writeCheckpoint(g.ctx, false), g.truncateParked())
}

// finish leaves what a group that stops can still keep.
func (g *group) finish() {
	g.end(errGroupDropped)
	g.mu.Lock()
	forget := g.forget || g.core == nil
	g.mu.Unlock()
	if forget {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.stopTime)
	defer cancel()
	if err := g.writeCheckpoint(ctx, true); err != nil {
		g.log.Warn("event store: last checkpoint of persistent subscription", append(g.set.logged(), zap.Error(err))...)
	}
}

// end lets go of all consumers.
func (g *group) end(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over == nil {
		g.over = why
		close(g.ended)
	}
}

// stop ends the group and returns when it writes no more.
func (g *group) stop() {
	g.end(errGroupDropped)
	g.cancel()
	<-g.done
}

func (g *group) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	g.core.tick(now)
	g.settle(now)
}

// settle passes on what an input from outside changed; the lock is held.
func (g *group) settle(now time.Time) {
	g.deliver(now)
	wake(g.poke)
}

// deliver gives consumers what waits for them; the lock is held.
func (g *group) deliver(now time.Time) {
	g.core.dispatch(now)
	for _, c := range g.core.consumers {
		if len(c.outbox) > 0 {
			wake(c.signal)
		}
	}
}

func wake(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// join adds a consumer, which must leave again.
func (g *group) join(c *consumer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over != nil {
		return g.over
	}
	if g.core == nil {
		if most := int(g.set.MaxConsumers); most > 0 && len(g.waiting) >= most {
			return errGroupFull
		}
		g.waiting = append(g.waiting, c)
		return nil
	}
	if !g.core.join(c) {
		return errGroupFull
	}
	g.settle(g.clock())
	return nil
}

func (g *group) leave(c *consumer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.core == nil {
		for i, o := range g.waiting {
			if o == c {
				g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
				break
			}
		}
		return
	}
	g.core.leave(c)
	g.settle(g.clock())
}

func (g *group) ack(c *consumer, ids []uuid.UUID) {
	g.answer(func() {
		for _, id := range ids {
			g.core.ack(c, id)
		}
	})
}

func (g *group) nack(c *consumer, ids []uuid.UUID, action nackAction, reason string) {
	g.answer(func() {
		for _, id := range ids {
			g.core.nack(c, id, action, reason)
		}
	})
}

// answer applies what a consumer says. A group that is over changes no more:
// its last checkpoint is being written.
func (g *group) answer(apply func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over != nil || g.core == nil {
		return
	}
	apply()
	g.settle(g.clock())
}

// outgoing is what the sender needs of a message; the message itself may only
// be looked at under the lock.
type outgoing struct {
	origin
	id       uuid.UUID
	retries  int
	replayed bool
}

// take hands over the next message for a consumer.
func (g *group) take(c *consumer) (outgoing, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := c.take()
	if m == nil || g.over != nil {
		return outgoing{}, false
	}
	return outgoing{origin: m.origin, id: m.id, retries: m.retries, replayed: m.replayed}, true
}

// whyOver is what consumers are told when the group has ended.
func (g *group) whyOver(setTrailer func(metadata.MD)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !errors.Is(g.over, errGroupDropped) {
		return statusOf(g.over)
	}
	setTrailer(groupTrailer("persistent-subscription-dropped", g.set.Stream, g.set.Group))
	return status.Errorf(codes.Canceled, "Subscription group %s on stream %s was dropped.", g.set.Group, g.set.Stream)
}

// beginReplay delivers parked messages again, those below stopAt.
func (g *group) beginReplay(ctx context.Context, stopAt int64) error {
	parked, err := g.groups.parked(ctx, g.set)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.replayTo = max(g.replayTo, min(parked.end, stopAt))
	wake(g.poke)
	return nil
}
