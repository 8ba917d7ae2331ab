package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

type restrictCommand struct {
	Place  restrictPlace  `cmd:"" help:"Restrict the processing of a person's values, or take an objection."`
	Decide restrictDecide `cmd:"" help:"Decide an objection."`
	Lift   restrictLift   `cmd:"" help:"Lift a restriction; the person was told."`
	List   restrictList   `cmd:"" help:"List restrictions and objections."`
}

// Help implements kong's help provider.
func (restrictCommand) Help() string {
	return `While a restriction stands (GDPR Art. 18), or an objection is not decided (Art. 21), the person's values are stored, and opened
for legal claims and audits only. HR sees that they are restricted, and under which case.

Examples:
  tracekeep restrict place  --data ./records --person 0b9c… --officer 6d1e… --ground accuracy_contested
  tracekeep restrict place  --data ./records --person 0b9c… --officer 6d1e… --ground objection
  tracekeep restrict decide --data ./records --case 91aa… --officer 6d1e… --outcome overridden
  tracekeep restrict lift   --data ./records --case 91aa… --officer 6d1e… --told-at 2026-03-02T08:00:00Z`
}

type restrictPlace struct {
	dataFlags
	Person     uuid.UUID `help:"Person id." required:""`
	Officer    uuid.UUID `help:"Id of the officer." required:""`
	Ground     string    `help:"accuracy_contested, unlawful, legal_claims or objection." enum:"accuracy_contested,unlawful,legal_claims,objection" required:""`
	ReceivedAt time.Time `name:"received-at" help:"When it was asked for, RFC 3339; default now." format:"2006-01-02T15:04:05Z07:00"`
	Key        string    `help:"Idempotency key; default: the person and the day." placeholder:"KEY"`
	JSON       bool      `name:"json" help:"Print one JSON object."`
}

// Run restricts.
func (c restrictPlace) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		now := t.clock()
		received := c.ReceivedAt
		if received.IsZero() {
			received = now
		}
		key := c.Key
		if key == "" {
			key = "restrict " + c.Person.String() + " " + now.UTC().Format(time.DateOnly)
		}
		receipt, err := a.Restrict(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, httpapi.RestrictionOrder{
			Person: c.Person, Ground: eventschema.RestrictionGround(c.Ground), ReceivedAt: received, At: now,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"case": receipt.CaseID, "repeated": receipt.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "restricted under case %s\n", receipt.CaseID)
		return err
	})
}

// restrictionStep is what every later step needs.
type restrictionStep struct {
	dataFlags
	Case    uuid.UUID `help:"Case id." required:""`
	Officer uuid.UUID `help:"Id of the officer." required:""`
}

func (c restrictionStep) take(ctx context.Context, t *terminal, done string, step func(by uuid.UUID, at time.Time) restriction.Command) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		id, err := uuid.NewRandomFromReader(t.random)
		if err != nil {
			return err
		}
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: id.String()}
		if _, err := a.AdvanceRestriction(ctx, intent, c.Case, step(c.Officer, t.clock())); err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.out, done)
		return err
	})
}

type restrictDecide struct {
	restrictionStep
	Outcome string `help:"upheld or overridden." enum:"upheld,overridden" required:""`
}

// Run decides an objection.
func (c restrictDecide) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "objection "+c.Outcome, func(by uuid.UUID, at time.Time) restriction.Command {
		return restriction.DecideObjection{Outcome: eventschema.ObjectionOutcome(c.Outcome), DecidedBy: by, DecidedAt: at}
	})
}

type restrictLift struct {
	restrictionStep
	ToldAt time.Time `name:"told-at" help:"When the person was told, RFC 3339." format:"2006-01-02T15:04:05Z07:00" required:""`
}

// Run lifts a restriction.
func (c restrictLift) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "lifted", func(by uuid.UUID, at time.Time) restriction.Command {
		return restriction.Lift{LiftedBy: by, LiftedAt: at, ToldAt: c.ToldAt}
	})
}

type restrictList struct {
	dataFlags
	All  bool `help:"Also what was lifted."`
	JSON bool `name:"json" help:"Print one JSON object for each."`
}

// Run lists restrictions.
func (c restrictList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		const page = 500
		var rows [][]string
		for before := uint64(0); ; {
			all, err := a.ListRestrictions(ctx, operator(a), before, page)
			if err != nil {
				return err
			}
			for _, r := range all {
				before = r.Position
				if !c.All && !r.InForce() {
					continue
				}
				if c.JSON {
					if err := printJSON(t.out, map[string]any{
						"case": r.CaseID, "person_id": r.PersonID, "ground": r.Ground, "in_force": r.InForce(), "restricted_at": r.RestrictedAt, "outcome": r.Outcome,
					}); err != nil {
						return err
					}
					continue
				}
				rows = append(rows, []string{r.CaseID.String(), r.PersonID.String(), string(r.Ground), string(r.Outcome), r.RestrictedAt.Format(time.RFC3339)})
			}
			if len(all) < page {
				break
			}
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CASE|PERSON ID|GROUND|OUTCOME|RESTRICTED", rows)
	})
}
