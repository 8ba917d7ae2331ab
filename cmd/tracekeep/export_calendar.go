package main

import (
	"context"
	"errors"

	"tracekeep/cmd/internal/app"
)

type exportCalendar struct {
	exportFlags
	daysFlags
	Of   string `help:"work that was done, or shifts that are planned: then --site is the code of a site." enum:"work,shifts" default:"work"`
	Zone string `help:"IANA zone in which the days of shifts begin." default:"UTC"`
}

// Help implements kong's help provider.
func (exportCalendar) Help() string {
	return `Writes an iCalendar feed (RFC 5545), for one person or one place, in UTC: an event for every interval of work, or with --of shifts
for every shift and task that somebody is assigned to. Work is known by the punch that began it, a place by its shift and work
record. So a calendar that reads the feed again moves what was corrected or rescheduled (SEQUENCE and DTSTAMP grow), and what was
called off, swapped or taken away is in it as cancelled.

Examples:
  tracekeep export calendar --data ./records --person ana --from 2026-01-01 --to 2026-12-31 --to-file ana.ics \
      --officer 6d1e… --recipient employee_calendar --purpose portability --reason directed_by_subject
  tracekeep export calendar --data ./records --of shifts --person ana --from 2026-05-01 --to 2026-05-31 --zone America/New_York --to-file may.ics \
      --officer 6d1e… --recipient employee_calendar --purpose rostering --reason directed_by_subject
  tracekeep export calendar --data ./records --site gate-1 --from 2026-03-01 --to 2026-03-31 --to-file gate-1.ics \
      --officer 6d1e… --recipient site_owner --purpose billing --reason processor`
}

// Validate is called by kong.
func (c exportCalendar) Validate() error {
	if (c.Person == "") == (c.Site == "") {
		return errors.New("a calendar is of one --person or of one --site")
	}
	return nil
}

// Run exports a feed.
func (c exportCalendar) Run(ctx context.Context, t *terminal) error {
	what := "calendar"
	if c.Of == "shifts" {
		what = "roster"
	}
	order, err := c.order(t, what, c.From, c.To)
	if err != nil {
		return err
	}
	loc, err := zoneIn(c.Zone)
	if err != nil {
		return err
	}
	order.Station = c.Site
	return c.run(ctx, t, order, c.Person, func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (app.Exported, error) {
		if c.Of == "shifts" {
			return w.ExportRoster(ctx, operator(a), order, loc)
		}
		return w.ExportCalendar(ctx, operator(a), order)
	})
}
