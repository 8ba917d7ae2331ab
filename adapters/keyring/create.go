package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// ErrRef refuses a reference that names no possible key.
var ErrRef = errors.New("the reference names no possible key")

// granularities answers what a key covers, by purpose.
func granularities() map[eventschema.Purpose]eventschema.Granularity {
	of := map[eventschema.Purpose]eventschema.Granularity{}
	for _, activity := range eventschema.Register() {
		of[activity.Purpose] = activity.Key
	}
	return of
}

func (r Ref) validate(of map[eventschema.Purpose]eventschema.Granularity) error {
	if r.Tenant == uuid.Nil || r.Subject == uuid.Nil {
		return fmt.Errorf("%w: tenant and subject are needed", ErrRef)
	}
	if r.Item != uuid.Nil && of[r.Purpose] != eventschema.PerItem && of[r.Purpose] != eventschema.PerWorkMonthItem {
		return fmt.Errorf("%w: a key for %s is not an item's", ErrRef, r.Purpose)
	}
	switch of[r.Purpose] {
	case "":
		return fmt.Errorf("%w: unknown purpose %q", ErrRef, r.Purpose)
	case eventschema.PerWorkMonth, eventschema.PerWorkMonthItem:
		if month, err := time.Parse("2006-01", r.Period); err != nil || eventschema.LocationPeriod(month) != r.Period {
			return fmt.Errorf("%w: a key for %s needs a month such as 2026-03", ErrRef, r.Purpose)
		}
	case eventschema.PerTenantDay:
		if day, err := time.Parse(time.DateOnly, r.Period); err != nil || eventschema.TechnicalPeriod(day) != r.Period || r.Subject != r.Tenant {
			return fmt.Errorf("%w: a key for %s is the tenant's and needs a day such as 2026-03-05", ErrRef, r.Purpose)
		}
	default:
		if r.Period != "" {
			return fmt.Errorf("%w: a key for %s has no period", ErrRef, r.Purpose)
		}
	}
	return nil
}

func (r Ref) compare(o Ref) int {
	return cmpOr(compareIDs(r.Tenant, o.Tenant), compareIDs(r.Subject, o.Subject),
		strings.Compare(string(r.Purpose), string(o.Purpose)), strings.Compare(r.Period, o.Period), compareIDs(r.Item, o.Item))
}

func cmpOr(results ...int) int {
	for _, r := range results {
		if r != 0 {
			return r
		}
	}
	return 0
}

// Create makes the keys that do not exist yet, in one transaction, and opens
// the fence of a new subject. It is idempotent. Call it at the moment that the
// register names (see [eventschema.KeyMoment]), never because a key was found
// missing. The key of an item needs that of its person, made before or in the
// same call, else it is [ErrNoKey]. Refusals, for all keys together:
// [ErrSubjectErased], [ErrSubjectClosing]; [ErrSubjectRestricted] when a
// restricted subject or purpose would get a new key.
func (k *Keyring) Create(ctx context.Context, refs ...Ref) error {
	of := granularities()
	for _, ref := range refs {
		if err := ref.validate(of); err != nil {
			return fmt.Errorf("create %d keys: %w", len(refs), err)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	refs = slices.Clone(refs)
	slices.SortFunc(refs, Ref.compare)
	refs = slices.Compact(refs)
	begun, fetched := k.cache.begin(), k.now()
	var fresh []freshKey
	err := k.inEpochTx(ctx, func(tx pgx.Tx, under epoch) (err error) {
		fresh, err = k.createIn(ctx, tx, under, refs)
		return err
	})
	if err != nil {
		return fmt.Errorf("create %d keys: %w", len(refs), err)
	}
	return k.keepFresh(begun, fetched, fresh)
}

func (k *Keyring) createIn(ctx context.Context, tx pgx.Tx, under epoch, refs []Ref) ([]freshKey, error) {
	fences := map[Ref]Fence{}
	for start := 0; start < len(refs); { // sorted, so that one tenant stands together
		end := start
		for end < len(refs) && refs[end].Tenant == refs[start].Tenant {
			end++
		}
		tenant, subjects := refs[start].Tenant, subjectsOf(refs[start:end])
		if err := k.openFences(ctx, tx, tenant, subjects); err != nil {
			return nil, err
		}
		locked, err := lockFences(ctx, tx, tenant, subjects, "SHARE")
		if err != nil {
			return nil, err
		}
		for subject, at := range locked {
			if err := at.Fence.refuses(); err != nil {
				return nil, err
			}
			fences[Ref{Tenant: tenant, Subject: subject}] = at.Fence
		}
		start = end
	}
	missing, err := missingKeys(ctx, tx, refs)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	for _, ref := range missing {
		if fences[Ref{Tenant: ref.Tenant, Subject: ref.Subject}] == FenceRestricted {
			return nil, ErrSubjectRestricted
		}
	}
	if err := refuseRestricted(ctx, tx, missing); err != nil {
		return nil, err
	}
	// Persons first: their keys wrap those of their items.
	items := slices.Clone(missing)
	items = slices.DeleteFunc(items, func(ref Ref) bool { return ref.Item == uuid.Nil })
	persons := slices.DeleteFunc(missing, func(ref Ref) bool { return ref.Item != uuid.Nil })
	fresh, err := k.addKeys(ctx, tx, under, persons, 1)
	if err != nil {
		return nil, err
	}
	more, err := k.addKeys(ctx, tx, under, items, 1)
	return append(fresh, more...), err
}

// addKeys makes and stores keys and answers those that were not there yet.
func (k *Keyring) addKeys(ctx context.Context, tx pgx.Tx, under epoch, refs []Ref, generation int) ([]freshKey, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	made, err := k.makeKeys(ctx, tx, under, refs, generation)
	if err != nil {
		return nil, err
	}
	inserted, err := k.insertKeys(ctx, tx, made)
	if err != nil {
		return nil, err
	}
	ours := make(map[uuid.UUID]bool, len(inserted))
	for _, id := range inserted {
		ours[id] = true
	}
	return slices.DeleteFunc(made, func(m freshKey) bool { return !ours[m.id] }), nil
}

// refuseRestricted refuses new keys for a purpose that is restricted. The fences
// must be locked.
func refuseRestricted(ctx context.Context, tx pgx.Tx, refs []Ref) error {
	var restricted bool
	row := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+wanted+` JOIN restriction x
		ON x.tenant = w.tenant AND x.subject = w.subject AND x.purpose IN ('', w.purpose))`, columns(refs).args()...)
	if err := row.Scan(&restricted); err != nil {
		return err
	}
	if restricted {
		return ErrSubjectRestricted
	}
	return nil
}

func subjectsOf(refs []Ref) []uuid.UUID {
	var subjects []uuid.UUID
	for _, ref := range refs {
		if n := len(subjects); n == 0 || subjects[n-1] != ref.Subject {
			subjects = append(subjects, ref.Subject)
		}
	}
	return subjects
}

func missingKeys(ctx context.Context, tx pgx.Tx, refs []Ref) ([]Ref, error) {
	rows, err := tx.Query(ctx, `
		SELECT w.tenant, w.subject, w.purpose, w.period, w.item FROM `+wanted+`
		WHERE NOT EXISTS (SELECT FROM dek d WHERE d.tenant = w.tenant AND d.subject = w.subject
		                  AND d.purpose = w.purpose AND d.period = w.period AND d.item = w.item)`, columns(refs).args()...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (ref Ref, err error) {
		return ref, row.Scan(into(&ref.Tenant), into(&ref.Subject), (*string)(&ref.Purpose), &ref.Period, into(&ref.Item))
	})
}

// keepFresh caches keys that this process just made, so that the first seal
// needs no query.
func (k *Keyring) keepFresh(begun uint64, fetched instant, fresh []freshKey) error {
	entries := make([]*entry, len(fresh))
	ids := make([]uuid.UUID, len(fresh))
	for i, f := range fresh {
		e, err := newEntry(f.id, f.ref, f.key, fetched)
		if err != nil {
			return err
		}
		entries[i], ids[i] = e, f.id
	}
	if k.cache.keep(begun, true, entries...) {
		k.cache.reserve(k.sealBlock, ids...)
	}
	return nil
}
