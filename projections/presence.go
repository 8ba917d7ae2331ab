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
// One row for each work id: its last counted punch. Whether that means being in
// depends on the clock, so the clock is asked for by the query.
func presence() Projection {
	return Projection{
		Name: "presence", Question: "Who is in now?", Version: 1,
		Tables: []string{"presence"},
		Schema: `
CREATE TABLE presence (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	punch_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	position bigint NOT NULL,
	latest_at timestamptz NOT NULL, -- of the last punch, counted or a repeat
	direction text NOT NULL,
	kind text NOT NULL,
	PRIMARY KEY (tenant_id, work_id)
);`,
		Apply:  applyPresence,
		Settle: settlePresence,
	}
}

// lastPunch is the row of one work id.
type lastPunch struct {
	counted hours.Punch
	latest  time.Time
}

func applyPresence(ctx context.Context, tx pgx.Tx, page Page) error {
	added, disturbed := map[workKey][]hours.Punch{}, map[workKey]bool{}
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.PunchRecorded:
			key := workKey{d.Meta.Tenant, e.WorkID}
			added[key] = append(added[key], hours.Punch{
				ID: e.PunchID, OccurredAt: stored(e.OccurredAt), Direction: e.Direction, Kind: e.Kind, Position: d.Position,
			})
		case *eventschema.PunchCorrected:
			disturbed[workKey{d.Meta.Tenant, e.WorkID}] = true
		}
	}
	if len(added)+len(disturbed) == 0 {
		return nil
	}
	known, err := readPresence(ctx, tx, added)
	if err != nil {
		return fmt.Errorf("read presence: %w", err)
	}
	now := make(map[workKey]lastPunch, len(added))
	for key, punches := range added {
		last, ok := follow(known[key], punches)
		if !ok {
			disturbed[key] = true
		} else if !disturbed[key] {
			now[key] = last
		}
	}
	if err := recount(ctx, tx, disturbed, now); err != nil {
		return fmt.Errorf("count again: %w", err)
	}
	if err := upsertPresence(ctx, tx, now); err != nil {
		return fmt.Errorf("upsert presence: %w", err)
	}
	return nil
}

// follow continues from the row of a work id. It answers false when one of the
// punches is not later than all that came before, since then it can change
// which of those count.
func follow(row *lastPunch, punches []hours.Punch) (lastPunch, bool) {
	rule := hours.DefaultPairing()
	if row == nil {
		row = &lastPunch{}
	} else {
		for _, p := range punches {
			if !p.OccurredAt.After(row.latest) {
				return lastPunch{}, false
			}
		}
		punches = append([]hours.Punch{row.counted}, punches...)
	}
	last, _, _ := rule.LastCounted(punches, true) // sorts
	return lastPunch{counted: last, latest: punches[len(punches)-1].OccurredAt}, true
}

func readPresence(ctx context.Context, tx pgx.Tx, of map[workKey][]hours.Punch) (map[workKey]*lastPunch, error) {
	var tenants, works uuids
	for key := range of {
		tenants.add(key.tenant)
		works.add(key.work)
	}
	rows, err := tx.Query(ctx, `
SELECT p.tenant_id, p.work_id, p.latest_at, p.punch_id, p.occurred_at, 0, p.direction, p.kind, p.position
FROM unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, work_id)
JOIN presence p ON p.tenant_id = n.tenant_id AND p.work_id = n.work_id`, tenants, works)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[workKey]*lastPunch, len(of))
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

// recount reads the punches themselves from the end, as far as the rule needs,
// and deletes the rows of work ids that have none left.
func recount(ctx context.Context, tx pgx.Tx, disturbed map[workKey]bool, now map[workKey]lastPunch) error {
	var open []*touched
	for key := range disturbed {
		open = append(open, &touched{workKey: key, lo: endOfTime(), hi: endOfTime(), reach: firstReach})
	}
	var goneTenants, goneWorks uuids
	for len(open) > 0 {
		if err := readAround(ctx, tx, open); err != nil {
			return err
		}
		var dense []*touched
		for _, s := range open {
			last, found, known := hours.DefaultPairing().LastCounted(s.punches, s.complete()[0])
			switch {
			case !known:
				s.reach *= 4
				dense = append(dense, s)
			case found:
				now[s.workKey] = lastPunch{counted: last, latest: s.punches[len(s.punches)-1].OccurredAt}
			default:
				goneTenants.add(s.tenant)
				goneWorks.add(s.work)
			}
		}
		open = dense
	}
	if len(goneWorks) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM presence p USING unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, work_id)
WHERE p.tenant_id = n.tenant_id AND p.work_id = n.work_id`, goneTenants, goneWorks)
	return err
}

// endOfTime lies behind every instant an event can carry.
func endOfTime() time.Time { return time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC) }

func upsertPresence(ctx context.Context, tx pgx.Tx, now map[workKey]lastPunch) error {
	if len(now) == 0 {
		return nil
	}
	n := len(now)
	tenants, works, ids := make(uuids, 0, n), make(uuids, 0, n), make(uuids, 0, n)
	occurred, latest, positions := make([]time.Time, 0, n), make([]time.Time, 0, n), make([]int64, 0, n)
	directions, kinds := make([]string, 0, n), make([]string, 0, n)
	for key, last := range now {
		tenants.add(key.tenant)
		works.add(key.work)
		ids.add(last.counted.ID)
		occurred, latest = append(occurred, last.counted.OccurredAt), append(latest, last.latest)
		positions = append(positions, int64(last.counted.Position))
		directions, kinds = append(directions, string(last.counted.Direction)), append(kinds, string(last.counted.Kind))
	}
	_, err := tx.Exec(ctx, `
INSERT INTO presence (tenant_id, work_id, punch_id, occurred_at, position, latest_at, direction, kind)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[])
ON CONFLICT (tenant_id, work_id) DO UPDATE SET
	punch_id = EXCLUDED.punch_id, occurred_at = EXCLUDED.occurred_at, position = EXCLUDED.position, latest_at = EXCLUDED.latest_at,
	direction = EXCLUDED.direction, kind = EXCLUDED.kind`,
		tenants, works, ids, occurred, positions, latest, directions, kinds)
	return err
}

func settlePresence(ctx context.Context, tx pgx.Tx) error {
	rule := hours.DefaultPairing()
	now := map[workKey]lastPunch{}
	return eachHistory(ctx, tx,
		func(key workKey, history []hours.Punch) {
			last, _, _ := rule.LastCounted(history, true)
			now[key] = lastPunch{counted: last, latest: history[len(history)-1].OccurredAt}
		},
		func() error {
			defer clear(now)
			return upsertPresence(ctx, tx, now)
		})
}

// Present is somebody who is in.
type Present struct {
	WorkID  uuid.UUID
	Since   time.Time // UTC
	PunchID uuid.UUID
	Kind    eventschema.PunchKind
	Station string
}

// WhoIsIn lists who is in at now, by work id: those whose last counted punch is
// an in that is no older than the longest interval. A punch that claims to come
// after now, from a station whose clock is wrong, is left aside.
func WhoIsIn(ctx context.Context, q Querier, tenant uuid.UUID, now time.Time) ([]Present, error) {
	rows, err := q.Query(ctx, `
SELECT l.work_id, l.occurred_at, l.punch_id, l.kind, p.station
FROM (
	SELECT work_id, occurred_at, punch_id, direction, kind FROM presence WHERE tenant_id = $1 AND occurred_at <= $2
	UNION ALL
	SELECT f.work_id, e.occurred_at, e.punch_id, e.direction, e.kind
	FROM presence f CROSS JOIN LATERAL (
		SELECT occurred_at, punch_id, direction, kind FROM punch
		WHERE tenant_id = f.tenant_id AND work_id = f.work_id AND occurred_at <= $2 AND NOT voided
		ORDER BY occurred_at DESC, position DESC LIMIT 1) e
	WHERE f.tenant_id = $1 AND f.occurred_at > $2) l
JOIN punch p ON p.tenant_id = $1 AND p.punch_id = l.punch_id
WHERE l.direction = $3 AND l.occurred_at >= $4
ORDER BY l.work_id`, tenant, now, string(eventschema.DirectionIn), now.Add(-hours.DefaultPairing().Longest))
	if err != nil {
		return nil, fmt.Errorf("query presence: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Present, err error) {
		err = row.Scan(&p.WorkID, &p.Since, &p.PunchID, &p.Kind, &p.Station)
		p.Since = p.Since.UTC()
		return p, err
	})
}
