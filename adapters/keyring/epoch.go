package keyring

import (
	"context"
	"crypto/cipher"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// epoch is one unwrapped row of kek_epoch.
type epoch struct {
	number int
	kek    cipher.AEAD
	index  []byte // root of the blind-index keys
}

// provider is recorded with an epoch so that a later release knows who
// unwraps it.
const provider = "file"

// makeFirstEpoch is idempotent; of two processes that race, one row wins.
func (k *Keyring) makeFirstEpoch(ctx context.Context, root cipher.AEAD) error {
	const number = 1
	secrets := make([]byte, 2*keySize)
	defer clear(secrets)
	if _, err := io.ReadFull(k.random, secrets); err != nil {
		return fmt.Errorf("read the key of epoch %d: %w", number, err)
	}
	kek, err := wrap(root, k.random, secrets[:keySize], epochAAD(epochKEKLabel, number))
	if err != nil {
		return err
	}
	index, err := wrap(root, k.random, secrets[keySize:], epochAAD(epochIndexLabel, number))
	if err != nil {
		return err
	}
	_, err = k.pool.Exec(ctx, `INSERT INTO kek_epoch (epoch, provider, wrapped_kek, wrapped_index, created_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, number, provider, kek, index, k.clock())
	return err
}

// loadEpochs unwraps every living epoch, oldest first.
func (k *Keyring) loadEpochs(ctx context.Context, root cipher.AEAD) ([]epoch, error) {
	type row struct {
		Number     int
		Kek, Index []byte
	}
	rows, err := k.pool.Query(ctx, `SELECT epoch, wrapped_kek, wrapped_index FROM kek_epoch ORDER BY epoch`)
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, err
	}
	epochs := make([]epoch, 0, len(stored))
	for _, s := range stored {
		kek, err := unwrap(root, s.Kek, epochAAD(epochKEKLabel, s.Number))
		if err != nil {
			return nil, fmt.Errorf("epoch %d: %w", s.Number, ErrWrongKEK)
		}
		index, err := unwrap(root, s.Index, epochAAD(epochIndexLabel, s.Number))
		if err != nil {
			return nil, fmt.Errorf("index key of epoch %d: %w", s.Number, ErrWrongKEK)
		}
		aead, err := newAEAD(kek)
		clear(kek)
		if err != nil {
			return nil, err
		}
		epochs = append(epochs, epoch{number: s.Number, kek: aead, index: index})
	}
	return epochs, nil
}

// newest is the epoch that new keys and tokens are made under.
func (k *Keyring) newest() epoch { return k.epochs[len(k.epochs)-1] }

func (k *Keyring) epoch(number int) (epoch, bool) {
	for _, e := range k.epochs {
		if e.number == number {
			return e, true
		}
	}
	return epoch{}, false
}
