package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which hours were declared without times of day, and what counts of them?
//
// A declaration counts as it was declared until a correction says otherwise; the
// latest one does. What was declared stays beside it.
func declaredHours() Projection {
	return Projection{
		Name: "declared_hours", Question: "Which hours were declared without times of day, and what counts of them?", Version: 2,
		Tables: []string{"declared_hours"},
		Schema: `
CREATE TABLE declared_hours (
	tenant_id uuid NOT NULL,
	declaration_id uuid NOT NULL,
	work_id uuid NOT NULL,
	work_date date, -- local date at the site; null until the declaration itself is told
	zone text,
	origin text,
	declared_seconds integer,
	declared_job text, -- empty: none was named
	corrected_seconds integer, -- of the latest correction
	corrected_job text, -- of the latest correction that says one; empty: for none
	voided boolean, -- by the latest correction
	corrected_by uuid,
	correction_reason text,
	declared_at bigint, -- position of the declaration
	corrected_at bigint, -- position of the latest correction
	position bigint NOT NULL, -- of the latest event of the declaration
	PRIMARY KEY (tenant_id, declaration_id)
);`,
		Indexes: `
CREATE INDEX declared_hours_by_date ON declared_hours (tenant_id, work_date);
CREATE INDEX declared_hours_by_work ON declared_hours (work_id, work_date);`,
		Apply: applyDeclared, expire: expireWorks("declared_hours"),
	}
}

func applyDeclared(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.HoursDeclared:
			rows.add(d, "declaration_id", e.DeclarationID, map[string]any{
				"work_id": e.WorkID, "work_date": e.WorkDate, "zone": storable(e.Zone), "origin": storable(e.Origin), "declared_seconds": e.Seconds, "declared_job": storable(e.Job), "declared_at": d.Position,
			})
		case *eventschema.DeclarationCorrected:
			columns := map[string]any{
				"work_id": e.WorkID, "corrected_seconds": e.Seconds, "voided": e.Void, "corrected_by": e.CorrectedBy, "correction_reason": storable(string(e.Reason)), "corrected_at": d.Position,
			}
			if e.Job != nil {
				columns["corrected_job"] = storable(*e.Job)
			}
			rows.add(d, "declaration_id", e.DeclarationID, columns)
		}
	}
	if err := rows.upsert(ctx, tx, "declared_hours", "declaration_id", []string{
		"work_id", "work_date", "zone", "origin", "declared_seconds", "declared_job", "corrected_seconds", "corrected_job", "voided", "corrected_by", "correction_reason", "declared_at", "corrected_at",
	}); err != nil {
		return fmt.Errorf("upsert declared hours: %w", err)
	}
	return nil
}

// declaredCounting selects what counts, as hours of work ids and dates.
func declaredCounting(schema string) string {
	return `(SELECT tenant_id, work_id, work_date, declaration_id, COALESCE(corrected_seconds, declared_seconds) AS seconds
	FROM ` + schema + `declared_hours WHERE declared_seconds IS NOT NULL AND voided IS NOT TRUE)`
}

// Declaration is hours that were declared for a day, as they count, beside what was
// declared.
type Declaration struct {
	ID       uuid.UUID
	WorkID   uuid.UUID
	WorkDate string // 2006-01-02
	Zone     string
	Origin   string // by what it was declared
	Seconds  int64  // meaningless while Voided
	Declared int64  // seconds
	Job      string // code; empty: for none
	Named    string // the job that was declared
	Voided   bool
	// CorrectedBy and Reason are of the latest correction, nil and empty without one.
	CorrectedBy *uuid.UUID
	Reason      eventschema.CorrectionReason
	// Position is that of the declaration, Corrected of its latest correction, 0 without one.
	Position, Corrected uint64
}

const declarationQuery = `
SELECT declaration_id, work_id, work_date::text, zone, origin, COALESCE(corrected_seconds, declared_seconds), declared_seconds, COALESCE(corrected_job, declared_job, ''), COALESCE(declared_job, ''), voided IS TRUE, corrected_by,
	COALESCE(correction_reason, ''), declared_at, COALESCE(corrected_at, 0) FROM declared_hours`

// DeclaredHours lists the declarations of some days that count, by work id and date.
func DeclaredHours(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]Declaration, error) {
	return scanDeclarations(q.Query(ctx, declaredQuery(days), days.args(tenant)...))
}

func declaredQuery(days Days) string {
	return declarationQuery + days.bounds() + `AND declared_seconds IS NOT NULL AND voided IS NOT TRUE
ORDER BY work_id, work_date, declaration_id`
}

// Declarations lists those that count and those that are void, by work id and date.
func Declarations(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]Declaration, error) {
	return scanDeclarations(q.Query(ctx, declarationQuery+days.bounds()+`AND declared_seconds IS NOT NULL ORDER BY work_id, work_date, declaration_id`, days.args(tenant)...))
}

// DeclarationByID finds one declaration, or answers [ErrNotFound].
func DeclarationByID(ctx context.Context, q Querier, tenant, declaration uuid.UUID) (Declaration, error) {
	return one(scanDeclarations(q.Query(ctx, declarationQuery+` WHERE tenant_id = $1 AND declaration_id = $2 AND declared_seconds IS NOT NULL`, tenant, declaration)))
}

func scanDeclarations(rows pgx.Rows, err error) ([]Declaration, error) {
	if err != nil {
		return nil, fmt.Errorf("query declared hours: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Declaration, err error) {
		return d, row.Scan(&d.ID, &d.WorkID, &d.WorkDate, &d.Zone, &d.Origin, &d.Seconds, &d.Declared, &d.Job, &d.Named, &d.Voided, &d.CorrectedBy, &d.Reason, &d.Position, &d.Corrected)
	})
}
