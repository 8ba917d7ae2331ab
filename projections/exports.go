package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PunchPlace is where a punch was made, and by which clock.
type PunchPlace struct {
	Station       string
	Site          string // as the station said it; only of [PlacesOfPunches]
	Zone          string
	OffsetSeconds int // seconds east, at the punch
}

// PlacedInterval is an interval with the keys that were pressed for it, and where.
type PlacedInterval struct {
	PairedInterval
	InAt, OutAt PunchPlace
	Corrections int       // of the two punches
	ChangedAt   time.Time // when the latest word about them was received, UTC
}

// exported bounds what is exported of the intervals: beside the days, $5 is the
// station of the in, or empty.
func (d Days) exported() string {
	return `
FROM (SELECT * FROM work_interval` + d.intervals() + `) i
JOIN punch a ON a.punch_id = i.in_punch AND a.tenant_id = i.tenant_id
JOIN punch b ON b.punch_id = i.out_punch AND b.tenant_id = i.tenant_id
LEFT JOIN LATERAL (
	SELECT count(*) AS n, max(corrected_at) AS latest FROM punch_correction
	WHERE punch_id IN (a.punch_id, b.punch_id) AND tenant_id = i.tenant_id AND (a.corrected_by IS NOT NULL OR b.corrected_by IS NOT NULL)) c ON true
WHERE ($5 = '' OR a.station = $5)`
}

// EachPlaced hands over the intervals of some days, by work id and time, one at a
// time: it keeps none. An empty station means everywhere, another one the intervals
// that began there.
func EachPlaced(ctx context.Context, q Querier, tenant uuid.UUID, days Days, station string, do func(PlacedInterval) error) error {
	rows, err := q.Query(ctx, `
SELECT i.work_id, i.in_punch, i.out_punch, i.start_at, i.end_at, i.work_date::text, i.seconds, i.rule_version, i.in_kind, i.out_kind, COALESCE(i.job, ''),
	a.station, a.zone, a.offset_seconds, b.station, b.zone, b.offset_seconds, COALESCE(c.n, 0), GREATEST(a.received_at, b.received_at, c.latest)`+days.exported()+`
ORDER BY i.work_id, i.start_at, i.in_punch`, days.args(tenant, station)...)
	if err != nil {
		return fmt.Errorf("query intervals: %w", err)
	}
	var w PlacedInterval
	_, err = pgx.ForEachRow(rows, []any{
		&w.WorkID, &w.In, &w.Out, &w.Start, &w.End, &w.WorkDate, &w.Seconds, &w.RuleVersion, &w.InKind, &w.OutKind, &w.Job,
		&w.InAt.Station, &w.InAt.Zone, &w.InAt.OffsetSeconds, &w.OutAt.Station, &w.OutAt.Zone, &w.OutAt.OffsetSeconds,
		&w.Corrections, &w.ChangedAt,
	}, func() error {
		w.Start, w.End, w.ChangedAt = w.Start.UTC(), w.End.UTC(), w.ChangedAt.UTC()
		return do(w)
	})
	return err
}

// WorksOfIntervals lists the work records that [EachPlaced] would name, by id.
func WorksOfIntervals(ctx context.Context, q Querier, tenant uuid.UUID, days Days, station string) ([]uuid.UUID, error) {
	return queryWorks(ctx, q, `SELECT DISTINCT i.work_id`+days.exported()+` ORDER BY 1`, days.args(tenant, station)...)
}

// punches bounds the punches of some local days; $5 is a station, or empty.
// The bounds without an offset are for the index.
func (d Days) punches() string {
	return ` FROM punch WHERE tenant_id = $1 AND ` + d.whose() + `
	AND occurred_at >= $2::date - interval '2 days' AND occurred_at < $3::date + interval '3 days'
	AND (occurred_at AT TIME ZONE 'UTC' + make_interval(secs => offset_seconds))::date BETWEEN $2::date AND $3::date
	AND ($5 = '' OR station = $5)`
}

// EachPunch hands over the punches that count (or, while voided, counted last) on
// some local days, by work id and time, one at a time: it keeps none. An empty
// station means everywhere.
func EachPunch(ctx context.Context, q Querier, tenant uuid.UUID, days Days, station string, do func(Punch) error) error {
	rows, err := q.Query(ctx, `SELECT `+punchColumns+days.punches()+` ORDER BY work_id, occurred_at, position`, days.args(tenant, station)...)
	if err != nil {
		return fmt.Errorf("query punches: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPunch(rows)
		if err == nil {
			err = do(p)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// WorksOfPunches lists the work records that [EachPunch] would name, by id.
func WorksOfPunches(ctx context.Context, q Querier, tenant uuid.UUID, days Days, station string) ([]uuid.UUID, error) {
	return queryWorks(ctx, q, `SELECT DISTINCT work_id`+days.punches()+` ORDER BY 1`, days.args(tenant, station)...)
}

func queryWorks(ctx context.Context, q Querier, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("query work records: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// PlacesOfPunches says where punches were made, by punch id.
func PlacesOfPunches(ctx context.Context, q Querier, tenant uuid.UUID, punches []uuid.UUID) (map[uuid.UUID]PunchPlace, error) {
	rows, err := q.Query(ctx, `SELECT punch_id, station, COALESCE(site, ''), zone, offset_seconds FROM punch WHERE tenant_id = $1 AND punch_id = ANY($2)`, tenant, uuidsOf(punches))
	if err != nil {
		return nil, fmt.Errorf("query the places of punches: %w", err)
	}
	places := map[uuid.UUID]PunchPlace{}
	var id uuid.UUID
	var p PunchPlace
	_, err = pgx.ForEachRow(rows, []any{&id, &p.Station, &p.Site, &p.Zone, &p.OffsetSeconds}, func() error {
		places[id] = p
		return nil
	})
	return places, err
}
