package keyring

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Retirement is the receipt of a retired epoch: its provider key and its wrapped
// key are gone, and with them every copy of what was wrapped under it. An
// erasure is final once the epochs of all keys it destroyed are retired. Epochs
// retire in order, so an older copy is noise too.
type Retirement struct {
	Epoch       int
	CreatedAt   time.Time
	RetiredAt   time.Time
	FinalAt     time.Time // RetiredAt, and how long the provider delays a destruction
	Provider    string    // who kept the provider key: file, transit
	ProviderKey string    // its name there
	Reach       string    // how far its destruction reaches, in the words of NIST SP 800-88: clear or purge
	Rewrapped   int       // living keys that moved to a later epoch
	Destroyed   int       // keys destroyed while it stood
	Hash        string    // hex SHA-256 of this receipt and the one before
}

const retirementColumns = `epoch, created_at, retired_at, final_at, provider, provider_key, reach, keys_rewrapped, keys_destroyed, hash`

// Retirements lists the receipts of all retired epochs, oldest first.
func (k *Keyring) Retirements(ctx context.Context) ([]Retirement, error) {
	rows, err := k.pool.Query(ctx, `SELECT `+retirementColumns+` FROM retirement ORDER BY epoch`)
	if err != nil {
		return nil, fmt.Errorf("read retirements: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanRetirement)
	if err != nil {
		return nil, fmt.Errorf("read retirements: %w", err)
	}
	return all, nil
}

// RetiredAt answers from when on every copy of a key of the epoch is noise;
// retired is false while that is not so, also while the provider still delays.
func (k *Keyring) RetiredAt(ctx context.Context, epoch int) (at time.Time, retired bool, err error) {
	row := k.pool.QueryRow(ctx, `SELECT final_at FROM retirement WHERE epoch = $1`, epoch)
	switch err := row.Scan(&at); {
	case errors.Is(err, pgx.ErrNoRows):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("read the retirement of epoch %d: %w", epoch, err)
	}
	if at.After(k.clock()) {
		return time.Time{}, false, nil
	}
	return at.UTC(), true, nil
}

func scanRetirement(row pgx.CollectableRow) (r Retirement, err error) {
	var hash []byte
	err = row.Scan(&r.Epoch, &r.CreatedAt, &r.RetiredAt, &r.FinalAt, &r.Provider, &r.ProviderKey, &r.Reach, &r.Rewrapped, &r.Destroyed, &hash)
	r.CreatedAt, r.RetiredAt, r.FinalAt = r.CreatedAt.UTC(), r.RetiredAt.UTC(), r.FinalAt.UTC()
	r.Hash = hex.EncodeToString(hash)
	return r, err
}
