package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// namedIn lists the people that an event of a shift speaks of, some more than once.
func namedIn(event eventschema.Event) (shift uuid.UUID, works []uuid.UUID) {
	switch e := event.(type) {
	case *eventschema.ShiftOffered:
		works = append(works, e.Offered...)
		for _, standing := range e.Standings {
			works = append(works, standing.WorkID)
		}
		for _, passed := range e.PassedOver {
			works = append(works, passed.WorkID)
		}
		return e.ShiftID, works
	case *eventschema.ShiftAssigned:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.ShiftUnassigned:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.OfferAccepted:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.OfferDeclined:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.BidPlaced:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.SwapRequested:
		return e.ShiftID, []uuid.UUID{e.FromWorkID, e.ToWorkID}
	case *eventschema.SwapAgreed:
		return e.ShiftID, []uuid.UUID{e.WorkID}
	case *eventschema.SwapApproved:
		return e.ShiftID, []uuid.UUID{e.FromWorkID, e.ToWorkID}
	case *eventschema.ShiftCompleted:
		for _, r := range e.Results {
			works = append(works, r.WorkID)
		}
		return e.ShiftID, works
	}
	return uuid.Nil, nil
}

func insertNamed(ctx context.Context, tx pgx.Tx, page Page) error {
	var tenants, shifts, works uuids
	seen := map[placeKey]bool{}
	for i := range page.Events {
		shift, named := namedIn(page.Events[i].Event)
		for _, work := range named {
			key := placeKey{page.Events[i].Meta.Tenant, shift, work}
			if seen[key] {
				continue
			}
			seen[key] = true
			tenants.add(key.tenant)
			shifts.add(shift)
			works.add(work)
		}
	}
	if len(works) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO shift_named (tenant_id, shift_id, work_id) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING`,
		tenants, shifts, works)
	return err
}

// expireShifts deletes what is said of people whose work records have come of age,
// and the shifts whose streams ended with the last of their people.
func expireShifts(ctx context.Context, tx pgx.Tx, e *expired) error {
	if err := expireWorks("shift_place", "shift_named")(ctx, tx, e); err != nil {
		return err
	}
	for _, table := range []string{"shift", "shift_place", "shift_named"} {
		if err := expireNamed(table, "shift_id", eventschema.CategoryAssignment)(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// ShiftNames is a shift that speaks of somebody, and of whom else.
type ShiftNames struct {
	ShiftID uuid.UUID
	Others  []uuid.UUID // work ids
}

// ShiftsNaming lists the shifts that speak of a work record, by id.
func ShiftsNaming(ctx context.Context, q Querier, tenant, work uuid.UUID) ([]ShiftNames, error) {
	rows, err := q.Query(ctx, `
SELECT n.shift_id, array(SELECT o.work_id FROM shift_named o WHERE o.shift_id = n.shift_id AND o.tenant_id = n.tenant_id AND o.work_id <> n.work_id ORDER BY 1)
FROM shift_named n WHERE n.work_id = $2 AND n.tenant_id = $1 ORDER BY 1`, tenant, work)
	if err != nil {
		return nil, fmt.Errorf("query who is named in shifts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ShiftNames, err error) {
		return s, row.Scan(&s.ShiftID, &s.Others)
	})
}

// sinceOfShift is the instant from which an event of a shift says how things are; it
// answers false for an event of anything else.
func sinceOfShift(event eventschema.Event) (time.Time, bool) {
	switch e := event.(type) {
	case *eventschema.ShiftPlanned:
		return e.PlannedAt, true
	case *eventschema.ShiftRescheduled:
		return e.RescheduledAt, true
	case *eventschema.ShiftOffered:
		return e.OfferedAt, true
	case *eventschema.OfferAccepted:
		return e.AcceptedAt, true
	case *eventschema.OfferDeclined:
		return e.DeclinedAt, true
	case *eventschema.BidPlaced:
		return e.BidAt, true
	case *eventschema.ShiftAssigned:
		return e.AssignedAt, true
	case *eventschema.ShiftUnassigned:
		return e.UnassignedAt, true
	case *eventschema.SwapRequested:
		return e.RequestedAt, true
	case *eventschema.SwapAgreed:
		return e.AgreedAt, true
	case *eventschema.SwapApproved:
		return e.ApprovedAt, true
	case *eventschema.SwapRefused:
		return e.RefusedAt, true
	case *eventschema.ShiftCancelled:
		return e.CancelledAt, true
	case *eventschema.ShiftCompleted:
		return e.CompletedAt, true
	}
	return time.Time{}, false
}
