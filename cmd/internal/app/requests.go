package app

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
)

// requestAge is how long a key is remembered: offline devices send again within
// a week. A record confirms guesses about what was sent and is deleted then.
const requestAge = 7 * 24 * time.Hour

// requests remembers idempotency keys in Postgres. It implements
// [httpapi.Idempotency]; the table decides between processes. A fingerprint is
// kept as a keyed hash: without the key store a row confirms no guess.
type requests struct {
	pool *pgxpool.Pool
	macs func(ctx context.Context, use httpapi.KeyUse) ([]keyring.Mac, error)
}

const requestsSchema = `
CREATE SCHEMA IF NOT EXISTS api;
CREATE TABLE IF NOT EXISTS api.request (
	tenant_id uuid NOT NULL,
	principal_id uuid NOT NULL,
	key text NOT NULL,
	fingerprint bytea NOT NULL,
	completed boolean NOT NULL DEFAULT false,
	leased_until timestamptz NOT NULL, -- of an outstanding request
	used_at timestamptz NOT NULL,
	PRIMARY KEY (tenant_id, principal_id, key)
);
CREATE INDEX IF NOT EXISTS request_used_at ON api.request (used_at);
ALTER TABLE api.request ADD COLUMN IF NOT EXISTS mac_epoch integer NOT NULL DEFAULT 1;`

func openRequests(ctx context.Context, url string, keys *keyring.Keyring) (*requests, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("remembered requests: %w", err)
	}
	cfg.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("remembered requests: %w", err)
	}
	// Two processes that start at once must not make the schema twice.
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('tracekeep api.request'))`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, requestsSchema)
		return err
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("remembered requests: %w", err)
	}
	return &requests{pool: pool, macs: func(ctx context.Context, use httpapi.KeyUse) ([]keyring.Mac, error) {
		return keys.Macs(ctx, use.Tenant, "request", use.Fingerprint[:])
	}}, nil
}

// keyed are the hashes of a fingerprint, as parameters of a statement.
type keyed struct {
	sums   [][]byte
	epochs []int
}

func (r *requests) keyed(ctx context.Context, use httpapi.KeyUse) (keyed, error) {
	macs, err := r.macs(ctx, use)
	if err != nil {
		return keyed{}, err
	}
	var k keyed
	for _, mac := range macs {
		k.sums, k.epochs = append(k.sums, mac.Sum[:]), append(k.epochs, mac.Epoch)
	}
	return k, nil
}

// forgetOld deletes what has come of age, every hour, until ctx ends.
func (r *requests) forgetOld(ctx context.Context, clock func() time.Time, log *zap.Logger) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := r.pool.Exec(ctx, `DELETE FROM api.request WHERE used_at < $1`, clock().Add(-requestAge)); err != nil && ctx.Err() == nil {
			log.Warn("old requests are not forgotten yet", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *requests) close() error { r.pool.Close(); return nil }

// Reserve implements [httpapi.Idempotency].
func (r *requests) Reserve(ctx context.Context, use httpapi.KeyUse, now time.Time, lease time.Duration) (answer httpapi.Reserved, err error) {
	hashed, err := r.keyed(ctx, use)
	if err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		taken, err := tx.Exec(ctx, `INSERT INTO api.request (tenant_id, principal_id, key, fingerprint, leased_until, used_at, mac_epoch)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			use.Tenant, use.Principal, use.Key, hashed.sums[0], now.Add(lease), now, hashed.epochs[0])
		if err != nil || taken.RowsAffected() == 1 {
			answer = httpapi.KeyTaken
			return err
		}
		answer, err = again(ctx, tx, use, hashed, now, lease)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remember a request: %w: %w", httpapi.ErrUnavailable, err)
	}
	return answer, nil
}

// again decides about a key that was used before. What was sent under an epoch
// that has retired since can be compared with nothing: it counts as the same, and
// the record itself, which knows its own repeats, decides.
func again(ctx context.Context, tx pgx.Tx, use httpapi.KeyUse, hashed keyed, now time.Time, lease time.Duration) (httpapi.Reserved, error) {
	var same, completed, leased bool
	err := tx.QueryRow(ctx, `SELECT fingerprint = ANY ($4::bytea[]) OR mac_epoch <> ALL ($6::integer[]), completed, leased_until > $5 FROM api.request
WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 FOR UPDATE`,
		use.Tenant, use.Principal, use.Key, hashed.sums, now, hashed.epochs).Scan(&same, &completed, &leased)
	switch {
	case err != nil:
		return 0, err
	case !same:
		return httpapi.KeyMismatch, nil
	case completed:
		return httpapi.KeyRepeated, nil
	case leased:
		return httpapi.KeyOutstanding, nil
	}
	_, err = tx.Exec(ctx, `UPDATE api.request SET leased_until = $4, used_at = $5 WHERE tenant_id = $1 AND principal_id = $2 AND key = $3`,
		use.Tenant, use.Principal, use.Key, now.Add(lease), now)
	return httpapi.KeyTaken, err
}

// Complete implements [httpapi.Idempotency].
func (r *requests) Complete(ctx context.Context, use httpapi.KeyUse, now time.Time) error {
	return r.update(ctx, use, `UPDATE api.request SET completed = true, used_at = $5 WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = ANY ($4::bytea[])`, now)
}

// Release implements [httpapi.Idempotency].
func (r *requests) Release(ctx context.Context, use httpapi.KeyUse) error {
	return r.update(ctx, use, `DELETE FROM api.request WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = ANY ($4::bytea[]) AND NOT completed`)
}

// Lapse implements [httpapi.Idempotency].
func (r *requests) Lapse(ctx context.Context, use httpapi.KeyUse) error {
	return r.update(ctx, use, `UPDATE api.request SET leased_until = '-infinity' WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = ANY ($4::bytea[]) AND NOT completed`)
}

func (r *requests) update(ctx context.Context, use httpapi.KeyUse, statement string, more ...any) error {
	hashed, err := r.keyed(ctx, use)
	if err != nil {
		return err
	}
	args := append([]any{use.Tenant, use.Principal, use.Key, hashed.sums}, more...)
	if _, err := r.pool.Exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("remember a request: %w: %w", httpapi.ErrUnavailable, err)
	}
	return nil
}

var _ httpapi.Idempotency = (*requests)(nil)
