package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type periodsCommand struct {
	Lock  periodsLock  `cmd:"" help:"Lock a pay period that is over: one time card for everybody who is paid something."`
	List  periodsList  `cmd:"" help:"List the periods that are locked."`
	Cards periodsCards `cmd:"" help:"List the time cards of a locked period."`
}

// Help implements kong's help provider.
func (periodsCommand) Help() string {
	return `A locked time card says what was paid, and never changes. Punches still come late and are corrected; what a locked period comes
to beyond its cards is shown by tracekeep hours report as an adjustment, and is settled, once, by the cards of the next period
that is locked. An earlier period is compared by the rules it was locked by: a file of rules that has changed since is kept, and
given with --earlier-rules. What went to another job is less of the one and more of the other. Periods are compared for three years.

Locking that was interrupted is finished by giving the same command again.

Examples:
  tracekeep periods lock --data ./records --rules flsa --zone America/New_York --from 2026-03-01 --to 2026-03-14 --officer 6d1e…
  tracekeep periods lock --data ./records --rules acme-4.yaml --earlier-rules acme-3.yaml --from 2026-03-15 --to 2026-03-28 --officer 6d1e…
  tracekeep periods lock --data ./records --plan plan.yaml --from 2026-03-15 --to 2026-03-28 --officer 6d1e…
  tracekeep periods list --data ./records
  tracekeep periods cards --data ./records --period 77aa… --json`
}

type periodsLock struct {
	dataFlags
	planFlags
	From    string    `help:"First day, 2006-01-02." required:"" placeholder:"DAY"`
	To      string    `help:"Last day, 2006-01-02." required:"" placeholder:"DAY"`
	Despite bool      `name:"despite-findings" help:"Lock although punches are missing or exchanged; what they become is an adjustment."`
	Officer uuid.UUID `help:"Id of the officer who locks it." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// Run locks a period.
func (c periodsLock) Run(ctx context.Context, t *terminal) error {
	order, err := c.order(t.clock())
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		locked, err := a.LockPeriod(ctx, clerk(a, c.Officer), order)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{
				"period_id": locked.PeriodID, "from": c.From, "to": c.To, "plan": order.Plan.Name, "plan_version": order.Plan.Version, "groups": len(order.Plan.Groups),
				"cards": locked.Cards, "adjustments": locked.Adjustments,
			})
		}
		_, err = fmt.Fprintf(t.out, "%s is locked as %s: %d time cards, %d adjustments of earlier periods\n", order.Period, locked.PeriodID, locked.Cards, locked.Adjustments)
		return err
	})
}

func (c periodsLock) order(now time.Time) (app.LockOrder, error) {
	report, err := hoursReport{planFlags: c.planFlags, From: c.From, To: c.To}.order()
	return app.LockOrder{
		Plan: report.Plan, Period: report.Period, Earlier: report.Earlier, Despite: c.Despite, At: now,
	}, err
}

type periodsList struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object for each period."`
}

// Run lists locked periods.
func (c periodsList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		periods, err := a.PayPeriods(ctx)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(periods))
		for _, p := range periods {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"period_id": p.PeriodID, "from": p.From, "to": p.To, "plan": p.Plan, "plan_version": p.PlanVersion, "paid_by": p.Paid, "cards": p.Cards, "locked_at": p.LockedAt, "locked_by": p.LockedBy,
				}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{
				p.From + "/" + p.To, printable(p.Plan), strconv.Itoa(p.PlanVersion), strconv.Itoa(len(p.Paid)), strconv.Itoa(p.Cards), p.LockedAt.Format(time.RFC3339), p.PeriodID.String(),
			})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "PERIOD|PLAN|VERSION|GROUPS|CARDS|LOCKED|ID", rows)
	})
}

type periodsCards struct {
	dataFlags
	Period uuid.UUID `help:"Id of the period; see tracekeep periods list." required:""`
	JSON   bool      `name:"json" help:"Print one JSON object for each card."`
}

// Run lists the cards of a period, under the work ids that payroll knows them by.
func (c periodsCards) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		cards, err := a.TimeCards(ctx, c.Period)
		if err != nil {
			return err
		}
		if len(cards) == 0 {
			return fmt.Errorf("no card is locked for this period; see tracekeep periods list: %w", httpapi.ErrNotFound)
		}
		var rows [][]string
		for _, card := range cards {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"card_id": card.CardID, "work_id": card.WorkID, "from": card.From, "to": card.To, "time": card.Time, "jobs": card.Jobs, "by": card.By, "adjustments": each(card.Adjustments, adjustmentJSON), "locked_at": card.LockedAt,
				}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, timeRow(card.WorkID.String(), card.From+"/"+card.To, card.Time, hoursAndMinutes))
			for _, a := range card.Adjustments {
				rows = append(rows, timeRow("", "adjusts "+a.From+"/"+a.To+" "+printable(a.Job), a.Time, signedSeconds))
			}
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "WORK ID|PERIOD|REGULAR|OVERTIME|DOUBLE TIME|PREMIUM HOURS", rows)
	})
}

func timeRow(work, period string, time eventschema.PaidTime, write func(int64) string) []string {
	return []string{work, period, write(time.RegularSeconds), write(time.OvertimeSeconds), write(time.DoubleTimeSeconds), strconv.Itoa(time.PremiumHours)}
}
