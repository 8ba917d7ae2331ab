package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// punchesLoader copies, and leaves to the keys which punches are repeated.
type punchesLoader struct {
	keys                 string
	punches, corrections *copied
	load                 *Load
}

func newPunchesLoader(load *Load, p Projection) Loader {
	return &punchesLoader{keys: p.Keys, punches: punchRows(0).intoNew(), corrections: correctionRows(0).intoNew(), load: load}
}

// Add implements [Loader].
func (l *punchesLoader) Add(ctx context.Context, tx pgx.Tx, page Page) error {
	recorded, corrected := ofPunches(page)
	addPunches(l.punches, recorded)
	addCorrections(l.corrections, corrected)
	if err := l.punches.writeMany(ctx, tx); err != nil {
		return fmt.Errorf("insert punches: %w", err)
	}
	if err := l.corrections.writeMany(ctx, tx); err != nil {
		return fmt.Errorf("insert corrections: %w", err)
	}
	return nil
}

// Settle implements [Loader].
func (l *punchesLoader) Settle(ctx context.Context, tx pgx.Tx) error {
	if err := errors.Join(l.punches.write(ctx, tx), l.corrections.write(ctx, tx)); err != nil {
		return fmt.Errorf("insert punches and corrections: %w", err)
	}
	err := pgx.BeginFunc(ctx, tx, func(attempt pgx.Tx) error { return script(ctx, attempt, l.keys) })
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == uniqueViolation {
		if err = l.dropRepeated(ctx, tx); err == nil {
			err = script(ctx, tx, l.keys)
		}
	}
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf(correct, `(SELECT DISTINCT tenant_id, punch_id FROM punch_correction) AS n`)); err != nil {
		return fmt.Errorf("correct punches: %w", err)
	}
	if l.load.asOf.IsZero() {
		return nil
	}
	if err := l.dropLater(ctx, tx); err != nil {
		return fmt.Errorf("leave out what came later: %w", err)
	}
	return nil
}

// dropRepeated keeps the first of the punches that have the same id.
func (l *punchesLoader) dropRepeated(ctx context.Context, tx pgx.Tx) error {
	return l.drop(ctx, tx, `
DELETE FROM punch p USING (SELECT tenant_id, punch_id, min(position) AS first FROM punch GROUP BY tenant_id, punch_id HAVING count(*) > 1) r
WHERE p.tenant_id = r.tenant_id AND p.punch_id = r.punch_id AND p.position > r.first
RETURNING p.tenant_id, p.work_id, p.occurred_at`)
}

// dropLater drops the punches that count after the world that is loaded, with
// their corrections. Hours have counted those that were recorded before its end.
func (l *punchesLoader) dropLater(ctx context.Context, tx pgx.Tx) error {
	if err := l.drop(ctx, tx, `
WITH later AS (DELETE FROM punch WHERE occurred_at > $1 RETURNING *)
SELECT tenant_id, work_id, recorded_occurred_at FROM later WHERE recorded_occurred_at <= $1`, l.load.asOf); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
DELETE FROM punch_correction c WHERE NOT EXISTS (SELECT FROM punch p WHERE p.tenant_id = c.tenant_id AND p.punch_id = c.punch_id)`)
	return err
}

// drop runs a statement that deletes punches and answers where hours may have
// counted them.
func (l *punchesLoader) drop(ctx context.Context, tx pgx.Tx, statement string, args ...any) error {
	rows, err := tx.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	var tenant, work [16]byte
	var counted time.Time
	_, err = pgx.ForEachRow(rows, []any{&tenant, &work, &counted}, func() error {
		l.load.dropped.add(workKey{tenant, work}, at(counted.UTC()))
		return nil
	})
	return err
}
