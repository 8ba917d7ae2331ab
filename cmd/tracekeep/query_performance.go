package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type queryPerformance struct {
	dataFlags
	momentFlags
	Person string `help:"Whose: an id, a work id, or a part of the name." required:"" placeholder:"WHO"`
	From   string `help:"First day, 2006-01-02, of the shifts and tasks that begin." required:""`
	To     string `help:"Last day, 2006-01-02." required:""`
	Zone   string `help:"IANA zone in which the days begin." default:"UTC"`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (queryPerformance) Help() string {
	return `Measures one person over some days: shifts and tasks completed and on time, hours worked against the plan, ratings. Every figure
says how it is counted, and with --json from which shifts. Nothing of it is stored: it is counted from shifts, tasks and
hours when it is asked for. Performance is a category of its own: over the API HR and auditors see it of everybody, a worker
of themself, and nobody else; that it was shown is on record (tracekeep readings).

Examples:
  tracekeep query performance --data ./records --person ana --from 2026-03-01 --to 2026-03-31
  tracekeep query performance --data ./records --person 3f0a… --from 2026-01-01 --to 2026-12-31 --zone America/New_York --json`
}

// Run measures somebody.
func (c queryPerformance) Run(ctx context.Context, t *terminal) error {
	if err := checkDays(c.From, c.To); err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "" || c.Zone == "Local" {
		return &coded{code: exitUsage, err: fmt.Errorf("%q is no IANA zone, such as America/New_York", c.Zone)}
	}
	question := httpapi.PerformanceQuestion{}
	for text, at := range map[string]*time.Time{c.From: &question.From, c.To: &question.To} {
		if *at, err = time.ParseInLocation(time.DateOnly, text, zone); err != nil {
			return err
		}
	}
	question.To = question.To.AddDate(0, 0, 1)
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return ofPerson(ctx, t, a, "query-performance", c.Person, c.JSON, func(work uuid.UUID) error {
			question.Work = work
			view, err := w.Performance(ctx, operator(a), question)
			if err != nil {
				return err
			}
			release, err := released(ctx, a, "query-performance", view.Name, view.Measured)
			if err != nil {
				return err
			}
			body := httpapi.PerformanceBodyOf(view, release)
			if c.JSON {
				return printJSON(t.out, body)
			}
			_, _ = fmt.Fprintf(t.out, "%s  %s  %s to %s\n", view.WorkID, shown(view.Name, release), c.From, c.To)
			return printPerformance(t, body)
		})
	})
}

func printPerformance(t *terminal, body httpapi.PerformanceBody) error {
	rows := make([][]string, 0, len(body.Figures))
	for _, f := range body.Figures {
		value := func(n int64) string {
			if f.Unit == "minutes" {
				return hoursAndMinutes(n * 60)
			}
			return strconv.FormatInt(n, 10)
		}
		of := "-"
		if f.Of != nil {
			of = value(*f.Of)
		}
		rows = append(rows, []string{f.Name, value(f.Value), of, f.Explanation})
	}
	return table(t.out, "FIGURE|VALUE|OF|HOW IT IS COUNTED", rows)
}
