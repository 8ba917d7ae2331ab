package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
)

// Rebuilt says what a rebuild did.
type Rebuilt struct {
	Events   uint64        // applied; system events are not counted
	Position uint64        // of the last event read
	Duration time.Duration // until readers saw the new tables
}

// Rebuild makes every read model anew from the whole log, beside the live ones,
// and switches to the new ones in one transaction. Readers see the old tables
// until the switch and the new ones after it. Live pages may be applied
// meanwhile; those that from does not include are missing after the switch, and
// the next Apply answers [ErrMovedBack] to have them applied again.
//
// progress, if given, hears how far reading has come, after each page. A rebuild that fails, or is killed, leaves the live read models as they were;
// what it left behind is dropped by the next. Only one rebuild runs at a time;
// a second one waits.
func (r *ReadModels) Rebuild(ctx context.Context, from Log, progress func(Progress)) (Rebuilt, error) {
	next := r.cfg.Schema + "_next"
	var rebuilt Rebuilt
	took := r.stopwatch()
	err := r.beside(ctx, next, func(pool *pgxpool.Pool) error {
		loaded, err := r.fill(ctx, pool, filling{of: r.cfg.Projections, from: from, upTo: math.MaxInt64, progress: progress})
		if err != nil {
			return err
		}
		if err := r.swap(ctx, next); err != nil {
			return err
		}
		rebuilt = Rebuilt{Events: loaded.events, Position: loaded.position, Duration: took()}
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
