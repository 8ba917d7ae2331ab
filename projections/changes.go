package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// What do two builds of the read models tell differently?
//
// Both stand in schemas of one database: the live one, or those of two moments.
// The database compares them, so that only what differs leaves it.

// Two names the schemas that are compared.
type Two struct{ Before, After string }

// in makes a prefix for table names.
func in(schema string) string { return pgx.Identifier{schema}.Sanitize() + "." }

// differing selects the rows that either table has and the other has not; side
// is 0 for those of before.
func (t Two) differing(columns, of string) string {
	before, after := fmt.Sprintf(`SELECT %s FROM %s%s`, columns, in(t.Before), of), fmt.Sprintf(`SELECT %s FROM %s%s`, columns, in(t.After), of)
	return eitherWay(before, after)
}

func eitherWay(before, after string) string {
	return `
SELECT 0 AS side, d.* FROM (` + before + ` EXCEPT ALL ` + after + `) d
UNION ALL
SELECT 1, d.* FROM (` + after + ` EXCEPT ALL ` + before + `) d`
}

// PunchChange is a punch that the builds tell differently. Before or After is
// nil where a build has no such punch.
type PunchChange struct {
	PunchID, WorkID uuid.UUID
	Before, After   *Punch
}

// PunchChanges lists the punches that differ, by work id and punch id.
func PunchChanges(ctx context.Context, q Querier, tenant uuid.UUID, of Two) ([]PunchChange, error) {
	rows, err := q.Query(ctx, of.differing(punchColumns, `punch WHERE tenant_id = $1`)+` ORDER BY work_id, punch_id, side`, tenant)
	if err != nil {
		return nil, fmt.Errorf("compare punches: %w", err)
	}
	defer rows.Close()
	var changes []PunchChange
	for rows.Next() {
		var side int
		p, err := scanPunch(rows, &side)
		if err != nil {
			return nil, fmt.Errorf("compare punches: %w", err)
		}
		if n := len(changes); side == 1 && n > 0 && changes[n-1].PunchID == p.ID && changes[n-1].After == nil {
			changes[n-1].After = &p
			continue
		}
		change := PunchChange{PunchID: p.ID, WorkID: p.WorkID}
		if side == 0 {
			change.Before = &p
		} else {
			change.After = &p
		}
		changes = append(changes, change)
	}
	return changes, rows.Err()
}

// DayChange is a work id and a day whose hours differ.
type DayChange struct {
	WorkID        uuid.UUID
	WorkDate      string // 2006-01-02
	Before, After DayHours
}

// DayChanges lists the days whose hours differ, by work id and date.
func DayChanges(ctx context.Context, q Querier, tenant uuid.UUID, of Two) ([]DayChange, error) {
	const ofTenant = ` WHERE tenant_id = $1 `
	rows, err := q.Query(ctx, `
SELECT work_id, work_date::text, COALESCE(b.seconds, 0), COALESCE(b.declared, 0), COALESCE(b.intervals, 0), COALESCE(a.seconds, 0), COALESCE(a.declared, 0), COALESCE(a.intervals, 0)
FROM (`+sumsByDay(in(of.Before), ofTenant, ofTenant)+`) b FULL JOIN (`+sumsByDay(in(of.After), ofTenant, ofTenant)+`) a USING (work_id, work_date)
WHERE (a.seconds, a.declared, a.intervals) IS DISTINCT FROM (b.seconds, b.declared, b.intervals) ORDER BY work_id, work_date`, tenant)
	if err != nil {
		return nil, fmt.Errorf("compare hours: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d DayChange, err error) {
		return d, row.Scan(&d.WorkID, &d.WorkDate, &d.Before.Seconds, &d.Before.Declared, &d.Before.Intervals,
			&d.After.Seconds, &d.After.Declared, &d.After.Intervals)
	})
}

// ExceptionChange is an exception that one of the builds has: After, or before.
type ExceptionChange struct {
	Exception
	After bool
}

// ExceptionChanges lists the exceptions that differ, by work id and time. Each
// build is asked at a time of its own.
func ExceptionChanges(ctx context.Context, q Querier, tenant uuid.UUID, of Two, before, after time.Time) ([]ExceptionChange, error) {
	rule := hours.DefaultPairing()
	const all = ` WHERE tenant_id = $1 AND $2::date IS NULL AND $3::date IS NULL AND $4::uuid[] IS NULL `
	longAgo := []any{before.Add(-rule.Longest), after.Add(-rule.Longest)}
	args := append([]any{tenant, nil, nil, nil, string(hours.MissingOut), rule.Version, string(eventschema.DirectionIn)}, longAgo...)
	rows, err := q.Query(ctx, eitherWay(exceptionsIn(in(of.Before), all, "$8"), exceptionsIn(in(of.After), all, "$9"))+` ORDER BY work_id, at, punch_id, side`, args...)
	if err != nil {
		return nil, fmt.Errorf("compare exceptions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e ExceptionChange, err error) {
		var side int
		err = row.Scan(&side, &e.WorkID, &e.Punch, &e.Code, &e.At, &e.WorkDate, &e.RuleVersion)
		e.At, e.After = e.At.UTC(), side == 1
		return e, err
	})
}

// WorkDate is the local date of a reading at its site.
func (r PunchReading) WorkDate() string {
	return hours.Punch{OccurredAt: r.OccurredAt, OffsetSeconds: r.OffsetSeconds}.WorkDate()
}

// Kind says in a word what became of the punch.
func (c PunchChange) Kind() string {
	switch {
	case c.Before == nil:
		return "added"
	case c.After == nil:
		return "removed"
	case c.After.Voided && !c.Before.Voided:
		return "voided"
	case c.Before.Voided && !c.After.Voided:
		return "restored"
	}
	return "corrected"
}

// Dates are the days that the change touches, one or two.
func (c PunchChange) Dates() []string {
	var dates []string
	for _, p := range []*Punch{c.Before, c.After} {
		if p != nil && !slices.Contains(dates, p.Counts.WorkDate()) {
			dates = append(dates, p.Counts.WorkDate())
		}
	}
	return dates
}
