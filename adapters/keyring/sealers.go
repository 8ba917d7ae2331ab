package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Random nonces of 96 bits stay apart for 2^32 messages under one key at the
// accepted risk of 2^-32; the design stops at 2^28 and goes on with a new
// generation. Seals are reserved in blocks before they are made, so that a
// crash can only waste some.
const (
	sealLimit = 1 << 28
	sealBlock = 1 << 16
)

// PrepareSeals brings the keys that the next seals need into the cache with one
// query, for imports that write about many subjects. Its errors are those of
// [Keyring.Seal].
func (k *Keyring) PrepareSeals(ctx context.Context, refs ...Ref) error {
	for range attempts {
		err := k.fetchSealers(ctx, refs)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errInvalidated) {
			return fmt.Errorf("prepare to seal for %d keys: %w", len(refs), err)
		}
	}
	return nil // whoever seals with one that was invalidated fetches it alone
}

// fetchSealers brings the newest generation of every key named and reserves
// seals where this process has none left.
func (k *Keyring) fetchSealers(ctx context.Context, refs []Ref) error {
	if err := k.stayHolder(ctx); err != nil {
		return err
	}
	begun, fetched := k.cache.begin(), k.now()
	entries, rows, err := k.newestKeys(ctx, refs, fetched)
	if err != nil {
		return k.learn(ctx, err)
	}
	var spent []keyRow
	for i, e := range entries {
		if k.cache.exhausted(e.id) {
			spent = append(spent, rows[i])
		}
	}
	renewed, err := k.reserve(ctx, spent)
	if err != nil {
		return err
	}
	if renewed {
		return errInvalidated // a newer generation exists now
	}
	if !k.cache.keep(begun, true, entries...) {
		return errInvalidated
	}
	return nil
}

func (k *Keyring) newestKeys(ctx context.Context, refs []Ref, fetched instant) ([]*entry, []keyRow, error) {
	rows, err := k.pool.Query(ctx, `
		SELECT coalesce(w.fence, ''), d.key_id IS NOT NULL, coalesce(d.key_id, '00000000-0000-0000-0000-000000000000'),
		       w.tenant, w.subject, w.purpose, w.period, w.item,
		       coalesce(d.generation, 0), coalesce(d.epoch, 0), d.wrapped,
		       coalesce(d.parent, '00000000-0000-0000-0000-000000000000'), coalesce(p.generation, 0), coalesce(p.epoch, 0), p.wrapped,
		       w.restricted_case, r.kind, r.case_id
		FROM (SELECT w.*, s.fence, s.restricted_case FROM `+wanted+`
		      LEFT JOIN subject s ON s.tenant = w.tenant AND s.subject = w.subject) w
		LEFT JOIN LATERAL (
			SELECT * FROM dek
			WHERE tenant = w.tenant AND subject = w.subject AND purpose = w.purpose AND period = w.period AND item = w.item
			ORDER BY generation DESC LIMIT 1) d ON true`+keyJoins, columns(refs).args()...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var entries []*entry
	var found []keyRow
	for rows.Next() {
		var fence Fence
		var living bool
		var r keyRow
		if err := rows.Scan(append([]any{(*string)(&fence), &living}, r.fields()...)...); err != nil {
			return nil, nil, err
		}
		if err := fence.refuses(); err != nil {
			return nil, nil, err
		}
		if !living {
			return nil, nil, ErrNoKey
		}
		e, err := k.expand(&r, fetched)
		if err != nil {
			return nil, nil, err
		}
		entries, found = append(entries, e), append(found, r)
	}
	return entries, found, rows.Err()
}

// reserve takes a block of seals of each key, and makes the next generation of
// the keys that have none left.
func (k *Keyring) reserve(ctx context.Context, spent []keyRow) (renewed bool, err error) {
	if len(spent) == 0 {
		return false, nil
	}
	ids := make([]uuid.UUID, len(spent))
	for i, r := range spent {
		ids[i] = r.id
	}
	rows, err := k.pool.Query(ctx, `
		WITH due AS (SELECT key_id FROM dek WHERE key_id = ANY ($1::uuid[]) ORDER BY key_id FOR NO KEY UPDATE)
		UPDATE dek SET reserved = reserved + $2
		FROM due WHERE dek.key_id = due.key_id AND reserved + $2 <= $3 RETURNING dek.key_id`, ids, k.sealBlock, k.sealLimit)
	if err != nil {
		return false, err
	}
	granted, err := pgx.CollectRows(rows, scanID)
	if err != nil {
		return false, err
	}
	k.cache.reserve(k.sealBlock, granted...)
	if len(granted) == len(spent) {
		return false, nil
	}
	has := make(map[uuid.UUID]bool, len(granted))
	for _, id := range granted {
		has[id] = true
	}
	for _, r := range spent {
		if !has[r.id] {
			if err := k.renew(ctx, r); err != nil {
				return false, fmt.Errorf("next generation of key %s: %w", r.id, err)
			}
		}
	}
	return true, nil
}

// renew makes the generation after a spent one, unless the spent key was
// destroyed meanwhile. The seals it is stored with are this process's.
func (k *Keyring) renew(ctx context.Context, spent keyRow) error {
	var made []freshKey
	err := k.inEpochTx(ctx, func(tx pgx.Tx, under epoch) error {
		fences, err := lockFences(ctx, tx, spent.ref.Tenant, []uuid.UUID{spent.ref.Subject}, "SHARE")
		if err != nil {
			return err
		}
		if err := fences[spent.ref.Subject].Fence.refuses(); err != nil {
			return err
		}
		var living bool
		row := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM dek WHERE key_id = $1)`, [16]byte(spent.id))
		if err := row.Scan(&living); err != nil || !living {
			return err
		}
		made, err = k.addKeys(ctx, tx, under, []Ref{spent.ref}, spent.generation+1)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range made {
		clear(m.key)
		k.cache.reserve(k.sealBlock, m.id)
	}
	return nil
}

func scanID(row pgx.CollectableRow) (id uuid.UUID, err error) {
	return id, row.Scan(into(&id))
}

// freshKey is a key that was just made.
type freshKey struct {
	keyRow
	key   []byte
	check []byte
}

// makeKeys makes and wraps keys under the newest epoch.
func (k *Keyring) makeKeys(ctx context.Context, tx pgx.Tx, under epoch, refs []Ref, generation int) ([]freshKey, error) {
	parents, err := k.parentsOf(ctx, tx, refs)
	if err != nil {
		return nil, err
	}
	made := make([]freshKey, len(refs))
	for i, ref := range refs {
		id, err := uuid.NewRandomFromReader(k.random)
		if err != nil {
			return nil, fmt.Errorf("make a key id: %w", err)
		}
		key := make([]byte, keySize)
		if _, err := io.ReadFull(k.random, key); err != nil {
			return nil, fmt.Errorf("make a key: %w", err)
		}
		made[i] = freshKey{
			keyRow: keyRow{id: id, ref: ref, generation: generation, epoch: under.number}, key: key, check: checkValue(key),
		}
		inner := key
		if ref.Item != uuid.Nil {
			above, there := parents[ref.parent()]
			if !there {
				return nil, ErrNoKey
			}
			made[i].parent = above.id
			if inner, err = wrap(above.aead, k.random, key, itemAAD(ref, id, above.id, generation)); err != nil {
				return nil, err
			}
		}
		if made[i].wrapped, err = wrap(under.kek, k.random, inner, dekAAD(ref, id, generation, under.number)); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// parentsOf brings the keys that wrap items, by their reference.
func (k *Keyring) parentsOf(ctx context.Context, tx pgx.Tx, refs []Ref) (map[Ref]*entry, error) {
	var above []Ref
	for _, ref := range refs {
		if ref.Item != uuid.Nil {
			above = append(above, ref.parent())
		}
	}
	if len(above) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT ON (d.tenant, d.subject, d.purpose, d.period) `+keyColumns+`
		FROM `+wanted+` JOIN dek d ON d.tenant = w.tenant AND d.subject = w.subject AND d.purpose = w.purpose
			AND d.period = w.period AND d.item = w.item
		JOIN subject s ON s.tenant = d.tenant AND s.subject = d.subject`+keyJoins+`
		ORDER BY d.tenant, d.subject, d.purpose, d.period, d.generation DESC`, columns(above).args()...)
	if err != nil {
		return nil, err
	}
	entries, err := k.expandAll(rows, k.now())
	if err != nil {
		return nil, err
	}
	parents := make(map[Ref]*entry, len(entries))
	for _, e := range entries {
		parents[e.ref] = e
	}
	return parents, nil
}

// insertKeys stores fresh keys with one block of seals reserved and answers the
// ids of those that were not there yet.
func (k *Keyring) insertKeys(ctx context.Context, tx pgx.Tx, made []freshKey) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	var parents []*[16]byte
	var refs []Ref
	var wrapped, checks [][]byte
	for _, m := range made {
		ids, refs = append(ids, m.id), append(refs, m.ref)
		wrapped, checks = append(wrapped, m.wrapped), append(checks, m.check)
		var parent *[16]byte
		if m.parent != uuid.Nil {
			parent = into(&m.parent)
		}
		parents = append(parents, parent)
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO dek (tenant, subject, purpose, period, item, key_id, parent, wrapped, check_value, generation, epoch, reserved, created_at)
		SELECT *, $10::integer, $11::integer, $12::bigint, $13::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[],
			$6::uuid[], $7::uuid[], $8::bytea[], $9::bytea[])
		ON CONFLICT (tenant, subject, purpose, period, item, generation) DO NOTHING RETURNING key_id`,
		columns(refs).args(ids, parents, wrapped, checks, made[0].generation, made[0].epoch, k.sealBlock, k.stamp())...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanID)
}
