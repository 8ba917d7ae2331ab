package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type shiftsExplain struct {
	dataFlags
	Shift uuid.UUID `help:"Shift id." required:""`
	JSON  bool      `name:"json" help:"Print one JSON object for each step, as it was recorded."`
}

// Help implements kong's help provider.
func (shiftsExplain) Help() string {
	return `Shows every step of a shift as it was recorded. An offer and an award keep who was considered: in which order and by which figures,
the deciding one first, and what stood against those who were passed over, with the minutes or shifts that were counted and their
limit. The same figures give the same order again; the lot can be drawn again by anybody, from the ids of shift and work record.

Examples:
  tracekeep shifts explain --data ./records --shift 77aa…
  tracekeep shifts explain --data ./records --shift 77aa… --json | jq 'select(.type == "shift-offered").facts.standings'`
}

// Run explains a shift.
func (c shiftsExplain) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		events, err := a.ShiftEvents(ctx, c.Shift)
		if err != nil {
			return err
		}
		if c.JSON {
			for i := range events {
				d := &events[i]
				if err := printJSON(t.out, map[string]any{
					"position": d.Position, "revision": d.Revision, "event_id": d.ID, "recorded_at": d.Created, "type": d.Event.EventType(), "actor": d.Meta.Actor, "facts": d.Event,
				}); err != nil {
					return err
				}
			}
			return nil
		}
		steps := make([][]string, len(events))
		for i := range events {
			d := &events[i]
			steps[i] = []string{strconv.FormatUint(d.Position, 10), d.Created.UTC().Format(time.RFC3339), d.Event.EventType(), saidOfStep(d.Event)}
		}
		if err := table(t.out, "POSITION|RECORDED|STEP|SAYS", steps); err != nil {
			return err
		}
		for i := range events {
			if err := printConsidered(t, &events[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// saidOfStep tells a step in a few words.
func saidOfStep(event eventschema.Event) string {
	switch e := event.(type) {
	case *eventschema.ShiftPlanned:
		return fmt.Sprintf("%s for %s at %s, %s to %s %s, %d places", e.Kind, e.Employer, e.Site, e.StartsLocal, e.EndsLocal, e.Zone, e.Headcount)
	case *eventschema.ShiftRescheduled:
		return fmt.Sprintf("%s to %s %s", e.StartsLocal, e.EndsLocal, e.Zone)
	case *eventschema.ShiftOffered:
		return fmt.Sprintf("by %s, limits version %d, to %d people until %s", e.Strategy, e.PolicyVersion, len(e.Offered), e.RespondBy.Format(time.RFC3339))
	case *eventschema.ShiftAssigned:
		if e.Rank == 0 {
			return fmt.Sprintf("%s by %s", e.WorkID, e.Strategy)
		}
		return fmt.Sprintf("%s by %s, rank %d", e.WorkID, e.Strategy, e.Rank)
	case *eventschema.ShiftUnassigned:
		return fmt.Sprintf("%s: %s, against shift %s", e.WorkID, e.Reason, idOrDash(e.With))
	case *eventschema.BidPlaced:
		return fmt.Sprintf("%s: %d points", e.WorkID, e.Points)
	case *eventschema.OfferDeclined:
		return fmt.Sprintf("%s: %s", e.WorkID, e.Reason)
	case *eventschema.OfferAccepted:
		return e.WorkID.String()
	case *eventschema.SwapRequested:
		return fmt.Sprintf("swap %s, %s to %s", e.SwapID, e.FromWorkID, e.ToWorkID)
	case *eventschema.SwapApproved:
		return fmt.Sprintf("swap %s, %s to %s", e.SwapID, e.FromWorkID, e.ToWorkID)
	case *eventschema.ShiftCancelled:
		return e.Reason
	}
	return ""
}

// printConsidered tells whom a step considered, where it did.
func printConsidered(t *terminal, d *eventschema.Decoded) error {
	var standings []eventschema.Standing
	var passedOver []eventschema.PassedOver
	switch e := d.Event.(type) {
	case *eventschema.ShiftOffered:
		standings, passedOver = e.Standings, e.PassedOver
	case *eventschema.ShiftAssigned:
		standings, passedOver = e.Standings, e.PassedOver
	}
	if len(standings)+len(passedOver) == 0 {
		return nil
	}
	rows := make([][]string, 0, len(standings)+len(passedOver))
	for _, s := range standings {
		var figures []string
		for _, r := range s.Reasons {
			figures = append(figures, comparedText(r))
		}
		rows = append(rows, []string{s.WorkID.String(), strconv.Itoa(s.Rank), orDash(strings.Join(figures, ", "))})
	}
	for _, p := range passedOver {
		said := string(p.Code)
		if p.Counted > 0 || p.Limit > 0 {
			said += fmt.Sprintf(", counted %d of %d", p.Counted, p.Limit)
		}
		if p.With != uuid.Nil {
			said += ", against shift " + p.With.String()
		}
		rows = append(rows, []string{p.WorkID.String(), "passed over", said})
	}
	return table(t.out, fmt.Sprintf("%s AT %d|RANK|WHY", strings.ToUpper(d.Event.EventType()), d.Position), rows)
}

// comparedText tells a figure that was compared; instants are told as such.
func comparedText(r eventschema.StandingReason) string {
	value := strconv.FormatInt(r.Value, 10)
	switch {
	case r.Value == 0:
	case r.Code == eventschema.StandingLastAssigned:
		value = time.Unix(r.Value, 0).UTC().Format(time.RFC3339)
	case r.Code == eventschema.StandingBidAt:
		value = time.UnixMilli(r.Value).UTC().Format(time.RFC3339Nano)
	}
	return string(r.Code) + " " + value
}
