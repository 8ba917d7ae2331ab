package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/importer"
	"tracekeep/eventschema"
)

// triedImport answers what an import would do. It implements [importer.Sink], reads
// and writes nothing.
type triedImport struct {
	app   *App
	cards *cardCache
	drawn map[string]uuid.UUID // people who would be registered
	fresh map[uuid.UUID]bool   // their work ids: nothing is recorded of them

	photos *photosOf // nil: nobody asks
}

// TryImport reads one file as [App.Import] does and records nothing: the summary is
// that of the import that would follow.
func (a *App) TryImport(ctx context.Context, options importer.Options) (importer.Summary, error) {
	return a.tryListing(ctx, options, &photosOf{})
}

func (a *App) tryListing(ctx context.Context, options importer.Options, photos *photosOf) (importer.Summary, error) {
	options.Now = a.clock()
	return importer.Run(ctx, options, &triedImport{
		app: a, cards: newCardCache(importCards), drawn: map[string]uuid.UUID{}, fresh: map[uuid.UUID]bool{}, photos: photos,
	})
}

// Resolve implements [importer.Sink].
func (c *triedImport) Resolve(ctx context.Context, station string, pins []string, people map[string]importer.Person) (map[string]uuid.UUID, int, error) {
	values := make([]string, len(pins))
	for i, pin := range pins {
		values[i] = badgeToken(station, pin)
	}
	found, err := c.app.keys.Find(ctx, c.app.tenant, tokenBadge, values...)
	if err != nil {
		return nil, 0, fmt.Errorf("look up the PINs of a station: %w", err)
	}
	known, registered := make(map[string]uuid.UUID, len(pins)), 0
	for i, pin := range pins {
		row, listed := people[pin]
		switch who, indexed := found[values[i]]; {
		case indexed:
			known[pin] = who.Work
			if listed {
				c.photos.add(who.Person, pin, row)
			}
		case c.drawn[pin] != uuid.Nil:
			known[pin] = c.drawn[pin]
		case listed:
			work, err := c.app.newID()
			if err != nil {
				return nil, 0, err
			}
			known[pin], c.drawn[pin], c.fresh[work] = work, work, true
			registered++
			c.photos.add(uuid.Nil, pin, row)
		}
	}
	return known, registered, nil
}

// Record implements [importer.Sink].
func (c *triedImport) Record(ctx context.Context, station string, batch []importer.Punch) (recorded, already int, err error) {
	for _, p := range batch {
		known, err := c.knows(ctx, p.Work, eventschema.PunchesStream(c.app.tenant, p.Work, p.At), importedID(c.app.tenant, station, p))
		if err != nil {
			return 0, 0, err
		}
		if known {
			already++
		}
	}
	return len(batch) - already, already, nil
}

// Declare implements [importer.Sink].
func (c *triedImport) Declare(ctx context.Context, station string, batch []importer.Declaration) (recorded, already int, err error) {
	for _, d := range batch {
		name, err := declaredIn(c.app.tenant, d)
		if err != nil {
			return 0, 0, err
		}
		known, err := c.knows(ctx, d.Work, name, declaredID(c.app.tenant, station, d))
		if err != nil {
			return 0, 0, err
		}
		if known {
			already++
		}
	}
	return len(batch) - already, already, nil
}

// knows says whether a stream has recorded an id.
func (c *triedImport) knows(ctx context.Context, work uuid.UUID, name eventschema.StreamName, id uuid.UUID) (bool, error) {
	if c.fresh[work] {
		return false, nil
	}
	card, err := c.cards.take(ctx, c.app.bulk, name)
	if err != nil {
		return false, err
	}
	known := card.State.Recorded(id)
	c.cards.give(name, card)
	return known, nil
}
