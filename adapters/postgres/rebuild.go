package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Log is the whole log from its beginning, system events included or not. The
// sequence ends after its first error.
type Log = iter.Seq2[eventschema.Recorded, error]

// Rebuilt says what a rebuild did.
type Rebuilt struct {
	Events   uint64        // applied; system events are not counted
	Position uint64        // of the last event read
	Duration time.Duration // until readers saw the new tables
}

// loadEvents is how many events travel together in a load unless said otherwise.
const loadEvents = 1_000

// Rebuild makes every read model anew from the whole log, beside the live ones,
// and switches to the new ones in one transaction. Readers see the old tables
// until the switch and the new ones after it. Live pages may be applied
// meanwhile; those that from does not include are missing after the switch, and
// the next Apply answers [ErrMovedBack] to have them applied again.
//
// progress, if given, hears the number of events read, after each page. A
// rebuild that fails, or is killed, leaves the live read models as they were;
// what it left behind is dropped by the next. Only one rebuild runs at a time;
// a second one waits.
func (r *ReadModels) Rebuild(ctx context.Context, from Log, progress func(done uint64)) (Rebuilt, error) {
	next := r.cfg.Schema + "_next"
	var rebuilt Rebuilt
	took := r.stopwatch()
	err := r.beside(ctx, next, func(pool *pgxpool.Pool) (err error) {
		if rebuilt, err = r.fill(ctx, pool, from, math.MaxInt64, progress); err != nil {
			return err
		}
		if err = r.swap(ctx, next); err != nil {
			return err
		}
		rebuilt.Duration = took()
		r.dropOld(ctx)
		return nil
	})
	if err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild: %w", err)
	}
	r.mu.Lock()
	r.stale = nil
	r.mu.Unlock()
	r.pool.Reset() // plans of the old tables
	r.wake()
	r.cfg.Log.Info("read models rebuilt", zap.Uint64("events", rebuilt.Events), zap.Uint64("position", rebuilt.Position))
	return rebuilt, nil
}

// stopwatch tells the time since it was made, or nothing without a clock.
func (r *ReadModels) stopwatch() func() time.Duration {
	if r.cfg.Clock == nil {
		return func() time.Duration { return 0 }
	}
	begun := r.cfg.Clock()
	return func() time.Duration { return r.cfg.Clock().Sub(begun) }
}

func (r *ReadModels) wake() { r.moved(never) }

// beside runs work on a fresh schema, without tables, and drops it should it
// still be there.
func (r *ReadModels) beside(ctx context.Context, schema string, work func(*pgxpool.Pool) error) (err error) {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	unlock, err := lock(ctx, conn.Conn(), schema)
	if err != nil {
		return err
	}
	defer unlock()
	drop := func(ctx context.Context) error {
		_, err := conn.Exec(ctx, `DROP SCHEMA IF EXISTS `+quoted(schema)+` CASCADE`)
		return err
	}
	if err := drop(ctx); err != nil {
		return fmt.Errorf("drop leftover of %s: %w", schema, err)
	}
	pool, err := r.connect(ctx, schema)
	if err != nil {
		return err
	}
	defer func() {
		pool.Close()
		err = errors.Join(err, drop(context.WithoutCancel(ctx)))
	}()
	if err := r.migrate(ctx, conn.Conn(), schema, pool); err != nil {
		return err
	}
	return work(pool)
}

// fill makes the tables and loads them with the events up to a position. Pages
// are read, decoded and written at the same time, written on some connections,
// which then make the indexes side by side as well.
func (r *ReadModels) fill(ctx context.Context, pool *pgxpool.Pool, from Log, upTo int64, progress func(uint64)) (Rebuilt, error) {
	var rebuilt Rebuilt
	group, ctx := errgroup.WithContext(ctx)
	var queues []chan projections.Page
	whole := projections.NewLoad(r.cfg.Projections)
	for _, lane := range projections.Lanes(r.cfg.Projections) {
		pages := make(chan projections.Page, ahead)
		queues = append(queues, pages)
		group.Go(func() error { return load(ctx, pool, whole, lane, pages) })
	}
	pages := make(chan []eventschema.Recorded, ahead)
	group.Go(func() error { return r.pull(ctx, from, upTo, pages) })
	group.Go(func() error { return r.feed(ctx, pages, queues, &rebuilt, progress) })
	if err := group.Wait(); err != nil {
		return Rebuilt{}, err
	}
	return rebuilt, nil
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
func (r *ReadModels) feed(ctx context.Context, pages <-chan []eventschema.Recorded, queues []chan projections.Page, rebuilt *Rebuilt, progress func(uint64)) error {
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
		decoded, err := r.decodePart(page)
		if err != nil {
			return err
		}
		read += uint64(len(page))
		rebuilt.Events += uint64(len(decoded))
		rebuilt.Position = page[len(page)-1].Position
		for _, q := range queues {
			select {
			case q <- projections.NewPage(decoded, rebuilt.Position):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if progress != nil {
			progress(read)
		}
	}
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

// swap gives the new schema the live name. It waits for pages that are being
// applied, and pages that come meanwhile wait for it: none can be written half
// here and half there. The old tables are dropped afterwards, so that the
// switch itself waits for no reader.
func (r *ReadModels) swap(ctx context.Context, next string) error {
	live, old := r.cfg.Schema, r.cfg.Schema+"_old"
	if _, err := r.pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+quoted(old)+` CASCADE`); err != nil {
		return fmt.Errorf("drop leftover of %s: %w", old, err)
	}
	if err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		return script(ctx, tx, `LOCK TABLE `+pgx.Identifier{live, "checkpoint"}.Sanitize()+` IN ACCESS EXCLUSIVE MODE;
ALTER SCHEMA `+quoted(live)+` RENAME TO `+quoted(old)+`;
ALTER SCHEMA `+quoted(next)+` RENAME TO `+quoted(live)+`;`)
	}); err != nil {
		return fmt.Errorf("switch to %s: %w", next, err)
	}
	return nil
}

// dropOld drops what readers no longer see. The switch stands whatever becomes
// of it; the next rebuild drops what is left.
func (r *ReadModels) dropOld(ctx context.Context) {
	if _, err := r.pool.Exec(ctx, `DROP SCHEMA `+quoted(r.cfg.Schema+"_old")+` CASCADE`); err != nil {
		r.cfg.Log.Warn("old read models not dropped", zap.Error(err))
	}
}
