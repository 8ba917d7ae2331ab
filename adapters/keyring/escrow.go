package keyring

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The refusals of an escrow.
var (
	ErrSafe         = errors.New("an escrow is locked with a passphrase of at least 16 characters, or for a recipient age1pq1… of age-keygen -pq")
	ErrEscrowClosed = errors.New("the passphrase or identity does not open this escrow")
	ErrEscrowFile   = errors.New("not an escrow of epoch keys")
	ErrEscrowOther  = errors.New("the escrow is not of this key store")
	ErrEscrowOld    = errors.New("the escrow does not hold the newest epoch")
	ErrNoEscrow     = errors.New("no such escrow is known")
	ErrEscrowPlace  = errors.New("the escrow is not at its place")
)

// Escrow is a copy of epoch keys outside the store. As long as one exists, what
// was wrapped under its epochs can be brought back: an epoch does not retire
// before every escrow of it is destroyed.
type Escrow struct {
	ID          uuid.UUID
	MadeAt      time.Time
	Epochs      []int
	Kind        string // passphrase or recipient
	Place       string // where it was put
	VerifiedAt  time.Time
	DestroyedAt time.Time
}

// Escrow makes a locked copy of the keys of the newest epoch, and of every older
// one that something still stands under, and takes note of it. The caller writes the answered bytes to place; what is noted and never
// written does no harm and is given up with [Keyring.DestroyEscrow].
func (k *Keyring) Escrow(ctx context.Context, safe Safe, place string) (made Escrow, file []byte, err error) {
	made, file, err = k.escrow(ctx, safe, place)
	if err != nil {
		return Escrow{}, nil, fmt.Errorf("make an escrow: %w", err)
	}
	return made, file, nil
}

func (k *Keyring) escrow(ctx context.Context, safe Safe, place string) (made Escrow, file []byte, err error) {
	if safe.recipient == nil {
		return made, nil, ErrSafe
	}
	made = Escrow{MadeAt: k.stamp(), Kind: safe.kind, Place: place}
	if made.ID, err = uuid.NewRandomFromReader(k.random); err != nil {
		return made, nil, err
	}
	stored, err := k.epochsInUse(ctx)
	if err != nil {
		return made, nil, err
	}
	inside := escrowed{Type: escrowType, Escrow: made.ID, MadeAt: made.MadeAt}
	defer inside.forget()
	for _, row := range stored {
		kek, index, err := k.custody.unwrapRow(ctx, row)
		if err != nil {
			return made, nil, err
		}
		made.Epochs = append(made.Epochs, row.number)
		inside.Epochs = append(inside.Epochs, escrowedEpoch{Epoch: row.number, KEK: kek, Index: index})
	}
	if file, err = safe.lock(inside); err != nil {
		return made, nil, err
	}
	digest := sha256.Sum256(file)
	_, err = k.pool.Exec(ctx, `INSERT INTO escrow (escrow, made_at, epochs, kind, place, digest) VALUES ($1, $2, $3, $4, $5, $6)`,
		[16]byte(made.ID), made.MadeAt, made.Epochs, made.Kind, made.Place, digest[:])
	return made, file, err
}

// epochsInUse leaves out what a rotation has emptied: an escrow of it would only
// keep it from retiring.
func (k *Keyring) epochsInUse(ctx context.Context) ([]epochRow, error) {
	stored, err := livingEpochs(ctx, k.pool)
	if err != nil {
		return nil, err
	}
	rows, err := k.pool.Query(ctx, `SELECT epoch FROM dek UNION SELECT epoch FROM lookup UNION SELECT max(epoch) FROM kek_epoch WHERE state = 'living'`)
	if err != nil {
		return nil, err
	}
	used, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(stored, func(row epochRow) bool { return !slices.Contains(used, row.number) }), nil
}

// VerifyEscrow unlocks an escrow and opens with it every living key of the
// newest epoch, as [Keyring.TestProvider] does through the provider. It takes
// note. retired lists the epochs of the escrow that have retired: it must be destroyed.
func (k *Keyring) VerifyEscrow(ctx context.Context, safe Safe, file []byte, progress func(done, all int64)) (test RestoreTest, retired []int, err error) {
	test, retired, err = k.verifyEscrow(ctx, safe, file, progress)
	if err != nil {
		return test, retired, fmt.Errorf("verify an escrow: %w", err)
	}
	return test, retired, nil
}

func (k *Keyring) verifyEscrow(ctx context.Context, safe Safe, file []byte, progress func(done, all int64)) (test RestoreTest, retired []int, err error) {
	inside, err := safe.unlock(file)
	if err != nil {
		return test, nil, err
	}
	defer inside.forget()
	if retired, err = k.retiredOf(ctx, inside); err != nil {
		return test, nil, err
	}
	test, err = k.testNewest(ctx, "escrow", progress, func(row epochRow) ([]byte, []byte, error) {
		i := slices.IndexFunc(inside.Epochs, func(e escrowedEpoch) bool { return e.Epoch == row.number })
		if i < 0 {
			return nil, nil, fmt.Errorf("%w, which is %d", ErrEscrowOld, row.number)
		}
		return bytes.Clone(inside.Epochs[i].KEK), bytes.Clone(inside.Epochs[i].Index), nil
	})
	if err != nil {
		return test, retired, err
	}
	tag, err := k.pool.Exec(ctx, `UPDATE escrow SET verified_at = $2 WHERE escrow = $1`, [16]byte(inside.Escrow), k.stamp())
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrEscrowOther
	}
	return test, retired, err
}

func (k *Keyring) retiredOf(ctx context.Context, inside escrowed) ([]int, error) {
	var numbers []int32
	for _, e := range inside.Epochs {
		numbers = append(numbers, int32(e.Epoch))
	}
	rows, err := k.pool.Query(ctx, `SELECT epoch FROM retirement WHERE epoch = ANY ($1::integer[]) ORDER BY epoch`, numbers)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Escrows lists every escrow ever made, the oldest first.
func (k *Keyring) Escrows(ctx context.Context) ([]Escrow, error) {
	rows, err := k.pool.Query(ctx, `SELECT escrow, made_at, epochs, kind, place, verified_at, destroyed_at FROM escrow ORDER BY made_at, escrow`)
	if err != nil {
		return nil, fmt.Errorf("read escrows: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Escrow, err error) {
		var verified, destroyed *time.Time
		err = row.Scan(into(&e.ID), &e.MadeAt, &e.Epochs, &e.Kind, &e.Place, &verified, &destroyed)
		e.MadeAt = e.MadeAt.UTC()
		if verified != nil {
			e.VerifiedAt = verified.UTC()
		}
		if destroyed != nil {
			e.DestroyedAt = destroyed.UTC()
		}
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read escrows: %w", err)
	}
	return all, nil
}

// DestroyEscrow overwrites and removes the file of an escrow at its place and
// takes note. With gone it only takes note: whoever keeps the copy says that it
// is destroyed. It is idempotent.
func (k *Keyring) DestroyEscrow(ctx context.Context, id uuid.UUID, gone bool) error {
	var place string
	var digest []byte
	var destroyed bool
	row := k.pool.QueryRow(ctx, `SELECT place, digest, destroyed_at IS NOT NULL FROM escrow WHERE escrow = $1`, [16]byte(id))
	switch err := row.Scan(&place, &digest, &destroyed); {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("destroy escrow %s: %w", id, ErrNoEscrow)
	case err != nil:
		return fmt.Errorf("destroy escrow %s: %w", id, err)
	case destroyed:
		return nil
	}
	if !gone {
		file, err := os.ReadFile(place)
		sum := sha256.Sum256(file)
		if err != nil || !bytes.Equal(sum[:], digest) {
			return fmt.Errorf("destroy escrow %s: %w, %s; destroy it where it is, and say that it is gone", id, ErrEscrowPlace, place)
		}
		if err := overwrite(place); err != nil {
			return fmt.Errorf("destroy escrow %s: %w", id, err)
		}
	}
	if _, err := k.pool.Exec(ctx, `UPDATE escrow SET destroyed_at = $2 WHERE escrow = $1`, [16]byte(id), k.stamp()); err != nil {
		return fmt.Errorf("destroy escrow %s: %w", id, err)
	}
	return nil
}
