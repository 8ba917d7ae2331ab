package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Whose values may only be stored, since when and why?
func restrictions() Projection {
	return Projection{
		Name: "restrictions", Question: "Whose values may only be stored, since when and why?", Version: 1,
		Tables: []string{"restriction"},
		Schema: `
CREATE TABLE restriction (
	tenant_id uuid NOT NULL,
	case_id uuid NOT NULL,
	person_id uuid,
	ground text,
	requested_at timestamptz,
	restricted_at timestamptz,
	restricted_by uuid,
	outcome text, -- of an objection
	decided_at timestamptz,
	lifted_at timestamptz,
	position bigint NOT NULL, -- of the latest event of the case
	PRIMARY KEY (tenant_id, case_id)
);
CREATE INDEX restriction_by_person ON restriction (tenant_id, person_id);`,
		Apply: applyRestrictions,
	}
}

func applyRestrictions(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.ProcessingRestricted:
			rows.add(d, "case_id", e.CaseID, map[string]any{
				"person_id": e.PersonID, "ground": storable(string(e.Ground)), "requested_at": e.RequestedAt,
				"restricted_at": e.RestrictedAt, "restricted_by": e.RestrictedBy,
			})
		case *eventschema.ObjectionDecided:
			rows.add(d, "case_id", e.CaseID, map[string]any{"outcome": storable(string(e.Outcome)), "decided_at": e.DecidedAt})
		case *eventschema.RestrictionLifted:
			rows.add(d, "case_id", e.CaseID, map[string]any{"lifted_at": e.LiftedAt})
		}
	}
	err := rows.upsert(ctx, tx, "restriction", "case_id", []string{
		"person_id", "ground", "requested_at", "restricted_at", "restricted_by", "outcome", "decided_at", "lifted_at",
	})
	if err != nil {
		return fmt.Errorf("upsert restrictions: %w", err)
	}
	return nil
}

// Restriction is one case of restricted processing.
type Restriction struct {
	CaseID       uuid.UUID
	PersonID     uuid.UUID
	Ground       eventschema.RestrictionGround
	RequestedAt  *time.Time
	RestrictedAt *time.Time
	RestrictedBy uuid.UUID
	Outcome      eventschema.ObjectionOutcome
	DecidedAt    *time.Time
	LiftedAt     *time.Time
	Position     uint64
}

const restrictionQuery = `
SELECT case_id, COALESCE(person_id, ` + noID + `), COALESCE(ground, ''), requested_at, restricted_at, COALESCE(restricted_by, ` + noID + `),
	COALESCE(outcome, ''), decided_at, lifted_at, position
FROM restriction WHERE tenant_id = $1 `

// Restrictions lists the cases, the one with the latest event first, at most
// limit of them. before is the position to continue at, or 0 to start.
func Restrictions(ctx context.Context, q Querier, tenant uuid.UUID, before uint64, limit int) ([]Restriction, error) {
	return scanRestrictions(q.Query(ctx, restrictionQuery+`AND ($2 = 0 OR position < $2) ORDER BY position DESC LIMIT $3`, tenant, int64(before), limit))
}

// RestrictionsOf lists the cases of one person, the latest first.
func RestrictionsOf(ctx context.Context, q Querier, tenant, person uuid.UUID) ([]Restriction, error) {
	return scanRestrictions(q.Query(ctx, restrictionQuery+`AND person_id = $2 ORDER BY position DESC`, tenant, person))
}

func scanRestrictions(rows pgx.Rows, err error) ([]Restriction, error) {
	if err != nil {
		return nil, fmt.Errorf("query restrictions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Restriction, err error) {
		var position int64
		err = row.Scan(&r.CaseID, &r.PersonID, &r.Ground, &r.RequestedAt, &r.RestrictedAt, &r.RestrictedBy, &r.Outcome, &r.DecidedAt, &r.LiftedAt, &position)
		r.Position = uint64(position)
		for _, at := range []**time.Time{&r.RequestedAt, &r.RestrictedAt, &r.DecidedAt, &r.LiftedAt} {
			*at = utc(*at)
		}
		return r, err
	})
}
