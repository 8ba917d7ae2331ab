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

// ErrHeld refuses to destroy what a legal hold keeps. The error is a *[HeldError].
var ErrHeld = errors.New("a legal hold keeps these keys")

// HeldError names the matters that keep keys from being destroyed, and for
// which purposes. It names nobody.
type HeldError struct {
	Matters  []uuid.UUID
	Purposes []eventschema.Purpose
}

func (e *HeldError) Error() string {
	matters := make([]string, len(e.Matters))
	for i, matter := range e.Matters {
		matters[i] = matter.String()
	}
	purposes := make([]string, len(e.Purposes))
	for i, purpose := range e.Purposes {
		purposes[i] = string(purpose)
	}
	return fmt.Sprintf("%s: %s under matter %s; lift the hold or leave them out of the order",
		ErrHeld, strings.Join(purposes, ", "), strings.Join(matters, ", "))
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// Hold keeps the keys of one subject from being destroyed while a matter needs
// what they seal. Many matters may hold one subject; each is lifted alone.
type Hold struct {
	Tenant, Matter, Subject uuid.UUID
	Purposes                []eventschema.Purpose // none: every one, those of later keys too
	Expires                 time.Time             // zero: until it is lifted
}

func (h Hold) validate() error {
	if h.Tenant == uuid.Nil || h.Matter == uuid.Nil || h.Subject == uuid.Nil {
		return fmt.Errorf("%w: a hold needs tenant, matter and subject", ErrOrder)
	}
	return validatePurposes(h.Purposes)
}

// PlaceHold places holds, all or none. It is idempotent; placing one again sets
// its expiry anew. Once it has returned, no [Keyring.Destroy] takes what is held.
// A subject that is erased is [ErrSubjectErased], one that never had a key
// [ErrNoKey]: there is nothing left, or nothing yet, that it could keep.
func (k *Keyring) PlaceHold(ctx context.Context, holds ...Hold) error {
	subjects := map[uuid.UUID][]uuid.UUID{}
	for _, hold := range holds {
		if err := hold.validate(); err != nil {
			return fmt.Errorf("place a hold: %w", err)
		}
		subjects[hold.Tenant] = append(subjects[hold.Tenant], hold.Subject)
	}
	err := k.inTx(ctx, func(tx pgx.Tx) error {
		for _, tenant := range sortedIDs(subjects) {
			// The share lock makes a destruction under way finish first or wait.
			if err := lockLiving(ctx, tx, tenant, subjects[tenant], "SHARE"); err != nil {
				return err
			}
		}
		return k.insertHolds(ctx, tx, holds)
	})
	if err != nil {
		return fmt.Errorf("place %d holds: %w", len(holds), err)
	}
	return nil
}

func (k *Keyring) insertHolds(ctx context.Context, tx pgx.Tx, holds []Hold) error {
	batch := &pgx.Batch{}
	for _, hold := range holds {
		purposes := []string{""}
		if len(hold.Purposes) > 0 {
			purposes = names(hold.Purposes)
		}
		var expires *time.Time
		if !hold.Expires.IsZero() {
			expires = &hold.Expires
		}
		batch.Queue(`INSERT INTO hold (tenant, matter, subject, purpose, placed_at, expires_at)
			SELECT DISTINCT $1::uuid, $2::uuid, $3::uuid, purpose, $5::timestamptz, $6::timestamptz FROM unnest($4::text[]) AS purpose
			ON CONFLICT (tenant, matter, subject, purpose) DO UPDATE SET expires_at = excluded.expires_at`,
			[16]byte(hold.Tenant), [16]byte(hold.Matter), [16]byte(hold.Subject), purposes, k.stamp(), expires)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// LiftHold ends the holds of a matter on the subjects named, or on everybody
// when none is, and answers how many rows it removed. What is still held by
// another matter stays held. It is idempotent.
func (k *Keyring) LiftHold(ctx context.Context, tenant, matter uuid.UUID, subjects ...uuid.UUID) (lifted int, err error) {
	tag, err := k.pool.Exec(ctx, `DELETE FROM hold WHERE tenant = $1 AND matter = $2 AND ($3 OR subject = ANY ($4::uuid[]))`,
		[16]byte(tenant), [16]byte(matter), len(subjects) == 0, subjects)
	if err != nil {
		return 0, fmt.Errorf("lift the holds of matter %s: %w", matter, err)
	}
	return int(tag.RowsAffected()), nil
}

// Holds lists the holds in force on subjects, by subject and matter.
func (k *Keyring) Holds(ctx context.Context, tenant uuid.UUID, subjects ...uuid.UUID) ([]Hold, error) {
	rows, err := k.pool.Query(ctx, `SELECT matter, subject, array_agg(purpose ORDER BY purpose), expires_at FROM hold h
		WHERE tenant = $1 AND subject = ANY ($2::uuid[]) AND `+inForce("$3")+`
		GROUP BY matter, subject, expires_at ORDER BY subject, matter, expires_at`, [16]byte(tenant), subjects, k.clock())
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	holds, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Hold, error) {
		hold := Hold{Tenant: tenant}
		var purposes []string
		var expires *time.Time
		err := row.Scan(into(&hold.Matter), into(&hold.Subject), &purposes, &expires)
		hold.Purposes = purposesOf(purposes)
		if expires != nil {
			hold.Expires = expires.UTC()
		}
		return hold, err
	})
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return holds, nil
}

// inForce is the condition on a hold h. A hold lapses when the clock of this
// process and that of the database both say so: a clock that runs ahead does
// not release evidence.
func inForce(clock string) string {
	return `(h.expires_at IS NULL OR h.expires_at > least(` + clock + `::timestamptz, clock_timestamp()))`
}

// refuseHeld answers a *[HeldError] when the order would destroy a living key
// that a hold in force keeps. The fences must be locked.
func (k *Keyring) refuseHeld(ctx context.Context, tx pgx.Tx, order Order) error {
	due := unroll(order.Destroy)
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT h.matter, d.purpose
		FROM `+targeted+`
		JOIN dek d ON d.tenant = $1 AND `+isTarget+`
		JOIN hold h ON h.tenant = $1 AND h.subject = t.subject AND h.purpose IN ('', d.purpose)
		WHERE `+inForce("$6"), [16]byte(order.Tenant), due.subjects, due.purposes, due.items, due.periods, k.clock())
	if err != nil {
		return err
	}
	held := &HeldError{}
	var matter uuid.UUID
	var purpose eventschema.Purpose
	if _, err := pgx.ForEachRow(rows, []any{into(&matter), (*string)(&purpose)}, func() error {
		held.Matters, held.Purposes = append(held.Matters, matter), append(held.Purposes, purpose)
		return nil
	}); err != nil {
		return err
	}
	if len(held.Matters) == 0 {
		return nil
	}
	slices.SortFunc(held.Matters, compareIDs)
	slices.Sort(held.Purposes)
	held.Matters, held.Purposes = slices.Compact(held.Matters), slices.Compact(held.Purposes)
	return held
}

func names(purposes []eventschema.Purpose) []string {
	texts := make([]string, len(purposes))
	for i, purpose := range purposes {
		texts[i] = string(purpose)
	}
	return texts
}

func sortedIDs[V any](of map[uuid.UUID]V) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(of))
	for id := range of {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}
