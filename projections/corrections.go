package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which corrections of punches are asked for, and what became of them?
func correctionRequests() Projection {
	return Projection{
		Name: "correction_requests", Question: "Which corrections of punches are asked for, and what became of them?", Version: 2,
		Tables: []string{"correction_request"},
		Schema: `
CREATE TABLE correction_request (
	tenant_id uuid NOT NULL,
	correction_id uuid NOT NULL,
	punch_id uuid,
	work_id uuid,
	void boolean,
	occurred_at timestamptz, -- asked for
	direction text,
	kind text,
	job text, -- empty: none; null: as it counts
	reason text,
	requested_at timestamptz,
	requested_by uuid,
	outcome text, -- approved or refused
	ground text,
	decided_at timestamptz,
	decided_by uuid,
	position bigint NOT NULL, -- of the latest event of the request
	PRIMARY KEY (tenant_id, correction_id)
);`,
		Apply: applyCorrectionRequests, expire: expireWorks("correction_request"),
	}
}

// Outcomes of requests.
const (
	CorrectionApproved = "approved"
	CorrectionRefused  = "refused"
)

func applyCorrectionRequests(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.CorrectionRequested:
			rows.add(d, "correction_id", e.CorrectionID, map[string]any{
				"punch_id": e.PunchID, "work_id": e.WorkID, "void": e.Void, "occurred_at": e.OccurredAt, "direction": storable(string(e.Direction)),
				"kind": storable(string(e.Kind)), "job": storableOrNil(e.Job), "reason": storable(string(e.Reason)), "requested_at": e.RequestedAt, "requested_by": e.RequestedBy,
			})
		case *eventschema.CorrectionApproved:
			rows.add(d, "correction_id", e.CorrectionID, map[string]any{"outcome": CorrectionApproved, "decided_at": e.ApprovedAt, "decided_by": e.ApprovedBy})
		case *eventschema.CorrectionRefused:
			rows.add(d, "correction_id", e.CorrectionID, map[string]any{
				"outcome": CorrectionRefused, "ground": storable(e.Ground), "decided_at": e.RefusedAt, "decided_by": e.RefusedBy,
			})
		}
	}
	if err := rows.upsert(ctx, tx, "correction_request", "correction_id", []string{
		"punch_id", "work_id", "void", "occurred_at", "direction", "kind", "job", "reason", "requested_at", "requested_by", "outcome", "ground", "decided_at", "decided_by",
	}); err != nil {
		return fmt.Errorf("upsert correction requests: %w", err)
	}
	return nil
}

// CorrectionRequest is one correction that was asked for.
type CorrectionRequest struct {
	CorrectionID, PunchID, WorkID uuid.UUID
	Void                          bool
	OccurredAt                    time.Time // UTC; meaningless where Void
	Direction                     eventschema.Direction
	Kind                          eventschema.PunchKind
	Job                           *string // nil: as it counts
	Reason                        eventschema.CorrectionReason
	RequestedAt                   *time.Time
	RequestedBy                   uuid.UUID
	Outcome, Ground               string // empty: open
	DecidedAt                     *time.Time
	DecidedBy                     uuid.UUID
	Position                      uint64 // of the latest event
}

// CorrectionsNaming lists the requests about the punches of a work record, by id.
func CorrectionsNaming(ctx context.Context, q Querier, tenant, work uuid.UUID) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `SELECT correction_id FROM correction_request WHERE tenant_id = $1 AND work_id = $2 ORDER BY 1`, tenant, work)
	if err != nil {
		return nil, fmt.Errorf("query correction requests of a work record: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// CorrectionsAsked says which requests are asked for: with the nil work id everybody's.
type CorrectionsAsked struct {
	Open   bool // only those that wait for a decision
	Work   uuid.UUID
	Before uint64 // only those whose latest event stands before; 0: from the end of the log
	Limit  int
}

// CorrectionRequests lists requests, the one with the latest news first.
func CorrectionRequests(ctx context.Context, q Querier, tenant uuid.UUID, asked CorrectionsAsked) ([]CorrectionRequest, error) {
	rows, err := q.Query(ctx, `
SELECT correction_id, COALESCE(punch_id, `+noID+`), COALESCE(work_id, `+noID+`), COALESCE(void, false), COALESCE(occurred_at, 'epoch'), COALESCE(direction, ''),
	COALESCE(kind, ''), job, COALESCE(reason, ''), requested_at, COALESCE(requested_by, `+noID+`), COALESCE(outcome, ''), COALESCE(ground, ''), decided_at,
	COALESCE(decided_by, `+noID+`), position
FROM correction_request WHERE tenant_id = $1 AND (NOT $2 OR outcome IS NULL) AND ($3::uuid IS NULL OR work_id = $3) AND ($4::bigint = 0 OR position < $4)
ORDER BY position DESC LIMIT $5`, tenant, asked.Open, nonNil(asked.Work), int64(asked.Before), asked.Limit)
	if err != nil {
		return nil, fmt.Errorf("query correction requests: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CorrectionRequest, err error) {
		var position int64
		err = row.Scan(&c.CorrectionID, &c.PunchID, &c.WorkID, &c.Void, &c.OccurredAt, &c.Direction, &c.Kind, &c.Job, &c.Reason, &c.RequestedAt, &c.RequestedBy,
			&c.Outcome, &c.Ground, &c.DecidedAt, &c.DecidedBy, &position)
		c.Position = uint64(position)
		c.OccurredAt, c.RequestedAt, c.DecidedAt = c.OccurredAt.UTC(), utc(c.RequestedAt), utc(c.DecidedAt)
		return c, err
	})
}
