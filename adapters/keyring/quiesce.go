package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrNothingRevoked says that nothing was closed, restricted or destroyed under
// a case, so that there is nothing to wait for.
var ErrNothingRevoked = errors.New("nothing was revoked under the case")

// Quiescence says since when no process uses what a case revoked, and how that
// is known.
type Quiescence struct {
	Case uuid.UUID
	At   time.Time
	// Acknowledged lists the holders that said so.
	Acknowledged []uuid.UUID
	// Silent lists the holders that did not. They used what they had cached no
	// longer than until their lease was over, 35 seconds after their last beat,
	// or its time was: 65 seconds after a destruction, 15 after a closing.
	Silent []uuid.UUID
}

// Quiesce waits until no process can use what was closed, restricted or
// destroyed under the case any more: every registered holder has acknowledged,
// or the time of whatever it could have cached has run out on the monotonic
// clock of this process, counted from the call. It is idempotent and answers
// what it found the first time. Call it again when it was interrupted.
func (k *Keyring) Quiesce(ctx context.Context, tenant, underCase uuid.UUID) (Quiescence, error) {
	begun := k.now()
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		quiet, done, err := k.quiet(ctx, tenant, underCase, k.now().monotonic-begun.monotonic)
		if err != nil {
			return Quiescence{}, fmt.Errorf("quiesce case %s: %w", underCase, err)
		}
		if done {
			return quiet, nil
		}
		select {
		case <-ctx.Done():
			return Quiescence{}, fmt.Errorf("quiesce case %s: %w", underCase, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// quiet takes note of what is quiet now and says whether all of the case is.
func (k *Keyring) quiet(ctx context.Context, tenant, underCase uuid.UUID, waited time.Duration) (quiet Quiescence, done bool, err error) {
	if err := k.removeDead(ctx); err != nil {
		return quiet, false, err
	}
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		if err := k.noteQuiet(ctx, tx, tenant, underCase, waited); err != nil {
			return err
		}
		quiet, done, err = readQuiet(ctx, tx, tenant, underCase)
		return err
	})
	return quiet, done, err
}

// noteQuiet marks the revocations of a case that every registered holder has
// acknowledged, and those whose time has run out.
func (k *Keyring) noteQuiet(ctx context.Context, tx pgx.Tx, tenant, underCase uuid.UUID, waited time.Duration) error {
	var over []string
	if waited >= sealerTTL+clockAllowance {
		over = append(over, string(actClose))
	}
	if waited >= readerTTL+clockAllowance {
		over = append(over, string(actRestrict), string(actDestroy), string(actRetire))
	}
	_, err := tx.Exec(ctx, `
		WITH quieted AS (UPDATE revocation r SET quiet_at = $3,
			acknowledged = ARRAY(SELECT holder FROM cache_ack a WHERE a.revocation = r.revocation ORDER BY holder),
			silent = silent || ARRAY(SELECT holder FROM cache_holder h WHERE NOT EXISTS (
				SELECT FROM cache_ack a WHERE a.revocation = r.revocation AND a.holder = h.holder) ORDER BY holder)
		WHERE tenant = $1 AND case_id = $2 AND quiet_at IS NULL AND (act = ANY ($4::text[]) OR NOT EXISTS (
			SELECT FROM cache_holder h WHERE NOT EXISTS (
				SELECT FROM cache_ack a WHERE a.revocation = r.revocation AND a.holder = h.holder)))
			RETURNING revocation)
		DELETE FROM cache_ack a USING quieted WHERE a.revocation = quieted.revocation`,
		[16]byte(tenant), [16]byte(underCase), k.stamp(), over)
	return err
}

func readQuiet(ctx context.Context, tx pgx.Tx, tenant, underCase uuid.UUID) (quiet Quiescence, done bool, err error) {
	rows, err := tx.Query(ctx, `SELECT quiet_at, acknowledged, silent FROM revocation
		WHERE tenant = $1 AND case_id = $2 ORDER BY revocation`, [16]byte(tenant), [16]byte(underCase))
	if err != nil {
		return quiet, false, err
	}
	quiet.Case, done = underCase, true
	var at *time.Time
	var acknowledged, silent []uuid.UUID
	tag, err := pgx.ForEachRow(rows, []any{&at, &acknowledged, &silent}, func() error {
		if at == nil {
			done = false
			return nil
		}
		if at.After(quiet.At) {
			quiet.At = at.UTC()
		}
		quiet.Acknowledged, quiet.Silent = append(quiet.Acknowledged, acknowledged...), append(quiet.Silent, silent...)
		return nil
	})
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNothingRevoked
	}
	for _, ids := range []*[]uuid.UUID{&quiet.Acknowledged, &quiet.Silent} {
		slices.SortFunc(*ids, compareIDs)
		*ids = slices.Compact(*ids)
	}
	return quiet, done, err
}
