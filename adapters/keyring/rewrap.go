package keyring

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// rewrapBatch is how many keys move in one transaction: some milliseconds, so
// that nobody who makes, seals with or destroys one of them waits longer.
const rewrapBatch = 1000

// Rewrap moves every living key to the newest epoch, batch by batch, while keys
// are made, used and destroyed. The keys themselves stay what they are; an item
// key needs only its outer wrapping renewed. Progress is told how many of how
// many are done. It may be interrupted and repeated, and answers how many moved.
func (k *Keyring) Rewrap(ctx context.Context, progress func(done, all int64)) (moved int64, err error) {
	if moved, err = k.rewrap(ctx, progress); err != nil {
		return moved, fmt.Errorf("move keys to the newest epoch: %w", err)
	}
	return moved, nil
}

func (k *Keyring) rewrap(ctx context.Context, progress func(done, all int64)) (moved int64, err error) {
	const older = `dek WHERE epoch < (SELECT max(epoch) FROM kek_epoch WHERE state = 'living')`
	var all int64
	if err := k.pool.QueryRow(ctx, `SELECT count(*) FROM `+older).Scan(&all); err != nil {
		return 0, err
	}
	// Nothing is made under an older epoch any more, so that one pass would do,
	// were it not for keys that another rotation moves at the same time.
	for pass := int64(-1); pass != 0; {
		pass = 0
		for after := uuid.Nil; ; {
			n, last, err := k.rewrapNext(ctx, after)
			if err != nil {
				return moved, err
			}
			moved, pass = moved+n, pass+n
			if progress != nil && n > 0 {
				progress(min(moved, all), all)
			}
			if last == uuid.Nil {
				break
			}
			after = last
			if err := k.at(pointMoved); err != nil {
				return moved, err
			}
		}
	}
	return moved, nil
}

// outer is the outer wrapping of a key.
type outer struct {
	id         uuid.UUID
	ref        Ref
	generation int
	epoch      int
	wrapped    []byte
}

const outerColumns = `key_id, tenant, subject, purpose, period, item, generation, epoch, wrapped`

func scanOuter(row pgx.CollectableRow) (o outer, err error) {
	return o, row.Scan(into(&o.id), into(&o.ref.Tenant), into(&o.ref.Subject), (*string)(&o.ref.Purpose), &o.ref.Period, into(&o.ref.Item),
		&o.generation, &o.epoch, &o.wrapped)
}

// rewrapNext moves the next batch of keys behind an id, and answers the last id
// that it looked at, or the nil id at the end. It locks keys in the order in
// which everybody does.
func (k *Keyring) rewrapNext(ctx context.Context, after uuid.UUID) (moved int64, last uuid.UUID, err error) {
	err = k.inEpochTx(ctx, func(tx pgx.Tx, under epoch) error {
		rows, err := tx.Query(ctx, `SELECT `+outerColumns+` FROM dek WHERE key_id > $1 AND epoch < $2
			ORDER BY key_id LIMIT $3 FOR NO KEY UPDATE`, [16]byte(after), under.number, rewrapBatch)
		if err != nil {
			return err
		}
		batch, err := pgx.CollectRows(rows, scanOuter)
		if err != nil || len(batch) == 0 {
			last = uuid.Nil
			return err
		}
		last = batch[len(batch)-1].id
		ids, wrapped := make([]uuid.UUID, len(batch)), make([][]byte, len(batch))
		for i, o := range batch {
			ids[i] = o.id
			if wrapped[i], err = k.rewrapOne(o, under); err != nil {
				return err
			}
		}
		moved = int64(len(batch))
		return storeMoved(ctx, tx, under.number, ids, wrapped)
	})
	return moved, last, err
}

func (k *Keyring) rewrapOne(o outer, under epoch) ([]byte, error) {
	inner, err := k.unwrapUnder(o.epoch, o.wrapped, dekAAD(o.ref, o.id, o.generation, o.epoch))
	if err != nil {
		return nil, fmt.Errorf("stored key %s: %w", o.id, err)
	}
	defer clear(inner)
	return wrap(under.kek, k.random, inner, dekAAD(o.ref, o.id, o.generation, under.number))
}

// storeMoved writes a batch and counts where it came from. A restore test of the
// newest epoch has not seen these keys.
func storeMoved(ctx context.Context, tx pgx.Tx, to int, ids []uuid.UUID, wrapped [][]byte) error {
	_, err := tx.Exec(ctx, `
		WITH moved AS (
			UPDATE dek d SET epoch = $1, wrapped = w.wrapped
			FROM unnest($2::uuid[], $3::bytea[]) AS w (key_id, wrapped), dek was
			WHERE d.key_id = w.key_id AND was.key_id = d.key_id RETURNING was.epoch),
		counted AS (
			UPDATE kek_epoch e SET moved = moved + c.n FROM (SELECT epoch, count(*) AS n FROM moved GROUP BY epoch) c WHERE e.epoch = c.epoch)
		UPDATE kek_epoch SET tested_at = NULL, arrived = arrived + (SELECT count(*) FROM moved) WHERE epoch = $1`, to, ids, wrapped)
	return err
}
