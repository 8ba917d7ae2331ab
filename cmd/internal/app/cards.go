package app

import (
	"container/list"
	"context"
	"sync"

	"tracekeep/domain"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// cardCache keeps the folded timecards an import is writing to, the least
// recently used given up first, so that a file in order of time reads each
// stream once. A card is taken out while it is used: it belongs to one writer.
type cardCache struct {
	mu    sync.Mutex
	max   int
	order *list.List // of cachedCard, most recent first
	byKey map[eventschema.StreamName]*list.Element
}

type cachedCard struct {
	name eventschema.StreamName
	card *domain.Loaded[timecard.State]
}

func newCardCache(limit int) *cardCache {
	return &cardCache{max: limit, order: list.New(), byKey: map[eventschema.StreamName]*list.Element{}}
}

// take gives the card of a stream, reading it when it is not kept.
func (c *cardCache) take(ctx context.Context, h *domain.Handler, name eventschema.StreamName) (*domain.Loaded[timecard.State], error) {
	if card := c.kept(name); card != nil {
		return card, nil
	}
	return domain.Load(ctx, h, name, timecard.Decider())
}

func (c *cardCache) kept(name eventschema.StreamName) *domain.Loaded[timecard.State] {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, kept := c.byKey[name]
	if !kept {
		return nil
	}
	delete(c.byKey, name)
	return c.order.Remove(element).(cachedCard).card //nolint:forcetypeassert // the list holds nothing else
}

// give keeps a card whose last append succeeded.
func (c *cardCache) give(name eventschema.StreamName, card *domain.Loaded[timecard.State]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKey[name] = c.order.PushFront(cachedCard{name: name, card: card})
	for c.order.Len() > c.max {
		oldest := c.order.Back()
		delete(c.byKey, c.order.Remove(oldest).(cachedCard).name) //nolint:forcetypeassert // the list holds nothing else
	}
}
