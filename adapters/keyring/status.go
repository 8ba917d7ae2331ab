package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// EpochStatus is how an epoch stands.
type EpochStatus struct {
	Epoch       int
	State       string // making, living, retiring
	CreatedAt   time.Time
	Provider    string
	ProviderKey string
	Keys        int // living keys under it
	Tokens      int // blind-index tokens under it
	Destroyed   int // keys destroyed while it stood, whose erasure is not final before it retires
	TestedAt    time.Time
	TestedFrom  string
	TestedKeys  int
}

// Epochs lists every epoch that is not retired, oldest first.
func (k *Keyring) Epochs(ctx context.Context) ([]EpochStatus, error) {
	rows, err := k.pool.Query(ctx, `
		SELECT epoch, state, created_at, provider, provider_key, coalesce(d.n, 0), coalesce(l.n, 0), coalesce(t.n, 0), tested_at, tested_from, tested_keys
		FROM kek_epoch
		LEFT JOIN (SELECT epoch, count(*) AS n FROM dek GROUP BY epoch) d USING (epoch)
		LEFT JOIN (SELECT epoch, count(*) AS n FROM lookup GROUP BY epoch) l USING (epoch)
		LEFT JOIN (SELECT epoch, count(*) AS n FROM tombstone GROUP BY epoch) t USING (epoch)
		ORDER BY epoch`)
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e EpochStatus, err error) {
		var tested *time.Time
		err = row.Scan(&e.Epoch, &e.State, &e.CreatedAt, &e.Provider, &e.ProviderKey, &e.Keys, &e.Tokens, &e.Destroyed, &tested, &e.TestedFrom, &e.TestedKeys)
		e.CreatedAt = e.CreatedAt.UTC()
		if tested != nil {
			e.TestedAt = tested.UTC()
		}
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	return all, nil
}

// HolderStatus is a process that may hold unwrapped keys.
type HolderStatus struct {
	ID        uuid.UUID
	StartedAt time.Time
	SeenAt    time.Time
}

// Holders lists the registered processes, the longest running first.
func (k *Keyring) Holders(ctx context.Context) ([]HolderStatus, error) {
	rows, err := k.pool.Query(ctx, `SELECT holder, started_at, seen_at FROM cache_holder ORDER BY started_at, holder`)
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h HolderStatus, err error) {
		err = row.Scan(into(&h.ID), &h.StartedAt, &h.SeenAt)
		h.StartedAt, h.SeenAt = h.StartedAt.UTC(), h.SeenAt.UTC()
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	return all, nil
}

// Reach says who keeps the keys of the epochs that are made now, and how far a
// destruction there reaches.
func (k *Keyring) Reach() Reach { return k.custody.current.Reach() }
