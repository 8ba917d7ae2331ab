package keyring

import (
	"context"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// epoch is one unwrapped row of kek_epoch. The root of its blind-index keys is
// with [tokenKeys].
type epoch struct {
	number int
	kek    cipher.AEAD
}

// errUnknownEpoch says that the database knows an epoch that this process has
// not loaded yet. It never leaves the package.
var errUnknownEpoch = errors.New("an epoch is not loaded yet")

// epochs are the living epochs that this process has unwrapped, oldest first.
// Another process may add one or retire one at any time.
type epochs struct {
	loading sync.Mutex // one load at a time
	mu      sync.RWMutex
	living  []epoch
}

func (e *epochs) all() []epoch {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.living
}

// replace puts another list in place; lists are never changed.
func (e *epochs) replace(living []epoch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.living = living
}

// newest is the epoch that new keys and tokens are made under.
func (k *Keyring) newest() (epoch, bool) {
	living := k.epochs.all()
	if len(living) == 0 {
		return epoch{}, false
	}
	return living[len(living)-1], true
}

func (k *Keyring) epoch(number int) (epoch, bool) {
	for _, e := range k.epochs.all() {
		if e.number == number {
			return e, true
		}
	}
	return epoch{}, false
}

// epochRow is a living epoch as stored.
type epochRow struct {
	number        int
	provider, key string
	kek, index    []byte
}

// livingEpochs reads the living epochs, oldest first.
func livingEpochs(ctx context.Context, db querier) ([]epochRow, error) {
	rows, err := db.Query(ctx, `SELECT epoch, provider, provider_key, wrapped_kek, wrapped_index
		FROM kek_epoch WHERE state = 'living' ORDER BY epoch`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r epochRow, err error) {
		return r, row.Scan(&r.number, &r.provider, &r.key, &r.kek, &r.index)
	})
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// loadEpochs unwraps the living epochs that this process does not know, and
// forgets those that live no more.
func (k *Keyring) loadEpochs(ctx context.Context) error {
	k.epochs.loading.Lock()
	defer k.epochs.loading.Unlock()
	stored, err := livingEpochs(ctx, k.pool)
	if err != nil {
		return err
	}
	living := make([]epoch, 0, len(stored))
	for _, row := range stored {
		e, known := k.epoch(row.number)
		if !known {
			if e, err = k.unwrapEpoch(ctx, row); err != nil {
				return err
			}
		}
		living = append(living, e)
	}
	k.setEpochs(living)
	return nil
}

func (k *Keyring) setEpochs(living []epoch) {
	k.epochs.replace(living)
	k.tokens.keep(living)
}

// dropRetired forgets the epochs that live no more, without asking a provider.
func (k *Keyring) dropRetired(ctx context.Context) error {
	k.epochs.loading.Lock()
	defer k.epochs.loading.Unlock()
	stored, err := livingEpochs(ctx, k.pool)
	if err != nil {
		return err
	}
	var living []epoch
	for _, row := range stored {
		if e, known := k.epoch(row.number); known {
			living = append(living, e)
		}
	}
	k.setEpochs(living)
	return nil
}

// unwrapEpoch asks the provider for the two keys of an epoch.
func (k *Keyring) unwrapEpoch(ctx context.Context, row epochRow) (epoch, error) {
	kek, index, err := k.custody.unwrapRow(ctx, row)
	if err != nil {
		return epoch{}, err
	}
	aead, err := newAEAD(kek)
	clear(kek)
	if err != nil {
		return epoch{}, err
	}
	k.tokens.add(row.number, index)
	return epoch{number: row.number, kek: aead}, nil
}

// unwrapRow answers the raw keys of an epoch.
func (c custody) unwrapRow(ctx context.Context, row epochRow) (kek, index []byte, err error) {
	provider, err := c.named(row.provider)
	if err != nil {
		return nil, nil, fmt.Errorf("epoch %d: %w", row.number, err)
	}
	if kek, err = provider.Unwrap(ctx, row.key, row.kek, epochAAD(epochKEKLabel, row.number)); err != nil {
		return nil, nil, fmt.Errorf("epoch %d: %w", row.number, err)
	}
	if index, err = provider.Unwrap(ctx, row.key, row.index, epochAAD(epochIndexLabel, row.number)); err != nil {
		return nil, nil, fmt.Errorf("index key of epoch %d: %w", row.number, err)
	}
	if len(kek) != keySize || len(index) != keySize {
		return nil, nil, fmt.Errorf("epoch %d: %w: it answers keys of another length", row.number, ErrWrongKEK)
	}
	return kek, index, nil
}

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

// learn turns an epoch that a fetch met and this process does not know into one
// that it knows, and the fetch into one that is to be repeated.
func (k *Keyring) learn(ctx context.Context, err error) error {
	if !errors.Is(err, errUnknownEpoch) {
		return err
	}
	if err := k.loadEpochs(ctx); err != nil {
		return err
	}
	return errInvalidated
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

// retireCase is the id under which the retirement of an epoch is a revocation.
func retireCase(number int) uuid.UUID {
	return uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "tracekeep retirement of epoch %d", number))
}
