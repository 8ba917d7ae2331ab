package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which terminals may push their punches, for which station?
//
// When each was last heard is no event and so not here: see domain/decisions/0126.
func terminals() Projection {
	return Projection{
		Name: "terminals", Question: "Which terminals may push their punches, for which station?", Version: 2,
		Tables: []string{"terminal", "terminal_overlap"},
		Schema: `
CREATE TABLE terminal (
	tenant_id uuid NOT NULL,
	terminal_id uuid NOT NULL,
	serial text,
	station text,
	zone text,
	registered boolean, -- false once it is retired
	registered_at timestamptz,
	registered_by uuid,
	retired_at timestamptz, -- the last time
	waived_at timestamptz,
	waived_by uuid,
	waived_until timestamptz,
	position bigint NOT NULL, -- of the latest event of the terminal
	PRIMARY KEY (tenant_id, terminal_id)
);
CREATE TABLE terminal_overlap ( -- which instants local times meant that came twice
	tenant_id uuid NOT NULL,
	terminal_id uuid NOT NULL,
	reading text NOT NULL, -- a day, or a reading of the clock
	pass text NOT NULL,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, terminal_id, reading)
);`,
		Apply: applyTerminals,
	}
}

func applyTerminals(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.TerminalRegistered:
			rows.add(d, "terminal_id", e.TerminalID, map[string]any{
				"serial": storable(e.Serial), "station": storable(e.Station), "zone": storable(e.Zone), "registered": true,
				"registered_at": e.RegisteredAt, "registered_by": e.RegisteredBy,
			})
		case *eventschema.TerminalRetired:
			rows.add(d, "terminal_id", e.TerminalID, map[string]any{"registered": false, "retired_at": e.RetiredAt})
		case *eventschema.TerminalOverlapResolved:
			if _, err := tx.Exec(ctx, `
INSERT INTO terminal_overlap (tenant_id, terminal_id, reading, pass, position) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, terminal_id, reading) DO UPDATE SET pass = EXCLUDED.pass, position = EXCLUDED.position`,
				d.Meta.Tenant, e.TerminalID, storable(e.Reading), string(e.Pass), d.Position); err != nil {
				return fmt.Errorf("upsert overlaps of terminals: %w", err)
			}
		case *eventschema.TerminalBacklogWaived:
			rows.add(d, "terminal_id", e.TerminalID, map[string]any{"waived_at": e.WaivedAt, "waived_by": e.WaivedBy, "waived_until": e.Until})
		}
	}
	if err := rows.upsert(ctx, tx, "terminal", "terminal_id", []string{
		"serial", "station", "zone", "registered", "registered_at", "registered_by", "retired_at", "waived_at", "waived_by", "waived_until",
	}); err != nil {
		return fmt.Errorf("upsert terminals: %w", err)
	}
	return nil
}

// Terminal is one time clock that pushes its punches, or did.
type Terminal struct {
	TerminalID   uuid.UUID
	Serial       string
	Station      string
	Zone         string
	Registered   bool
	RegisteredAt time.Time
	RegisteredBy uuid.UUID
	RetiredAt    *time.Time // the last time, also of one that is registered again
	WaivedUntil  *time.Time
	Overlaps     map[string]eventschema.OverlapPass // by day or reading; nil where there are none
}

// Terminals lists the terminals that were ever registered, by station and serial number.
func Terminals(ctx context.Context, q Querier, tenant uuid.UUID) ([]Terminal, error) {
	rows, err := q.Query(ctx, `
SELECT terminal_id, serial, station, zone, registered, registered_at, registered_by, retired_at, waived_until,
	(SELECT jsonb_object_agg(reading, pass) FROM terminal_overlap o WHERE o.tenant_id = t.tenant_id AND o.terminal_id = t.terminal_id)
FROM terminal t WHERE tenant_id = $1 AND serial IS NOT NULL ORDER BY station, serial`, tenant)
	if err != nil {
		return nil, fmt.Errorf("query terminals: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Terminal, err error) {
		err = row.Scan(&t.TerminalID, &t.Serial, &t.Station, &t.Zone, &t.Registered, &t.RegisteredAt, &t.RegisteredBy, &t.RetiredAt, &t.WaivedUntil, &t.Overlaps)
		t.RegisteredAt, t.RetiredAt, t.WaivedUntil = t.RegisteredAt.UTC(), utc(t.RetiredAt), utc(t.WaivedUntil)
		return t, err
	})
}
