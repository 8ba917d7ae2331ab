package eventnode

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
)

// groupLimits are the settings of a group that its rules look at.
type groupLimits struct {
	maxRetries      int
	maxConsumers    int           // 0: no limit
	messageTimeout  time.Duration // 0: never
	minCheckpoint   int64
	maxCheckpoint   int64
	checkpointAfter time.Duration
	buffer          int // messages that wait for a consumer
}

// groupCore is all that is decided in a group, without goroutines, clock or
// disk: what waits, who holds what, what is to be parked, and how far the
// checkpoint may go. Every event that arrived is waiting, held, about to be
// parked or finished, and the checkpoint stays before the oldest that is not
// finished. The caller guards it with a lock.
type groupCore struct {
	limits    groupLimits
	strategy  strategy
	consumers []*consumer

	fresh   []*message // arrived, never dispatched
	retries []*message // to be delivered again, sorted by goesBefore
	toPark  []*message // to be written to the parked stream

	source  unfinished
	replays unfinished

	seen     int64 // place up to which the source was looked at
	arrived  int64 // messages of the source so far
	last     int64 // place of the last message, -1 for none
	replayed int64 // revision of the parked stream up to which it was replayed, exclusive

	saved       int64 // the checkpoint as last written
	savedNumber int64 // messages the checkpoint covers
	savedAt     time.Time
	passedOver  int   // records of no interest since then
	total       int64 // messages dispatched
	rate        rate
}

// newGroupCore starts after the place from, where an earlier life of the group
// left its checkpoint or its settings tell it to begin.
func newGroupCore(limits groupLimits, s strategy, from int64, now time.Time) *groupCore {
	return &groupCore{limits: limits, strategy: s, seen: from, saved: from, last: -1, savedAt: now}
}

// room is how many more messages may arrive.
func (g *groupCore) room() int { return g.limits.buffer - len(g.fresh) }

// arrive takes the next event of the source, which has a higher place than all
// before it.
func (g *groupCore) arrive(m *message) {
	g.arrived++
	m.before, m.number = g.seen, g.arrived
	g.seen, g.last = m.place, m.place
	g.source.add(m)
	g.fresh = append(g.fresh, m)
}

// look notes that the source has nothing more for the group up to a place,
// after passing over some records.
func (g *groupCore) look(place int64, passedOver int) {
	g.seen = max(g.seen, place)
	g.passedOver += passedOver
}

// replay takes the next message of the parked stream.
func (g *groupCore) replay(m *message) {
	m.replayed = true
	g.replayed = m.place + 1
	g.replays.add(m)
	g.retry(m)
}

// join lets a consumer take part; false when there are too many.
func (g *groupCore) join(c *consumer) bool {
	if g.limits.maxConsumers > 0 && len(g.consumers) >= g.limits.maxConsumers {
		return false
	}
	g.consumers = append(g.consumers, c)
	return true
}

// leave takes back what the consumer holds. That counts as a retry but parks
// nothing: the messages are not to blame.
func (g *groupCore) leave(c *consumer) {
	i := slices.Index(g.consumers, c)
	if i < 0 {
		return
	}
	g.consumers = slices.Delete(g.consumers, i, i+1)
	g.strategy.left(c)
	c.outbox = nil
	for _, m := range c.holds() {
		m.unsent = false
		c.release(m)
		m.retries++
		g.retry(m)
	}
}

// ack finishes a message. Ids that the consumer does not hold are ignored.
func (g *groupCore) ack(c *consumer, id uuid.UUID) {
	if m := c.oldest(id); m != nil {
		c.release(m)
		g.finish(m)
	}
}

type nackAction int

const (
	nackRetry nackAction = iota
	nackPark
	nackSkip
)

// nack gives a message back.
func (g *groupCore) nack(c *consumer, id uuid.UUID, action nackAction, reason string) {
	m := c.oldest(id)
	if m == nil {
		return
	}
	c.release(m)
	switch action {
	case nackPark:
		g.park(m, reason)
	case nackSkip:
		g.finish(m)
	default:
		g.retryOrPark(m)
	}
}

// retryOrPark delivers again, within the limit.
func (g *groupCore) retryOrPark(m *message) {
	if m.retries >= g.limits.maxRetries {
		g.park(m, fmt.Sprintf("Reached retry count of %d", g.limits.maxRetries))
		return
	}
	m.retries++
	g.retry(m)
}

func (g *groupCore) retry(m *message) {
	at := sort.Search(len(g.retries), func(i int) bool { return m.goesBefore(g.retries[i]) })
	g.retries = slices.Insert(g.retries, at, m)
}

func (g *groupCore) park(m *message, reason string) {
	m.reason = reason
	g.toPark = append(g.toPark, m)
}

// takeParks hands out what must be written to the parked stream. Each of them
// comes back through parked or notParked and is unfinished until then.
func (g *groupCore) takeParks(limit int) []*message {
	n := min(limit, len(g.toPark))
	parks := slices.Clone(g.toPark[:n])
	g.toPark = slices.Delete(g.toPark, 0, n)
	return parks
}

func (g *groupCore) parked(m *message) { g.finish(m) }

// notParked delivers a message again that could not be parked.
func (g *groupCore) notParked(m *message) { g.retry(m) }

func (g *groupCore) finish(m *message) {
	if m.replayed {
		g.replays.remove(m)
		return
	}
	g.source.remove(m)
}

// tick takes back what was held too long.
func (g *groupCore) tick(now time.Time) {
	g.rate.measure(g.total, now)
	var late []*message
	for _, c := range g.consumers {
		c.rate.measure(c.total, now)
		for _, m := range c.held {
			for ; m != nil; m = m.twin {
				if !m.expires.IsZero() && !now.Before(m.expires) {
					late = append(late, m)
				}
			}
		}
	}
	sort.Slice(late, func(i, j int) bool { return late[i].goesBefore(late[j]) })
	for _, m := range late {
		m.holder.release(m)
		g.retryOrPark(m)
	}
}

// dispatch gives consumers with free slots what waits for them, redeliveries
// first.
func (g *groupCore) dispatch(now time.Time) {
	g.retries = g.offer(g.retries, now)
	if len(g.retries) == 0 || g.strategy.overtakes() {
		g.fresh = g.offer(g.fresh, now)
	}
}

func (g *groupCore) offer(waiting []*message, now time.Time) []*message {
	free := 0
	for _, c := range g.consumers {
		free += c.slots - c.holding
	}
	stay := 0
	for i := 0; i < len(waiting); i++ {
		var to *consumer
		if free > 0 {
			to = g.strategy.pick(waiting[i], g.consumers)
		}
		if to == nil && (free == 0 || !g.strategy.overtakes()) {
			// The rest stays as it is; what was passed over goes in front.
			copy(waiting[i-stay:i], waiting[:stay])
			clear(waiting[:i-stay])
			return waiting[i-stay:]
		}
		if to == nil {
			waiting[stay] = waiting[i]
			stay++
			continue
		}
		g.hand(to, waiting[i], now)
		free--
	}
	clear(waiting[stay:])
	return waiting[:stay]
}

func (g *groupCore) hand(to *consumer, m *message, now time.Time) {
	to.hold(m)
	g.total++
	if g.limits.messageTimeout > 0 {
		m.expires = now.Add(g.limits.messageTimeout)
	}
}

// checkpoint is the place up to which everything is finished, and how many
// messages that covers.
func (g *groupCore) checkpoint() (place, number int64) {
	if m := g.source.oldest; m != nil {
		return m.before, m.number - 1
	}
	return g.seen, g.arrived
}

// manyPassedOver is how many records a filter may reject before the checkpoint
// is moved for their sake, so that a restart need not look at them again.
const manyPassedOver = 10_000

// checkpointDue says whether the checkpoint is to be written. At the end of a
// group's life every finished message counts.
func (g *groupCore) checkpointDue(now time.Time, ending bool) bool {
	place, number := g.checkpoint()
	moved := number - g.savedNumber
	switch {
	case place <= g.saved:
		return false
	case moved > 0 && (ending || moved >= g.limits.maxCheckpoint):
		return true
	case now.Sub(g.savedAt) < g.limits.checkpointAfter:
		return false
	}
	return moved > 0 && moved >= g.limits.minCheckpoint || g.passedOver >= manyPassedOver
}

// checkpointed notes what was written.
func (g *groupCore) checkpointed(place, number int64, now time.Time) {
	g.saved, g.savedNumber, g.savedAt, g.passedOver = place, number, now, 0
}

// replayFinished is the revision of the parked stream below which everything
// replayed is finished.
func (g *groupCore) replayFinished() int64 {
	if m := g.replays.oldest; m != nil {
		return m.place
	}
	return g.replayed
}

// outstanding counts the messages that consumers hold.
func (g *groupCore) outstanding() int {
	n := 0
	for _, c := range g.consumers {
		n += c.holding
	}
	return n
}
