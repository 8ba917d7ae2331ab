package keyring

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Destroyed is what the event store remembers of one erasure: the keys that
// were destroyed, and the person who must not return, if the case erased a whole
// person.
type Destroyed struct {
	Case, Person uuid.UUID
	At           time.Time
	Keys         []DestroyedKey
}

// DestroyedUnder lists the cases under which keys were destroyed, by this store or
// by one that it was reconciled with. The event store must know each of them.
func (k *Keyring) DestroyedUnder(ctx context.Context, tenant uuid.UUID) ([]uuid.UUID, error) {
	rows, err := k.pool.Query(ctx, `SELECT DISTINCT case_id FROM tombstone WHERE tenant = $1`, [16]byte(tenant))
	if err != nil {
		return nil, fmt.Errorf("cases under which keys were destroyed: %w", err)
	}
	cases, err := pgx.CollectRows(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("cases under which keys were destroyed: %w", err)
	}
	return cases, nil
}

// Reconcile holds the key store against the erasures on record, before it
// serves anything. A copy restored from before an erasure brings its keys,
// fences and tokens back; they are destroyed again here, in one transaction,
// and the work records of whole persons whose keys were revived are restricted
// again. It answers how many keys had come back. It is idempotent.
func (k *Keyring) Reconcile(ctx context.Context, tenant uuid.UUID, record []Destroyed) (revived int, err error) {
	var touched []uuid.UUID
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		touched, err = k.reconcileIn(ctx, tx, tenant, record)
		return err
	})
	k.cache.forget(touched)
	if err != nil {
		return 0, fmt.Errorf("reconcile the key store with %d erasures: %w", len(record), err)
	}
	return len(touched), nil
}

func (k *Keyring) reconcileIn(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, record []Destroyed) ([]uuid.UUID, error) {
	var persons, personCases, cases, keys, keyCases [][16]byte
	var purposes []string
	var checks [][]byte
	var epochs []int32
	var personTimes, keyTimes []time.Time
	for _, d := range record {
		cases = append(cases, d.Case)
		if d.Person != uuid.Nil {
			persons, personCases, personTimes = append(persons, d.Person), append(personCases, d.Case), append(personTimes, d.At)
		}
		for _, key := range d.Keys {
			check, err := hex.DecodeString(key.Check)
			if err != nil {
				return nil, fmt.Errorf("check value of key %s: %w", key.ID, err)
			}
			keys, keyCases, keyTimes = append(keys, key.ID), append(keyCases, d.Case), append(keyTimes, d.At)
			purposes, checks, epochs = append(purposes, string(key.Purpose)), append(checks, check), append(epochs, int32(key.Epoch))
		}
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO subject (tenant, subject, fence, case_id, changed_at)
		SELECT DISTINCT ON (subject) $1::uuid, subject, 'erased', case_id, at FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS t (subject, case_id, at)
		ORDER BY subject, at
		ON CONFLICT (tenant, subject) DO UPDATE SET fence = 'erased', case_id = excluded.case_id, changed_at = excluded.changed_at
		WHERE subject.fence <> 'erased'`, [16]byte(tenant), persons, personCases, personTimes); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO tombstone (key_id, tenant, case_id, purpose, check_value, epoch, destroyed_at)
		SELECT key_id, $1, case_id, purpose, check_value, epoch, at
		FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::integer[], $7::timestamptz[]) AS t (key_id, case_id, purpose, check_value, epoch, at)
		ON CONFLICT DO NOTHING`, [16]byte(tenant), keys, keyCases, purposes, checks, epochs, keyTimes); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH gone AS (
			DELETE FROM dek d WHERE d.tenant = $1 AND (d.subject = ANY ($2::uuid[])
				OR EXISTS (SELECT FROM tombstone t WHERE t.tenant = $1 AND t.key_id = d.key_id AND t.case_id = ANY ($3::uuid[])))
			RETURNING d.key_id, d.subject),
		restricted AS (
			UPDATE subject s SET fence = 'restricted', case_id = t.case_id, restricted_case = t.case_id
			FROM gone JOIN tombstone t ON t.key_id = gone.key_id
			WHERE s.tenant = $1 AND s.subject = gone.subject AND s.fence <> 'erased' AND t.case_id = ANY ($4::uuid[])),
		tokens AS (DELETE FROM lookup WHERE tenant = $1 AND person = ANY ($2::uuid[]))
		SELECT key_id FROM gone`, [16]byte(tenant), persons, cases, personCases)
	if err != nil {
		return nil, err
	}
	gone, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id uuid.UUID, err error) {
		return id, row.Scan(into(&id))
	})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	return gone, k.revoke(ctx, tx, actDestroy, tenant, uuid.Nil, gone)
}
