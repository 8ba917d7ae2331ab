package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The refusals of the fence.
var (
	ErrSubjectErased     = errors.New("the subject is erased")
	ErrSubjectClosing    = errors.New("the subject is being erased")
	ErrSubjectRestricted = errors.New("the subject is restricted: no new keys")
	ErrOtherCase         = errors.New("the fence was set under another case")
)

// Fence says what may still happen with the keys of a subject.
type Fence string

// The fences, from the first to the last.
const (
	FenceOpen       Fence = "open"       // keys are made, sealed with and opened
	FenceRestricted Fence = "restricted" // no new keys; opened for legal claims and audits only
	FenceClosing    Fence = "closing"    // no new keys, no new seals; opened as before
	FenceErased     Fence = "erased"     // for ever
)

// refuses answers why nothing may be sealed behind the fence, or nil.
func (f Fence) refuses() error {
	switch f {
	case FenceClosing:
		return ErrSubjectClosing
	case FenceErased:
		return ErrSubjectErased
	}
	return nil
}

// SubjectStatus is the fence of a subject and the case that set it.
type SubjectStatus struct {
	Fence Fence
	Case  uuid.UUID
}

// Status answers the fences of subjects; a subject that never had a key is
// absent.
func (k *Keyring) Status(ctx context.Context, tenant uuid.UUID, subjects ...uuid.UUID) (map[uuid.UUID]SubjectStatus, error) {
	rows, err := k.pool.Query(ctx, `SELECT subject, fence, case_id FROM subject
		WHERE tenant = $1 AND subject = ANY ($2::uuid[])`, [16]byte(tenant), subjects)
	if err != nil {
		return nil, fmt.Errorf("read fences: %w", err)
	}
	status, err := collectFences(rows)
	if err != nil {
		return nil, fmt.Errorf("read fences: %w", err)
	}
	return status, nil
}

func collectFences(rows pgx.Rows) (map[uuid.UUID]SubjectStatus, error) {
	status := map[uuid.UUID]SubjectStatus{}
	var subject uuid.UUID
	var at SubjectStatus
	var underCase *[16]byte
	_, err := pgx.ForEachRow(rows, []any{into(&subject), (*string)(&at.Fence), &underCase}, func() error {
		at.Case = uuid.Nil
		if underCase != nil {
			at.Case = *underCase
		}
		status[subject] = at
		return nil
	})
	return status, err
}

// lockFences locks the fence rows of subjects in one order for everybody, so
// that two transactions never wait for each other.
func lockFences(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjects []uuid.UUID, strength string) (map[uuid.UUID]SubjectStatus, error) {
	rows, err := tx.Query(ctx, `SELECT subject, fence, case_id FROM subject
		WHERE tenant = $1 AND subject = ANY ($2::uuid[]) ORDER BY subject FOR `+strength, [16]byte(tenant), subjects)
	if err != nil {
		return nil, err
	}
	return collectFences(rows)
}

// openFences makes the fence of subjects that have none.
func (k *Keyring) openFences(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjects []uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO subject (tenant, subject, fence, changed_at)
		SELECT $1, subject, 'open', $3 FROM unnest($2::uuid[]) AS subject ORDER BY subject
		ON CONFLICT DO NOTHING`, [16]byte(tenant), subjects, k.stamp())
	return err
}

// SetFence opens, restricts or closes subjects under a case, all or none. It is
// idempotent. Only the case that closed or restricted a subject opens it again
// ([ErrOtherCase]); an erased one never does ([ErrSubjectErased]). A subject
// that was restricted stays so while it is closing. Erasing is
// [Keyring.Destroy]'s.
func (k *Keyring) SetFence(ctx context.Context, tenant, underCase uuid.UUID, to Fence, subjects ...uuid.UUID) error {
	if underCase == uuid.Nil || tenant == uuid.Nil || (to != FenceOpen && to != FenceRestricted && to != FenceClosing) {
		return fmt.Errorf("set the fence to %q: %w", to, ErrOrder)
	}
	var keys []uuid.UUID
	err := k.inTx(ctx, func(tx pgx.Tx) error {
		if err := k.openFences(ctx, tx, tenant, subjects); err != nil {
			return err
		}
		now, err := lockFences(ctx, tx, tenant, subjects, "UPDATE")
		if err != nil {
			return err
		}
		for _, at := range now {
			if at.Fence == FenceErased {
				return ErrSubjectErased
			}
			if to == FenceOpen && at.Fence != FenceOpen && at.Case != underCase {
				return ErrOtherCase
			}
		}
		if _, err := tx.Exec(ctx, to.statement(), [16]byte(tenant), subjects, [16]byte(underCase), k.stamp()); err != nil {
			return err
		}
		if keys, err = livingKeys(ctx, tx, tenant, subjects); err != nil {
			return err
		}
		return k.revoke(ctx, tx, to.act(), tenant, underCase, keys)
	})
	k.cache.forget(keys) // also when the outcome of the commit is unknown
	if err != nil {
		return fmt.Errorf("set the fence to %s: %w", to, err)
	}
	return nil
}

// statement changes the fences $2 of tenant $1 under case $3 at $4.
func (f Fence) statement() string {
	change := `fence = 'closing', case_id = $3`
	switch f {
	case FenceOpen:
		change = `fence = CASE WHEN restricted_case <> $3 THEN 'restricted' ELSE 'open' END,
			case_id = nullif(restricted_case, $3), restricted_case = nullif(restricted_case, $3)`
	case FenceRestricted:
		change = `fence = 'restricted', case_id = $3, restricted_case = $3`
	}
	return `UPDATE subject SET changed_at = $4, ` + change + ` WHERE tenant = $1 AND subject = ANY ($2::uuid[])`
}

// act is what setting the fence takes from holders. One that is opened takes
// nothing, and holders learn of it as they would of a restriction.
func (f Fence) act() act {
	if f == FenceClosing {
		return actClose
	}
	return actRestrict
}

// livingKeys locks the keys of subjects in one order for everybody.
func livingKeys(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, subjects []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT key_id FROM dek WHERE tenant = $1 AND subject = ANY ($2::uuid[])
		ORDER BY key_id FOR UPDATE`, [16]byte(tenant), subjects)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanID)
}
