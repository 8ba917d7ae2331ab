package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// PairedInterval is an interval with the keys that were pressed for it.
type PairedInterval struct {
	Interval
	InKind, OutKind eventschema.PunchKind
}

// EachPaired hands over the intervals of some days, those of one work id together
// and in order of time. What do is given is its own.
func EachPaired(ctx context.Context, q Querier, tenant uuid.UUID, days Days, do func(work uuid.UUID, intervals []PairedInterval) error) error {
	rows, err := q.Query(ctx, `SELECT work_id, in_punch, out_punch, start_at, end_at, work_date::text, seconds, rule_version, in_kind, out_kind, COALESCE(job, '')
FROM work_interval`+days.intervals()+`ORDER BY work_id, start_at, in_punch`, days.args(tenant)...)
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
