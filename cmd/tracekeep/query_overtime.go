package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
)

type queryOvertime struct {
	dataFlags
	momentFlags
	personFlag
	Rules string        `help:"A built-in set of rules, or a file of them." required:"" placeholder:"NAME|FILE"`
	Zone  string        `help:"IANA zone whose clock begins days and weeks, for rules that name none." placeholder:"ZONE"`
	On    string        `help:"The workweek in which this day begins, 2006-01-02; default: the one that is running." placeholder:"DAY"`
	Near  time.Duration `help:"From how little time left somebody is near." default:"4h"`
	All   bool          `help:"Also who is neither near nor over."`
	JSON  bool          `name:"json" help:"Print one JSON object for each person."`
}

// Help implements kong's help provider.
func (queryOvertime) Help() string {
	return `Says who is near overtime or over it in a workweek, as far as it is over, by the limits of the rules: 40 hours a week for flsa,
also the limits of a day where the rules have them. Who is in now has worked up to now.

Examples:
  tracekeep query overtime --data ./records --rules flsa --zone America/New_York
  tracekeep query overtime --data ./records --rules california --zone America/Los_Angeles --on 2026-03-10 --near 2h --all --json`
}

// Run says who is near overtime.
func (c queryOvertime) Run(ctx context.Context, t *terminal) error {
	rules, err := rulesIn(c.Rules, c.Zone)
	if err == nil && c.On != "" {
		_, err = parseDay("--on", c.On)
	}
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return c.of(ctx, t, a, "query-overtime", c.JSON, func(whose httpapi.Whose) error {
			week, err := w.Overtime(ctx, operator(a), httpapi.OvertimeQuestion{Whose: whose, Rules: rules, Zone: c.Zone, On: c.On, Near: c.Near})
			if err != nil {
				return err
			}
			if !c.All {
				week.Rows = slices.DeleteFunc(week.Rows, func(r httpapi.OvertimeRow) bool { return r.State == httpapi.OvertimeUnder })
			}
			if !c.JSON {
				_, _ = fmt.Fprintf(t.out, "workweek of %s by %s, version %d: %d are near overtime or over it\n", week.From, printable(rules.Name), rules.Version,
					len(slices.DeleteFunc(slices.Clone(week.Rows), func(r httpapi.OvertimeRow) bool { return r.State == httpapi.OvertimeUnder })))
			}
			return printNamed(ctx, t, a, "query-overtime", week.Rows, func(r httpapi.OvertimeRow) httpapi.Personal { return r.Name }, c.JSON, httpapi.OvertimeRowBodyOf,
				"WORK ID|NAME|STATE|WORKED|REGULAR|OVERTIME|DOUBLE TIME|LEFT|RUNNING", func(r httpapi.OvertimeRow, name string) []string {
					return []string{
						r.WorkID.String(), name, string(r.State), duration(r.Totals.Worked()), duration(r.Totals.Regular), duration(r.Totals.Overtime), duration(r.Totals.DoubleTime),
						duration(r.Left), duration(r.Running),
					}
				})
		})
	})
}

type queryCaps struct {
	dataFlags
	momentFlags
	personFlag
	On   string `help:"The day, with the week it lies in; default: today." placeholder:"DAY"`
	Zone string `help:"IANA zone in which the days begin." default:"UTC"`
	JSON bool   `name:"json" help:"Print one JSON object for each person."`
}

// Help implements kong's help provider.
func (queryCaps) Help() string {
	return `Says how much of the caps on assignments each person with shifts in the day or its week takes up, of all employers together, and
what is left: 16 hours and 3 shifts in a day, 90 hours and 14 shifts in a week that begins on Monday (version 1).

Examples:
  tracekeep query caps --data ./records --zone America/New_York
  tracekeep query caps --data ./records --on 2026-05-04 --zone America/New_York --person 3f0a… --json`
}

// Run shows the caps.
func (c queryCaps) Run(ctx context.Context, t *terminal) error {
	if _, err := zoneIn(c.Zone); err != nil {
		return err
	}
	if c.On != "" {
		if _, err := parseDay("--on", c.On); err != nil {
			return &coded{code: exitUsage, err: err}
		}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return c.of(ctx, t, a, "query-caps", c.JSON, func(whose httpapi.Whose) error {
			caps, err := w.Caps(ctx, operator(a), httpapi.CapsQuestion{Whose: whose, On: c.On, Zone: c.Zone})
			if err != nil {
				return err
			}
			if c.JSON {
				return printNamed(ctx, t, a, "query-caps", caps.Rows, capsName, true, httpapi.CapsRowBodyOf, "", nil)
			}
			var rows []httpapi.CapsRow // one for each cap
			for _, r := range caps.Rows {
				for _, u := range r.Uses {
					rows = append(rows, httpapi.CapsRow{WorkID: r.WorkID, Name: r.Name, Uses: []assignment.Use{u}})
				}
			}
			return printNamed(ctx, t, a, "query-caps", rows, capsName, false, httpapi.CapsRowBodyOf,
				"WORK ID|NAME|SPAN|COUNTS|HOURS|LEFT|SHIFTS|LEFT", func(r httpapi.CapsRow, name string) []string {
					u := r.Uses[0]
					span, hours, shifts := "day", "-", "-"
					if u.Cap.Week {
						span = "week"
					}
					if left, limited := u.TimeLeft(); limited {
						hours = duration(left)
					}
					if left, limited := u.ShiftsLeft(); limited {
						shifts = strconv.Itoa(left)
					}
					return []string{r.WorkID.String(), name, span, string(u.Cap.Counts), duration(u.Time), hours, strconv.Itoa(u.Shifts), shifts}
				})
		})
	})
}

func capsName(r httpapi.CapsRow) httpapi.Personal { return r.Name }

type queryHistory struct {
	dataFlags
	momentFlags
	Person string `help:"Whose: an id, a work id, or a part of the name." required:"" placeholder:"WHO"`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (queryHistory) Help() string {
	return `Shows all that one person worked: every shift that has begun and what came of it, the jobs they add up to, and the hours of every
month, on a shift or not. The events themselves are shown by tracekeep history.

Examples:
  tracekeep query history --data ./records --person ana
  tracekeep query history --data ./records --person 3f0a… --json`
}

// Run shows what somebody worked.
func (c queryHistory) Run(ctx context.Context, t *terminal) error {
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return ofPerson(ctx, t, a, "query-history", c.Person, c.JSON, func(work uuid.UUID) error {
			history, err := w.WorkHistory(ctx, operator(a), httpapi.Whose{Work: work})
			if err != nil {
				return err
			}
			release, err := released(ctx, a, "query-history", history.Name)
			if err != nil {
				return err
			}
			body := httpapi.WorkHistoryBodyOf(history, release)
			if c.JSON {
				return printJSON(t.out, body)
			}
			_, _ = fmt.Fprintf(t.out, "%s  %s: %s worked\n", history.WorkID, shown(history.Name, release), body.Total)
			return printWorkHistory(t, body)
		})
	})
}

func printWorkHistory(t *terminal, body httpapi.WorkHistoryBody) error {
	minutes := func(n int64) string { return hoursAndMinutes(n * 60) }
	var months, jobs, shifts [][]string
	for _, m := range body.Months {
		months = append(months, []string{m.Month, m.Time, strconv.Itoa(m.Days)})
	}
	for _, j := range body.Jobs {
		jobs = append(jobs, []string{j.Employer, j.Site, j.Kind, strconv.Itoa(j.Shifts), minutes(j.Planned), minutes(j.WorkedMinutes)})
	}
	for _, s := range body.Shifts {
		shifts = append(shifts, []string{s.StartsAt, s.EndsAt, s.Employer, s.Site, s.Kind, s.State, orDash(s.Attendance), minutes(s.WorkedMinutes), s.ShiftID})
	}
	for _, part := range []struct {
		heading string
		rows    [][]string
	}{{"MONTH|HOURS|DAYS", months}, {"EMPLOYER|SITE|KIND|SHIFTS|PLANNED|WORKED", jobs}, {"STARTS|ENDS|EMPLOYER|SITE|KIND|STATE|ATTENDANCE|WORKED|SHIFT", shifts}} {
		if err := table(t.out, part.heading, part.rows); err != nil {
			return err
		}
	}
	return nil
}
