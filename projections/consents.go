package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who consents to what now?
//
// One row for each work id and purpose: the latest giving, and the withdrawal
// that ended it.
func consents() Projection {
	return Projection{
		Name: "consents", Question: "Who consents to what now?", Version: 1,
		Tables: []string{"consent"},
		Schema: `
CREATE TABLE consent (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	given_at timestamptz,
	withdrawn_at timestamptz, -- empty while consent stands
	notice_version text,
	language text,
	method text,
	position bigint NOT NULL, -- of the event that decides
	PRIMARY KEY (tenant_id, work_id, purpose)
);`,
		Apply: applyConsents, expire: expireWorks("consent"),
	}
}

type consentKey struct {
	workKey
	purpose eventschema.Purpose
}

type consentRow struct {
	given     *eventschema.ConsentGiven // nil when the page only withdraws
	withdrawn *time.Time
	position  uint64
}

func applyConsents(ctx context.Context, tx pgx.Tx, page Page) error {
	last := map[consentKey]*consentRow{}
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.ConsentGiven:
			last[consentKey{workKey{d.Meta.Tenant, e.WorkID}, e.Purpose}] = &consentRow{given: e, position: d.Position}
		case *eventschema.ConsentWithdrawn:
			key := consentKey{workKey{d.Meta.Tenant, e.WorkID}, e.Purpose}
			row := last[key]
			if row == nil {
				row = new(consentRow)
				last[key] = row
			}
			row.withdrawn, row.position = &e.WithdrawnAt, d.Position
		}
	}
	if len(last) == 0 {
		return nil
	}
	if err := upsertConsents(ctx, tx, last); err != nil {
		return fmt.Errorf("upsert consents: %w", err)
	}
	return nil
}

func upsertConsents(ctx context.Context, tx pgx.Tx, last map[consentKey]*consentRow) error {
	var tenants, works uuids
	var given, withdrawn []*time.Time
	var purposes []string
	var notices, languages, methods []*string
	var positions []int64
	for key, row := range last {
		tenants.add(key.tenant)
		works.add(key.work)
		purposes, withdrawn, positions = append(purposes, storable(string(key.purpose))), append(withdrawn, row.withdrawn), append(positions, int64(row.position))
		var at *time.Time
		var notice, language, method *string
		if row.given != nil {
			n, l, m := storable(row.given.NoticeVersion), storable(row.given.Language), storable(row.given.Method)
			at, notice, language, method = &row.given.GivenAt, &n, &l, &m
		}
		given, notices, languages, methods = append(given, at), append(notices, notice), append(languages, language), append(methods, method)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO consent AS c (tenant_id, work_id, purpose, given_at, withdrawn_at, notice_version, language, method, position)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bigint[])
ON CONFLICT (tenant_id, work_id, purpose) DO UPDATE SET
	given_at = COALESCE(EXCLUDED.given_at, c.given_at), withdrawn_at = EXCLUDED.withdrawn_at,
	notice_version = COALESCE(EXCLUDED.notice_version, c.notice_version), language = COALESCE(EXCLUDED.language, c.language),
	method = COALESCE(EXCLUDED.method, c.method), position = EXCLUDED.position`,
		tenants, works, purposes, given, withdrawn, notices, languages, methods, positions)
	return err
}

// Consent is the state of one consent.
type Consent struct {
	WorkID        uuid.UUID
	Purpose       eventschema.Purpose
	GivenAt       *time.Time // nil when only a withdrawal is on record
	WithdrawnAt   *time.Time // nil while consent stands
	NoticeVersion string
	Language      string
	Method        string
	Position      uint64
}

// Stands says whether consent is in force.
func (c Consent) Stands() bool { return c.GivenAt != nil && c.WithdrawnAt == nil }

// ConsentsOf lists the consents of one work id by purpose, ended ones included.
func ConsentsOf(ctx context.Context, q Querier, tenant, work uuid.UUID) ([]Consent, error) {
	rows, err := q.Query(ctx, `
SELECT work_id, purpose, given_at, withdrawn_at, COALESCE(notice_version, ''), COALESCE(language, ''), COALESCE(method, ''), position
FROM consent WHERE tenant_id = $1 AND work_id = $2 ORDER BY purpose`, tenant, work)
	if err != nil {
		return nil, fmt.Errorf("query consents: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Consent, err error) {
		var position int64
		err = row.Scan(&c.WorkID, &c.Purpose, &c.GivenAt, &c.WithdrawnAt, &c.NoticeVersion, &c.Language, &c.Method, &position)
		c.Position, c.GivenAt, c.WithdrawnAt = uint64(position), utc(c.GivenAt), utc(c.WithdrawnAt)
		return c, err
	})
}
