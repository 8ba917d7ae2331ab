package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// What may not be destroyed, for which matter, and when is that looked at again?
func holds() Projection {
	return Projection{
		Name: "holds", Question: "What may not be destroyed, for which matter, and when is that looked at again?", Version: 1,
		Tables: []string{"hold"},
		Schema: `
CREATE TABLE hold (
	tenant_id uuid NOT NULL,
	hold_id uuid NOT NULL,
	matter_id uuid,
	person_id uuid,
	record_id uuid, -- of a hold on a work record
	purposes json, -- none: everything
	reason text,
	placed_at timestamptz,
	placed_by uuid,
	confirm_by timestamptz,
	confirmed_at timestamptz,
	confirmed_by uuid,
	review_by timestamptz,
	reviewed_at timestamptz,
	lift_asked_at timestamptz, -- counts only when it is later than reviewed_at
	lift_asked_by uuid,
	ended_at timestamptz,
	lapsed boolean,
	position bigint NOT NULL, -- of the latest event of the hold
	PRIMARY KEY (tenant_id, hold_id)
);
CREATE INDEX hold_by_person ON hold (tenant_id, person_id);`,
		Apply: applyHolds,
	}
}

func applyHolds(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		if id, columns := saidOfHold(d); columns != nil {
			rows.add(d, "hold_id", id, columns)
		}
	}
	err := rows.upsert(ctx, tx, "hold", "hold_id", []string{
		"matter_id", "person_id", "record_id", "purposes", "reason", "placed_at", "placed_by", "confirm_by", "confirmed_at", "confirmed_by",
		"review_by", "reviewed_at", "lift_asked_at", "lift_asked_by", "ended_at", "lapsed",
	})
	if err != nil {
		return fmt.Errorf("upsert holds: %w", err)
	}
	return nil
}

func saidOfHold(d *eventschema.Decoded) (uuid.UUID, map[string]any) {
	switch e := d.Event.(type) {
	case *eventschema.HoldPlaced:
		return e.HoldID, map[string]any{
			"matter_id": e.MatterID, "person_id": nonNil(e.PersonID), "record_id": nonNil(e.RecordID), "purposes": list(e.Purposes),
			"reason": storable(string(e.Reason)), "placed_at": e.PlacedAt, "placed_by": e.PlacedBy, "confirm_by": e.ConfirmBy, "review_by": e.ReviewBy,
		}
	case *eventschema.HoldConfirmed:
		return e.HoldID, map[string]any{"confirmed_at": e.ConfirmedAt, "confirmed_by": e.ConfirmedBy}
	case *eventschema.HoldReviewed:
		return e.HoldID, map[string]any{"reviewed_at": e.ReviewedAt, "review_by": e.ReviewBy}
	case *eventschema.HoldLiftRequested:
		return e.HoldID, map[string]any{"lift_asked_at": e.RequestedAt, "lift_asked_by": e.RequestedBy}
	case *eventschema.HoldLifted:
		return e.HoldID, map[string]any{"ended_at": e.LiftedAt, "lapsed": false}
	case *eventschema.HoldLapsed:
		return e.HoldID, map[string]any{"ended_at": e.LapsedAt, "lapsed": true}
	}
	return uuid.Nil, nil
}

// Hold is one legal hold.
type Hold struct {
	HoldID      uuid.UUID
	MatterID    uuid.UUID
	PersonID    uuid.UUID // nil for a hold on a work record
	RecordID    uuid.UUID
	Purposes    []eventschema.Purpose // none: everything
	Reason      eventschema.HoldReason
	PlacedAt    *time.Time
	PlacedBy    uuid.UUID
	ConfirmBy   *time.Time
	ConfirmedAt *time.Time
	ConfirmedBy uuid.UUID
	ReviewBy    *time.Time
	ReviewedAt  *time.Time
	LiftAskedAt *time.Time
	LiftAskedBy uuid.UUID
	EndedAt     *time.Time
	Lapsed      bool
	Position    uint64
}

// Holds lists the holds, the one with the latest event first, at most limit of
// them; only those that have not ended when open is set. before is the position
// to continue at, or 0 to start.
func Holds(ctx context.Context, q Querier, tenant uuid.UUID, open bool, before uint64, limit int) ([]Hold, error) {
	rows, err := q.Query(ctx, `
SELECT hold_id, COALESCE(matter_id, `+noID+`), COALESCE(person_id, `+noID+`), COALESCE(record_id, `+noID+`), purposes, COALESCE(reason, ''),
	placed_at, COALESCE(placed_by, `+noID+`), confirm_by, confirmed_at, COALESCE(confirmed_by, `+noID+`), review_by, reviewed_at,
	CASE WHEN reviewed_at IS NULL OR lift_asked_at > reviewed_at THEN lift_asked_at END, COALESCE(lift_asked_by, `+noID+`),
	ended_at, COALESCE(lapsed, false), position
FROM hold WHERE tenant_id = $1 AND ($2 = 0 OR position < $2) AND (NOT $4 OR ended_at IS NULL) ORDER BY position DESC LIMIT $3`,
		tenant, int64(before), limit, open)
	if err != nil {
		return nil, fmt.Errorf("query holds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Hold, err error) {
		var position int64
		err = row.Scan(&h.HoldID, &h.MatterID, &h.PersonID, &h.RecordID, &h.Purposes, &h.Reason, &h.PlacedAt, &h.PlacedBy, &h.ConfirmBy,
			&h.ConfirmedAt, &h.ConfirmedBy, &h.ReviewBy, &h.ReviewedAt, &h.LiftAskedAt, &h.LiftAskedBy, &h.EndedAt, &h.Lapsed, &position)
		h.Position = uint64(position)
		for _, at := range []**time.Time{&h.PlacedAt, &h.ConfirmBy, &h.ConfirmedAt, &h.ReviewBy, &h.ReviewedAt, &h.LiftAskedAt, &h.EndedAt} {
			*at = utc(*at)
		}
		return h, err
	})
}
