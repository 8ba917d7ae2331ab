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

// Interval is one paired work span.
type Interval struct {
	WorkID      uuid.UUID
	In, Out     uuid.UUID // the punches it rests on
	Start, End  time.Time // UTC
	WorkDate    string    // 2006-01-02, at the site of the in
	Seconds     int64     // elapsed
	RuleVersion int
	Job         string // code of the in; empty where nobody said
}

// DayHours is the worked time of one work id on one day.
type DayHours struct {
	WorkID    uuid.UUID
	WorkDate  string // 2006-01-02
	Seconds   int64  // in all
	Declared  int64  // of Seconds, those that were declared without times of day
	Intervals int
}

// Exception is a punch that did not become part of an interval.
type Exception struct {
	WorkID      uuid.UUID
	Punch       uuid.UUID
	Code        hours.ExceptionCode
	At          time.Time // UTC
	WorkDate    string    // 2006-01-02
	RuleVersion int
}

// Days says whose hours are asked for, and of which days.
type Days struct {
	Works    []uuid.UUID // none means every work id of the tenant
	From, To string      // 2006-01-02, both included
}

// bounds bounds what is asked of some days; $1 is the tenant. Of some work records
// it is another statement than of everybody, so that the server plans each once: a
// plan that serves both finds no work record by its key, and each question would be
// planned anew, which takes longer than to answer it.
func (d Days) bounds() string {
	return ` WHERE tenant_id = $1 AND work_date >= $2::date AND work_date <= $3::date AND ` + d.whose() + ` `
}

// whose bounds the work records.
func (d Days) whose() string {
	if len(d.Works) == 0 {
		return `$4::uuid[] IS NULL`
	}
	return `work_id = ANY($4::uuid[])`
}

// intervals is bounds of work_interval. The bounds of the start are for the key, by
// which the days of one work record are found among its years: no site is two days
// from UTC.
func (d Days) intervals() string {
	return d.bounds() + `AND start_at >= $2::date - interval '2 days' AND start_at < $3::date + interval '3 days' `
}

func (d Days) args(tenant uuid.UUID, more ...any) []any {
	var works uuids
	if len(d.Works) > 0 {
		works = uuidsOf(d.Works)
	}
	return append([]any{tenant, d.From, d.To, works}, more...)
}

// sumsByDay selects worked time by work id and day, punched and declared; both are
// bounded.
func sumsByDay(schema, punched, stated string) string {
	return `
SELECT work_id, work_date, sum(seconds) AS seconds, COALESCE(sum(seconds) FILTER (WHERE declared), 0) AS declared, count(*) FILTER (WHERE NOT declared) AS intervals FROM (
	SELECT work_id, work_date, seconds, false AS declared FROM ` + schema + `work_interval` + punched + `
	UNION ALL
	SELECT work_id, work_date, seconds, true FROM ` + declaredCounting(schema) + ` d` + stated + `) h GROUP BY work_id, work_date`
}

// HoursByDay adds up worked time by work id and day, in that order. Days
// without an interval or declared hours have no row.
func HoursByDay(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]DayHours, error) {
	rows, err := q.Query(ctx, `SELECT work_id, work_date::text, seconds, declared, intervals FROM (`+sumsByDay("", days.intervals(), days.bounds())+`) h ORDER BY work_id, work_date`, days.args(tenant)...)
	if err != nil {
		return nil, fmt.Errorf("query hours: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h DayHours, err error) {
		return h, row.Scan(&h.WorkID, &h.WorkDate, &h.Seconds, &h.Declared, &h.Intervals)
	})
}

// IntervalsOf lists the work intervals, by work id and time.
func IntervalsOf(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]Interval, error) {
	rows, err := q.Query(ctx, intervalsQuery(days), days.args(tenant)...)
	if err != nil {
		return nil, fmt.Errorf("query intervals: %w", err)
	}
	return scanIntervals(rows)
}

func intervalsQuery(days Days) string {
	return `SELECT work_id, in_punch, out_punch, start_at, end_at, work_date::text, seconds, rule_version, COALESCE(job, '') FROM work_interval` + days.intervals() +
		`ORDER BY work_id, start_at, in_punch`
}

func scanIntervals(rows pgx.Rows) ([]Interval, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w Interval, err error) {
		err = row.Scan(&w.WorkID, &w.In, &w.Out, &w.Start, &w.End, &w.WorkDate, &w.Seconds, &w.RuleVersion, &w.Job)
		w.Start, w.End = w.Start.UTC(), w.End.UTC()
		return w, err
	})
}

// ExceptionsOf lists the punches that count for nothing, by work id and time.
// An in that nothing has followed is one of them once it is older, at now, than
// the longest interval; until then somebody is at work.
func ExceptionsOf(ctx context.Context, q Querier, tenant uuid.UUID, days Days, now time.Time) ([]Exception, error) {
	sql, args := exceptionsQuery(tenant, days, now)
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("query exceptions: %w", err)
	}
	return scanExceptions(rows)
}

func exceptionsQuery(tenant uuid.UUID, days Days, now time.Time) (sql string, args []any) {
	rule := hours.DefaultPairing()
	return exceptionsIn("", days.bounds(), "$8") + ` ORDER BY work_id, at, punch_id`,
		days.args(tenant, string(hours.MissingOut), rule.Version, string(eventschema.DirectionIn), now.Add(-rule.Longest))
}

// Worked is what the hours of some days are made of.
type Worked struct {
	Intervals  []Interval
	Exceptions []Exception
	Declared   []Declaration
}

// WorkedOn answers [IntervalsOf], [ExceptionsOf] and [DeclaredHours] in one trip to
// the server.
func WorkedOn(ctx context.Context, q Querier, tenant uuid.UUID, days Days, now time.Time) (w Worked, err error) {
	var batch pgx.Batch
	batch.Queue(intervalsQuery(days), days.args(tenant)...).Query(func(rows pgx.Rows) (err error) {
		w.Intervals, err = scanIntervals(rows)
		return err
	})
	sql, args := exceptionsQuery(tenant, days, now)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		w.Exceptions, err = scanExceptions(rows)
		return err
	})
	batch.Queue(declaredQuery(days), days.args(tenant)...).Query(func(rows pgx.Rows) (err error) {
		w.Declared, err = scanDeclarations(rows, nil)
		return err
	})
	if err := q.SendBatch(ctx, &batch).Close(); err != nil {
		return Worked{}, fmt.Errorf("query worked time: %w", err)
	}
	return w, nil
}

// exceptionsIn selects the exceptions of a schema, with those that are ones by
// now only: $5 is their code, $6 the version of the rule, $7 the direction in,
// and an in before longAgo has waited too long for its out.
func exceptionsIn(schema, where, longAgo string) string {
	return `
SELECT work_id, punch_id, code, at, work_date::text, rule_version FROM (
	SELECT tenant_id, work_id, punch_id, code, at, work_date, rule_version FROM ` + schema + `punch_exception` + where + `
	UNION ALL
	SELECT tenant_id, work_id, punch_id, $5, occurred_at, work_date, $6::smallint FROM (
		SELECT *, (occurred_at AT TIME ZONE 'UTC' + make_interval(secs => offset_seconds))::date AS work_date FROM ` + schema + `last_counted) l` + where + `
		AND direction = $7 AND occurred_at < ` + longAgo + `) e`
}

func scanExceptions(rows pgx.Rows) ([]Exception, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Exception, err error) {
		err = row.Scan(&e.WorkID, &e.Punch, &e.Code, &e.At, &e.WorkDate, &e.RuleVersion)
		e.At = e.At.UTC()
		return e, err
	})
}
