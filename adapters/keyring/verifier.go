package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tracekeep/eventschema"
)

// VerifierRole is the Postgres role that [Keyring.AdmitVerifier] makes. It sees
// which keys and tokens there are, and no key.
const VerifierRole = "tracekeep_verifier"

// Verifier looks into a key store with rights and a connection of its own. It
// holds no key and caches nothing: what it answers is what the database says now.
type Verifier struct {
	pool *pgxpool.Pool
}

// AdmitVerifier makes [VerifierRole] and gives it what a [Verifier] needs. It is
// idempotent. The account of the key store must be allowed to make roles;
// otherwise an administrator does what this does.
func (k *Keyring) AdmitVerifier(ctx context.Context) error {
	err := k.inTx(ctx, func(tx pgx.Tx) error {
		// Roles belong to the whole cluster: two databases may be prepared at once.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('`+VerifierRole+`'))`); err != nil {
			return err
		}
		var known bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '`+VerifierRole+`')`).Scan(&known); err != nil {
			return err
		}
		if !known {
			if _, err := tx.Exec(ctx, `CREATE ROLE `+VerifierRole+` LOGIN`); err != nil {
				return err
			}
		}
		for _, grant := range []string{
			`GRANT SELECT (key_id, tenant, subject, purpose, item, period, created_at) ON dek TO ` + VerifierRole,
			`GRANT SELECT (key_id, tenant, case_id, purpose) ON tombstone TO ` + VerifierRole,
			`GRANT SELECT (tenant, purpose, person, work) ON lookup TO ` + VerifierRole,
		} {
			if _, err := tx.Exec(ctx, grant); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("admit the verifier: %w", err)
	}
	return nil
}

// OpenVerifier connects to the database of a key store. The caller closes it.
func OpenVerifier(ctx context.Context, url string) (*Verifier, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open the verifier: %w", err)
	}
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the verifier: %w", err)
	}
	return &Verifier{pool: pool}, nil
}

// Close ends the connections.
func (v *Verifier) Close() { v.pool.Close() }

// Try says what the key store can do with an old envelope: [eventschema.StateErased]
// with the case when its key is destroyed, [eventschema.StateSealed] when the key
// lives. An envelope whose key is unknown, or was made later than the moment
// given, is [ErrNoKey].
func (v *Verifier) Try(ctx context.Context, tenant uuid.UUID, envelope []byte, madeBefore time.Time) (eventschema.Opening, error) {
	h, err := parseEnvelope(envelope)
	if err != nil {
		return eventschema.Opening{}, fmt.Errorf("try an envelope: %w", err)
	}
	opening := eventschema.Opening{State: eventschema.StateErased}
	var living bool
	row := v.pool.QueryRow(ctx, `
		SELECT true, '00000000-0000-0000-0000-000000000000'::uuid FROM dek WHERE tenant = $1 AND key_id = $2 AND created_at <= $3
		UNION ALL SELECT false, case_id FROM tombstone WHERE tenant = $1 AND key_id = $2`, [16]byte(tenant), [16]byte(h.keyID), madeBefore)
	switch err := row.Scan(&living, into(&opening.Case)); {
	case errors.Is(err, pgx.ErrNoRows):
		return eventschema.Opening{}, fmt.Errorf("try an envelope: key %s: %w", h.keyID, ErrNoKey)
	case err != nil:
		return eventschema.Opening{}, fmt.Errorf("try an envelope: %w", err)
	}
	if living {
		opening.State = eventschema.StateSealed
	}
	return opening, nil
}

// Remains counts what an order should have left nothing of: living keys, and
// tokens that still find a subject. Keys made later than the moment given are
// others: consent that was withdrawn may have been given again.
func (v *Verifier) Remains(ctx context.Context, order Order, madeBefore time.Time) (keys, lookups int, err error) {
	due := unroll(order.Destroy)
	row := v.pool.QueryRow(ctx, `
		WITH t AS (SELECT * FROM `+targeted+`)
		SELECT (SELECT count(*) FROM dek d WHERE tenant = $1 AND created_at <= $7 AND (d.subject = ANY ($6::uuid[])
		            OR EXISTS (SELECT FROM t WHERE `+isTarget+`))),
		       (SELECT count(*) FROM lookup l WHERE tenant = $1 AND (l.person = ANY ($6::uuid[]) OR l.work = ANY ($6::uuid[])
		            OR EXISTS (SELECT FROM t WHERE t.subject IN (l.person, l.work) AND t.purpose IN ('', l.purpose) AND t.item = $8 AND t.period = '')))`,
		[16]byte(order.Tenant), due.subjects, due.purposes, due.items, due.periods, order.Erase, madeBefore, [16]byte(uuid.Nil))
	if err := row.Scan(&keys, &lookups); err != nil {
		return 0, 0, fmt.Errorf("look for what remains of case %s: %w", order.Case, err)
	}
	return keys, lookups, nil
}

// RestrictedUnder lists the subjects whose keys a case restricted. After an
// erasure this is the one way to the work record: the link in the events is
// sealed under a key that is gone.
func (k *Keyring) RestrictedUnder(ctx context.Context, tenant, underCase uuid.UUID) ([]uuid.UUID, error) {
	rows, err := k.pool.Query(ctx, `SELECT subject FROM subject WHERE tenant = $1 AND restricted_case = $2 ORDER BY subject`,
		[16]byte(tenant), [16]byte(underCase))
	if err != nil {
		return nil, fmt.Errorf("subjects restricted under case %s: %w", underCase, err)
	}
	subjects, err := pgx.CollectRows(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("subjects restricted under case %s: %w", underCase, err)
	}
	return subjects, nil
}
