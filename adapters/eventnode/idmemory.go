package eventnode

import "github.com/google/uuid"

type idKey struct {
	stream uint64
	id     uuid.UUID
}

type idEntry struct {
	key idKey
	rev int64
}

// idMemory remembers the revisions of the latest events by id, so that an append
// without a revision is recognised as a repetition. A real node forgets too;
// nothing may lean on it for long. Only the sequencer uses it.
type idMemory struct {
	limit int
	revs  map[idKey]int64
	ring  []idEntry
	next  int
	// warm delivers what was written before the node started.
	warm <-chan warmth
	// broken is why the warm-up could not be read; it stays.
	broken error
}

type warmth struct {
	entries []idEntry
	err     error
}

func newIDMemory(limit int, warm <-chan warmth) *idMemory {
	return &idMemory{limit: limit, revs: map[idKey]int64{}, warm: warm}
}

func (m *idMemory) add(stream uint64, id uuid.UUID, rev int64) {
	e := idEntry{idKey{stream, id}, rev}
	if len(m.ring) < m.limit {
		m.ring = append(m.ring, e)
	} else {
		old := m.ring[m.next]
		if m.revs[old.key] == old.rev {
			delete(m.revs, old.key)
		}
		m.ring[m.next] = e
		m.next = (m.next + 1) % m.limit
	}
	m.revs[e.key] = rev
}

// revisionOf waits for the warm-up when it has not ended, so that a repetition
// right after a start is recognised too. Events below the floor of the stream
// were removed by a scavenge, and are forgotten.
func (m *idMemory) revisionOf(stream uint64, id uuid.UUID, floor int64) (int64, bool, error) {
	if m.warm != nil {
		before := <-m.warm
		m.warm = nil
		if before.err != nil {
			m.broken = before.err
		} else {
			m.join(before.entries)
		}
	}
	if m.broken != nil {
		return 0, false, m.broken
	}
	rev, ok := m.revs[idKey{stream, id}]
	if ok && rev < floor {
		delete(m.revs, idKey{stream, id})
		return 0, false, nil
	}
	return rev, ok, nil
}

// join puts the events from before the start in front of those since.
func (m *idMemory) join(before []idEntry) {
	since := m.ring
	fresh := newIDMemory(m.limit, nil)
	for _, e := range before {
		fresh.add(e.key.stream, e.key.id, e.rev)
	}
	for i := range since {
		e := since[(m.next+i)%len(since)]
		fresh.add(e.key.stream, e.key.id, e.rev)
	}
	*m = *fresh
}
