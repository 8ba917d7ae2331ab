package eventnode

import (
	"sort"
	"time"

	"github.com/google/uuid"
)

// message is one event on its way through a group. It has no body: that is
// read from the log when the message goes out, so that what a group remembers
// does not grow with its events.
type message struct {
	// place is the revision, or for $all the position, at which the source has
	// the event. A replayed message has its revision in the parked stream.
	place int64
	// before is where the source was left before this message: a group that
	// restarts from there sees the message again.
	before   int64
	number   int64 // counts the messages of the source
	origin         // of the record that the message stands for
	id       uuid.UUID
	bucket   int // chosen by what the event belongs to, for Pinned
	replayed bool

	retries int
	reason  string // why it is parked
	holder  *consumer
	unsent  bool // in the outbox of its holder
	expires time.Time
	twin    *message // held by the same consumer under the same id
	older   *message // neighbours among the unfinished
	newer   *message
}

func (r *record) origin() origin { return origin{pos: r.pos, stream: r.stream, rev: r.rev} }

func newMessage(r *record, bucket int) *message {
	return &message{origin: r.origin(), id: r.id, bucket: bucket}
}

// goesBefore is the order of redelivery: replayed messages after the others,
// each kind in the order of its stream.
func (m *message) goesBefore(o *message) bool {
	if m.replayed != o.replayed {
		return o.replayed
	}
	return m.place < o.place
}

// unfinished lists messages in the order in which they came, so that the oldest
// one, which holds the checkpoint back, is always at hand.
type unfinished struct {
	oldest, newest *message
}

func (l *unfinished) add(m *message) {
	m.older, m.newer = l.newest, nil
	if l.newest == nil {
		l.oldest = m
	} else {
		l.newest.newer = m
	}
	l.newest = m
}

func (l *unfinished) remove(m *message) {
	if m.older == nil {
		l.oldest = m.newer
	} else {
		m.older.newer = m.newer
	}
	if m.newer == nil {
		l.newest = m.older
	} else {
		m.newer.older = m.older
	}
	m.older, m.newer = nil, nil
}

// consumer is what a group knows of one subscriber.
type consumer struct {
	slots   int // how many messages it may hold
	holding int
	held    map[uuid.UUID]*message
	outbox  []*message // dispatched and not yet taken by the sender
	total   int64      // messages dispatched to it
	signal  chan struct{}

	name, from, user string // for those who look at the group
	rate             rate
}

func newConsumer(slots int) *consumer {
	return &consumer{slots: slots, held: map[uuid.UUID]*message{}, signal: make(chan struct{}, 1)}
}

func (c *consumer) free() bool { return c.holding < c.slots }

func (c *consumer) hold(m *message) {
	m.holder, m.unsent, m.twin = c, true, c.held[m.id]
	c.held[m.id] = m
	c.outbox = append(c.outbox, m)
	c.holding++
	c.total++
}

// release takes a message from the consumer, sent or not.
func (c *consumer) release(m *message) {
	if first := c.held[m.id]; first != m {
		for first.twin != m {
			first = first.twin
		}
		first.twin = m.twin
	} else if m.twin != nil {
		c.held[m.id] = m.twin
	} else {
		delete(c.held, m.id)
	}
	if m.unsent {
		for i, o := range c.outbox {
			if o == m {
				c.outbox = append(c.outbox[:i], c.outbox[i+1:]...)
				break
			}
		}
	}
	m.holder, m.unsent, m.twin, m.expires = nil, false, nil, time.Time{}
	c.holding--
}

// take hands the next message of the outbox to the sender; nil when there is
// none.
func (c *consumer) take() *message {
	if len(c.outbox) == 0 {
		return nil
	}
	m := c.outbox[0]
	c.outbox[0] = nil
	c.outbox = c.outbox[1:]
	m.unsent = false
	return m
}

// holds lists what a consumer holds in the order of redelivery.
func (c *consumer) holds() []*message {
	all := make([]*message, 0, c.holding)
	for _, m := range c.held {
		for ; m != nil; m = m.twin {
			all = append(all, m)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].goesBefore(all[j]) })
	return all
}

// oldest finds the message that came first of those with an id.
func (c *consumer) oldest(id uuid.UUID) *message {
	m := c.held[id]
	for m != nil && m.twin != nil {
		m = m.twin
	}
	return m
}

// rate is how fast a count grew in the latest interval.
type rate struct {
	counted   int64
	since     int64 // grown in the latest interval
	perSecond int64
	at        time.Time
}

func (r *rate) measure(total int64, now time.Time) {
	r.since, r.counted = total-r.counted, total
	if elapsed := now.Sub(r.at); !r.at.IsZero() && elapsed > 0 {
		r.perSecond = int64(float64(r.since) / elapsed.Seconds())
	}
	r.at = now
}
