package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tracekeep/adapters/importer"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

const (
	importWriters   = 16  // streams appended to at once
	importAppend    = 500 // punches of one append; keeps it well below the store's 1 MiB
	importCards     = 4096
	importAttempts  = 8
	importActorRole = "import"
)

// clockImport takes the batches of one clock file. It implements
// [importer.Sink]. A batch may come again, also after a crash: a punch id is
// recorded once, for ever.
type clockImport struct {
	app         *App
	actor       eventschema.Actor
	source      eventschema.Source
	correlation uuid.UUID
	cards       *cardCache
}

// Import runs one clock file into the store.
func (a *App) Import(ctx context.Context, options importer.Options) (importer.Summary, error) {
	correlation, err := a.newID()
	if err != nil {
		return importer.Summary{}, err
	}
	sink := &clockImport{
		app: a, actor: eventschema.Actor{ID: a.operator, Role: importActorRole}, source: eventschema.SourceImport,
		correlation: correlation, cards: newCardCache(importCards),
	}
	options.Now = a.clock()
	return importer.Run(ctx, options, sink)
}

// Resolve implements [importer.Sink].
func (c *clockImport) Resolve(ctx context.Context, station string, pins []string, people map[string]importer.Person) (map[string]uuid.UUID, int, error) {
	values := make([]string, len(pins))
	for i, pin := range pins {
		values[i] = badgeToken(station, pin)
	}
	found, err := c.app.keys.Find(ctx, c.app.tenant, tokenBadge, values...)
	if err != nil {
		return nil, 0, fmt.Errorf("look up the PINs of a station: %w", err)
	}
	known := make(map[string]uuid.UUID, len(pins))
	var fresh, unfinished []newcomer
	for i, pin := range pins {
		row, listed := people[pin]
		who, indexed := found[values[i]]
		switch {
		case indexed:
			known[pin] = who.Work
			if listed { // a crash may have come between the token and the registration
				unfinished = append(unfinished, importedPerson(row, who.Person, who.Work))
			}
		case listed:
			n, err := c.draw(station, pin, row)
			if err != nil {
				return nil, 0, err
			}
			known[pin] = n.work
			fresh = append(fresh, n)
		}
	}
	if err := c.admitAll(ctx, fresh); err != nil {
		return nil, 0, err
	}
	registered, err := c.enterAll(ctx, append(unfinished, fresh...))
	return known, registered, err
}

func importedPerson(row importer.Person, personID, workID uuid.UUID) newcomer {
	return newcomer{
		person: personID, work: workID, source: eventschema.SourceImport,
		name: eventschema.Clear(row.Name), birth: eventschema.Clear(row.BirthDate),
		email: eventschema.Clear(row.Email), phone: eventschema.Clear(row.Phone), number: eventschema.Clear(row.EmployeeNumber),
	}
}

func (c *clockImport) draw(station, pin string, row importer.Person) (newcomer, error) {
	personID, err := c.app.newID()
	if err != nil {
		return newcomer{}, err
	}
	workID, err := c.app.newID()
	if err != nil {
		return newcomer{}, err
	}
	n := importedPerson(row, personID, workID)
	n.tokens = []keyring.Token{{Tenant: c.app.tenant, Kind: tokenBadge, Value: badgeToken(station, pin), Person: personID, Work: workID}}
	return n, nil
}

// admitAll makes keys and tokens of all newcomers in two statements, before any
// event names them.
func (c *clockImport) admitAll(ctx context.Context, newcomers []newcomer) error {
	if len(newcomers) == 0 {
		return nil
	}
	var refs []keyring.Ref
	var tokens []keyring.Token
	for _, n := range newcomers {
		refs = append(refs, n.keysOf(c.app.tenant)...)
		tokens = append(tokens, n.tokens...)
	}
	if err := c.app.keys.Create(ctx, refs...); err != nil {
		return fmt.Errorf("make the keys of %d people: %w", len(newcomers), err)
	}
	if err := c.app.keys.Index(ctx, tokens...); err != nil {
		return fmt.Errorf("enter the PINs of %d people: %w", len(newcomers), err)
	}
	return nil
}

// enterAll appends the registrations, then the work records in an order of
// their own: side by side in the log they would show who belongs to what.
func (c *clockImport) enterAll(ctx context.Context, newcomers []newcomer) (registered int, err error) {
	outcomes := make([]bool, len(newcomers))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(importWriters)
	for i, n := range newcomers {
		group.Go(func() error {
			outcome, err := c.app.enterPerson(gctx, c.app.bulk, n, c.actor, uuid.Nil)
			outcomes[i] = err == nil && len(outcome.Events) > 0
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for _, fresh := range outcomes {
		if fresh {
			registered++
		}
	}
	shuffled, err := c.app.shuffle(len(newcomers))
	if err != nil {
		return 0, err
	}
	group, gctx = errgroup.WithContext(ctx)
	group.SetLimit(importWriters)
	for _, i := range shuffled {
		group.Go(func() error { return c.app.openWork(gctx, c.app.bulk, newcomers[i], c.actor) })
	}
	return registered, group.Wait()
}

// Record implements [importer.Sink]: one append per work id and year of the batch. The
// punches are of the site that their station belongs to when they are imported.
func (c *clockImport) Record(ctx context.Context, station string, batch []importer.Punch) (recorded, already int, err error) {
	streams := map[eventschema.StreamName][]timecard.Command{}
	var order []eventschema.StreamName
	received := c.app.clock().UTC()
	sites, err := c.app.currentSites(ctx)
	if err != nil {
		return 0, 0, err
	}
	of, _ := sites.Of("", station)
	for _, p := range batch {
		name := eventschema.PunchesStream(c.app.tenant, p.Work, p.At)
		if _, seen := streams[name]; !seen {
			order = append(order, name)
		}
		streams[name] = append(streams[name], timecard.Punch{
			PunchID: importedID(c.app.tenant, station, p),
			WorkID:  p.Work, OccurredAt: p.At, Zone: p.Zone, OffsetSeconds: p.OffsetSeconds,
			Direction: p.Direction, Kind: p.Kind, Station: station, StationClock: p.StationClock, StationCounter: p.Counter,
			Verification: p.Verification, ReceivedAt: received,
			Location: eventschema.LocationNotOffered, Source: c.source, Site: of.Code, Job: p.Job,
		})
	}
	recorded, err = c.appendAll(ctx, order, streams)
	return recorded, len(batch) - recorded, err
}

// Declare implements [importer.Sink]: hours stand beside the punches of their year.
func (c *clockImport) Declare(ctx context.Context, station string, batch []importer.Declaration) (recorded, already int, err error) {
	streams := map[eventschema.StreamName][]timecard.Command{}
	var order []eventschema.StreamName
	received := c.app.clock().UTC()
	for _, d := range batch {
		name, err := declaredIn(c.app.tenant, d)
		if err != nil {
			return 0, 0, err
		}
		if _, seen := streams[name]; !seen {
			order = append(order, name)
		}
		streams[name] = append(streams[name], timecard.Declare{
			DeclarationID: declaredID(c.app.tenant, station, d), WorkID: d.Work, WorkDate: d.WorkDate, Zone: d.Zone, DayEnds: d.DayEnds, Seconds: d.Seconds, Job: d.Job,
			Origin: station, ReceivedAt: received, Source: eventschema.SourceImport,
		})
	}
	recorded, err = c.appendAll(ctx, order, streams)
	return recorded, len(batch) - recorded, err
}

// appendAll appends to streams side by side and answers how many events are new.
func (c *clockImport) appendAll(ctx context.Context, order []eventschema.StreamName, streams map[eventschema.StreamName][]timecard.Command) (recorded int, err error) {
	fresh := make([]int, len(order))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(importWriters)
	for i, name := range order {
		group.Go(func() error {
			var err error
			fresh[i], err = c.append(gctx, name, streams[name])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for _, n := range fresh {
		recorded += n
	}
	return recorded, nil
}

func declaredIn(tenant uuid.UUID, d importer.Declaration) (eventschema.StreamName, error) {
	date, err := timecard.StreamDate(d.WorkDate)
	return eventschema.PunchesStream(tenant, d.Work, date), err
}

func declaredID(tenant uuid.UUID, station string, d importer.Declaration) uuid.UUID {
	return timecard.DeclarationID(tenant, d.Work, station, d.WorkDate, d.Seconds, d.Nth, hex.EncodeToString(d.Entry[:]))
}

func importedID(tenant uuid.UUID, station string, p importer.Punch) uuid.UUID {
	direction, kind, columns := p.Identity()
	return timecard.PunchID(tenant, p.Work, station, p.StationClock, direction, kind, columns...)
}

// append records the punches and declarations of one stream and answers how many were new.
func (c *clockImport) append(ctx context.Context, name eventschema.StreamName, punches []timecard.Command) (int, error) {
	recorded := 0
	for chunk := range slices.Chunk(punches, importAppend) {
		n, err := c.appendChunk(ctx, name, chunk)
		if err != nil {
			return recorded, err
		}
		recorded += n
	}
	return recorded, nil
}

func (c *clockImport) appendChunk(ctx context.Context, name eventschema.StreamName, punches []timecard.Command) (int, error) {
	for range importAttempts {
		card, err := c.cards.take(ctx, c.app.bulk, name)
		if err != nil {
			return 0, err
		}
		outcome, err := domain.Advance(ctx, c.app.bulk, timecard.Decider(), card, domain.Request{
			Stream: name, Key: c.correlation.String(), Actor: c.actor, CorrelationID: c.correlation,
		}, punches...)
		switch {
		case err == nil:
			c.cards.give(name, card)
			c.app.fault("punches appended")
			return len(outcome.Events), nil
		case errors.Is(err, domain.ErrConflict), errors.Is(err, domain.ErrUnknownOutcome):
			continue // read the stream again; what was stored is recognised
		default:
			return 0, err
		}
	}
	return 0, fmt.Errorf("append to %s: %w", name, domain.ErrBusy)
}
