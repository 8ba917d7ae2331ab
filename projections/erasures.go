package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which erasures were asked for, by whom approved, what became of them?
func erasures() Projection {
	return Projection{
		Name: "erasures", Question: "Which erasures were asked for, by whom approved, what became of them?", Version: 1,
		Tables: []string{"erasure"},
		Schema: `
CREATE TABLE erasure (
	tenant_id uuid NOT NULL,
	case_id uuid NOT NULL,
	person_id uuid,
	scope text,
	claim_hash text,
	requested_at timestamptz,
	requested_by uuid,
	approved_at timestamptz,
	approved_by uuid,
	destroyed_at timestamptz,
	destroyed_keys integer,
	destroyed_lookups integer,
	retained json, -- as in the event; read whole
	certified_at timestamptz,
	leaf bigint,
	leaf_position bigint,
	certificate text,
	state text GENERATED ALWAYS AS (CASE
		WHEN certified_at IS NOT NULL THEN 'certified'
		WHEN destroyed_at IS NOT NULL THEN 'destroyed'
		WHEN approved_at IS NOT NULL THEN 'approved'
		ELSE 'requested' END) STORED,
	position bigint NOT NULL, -- of the latest event of the case
	PRIMARY KEY (tenant_id, case_id)
);
CREATE INDEX erasure_by_person ON erasure (tenant_id, person_id);`,
		Apply: applyErasures,
	}
}

// erasureRow holds what one page says of a case; nil where it says nothing.
type erasureRow struct {
	person    *uuid.UUID
	requested *eventschema.ErasureRequested
	approved  *eventschema.ErasureApproved
	destroyed *eventschema.KeysDestroyed
	certified *eventschema.ErasureCertified
	position  uint64
}

func applyErasures(ctx context.Context, tx pgx.Tx, page Page) error {
	cases := map[workKey]*erasureRow{}
	row := func(d *eventschema.Decoded, id uuid.UUID) *erasureRow {
		key := workKey{d.Meta.Tenant, id}
		if cases[key] == nil {
			cases[key] = new(erasureRow)
		}
		cases[key].position = d.Position
		return cases[key]
	}
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.ErasureRequested:
			r := row(d, e.CaseID)
			r.requested, r.person = e, &e.PersonID
		case *eventschema.ErasureApproved:
			row(d, e.CaseID).approved = e
		case *eventschema.KeysDestroyed:
			r := row(d, e.CaseID)
			r.destroyed, r.person = e, &e.PersonID
		case *eventschema.ErasureCertified:
			r := row(d, e.CaseID)
			r.certified, r.person = e, &e.PersonID
		}
	}
	if len(cases) == 0 {
		return nil
	}
	if err := upsertErasures(ctx, tx, cases); err != nil {
		return fmt.Errorf("upsert erasures: %w", err)
	}
	return nil
}

// upsertErasures writes the page's cases over what stands. Cases are few, so
// the rows travel as one JSON array, which keeps their many columns together.
func upsertErasures(ctx context.Context, tx pgx.Tx, cases map[workKey]*erasureRow) error {
	rows := make([]map[string]any, 0, len(cases))
	for key, r := range cases {
		row := map[string]any{"tenant_id": key.tenant, "case_id": key.work, "position": r.position, "person_id": r.person}
		if e := r.requested; e != nil {
			row["scope"], row["claim_hash"] = storable(string(e.Scope)), storable(e.ClaimHash)
			row["requested_at"], row["requested_by"] = e.RequestedAt, e.RequestedBy
		}
		if e := r.approved; e != nil {
			row["approved_at"], row["approved_by"] = e.ApprovedAt, e.ApprovedBy
		}
		if e := r.destroyed; e != nil {
			row["destroyed_at"], row["destroyed_keys"], row["destroyed_lookups"] = e.DestroyedAt, len(e.Keys), e.Lookups
			row["retained"] = e.Retained
		}
		if e := r.certified; e != nil {
			row["certified_at"], row["certificate"] = e.CertifiedAt, storable(e.Certificate)
			row["leaf"], row["leaf_position"] = e.Leaf, e.Position
		}
		rows = append(rows, row)
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	const columns = `person_id, scope, claim_hash, requested_at, requested_by, approved_at, approved_by,
destroyed_at, destroyed_keys, destroyed_lookups, retained, certified_at, leaf, leaf_position, certificate`
	_, err = tx.Exec(ctx, `
INSERT INTO erasure AS c (tenant_id, case_id, position, `+columns+`)
SELECT tenant_id, case_id, position, `+columns+` FROM json_populate_recordset(NULL::erasure, $1::json)
ON CONFLICT (tenant_id, case_id) DO UPDATE SET
	position = EXCLUDED.position, person_id = COALESCE(EXCLUDED.person_id, c.person_id),
	scope = COALESCE(EXCLUDED.scope, c.scope), claim_hash = COALESCE(EXCLUDED.claim_hash, c.claim_hash),
	requested_at = COALESCE(EXCLUDED.requested_at, c.requested_at), requested_by = COALESCE(EXCLUDED.requested_by, c.requested_by),
	approved_at = COALESCE(EXCLUDED.approved_at, c.approved_at), approved_by = COALESCE(EXCLUDED.approved_by, c.approved_by),
	destroyed_at = COALESCE(EXCLUDED.destroyed_at, c.destroyed_at), destroyed_keys = COALESCE(EXCLUDED.destroyed_keys, c.destroyed_keys),
	destroyed_lookups = COALESCE(EXCLUDED.destroyed_lookups, c.destroyed_lookups), retained = COALESCE(EXCLUDED.retained, c.retained),
	certified_at = COALESCE(EXCLUDED.certified_at, c.certified_at), leaf = COALESCE(EXCLUDED.leaf, c.leaf),
	leaf_position = COALESCE(EXCLUDED.leaf_position, c.leaf_position), certificate = COALESCE(EXCLUDED.certificate, c.certificate)`, string(encoded))
	return err
}

// ErasureState is how far a case has come.
type ErasureState string

// The states, in order.
const (
	ErasureRequested ErasureState = "requested"
	ErasureApproved  ErasureState = "approved"
	ErasureDestroyed ErasureState = "destroyed" // the point of no return is passed
	ErasureCertified ErasureState = "certified"
)

// Erasure is one case of the register.
type Erasure struct {
	CaseID      uuid.UUID
	PersonID    uuid.UUID
	Scope       eventschema.ErasureScope
	State       ErasureState
	ClaimHash   string
	RequestedAt *time.Time
	RequestedBy *uuid.UUID
	ApprovedAt  *time.Time
	ApprovedBy  *uuid.UUID
	DestroyedAt *time.Time
	Keys        int // destroyed
	Lookups     int // removed
	Retained    []eventschema.Retained
	CertifiedAt *time.Time
	// Leaf and LeafPosition are the place of the destruction in the trail;
	// meaningless before CertifiedAt.
	Leaf         uint64
	LeafPosition uint64
	Certificate  string // a signed note
	Position     uint64 // of the latest event of the case
}

const erasureQuery = `
SELECT case_id, COALESCE(person_id, '00000000-0000-0000-0000-000000000000'), COALESCE(scope, ''), state, COALESCE(claim_hash, ''),
	requested_at, requested_by, approved_at, approved_by, destroyed_at, COALESCE(destroyed_keys, 0), COALESCE(destroyed_lookups, 0),
	retained, certified_at, COALESCE(leaf, 0), COALESCE(leaf_position, 0), COALESCE(certificate, ''), position
FROM erasure WHERE tenant_id = $1 `

// ErasureByCase finds one case, or answers [ErrNotFound].
func ErasureByCase(ctx context.Context, q Querier, tenant, erasureCase uuid.UUID) (Erasure, error) {
	return one(scanErasures(q.Query(ctx, erasureQuery+`AND case_id = $2`, tenant, erasureCase)))
}

// ErasuresOf lists the cases of one person, the latest first.
func ErasuresOf(ctx context.Context, q Querier, tenant, person uuid.UUID) ([]Erasure, error) {
	return scanErasures(q.Query(ctx, erasureQuery+`AND person_id = $2 ORDER BY position DESC`, tenant, person))
}

// Erasures lists the register, the case with the latest event first, at most
// limit of them. before is the position to continue at, or 0 to start.
func Erasures(ctx context.Context, q Querier, tenant uuid.UUID, before uint64, limit int) ([]Erasure, error) {
	return scanErasures(q.Query(ctx, erasureQuery+`AND ($2 = 0 OR position < $2) ORDER BY position DESC LIMIT $3`, tenant, int64(before), limit))
}

func scanErasures(rows pgx.Rows, err error) ([]Erasure, error) {
	if err != nil {
		return nil, fmt.Errorf("query erasures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Erasure, err error) {
		var leaf, leafPosition, position int64
		err = row.Scan(&e.CaseID, &e.PersonID, &e.Scope, &e.State, &e.ClaimHash, &e.RequestedAt, &e.RequestedBy, &e.ApprovedAt, &e.ApprovedBy,
			&e.DestroyedAt, &e.Keys, &e.Lookups, &e.Retained, &e.CertifiedAt, &leaf, &leafPosition, &e.Certificate, &position)
		e.Leaf, e.LeafPosition, e.Position = uint64(leaf), uint64(leafPosition), uint64(position)
		e.RequestedAt, e.ApprovedAt, e.DestroyedAt, e.CertifiedAt = utc(e.RequestedAt), utc(e.ApprovedAt), utc(e.DestroyedAt), utc(e.CertifiedAt)
		return e, err
	})
}
