package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tracekeep/eventschema"
)

// What counts of each punch?
//
// A punch counts as it was recorded until a correction says otherwise. The
// latest correction decides whether it counts at all; the latest one that does
// not void decides when and how, and the latest that names a
// job for which. What was recorded stays beside it, and every
// correction stays in a table of its own.
func punches() Projection {
	return Projection{
		Name: "punches", Question: "What counts of each punch?", Version: 5,
		Tables: []string{"punch", "punch_correction"},
		Schema: `
CREATE TABLE punch (
	tenant_id uuid NOT NULL,
	punch_id uuid NOT NULL,
	work_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	position bigint NOT NULL,
	offset_seconds integer NOT NULL,
	voided boolean NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL,
	zone text NOT NULL,
	station text NOT NULL,
	received_at timestamptz NOT NULL,
	source text NOT NULL,
	site text,
	job text,
	reason text, -- of a visit
	device_id uuid,
	fence text,
	fence_metres integer,
	-- set with the first correction: what was recorded
	recorded_occurred_at timestamptz,
	recorded_offset_seconds integer,
	recorded_direction text,
	recorded_kind text,
	recorded_job text,
	-- of the latest correction
	corrected_by uuid,
	correction_reason text
);
CREATE TABLE punch_correction (
	tenant_id uuid NOT NULL,
	punch_id uuid NOT NULL,
	position bigint NOT NULL,
	work_id uuid NOT NULL,
	correction_id uuid NOT NULL,
	void boolean NOT NULL,
	occurred_at timestamptz NOT NULL,
	offset_seconds integer NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL,
	job text, -- null: as it was
	reason text NOT NULL,
	corrected_by uuid NOT NULL,
	approved_by uuid NOT NULL,
	corrected_at timestamptz NOT NULL
);`,
		Keys: `
ALTER TABLE punch ADD PRIMARY KEY (punch_id, tenant_id);
ALTER TABLE punch_correction ADD PRIMARY KEY (punch_id, tenant_id, position);
CREATE INDEX punch_by_work ON punch (work_id, occurred_at, position);`,
		Indexes: `
CREATE INDEX punch_of_visit ON punch (tenant_id, occurred_at) WHERE kind = 'visit';
CREATE INDEX punch_beyond_fence ON punch (tenant_id, occurred_at) WHERE fence <> 'inside';`,
		Apply: applyPunches, newLoader: newPunchesLoader, expire: expireWorks("punch", "punch_correction"),
	}
}

func ofPunches(page Page) (recorded, corrected []*eventschema.Decoded) {
	recorded = make([]*eventschema.Decoded, 0, len(page.Events))
	for i := range page.Events {
		switch page.Events[i].Event.(type) {
		case *eventschema.PunchRecorded:
			recorded = append(recorded, &page.Events[i])
		case *eventschema.PunchCorrected:
			corrected = append(corrected, &page.Events[i])
		}
	}
	return recorded, corrected
}

func applyPunches(ctx context.Context, tx pgx.Tx, page Page) error {
	recorded, corrected := ofPunches(page)
	if err := insertPunches(ctx, tx, recorded, page.repeated); err != nil {
		return fmt.Errorf("insert punches: %w", err)
	}
	if len(corrected) == 0 {
		return nil
	}
	rows := correctionRows(len(corrected))
	addCorrections(rows, corrected)
	if err := rows.write(ctx, tx); err != nil {
		return fmt.Errorf("insert corrections: %w", err)
	}
	if err := correctPunches(ctx, tx, corrected); err != nil {
		return fmt.Errorf("correct punches: %w", err)
	}
	return nil
}

// uniqueViolation is the SQLSTATE of a key that is already there.
const uniqueViolation = "23505"

// fewPunches is how many are faster to insert in one statement than to copy in
// four.
const fewPunches = 16

// insertPunches copies. A punch id that the log holds twice makes the copy fail
// as a whole; then the page takes the slower way, where the first one stays.
func insertPunches(ctx context.Context, tx pgx.Tx, recorded []*eventschema.Decoded, repeated map[uint64]bool) error {
	if len(recorded) == 0 {
		return nil
	}
	if len(recorded) <= fewPunches {
		return insertNewPunches(ctx, tx, recorded, repeated)
	}
	attempt, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	rows := punchRows(len(recorded))
	addPunches(rows, recorded)
	if err = rows.write(ctx, attempt); err == nil {
		return attempt.Commit(ctx)
	}
	if undone := attempt.Rollback(ctx); undone != nil {
		return errors.Join(err, undone)
	}
	if refused := (*pgconn.PgError)(nil); !errors.As(err, &refused) || refused.Code != uniqueViolation {
		return err
	}
	return insertNewPunches(ctx, tx, recorded, repeated)
}

func punchRows(n int) *copied {
	return copyInto("punch", n,
		"tenant_id", "punch_id", "work_id", "occurred_at", "position", "offset_seconds", "voided", "direction", "kind", "zone", "station",
		"received_at", "source", "site", "job", "reason", "device_id", "fence", "fence_metres")
}

func addPunches(rows *copied, recorded []*eventschema.Decoded) {
	for _, d := range recorded {
		e := d.Event.(*eventschema.PunchRecorded)
		rows.row()
		rows.uuid(d.Meta.Tenant)
		rows.uuid(e.PunchID)
		rows.uuid(e.WorkID)
		rows.timestamptz(e.OccurredAt)
		rows.bigint(int64(d.Position))
		rows.integer(int32(e.OffsetSeconds))
		rows.boolean(false)
		rows.text(string(e.Direction))
		rows.text(string(e.Kind))
		rows.text(storable(e.Zone))
		rows.text(storable(e.Station))
		rows.timestamptz(e.ReceivedAt)
		rows.text(storable(string(e.Source)))
		rows.code(storable(e.Site))
		rows.code(storable(e.Job))
		rows.code(storable(e.Reason))
		rows.known(e.DeviceID)
		if e.Fence == nil {
			rows.null()
			rows.null()
			continue
		}
		rows.text(storable(string(e.Fence.Verdict)))
		rows.integer(int32(e.Fence.DistanceMetres))
	}
}

func insertNewPunches(ctx context.Context, tx pgx.Tx, recorded []*eventschema.Decoded, repeated map[uint64]bool) error {
	n := len(recorded)
	tenants, ids, works, devices := make(uuids, 0, n), make(uuids, 0, n), make(uuids, 0, n), make(uuids, 0, n)
	occurred, received := make([]time.Time, 0, n), make([]time.Time, 0, n)
	positions, offsets, metres := make([]int64, 0, n), make([]int32, 0, n), make([]int32, 0, n)
	texts := make([][]string, 9)
	for _, d := range recorded {
		e := d.Event.(*eventschema.PunchRecorded)
		tenants.add(d.Meta.Tenant)
		ids.add(e.PunchID)
		works.add(e.WorkID)
		devices.add(e.DeviceID)
		occurred, received = append(occurred, e.OccurredAt), append(received, e.ReceivedAt)
		positions, offsets = append(positions, int64(d.Position)), append(offsets, int32(e.OffsetSeconds))
		fence := eventschema.FenceReading{}
		if e.Fence != nil {
			fence = *e.Fence
		}
		metres = append(metres, int32(fence.DistanceMetres))
		for i, text := range []string{string(e.Direction), string(e.Kind), e.Zone, e.Station, string(e.Source), e.Site, e.Job, e.Reason, string(fence.Verdict)} {
			texts[i] = append(texts[i], storable(text))
		}
	}
	args := []any{tenants, ids, works, devices, occurred, received, positions, offsets, metres}
	for _, column := range texts {
		args = append(args, column)
	}
	rows, err := tx.Query(ctx, `
INSERT INTO punch (tenant_id, punch_id, work_id, device_id, occurred_at, received_at, position, offset_seconds, voided,
	direction, kind, zone, station, source, site, job, reason, fence, fence_metres)
SELECT tenant_id, punch_id, work_id, NULLIF(device_id, '00000000-0000-0000-0000-000000000000'), occurred_at, received_at, position, offset_seconds, false,
	direction, kind, zone, station, source, NULLIF(site, ''), NULLIF(job, ''), NULLIF(reason, ''), NULLIF(fence, ''), CASE WHEN fence <> '' THEN metres END
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::integer[], $9::integer[],
	$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[])
	AS n (tenant_id, punch_id, work_id, device_id, occurred_at, received_at, position, offset_seconds, metres,
		direction, kind, zone, station, source, site, job, reason, fence)
ORDER BY position
ON CONFLICT DO NOTHING RETURNING position`, args...)
	if err != nil {
		return err
	}
	for _, d := range recorded {
		repeated[d.Position] = true
	}
	var position int64
	_, err = pgx.ForEachRow(rows, []any{&position}, func() error {
		delete(repeated, uint64(position))
		return nil
	})
	return err
}

func correctionRows(n int) *copied {
	return copyInto("punch_correction", n,
		"tenant_id", "punch_id", "position", "work_id", "correction_id", "void", "occurred_at", "offset_seconds", "direction", "kind", "job",
		"reason", "corrected_by", "approved_by", "corrected_at")
}

func addCorrections(rows *copied, corrected []*eventschema.Decoded) {
	for _, d := range corrected {
		e := d.Event.(*eventschema.PunchCorrected)
		rows.row()
		rows.uuid(d.Meta.Tenant)
		rows.uuid(e.PunchID)
		rows.bigint(int64(d.Position))
		rows.uuid(e.WorkID)
		rows.uuid(e.CorrectionID)
		rows.boolean(e.Void)
		rows.timestamptz(e.OccurredAt)
		rows.integer(int32(e.OffsetSeconds))
		rows.text(string(e.Direction))
		rows.text(string(e.Kind))
		if job := storableOrNil(e.Job); job == nil || e.Void {
			rows.null()
		} else {
			rows.text(*job)
		}
		rows.text(storable(string(e.Reason)))
		rows.uuid(e.CorrectedBy)
		rows.uuid(e.ApprovedBy)
		rows.timestamptz(e.CorrectedAt)
	}
}

// correctPunches derives what counts from all corrections of the punches named,
// so that a page holds no state of its own. A correction that stands before its
// punch in the log, or names another work record, corrects nothing.
func correctPunches(ctx context.Context, tx pgx.Tx, corrected []*eventschema.Decoded) error {
	var tenants, ids uuids
	seen := map[workKey]bool{}
	for _, d := range corrected {
		key := workKey{d.Meta.Tenant, d.Event.(*eventschema.PunchCorrected).PunchID}
		if !seen[key] {
			seen[key] = true
			tenants.add(key.tenant)
			ids.add(key.work)
		}
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(correct, `unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, punch_id)`), tenants, ids)
	return err
}

// recordedJob is the job a punch was recorded for: null is none, so that only the
// first correction tells which of two columns has it.
const recordedJob = `CASE WHEN p.recorded_occurred_at IS NULL THEN p.job ELSE p.recorded_job END`

// correct expects where the ids of the corrected punches come from, as n.
const correct = `
UPDATE punch p SET
	recorded_occurred_at = COALESCE(p.recorded_occurred_at, p.occurred_at),
	recorded_offset_seconds = COALESCE(p.recorded_offset_seconds, p.offset_seconds),
	recorded_direction = COALESCE(p.recorded_direction, p.direction),
	recorded_kind = COALESCE(p.recorded_kind, p.kind),
	recorded_job = ` + recordedJob + `,
	occurred_at = COALESCE(v.occurred_at, p.occurred_at),
	offset_seconds = COALESCE(v.offset_seconds, p.offset_seconds),
	direction = COALESCE(v.direction, p.direction),
	kind = COALESCE(v.kind, p.kind),
	job = CASE WHEN j.job IS NULL THEN ` + recordedJob + ` ELSE NULLIF(j.job, '') END,
	voided = l.void, corrected_by = l.corrected_by, correction_reason = l.reason
FROM %s
JOIN punch q ON q.tenant_id = n.tenant_id AND q.punch_id = n.punch_id
CROSS JOIN LATERAL (
	SELECT void, corrected_by, reason FROM punch_correction c
	WHERE c.tenant_id = n.tenant_id AND c.punch_id = n.punch_id AND c.work_id = q.work_id AND c.position > q.position
	ORDER BY c.position DESC LIMIT 1) l
LEFT JOIN LATERAL (
	SELECT occurred_at, offset_seconds, direction, kind FROM punch_correction c
	WHERE c.tenant_id = n.tenant_id AND c.punch_id = n.punch_id AND c.work_id = q.work_id AND c.position > q.position AND NOT c.void
	ORDER BY c.position DESC LIMIT 1) v ON true
LEFT JOIN LATERAL (
	SELECT job FROM punch_correction c
	WHERE c.tenant_id = n.tenant_id AND c.punch_id = n.punch_id AND c.work_id = q.work_id AND c.position > q.position AND c.job IS NOT NULL
	ORDER BY c.position DESC LIMIT 1) j ON true
WHERE p.tenant_id = n.tenant_id AND p.punch_id = n.punch_id`
