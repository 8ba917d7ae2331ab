package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tracekeep/domain/hours"
)

// How long did each person work, on which day, resting on which punches?
//
// Every interval names the two punches it rests on and the version of the rule
// that paired them. A change of punches pairs again only the stretch around it
// that can come out differently, and leaves the rest as it is.
func workedHours() Projection {
	return Projection{
		Name: "hours", Question: "How long did each person work, on which day, resting on which punches?", Version: 1,
		Tables: []string{"work_interval", "punch_exception"},
		Schema: `
CREATE TABLE work_interval (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	start_at timestamptz NOT NULL,
	in_punch uuid NOT NULL,
	out_punch uuid NOT NULL,
	end_at timestamptz NOT NULL,
	work_date date NOT NULL, -- local date of the in at its site
	seconds integer NOT NULL, -- elapsed
	rule_version smallint NOT NULL,
	PRIMARY KEY (tenant_id, work_id, start_at, in_punch)
);
CREATE TABLE punch_exception (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	at timestamptz NOT NULL,
	punch_id uuid NOT NULL,
	code text NOT NULL,
	work_date date NOT NULL,
	rule_version smallint NOT NULL,
	PRIMARY KEY (tenant_id, work_id, at, punch_id)
);`,
		Indexes: `
CREATE INDEX work_interval_by_date ON work_interval (tenant_id, work_date, work_id);
CREATE INDEX punch_exception_by_date ON punch_exception (tenant_id, work_date, work_id);`,
		Apply:  applyHours,
		Settle: settleHours,
	}
}

func applyHours(ctx context.Context, tx pgx.Tx, page Page) error {
	spans, err := touchedBy(ctx, tx, page)
	if err != nil || len(spans) == 0 {
		return err
	}
	rule := hours.DefaultPairing()
	if spans, err = windows(ctx, tx, rule, spans); err != nil {
		return err
	}
	if err := forgetPairing(ctx, tx, spans); err != nil {
		return fmt.Errorf("clear changed hours: %w", err)
	}
	var results pairingRows
	for _, s := range spans {
		results.add(s.workKey, rule, s.window.Punches)
	}
	return results.write(ctx, tx)
}

func settleHours(ctx context.Context, tx pgx.Tx) error {
	rule := hours.DefaultPairing()
	var results pairingRows
	return eachHistory(ctx, tx,
		func(key workKey, history []hours.Punch) { results.add(key, rule, history) },
		func() error { return results.write(ctx, tx) })
}

// forgetPairing deletes what was concluded inside the windows.
func forgetPairing(ctx context.Context, tx pgx.Tx, spans []*touched) error {
	var tenants, works uuids
	froms, tos := make([]pgtype.Timestamptz, 0, len(spans)), make([]pgtype.Timestamptz, 0, len(spans))
	for _, s := range spans {
		tenants.add(s.tenant)
		works.add(s.work)
		froms = append(froms, bound(s.window.From, pgtype.NegativeInfinity))
		tos = append(tos, bound(s.window.To, pgtype.Infinity))
	}
	var batch pgx.Batch
	const forget = `DELETE FROM %[1]s w USING unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS s (tenant_id, work_id, lo, hi)
WHERE w.tenant_id = s.tenant_id AND w.work_id = s.work_id AND w.%[2]s >= s.lo AND w.%[2]s < s.hi`
	batch.Queue(fmt.Sprintf(forget, "work_interval", "start_at"), tenants, works, froms, tos)
	batch.Queue(fmt.Sprintf(forget, "punch_exception", "at"), tenants, works, froms, tos)
	return tx.SendBatch(ctx, &batch).Close()
}

// pairingRows collects rows of both tables.
type pairingRows struct {
	intervals, exceptions [][]any
}

func (r *pairingRows) add(key workKey, rule hours.PairingRule, punches []hours.Punch) {
	paired := rule.Pair(punches)
	tenant, work, version := [16]byte(key.tenant), [16]byte(key.work), int16(rule.Version)
	for _, w := range paired.Intervals {
		r.intervals = append(r.intervals, []any{
			tenant, work, w.Start, [16]byte(w.In), [16]byte(w.Out), w.End, dateOf(w.WorkDate), int32(w.Seconds()), version,
		})
	}
	for _, e := range paired.Exceptions {
		r.exceptions = append(r.exceptions, []any{tenant, work, e.At, [16]byte(e.Punch), string(e.Code), dateOf(e.WorkDate), version})
	}
}

func (r *pairingRows) write(ctx context.Context, tx pgx.Tx) error {
	if len(r.intervals) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"work_interval"}, []string{
			"tenant_id", "work_id", "start_at", "in_punch", "out_punch", "end_at", "work_date", "seconds", "rule_version",
		}, pgx.CopyFromRows(r.intervals)); err != nil {
			return fmt.Errorf("insert work intervals: %w", err)
		}
	}
	if len(r.exceptions) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"punch_exception"}, []string{
			"tenant_id", "work_id", "at", "punch_id", "code", "work_date", "rule_version",
		}, pgx.CopyFromRows(r.exceptions)); err != nil {
			return fmt.Errorf("insert punch exceptions: %w", err)
		}
	}
	r.intervals, r.exceptions = r.intervals[:0], r.exceptions[:0]
	return nil
}

// Interval is one paired work span.
type Interval struct {
	WorkID      uuid.UUID
	In, Out     uuid.UUID // the punches it rests on
	Start, End  time.Time // UTC
	WorkDate    string    // 2006-01-02, at the site of the in
	Seconds     int64     // elapsed
	RuleVersion int
}

// DayHours is the worked time of one work id on one day.
type DayHours struct {
	WorkID    uuid.UUID
	WorkDate  string // 2006-01-02
	Seconds   int64
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

// inDays bounds every query of this file; $1 is the tenant.
const inDays = ` WHERE tenant_id = $1 AND work_date >= $2::date AND work_date <= $3::date AND ($4::uuid[] IS NULL OR work_id = ANY($4)) `

func (d Days) args(tenant uuid.UUID, more ...any) []any {
	var works uuids
	if len(d.Works) > 0 {
		works = uuidsOf(d.Works)
	}
	return append([]any{tenant, d.From, d.To, works}, more...)
}

// HoursByDay adds up worked time by work id and day, in that order. Days
// without an interval have no row.
func HoursByDay(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]DayHours, error) {
	rows, err := q.Query(ctx, `SELECT work_id, work_date::text, sum(seconds), count(*) FROM work_interval`+inDays+
		`GROUP BY work_id, work_date ORDER BY work_id, work_date`, days.args(tenant)...)
	if err != nil {
		return nil, fmt.Errorf("query hours: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h DayHours, err error) {
		return h, row.Scan(&h.WorkID, &h.WorkDate, &h.Seconds, &h.Intervals)
	})
}

// IntervalsOf lists the work intervals, by work id and time.
func IntervalsOf(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]Interval, error) {
	rows, err := q.Query(ctx, `SELECT work_id, in_punch, out_punch, start_at, end_at, work_date::text, seconds, rule_version FROM work_interval`+inDays+
		`ORDER BY work_id, start_at, in_punch`, days.args(tenant)...)
	if err != nil {
		return nil, fmt.Errorf("query intervals: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w Interval, err error) {
		err = row.Scan(&w.WorkID, &w.In, &w.Out, &w.Start, &w.End, &w.WorkDate, &w.Seconds, &w.RuleVersion)
		w.Start, w.End = w.Start.UTC(), w.End.UTC()
		return w, err
	})
}

// ExceptionsOf lists the punches that count for nothing, by work id and time.
// The in of somebody who can still be at work at now is no exception: the last
// counted punch of a work id, no older than the longest interval.
func ExceptionsOf(ctx context.Context, q Querier, tenant uuid.UUID, days Days, now time.Time) ([]Exception, error) {
	rows, err := q.Query(ctx, `SELECT work_id, punch_id, code, at, work_date::text, rule_version FROM punch_exception e`+inDays+`
AND NOT (code = $5 AND at >= $6
	AND NOT EXISTS (SELECT FROM work_interval w WHERE w.tenant_id = e.tenant_id AND w.work_id = e.work_id AND w.start_at >= e.at)
	AND NOT EXISTS (SELECT FROM punch_exception o WHERE o.tenant_id = e.tenant_id AND o.work_id = e.work_id AND o.at > e.at AND o.code <> $7))
ORDER BY work_id, at, punch_id`,
		days.args(tenant, string(hours.MissingOut), now.Add(-hours.DefaultPairing().Longest), string(hours.RepeatPunch))...)
	if err != nil {
		return nil, fmt.Errorf("query exceptions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Exception, err error) {
		err = row.Scan(&e.WorkID, &e.Punch, &e.Code, &e.At, &e.WorkDate, &e.RuleVersion)
		e.At = e.At.UTC()
		return e, err
	})
}
