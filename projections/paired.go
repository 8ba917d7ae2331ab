package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// PairedInterval is an interval with the keys that were pressed for it, and the job
// that its in began.
type PairedInterval struct {
	Interval
	InKind, OutKind eventschema.PunchKind
	Job             string // code; empty where nobody said
}

// EachPaired hands over the intervals of some days, those of one work id together
// and in order of time. What do is given is its own.
func EachPaired(ctx context.Context, q Querier, tenant uuid.UUID, days Days, do func(work uuid.UUID, intervals []PairedInterval) error) error {
	rows, err := q.Query(ctx, `
SELECT i.work_id, i.in_punch, i.out_punch, i.start_at, i.end_at, i.work_date::text, i.seconds, i.rule_version, a.kind, b.kind, COALESCE(a.job, '')
FROM (SELECT * FROM work_interval`+inDays+`) i
JOIN punch a ON a.punch_id = i.in_punch AND a.tenant_id = i.tenant_id
JOIN punch b ON b.punch_id = i.out_punch AND b.tenant_id = i.tenant_id
ORDER BY i.work_id, i.start_at, i.in_punch`, days.args(tenant)...)
	if err != nil {
		return fmt.Errorf("query paired intervals: %w", err)
	}
	defer rows.Close()
	var one []PairedInterval
	for rows.Next() {
		var w PairedInterval
		if err := rows.Scan(&w.WorkID, &w.In, &w.Out, &w.Start, &w.End, &w.WorkDate, &w.Seconds, &w.RuleVersion, &w.InKind, &w.OutKind, &w.Job); err != nil {
			return fmt.Errorf("scan paired intervals: %w", err)
		}
		w.Start, w.End = w.Start.UTC(), w.End.UTC()
		if len(one) > 0 && one[0].WorkID != w.WorkID {
			if err := do(one[0].WorkID, one); err != nil {
				return err
			}
			one = nil
		}
		one = append(one, w)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read paired intervals: %w", err)
	}
	if len(one) > 0 {
		return do(one[0].WorkID, one)
	}
	return nil
}
