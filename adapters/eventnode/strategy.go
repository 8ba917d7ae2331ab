package eventnode

import "hash/fnv"

// The names under which clients ask for a strategy.
const (
	roundRobin       = "RoundRobin"
	dispatchToSingle = "DispatchToSingle"
	pinned           = "Pinned"
	// pinnedByCorrelation is Pinned by what the metadata of events have as
	// $correlationId instead of by their streams.
	pinnedByCorrelation = "PinnedByCorrelation"
)

// strategy chooses who gets a message. It is only asked while some consumer
// has a free slot.
type strategy interface {
	// pick is the consumer that gets the message; nil when it has to wait.
	pick(m *message, among []*consumer) *consumer
	// overtakes says whether messages behind one that waits may go out.
	overtakes() bool
	// left tells that a consumer is gone.
	left(c *consumer)
}

// newStrategy gives nil for a name it does not know.
func newStrategy(name string) strategy {
	switch name {
	case roundRobin:
		return &taking{turns: true}
	case dispatchToSingle:
		return &taking{}
	case pinned, pinnedByCorrelation:
		return &pinning{}
	}
	return nil
}

// taking gives messages to consumers in turn, or fills one before the next.
type taking struct {
	turns bool
	next  int
}

func (s *taking) pick(_ *message, among []*consumer) *consumer {
	for i := range among {
		at := (s.next + i) % len(among)
		if among[at].free() {
			if s.turns {
				s.next = at + 1
			}
			return among[at]
		}
	}
	return nil
}

func (*taking) overtakes() bool { return false }

func (*taking) left(*consumer) {}

const buckets = 1024

// bucketOf maps the name of a stream, or a correlation id, to its bucket.
func bucketOf(name []byte) int {
	h := fnv.New64a()
	_, _ = h.Write(name)
	return int(h.Sum64() % buckets)
}

// pinning sends all events of a stream to one consumer for as long as that is
// connected. A bucket goes to the consumer with the fewest buckets when the
// first message for it comes.
type pinning struct {
	owners [buckets]*consumer
}

func (s *pinning) pick(m *message, among []*consumer) *consumer {
	owner := s.owners[m.bucket]
	if owner == nil {
		owner = s.leastBurdened(among)
		s.owners[m.bucket] = owner
	}
	if owner == nil || !owner.free() {
		return nil
	}
	return owner
}

func (s *pinning) leastBurdened(among []*consumer) *consumer {
	owned := map[*consumer]int{}
	for _, c := range s.owners {
		owned[c]++
	}
	var least *consumer
	for _, c := range among {
		if least == nil || owned[c] < owned[least] {
			least = c
		}
	}
	return least
}

func (*pinning) overtakes() bool { return true }

func (s *pinning) left(gone *consumer) {
	for i, c := range s.owners {
		if c == gone {
			s.owners[i] = nil
		}
	}
}
