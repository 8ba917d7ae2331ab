package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// RetentionTerm is a term that is being counted.
type RetentionTerm struct {
	Class   string
	Subject uuid.UUID // the person, or the work record
	Period  string    // of locations
	Anchor  time.Time // UTC
}

// TermsUntil lists the terms of a class that are counted from an instant at most,
// the earliest first. Those of a work record are counted from its last punch where
// that is later than the end of employment: the law counts from the last entry.
func TermsUntil(ctx context.Context, q Querier, tenant uuid.UUID, class string, latest time.Time) ([]RetentionTerm, error) {
	rows, err := q.Query(ctx, `
SELECT subject, period, GREATEST(anchor, CASE WHEN class = 'work_record'
	THEN (SELECT max(occurred_at) FROM punch p WHERE p.work_id = t.subject AND p.tenant_id = t.tenant_id) END) AS since
FROM retention_term t WHERE tenant_id = $1 AND class = $2 AND anchor <= $3 ORDER BY since, subject, period`, tenant, class, latest)
	if err != nil {
		return nil, fmt.Errorf("query terms: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (RetentionTerm, error) {
		t := RetentionTerm{Class: class}
		err := row.Scan(&t.Subject, &t.Period, &t.Anchor)
		t.Anchor = t.Anchor.UTC()
		return t, err
	})
}

// TermOf is the term of a class of one subject without periods, or [ErrNotFound].
func TermOf(ctx context.Context, q Querier, tenant uuid.UUID, class string, subject uuid.UUID) (RetentionTerm, error) {
	terms, err := TermsUntil(ctx, q, tenant, class, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return RetentionTerm{}, err
	}
	for _, t := range terms {
		if t.Subject == subject {
			return t, nil
		}
	}
	return RetentionTerm{}, ErrNotFound
}

// RetentionBatch is one batch.
type RetentionBatch struct {
	BatchID     uuid.UUID
	SubmittedAt time.Time
	SubmittedBy uuid.UUID
	Cases       []uuid.UUID
	ApprovedAt  *time.Time
	ApprovedBy  uuid.UUID
	Released    []uuid.UUID
	LeftOut     []eventschema.LeftOut
	Position    uint64
}

// RetentionBatches lists batches, the one with the latest news first, at most
// limit of them. before is the position to continue at, or 0 to start.
func RetentionBatches(ctx context.Context, q Querier, tenant uuid.UUID, before uint64, limit int) ([]RetentionBatch, error) {
	rows, err := q.Query(ctx, `
SELECT batch_id, submitted_at, submitted_by, cases, approved_at, COALESCE(approved_by, `+noID+`), COALESCE(released, '[]'), COALESCE(left_out, '[]'), position
FROM retention_batch WHERE tenant_id = $1 AND submitted_at IS NOT NULL AND ($2 = 0 OR position < $2) ORDER BY position DESC LIMIT $3`, tenant, int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("query batches: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b RetentionBatch, err error) {
		var position int64
		err = row.Scan(&b.BatchID, &b.SubmittedAt, &b.SubmittedBy, &b.Cases, &b.ApprovedAt, &b.ApprovedBy, &b.Released, &b.LeftOut, &position)
		b.Position, b.SubmittedAt, b.ApprovedAt = uint64(position), b.SubmittedAt.UTC(), utc(b.ApprovedAt)
		return b, err
	})
}

// BatchesBy counts the batches that somebody approved since an instant.
func BatchesBy(ctx context.Context, q Querier, tenant, officer uuid.UUID, since time.Time) (n int, err error) {
	row := q.QueryRow(ctx, `SELECT count(*) FROM retention_batch WHERE tenant_id = $1 AND approved_by = $2 AND approved_at > $3`, tenant, officer, since)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count batches: %w", err)
	}
	return n, nil
}

// ExpiredStream is a stream whose retention ended.
type ExpiredStream struct {
	Stream    eventschema.StreamName
	CaseID    uuid.UUID
	ExpiredAt time.Time
	Events    uint64
}

// ExpiredStreams lists the expired streams of some ids, or of all without any.
func ExpiredStreams(ctx context.Context, q Querier, tenant uuid.UUID, ids ...uuid.UUID) ([]ExpiredStream, error) {
	where, args := ``, []any{tenant}
	if len(ids) > 0 {
		where, args = ` AND stream_id = ANY($2)`, append(args, uuidsOf(ids))
	}
	rows, err := q.Query(ctx, `
SELECT stream_id, category, period, events, case_id, expired_at FROM expired_stream WHERE tenant_id = $1`+where+` ORDER BY 2, 1, 3`, args...)
	if err != nil {
		return nil, fmt.Errorf("query expired streams: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ExpiredStream, err error) {
		var events int64
		err = row.Scan(&s.Stream.ID, &s.Stream.Category, &s.Stream.Period, &events, &s.CaseID, &s.ExpiredAt)
		s.Stream.Tenant, s.Events, s.ExpiredAt = tenant, uint64(events), s.ExpiredAt.UTC()
		return s, err
	})
}
