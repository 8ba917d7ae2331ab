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
	id         uuid.UUID
	ref        Ref
	generation int
	epoch      int
	wrapped    []byte

	// parent is what the wrapping key of an item is stored as; its reference is
	// that of the item without the item.
	parent           uuid.UUID
	parentGeneration int
	parentEpoch      int
	parentWrapped    []byte

	fenceCase *[16]byte // the case that restricted the subject
	kind      *string   // of the restriction of the purpose
	kindCase  *[16]byte
}

// keyColumns and keyJoins go with the rows d of dek.
const (
	keyColumns = `d.key_id, d.tenant, d.subject, d.purpose, d.period, d.item, d.generation, d.epoch, d.wrapped,
		coalesce(d.parent, '00000000-0000-0000-0000-000000000000'), coalesce(p.generation, 0), coalesce(p.epoch, 0), p.wrapped,
		s.restricted_case, r.kind, r.case_id`
	keyJoins = ` LEFT JOIN dek p ON p.key_id = d.parent
		LEFT JOIN LATERAL (SELECT kind, case_id FROM restriction x
			WHERE x.tenant = d.tenant AND x.subject = d.subject AND x.purpose IN ('', d.purpose)
			ORDER BY kind = 'held' DESC, case_id LIMIT 1) r ON true `
)

func (r *keyRow) fields() []any {
	return []any{into(&r.id), into(&r.ref.Tenant), into(&r.ref.Subject), (*string)(&r.ref.Purpose), &r.ref.Period, into(&r.ref.Item),
		&r.generation, &r.epoch, &r.wrapped, into(&r.parent), &r.parentGeneration, &r.parentEpoch, &r.parentWrapped,
		&r.fenceCase, &r.kind, &r.kindCase}
}

// into lets pgx scan an id from its binary form; the uuid package's own Scan
// would parse text.
func into(id *uuid.UUID) *[16]byte { return (*[16]byte)(id) }

// expand unwraps a stored key. The raw bytes are overwritten at once.
func (k *Keyring) expand(r *keyRow, fetched instant) (*entry, error) {
	key, err := k.unwrapRow(r)
	if err != nil {
		return nil, err
	}
	e, err := newEntry(r.id, r.ref, key, fetched)
	if err != nil {
		return nil, err
	}
	switch {
	case r.kind != nil && *r.kind == string(KindHeld):
		e.withheld, e.underCase = eventschema.StateHeld, *r.kindCase
	case r.fenceCase != nil:
		e.withheld, e.underCase = eventschema.StateRestricted, *r.fenceCase
	case r.kind != nil:
		e.withheld, e.underCase = eventschema.StateRestricted, *r.kindCase
	}
	return e, nil
}

// unwrapRow answers the raw key of a row, of an item through the key of its
// person.
func (k *Keyring) unwrapRow(r *keyRow) ([]byte, error) {
	key, err := k.unwrapUnder(r.epoch, r.wrapped, dekAAD(r.ref, r.id, r.generation, r.epoch))
	if err != nil {
		return nil, fmt.Errorf("stored key %s: %w", r.id, err)
	}
	if r.ref.Item == uuid.Nil {
		return key, nil
	}
	parent, err := k.unwrapUnder(r.parentEpoch, r.parentWrapped, dekAAD(r.ref.parent(), r.parent, r.parentGeneration, r.parentEpoch))
	if err != nil {
		return nil, fmt.Errorf("stored key %s: %w", r.parent, err)
	}
	defer clear(parent)
	above, err := newAEAD(parent)
	if err != nil {
		return nil, err
	}
	if key, err = unwrap(above, key, itemAAD(r.ref, r.id, r.parent, r.generation)); err != nil {
		return nil, fmt.Errorf("stored key %s: %w", r.id, ErrCorrupt)
	}
	return key, nil
}

// unwrapUnder unwraps a row's key under its epoch.
func (k *Keyring) unwrapUnder(number int, wrapped, aad []byte) ([]byte, error) {
	under, ok := k.epoch(number)
	if !ok {
		return nil, fmt.Errorf("epoch %d: %w", number, errUnknownEpoch)
	}
	key, err := unwrap(under.kek, wrapped, aad)
	if err != nil {
		return nil, ErrCorrupt
	}
	return key, nil
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
		r.fenceCase, r.kind, r.kindCase = nil, nil, nil
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
	batch.Queue(`SELECT `+keyColumns+` FROM dek d JOIN subject s USING (tenant, subject)`+keyJoins+`WHERE d.key_id = $1`, [16]byte(id))
	batch.Queue(`SELECT tenant, purpose, case_id FROM tombstone WHERE key_id = $1`, [16]byte(id))
	results := k.pool.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	rows, err := results.Query()
	if err != nil {
		return err
	}
	found, err := k.expandAll(rows, fetched)
	if err != nil {
		_ = results.Close() // the connection is needed to learn
		return k.learn(ctx, err)
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
			FROM dek d JOIN subject s USING (tenant, subject)`+keyJoins+`
			WHERE d.tenant = $1 AND d.subject = ANY ($2::uuid[])`, [16]byte(tenant), subjects)
		if err != nil {
			return err
		}
		entries, err := k.expandAll(rows, fetched)
		if err = k.learn(ctx, err); errors.Is(err, errInvalidated) {
			continue
		}
		if err != nil {
			return err
		}
		if k.cache.keep(begun, false, entries...) {
			return nil
		}
	}
	return nil // whoever opens one that was invalidated fetches it alone
}

// refColumns are references as the arrays that a set-wise statement unnests.
type refColumns struct {
	tenants, subjects, items []uuid.UUID
	purposes, periods        []string
}

func columns(refs []Ref) refColumns {
	var c refColumns
	for _, ref := range refs {
		c.tenants, c.subjects, c.items = append(c.tenants, ref.Tenant), append(c.subjects, ref.Subject), append(c.items, ref.Item)
		c.purposes, c.periods = append(c.purposes, string(ref.Purpose)), append(c.periods, ref.Period)
	}
	return c
}

// wanted is the list that [columns] makes, as a table w of the parameters 1 to 5.
const wanted = `unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[]) AS w (tenant, subject, purpose, period, item)`

func (c refColumns) args(more ...any) []any {
	return append([]any{c.tenants, c.subjects, c.purposes, c.periods, c.items}, more...)
}

// legal says whether a purpose of use opens restricted values.
func legal(use eventschema.Use) bool {
	return use == eventschema.UseLegalClaim || use == eventschema.UseAudit
}
