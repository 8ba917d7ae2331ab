package domain_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// memory is a store that keeps streams in memory. Everywhere else tests run
// against the real stores; here it stands in because a test of the domain may
// not import an adapter, and because only a stand-in loses a race on demand.
type memory struct {
	mu      sync.Mutex
	streams map[string][]eventschema.Recorded
	// before runs ahead of each append, without the lock: somebody else's append, or a fault.
	before  func(attempt int) error
	appends int
	readErr error
}

func (m *memory) ReadStream(_ context.Context, stream string, from uint64) iter.Seq2[eventschema.Recorded, error] {
	m.mu.Lock()
	events := slices.Clone(m.streams[stream])
	m.mu.Unlock()
	return func(yield func(eventschema.Recorded, error) bool) {
		for _, event := range events[from:] {
			if !yield(event, nil) {
				return
			}
		}
		if m.readErr != nil {
			yield(eventschema.Recorded{}, m.readErr)
		}
	}
}

func (m *memory) Append(_ context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error) {
	m.mu.Lock()
	m.appends++
	attempt := m.appends
	m.mu.Unlock()
	if m.before != nil {
		if err := m.before(attempt); err != nil {
			return domain.Appended{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if domain.Expected(len(m.streams[stream])-1) != expected {
		return domain.Appended{}, fmt.Errorf("stream %s: %w", stream, domain.ErrConflict)
	}
	for _, event := range events {
		revision := uint64(len(m.streams[stream]))
		m.streams[stream] = append(m.streams[stream], eventschema.Recorded{
			Stream: stream, Revision: revision, Position: 100 + revision, ID: event.ID, Type: event.Type, Data: event.Data, Metadata: event.Metadata,
		})
	}
	last := uint64(len(m.streams[stream]) - 1)
	return domain.Appended{Revision: last, Position: 100 + last}, nil
}
