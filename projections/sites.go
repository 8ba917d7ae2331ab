package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which sites are there, and where are their fences?
func sites() Projection {
	return Projection{
		Name: "sites", Question: "Which sites are there, and where are their fences?", Version: 1,
		Tables: []string{"site"},
		Schema: `
CREATE TABLE site (
	tenant_id uuid NOT NULL,
	code text NOT NULL,
	zone text NOT NULL,
	-- of the fence; all empty without one
	latitude_microdegrees integer,
	longitude_microdegrees integer,
	radius_metres integer,
	stations text[] NOT NULL,
	defined_at timestamptz NOT NULL,
	closed_at timestamptz,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, code)
);`,
		Apply: applySites,
	}
}

// applySites writes one row at a time: sites are few, and seldom change.
func applySites(ctx context.Context, tx pgx.Tx, page Page) error {
	var batch pgx.Batch
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.SiteDefined:
			batch.Queue(`
INSERT INTO site (tenant_id, code, position, zone, latitude_microdegrees, longitude_microdegrees, radius_metres, stations, defined_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`, append(siteRow(d, e.Site, e.Zone, e.Fence, e.Stations), e.DefinedAt)...)
		case *eventschema.SiteChanged:
			batch.Queue(`
UPDATE site SET position = $3, zone = $4, latitude_microdegrees = $5, longitude_microdegrees = $6, radius_metres = $7, stations = $8
WHERE tenant_id = $1 AND code = $2`, siteRow(d, e.Site, e.Zone, e.Fence, e.Stations)...)
		case *eventschema.SiteClosed:
			batch.Queue(`UPDATE site SET position = $3, closed_at = $4 WHERE tenant_id = $1 AND code = $2`,
				d.Meta.Tenant, storable(e.Site), int64(d.Position), e.ClosedAt)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write sites: %w", err)
	}
	return nil
}

func siteRow(d *eventschema.Decoded, code, zone string, fence *eventschema.SiteFence, stations []string) []any {
	row := []any{d.Meta.Tenant, storable(code), int64(d.Position), storable(zone), nil, nil, nil}
	if fence != nil {
		row[4], row[5], row[6] = fence.LatitudeMicrodegrees, fence.LongitudeMicrodegrees, fence.RadiusMetres
	}
	names := make([]string, len(stations))
	for i, station := range stations {
		names[i] = storable(station)
	}
	return append(row, names)
}

// Site is one site.
type Site struct {
	Code      string
	Zone      string
	Fence     *eventschema.SiteFence // nil: none
	Stations  []string
	DefinedAt time.Time
	ClosedAt  *time.Time
	Position  uint64 // of its last event
}

// Sites lists the sites of a tenant by code, those that are closed included.
func Sites(ctx context.Context, q Querier, tenant uuid.UUID) ([]Site, error) {
	rows, err := q.Query(ctx, `
SELECT code, zone, COALESCE(latitude_microdegrees, 0), COALESCE(longitude_microdegrees, 0), COALESCE(radius_metres, 0), stations, defined_at, closed_at, position
FROM site WHERE tenant_id = $1 ORDER BY code`, tenant)
	if err != nil {
		return nil, fmt.Errorf("query sites: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Site, err error) {
		var fence eventschema.SiteFence
		var position int64
		err = row.Scan(&s.Code, &s.Zone, &fence.LatitudeMicrodegrees, &fence.LongitudeMicrodegrees, &fence.RadiusMetres, &s.Stations, &s.DefinedAt, &s.ClosedAt, &position)
		if fence.RadiusMetres > 0 {
			s.Fence = &fence
		}
		s.Position, s.DefinedAt, s.ClosedAt = uint64(position), s.DefinedAt.UTC(), utc(s.ClosedAt)
		return s, err
	})
}
