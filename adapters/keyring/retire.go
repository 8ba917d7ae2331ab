package keyring

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The refusals of a retirement.
var (
	ErrNotRetirable = errors.New("only the oldest epoch retires, and never the newest")
	ErrEpochInUse   = errors.New("living keys are wrapped under the epoch; move them first")
	ErrTokensLeft   = errors.New("tokens stand under the epoch that no value could be found for")
	ErrNotTested    = errors.New("the newest epoch has not passed a restore test since the last key moved there")
	ErrNoBackup     = errors.New("no copy of the newest epoch was verified: escrow it and verify the escrow, or retire without a backup")
	ErrEscrowed     = errors.New("an escrow of the epoch exists; destroy it first")
	ErrRotating     = errors.New("another process rotates the keys")
)

// RetireOptions loosen what a retirement asks for.
type RetireOptions struct {
	// WithoutBackup retires although no escrow of the newest epoch was verified:
	// the provider keeps the only copy of its key.
	WithoutBackup bool

	// ForgetTokens deletes the tokens that could not be made again. Whoever is
	// known by such a value alone, a badge, is unknown by it from then on.
	ForgetTokens bool
}

// Retire retires an epoch: no living key stands under it, the newest epoch has
// passed its restore test and has a verified copy, no escrow of the old one is
// left, and no process holds it any more; then its provider key is destroyed,
// and last its wrapped keys. What remains is the receipt. It is idempotent and
// finishes a retirement that was interrupted. It cannot be undone, and from its
// second step on it can only go forward.
func (k *Keyring) Retire(ctx context.Context, number int, options RetireOptions) (receipt Retirement, err error) {
	err = k.alone(ctx, false, func() error {
		receipt, err = k.retire(ctx, number, options)
		return err
	})
	if err != nil {
		return Retirement{}, fmt.Errorf("retire epoch %d: %w", number, err)
	}
	return receipt, nil
}

func (k *Keyring) retire(ctx context.Context, number int, options RetireOptions) (Retirement, error) {
	if receipt, done, err := k.retirementOf(ctx, number); err != nil || done {
		return receipt, err
	}
	row, err := k.beginRetirement(ctx, number, options)
	if err != nil {
		return Retirement{}, err
	}
	if err := k.at(pointRetiring); err != nil {
		return Retirement{}, err
	}
	if _, err := k.Quiesce(ctx, uuid.Nil, retireCase(number)); err != nil {
		return Retirement{}, err
	}
	if err := k.at(pointQuiet); err != nil {
		return Retirement{}, err
	}
	provider, err := k.custody.named(row.provider)
	if err != nil {
		return Retirement{}, err
	}
	if err := provider.Destroy(ctx, row.key); err != nil {
		return Retirement{}, fmt.Errorf("destroy its provider key: %w", err)
	}
	if err := k.at(pointKeyGone); err != nil {
		return Retirement{}, err
	}
	receipt, err := k.writeReceipt(ctx, number, provider.Reach())
	if err != nil {
		return Retirement{}, err
	}
	return receipt, k.at(pointRetired)
}

func (k *Keyring) retirementOf(ctx context.Context, number int) (receipt Retirement, done bool, err error) {
	rows, err := k.pool.Query(ctx, `SELECT `+retirementColumns+` FROM retirement WHERE epoch = $1`, number)
	if err != nil {
		return Retirement{}, false, err
	}
	receipt, err = pgx.CollectExactlyOneRow(rows, scanRetirement)
	if errors.Is(err, pgx.ErrNoRows) {
		return Retirement{}, false, nil
	}
	return receipt, err == nil, err
}

// beginRetirement checks, under the lock that keeps new rows out, and takes the
// epoch out of use.
func (k *Keyring) beginRetirement(ctx context.Context, number int, options RetireOptions) (row epochRow, err error) {
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(gateLock)); err != nil {
			return err
		}
		var state string
		var oldest, newest int
		found := tx.QueryRow(ctx, `SELECT provider, provider_key, state, (SELECT min(epoch) FROM kek_epoch WHERE state <> 'making'),
			(SELECT max(epoch) FROM kek_epoch WHERE state = 'living') FROM kek_epoch WHERE epoch = $1`, number)
		if err := found.Scan(&row.provider, &row.key, &state, &oldest, &newest); errors.Is(err, pgx.ErrNoRows) {
			return ErrNotRetirable
		} else if err != nil {
			return err
		}
		if state == "retiring" {
			return nil
		}
		if number != oldest || number == newest || state != "living" {
			return ErrNotRetirable
		}
		if err := k.mayRetire(ctx, tx, number, newest, options); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE kek_epoch SET state = 'retiring' WHERE epoch = $1`, number); err != nil {
			return err
		}
		return k.revoke(ctx, tx, actRetire, uuid.Nil, retireCase(number), nil)
	})
	if err != nil {
		return row, err
	}
	return row, k.dropRetired(ctx)
}

// mayRetire holds the retirement of an epoch to its conditions.
func (k *Keyring) mayRetire(ctx context.Context, tx pgx.Tx, number, newest int, options RetireOptions) error {
	if options.ForgetTokens {
		if _, err := tx.Exec(ctx, `DELETE FROM lookup WHERE epoch = $1`, number); err != nil {
			return err
		}
	}
	var keys, tokens, escrows int
	var tested, copied bool
	row := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM dek WHERE epoch = $1), (SELECT count(*) FROM lookup WHERE epoch = $1),
		(SELECT count(*) FROM escrow WHERE $1 = ANY (epochs) AND destroyed_at IS NULL),
		(SELECT tested_at IS NOT NULL FROM kek_epoch WHERE epoch = $2),
		EXISTS (SELECT FROM escrow WHERE $2 = ANY (epochs) AND verified_at IS NOT NULL AND destroyed_at IS NULL)`, number, newest)
	if err := row.Scan(&keys, &tokens, &escrows, &tested, &copied); err != nil {
		return err
	}
	switch {
	case keys > 0:
		return fmt.Errorf("%w: %d", ErrEpochInUse, keys)
	case tokens > 0:
		return fmt.Errorf("%w: %d", ErrTokensLeft, tokens)
	case !tested:
		return ErrNotTested
	case !copied && !options.WithoutBackup:
		return ErrNoBackup
	case escrows > 0:
		return fmt.Errorf("%w: %d", ErrEscrowed, escrows)
	}
	return nil
}

// writeReceipt takes away the wrapped keys of the epoch and leaves its receipt,
// chained to the one before.
func (k *Keyring) writeReceipt(ctx context.Context, number int, reach Reach) (receipt Retirement, err error) {
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		receipt = Retirement{Epoch: number, RetiredAt: k.stamp(), Reach: reach.Standard}
		receipt.FinalAt = receipt.RetiredAt.Add(reach.Delay)
		gone := tx.QueryRow(ctx, `DELETE FROM kek_epoch WHERE epoch = $1 RETURNING created_at, provider, provider_key, moved,
			(SELECT count(*) FROM tombstone WHERE epoch = $1)`, number)
		if err := gone.Scan(&receipt.CreatedAt, &receipt.Provider, &receipt.ProviderKey, &receipt.Rewrapped, &receipt.Destroyed); err != nil {
			return err
		}
		receipt.CreatedAt = receipt.CreatedAt.UTC()
		var previous []byte
		before := tx.QueryRow(ctx, `SELECT hash FROM retirement ORDER BY epoch DESC LIMIT 1`)
		if err := before.Scan(&previous); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		hash := receipt.digest(previous)
		receipt.Hash = fmt.Sprintf("%x", hash)
		_, err := tx.Exec(ctx, `INSERT INTO retirement (`+retirementColumns+`, previous) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			receipt.Epoch, receipt.CreatedAt, receipt.RetiredAt, receipt.FinalAt, receipt.Provider, receipt.ProviderKey, receipt.Reach,
			receipt.Rewrapped, receipt.Destroyed, hash, append([]byte{}, previous...))
		return err
	})
	return receipt, err
}

// digest is the hash of a receipt behind the one before.
func (r Retirement) digest(previous []byte) []byte {
	b := appendField(nil, "tracekeep retirement v1")
	b = appendField(b, string(previous))
	b = appendNumber(b, r.Epoch)
	for _, at := range []time.Time{r.CreatedAt, r.RetiredAt, r.FinalAt} {
		b = appendField(b, at.UTC().Format(time.RFC3339Nano))
	}
	for _, text := range []string{r.Provider, r.ProviderKey, r.Reach} {
		b = appendField(b, text)
	}
	b = appendNumber(appendNumber(b, r.Rewrapped), r.Destroyed)
	sum := sha256.Sum256(b)
	return sum[:]
}
