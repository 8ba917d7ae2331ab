package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// StreamsOf lists the streams that carry one of these ids in their name, by name.
// With categories it lists those alone. It asks the audit feed.
func StreamsOf(ctx context.Context, q Querier, tenant uuid.UUID, ids []uuid.UUID, categories ...string) ([]eventschema.StreamName, error) {
	sql := `SELECT DISTINCT category, stream_id, period FROM audit_feed WHERE tenant_id = $1 AND stream_id = ANY($2)`
	args := []any{tenant, uuidsOf(ids)}
	if len(categories) > 0 {
		sql, args = sql+` AND category = ANY($3)`, append(args, categories)
	}
	rows, err := q.Query(ctx, sql+` ORDER BY 1, 2, 3`, args...)
	if err != nil {
		return nil, fmt.Errorf("query streams: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (eventschema.StreamName, error) {
		name := eventschema.StreamName{Tenant: tenant}
		err := row.Scan(&name.Category, &name.ID, &name.Period)
		return name, err
	})
}

// WorkAtStation lists the work records that punched at a station, by id.
func WorkAtStation(ctx context.Context, q Querier, tenant uuid.UUID, station string) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT work_id FROM punch WHERE tenant_id = $1 AND station = $2 ORDER BY 1`, tenant, station)
	if err != nil {
		return nil, fmt.Errorf("query a station: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
