package keyring

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// The advisory locks of the key store, of which a database has its own.
const (
	gateLock     = 0x7261636b01 // shared: makes rows under the newest epoch; exclusive: makes or retires one
	rotationLock = 0x7261636b02 // one rotation at a time
)

// inEpochTx runs a transaction during which no epoch is made or retired, under
// the newest one. A process that has not heard of the newest epoch loads it first: a
// key or token made under an older one would be left behind by the rotation.
func (k *Keyring) inEpochTx(ctx context.Context, do func(pgx.Tx, epoch) error) error {
	for range attempts {
		err := k.inTx(ctx, func(tx pgx.Tx) error {
			under, err := k.enterGate(ctx, tx)
			if err != nil {
				return err
			}
			return do(tx, under)
		})
		if !errors.Is(err, errUnknownEpoch) {
			return err
		}
		if err := k.loadEpochs(ctx); err != nil {
			return err
		}
	}
	return errInvalidated
}

// enterGate takes the lock and then, as a statement of its own with a snapshot
// of its own, asks for the newest epoch.
func (k *Keyring) enterGate(ctx context.Context, tx pgx.Tx) (epoch, error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, int64(gateLock))
	batch.Queue(`SELECT coalesce(max(epoch), 0) FROM kek_epoch WHERE state = 'living'`)
	results := tx.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	if _, err := results.Exec(); err != nil {
		return epoch{}, err
	}
	var number int
	if err := results.QueryRow().Scan(&number); err != nil {
		return epoch{}, err
	}
	under, any := k.newest()
	if !any || under.number != number {
		return epoch{}, errUnknownEpoch
	}
	return under, results.Close()
}

// makeEpoch makes the next epoch, or finishes one whose making was interrupted.
// The name of its provider key is stored before the key is made, so that none is
// ever left without an owner. The caller holds the rotation lock.
func (k *Keyring) makeEpoch(ctx context.Context) (number int, err error) {
	number, name, key, err := k.intendEpoch(ctx)
	if err != nil {
		return 0, err
	}
	provider, err := k.custody.named(name)
	if err != nil {
		return 0, err
	}
	if err := k.at(pointIntended); err != nil {
		return 0, err
	}
	if err := provider.Create(ctx, key); err != nil {
		return 0, fmt.Errorf("make the provider key of epoch %d: %w", number, err)
	}
	if err := k.at(pointProviderKey); err != nil {
		return 0, err
	}
	kek, index, err := k.wrapEpoch(ctx, provider, key, number)
	if err != nil {
		return 0, fmt.Errorf("wrap epoch %d: %w", number, err)
	}
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(gateLock)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE kek_epoch SET state = 'living', wrapped_kek = $2, wrapped_index = $3, created_at = $4
			WHERE epoch = $1 AND state = 'making'`, number, kek, index, k.stamp()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, noticeEpochs)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store epoch %d: %w", number, err)
	}
	if err := k.at(pointEpochMade); err != nil {
		return 0, err
	}
	return number, k.loadEpochs(ctx)
}

// intendEpoch answers the epoch that is being made, and begins one if none is.
func (k *Keyring) intendEpoch(ctx context.Context) (number int, provider, key string, err error) {
	row := k.pool.QueryRow(ctx, `SELECT epoch, provider, provider_key FROM kek_epoch WHERE state = 'making'`)
	if err := row.Scan(&number, &provider, &key); err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return number, provider, key, err
	}
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		row := tx.QueryRow(ctx, `SELECT 1 + greatest((SELECT coalesce(max(epoch), 0) FROM kek_epoch), (SELECT coalesce(max(epoch), 0) FROM retirement))`)
		if err := row.Scan(&number); err != nil {
			return err
		}
		provider = k.custody.current.Reach().Provider
		if key, err = k.keyName(number); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO kek_epoch (epoch, provider, provider_key, state, wrapped_kek, wrapped_index, created_at)
			VALUES ($1, $2, $3, 'making', '', '', $4)`, number, provider, key, k.stamp())
		return err
	})
	return number, provider, key, err
}

// keyName names a provider key. Its random tail keeps apart what several
// installations, or a recovery, make at one provider.
func (k *Keyring) keyName(number int) (string, error) {
	var tail [4]byte
	if _, err := io.ReadFull(k.random, tail[:]); err != nil {
		return "", fmt.Errorf("draw the name of a key: %w", err)
	}
	return fmt.Sprintf("epoch-%d-%s", number, hex.EncodeToString(tail[:])), nil
}

// wrapEpoch draws the two keys of an epoch and answers them wrapped.
func (k *Keyring) wrapEpoch(ctx context.Context, provider Provider, key string, number int) (kek, index []byte, err error) {
	secrets := make([]byte, 2*keySize)
	defer clear(secrets)
	if _, err := io.ReadFull(k.random, secrets); err != nil {
		return nil, nil, fmt.Errorf("draw its keys: %w", err)
	}
	if kek, err = provider.Wrap(ctx, key, secrets[:keySize], epochAAD(epochKEKLabel, number)); err != nil {
		return nil, nil, err
	}
	index, err = provider.Wrap(ctx, key, secrets[keySize:], epochAAD(epochIndexLabel, number))
	return kek, index, err
}
