package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
)

// Recover gives living epochs whose provider key is lost a new one, from an
// escrow: each key of the epoch is first opened with the escrow, and must agree
// with its check value. It works on a key store that cannot be opened, while
// nobody serves it. It answers the epochs that it gave a key, and never touches
// one whose provider key works. A retired epoch is not brought back.
func Recover(ctx context.Context, cfg Config, safe Safe, file []byte) (recovered []int, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("recover epochs: %w", err)
	}
	defer pool.Close()
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	k := &Keyring{pool: pool, random: cfg.Random, clock: cfg.Clock, custody: newCustody(cfg.Provider, cfg.Former), log: cfg.Log}
	if err := migrate(ctx, pool); err != nil {
		return nil, err
	}
	err = k.alone(ctx, false, func() error {
		recovered, err = k.recover(ctx, safe, file)
		return err
	})
	if err != nil {
		return recovered, fmt.Errorf("recover epochs: %w", err)
	}
	return recovered, nil
}

func (k *Keyring) recover(ctx context.Context, safe Safe, file []byte) (recovered []int, err error) {
	inside, err := safe.unlock(file)
	if err != nil {
		return nil, err
	}
	defer inside.forget()
	stored, err := livingEpochs(ctx, k.pool)
	if err != nil {
		return nil, err
	}
	for _, row := range stored {
		_, _, err := k.custody.unwrapRow(ctx, row)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNoKEK) && !errors.Is(err, ErrWrongKEK) && !errors.Is(err, ErrUnknownProvider) {
			return recovered, err // it may only be out of reach
		}
		for _, e := range inside.Epochs {
			if e.Epoch != row.number {
				continue
			}
			if err := k.giveNewKey(ctx, row.number, e); err != nil {
				return recovered, err
			}
			recovered = append(recovered, row.number)
		}
	}
	return recovered, nil
}

// giveNewKey wraps the keys of an epoch under a new key of the current provider.
func (k *Keyring) giveNewKey(ctx context.Context, number int, e escrowedEpoch) error {
	if _, err := checkKeys(ctx, k.pool, number, e.KEK, nil); err != nil {
		return err
	}
	key, err := k.keyName(number)
	if err != nil {
		return err
	}
	provider := k.custody.current
	if err := provider.Create(ctx, key); err != nil {
		return err
	}
	kek, err := provider.Wrap(ctx, key, e.KEK, epochAAD(epochKEKLabel, number))
	if err != nil {
		return err
	}
	index, err := provider.Wrap(ctx, key, e.Index, epochAAD(epochIndexLabel, number))
	if err != nil {
		return err
	}
	_, err = k.pool.Exec(ctx, `UPDATE kek_epoch SET provider = $2, provider_key = $3, wrapped_kek = $4, wrapped_index = $5, tested_at = NULL
		WHERE epoch = $1 AND state = 'living'`, number, provider.Reach().Provider, key, kek, index)
	return err
}
