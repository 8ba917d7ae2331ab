package main

import (
	"context"
	"fmt"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
)

type shiftsReschedule struct {
	shiftStep
	followingFlag
	Zone  string `help:"IANA zone of the site." required:""`
	Start string `help:"Local time of the new start, 2006-01-02 15:04; where the clock shows it twice, with its offset, 2006-01-02 15:04-04:00." required:""`
	End   string `help:"Local time of the new end, likewise." required:""`
}

// Help implements kong's help provider.
func (shiftsReschedule) Help() string {
	return `Moves a shift that has not begun; with --following also the shifts of its weekly pattern that come after it, each by as many days
and to the same local times. Offers, bids and swaps for the time before are over. Whoever is assigned is judged anew: who
can have the shift at its new time keeps the place, who cannot (another shift at the time, too short a rest, a cap) is taken off
and named with the rule. Exit code 3 says that somebody was taken off.

Examples:
  tracekeep shifts reschedule --data ./records --shift 77aa… --zone America/New_York --start '2026-05-04 09:00' --end '2026-05-04 17:00' --officer 6d1e…
  tracekeep shifts reschedule --data ./records --shift 77aa… --zone Asia/Manila --start '2026-05-05 22:00' --end '2026-05-06 06:00' --officer 6d1e… --json
  tracekeep shifts reschedule --data ./records --shift 77aa… --following --zone Asia/Manila --start '2026-05-04 21:00' --end '2026-05-05 05:00' --officer 6d1e…`
}

// Run moves a shift.
func (c shiftsReschedule) Run(ctx context.Context, t *terminal) error {
	times, _, err := timesBetween(c.Zone, c.Start, c.End)
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	var off []httpapi.TakenOff
	err = c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		shifts, err := c.of(ctx, a, c.Shift)
		if err != nil {
			return err
		}
		moves, err := movesOf(shifts, times)
		if err != nil {
			return err
		}
		for done, m := range moves {
			intent, err := c.intent(t, a)
			if err != nil {
				return err
			}
			_, taken, err := a.RescheduleShift(ctx, intent, m.shift, assignment.Reschedule{Times: m.to, RescheduledAt: t.clock()})
			if err != nil {
				return fmt.Errorf("%d of %d shifts were moved; shift %s, to %s: %w", done, len(moves), m.shift, m.to.StartsLocal, err)
			}
			off = append(off, taken...)
		}
		return c.show(ctx, t, a, idsOf(shifts)...)
	})
	if err != nil || len(off) == 0 {
		return err
	}
	for _, o := range off {
		_, _ = fmt.Fprintf(t.err, "%s is taken off: %s, against shift %s\n", o.WorkID, o.Reason, idOrDash(o.With))
	}
	return &coded{code: exitRejected, err: fmt.Errorf("%d places: whoever had them cannot have the shift at its new time", len(off))}
}
