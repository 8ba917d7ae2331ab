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

// Which devices send punches, for whom, and what did each send?
//
// What is odd about a batch or a counter is not stored: it follows from the rows,
// in whatever order they came in.
func devices() Projection {
	return Projection{
		Name: "devices", Question: "Which devices send punches, for whom, and what did each send?", Version: 1,
		Tables: []string{"device", "device_batch", "device_refusal"},
		Schema: `
CREATE TABLE device (
	tenant_id uuid NOT NULL,
	device_id uuid NOT NULL,
	owner_id uuid, -- of its stream
	work_id uuid, -- whose phone; null for a kiosk
	station text,
	site text,
	replaces uuid,
	public_key text,
	invited_at timestamptz,
	expires_at timestamptz, -- of the invitation
	enrolled_at timestamptz,
	enrolled_by uuid,
	revoked_at timestamptz,
	reason text, -- of the revocation
	position bigint NOT NULL, -- of the latest event of the device
	PRIMARY KEY (tenant_id, device_id)
);
CREATE TABLE device_batch (
	tenant_id uuid NOT NULL,
	batch_id uuid NOT NULL,
	device_id uuid NOT NULL,
	work_id uuid,
	sequence bigint NOT NULL,
	punches integer NOT NULL,
	first_counter bigint NOT NULL,
	last_counter bigint NOT NULL,
	sent_at timestamptz NOT NULL,
	received_at timestamptz NOT NULL,
	position bigint NOT NULL,
	PRIMARY KEY (batch_id, tenant_id)
);
CREATE INDEX device_batch_by_device ON device_batch (device_id, sequence);
CREATE TABLE device_refusal (
	tenant_id uuid NOT NULL,
	batch_id uuid NOT NULL,
	device_id uuid NOT NULL,
	work_id uuid,
	counter bigint NOT NULL,
	occurred_at timestamptz NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL,
	code text NOT NULL,
	received_at timestamptz NOT NULL,
	place integer NOT NULL, -- in what the batch says of it
	position bigint NOT NULL,
	PRIMARY KEY (batch_id, tenant_id, place)
);
CREATE INDEX device_refusal_by_device ON device_refusal (device_id, counter);`,
		byRecordTime: true, Apply: applyDevices, expire: expireWorks("device", "device_batch", "device_refusal"),
	}
}

func applyDevices(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	var batches, refusals []map[string]any
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.DeviceInvited:
			rows.add(d, "device_id", e.DeviceID, map[string]any{
				"owner_id": ownerIn(d), "work_id": nonNil(e.WorkID), "station": storable(e.Station), "site": storable(e.Site), "replaces": nonNil(e.Replaces),
				"invited_at": e.InvitedAt, "expires_at": e.ExpiresAt,
			})
		case *eventschema.DeviceEnrolled:
			rows.add(d, "device_id", e.DeviceID, map[string]any{
				"owner_id": ownerIn(d), "work_id": nonNil(e.WorkID), "station": storable(e.Station), "site": storable(e.Site), "replaces": nonNil(e.Replaces),
				"public_key": storable(e.PublicKey), "enrolled_at": e.EnrolledAt, "enrolled_by": e.EnrolledBy,
			})
		case *eventschema.DeviceRevoked:
			rows.add(d, "device_id", e.DeviceID, map[string]any{
				"owner_id": ownerIn(d), "work_id": nonNil(e.WorkID), "revoked_at": e.RevokedAt, "reason": storable(string(e.Reason)),
			})
		case *eventschema.BatchReceived:
			batches = append(batches, map[string]any{
				"tenant_id": d.Meta.Tenant, "batch_id": e.BatchID, "device_id": e.DeviceID, "work_id": nonNil(e.WorkID), "sequence": e.Sequence, "punches": e.Punches,
				"first_counter": e.FirstCounter, "last_counter": e.LastCounter, "sent_at": e.SentAt, "received_at": e.ReceivedAt, "position": d.Position,
			})
			for place, r := range e.Refused {
				refusals = append(refusals, map[string]any{
					"tenant_id": d.Meta.Tenant, "batch_id": e.BatchID, "device_id": e.DeviceID, "work_id": nonNil(e.WorkID), "counter": r.Counter,
					"occurred_at": r.OccurredAt, "direction": storable(string(r.Direction)), "kind": storable(string(r.Kind)), "code": storable(r.Code),
					"received_at": e.ReceivedAt, "place": place, "position": d.Position,
				})
			}
		}
	}
	if err := rows.upsert(ctx, tx, "device", "device_id", []string{
		"owner_id", "work_id", "station", "site", "replaces", "public_key", "invited_at", "expires_at", "enrolled_at", "enrolled_by", "revoked_at", "reason",
	}); err != nil {
		return fmt.Errorf("upsert devices: %w", err)
	}
	return insertBatches(ctx, tx, batches, refusals)
}

// ownerIn is the owner that the stream of an event is named after.
func ownerIn(d *eventschema.Decoded) any {
	stream, err := eventschema.ParseStreamName(d.Stream)
	if err != nil { // a stream of ours always has an owner
		return nil
	}
	return stream.ID
}

// insertBatches keeps the first word on a batch: one that was sent again under
// another date is on record twice. Refusals are those of the first, too.
func insertBatches(ctx context.Context, tx pgx.Tx, batches, refusals []map[string]any) error {
	if len(batches) == 0 {
		return nil
	}
	encoded, err := json.Marshal(batches)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO device_batch SELECT * FROM json_populate_recordset(NULL::device_batch, $1::json) ON CONFLICT DO NOTHING`, string(encoded)); err != nil {
		return fmt.Errorf("insert batches: %w", err)
	}
	if len(refusals) == 0 {
		return nil
	}
	if encoded, err = json.Marshal(refusals); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO device_refusal SELECT r.* FROM json_populate_recordset(NULL::device_refusal, $1::json) r
JOIN device_batch b ON b.tenant_id = r.tenant_id AND b.batch_id = r.batch_id AND b.position = r.position`, string(encoded)); err != nil {
		return fmt.Errorf("insert refusals of batches: %w", err)
	}
	return nil
}

// Device is one install of an app, or an invitation to enrol one.
type Device struct {
	DeviceID   uuid.UUID
	OwnerID    uuid.UUID
	WorkID     uuid.UUID // nil for a kiosk
	Station    string
	Site       string
	Replaces   uuid.UUID
	InvitedAt  *time.Time
	ExpiresAt  *time.Time
	EnrolledAt *time.Time
	EnrolledBy uuid.UUID
	RevokedAt  *time.Time
	Reason     eventschema.RevocationReason
	Position   uint64

	Batches  int
	Punches  int   // recorded
	Refused  int   // and not recorded since
	Counter  int64 // the highest that was seen
	Missing  int64 // counters below it that never came in
	LastSeen *time.Time
}

// State is invited, enrolled or revoked.
func (d Device) State() string {
	switch {
	case d.RevokedAt != nil:
		return "revoked"
	case d.EnrolledAt != nil:
		return "enrolled"
	}
	return "invited"
}

const deviceColumns = `
SELECT d.device_id, COALESCE(d.owner_id, ` + noID + `), COALESCE(d.work_id, ` + noID + `), COALESCE(d.station, ''), COALESCE(d.site, ''),
	COALESCE(d.replaces, ` + noID + `), d.invited_at, d.expires_at, d.enrolled_at, COALESCE(d.enrolled_by, ` + noID + `), d.revoked_at, COALESCE(d.reason, ''), d.position,
	(SELECT count(*) FROM device_batch b WHERE b.tenant_id = d.tenant_id AND b.device_id = d.device_id),
	(SELECT count(*) FROM arrival a WHERE a.tenant_id = d.tenant_id AND a.device_id = d.device_id),
	(SELECT count(DISTINCT r.counter) FROM device_refusal r WHERE r.tenant_id = d.tenant_id AND r.device_id = d.device_id AND NOT EXISTS (
		SELECT FROM arrival a WHERE a.tenant_id = r.tenant_id AND a.device_id = r.device_id AND a.counter = r.counter)),
	seen.highest, seen.highest - seen.counters,
	(SELECT max(b.received_at) FROM device_batch b WHERE b.tenant_id = d.tenant_id AND b.device_id = d.device_id)
FROM device d CROSS JOIN LATERAL (
	SELECT COALESCE(max(counter), 0) AS highest, count(*) AS counters FROM (
		SELECT counter FROM arrival a WHERE a.tenant_id = d.tenant_id AND a.device_id = d.device_id AND counter IS NOT NULL
		UNION SELECT counter FROM device_refusal r WHERE r.tenant_id = d.tenant_id AND r.device_id = d.device_id AND counter > 0) c) seen
WHERE d.tenant_id = $1 `

// Devices lists devices, the one with the latest news first: those of a work record,
// or with the nil id all. before is the position to continue at, or 0 to start.
func Devices(ctx context.Context, q Querier, tenant, work uuid.UUID, before uint64, limit int) ([]Device, error) {
	return scanDevices(q.Query(ctx, deviceColumns+`AND ($2 = `+noID+`::uuid OR d.work_id = $2) AND ($3 = 0 OR d.position < $3)
ORDER BY d.position DESC LIMIT $4`, tenant, work, int64(before), limit))
}

// OwnerOfDevice is the owner in whose stream a device stands, or [ErrNotFound].
func OwnerOfDevice(ctx context.Context, q Querier, tenant, device uuid.UUID) (owner uuid.UUID, err error) {
	rows, err := q.Query(ctx, `SELECT owner_id FROM device WHERE tenant_id = $1 AND device_id = $2`, tenant, device)
	if err != nil {
		return uuid.Nil, fmt.Errorf("query devices: %w", err)
	}
	return one(pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]))
}

func scanDevices(rows pgx.Rows, err error) ([]Device, error) {
	if err != nil {
		return nil, fmt.Errorf("query devices: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Device, err error) {
		var position int64
		err = row.Scan(&d.DeviceID, &d.OwnerID, &d.WorkID, &d.Station, &d.Site, &d.Replaces, &d.InvitedAt, &d.ExpiresAt, &d.EnrolledAt, &d.EnrolledBy,
			&d.RevokedAt, &d.Reason, &position, &d.Batches, &d.Punches, &d.Refused, &d.Counter, &d.Missing, &d.LastSeen)
		d.Position = uint64(position)
		for _, at := range []**time.Time{&d.InvitedAt, &d.ExpiresAt, &d.EnrolledAt, &d.RevokedAt, &d.LastSeen} {
			*at = utc(*at)
		}
		return d, err
	})
}

// RefusedPunch is a punch that a device claimed and that was never recorded.
type RefusedPunch struct {
	DeviceID   uuid.UUID
	BatchID    uuid.UUID
	WorkID     uuid.UUID // nil for a kiosk
	Counter    int64
	OccurredAt time.Time // as claimed
	Direction  eventschema.Direction
	Kind       eventschema.PunchKind
	Code       string
	ReceivedAt time.Time
}

// RefusedPunches lists the claims that wait for a look, the latest first: a claim
// whose counter came in again and was recorded waits no longer.
func RefusedPunches(ctx context.Context, q Querier, tenant uuid.UUID, limit int) ([]RefusedPunch, error) {
	rows, err := q.Query(ctx, `
SELECT r.device_id, r.batch_id, COALESCE(r.work_id, `+noID+`), r.counter, r.occurred_at, r.direction, r.kind, r.code, r.received_at
FROM device_refusal r WHERE r.tenant_id = $1 AND NOT EXISTS (
	SELECT FROM arrival a WHERE a.tenant_id = r.tenant_id AND a.device_id = r.device_id AND a.counter = r.counter)
ORDER BY r.received_at DESC, r.device_id, r.counter LIMIT $2`, tenant, limit)
	if err != nil {
		return nil, fmt.Errorf("query refused punches: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RefusedPunch, err error) {
		err = row.Scan(&r.DeviceID, &r.BatchID, &r.WorkID, &r.Counter, &r.OccurredAt, &r.Direction, &r.Kind, &r.Code, &r.ReceivedAt)
		r.OccurredAt, r.ReceivedAt = r.OccurredAt.UTC(), r.ReceivedAt.UTC()
		return r, err
	})
}

// Missing is a run of counters of a device that never came in, both ends included.
type Missing struct {
	DeviceID uuid.UUID
	From, To int64
}

// MissingCounters lists the gaps between what devices have sent, and before it.
func MissingCounters(ctx context.Context, q Querier, tenant uuid.UUID, limit int) ([]Missing, error) {
	rows, err := q.Query(ctx, `
SELECT device_id, before + 1, counter - 1 FROM (
	SELECT device_id, counter, lag(counter, 1, 0::bigint) OVER (PARTITION BY device_id ORDER BY counter) AS before FROM (
		SELECT device_id, counter FROM arrival WHERE tenant_id = $1 AND device_id IS NOT NULL AND counter IS NOT NULL
		UNION SELECT device_id, counter FROM device_refusal WHERE tenant_id = $1 AND counter > 0) seen) runs
WHERE counter > before + 1 ORDER BY device_id, counter LIMIT $2`, tenant, limit)
	if err != nil {
		return nil, fmt.Errorf("query missing counters: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Missing])
}
