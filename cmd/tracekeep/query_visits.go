package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

type queryVisits struct {
	dataFlags
	momentFlags
	From   string `help:"First day, 2006-01-02; needed unless --here." placeholder:"DAY"`
	To     string `help:"Last day, 2006-01-02; needed unless --here." placeholder:"DAY"`
	Site   string `help:"Code of one centre." placeholder:"CODE"`
	Person string `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
	Here   bool   `help:"Only those who are there now."`
	Count  bool   `help:"Count by day, centre and subject; no name is opened."`
	JSON   bool   `name:"json" help:"Print one JSON object for each row."`
}

// Help implements kong's help provider.
func (queryVisits) Help() string {
	return `A visit begins and ends with a punch of the kind visit, of a student or a tutor, and may say its subject. It is no work: it is
in no hours, ends none, and is paid to nobody. Who came and did not say when they left is here for 16 hours, and missing_out then.

Examples:
  tracekeep query visits --data ./records --here --site learning_centre
  tracekeep query visits --data ./records --from 2026-03-01 --to 2026-03-31 --person ana --json
  tracekeep query visits --data ./records --from 2026-03-01 --to 2026-03-31 --count`
}

// asked is the question of the flags.
func (c queryVisits) asked(now time.Time) (projections.VisitsAsked, error) {
	if c.Here && (c.Count || c.From != "" || c.To != "") {
		return projections.VisitsAsked{}, fmt.Errorf("--here asks for now and for everybody; leave --from, --to and --count out")
	}
	asked := projections.VisitsAsked{From: c.From, To: c.To, Site: c.Site}
	if c.Here { // wherever the centre is, whoever is there came yesterday, today or tomorrow
		asked.From, asked.To = now.UTC().AddDate(0, 0, -2).Format(time.DateOnly), now.UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	}
	for _, day := range []string{asked.From, asked.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return asked, fmt.Errorf("--from and --to are days, written 2006-01-02, not %q", day)
		}
	}
	if asked.To < asked.From {
		return asked, errors.New("--to lies before --from")
	}
	return asked, nil
}

// Run answers who visited.
func (c queryVisits) Run(ctx context.Context, t *terminal) error {
	if _, err := c.asked(t.clock()); err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		asked, err := c.asked(w.Now())
		if err != nil {
			return err
		}
		if c.Person != "" {
			work, err := onePerson(ctx, a, "query-visits", c.Person)
			if err != nil {
				return err
			}
			asked.Works = []uuid.UUID{work}
		}
		if c.Count {
			return c.counts(ctx, t, w, asked)
		}
		visits, err := w.Visits(ctx, operator(a), asked)
		if err != nil {
			return err
		}
		return c.print(ctx, t, a, visits, w.Now())
	})
}

func (c queryVisits) print(ctx context.Context, t *terminal, a *app.App, visits []httpapi.VisitRow, now time.Time) error {
	var names []httpapi.Personal
	for _, v := range visits {
		if !c.Here || v.State == hours.VisitOpen {
			names = append(names, v.Name)
		}
	}
	release, err := released(ctx, a, "query-visits", names...)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, v := range visits {
		if c.Here && v.State != hours.VisitOpen {
			continue
		}
		seconds := v.Seconds()
		if v.State == hours.VisitOpen {
			seconds = int64(now.Sub(v.Since) / time.Second)
		}
		if c.JSON {
			if err := printJSON(t.out, map[string]any{
				"work_id": v.WorkID, "name": personalOf(v.Name, release), "state": v.State, "site": v.Site, "reason": v.Reason, "date": v.Date,
				"since": instantOrNull(v.Since), "until": instantOrNull(v.Until), "seconds": seconds, "in_punch": idOrNull(v.In), "out_punch": idOrNull(v.Out),
			}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{v.WorkID.String(), shown(v.Name, release), v.Site, v.Reason, instantOrDash(v.Since), instantOrDash(v.Until), hoursAndMinutes(seconds), string(v.State)})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "WORK ID|NAME|SITE|SUBJECT|SINCE|UNTIL|TIME|STATE", rows)
}

func (c queryVisits) counts(ctx context.Context, t *terminal, w *app.World, asked projections.VisitsAsked) error {
	counts, err := w.VisitCounts(ctx, asked)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, n := range counts {
		if c.JSON {
			if err := printJSON(t.out, map[string]any{
				"date": n.Date, "site": n.Site, "reason": n.Reason, "visits": n.Visits, "visitors": n.Visitors, "seconds": n.Seconds,
			}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{n.Date, n.Site, n.Reason, strconv.Itoa(n.Visits), strconv.Itoa(n.Visitors), hoursAndMinutes(n.Seconds)})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "DATE|SITE|SUBJECT|VISITS|VISITORS|TIME", rows)
}

func instantOrNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func instantOrDash(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Format(time.RFC3339)
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
