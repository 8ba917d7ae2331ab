package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/projections"
)

type diffCommand struct {
	dataFlags
	From        string `help:"The first world: as it was then. An instant (RFC 3339), or a day, which means its end (UTC)." placeholder:"WHEN"`
	To          string `help:"The second world." placeholder:"WHEN"`
	KnownAt     string `name:"known-at" help:"Both as they were known then." placeholder:"WHEN"`
	FromKnownAt string `name:"from-known-at" help:"The first as it was known then." placeholder:"WHEN"`
	ToKnownAt   string `name:"to-known-at" help:"The second as it was known then." placeholder:"WHEN"`
	JSON        bool   `name:"json" help:"Print one JSON object for each work record and day."`
}

// Help implements kong's help provider.
func (diffCommand) Help() string {
	return `Says what the second world tells differently, by work record and day: hours, punches that were added, removed, corrected,
voided or restored, exceptions, and the events responsible. Without --to the second world is the one of today.

` + momentHelp + `

Examples:
  tracekeep diff --data ./records --from 2026-03-01 --to 2026-03-31
  tracekeep diff --data ./records --from 2026-03-31 --to 2026-03-31 --from-known-at 2026-04-01 --to-known-at 2026-04-15
  tracekeep diff --data ./records --from-known-at 2026-04-01 --json | jq .punches`
}

// Run compares.
func (c diffCommand) Run(ctx context.Context, t *terminal) error {
	before, after, err := c.moments()
	if err != nil {
		return err
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		var worlds [2]*app.World
		for i, moment := range []projections.Moment{before, after} {
			world := a.Today()
			if !moment.Whole() {
				if world, err = openWorld(ctx, t, a, moment); err != nil {
					return err
				}
			}
			defer world.Close()
			worlds[i] = world
		}
		differences, err := a.Diff(ctx, operator(a), worlds[0], worlds[1])
		if err != nil {
			return err
		}
		names := make([]httpapi.Personal, len(differences))
		for i := range differences {
			names[i] = differences[i].Name
		}
		release, err := released(ctx, a, "diff", names...)
		if err != nil {
			return err
		}
		if c.JSON {
			for _, d := range differences {
				if err := printJSON(t.out, differenceJSON(d, release)); err != nil {
					return err
				}
			}
			return nil
		}
		_, _ = fmt.Fprintf(t.out, "from the world %s\nto the world %s\n", toldMoment(before), toldMoment(after))
		return printDifferences(t, differences, release)
	})
}

func (c diffCommand) moments() (before, after projections.Moment, err error) {
	for _, side := range []struct {
		flag, asOf, knownFlag, known string
		into                         *projections.Moment
	}{{"--from", c.From, "--from-known-at", c.FromKnownAt, &before}, {"--to", c.To, "--to-known-at", c.ToKnownAt, &after}} {
		if side.known == "" {
			side.knownFlag, side.known = "--known-at", c.KnownAt
		}
		if side.into.AsOf, err = parseWhen(side.flag, side.asOf); err != nil {
			return before, after, err
		}
		if side.into.KnownAt, err = parseWhen(side.knownFlag, side.known); err != nil {
			return before, after, err
		}
	}
	if before == after {
		return before, after, &coded{code: exitUsage, err: fmt.Errorf("both worlds are the same; give --from and --to, or --from-known-at and --to-known-at")}
	}
	return before, after, nil
}

func printDifferences(t *terminal, differences []app.Difference, release httpapi.Release) error {
	var rows [][]string
	for _, d := range differences {
		line := func(what, before, after, events string) {
			rows = append(rows, []string{d.Date, d.WorkID.String(), shown(d.Name, release), what, before, after, events})
		}
		if d.Before != d.After {
			line("hours", hoursAndMinutes(d.Before.Seconds), hoursAndMinutes(d.After.Seconds), "")
		}
		for _, p := range d.Punches {
			line("punch "+p.Kind(), toldPunch(p.Before), toldPunch(p.After), toldCauses(p.Causes))
		}
		for _, e := range d.Exceptions {
			told := string(e.Code) + " at " + e.At.Format(time.RFC3339)
			if e.After {
				line("exception", "-", told, "")
			} else {
				line("exception", told, "-", "")
			}
		}
	}
	if err := table(t.out, "DATE|WORK ID|NAME|WHAT|BEFORE|AFTER|EVENTS", rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%d work records and days differ\n", len(differences))
	return err
}

// toldReading writes when, how and for which job a punch counts, in the time of its site.
func toldReading(r projections.PunchReading) string {
	site := time.FixedZone("", r.OffsetSeconds)
	told := fmt.Sprintf("%s %s %s", r.Direction, r.Kind, r.OccurredAt.In(site).Format(time.RFC3339))
	if r.Job != "" {
		told += " for " + printable(r.Job)
	}
	return told
}

func toldPunch(p *projections.Punch) string {
	switch {
	case p == nil:
		return "-"
	case p.Voided:
		return "void"
	}
	return toldReading(p.Counts)
}

func toldCauses(causes []app.Cause) string {
	var parts []string
	for _, c := range causes {
		told := fmt.Sprintf("recorded %d", c.Position)
		if c.Correction != nil {
			told = fmt.Sprintf("%s %d", c.Correction.Reason, c.Position)
		}
		if c.New {
			told += " (new)"
		}
		parts = append(parts, told)
	}
	return strings.Join(parts, ", ")
}

func differenceJSON(d app.Difference, release httpapi.Release) map[string]any {
	punches := make([]map[string]any, 0, len(d.Punches))
	for _, p := range d.Punches {
		punches = append(punches, map[string]any{
			"punch_id": p.PunchID, "change": p.Kind(), "before": punchJSON(p.Before), "after": punchJSON(p.After), "events": causesJSON(p.Causes),
		})
	}
	exceptions := make([]map[string]any, 0, len(d.Exceptions))
	for _, e := range d.Exceptions {
		change := "gone"
		if e.After {
			change = "new"
		}
		exceptions = append(exceptions, map[string]any{"punch_id": e.Punch, "code": e.Code, "at": e.At, "change": change, "rule_version": e.RuleVersion})
	}
	return map[string]any{
		"work_id": d.WorkID, "name": personalOf(d.Name, release), "date": d.Date,
		"before":     map[string]any{"seconds": d.Before.Seconds, "declared_seconds": d.Before.Declared, "intervals": d.Before.Intervals},
		"after":      map[string]any{"seconds": d.After.Seconds, "declared_seconds": d.After.Declared, "intervals": d.After.Intervals},
		"exceptions": exceptions, "punches": punches,
	}
}

func punchJSON(p *projections.Punch) any {
	if p == nil {
		return nil
	}
	return map[string]any{
		"occurred_at": p.Counts.OccurredAt, "offset_seconds": p.Counts.OffsetSeconds, "direction": p.Counts.Direction, "kind": p.Counts.Kind,
		"job": p.Counts.Job, "voided": p.Voided, "station": p.Station, "zone": p.Zone,
	}
}

func causesJSON(causes []app.Cause) []map[string]any {
	all := make([]map[string]any, 0, len(causes))
	for _, c := range causes {
		told := map[string]any{"event_id": c.EventID, "position": c.Position, "recorded_at": c.RecordedAt, "new": c.New, "actor": c.Actor, "what": "recorded"}
		if k := c.Correction; k != nil {
			told["what"], told["reason"], told["void"] = "corrected", k.Reason, k.Void
			told["corrected_by"], told["approved_by"], told["corrected_at"] = k.CorrectedBy, k.ApprovedBy, k.CorrectedAt
		}
		all = append(all, told)
	}
	return all
}
