package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which fields of its own does a tenant keep of people, and what for?
func fields() Projection {
	return Projection{
		Name: "fields", Question: "Which fields of its own does a tenant keep of people, and what for?", Version: 1,
		Tables: []string{"person_field"},
		Schema: `
CREATE TABLE person_field (
	tenant_id uuid NOT NULL,
	code text NOT NULL,
	label text NOT NULL,
	purpose text NOT NULL,
	sensitivity text NOT NULL,
	kind text NOT NULL,
	choices text[] NOT NULL,
	max_length integer NOT NULL,
	defined_at timestamptz NOT NULL,
	defined_position bigint NOT NULL, -- no earlier event holds a value of the field
	retired_at timestamptz,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, code)
);`,
		Apply: applyFields,
	}
}

// applyFields writes one row at a time: fields are few, and seldom change.
func applyFields(ctx context.Context, tx pgx.Tx, page Page) error {
	var batch pgx.Batch
	for i := range page.Events {
		d := &page.Events[i]
		tenant, position := d.Meta.Tenant, int64(d.Position)
		switch e := d.Event.(type) {
		case *eventschema.FieldDefined:
			batch.Queue(`
INSERT INTO person_field (tenant_id, code, label, purpose, sensitivity, kind, choices, max_length, defined_at, defined_position, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING`,
				tenant, storable(e.Field), storable(e.Label), storable(string(e.Purpose)), storable(string(e.Sensitivity)), storable(string(e.Kind)), storableAll(e.Choices), e.MaxLength, e.DefinedAt, position)
		case *eventschema.FieldChanged:
			batch.Queue(`
UPDATE person_field SET label = $3, sensitivity = $4, choices = $5, max_length = $6, position = $7 WHERE tenant_id = $1 AND code = $2`,
				tenant, storable(e.Field), storable(e.Label), storable(string(e.Sensitivity)), storableAll(e.Choices), e.MaxLength, position)
		case *eventschema.FieldRetired:
			batch.Queue(`UPDATE person_field SET retired_at = $3, position = $4 WHERE tenant_id = $1 AND code = $2`, tenant, storable(e.Field), e.RetiredAt, position)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write fields of people: %w", err)
	}
	return nil
}

func storableAll(texts []string) []string {
	kept := make([]string, len(texts))
	for i, text := range texts {
		kept[i] = storable(text)
	}
	return kept
}

// Field is one field that a tenant keeps of people.
type Field struct {
	Code        string
	Label       string
	Purpose     eventschema.Purpose
	Sensitivity eventschema.Sensitivity
	Kind        eventschema.FieldKind
	Choices     []string
	MaxLength   int
	DefinedAt   time.Time
	Defined     uint64     // position; no earlier event holds a value of the field
	RetiredAt   *time.Time // nil: in use
	Position    uint64     // of its last event
}

// Fields lists the fields of a tenant by code, those that are retired included.
func Fields(ctx context.Context, q Querier, tenant uuid.UUID) ([]Field, error) {
	rows, err := q.Query(ctx, `
SELECT code, label, purpose, sensitivity, kind, choices, max_length, defined_at, defined_position, retired_at, position
FROM person_field WHERE tenant_id = $1 ORDER BY code COLLATE "C"`, tenant)
	if err != nil {
		return nil, fmt.Errorf("query fields of people: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Field, err error) {
		var defined, position int64
		err = row.Scan(&f.Code, &f.Label, &f.Purpose, &f.Sensitivity, &f.Kind, &f.Choices, &f.MaxLength, &f.DefinedAt, &defined, &f.RetiredAt, &position)
		f.Defined, f.Position, f.DefinedAt, f.RetiredAt = uint64(defined), uint64(position), f.DefinedAt.UTC(), utc(f.RetiredAt)
		return f, err
	})
}
