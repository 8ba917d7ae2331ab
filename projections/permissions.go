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

// What may the app do on which phone, and what for?
//
// One row for each device and permission, with the latest word.
func permissions() Projection {
	return Projection{
		Name: "permissions", Question: "What may the app do on which phone, and what for?", Version: 1,
		Tables: []string{"device_permission"},
		Schema: `
CREATE TABLE device_permission (
	tenant_id uuid NOT NULL,
	device_id uuid NOT NULL,
	permission text COLLATE "C" NOT NULL,
	work_id uuid, -- whose phone; null for a kiosk
	state text NOT NULL,
	purpose text NOT NULL,
	reported_at timestamptz NOT NULL,
	position bigint NOT NULL, -- of the latest report
	PRIMARY KEY (tenant_id, device_id, permission)
);`,
		Apply: applyPermissions, expire: expireWorks("device_permission"),
	}
}

func applyPermissions(ctx context.Context, tx pgx.Tx, page Page) error {
	type key struct {
		tenant, device uuid.UUID
		permission     eventschema.Permission
	}
	latest := map[key]map[string]any{}
	for i := range page.Events {
		d := &page.Events[i]
		e, ok := d.Event.(*eventschema.PermissionsReported)
		if !ok {
			continue
		}
		for _, p := range e.Permissions {
			latest[key{d.Meta.Tenant, e.DeviceID, p.Permission}] = map[string]any{
				"tenant_id": d.Meta.Tenant, "device_id": e.DeviceID, "permission": storable(string(p.Permission)), "work_id": nonNil(e.WorkID),
				"state": storable(string(p.State)), "purpose": storable(p.Purpose), "reported_at": e.ReportedAt, "position": d.Position,
			}
		}
	}
	if len(latest) == 0 {
		return nil
	}
	rows := make([]map[string]any, 0, len(latest))
	for _, row := range latest {
		rows = append(rows, row)
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO device_permission SELECT * FROM json_populate_recordset(NULL::device_permission, $1::json)
ON CONFLICT (tenant_id, device_id, permission) DO UPDATE SET
	state = EXCLUDED.state, purpose = EXCLUDED.purpose, reported_at = EXCLUDED.reported_at, position = EXCLUDED.position`, string(encoded)); err != nil {
		return fmt.Errorf("upsert permissions: %w", err)
	}
	return nil
}

// DevicePermission is one permission of one device.
type DevicePermission struct {
	DeviceID, WorkID uuid.UUID // nil work id for a kiosk
	Permission       eventschema.Permission
	State            eventschema.PermissionVerdict
	Purpose          string
	ReportedAt       time.Time // UTC
	Position         uint64
}

// DevicePermissions lists the permissions of the devices of a work record, or with the
// nil id of all, by device and permission, behind a device.
func DevicePermissions(ctx context.Context, q Querier, tenant, work, after uuid.UUID) ([]DevicePermission, error) {
	rows, err := q.Query(ctx, `
SELECT device_id, COALESCE(work_id, `+noID+`), permission, state, purpose, reported_at, position FROM device_permission
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR work_id = $2) AND device_id > $3 ORDER BY device_id, permission`, tenant, nonNil(work), after)
	if err != nil {
		return nil, fmt.Errorf("query permissions of devices: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p DevicePermission, err error) {
		var position int64
		err = row.Scan(&p.DeviceID, &p.WorkID, &p.Permission, &p.State, &p.Purpose, &p.ReportedAt, &position)
		p.Position, p.ReportedAt = uint64(position), p.ReportedAt.UTC()
		return p, err
	})
}
