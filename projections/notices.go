package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// NoticeKind is what somebody is told that nobody wrote.
type NoticeKind string

// The kinds.
const (
	NoticeOffer      NoticeKind = "offer_made"
	NoticeMoved      NoticeKind = "shift_moved"
	NoticeCancelled  NoticeKind = "shift_cancelled"
	NoticeCorrection NoticeKind = "correction_decided"
)

// Notice tells a work record of something that happened to it. It is read from what
// is there anyhow and stored nowhere.
type Notice struct {
	Kind     NoticeKind
	Of       uuid.UUID // the shift, or the correction
	At       time.Time // UTC, when it was recorded
	Position uint64    // of the event that it tells of
	Until    *time.Time
	Outcome  string // of a correction
}

// NoticesOf lists the latest notices of a work record, the newest first: offers that
// wait for an answer, shifts of theirs that were moved or called off, and corrections
// that were decided.
func NoticesOf(ctx context.Context, q Querier, tenant, work uuid.UUID, limit int) ([]Notice, error) {
	rows, err := q.Query(ctx, `
SELECT n.kind, n.id, a.recorded_at, n.position, n.until, n.outcome FROM (
	SELECT '`+string(NoticeOffer)+`' AS kind, s.shift_id AS id, p.position, s.respond_by AS until, '' AS outcome
	FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
	WHERE p.tenant_id = $1 AND p.work_id = $2 AND p.state = '`+string(PlaceOffered)+`' AND p.position > COALESCE(s.moved_position, 0) AND s.cancelled_at IS NULL AND s.completed_at IS NULL
	UNION ALL
	SELECT '`+string(NoticeMoved)+`', s.shift_id, s.moved_position, NULL, ''
	FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
	WHERE p.tenant_id = $1 AND p.work_id = $2 AND p.state = '`+string(PlaceAssigned)+`' AND s.moved_position > COALESCE(p.assigned_position, 0) AND s.cancelled_at IS NULL
	UNION ALL
	SELECT '`+string(NoticeCancelled)+`', s.shift_id, s.position, NULL, ''
	FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
	WHERE p.tenant_id = $1 AND p.work_id = $2 AND p.state = '`+string(PlaceAssigned)+`' AND s.cancelled_at IS NOT NULL
	UNION ALL
	SELECT '`+string(NoticeCorrection)+`', c.correction_id, c.position, NULL, c.outcome
	FROM correction_request c WHERE c.tenant_id = $1 AND c.work_id = $2 AND c.outcome IS NOT NULL
) n JOIN audit_feed a ON a.tenant_id = $1 AND a.position = n.position
ORDER BY n.position DESC LIMIT $3`, tenant, work, limit)
	if err != nil {
		return nil, fmt.Errorf("query notices: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Notice, err error) {
		var position int64
		err = row.Scan(&n.Kind, &n.Of, &n.At, &position, &n.Until, &n.Outcome)
		n.Position, n.At, n.Until = uint64(position), n.At.UTC(), utc(n.Until)
		return n, err
	})
}

// PeopleOfSite lists the work records with a place on a shift of a site that has not
// ended by one instant and begins before another, by id.
func PeopleOfSite(ctx context.Context, q Querier, tenant uuid.UUID, site string, from, before time.Time) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `
SELECT DISTINCT p.work_id FROM shift_place p JOIN shift s USING (tenant_id, shift_id)
WHERE p.tenant_id = $1 AND s.site = $2 AND p.state = '`+string(PlaceAssigned)+`' AND s.ends_at > $3 AND s.starts_at < $4 AND s.cancelled_at IS NULL
	AND s.kind IS DISTINCT FROM '`+string(eventschema.ShiftTask)+`' ORDER BY 1`, tenant, site, from, before)
	if err != nil {
		return nil, fmt.Errorf("query the people of a site: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
