package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

type correctionsCommand struct {
	Request correctionsRequest `cmd:"" help:"Ask for a correction of a punch (first person); nothing changes yet."`
	Approve correctionsApprove `cmd:"" help:"Approve a request (second person); the punch is corrected."`
	Refuse  correctionsRefuse  `cmd:"" help:"Refuse a request, or take it back."`
	List    correctionsList    `cmd:"" help:"List requests that wait for a decision."`

	Declared correctionsDeclared `cmd:"" help:"Correct hours that were declared without times of day; both people are named at once."`
}

// Help implements kong's help provider.
func (correctionsCommand) Help() string {
	return `A punch is never edited: a correction says what counts in its place, why, and which two people answer for it. In a pay period that
is locked it is made like any other, and paid as an adjustment of the next period (tracekeep periods). A punch that is missing is
recorded as a late one, not made of a correction.

Examples:
  tracekeep corrections request --data ./records --punch 7d0c… --at 2026-03-02T17:30:00+01:00 --direction out --reason wrong_time --officer 6d1e…
  tracekeep corrections request --data ./records --punch 7d0c… --at 2026-03-02T22:00:00+01:00 --direction in --job night_watch --reason wrong_key --officer 6d1e…
  tracekeep corrections request --data ./records --punch 7d0c… --void --reason not_the_punch --officer 6d1e…
  tracekeep corrections list --data ./records
  tracekeep corrections approve --data ./records --correction 55b1… --officer 77f0…
  tracekeep corrections refuse --data ./records --correction 55b1… --officer 77f0… --ground as_recorded
  tracekeep corrections declared --data ./records --declaration 31aa… --hours 7:30 --reason wrong_hours --officer 6d1e… --approver 77f0…
  tracekeep corrections declared --data ./records --declaration 31aa… --void --reason not_worked --officer 6d1e… --approver 77f0…`
}

// clerk is somebody of HR who answers for a step.
func clerk(a *app.App, id uuid.UUID) httpapi.Principal {
	return httpapi.Principal{Tenant: a.Tenant(), ID: id, Role: httpapi.RoleHR}
}

type correctionsRequest struct {
	dataFlags
	Punch     uuid.UUID `help:"Id of the punch; tracekeep explain and hours report --explain show ids." required:""`
	Void      bool      `help:"Take the punch out of the count." xor:"what" required:""`
	At        string    `help:"When it counts, RFC 3339 with the offset of the site." xor:"what" required:"" placeholder:"WHEN"`
	Direction string    `help:"in or out; goes with --at." enum:"in,out," default:""`
	Kind      string    `help:"normal, break, meal, transfer, overtime or visit." enum:"normal,break,meal,transfer,overtime,visit" default:"normal"`
	Job       *string   `help:"The job it counts for, a code; --job= for none. Without the flag it stays." placeholder:"CODE"`
	Reason    string    `help:"wrong_key, wrong_time, not_the_punch or other." enum:"wrong_key,wrong_time,not_the_punch,other" required:""`
	Officer   uuid.UUID `help:"Id of whoever asks." required:""`
	Key       string    `help:"Idempotency key: repeating the command with the same key asks once; default: what is asked." placeholder:"KEY"`
	JSON      bool      `name:"json" help:"Print one JSON object."`
}

// Run asks for a correction.
func (c correctionsRequest) Run(ctx context.Context, t *terminal) error {
	ask, err := c.ask(t.clock())
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		key := c.Key
		if key == "" {
			key = fmt.Sprintf("correct %s %v %s %s %s %s", c.Punch, c.Void, c.At, c.Direction, c.Kind, c.Officer)
			if c.Job != nil {
				key += " " + *c.Job
			}
		}
		_, id, err := a.AskCorrection(ctx, httpapi.Intent{Principal: clerk(a, c.Officer), Key: key}, ask)
		if errors.Is(err, httpapi.ErrNotFound) {
			return fmt.Errorf("there is no punch %s", c.Punch)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"correction_id": id, "punch_id": c.Punch})
		}
		_, err = fmt.Fprintf(t.out, "correction %s waits for a second person\n", id)
		return err
	})
}

func (c correctionsRequest) ask(now time.Time) (timecard.AskCorrection, error) {
	ask := timecard.AskCorrection{
		PunchID: c.Punch, Void: c.Void, Direction: eventschema.Direction(c.Direction), Kind: eventschema.PunchKind(c.Kind), Job: c.Job,
		Reason: eventschema.CorrectionReason(c.Reason), RequestedAt: now,
	}
	if c.Void {
		return ask, nil
	}
	at, err := time.Parse(time.RFC3339, c.At)
	if err != nil {
		return ask, fmt.Errorf("--at takes 2006-01-02T15:04:05+01:00, not %q", c.At)
	}
	if c.Direction == "" {
		return ask, errors.New("--at goes with --direction in or --direction out")
	}
	_, ask.OffsetSeconds = at.Zone()
	ask.OccurredAt = at
	return ask, nil
}

// correctionStep is what every later step needs.
type correctionStep struct {
	dataFlags
	Correction uuid.UUID `help:"Id of the request." required:""`
	Officer    uuid.UUID `help:"Id of whoever decides." required:""`
	JSON       bool      `name:"json" help:"Print one JSON object."`
}

func (c correctionStep) take(ctx context.Context, t *terminal, outcome string, step func(context.Context, *app.App, httpapi.Intent) (httpapi.Receipt, error)) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		_, err := step(ctx, a, httpapi.Intent{Principal: clerk(a, c.Officer), Key: outcome + " " + c.Correction.String() + " " + c.Officer.String()})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"correction_id": c.Correction, "outcome": outcome})
		}
		_, err = fmt.Fprintf(t.out, "correction %s is %s\n", c.Correction, outcome)
		return err
	})
}

type correctionsApprove struct{ correctionStep }

// Run approves a request.
func (c correctionsApprove) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "approved", func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.ApproveCorrection(ctx, intent, c.Correction, timecard.ApproveCorrection{ApprovedBy: c.Officer, ApprovedAt: t.clock()})
	})
}

type correctionsRefuse struct {
	correctionStep
	Ground string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run refuses a request.
func (c correctionsRefuse) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "refused", func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.RefuseCorrection(ctx, intent, c.Correction, timecard.RefuseCorrection{RefusedBy: c.Officer, RefusedAt: t.clock(), Ground: c.Ground})
	})
}

type correctionsList struct {
	dataFlags
	All   bool `help:"Also the requests that were decided."`
	Limit int  `help:"How many at most." default:"1000"`
	JSON  bool `name:"json" help:"Print one JSON object for each request."`
}

// Run lists requests.
func (c correctionsList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		requests, err := a.CorrectionRequests(ctx, projections.CorrectionsAsked{Open: !c.All, Limit: c.Limit})
		if err != nil {
			return err
		}
		punches := make([]uuid.UUID, len(requests))
		for i, r := range requests {
			punches[i] = r.PunchID
		}
		places, err := a.PlacesOfPunches(ctx, punches)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(requests))
		for _, r := range requests {
			asked, outcome := fmt.Sprintf("%s %s %s", r.Direction, r.Kind, clockAt(r.OccurredAt, places[r.PunchID].OffsetSeconds)), r.Outcome
			if r.Job != nil {
				asked += " job " + cmp.Or(printable(*r.Job), "none")
			}
			if r.Void {
				asked = "void"
			}
			if outcome == "" {
				outcome = "open"
			}
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"correction_id": r.CorrectionID, "punch_id": r.PunchID, "work_id": r.WorkID, "void": r.Void, "asked": asked, "reason": r.Reason,
					"requested_at": r.RequestedAt, "requested_by": r.RequestedBy, "outcome": outcome, "ground": r.Ground, "decided_at": r.DecidedAt, "decided_by": idOrDash(r.DecidedBy),
				}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{r.CorrectionID.String(), r.PunchID.String(), asked, string(r.Reason), outcome})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CORRECTION|PUNCH|ASKED FOR|REASON|STATE", rows)
	})
}
