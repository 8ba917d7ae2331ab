package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// ErrNoKey says that a key was never made, or that what an envelope names is
// no key of this store. A destroyed key is not missing: it is erased.
var ErrNoKey = errors.New("no such key")

// errInvalidated says that keys were invalidated during a fetch, whose result
// must not be used.
var errInvalidated = errors.New("keys were invalidated during the fetch")

// attempts limits how often a fetch is repeated because keys were invalidated
// or pushed out of the cache meanwhile.
const attempts = 8

// prefetchChunk is the number of subjects asked for in one query.
const prefetchChunk = 10_000

// keyRow is a living key as stored.
type keyRow struct {
	id             uuid.UUID
	ref            Ref
	generation     int
	epoch          int
	wrapped        []byte
	restrictedCase *[16]byte
}

const keyColumns = `d.key_id, d.tenant, d.subject, d.purpose, d.period, d.generation, d.epoch, d.wrapped, s.restricted_case`

func (r *keyRow) fields() []any {
	return []any{into(&r.id), into(&r.ref.Tenant), into(&r.ref.Subject), (*string)(&r.ref.Purpose), &r.ref.Period,
		&r.generation, &r.epoch, &r.wrapped, &r.restrictedCase}
}

// into lets pgx scan an id from its binary form; the uuid package's own Scan
// would parse text.
func into(id *uuid.UUID) *[16]byte { return (*[16]byte)(id) }

// expand unwraps a stored key. The raw bytes are overwritten at once.
func (k *Keyring) expand(r *keyRow, fetched instant) (*entry, error) {
	under, ok := k.epoch(r.epoch)
	if !ok {
		return nil, fmt.Errorf("key %s is wrapped under epoch %d, which this process does not know: %w", r.id, r.epoch, ErrNoKey)
	}
	key, err := unwrap(under.kek, r.wrapped, dekAAD(r.ref, r.id, r.generation, r.epoch))
	if err != nil {
		return nil, fmt.Errorf("stored key %s: %w", r.id, ErrCorrupt)
	}
	e, err := newEntry(r.id, r.ref, key, fetched)
	if err != nil {
		return nil, err
	}
	if r.restrictedCase != nil {
		e.restricted, e.underCase = true, *r.restrictedCase
	}
	return e, nil
}

// newEntry expands a raw key and overwrites it.
func newEntry(id uuid.UUID, ref Ref, key []byte, fetched instant) (*entry, error) {
	defer clear(key)
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &entry{id: id, ref: ref, aead: aead, fetched: fetched}, nil
}

func (k *Keyring) expandAll(rows pgx.Rows, fetched instant) ([]*entry, error) {
	defer rows.Close()
	var entries []*entry
	var r keyRow
	fields := r.fields()
	for rows.Next() {
		r.restrictedCase = nil
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		e, err := k.expand(&r, fetched)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// fetchByID brings one key for opening: living, or erased with its case.
//
// The living row is asked for first: a key that is destroyed between the two
// statements is then found living or as a tombstone, never missing.
func (k *Keyring) fetchByID(ctx context.Context, id uuid.UUID) error {
	if err := k.stayHolder(ctx); err != nil {
		return err
	}
	begun, fetched := k.cache.begin(), k.now()
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+keyColumns+` FROM dek d JOIN subject s USING (tenant, subject) WHERE d.key_id = $1`, [16]byte(id))
	batch.Queue(`SELECT tenant, purpose, case_id FROM tombstone WHERE key_id = $1`, [16]byte(id))
	results := k.pool.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	rows, err := results.Query()
	if err != nil {
		return err
	}
	found, err := k.expandAll(rows, fetched)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		e := &entry{id: id, erased: true, fetched: fetched}
		row := results.QueryRow()
		if err := row.Scan(into(&e.ref.Tenant), (*string)(&e.ref.Purpose), into(&e.underCase)); errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("key %s: %w", id, ErrNoKey)
		} else if err != nil {
			return err
		}
		found = append(found, e)
	}
	if !k.cache.keep(begun, false, found...) {
		return errInvalidated
	}
	return nil
}

// Prefetch brings every living key of the subjects into the cache with one
// query per ten thousand subjects, for opening many records at once. Subjects
// without keys are passed over.
func (k *Keyring) Prefetch(ctx context.Context, tenant uuid.UUID, subjects []uuid.UUID) error {
	for len(subjects) > 0 {
		n := min(len(subjects), prefetchChunk)
		if err := k.prefetch(ctx, tenant, subjects[:n]); err != nil {
			return fmt.Errorf("prefetch keys of %d subjects: %w", n, err)
		}
		subjects = subjects[n:]
	}
	return nil
}

func (k *Keyring) prefetch(ctx context.Context, tenant uuid.UUID, subjects []uuid.UUID) error {
	for range attempts {
		if err := k.stayHolder(ctx); err != nil {
			return err
		}
		begun, fetched := k.cache.begin(), k.now()
		rows, err := k.pool.Query(ctx, `SELECT `+keyColumns+`
			FROM dek d JOIN subject s USING (tenant, subject)
			WHERE d.tenant = $1 AND d.subject = ANY ($2::uuid[])`, [16]byte(tenant), subjects)
		if err != nil {
			return err
		}
		entries, err := k.expandAll(rows, fetched)
		if err != nil {
			return err
		}
		if k.cache.keep(begun, false, entries...) {
			return nil
		}
	}
	return errInvalidated
}

// columns turns references into the arrays that a set-wise statement unnests.
func columns(refs []Ref) (tenants, subjects []uuid.UUID, purposes, periods []string) {
	for _, ref := range refs {
		tenants = append(tenants, ref.Tenant)
		subjects = append(subjects, ref.Subject)
		purposes = append(purposes, string(ref.Purpose))
		periods = append(periods, ref.Period)
	}
	return tenants, subjects, purposes, periods
}

// legal says whether a purpose of use opens restricted values.
func legal(use eventschema.Use) bool {
	return use == eventschema.UseLegalClaim || use == eventschema.UseAudit
}
