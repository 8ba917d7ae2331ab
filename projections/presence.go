package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// Who is in now?
//
// Pairing needs the last counted punch of each work id, and so does this
// question: one table, kept by [workedHours], serves both. Whether a last
// punch means being in depends on the clock, so the query asks for it.

// lastPunch is the row of one work id in last_counted.
type lastPunch struct {
	counted hours.Punch
	latest  time.Time // of the last punch, counted or a repeat
}

// readLast reads the rows of the work ids given, where there are.
func readLast(ctx context.Context, tx pgx.Tx, of map[workKey][]hours.Punch) (map[workKey]*lastPunch, error) {
	known := make(map[workKey]*lastPunch, len(of))
	if len(of) == 0 {
		return known, nil
	}
	tenants, works := make(uuids, 0, len(of)), make(uuids, 0, len(of))
	for key := range of {
		tenants.add(key.tenant)
		works.add(key.work)
	}
	rows, err := tx.Query(ctx, `
SELECT l.tenant_id, l.work_id, l.latest_at, l.punch_id, l.occurred_at, l.offset_seconds, l.direction, l.kind, COALESCE(l.job, '')
FROM unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, work_id)
JOIN last_counted l ON l.tenant_id = n.tenant_id AND l.work_id = n.work_id`, tenants, works)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant, work [16]byte
		row := new(lastPunch)
		if row.counted, err = scanHoursPunch(rows, &tenant, &work, &row.latest); err != nil {
			return nil, err
		}
		known[workKey{tenant, work}] = row
	}
	return known, rows.Err()
}

// writeLast replaces the rows of the work ids given; one without a punch loses
// its row.
func writeLast(ctx context.Context, tx pgx.Tx, last map[workKey]*lastPunch) error {
	n := len(last)
	var goneTenants, goneWorks uuids
	tenants, works, ids := make(uuids, 0, n), make(uuids, 0, n), make(uuids, 0, n)
	occurred, latest := make([]time.Time, 0, n), make([]time.Time, 0, n)
	offsets := make([]int32, 0, n)
	directions, kinds, jobs := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	for key, row := range last {
		if row == nil {
			goneTenants.add(key.tenant)
			goneWorks.add(key.work)
			continue
		}
		tenants.add(key.tenant)
		works.add(key.work)
		ids.add(row.counted.ID)
		occurred, latest = append(occurred, row.counted.OccurredAt), append(latest, row.latest)
		offsets = append(offsets, int32(row.counted.OffsetSeconds))
		directions, kinds = append(directions, string(row.counted.Direction)), append(kinds, string(row.counted.Kind))
		jobs = append(jobs, row.counted.Job)
	}
	var batch pgx.Batch
	if len(goneWorks) > 0 {
		batch.Queue(`DELETE FROM last_counted l USING unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, work_id)
WHERE l.tenant_id = n.tenant_id AND l.work_id = n.work_id`, goneTenants, goneWorks)
	}
	if len(works) > 0 {
		batch.Queue(`
INSERT INTO last_counted (tenant_id, work_id, punch_id, occurred_at, offset_seconds, direction, kind, zone, station, latest_at, job)
SELECT n.tenant_id, n.work_id, n.punch_id, n.occurred_at, n.offset_seconds, n.direction, n.kind, p.zone, p.station, n.latest_at, NULLIF(n.job, '')
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::integer[], $6::text[], $7::text[], $8::timestamptz[], $9::text[])
	AS n (tenant_id, work_id, punch_id, occurred_at, offset_seconds, direction, kind, latest_at, job)
JOIN punch p ON p.punch_id = n.punch_id AND p.tenant_id = n.tenant_id -- a page is applied to the punches first, which forget what it says has come of age
ON CONFLICT (tenant_id, work_id) DO UPDATE SET
	punch_id = EXCLUDED.punch_id, occurred_at = EXCLUDED.occurred_at, offset_seconds = EXCLUDED.offset_seconds,
	zone = EXCLUDED.zone, station = EXCLUDED.station, direction = EXCLUDED.direction, kind = EXCLUDED.kind, job = EXCLUDED.job, latest_at = EXCLUDED.latest_at`,
			tenants, works, ids, occurred, offsets, directions, kinds, latest, jobs)
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// Present is somebody who is in.
type Present struct {
	WorkID  uuid.UUID
	Since   time.Time // UTC
	PunchID uuid.UUID
	Kind    eventschema.PunchKind
	Zone    string // IANA zone of the site
	Station string
}

// WhoIsIn lists who is in at now, by work id: those whose last counted punch is
// an in that is no older than the longest interval. A punch that claims to come
// after now, from a station whose clock is wrong, is left aside; what stands
// before it may then be a repeat, so that Since is late by up to a minute. Of an
// instant the in is what counts last, as in pairing.
func WhoIsIn(ctx context.Context, q Querier, tenant uuid.UUID, now time.Time) ([]Present, error) {
	rows, err := q.Query(ctx, `
SELECT work_id, occurred_at, punch_id, kind, zone, station
FROM (
	SELECT work_id, occurred_at, punch_id, direction, kind, zone, station FROM last_counted WHERE tenant_id = $1 AND occurred_at <= $2
	UNION ALL
	SELECT f.work_id, e.occurred_at, e.punch_id, e.direction, e.kind, e.zone, e.station
	FROM last_counted f CROSS JOIN LATERAL (
		SELECT occurred_at, punch_id, direction, kind, zone, station FROM punch
		WHERE tenant_id = f.tenant_id AND work_id = f.work_id AND occurred_at <= $2 AND `+ofWork+`
		ORDER BY occurred_at DESC, direction, punch_id LIMIT 1) e
	WHERE f.tenant_id = $1 AND f.occurred_at > $2) l
WHERE direction = $3 AND occurred_at >= $4
ORDER BY work_id`, tenant, now, string(eventschema.DirectionIn), now.Add(-hours.DefaultPairing().Longest))
	if err != nil {
		return nil, fmt.Errorf("query presence: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Present, err error) {
		err = row.Scan(&p.WorkID, &p.Since, &p.PunchID, &p.Kind, &p.Zone, &p.Station)
		p.Since = p.Since.UTC()
		return p, err
	})
}
