package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/retention"
)

type retentionCommand struct {
	Due     retentionDue     `cmd:"" help:"List what has come of age: whose, since when, and what holds it."`
	Submit  retentionSubmit  `cmd:"" help:"Put a batch of it before a second officer (first officer)."`
	Approve retentionApprove `cmd:"" help:"Release a batch (second officer); each case goes on by itself."`
	Show    retentionShow    `cmd:"" help:"Show a batch: what was released, and what was left out because of which matter."`
	Propose retentionPropose `cmd:"" help:"Propose a work record before it has come of age, where no law keeps it."`
	Rules   retentionRules   `cmd:"" help:"Say how long each class is kept in this installation, and why."`
}

// Help implements kong's help provider.
func (retentionCommand) Help() string {
	return `The clock finds what has come of age when the service starts and every hour after, and opens a case for each: an account a week
after it was closed, locations a year after they were recorded, a work record seven years after the end of employment. It
destroys nothing. An officer submits a batch, a second one approves it, and each case then runs like any erasure, to a certificate
that names the origin retention. What a legal hold keeps is left out, with the matter. The streams of a work record that has come
of age are ended and listed in the trail; the next scavenge takes their bytes, and the trail still verifies:

  tracekeep audit list-removals --data ./records && tracekeep eventstore scavenge --data ./records

One officer approves up to five batches of up to a thousand cases within 24 hours (--batches-per-day); the cases do not
count as erasures. A batch that is not approved within a week lapses. A case that is cancelled comes again after a month.

How long a class is kept is in the register (tracekeep register) and may be changed in the file retention.json of the data folder:

  {"classes": [{"class": "work_record", "keep": "6y", "floor": "6y", "floor_source": "NYLL 195"}]}

Examples:
  tracekeep retention due     --data ./records
  tracekeep retention submit  --data ./records --officer 6d1e…
  tracekeep retention approve --data ./records --batch 91aa… --officer 77f0…`
}

type retentionDue struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object for each case."`
}

// Run lists what is due.
func (c retentionDue) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if err := a.FindDue(ctx); err != nil {
			return err
		}
		items, err := a.RetentionDue(ctx, operator(a))
		if err != nil {
			return err
		}
		var rows [][]string
		for _, item := range items {
			if c.JSON {
				if err := printJSON(t.out, dueJSON(item)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{
				item.CaseID.String(), item.Class, shownID(item.WorkID), strings.Join(item.Periods, " "), item.Anchor.Format(time.DateOnly),
				fmt.Sprintf("%s (%d days)", item.DueOn, item.Days), item.Status, shownIDs(item.Matters),
			})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CASE|CLASS|WORK ID|MONTHS|COUNTED FROM|DUE SINCE|STATUS|HELD IN MATTER", rows)
	})
}

func shownID(id uuid.UUID) string {
	if id == uuid.Nil {
		return "-"
	}
	return id.String()
}

func shownIDs(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return dash(strings.Join(texts, " "))
}

func dueJSON(item httpapi.RetentionItem) map[string]any {
	out := map[string]any{
		"case": item.CaseID, "class": item.Class, "counted_from": item.Anchor, "due_on": item.DueOn, "days": item.Days,
		"status": item.Status, "matters": listed(item.Matters),
	}
	for name, id := range map[string]uuid.UUID{"person_id": item.PersonID, "work_id": item.WorkID, "batch": item.BatchID} {
		if id != uuid.Nil {
			out[name] = id
		}
	}
	if len(item.Periods) > 0 {
		out["months"] = item.Periods
	}
	return out
}

type retentionSubmit struct {
	dataFlags
	Officer uuid.UUID   `help:"Id of the officer who looked through it." required:""`
	Case    []uuid.UUID `help:"Only these cases; may be repeated. Left out: all that is due and not held, a thousand at most." placeholder:"ID"`
	Key     string      `help:"Idempotency key: submitting again with the same key makes no second batch; default: a new one." placeholder:"KEY"`
	JSON    bool        `name:"json" help:"Print one JSON object."`
}

// Run submits a batch.
func (c retentionSubmit) Run(ctx context.Context, t *terminal) error {
	key := c.Key
	if key == "" {
		id, err := uuid.NewRandomFromReader(t.random)
		if err != nil {
			return err
		}
		key = id.String()
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if err := a.FindDue(ctx); err != nil {
			return err
		}
		batch, err := a.SubmitRetention(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, c.Case)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"batch": batch.BatchID, "cases": batch.Cases, "held": batch.Held})
		}
		_, err = fmt.Fprintf(t.out, "batch %s: %d cases, %d left out because a hold keeps them; a second officer approves it\n", batch.BatchID, batch.Cases, batch.Held)
		return err
	})
}

type retentionApprove struct {
	dataFlags
	Batch   uuid.UUID     `help:"Batch id." required:""`
	Officer uuid.UUID     `help:"Id of the officer who approves; not the one who submitted it." required:""`
	Wait    time.Duration `help:"How long to wait for the certificates." default:"60s"`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run approves a batch and waits for its certificates.
func (c retentionApprove) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: "approve " + c.Batch.String()}
		if _, err := a.ApproveRetention(ctx, intent, c.Batch); err != nil {
			return err
		}
		view, err := a.RetentionBatch(ctx, operator(a), c.Batch)
		if err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, c.Wait)
		defer cancel()
		progress := newBar(t, "certifying", int64(len(view.Released)), false)
		for i, id := range view.Released {
			if _, err := a.AwaitCertificate(waiting, id); err != nil {
				progress.finish()
				if waiting.Err() != nil {
					return fmt.Errorf("approved, but case %s is not certified within %s; tracekeep cases tells how far all are", id, c.Wait)
				}
				return err
			}
			progress.set(int64(i + 1))
		}
		progress.finish()
		return printBatch(t, view, c.JSON)
	})
}

type retentionShow struct {
	dataFlags
	Batch uuid.UUID `help:"Batch id." required:""`
	JSON  bool      `name:"json" help:"Print one JSON object."`
}

// Run shows a batch.
func (c retentionShow) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		view, err := a.RetentionBatch(ctx, operator(a), c.Batch)
		if err != nil {
			return err
		}
		return printBatch(t, view, c.JSON)
	})
}

func printBatch(t *terminal, view httpapi.RetentionBatchView, asJSON bool) error {
	if asJSON {
		left := make([]map[string]any, 0, len(view.LeftOut))
		for _, l := range view.LeftOut {
			left = append(left, map[string]any{"case": l.CaseID, "matters": listed(l.Matters)})
		}
		out := map[string]any{
			"batch": view.BatchID, "submitted_at": view.SubmittedAt, "submitted_by": view.SubmittedBy, "cases": listed(view.Cases),
			"released": listed(view.Released), "left_out": left,
		}
		if !view.ApprovedAt.IsZero() {
			out["approved_at"], out["approved_by"] = view.ApprovedAt, view.ApprovedBy
		}
		return printJSON(t.out, out)
	}
	state := "waits for a second officer"
	if !view.ApprovedAt.IsZero() {
		state = fmt.Sprintf("approved %s by %s", view.ApprovedAt.UTC().Format(time.RFC3339), view.ApprovedBy)
	}
	rows := [][]string{
		{"submitted", fmt.Sprintf("%s by %s", view.SubmittedAt.UTC().Format(time.RFC3339), view.SubmittedBy)}, {"state", state},
		{"cases", fmt.Sprint(len(view.Cases))}, {"released", fmt.Sprint(len(view.Released))},
	}
	for _, l := range view.LeftOut {
		why := "no longer waits"
		if len(l.Matters) > 0 {
			why = "held in matter " + shownIDs(l.Matters)
		}
		rows = append(rows, []string{"left out", fmt.Sprintf("case %s: %s", l.CaseID, why)})
	}
	return table(t.out, "batch|"+view.BatchID.String(), rows)
}

type retentionPropose struct {
	dataFlags
	Record  uuid.UUID `help:"Work id." required:""`
	Officer uuid.UUID `help:"Id of the officer who asks; another one approves the batch." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// Run proposes a record.
func (c retentionPropose) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: "propose " + c.Record.String() + t.clock().UTC().Format(time.DateOnly)}
		id, err := a.ProposeRetention(ctx, intent, c.Record)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"case": id})
		}
		_, err = fmt.Fprintf(t.out, "case %s\n", id)
		return err
	})
}

type retentionRules struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object for each class."`
}

// Run prints the schedule.
func (c retentionRules) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(_ context.Context, a *app.App) error {
		var rows [][]string
		for _, class := range retention.Classes() {
			rule := a.Schedule().Rule(class)
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"class": class, "counted_from": rule.Anchor, "keep": rule.Keep.String(), "source": rule.Source,
					"not_before": rule.Floor.String(), "not_before_source": rule.FloorSource,
				}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{string(class), rule.Until(), rule.Source, dash(rule.Floor.String()), dash(rule.FloorSource)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CLASS|KEPT UNTIL|SOURCE|NOT BEFORE|SOURCE OF THAT", rows)
	})
}
