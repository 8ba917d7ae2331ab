package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// What happened, in which order, by whom?
//
// One narrow row for each event, whatever it is. The facts themselves are not
// repeated: they stand in the log, under the position given here.
func auditFeed() Projection {
	return Projection{
		Name: "audit_feed", Question: "What happened, in which order, by whom?", Version: 2,
		Tables: []string{"audit_feed"},
		Schema: `
CREATE TABLE audit_feed (
	tenant_id uuid NOT NULL,
	position bigint NOT NULL,
	revision bigint NOT NULL,
	recorded_at timestamptz NOT NULL,
	stream_id uuid NOT NULL,
	event_id uuid NOT NULL,
	actor_id uuid NOT NULL,
	correlation_id uuid NOT NULL,
	category text NOT NULL,
	period text NOT NULL,
	event_type text NOT NULL, -- as stored, with its version
	role text NOT NULL
);`,
		Indexes: `
ALTER TABLE audit_feed ADD PRIMARY KEY (tenant_id, position);
CREATE INDEX audit_feed_by_stream ON audit_feed (stream_id, position);`,
		Apply: applyAuditFeed, newLoader: newAuditLoader, expire: expireStreams("audit_feed"), byRecordTime: true,
	}
}

func applyAuditFeed(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := auditRows(len(page.Events))
	if err := addAudit(rows, page.Events); err != nil {
		return err
	}
	if err := rows.write(ctx, tx); err != nil {
		return fmt.Errorf("insert into the audit feed: %w", err)
	}
	return nil
}

func auditRows(n int) *copied {
	return copyInto("audit_feed", n,
		"tenant_id", "position", "revision", "recorded_at", "stream_id", "event_id", "actor_id", "correlation_id",
		"category", "period", "event_type", "role")
}

func addAudit(rows *copied, events []eventschema.Decoded) error {
	for i := range events {
		d := &events[i]
		name, err := eventschema.ParseStreamName(d.Stream)
		if err != nil {
			return fmt.Errorf("stream at position %d: %w", d.Position, err)
		}
		rows.row()
		rows.uuid(d.Meta.Tenant)
		rows.bigint(int64(d.Position))
		rows.bigint(int64(d.Revision))
		rows.timestamptz(d.Created)
		rows.uuid(name.ID)
		rows.uuid(d.ID)
		rows.uuid(d.Meta.Actor.ID)
		rows.uuid(d.Meta.CorrelationID)
		rows.text(name.Category)
		rows.text(name.Period)
		rows.text(d.Type)
		rows.text(storable(d.Meta.Actor.Role))
	}
	return nil
}

// auditLoader copies across pages.
type auditLoader struct{ rows *copied }

func newAuditLoader(*Load, Projection) Loader { return auditLoader{auditRows(0).intoNew()} }

// Add implements [Loader].
func (l auditLoader) Add(ctx context.Context, tx pgx.Tx, page Page) error {
	if err := addAudit(l.rows, page.Events); err != nil {
		return err
	}
	return l.rows.writeMany(ctx, tx)
}

// Settle implements [Loader].
func (l auditLoader) Settle(ctx context.Context, tx pgx.Tx) error { return l.rows.write(ctx, tx) }

// AuditEntry is one event of the feed.
type AuditEntry struct {
	Position      uint64
	Stream        eventschema.StreamName
	Revision      uint64
	EventType     string // as stored, with its version
	EventID       uuid.UUID
	Actor         eventschema.Actor
	RecordedAt    time.Time // UTC
	CorrelationID uuid.UUID
}

// AuditQuery chooses entries.
type AuditQuery struct {
	// Streams are the ids that stand in stream names: of people, work records,
	// cases. None means all of the tenant.
	Streams []uuid.UUID
	// Categories narrow them to streams of these; none means any.
	Categories []string
	// OldestFirst turns the order, which else is the newest first.
	OldestFirst bool
	// From continues behind (in the chosen order) the position of the last entry
	// received; nil starts.
	From  *uint64
	Limit int
}

// Audit lists entries of the feed, in the order of their positions.
func Audit(ctx context.Context, q Querier, tenant uuid.UUID, query AuditQuery) ([]AuditEntry, error) {
	where, args := `TRUE`, []any{query.Limit}
	if len(query.Streams) > 0 {
		args = append(args, uuidsOf(query.Streams))
		where += ` AND stream_id = ANY($3)`
	}
	if len(query.Categories) > 0 {
		args = append(args, query.Categories)
		where += fmt.Sprintf(` AND category = ANY($%d)`, len(args)+1)
	}
	order, behind := "DESC", "<"
	if query.OldestFirst {
		order, behind = "ASC", ">"
	}
	if query.From != nil {
		args = append(args, int64(*query.From))
		where += fmt.Sprintf(` AND position %s $%d`, behind, len(args)+1)
	}
	return auditWhere(ctx, q, tenant, where+` ORDER BY position `+order+` LIMIT $2`, args...)
}

// AuditAt finds the entries at positions, in their order.
func AuditAt(ctx context.Context, q Querier, tenant uuid.UUID, positions ...uint64) ([]AuditEntry, error) {
	at := make([]int64, len(positions))
	for i := range positions {
		at[i] = int64(positions[i])
	}
	return auditWhere(ctx, q, tenant, `position = ANY($2) ORDER BY position`, at)
}

// AuditOf finds the entries that have one of the ids, as an event or as a
// correlation, in the order of their positions, at most limit. It reads the
// whole feed: nobody asks this often.
func AuditOf(ctx context.Context, q Querier, tenant uuid.UUID, limit int, ids ...uuid.UUID) ([]AuditEntry, error) {
	return auditWhere(ctx, q, tenant, `(event_id = ANY($2) OR correlation_id = ANY($2)) ORDER BY position LIMIT $3`, uuidsOf(ids), limit)
}

// auditWhere selects entries; the arguments begin with $2.
func auditWhere(ctx context.Context, q Querier, tenant uuid.UUID, where string, args ...any) ([]AuditEntry, error) {
	rows, err := q.Query(ctx, `
SELECT position, category, stream_id, period, revision, event_type, event_id, actor_id, role, recorded_at, correlation_id
FROM audit_feed WHERE tenant_id = $1 AND `+where, append([]any{tenant}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("query the audit feed: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e AuditEntry, err error) {
		var position, revision int64
		err = row.Scan(&position, &e.Stream.Category, &e.Stream.ID, &e.Stream.Period, &revision, &e.EventType, &e.EventID,
			&e.Actor.ID, &e.Actor.Role, &e.RecordedAt, &e.CorrelationID)
		e.Position, e.Revision, e.Stream.Tenant, e.RecordedAt = uint64(position), uint64(revision), tenant, e.RecordedAt.UTC()
		return e, err
	})
}

// PeriodsOf lists the periods for which streams of a category exist under an id,
// in order: the months of a work record's locations, for example.
func PeriodsOf(ctx context.Context, q Querier, tenant uuid.UUID, category string, id uuid.UUID) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT period FROM audit_feed
WHERE tenant_id = $1 AND stream_id = $2 AND category = $3 ORDER BY period`, tenant, id, category)
	if err != nil {
		return nil, fmt.Errorf("query periods of streams: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
