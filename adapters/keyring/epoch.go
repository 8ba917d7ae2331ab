package keyring

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
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

// retireCase is the id under which the retirement of an epoch is a revocation.
func retireCase(number int) uuid.UUID {
	return uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "tracekeep retirement of epoch %d", number))
}
