package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/hold"
	"tracekeep/eventschema"
)

type holdCommand struct {
	Place       holdPlace       `cmd:"" help:"Place a legal hold (first officer); it holds at once."`
	Confirm     holdConfirm     `cmd:"" help:"Confirm a hold (second officer); it lapses after 72 hours otherwise."`
	Review      holdReview      `cmd:"" help:"Find a hold still needed, and give its next review."`
	RequestLift holdRequestLift `cmd:"" help:"Ask to lift a hold (first officer)."`
	Lift        holdLift        `cmd:"" help:"Lift a hold (second officer)."`
	List        holdList        `cmd:"" help:"List holds, with what is overdue."`
}

// Help implements kong's help provider.
func (holdCommand) Help() string {
	return `A legal hold keeps what a matter needs from being destroyed, by whatever case. The key store itself refuses: a hold that is
placed while a case cools off, or even when its keys are about to be destroyed, stops it. A hold is reviewed at least once a year;
one that is not goes on holding, and is listed as overdue. Lifting needs two officers.

Examples:
  tracekeep hold place --data ./records --matter 4711… --person 0b9c… --officer 6d1e… --reason litigation --review-by 2026-12-31
  tracekeep hold place --data ./records --matter 4711… --record 3f0a… --purpose work --officer 6d1e… --reason audit --review-by 2026-12-31
  tracekeep hold confirm --data ./records --hold 77aa… --officer 77f0…
  tracekeep hold request-lift --data ./records --hold 77aa… --officer 6d1e… --reason settled
  tracekeep hold lift --data ./records --hold 77aa… --officer 77f0…
  tracekeep hold list --data ./records --json`
}

type holdPlace struct {
	dataFlags
	Matter   uuid.UUID `help:"Id of the matter: the dispute or inquiry." required:""`
	Person   uuid.UUID `help:"Person id; the work record is held too." xor:"subject" required:""`
	Record   uuid.UUID `help:"Work id, for a hold on a work record alone." xor:"subject" required:""`
	Purpose  []string  `help:"Only what is held for this purpose; may be repeated. Left out: everything." placeholder:"PURPOSE"`
	Reason   string    `help:"litigation, investigation, audit, dispute or contract_enforcement." enum:"litigation,investigation,audit,dispute,contract_enforcement" required:""`
	ReviewBy string    `name:"review-by" help:"Day of the review, 2006-01-02; at most a year ahead." required:""`
	Officer  uuid.UUID `help:"Id of the officer who places it." required:""`
	Key      string    `help:"Idempotency key: repeating the command with the same key places no second hold; default: matter and subject." placeholder:"KEY"`
	JSON     bool      `name:"json" help:"Print one JSON object."`
}

// Run places a hold.
func (c holdPlace) Run(ctx context.Context, t *terminal) error {
	review, err := time.Parse(time.DateOnly, c.ReviewBy)
	if err != nil {
		return &coded{code: exitUsage, err: fmt.Errorf("a day is written 2006-01-02, not %q", c.ReviewBy)}
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		key := c.Key
		if key == "" {
			key = fmt.Sprintf("hold %s %s %s %s", c.Matter, c.Person, c.Record, strings.Join(c.Purpose, " "))
		}
		order := httpapi.HoldOrder{
			Matter: c.Matter, Person: c.Person, Record: c.Record, Reason: eventschema.HoldReason(c.Reason), At: t.clock(), ReviewBy: review,
		}
		for _, purpose := range c.Purpose {
			order.Purposes = append(order.Purposes, eventschema.Purpose(purpose))
		}
		receipt, err := a.PlaceHold(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, order)
		if err != nil {
			return err
		}
		return showHold(ctx, t, a, receipt.HoldID, c.JSON)
	})
}

// holdStep is what every later step needs.
type holdStep struct {
	dataFlags
	Hold    uuid.UUID `help:"Hold id." required:""`
	Officer uuid.UUID `help:"Id of the officer." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

func (c holdStep) take(ctx context.Context, t *terminal, step func(by uuid.UUID, at time.Time) hold.Command) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		id, err := uuid.NewRandomFromReader(t.random)
		if err != nil {
			return err
		}
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: id.String()}
		if _, err := a.AdvanceHold(ctx, intent, c.Hold, step(c.Officer, t.clock())); err != nil {
			return err
		}
		return showHold(ctx, t, a, c.Hold, c.JSON)
	})
}

type holdConfirm struct{ holdStep }

// Run confirms a hold.
func (c holdConfirm) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, func(by uuid.UUID, at time.Time) hold.Command { return hold.Confirm{ConfirmedBy: by, ConfirmedAt: at} })
}

type holdReview struct {
	holdStep
	ReviewBy string `name:"review-by" help:"Day of the next review, 2006-01-02; at most a year ahead." required:""`
}

// Run reviews a hold.
func (c holdReview) Run(ctx context.Context, t *terminal) error {
	next, err := time.Parse(time.DateOnly, c.ReviewBy)
	if err != nil {
		return &coded{code: exitUsage, err: fmt.Errorf("a day is written 2006-01-02, not %q", c.ReviewBy)}
	}
	return c.take(ctx, t, func(by uuid.UUID, at time.Time) hold.Command {
		return hold.Review{ReviewedBy: by, ReviewedAt: at, ReviewBy: next}
	})
}

type holdRequestLift struct {
	holdStep
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run asks to lift a hold.
func (c holdRequestLift) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, func(by uuid.UUID, at time.Time) hold.Command {
		return hold.RequestLift{RequestedBy: by, RequestedAt: at, Reason: c.Reason}
	})
}

type holdLift struct{ holdStep }

// Run lifts a hold.
func (c holdLift) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, func(by uuid.UUID, at time.Time) hold.Command { return hold.Lift{LiftedBy: by, LiftedAt: at} })
}

type holdList struct {
	dataFlags
	All  bool `help:"Also the holds that have ended."`
	JSON bool `name:"json" help:"Print one JSON object for each hold."`
}

// Run lists holds.
func (c holdList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		const page = 500
		var rows [][]string
		for before := uint64(0); ; {
			holds, err := a.ListHolds(ctx, operator(a), !c.All, before, page)
			if err != nil {
				return err
			}
			for _, h := range holds {
				before = h.Revision
				if c.JSON {
					if err := printJSON(t.out, holdJSON(h)); err != nil {
						return err
					}
					continue
				}
				rows = append(rows, []string{h.HoldID.String(), h.MatterID.String(), heldSubject(h), string(h.Reason), holdState(h), h.ReviewBy.Format(time.DateOnly)})
			}
			if len(holds) < page {
				break
			}
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "HOLD|MATTER|HOLDS|REASON|STATE|REVIEW BY", rows)
	})
}

func showHold(ctx context.Context, t *terminal, a *app.App, id uuid.UUID, asJSON bool) error {
	view, err := a.Hold(ctx, operator(a), id)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(t.out, holdJSON(view))
	}
	return table(t.out, "hold|"+view.HoldID.String(), [][]string{
		{"matter", view.MatterID.String()}, {"holds", heldSubject(view)}, {"reason", string(view.Reason)},
		{"state", holdState(view)}, {"review by", view.ReviewBy.Format(time.DateOnly)},
	})
}

// heldSubject says on whom, and what of them.
func heldSubject(h httpapi.HoldView) string {
	subject := "person " + h.PersonID.String()
	if h.PersonID == uuid.Nil {
		subject = "record " + h.RecordID.String()
	}
	what := "everything"
	for i, purpose := range h.Purposes {
		if what += ", " + string(purpose); i == 0 {
			what = string(purpose)
		}
	}
	return what + " of " + subject
}

func holdState(h httpapi.HoldView) string {
	switch {
	case h.Lapsed:
		return "lapsed unconfirmed"
	case !h.EndedAt.IsZero():
		return "lifted"
	case !h.InForce:
		return "about to lapse"
	case h.ConfirmedAt.IsZero():
		return "in force, to be confirmed by " + h.ConfirmBy.UTC().Format(time.RFC3339)
	case h.Overdue:
		return "in force, review overdue"
	case !h.LiftAskedAt.IsZero():
		return "in force, somebody asked to lift it"
	}
	return "in force"
}

func holdJSON(h httpapi.HoldView) map[string]any {
	out := map[string]any{
		"hold": h.HoldID, "matter": h.MatterID, "purposes": listed(h.Purposes), "reason": h.Reason, "in_force": h.InForce, "overdue": h.Overdue,
		"placed_at": h.PlacedAt, "placed_by": h.PlacedBy, "confirm_by": h.ConfirmBy, "review_by": h.ReviewBy, "lapsed": h.Lapsed,
	}
	for name, id := range map[string]uuid.UUID{"person_id": h.PersonID, "record_id": h.RecordID, "confirmed_by": h.ConfirmedBy, "lift_requested_by": h.LiftAskedBy} {
		if id != uuid.Nil {
			out[name] = id
		}
	}
	for name, at := range map[string]time.Time{"confirmed_at": h.ConfirmedAt, "lift_requested_at": h.LiftAskedAt, "ended_at": h.EndedAt} {
		if !at.IsZero() {
			out[name] = at
		}
	}
	return out
}
