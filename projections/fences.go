package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// Which punches of work were made outside of the fence of their site, or too near to
// its edge to tell?
//
// What a fence said is part of the punch and has no table of its own. Every such punch
// counts.

// FenceExceptionsOf lists them as exceptions, by work id and time.
func FenceExceptionsOf(ctx context.Context, q Querier, tenant uuid.UUID, days Days) ([]Exception, error) {
	rows, err := q.Query(ctx, `
SELECT work_id, punch_id, occurred_at, work_date::text, fence FROM (
	SELECT *, (occurred_at AT TIME ZONE 'UTC' + make_interval(secs => offset_seconds))::date AS work_date FROM punch
	WHERE fence <> 'inside' AND NOT voided AND kind <> 'visit' AND occurred_at >= $2::date - 2 AND occurred_at < $3::date + 3) p`+days.bounds()+`
ORDER BY work_id, occurred_at, punch_id`, days.args(tenant)...)
	if err != nil {
		return nil, fmt.Errorf("query fence exceptions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Exception, err error) {
		var verdict eventschema.FenceVerdict
		err = row.Scan(&e.WorkID, &e.Punch, &e.At, &e.WorkDate, &verdict)
		e.At, e.RuleVersion = e.At.UTC(), hours.DefaultReview().Version
		e.Code, _ = hours.OfFence(verdict)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read fence exceptions: %w", err)
	}
	return all, nil
}
