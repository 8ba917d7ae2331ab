package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotRestored says that a copy of the keys does not open what the key store
// holds: do not retire the epoch before.
var ErrNotRestored = errors.New("the copy does not bring the keys back")

// RestoreTest is what a test of a copy found.
type RestoreTest struct {
	Epoch int
	From  string // what was tested: provider, escrow, a restored key store
	Keys  int    // keys that were unwrapped and whose check value agreed: all there are
}

// TestProvider unwraps the newest epoch anew through its provider, and with it
// every living key of the epoch, and holds each against its check value. It takes
// note, which [Keyring.Retire] asks for. Progress is told how many of how many
// keys are done.
func (k *Keyring) TestProvider(ctx context.Context, progress func(done, all int64)) (RestoreTest, error) {
	test, err := k.testNewest(ctx, "provider", progress, func(row epochRow) ([]byte, []byte, error) {
		return k.custody.unwrapRow(ctx, row)
	})
	if err != nil {
		return RestoreTest{}, fmt.Errorf("restore test of epoch %d from its provider: %w", test.Epoch, err)
	}
	return test, nil
}

// testNewest tests a copy of the newest epoch and takes note of it.
func (k *Keyring) testNewest(ctx context.Context, from string, progress func(done, all int64), open func(epochRow) (kek, index []byte, err error)) (RestoreTest, error) {
	test := RestoreTest{From: from}
	stored, err := livingEpochs(ctx, k.pool)
	if err != nil {
		return test, err
	}
	if len(stored) == 0 {
		return test, ErrNotInitialised
	}
	row := stored[len(stored)-1]
	test.Epoch = row.number
	kek, index, err := open(row)
	if err != nil {
		return test, err
	}
	defer clear(kek)
	defer clear(index)
	if known, ok := k.tokens.root(row.number); ok && !bytes.Equal(known, index) {
		return test, fmt.Errorf("%w: its index key is another one", ErrNotRestored)
	}
	var arrived int
	if err := k.pool.QueryRow(ctx, `SELECT arrived FROM kek_epoch WHERE epoch = $1`, row.number).Scan(&arrived); err != nil {
		return test, err
	}
	if test.Keys, err = checkKeys(ctx, k.pool, row.number, kek, progress); err != nil {
		return test, err
	}
	tag, err := k.pool.Exec(ctx, `UPDATE kek_epoch SET tested_at = $3, tested_from = $4, tested_keys = $5 WHERE epoch = $1 AND arrived = $2`,
		row.number, arrived, k.stamp(), from, test.Keys)
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("%w: keys moved to the epoch during the test; repeat it", ErrNotRestored)
	}
	return test, err
}

// checkKeys unwraps every key of an epoch and compares check values. Item keys
// are unwrapped through the key of their person, which stands under the same
// epoch unless a rotation is under way.
func checkKeys(ctx context.Context, pool *pgxpool.Pool, number int, kek []byte, progress func(done, all int64)) (checked int, err error) {
	under, err := newAEAD(kek)
	if err != nil {
		return 0, err
	}
	var all int64
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM dek WHERE epoch = $1`, number).Scan(&all); err != nil {
		return 0, err
	}
	const page = 5000
	for after := uuid.Nil; ; {
		rows, err := pool.Query(ctx, `SELECT d.key_id, d.tenant, d.subject, d.purpose, d.period, d.item, d.generation, d.epoch, d.wrapped,
				coalesce(d.parent, '00000000-0000-0000-0000-000000000000'), coalesce(p.generation, 0), coalesce(p.epoch, 0), p.wrapped, d.check_value
			FROM dek d LEFT JOIN dek p ON p.key_id = d.parent WHERE d.epoch = $1 AND d.key_id > $2 ORDER BY d.key_id LIMIT $3`,
			number, [16]byte(after), page)
		if err != nil {
			return checked, err
		}
		var r keyRow
		var check []byte
		in := &Keyring{}
		in.epochs.replace([]epoch{{number: number, kek: under}})
		tag, err := pgx.ForEachRow(rows, append(r.fields()[:13:13], &check), func() error {
			after = r.id
			if r.ref.Item != uuid.Nil && r.parentEpoch != number {
				return nil // checked when it has moved too
			}
			key, err := in.unwrapRow(&r)
			if err != nil || !bytes.Equal(checkValue(key), check) {
				return fmt.Errorf("%w: key %s", ErrNotRestored, r.id)
			}
			clear(key)
			checked++
			return nil
		})
		if err != nil {
			return checked, err
		}
		if progress != nil {
			progress(int64(checked), all)
		}
		if tag.RowsAffected() < page {
			return checked, nil
		}
	}
}

// VerifyRestored opens every key of a restored copy of the key store, another
// database, with the providers of cfg, and changes nothing in either. It answers
// one result for each living epoch of the copy.
func VerifyRestored(ctx context.Context, cfg Config, progress func(done, all int64)) ([]RestoreTest, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("verify a restored key store: %w", err)
	}
	defer pool.Close()
	tests, err := verifyRestored(ctx, pool, newCustody(cfg.Provider, cfg.Former), progress)
	if err != nil {
		return nil, fmt.Errorf("verify a restored key store: %w", err)
	}
	return tests, nil
}

func verifyRestored(ctx context.Context, pool *pgxpool.Pool, custody custody, progress func(done, all int64)) ([]RestoreTest, error) {
	stored, err := livingEpochs(ctx, pool)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return nil, ErrNotInitialised
	}
	var tests []RestoreTest
	for _, row := range stored {
		kek, index, err := custody.unwrapRow(ctx, row)
		if err != nil {
			return nil, err
		}
		n, err := checkKeys(ctx, pool, row.number, kek, progress)
		clear(kek)
		clear(index)
		if err != nil {
			return nil, err
		}
		tests = append(tests, RestoreTest{Epoch: row.number, From: "a restored key store", Keys: n})
	}
	return tests, nil
}
