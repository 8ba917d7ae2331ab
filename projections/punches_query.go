package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Punch is one punch as it counts, beside what was recorded.
type Punch struct {
	ID       uuid.UUID
	WorkID   uuid.UUID
	Position uint64 // of its recording, in the log
	Zone     string
	Station  string
	// What the punch was made for, as its station said it; empty where it did not.
	Site, Reason string
	ReceivedAt   time.Time // UTC
	Source       eventschema.Source
	DeviceID     uuid.UUID // of the enrolled device that signed it, or none
	Fence        *eventschema.FenceReading
	Counts       PunchReading // meaningless while Voided
	Recorded     PunchReading
	Voided       bool // a correction took it out of the count
	// CorrectedBy and CorrectedFor are of the latest correction, nil and empty without one.
	CorrectedBy  *uuid.UUID
	CorrectedFor eventschema.CorrectionReason
}

// PunchReading is when and how a punch was made, and for which job.
type PunchReading struct {
	OccurredAt    time.Time // UTC
	OffsetSeconds int       // seconds east
	Direction     eventschema.Direction
	Kind          eventschema.PunchKind
	Job           string // code; empty where nobody said
}

const punchQuery = `
SELECT ` + punchColumns + `
FROM punch WHERE tenant_id = $1 `

const punchColumns = `punch_id, work_id, position, zone, station, occurred_at, offset_seconds, direction, kind,
	COALESCE(recorded_occurred_at, occurred_at), COALESCE(recorded_offset_seconds, offset_seconds),
	COALESCE(recorded_direction, direction), COALESCE(recorded_kind, kind),
	COALESCE(CASE WHEN recorded_occurred_at IS NULL THEN job ELSE recorded_job END, ''),
	voided, corrected_by, COALESCE(correction_reason, ''),
	received_at, source, COALESCE(site, ''), COALESCE(job, ''), COALESCE(reason, ''),
	COALESCE(device_id, '00000000-0000-0000-0000-000000000000'), COALESCE(fence, ''), COALESCE(fence_metres, 0)`

// PunchesOf lists the punches of one work id that count (or, while voided,
// counted last) from an instant on and before another, in order of time. A zero
// to has no end. limit bounds the rows.
func PunchesOf(ctx context.Context, q Querier, tenant, work uuid.UUID, from, to time.Time, limit int) ([]Punch, error) {
	return scanPunches(q.Query(ctx, punchQuery+`AND work_id = $2 AND occurred_at >= $3 AND occurred_at < $4
ORDER BY occurred_at, position LIMIT $5`, tenant, work, from, until(to), limit))
}

// PunchByID finds one punch, or answers [ErrNotFound].
func PunchByID(ctx context.Context, q Querier, tenant, punch uuid.UUID) (Punch, error) {
	return one(scanPunches(q.Query(ctx, punchQuery+`AND punch_id = $2`, tenant, punch)))
}

// PunchesByID finds punches; one that is not there is left out.
func PunchesByID(ctx context.Context, q Querier, tenant uuid.UUID, punches ...uuid.UUID) (map[uuid.UUID]Punch, error) {
	found, err := scanPunches(q.Query(ctx, punchQuery+`AND punch_id = ANY($2)`, tenant, uuidsOf(punches)))
	byID := make(map[uuid.UUID]Punch, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	return byID, err
}

func scanPunches(rows pgx.Rows, err error) ([]Punch, error) {
	if err != nil {
		return nil, fmt.Errorf("query punches: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Punch, error) { return scanPunch(row) })
}

// scanPunch reads punchColumns behind the columns in before.
func scanPunch(row pgx.CollectableRow, before ...any) (p Punch, err error) {
	var position int64
	var fence eventschema.FenceReading
	err = row.Scan(append(before, &p.ID, &p.WorkID, &position, &p.Zone, &p.Station,
		&p.Counts.OccurredAt, &p.Counts.OffsetSeconds, &p.Counts.Direction, &p.Counts.Kind,
		&p.Recorded.OccurredAt, &p.Recorded.OffsetSeconds, &p.Recorded.Direction, &p.Recorded.Kind, &p.Recorded.Job,
		&p.Voided, &p.CorrectedBy, &p.CorrectedFor,
		&p.ReceivedAt, &p.Source, &p.Site, &p.Counts.Job, &p.Reason, &p.DeviceID, &fence.Verdict, &fence.DistanceMetres)...)
	p.Position, p.ReceivedAt = uint64(position), p.ReceivedAt.UTC()
	if fence.Verdict != "" {
		p.Fence = &fence
	}
	p.Counts.OccurredAt, p.Recorded.OccurredAt = p.Counts.OccurredAt.UTC(), p.Recorded.OccurredAt.UTC()
	return p, err
}

// Correction is one correction of a punch.
type Correction struct {
	ID          uuid.UUID
	PunchID     uuid.UUID
	Position    uint64
	Void        bool
	Reading     PunchReading // what counts from then on; meaningless when Void
	JobStays    bool         // nothing was said about the job
	Reason      eventschema.CorrectionReason
	CorrectedBy uuid.UUID
	ApprovedBy  uuid.UUID
	CorrectedAt time.Time
}

// CorrectionsOf lists the corrections of punches, those of one punch in order,
// the first one first.
func CorrectionsOf(ctx context.Context, q Querier, tenant uuid.UUID, punches ...uuid.UUID) ([]Correction, error) {
	rows, err := q.Query(ctx, `
SELECT correction_id, punch_id, position, void, occurred_at, offset_seconds, direction, kind, COALESCE(job, ''), job IS NULL, reason, corrected_by, approved_by, corrected_at
FROM punch_correction WHERE tenant_id = $1 AND punch_id = ANY($2) ORDER BY punch_id, position`, tenant, uuidsOf(punches))
	if err != nil {
		return nil, fmt.Errorf("query corrections: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Correction, err error) {
		var position int64
		err = row.Scan(&c.ID, &c.PunchID, &position, &c.Void, &c.Reading.OccurredAt, &c.Reading.OffsetSeconds, &c.Reading.Direction,
			&c.Reading.Kind, &c.Reading.Job, &c.JobStays, &c.Reason, &c.CorrectedBy, &c.ApprovedBy, &c.CorrectedAt)
		c.Position, c.Reading.OccurredAt, c.CorrectedAt = uint64(position), c.Reading.OccurredAt.UTC(), c.CorrectedAt.UTC()
		return c, err
	})
}
