package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// ErrNotHeld refuses to keep back from a destruction what no hold keeps.
var ErrNotHeld = errors.New("no legal hold keeps these keys")

// RestrictionKind is why the keys of a purpose open for legal claims and audits
// only.
type RestrictionKind string

// The kinds of restrictions. What they seal is still stored, and sealed with.
const (
	KindRestriction RestrictionKind = "restriction" // GDPR Art. 18
	KindObjection   RestrictionKind = "objection"   // GDPR Art. 21, until it is decided
	KindHeld        RestrictionKind = "held"        // a case would have destroyed it, and a hold keeps it
)

// Restriction lets the keys of a subject for some purposes open for legal
// claims and audits only. Several cases may restrict the same keys; they open
// for ordinary use when the last one is lifted. [Keyring.SetFence] restricts a
// subject as a whole.
type Restriction struct {
	Tenant, Case, Subject uuid.UUID
	Purposes              []eventschema.Purpose // none: every one
	Kind                  RestrictionKind
}

func (r Restriction) validate() error {
	if r.Tenant == uuid.Nil || r.Case == uuid.Nil || r.Subject == uuid.Nil {
		return fmt.Errorf("%w: a restriction needs tenant, case and subject", ErrOrder)
	}
	if r.Kind != KindRestriction && r.Kind != KindObjection {
		return fmt.Errorf("%w: a restriction is set as restriction or objection, not as %q", ErrOrder, r.Kind)
	}
	return validatePurposes(r.Purposes)
}

func validatePurposes(purposes []eventschema.Purpose) error {
	known := eventschema.Purposes()
	for _, purpose := range purposes {
		if !slices.Contains(known, purpose) {
			return fmt.Errorf("%w: unknown purpose %q", ErrOrder, purpose)
		}
	}
	return nil
}

// Restrict restricts, all or none. It is idempotent. A subject that is erased is
// [ErrSubjectErased], one that never had a key [ErrNoKey]. Other processes may
// open as before until [Keyring.Quiesce] says that none does.
func (k *Keyring) Restrict(ctx context.Context, restrictions ...Restriction) error {
	subjects := map[uuid.UUID][]uuid.UUID{}
	cases := map[[2]uuid.UUID][]uuid.UUID{} // the subjects of a tenant and case
	for _, r := range restrictions {
		if err := r.validate(); err != nil {
			return fmt.Errorf("restrict: %w", err)
		}
		subjects[r.Tenant] = append(subjects[r.Tenant], r.Subject)
		of := [2]uuid.UUID{r.Tenant, r.Case}
		cases[of] = append(cases[of], r.Subject)
	}
	var touched []uuid.UUID
	err := k.inTx(ctx, func(tx pgx.Tx) error {
		for _, tenant := range sortedIDs(subjects) {
			if err := lockLiving(ctx, tx, tenant, subjects[tenant], "UPDATE"); err != nil {
				return err
			}
		}
		for _, r := range restrictions {
			if err := k.insertRestriction(ctx, tx, r); err != nil {
				return err
			}
		}
		for of, restricted := range cases {
			keys, err := livingKeys(ctx, tx, of[0], restricted)
			if err != nil {
				return err
			}
			touched = append(touched, keys...)
			if err := k.revoke(ctx, tx, actRestrict, of[0], of[1], keys); err != nil {
				return err
			}
		}
		return nil
	})
	k.cache.forget(touched) // also when the outcome of the commit is unknown
	if err != nil {
		return fmt.Errorf("restrict: %w", err)
	}
	return nil
}

// lockLiving locks the fences of subjects that exist and are not erased.
func lockLiving(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjects []uuid.UUID, strength string) error {
	fences, err := lockFences(ctx, tx, tenant, subjects, strength)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		at, known := fences[subject]
		if !known {
			return ErrNoKey
		}
		if at.Fence == FenceErased {
			return ErrSubjectErased
		}
	}
	return nil
}

func (k *Keyring) insertRestriction(ctx context.Context, tx pgx.Tx, r Restriction) error {
	purposes := []string{""}
	if len(r.Purposes) > 0 {
		purposes = names(r.Purposes)
	}
	_, err := tx.Exec(ctx, `INSERT INTO restriction (tenant, case_id, subject, purpose, kind, set_at)
		SELECT DISTINCT $1::uuid, $2::uuid, $3::uuid, purpose, $5::text, $6::timestamptz FROM unnest($4::text[]) AS purpose
		ON CONFLICT DO NOTHING`,
		[16]byte(r.Tenant), [16]byte(r.Case), [16]byte(r.Subject), purposes, string(r.Kind), k.stamp())
	return err
}

// LiftRestriction ends what a case restricted and answers how many rows it
// removed. What was restricted with the whole subject, or is kept back from a
// destruction by a hold, stays. It is idempotent.
func (k *Keyring) LiftRestriction(ctx context.Context, tenant, underCase uuid.UUID) (lifted int, err error) {
	var keys []uuid.UUID
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM restriction WHERE tenant = $1 AND case_id = $2 AND kind <> 'held' RETURNING subject`,
			[16]byte(tenant), [16]byte(underCase))
		if err != nil {
			return err
		}
		subjects, err := pgx.CollectRows(rows, scanID)
		if err != nil || len(subjects) == 0 {
			return err
		}
		lifted = len(subjects)
		if keys, err = livingKeys(ctx, tx, tenant, subjects); err != nil {
			return err
		}
		return k.revoke(ctx, tx, actRestrict, tenant, underCase, keys)
	})
	k.cache.forget(keys)
	if err != nil {
		return 0, fmt.Errorf("lift the restrictions of case %s: %w", underCase, err)
	}
	return lifted, nil
}

// Restrictions lists what restricts the keys of subjects, by subject and case.
func (k *Keyring) Restrictions(ctx context.Context, tenant uuid.UUID, subjects ...uuid.UUID) ([]Restriction, error) {
	return k.restrictions(ctx, `subject = ANY ($2::uuid[])`, tenant, subjects)
}

// Released lists what cases left undone because of a hold that is no longer in
// force: it is due for destruction, under a case of its own.
func (k *Keyring) Released(ctx context.Context, tenant uuid.UUID) ([]Restriction, error) {
	return k.restrictions(ctx, `kind = 'held' AND NOT EXISTS (SELECT FROM hold h
		WHERE h.tenant = x.tenant AND h.subject = x.subject AND (h.purpose = '' OR x.purpose IN ('', h.purpose)) AND `+inForce("$2")+`)`,
		tenant, k.clock())
}

func (k *Keyring) restrictions(ctx context.Context, condition string, tenant uuid.UUID, arg any) ([]Restriction, error) {
	rows, err := k.pool.Query(ctx, `SELECT case_id, subject, array_agg(purpose ORDER BY purpose), kind FROM restriction x
		WHERE tenant = $1 AND `+condition+` GROUP BY case_id, subject, kind ORDER BY subject, case_id, kind`, [16]byte(tenant), arg)
	if err != nil {
		return nil, fmt.Errorf("read restrictions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Restriction, error) {
		r := Restriction{Tenant: tenant}
		var purposes []string
		err := row.Scan(into(&r.Case), into(&r.Subject), &purposes, (*string)(&r.Kind))
		r.Purposes = purposesOf(purposes)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read restrictions: %w", err)
	}
	return all, nil
}

// purposesOf reads stored purposes, of which an empty one means all.
func purposesOf(stored []string) []eventschema.Purpose {
	if slices.Contains(stored, "") {
		return nil
	}
	purposes := make([]eventschema.Purpose, len(stored))
	for i, purpose := range stored {
		purposes[i] = eventschema.Purpose(purpose)
	}
	return purposes
}

// withhold records what an order keeps back because a hold keeps it. The fences
// must be locked.
func (k *Keyring) withhold(ctx context.Context, tx pgx.Tx, order Order) error {
	kept := unroll(order.Withhold)
	var free bool
	row := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM unnest($2::uuid[], $3::text[]) AS t (subject, purpose)
		WHERE NOT EXISTS (SELECT FROM hold h WHERE h.tenant = $1 AND h.subject = t.subject
			AND (h.purpose IN ('', t.purpose)) AND `+inForce("$4")+`))`,
		[16]byte(order.Tenant), kept.subjects, kept.purposes, k.clock())
	if err := row.Scan(&free); err != nil {
		return err
	}
	if free {
		return ErrNotHeld
	}
	for _, target := range order.Withhold {
		if err := k.insertRestriction(ctx, tx, Restriction{
			Tenant: order.Tenant, Case: order.Case, Subject: target.Subject, Purposes: target.Purposes, Kind: KindHeld,
		}); err != nil {
			return err
		}
	}
	return nil
}

// settle forgets what was kept back and is destroyed now.
func settle(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjects []uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM restriction x WHERE tenant = $1 AND subject = ANY ($2::uuid[]) AND kind = 'held'
		AND NOT EXISTS (SELECT FROM dek d WHERE d.tenant = x.tenant AND d.subject = x.subject AND x.purpose IN ('', d.purpose))`,
		[16]byte(tenant), subjects)
	return err
}
