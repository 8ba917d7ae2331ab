package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who outside was given values of a person, on which ground?
func disclosures() Projection {
	return Projection{
		Name: "disclosures", Question: "Who outside was given values of a person, on which ground?", Version: 1,
		Tables: []string{"disclosure"},
		Schema: `
CREATE TABLE disclosure (
	tenant_id uuid NOT NULL,
	disclosure_id uuid NOT NULL,
	person_id uuid,
	recipient text,
	ground text,
	interest text,
	purposes json,
	instrument text,
	reference text,
	disclosed_at timestamptz,
	disclosed_by uuid,
	approved_by uuid,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, disclosure_id)
);
CREATE INDEX disclosure_by_person ON disclosure (tenant_id, person_id, position);`,
		Apply: applyDisclosures,
	}
}

func applyDisclosures(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		if e, ok := d.Event.(*eventschema.DisclosureRecorded); ok {
			rows.add(d, "disclosure_id", e.DisclosureID, map[string]any{
				"person_id": e.PersonID, "recipient": storable(e.Recipient), "ground": storable(string(e.Ground)), "interest": storable(e.Interest),
				"purposes": list(e.Purposes), "instrument": storable(e.Instrument), "reference": storable(e.Reference),
				"disclosed_at": e.DisclosedAt, "disclosed_by": e.DisclosedBy, "approved_by": nonNil(e.ApprovedBy),
			})
		}
	}
	err := rows.upsert(ctx, tx, "disclosure", "disclosure_id", []string{
		"person_id", "recipient", "ground", "interest", "purposes", "instrument", "reference", "disclosed_at", "disclosed_by", "approved_by",
	})
	if err != nil {
		return fmt.Errorf("upsert disclosures: %w", err)
	}
	return nil
}

// Disclosure is one disclosure.
type Disclosure struct {
	DisclosureID uuid.UUID
	PersonID     uuid.UUID
	Recipient    string
	Ground       eventschema.DisclosureGround
	Interest     string
	Purposes     []eventschema.Purpose
	Instrument   string
	Reference    string
	DisclosedAt  time.Time
	DisclosedBy  uuid.UUID
	ApprovedBy   uuid.UUID // nil where no second person was needed
	Position     uint64
}

// DisclosuresOf lists what was disclosed of one person, oldest first.
func DisclosuresOf(ctx context.Context, q Querier, tenant, person uuid.UUID) ([]Disclosure, error) {
	rows, err := q.Query(ctx, `
SELECT disclosure_id, person_id, recipient, ground, interest, purposes, instrument, reference, disclosed_at, disclosed_by, COALESCE(approved_by, `+noID+`), position
FROM disclosure WHERE tenant_id = $1 AND person_id = $2 ORDER BY position`, tenant, person)
	if err != nil {
		return nil, fmt.Errorf("query disclosures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Disclosure, err error) {
		var position int64
		err = row.Scan(&d.DisclosureID, &d.PersonID, &d.Recipient, &d.Ground, &d.Interest, &d.Purposes, &d.Instrument, &d.Reference,
			&d.DisclosedAt, &d.DisclosedBy, &d.ApprovedBy, &position)
		d.Position, d.DisclosedAt = uint64(position), d.DisclosedAt.UTC()
		return d, err
	})
}
