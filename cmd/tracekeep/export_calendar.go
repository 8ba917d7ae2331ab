package main

import (
	"context"
	"errors"

	"tracekeep/cmd/internal/app"
)

type exportCalendar struct {
	exportFlags
	daysFlags
}

// Help implements kong's help provider.
func (exportCalendar) Help() string {
	return `Writes work as an iCalendar feed (RFC 5545), for one person or one station: an event for every interval of work, in UTC. The
event keeps its identity (the punch that began it), so that a calendar that reads the feed again moves what was corrected.

Examples:
  tracekeep export calendar --data ./records --person ana --from 2026-01-01 --to 2026-12-31 --to-file ana.ics \
      --officer 6d1e… --recipient employee_calendar --purpose portability --reason directed_by_subject
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
	order, err := c.order(t, "calendar", c.From, c.To)
	if err != nil {
		return err
	}
	order.Station = c.Site
	return c.run(ctx, t, order, c.Person, func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (app.Exported, error) {
		return w.ExportCalendar(ctx, operator(a), order)
	})
}
