package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type hoursRecord struct {
	dataFlags
	momentFlags
	Plan   string `help:"A pay plan, with rates; see tracekeep hours plan." required:"" placeholder:"FILE" type:"path"`
	From   string `help:"First day, 2006-01-02: of a workweek." required:"" placeholder:"DAY"`
	To     string `help:"Last day, 2006-01-02: of a workweek." required:"" placeholder:"DAY"`
	Person string `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
	JSON   bool   `name:"json" help:"Print one JSON object for each person and workweek, and one with what is not held."`
}

// Help implements kong's help provider.
func (hoursRecord) Help() string {
	return `29 CFR 516.2(a) lists what an employer keeps of everybody who is owed overtime. This writes, for each person and workweek that ends in
the days, what Tracekeep knows of it by the plan, and then says what it does not hold and where that is kept. Wages are what the
plan comes to, not what was paid out. Locked periods are not changed by it.

Examples:
  tracekeep hours record --data ./records --plan plan.yaml --from 2026-03-01 --to 2026-03-14
  tracekeep hours record --data ./records --plan plan.yaml --from 2026-03-01 --to 2026-03-14 --person ana --json`
}

// Run writes the record.
func (c hoursRecord) Run(ctx context.Context, t *terminal) error {
	order, err := hoursReport{planFlags: planFlags{Plan: c.Plan}, From: c.From, To: c.To}.order()
	for _, g := range order.Plan.Groups {
		if err == nil && g.Wages == nil {
			err = fmt.Errorf("the group %s of the plan has no rates", g.Name)
		}
	}
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		if c.Person != "" {
			work, err := onePerson(ctx, a, "hours-record", c.Person)
			var erased *httpapi.Erased
			if errors.As(err, &erased) {
				return queryHours{JSON: c.JSON}.sayErased(t, erased)
			}
			if err != nil {
				return err
			}
			order.Works = []uuid.UUID{work}
		}
		owed, err := w.OwedHours(ctx, operator(a), order)
		if err != nil {
			return err
		}
		names := make([]httpapi.Personal, len(owed))
		for i := range owed {
			names[i] = owed[i].Name
		}
		release, err := released(ctx, a, "hours-record", names...)
		if err != nil {
			return err
		}
		return c.print(t, order, owed, release)
	})
}

func (c hoursRecord) print(t *terminal, order app.HoursOrder, owed []app.OwedHours, release httpapi.Release) error {
	var rows [][]string
	for _, one := range owed {
		for _, r := range one.WageRecords() {
			if c.JSON {
				if err := printJSON(t.out, wageRecordJSON(order, one, r, release)); err != nil {
					return err
				}
				continue
			}
			days := ""
			for _, d := range r.Days {
				days += d.Date[len("2006-"):] + " " + duration(d.Time) + "  "
			}
			rows = append(rows, []string{
				one.WorkID.String(), shown(one.Name, release), r.Cycle + " " + r.BeginsAt.String(), days, duration(r.Worked), r.RegularRate.Decimals(4),
				r.Straight.String(), r.Extra.String(), r.Gross.String(),
			})
		}
	}
	missing := map[string]string{}
	for _, f := range app.WageRecordFields() {
		if f.Elsewhere != "" {
			missing[f.Item+" "+f.What] = f.Elsewhere
		}
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"not_held": missing})
	}
	if err := table(t.out, "WORK ID|NAME|WORKWEEK BEGINS|HOURS BY DAY|HOURS|REGULAR RATE|STRAIGHT|OVERTIME ADDS|TOTAL", rows); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(t.out, "\nnot held, of 29 CFR 516.2(a)")
	for _, what := range sorted(missing) {
		if _, err := fmt.Fprintf(t.out, "%s: %s\n", what, missing[what]); err != nil {
			return err
		}
	}
	return nil
}

func wageRecordJSON(order app.HoursOrder, one app.OwedHours, r app.WageRecord, release httpapi.Release) map[string]any {
	out := payJSON(r.Pay)
	delete(out, "cycle")
	out["work_id"], out["name"], out["from"], out["to"] = one.WorkID, personalOf(one.Name, release), order.Period.First.Format(time.DateOnly), order.Period.Last.Format(time.DateOnly)
	out["week"], out["week_begins_at"], out["group"] = r.Cycle, r.BeginsAt, one.Group.Name
	out["days"] = each(r.Days, func(d app.DayWorked) map[string]any {
		return map[string]any{"date": d.Date, "seconds": int64(d.Time / time.Second)}
	})
	return out
}
