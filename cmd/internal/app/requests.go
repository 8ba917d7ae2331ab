package app

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
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
	mac  func(tenant uuid.UUID, fingerprint []byte) ([32]byte, error)
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
CREATE INDEX IF NOT EXISTS request_used_at ON api.request (used_at);`

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
	return &requests{pool: pool, mac: func(tenant uuid.UUID, fingerprint []byte) ([32]byte, error) {
		return keys.Mac(tenant, "request", fingerprint)
	}}, nil
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
	if use.Fingerprint, err = r.mac(use.Tenant, use.Fingerprint[:]); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		taken, err := tx.Exec(ctx, `INSERT INTO api.request (tenant_id, principal_id, key, fingerprint, leased_until, used_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			use.Tenant, use.Principal, use.Key, use.Fingerprint[:], now.Add(lease), now)
		if err != nil || taken.RowsAffected() == 1 {
			answer = httpapi.KeyTaken
			return err
		}
		answer, err = again(ctx, tx, use, now, lease)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remember a request: %w: %w", httpapi.ErrUnavailable, err)
	}
	return answer, nil
}

// again decides about a key that was used before.
func again(ctx context.Context, tx pgx.Tx, use httpapi.KeyUse, now time.Time, lease time.Duration) (httpapi.Reserved, error) {
	var same, completed, leased bool
	err := tx.QueryRow(ctx, `SELECT fingerprint = $4, completed, leased_until > $5 FROM api.request
WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 FOR UPDATE`,
		use.Tenant, use.Principal, use.Key, use.Fingerprint[:], now).Scan(&same, &completed, &leased)
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
	return r.update(ctx, use, `UPDATE api.request SET completed = true, used_at = $5 WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = $4`, now)
}

// Release implements [httpapi.Idempotency].
func (r *requests) Release(ctx context.Context, use httpapi.KeyUse) error {
	return r.update(ctx, use, `DELETE FROM api.request WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = $4 AND NOT completed`)
}

// Lapse implements [httpapi.Idempotency].
func (r *requests) Lapse(ctx context.Context, use httpapi.KeyUse) error {
	return r.update(ctx, use, `UPDATE api.request SET leased_until = '-infinity' WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND fingerprint = $4 AND NOT completed`)
}

func (r *requests) update(ctx context.Context, use httpapi.KeyUse, statement string, more ...any) error {
	var err error
	if use.Fingerprint, err = r.mac(use.Tenant, use.Fingerprint[:]); err != nil {
		return err
	}
	args := append([]any{use.Tenant, use.Principal, use.Key, use.Fingerprint[:]}, more...)
	if _, err := r.pool.Exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("remember a request: %w: %w", httpapi.ErrUnavailable, err)
	}
	return nil
}

var _ httpapi.Idempotency = (*requests)(nil)
