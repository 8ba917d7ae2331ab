package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who works when and where, and which shifts are still open?
//
// One row for each shift, and one for each person who was asked or assigned. Of
// what was said of a person the latest word counts; what was asked and answered before
// a shift was moved counts no longer. What is said of somebody goes with their work
// record, and a shift with the last person it names.
func rosters() Projection {
	return Projection{
		Name: "rosters", Question: "Who works when and where, and which shifts are still open?", Version: 3,
		Tables: []string{"shift", "shift_place", "shift_named"},
		Schema: `
CREATE TABLE shift (
	tenant_id uuid NOT NULL,
	shift_id uuid NOT NULL,
	roster_id uuid, -- of the weekly pattern it was made from
	kind text,
	employer text,
	site text,
	zone text,
	starts_local text,
	ends_local text,
	starts_at timestamptz,
	ends_at timestamptz,
	headcount integer,
	qualification text,
	strategy text, -- of the latest offer; empty once the shift was moved
	respond_by timestamptz,
	moved_position bigint, -- of the latest change of its times
	cancelled_at timestamptz,
	completed_at timestamptz,
	revision integer NOT NULL, -- of the latest event of the shift, in its stream
	changed_at timestamptz NOT NULL, -- by it
	position bigint NOT NULL, -- of the latest event of the shift
	PRIMARY KEY (tenant_id, shift_id)
);
CREATE INDEX shift_by_start ON shift (tenant_id, starts_at);
CREATE TABLE shift_place (
	tenant_id uuid NOT NULL,
	shift_id uuid NOT NULL,
	work_id uuid NOT NULL,
	state text NOT NULL,
	strategy text, -- of the offer or the assignment
	rank integer,
	points integer, -- of the latest bid
	assigned_position bigint, -- of the latest assignment
	attendance text,
	late_minutes integer,
	worked_minutes integer,
	rating text,
	position bigint NOT NULL, -- of the event that decides the state
	PRIMARY KEY (tenant_id, shift_id, work_id)
);
CREATE INDEX shift_place_by_work ON shift_place (work_id);
-- everybody a shift ever spoke of, also those who were considered only
CREATE TABLE shift_named (
	tenant_id uuid NOT NULL,
	shift_id uuid NOT NULL,
	work_id uuid NOT NULL,
	PRIMARY KEY (work_id, tenant_id, shift_id)
);
CREATE INDEX shift_named_by_shift ON shift_named (shift_id);`,
		Apply: applyRosters, expire: expireShifts,
	}
}

// PlaceState is what the latest word about one person and one shift is.
type PlaceState string

// The states of a place.
const (
	PlaceOffered    PlaceState = "offered"
	PlaceAccepted   PlaceState = "accepted" // assigned by the same append
	PlaceDeclined   PlaceState = "declined"
	PlaceBid        PlaceState = "bid"
	PlaceAssigned   PlaceState = "assigned"
	PlaceUnassigned PlaceState = "unassigned"
	PlaceSwapped    PlaceState = "swapped_away"
)

type placeKey struct{ tenant, shift, work uuid.UUID }

func applyRosters(ctx context.Context, tx pgx.Tx, page Page) error {
	shifts, places := newSaid(), map[placeKey]map[string]any{}
	for i := range page.Events {
		d := &page.Events[i]
		id, columns := saidOfShift(d)
		if columns == nil {
			continue
		}
		columns["revision"] = d.Revision
		columns["changed_at"], _ = sinceOfShift(d.Event)
		shifts.add(d, "shift_id", id, columns)
		saidOfPlaces(d, func(work uuid.UUID, state PlaceState, columns map[string]any) {
			key := placeKey{d.Meta.Tenant, id, work}
			row := places[key]
			if row == nil {
				row = map[string]any{"tenant_id": key.tenant, "shift_id": id, "work_id": work}
				places[key] = row
			}
			row["state"], row["position"] = state, d.Position
			for name, value := range columns {
				row[name] = value
			}
		})
	}
	err := shifts.upsert(ctx, tx, "shift", "shift_id", []string{
		"roster_id", "kind", "employer", "site", "zone", "starts_local", "ends_local", "starts_at", "ends_at", "headcount", "qualification",
		"strategy", "respond_by", "moved_position", "cancelled_at", "completed_at", "revision", "changed_at",
	})
	if err != nil {
		return fmt.Errorf("upsert shifts: %w", err)
	}
	if err := upsertPlaces(ctx, tx, places); err != nil {
		return fmt.Errorf("upsert places: %w", err)
	}
	if err := insertNamed(ctx, tx, page); err != nil {
		return fmt.Errorf("insert who is named: %w", err)
	}
	return nil
}

// saidOfShift answers what an event says of the shift itself: of some events
// nothing but their place in the log.
func saidOfShift(d *eventschema.Decoded) (uuid.UUID, map[string]any) {
	switch e := d.Event.(type) {
	case *eventschema.ShiftPlanned:
		return e.ShiftID, map[string]any{
			"roster_id": nonNil(e.RosterID), "kind": storable(string(e.Kind)), "employer": storable(e.Employer), "site": storable(e.Site),
			"zone": storable(e.Zone), "starts_local": storable(e.StartsLocal), "ends_local": storable(e.EndsLocal), "starts_at": e.StartsAt,
			"ends_at": e.EndsAt, "headcount": e.Headcount, "qualification": storable(e.Qualification),
		}
	case *eventschema.ShiftRescheduled:
		return e.ShiftID, map[string]any{
			"zone": storable(e.Zone), "starts_local": storable(e.StartsLocal), "ends_local": storable(e.EndsLocal), "starts_at": e.StartsAt,
			"ends_at": e.EndsAt, "strategy": "", "moved_position": d.Position,
		}
	case *eventschema.ShiftOffered:
		return e.ShiftID, map[string]any{"strategy": storable(string(e.Strategy)), "respond_by": e.RespondBy}
	case *eventschema.ShiftCancelled:
		return e.ShiftID, map[string]any{"cancelled_at": e.CancelledAt}
	case *eventschema.ShiftCompleted:
		return e.ShiftID, map[string]any{"completed_at": e.CompletedAt}
	}
	return shiftOf(d.Event)
}

// shiftOf names the shift of an event that changes no column of it.
func shiftOf(event eventschema.Event) (uuid.UUID, map[string]any) {
	nothing := map[string]any{}
	switch e := event.(type) {
	case *eventschema.OfferAccepted:
		return e.ShiftID, nothing
	case *eventschema.OfferDeclined:
		return e.ShiftID, nothing
	case *eventschema.BidPlaced:
		return e.ShiftID, nothing
	case *eventschema.ShiftAssigned:
		return e.ShiftID, nothing
	case *eventschema.ShiftUnassigned:
		return e.ShiftID, nothing
	case *eventschema.SwapRequested:
		return e.ShiftID, nothing
	case *eventschema.SwapAgreed:
		return e.ShiftID, nothing
	case *eventschema.SwapApproved:
		return e.ShiftID, nothing
	case *eventschema.SwapRefused:
		return e.ShiftID, nothing
	}
	return uuid.Nil, nil
}

// saidOfPlaces tells what an event says of people, those of an offer in its order.
func saidOfPlaces(d *eventschema.Decoded, tell func(work uuid.UUID, state PlaceState, columns map[string]any)) {
	switch e := d.Event.(type) {
	case *eventschema.ShiftOffered:
		ranks := map[uuid.UUID]int{}
		for _, standing := range e.Standings {
			ranks[standing.WorkID] = standing.Rank
		}
		for _, work := range e.Offered {
			tell(work, PlaceOffered, map[string]any{"strategy": storable(string(e.Strategy)), "rank": ranks[work]})
		}
	case *eventschema.OfferAccepted:
		tell(e.WorkID, PlaceAccepted, nil)
	case *eventschema.OfferDeclined:
		tell(e.WorkID, PlaceDeclined, nil)
	case *eventschema.BidPlaced:
		tell(e.WorkID, PlaceBid, map[string]any{"points": e.Points})
	case *eventschema.ShiftAssigned:
		tell(e.WorkID, PlaceAssigned, map[string]any{"strategy": storable(string(e.Strategy)), "rank": e.Rank, "assigned_position": d.Position})
	case *eventschema.ShiftUnassigned:
		tell(e.WorkID, PlaceUnassigned, nil)
	case *eventschema.SwapApproved:
		tell(e.FromWorkID, PlaceSwapped, nil)
		tell(e.ToWorkID, PlaceAssigned, map[string]any{"strategy": string(eventschema.StrategySwap), "rank": 0, "assigned_position": d.Position})
	case *eventschema.ShiftCompleted:
		for _, r := range e.Results {
			tell(r.WorkID, PlaceAssigned, map[string]any{
				"attendance": storable(string(r.Attendance)), "late_minutes": r.LateMinutes, "worked_minutes": r.Worked, "rating": storable(string(r.Rating)),
			})
		}
	}
}

func upsertPlaces(ctx context.Context, tx pgx.Tx, places map[placeKey]map[string]any) error {
	if len(places) == 0 {
		return nil
	}
	rows := make([]map[string]any, 0, len(places))
	for _, row := range places {
		rows = append(rows, row)
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	names, updates := "tenant_id, shift_id, work_id, state, position", "state = EXCLUDED.state, position = EXCLUDED.position"
	for _, c := range []string{"strategy", "rank", "points", "assigned_position", "attendance", "late_minutes", "worked_minutes", "rating"} {
		names += ", " + c
		updates += fmt.Sprintf(", %[1]s = COALESCE(EXCLUDED.%[1]s, t.%[1]s)", c)
	}
	_, err = tx.Exec(ctx, fmt.Sprintf(`INSERT INTO shift_place AS t (%[1]s) SELECT %[1]s FROM json_populate_recordset(NULL::shift_place, $1::json)
ON CONFLICT (tenant_id, shift_id, work_id) DO UPDATE SET %[2]s`, names, updates), string(encoded))
	return err
}
