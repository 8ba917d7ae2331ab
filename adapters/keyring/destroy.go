package keyring

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// The refusals of an order.
var (
	ErrOrder     = errors.New("the order is incomplete or contradicts itself")
	ErrCaseOrder = errors.New("the case was executed with a different order")
)

// Receipt is what a destruction did. It names no subject.
type Receipt struct {
	Case        uuid.UUID
	Keys        []DestroyedKey
	DestroyedAt time.Time
	Lookups     int // blind-index tokens deleted
}

// DestroyedKey names a key that is gone.
type DestroyedKey struct {
	ID      uuid.UUID
	Purpose eventschema.Purpose
	Check   string // hex, a keyed hash that only the key could make
	Epoch   int
}

// Destroy executes an order in one transaction: fences, keys, blind indexes,
// tombstones, all or nothing. It is idempotent by case: a repeated call answers
// the stored receipt and destroys nothing more, and another order under the
// same case is [ErrCaseOrder]. What a hold keeps is [ErrHeld], and then nothing
// is destroyed. Other processes may use a destroyed key until
// [Keyring.Quiesce] says that none does. When it returns another error the
// outcome may be unknown; repeat it.
func (k *Keyring) Destroy(ctx context.Context, order Order) (Receipt, error) {
	if err := order.validate(); err != nil {
		return Receipt{}, fmt.Errorf("destroy under case %s: %w", order.Case, err)
	}
	var receipt Receipt
	var touched []uuid.UUID
	err := k.inTx(ctx, func(tx pgx.Tx) (err error) {
		receipt, touched, err = k.destroyIn(ctx, tx, order)
		return err
	})
	k.cache.forget(touched) // also when the outcome of the commit is unknown
	if err != nil {
		return Receipt{}, fmt.Errorf("destroy under case %s: %w", order.Case, err)
	}
	return receipt, nil
}

func (k *Keyring) destroyIn(ctx context.Context, tx pgx.Tx, order Order) (Receipt, []uuid.UUID, error) {
	receipt := Receipt{Case: order.Case, DestroyedAt: k.stamp()}
	digest := order.digest()
	// A second call for the case waits here for the first.
	tag, err := tx.Exec(ctx, `INSERT INTO destruction (tenant, case_id, order_digest, destroyed_at, lookups)
		VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING`, [16]byte(order.Tenant), [16]byte(order.Case), digest, receipt.DestroyedAt)
	if err != nil {
		return Receipt{}, nil, err
	}
	subjects := order.subjects()
	if tag.RowsAffected() == 0 {
		receipt, err = storedReceipt(ctx, tx, order, digest)
		if err != nil {
			return Receipt{}, nil, err
		}
		touched := make([]uuid.UUID, len(receipt.Keys))
		for i, key := range receipt.Keys {
			touched[i] = key.ID
		}
		return receipt, touched, nil
	}
	if err := k.raiseFences(ctx, tx, order, subjects, receipt.DestroyedAt); err != nil {
		return Receipt{}, nil, err
	}
	if err := k.refuseHeld(ctx, tx, order); err != nil {
		return Receipt{}, nil, err
	}
	if err := k.withhold(ctx, tx, order); err != nil {
		return Receipt{}, nil, err
	}
	touched, err := livingKeys(ctx, tx, order.Tenant, subjects)
	if err != nil {
		return Receipt{}, nil, err
	}
	if receipt.Keys, err = destroyKeys(ctx, tx, order, receipt.DestroyedAt); err != nil {
		return Receipt{}, touched, err
	}
	if receipt.Lookups, err = deleteLookups(ctx, tx, order); err != nil {
		return Receipt{}, touched, err
	}
	if err := settle(ctx, tx, order.Tenant, subjects); err != nil {
		return Receipt{}, touched, err
	}
	return receipt, touched, k.revoke(ctx, tx, actDestroy, order.Tenant, order.Case, touched)
}

// raiseFences comes first: its row locks end every concurrent making of keys
// and tokens for these subjects.
func (k *Keyring) raiseFences(ctx context.Context, tx pgx.Tx, order Order, subjects []uuid.UUID, at time.Time) error {
	if err := k.openFences(ctx, tx, order.Tenant, append(slices.Clone(order.Restrict), order.Erase...)); err != nil {
		return err
	}
	if _, err := lockFences(ctx, tx, order.Tenant, subjects, "UPDATE"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE subject SET fence = 'erased', case_id = $3, changed_at = $4
		WHERE tenant = $1 AND subject = ANY ($2::uuid[]) AND fence <> 'erased'`,
		[16]byte(order.Tenant), order.Erase, [16]byte(order.Case), at); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE subject SET fence = 'restricted', case_id = $3, restricted_case = $3, changed_at = $4
		WHERE tenant = $1 AND subject = ANY ($2::uuid[]) AND fence <> 'erased'`,
		[16]byte(order.Tenant), order.Restrict, [16]byte(order.Case), at)
	return err
}

func destroyKeys(ctx context.Context, tx pgx.Tx, order Order, at time.Time) ([]DestroyedKey, error) {
	due := unroll(order.Destroy)
	rows, err := tx.Query(ctx, `
		WITH gone AS (
			DELETE FROM dek d WHERE d.tenant = $1 AND EXISTS (SELECT FROM `+targeted+` WHERE `+isTarget+`)
			AND d.subject = ANY ($2::uuid[])
			RETURNING d.key_id, d.tenant, d.purpose, d.check_value, d.epoch)
		INSERT INTO tombstone (key_id, tenant, case_id, purpose, check_value, epoch, destroyed_at)
		SELECT key_id, tenant, $6, purpose, check_value, epoch, $7 FROM gone
		RETURNING key_id, purpose, check_value, epoch`,
		[16]byte(order.Tenant), due.subjects, due.purposes, due.items, due.periods, [16]byte(order.Case), at)
	if err != nil {
		return nil, err
	}
	keys, err := collectDestroyed(rows)
	if err != nil {
		return nil, err
	}
	var left bool
	row := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM dek WHERE tenant = $1 AND subject = ANY ($2::uuid[]))`,
		[16]byte(order.Tenant), order.Erase)
	if err := row.Scan(&left); err != nil {
		return nil, err
	}
	if left {
		return nil, fmt.Errorf("%w: it erases a subject and leaves keys of it", ErrOrder)
	}
	return keys, nil
}

func collectDestroyed(rows pgx.Rows) ([]DestroyedKey, error) {
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (key DestroyedKey, err error) {
		var check []byte
		err = row.Scan(into(&key.ID), (*string)(&key.Purpose), &check, &key.Epoch)
		key.Check = hex.EncodeToString(check)
		return key, err
	})
	slices.SortFunc(keys, func(a, b DestroyedKey) int { return compareIDs(a.ID, b.ID) })
	return keys, err
}

// deleteLookups removes the tokens of everyone erased, and those whose purpose
// lost its key. An item has no tokens, and a month has none.
func deleteLookups(ctx context.Context, tx pgx.Tx, order Order) (int, error) {
	whole := slices.DeleteFunc(slices.Clone(order.Destroy), func(t Target) bool { return len(t.Items)+len(t.Periods) > 0 })
	gone := unroll(whole)
	const due = `lookup l WHERE tenant = $1 AND (
		person = ANY ($2::uuid[]) OR work = ANY ($2::uuid[])
		OR EXISTS (SELECT FROM unnest($3::uuid[], $4::text[]) AS t (subject, purpose)
		           WHERE t.subject IN (l.person, l.work) AND t.purpose IN ('', l.purpose)))`
	// Locked first, in one order for everybody, and by a statement of its own: a
	// token that a rotation moves meanwhile is then deleted where it has moved to.
	if _, err := tx.Exec(ctx, `SELECT FROM `+due+` ORDER BY tenant, kind, token FOR UPDATE`,
		[16]byte(order.Tenant), order.Erase, gone.subjects, gone.purposes); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, `DELETE FROM `+due, [16]byte(order.Tenant), order.Erase, gone.subjects, gone.purposes)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE destruction SET lookups = $3 WHERE tenant = $1 AND case_id = $2`,
		[16]byte(order.Tenant), [16]byte(order.Case), tag.RowsAffected())
	return int(tag.RowsAffected()), err
}

func storedReceipt(ctx context.Context, tx pgx.Tx, order Order, digest []byte) (Receipt, error) {
	receipt := Receipt{Case: order.Case}
	var stored []byte
	row := tx.QueryRow(ctx, `SELECT order_digest, destroyed_at, lookups FROM destruction WHERE tenant = $1 AND case_id = $2`,
		[16]byte(order.Tenant), [16]byte(order.Case))
	if err := row.Scan(&stored, &receipt.DestroyedAt, &receipt.Lookups); err != nil {
		return Receipt{}, err
	}
	if !bytes.Equal(stored, digest) {
		return Receipt{}, ErrCaseOrder
	}
	receipt.DestroyedAt = receipt.DestroyedAt.UTC()
	rows, err := tx.Query(ctx, `SELECT key_id, purpose, check_value, epoch FROM tombstone WHERE tenant = $1 AND case_id = $2`,
		[16]byte(order.Tenant), [16]byte(order.Case))
	if err != nil {
		return Receipt{}, err
	}
	receipt.Keys, err = collectDestroyed(rows)
	return receipt, err
}
