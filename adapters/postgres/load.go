package postgres

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Log is the whole log from its beginning, system events included or not. The
// sequence ends after its first error.
type Log = iter.Seq2[eventschema.Recorded, error]

// loadEvents is how many events travel together in a load unless said otherwise.
const loadEvents = 1_000

// Progress is how far a load has read the log.
type Progress struct {
	Events   uint64
	Position uint64 // of the last one
}

// filling says what empty tables are filled with.
type filling struct {
	of       []projections.Projection
	from     Log
	upTo     int64 // position, included
	moment   projections.Moment
	progress func(Progress) // nil: nobody asks
}

// loaded says what a load found.
type loaded struct {
	events   uint64 // applied
	position uint64 // of the last event read
	unknown  bool   // some events were recorded after the moment
}

// fill makes the tables and loads them with the events up to a position. Pages
// are read, decoded and written at the same time, written on some connections,
// which then make the indexes side by side as well.
func (r *ReadModels) fill(ctx context.Context, pool *pgxpool.Pool, f filling) (loaded, error) {
	var done loaded
	group, ctx := errgroup.WithContext(ctx)
	var queues []chan projections.Page
	whole := projections.NewLoad(f.of, f.moment.AsOf)
	for _, lane := range projections.Lanes(f.of) {
		pages := make(chan projections.Page, ahead)
		queues = append(queues, pages)
		group.Go(func() error { return load(ctx, pool, whole, lane, pages) })
	}
	pages := make(chan []eventschema.Recorded, ahead)
	group.Go(func() error { return r.pull(ctx, f.from, f.upTo, pages) })
	group.Go(func() error { return r.feed(ctx, f, pages, queues, &done) })
	if err := group.Wait(); err != nil {
		return loaded{}, err
	}
	return done, nil
}

// ahead is how many pages wait for the next stage: enough that a stage which
// comes in bursts does not stop the one before it.
const ahead = 4

// pull cuts the log up to a position into pages. It reads on while earlier pages
// are decoded and written.
func (r *ReadModels) pull(ctx context.Context, from Log, upTo int64, pages chan<- []eventschema.Recorded) error {
	page := make([]eventschema.Recorded, 0, r.cfg.LoadPage)
	hand := func() error {
		select {
		case pages <- page:
			page = make([]eventschema.Recorded, 0, r.cfg.LoadPage)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for event, err := range from {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if event.Position > uint64(upTo) {
			break
		}
		if page = append(page, event); len(page) == r.cfg.LoadPage {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if len(page) > 0 {
		if err := hand(); err != nil {
			return err
		}
	}
	close(pages) // only here: who sees no end finishes nothing
	return nil
}

// feed decodes pages and hands each to every lane.
func (r *ReadModels) feed(ctx context.Context, f filling, pages <-chan []eventschema.Recorded, queues []chan projections.Page, done *loaded) error {
	var read uint64
	for {
		var page []eventschema.Recorded
		select {
		case next, more := <-pages:
			if !more {
				for _, q := range queues {
					close(q)
				}
				return nil
			}
			page = next
		case <-ctx.Done():
			return ctx.Err()
		}
		read += uint64(len(page))
		done.position = page[len(page)-1].Position
		decoded, err := r.decodeOf(f.moment, page, done)
		if err != nil {
			return err
		}
		done.events += uint64(len(decoded))
		for _, q := range queues {
			select {
			case q <- projections.NewPage(decoded, done.position):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if f.progress != nil {
			f.progress(Progress{Events: read, Position: done.position})
		}
	}
}

// decodeOf decodes the events of a page that belong to a moment. It keeps
// nothing else of the page.
func (r *ReadModels) decodeOf(moment projections.Moment, page []eventschema.Recorded, done *loaded) ([]eventschema.Decoded, error) {
	if moment.Whole() {
		return r.decodePart(page)
	}
	read := len(page)
	page = slices.DeleteFunc(page, func(e eventschema.Recorded) bool { return !moment.Known(&e) })
	done.unknown = done.unknown || len(page) < read
	decoded, err := r.decodePart(page)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(decoded, func(d eventschema.Decoded) bool { return !moment.Held(&d) }), nil
}

// loading begins the transaction that makes and fills tables. The switch waits
// for the disk, so this need not. A small sample is enough to find rows by key.
// To compress the pages of a new index costs more than to write them; only a
// superuser may choose.
func loading() pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL default_statistics_target = 20;
SELECT set_config('wal_compression', 'off', true) FROM pg_roles WHERE rolname = current_user AND rolsuper`}
}

// load makes the tables of one lane and fills them, all in one transaction:
// a server that keeps no log for replicas then need not log their rows at all.
func load(ctx context.Context, pool *pgxpool.Pool, whole *projections.Load, lane []projections.Projection, pages <-chan projections.Page) error {
	err := pgx.BeginTxFunc(ctx, pool, loading(), func(tx pgx.Tx) error {
		loaders := make([]projections.Loader, len(lane))
		for i, p := range lane {
			if err := create(ctx, tx, p, false); err != nil {
				return err
			}
			loaders[i] = whole.Loader(p)
		}
		for last := never; ; {
			select {
			case page, more := <-pages:
				if !more {
					return finish(ctx, tx, lane, loaders, last)
				}
				for i, loader := range loaders {
					if err := loader.Add(ctx, tx, page); err != nil {
						return fmt.Errorf("projection %s: %w", lane[i].Name, err)
					}
				}
				last = int64(page.Last)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	if err != nil {
		return err
	}
	for _, p := range lane {
		whole.Committed(p)
	}
	return nil
}

// finish settles the tables, makes their indexes, and writes the checkpoints.
func finish(ctx context.Context, tx pgx.Tx, lane []projections.Projection, loaders []projections.Loader, last int64) error {
	for i, p := range lane {
		if err := loaders[i].Settle(ctx, tx); err != nil {
			return fmt.Errorf("finish %s: %w", p.Name, err)
		}
		statements := p.Indexes
		for _, table := range p.Tables {
			statements += "\nANALYZE " + quoted(table) + ";"
		}
		if err := script(ctx, tx, statements); err != nil {
			return fmt.Errorf("finish %s: %w", p.Name, err)
		}
		if _, err := tx.Exec(ctx, `UPDATE checkpoint SET position = $2 WHERE projection = $1`, p.Name, last); err != nil {
			return fmt.Errorf("write checkpoint of %s: %w", p.Name, err)
		}
	}
	return nil
}
