package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/hours"
	"tracekeep/projections"
)

// ofPerson asks about one person. A question about somebody erased is answered: nothing
// leads to the work any more.
func ofPerson(ctx context.Context, t *terminal, a *app.App, operation, person string, asJSON bool, ask func(work uuid.UUID) error) error {
	work, err := onePerson(ctx, a, operation, person)
	var erased *httpapi.Erased
	if errors.As(err, &erased) {
		return queryHours{JSON: asJSON}.sayErased(t, erased)
	}
	if err == nil {
		err = ask(work)
	}
	if errors.As(err, &erased) {
		return sayExpired(t, work, erased, asJSON)
	}
	return err
}

// of is the work record of a flag that names one person, or nobody in particular.
func (f personFlag) of(ctx context.Context, t *terminal, a *app.App, operation string, asJSON bool, ask func(httpapi.Whose) error) error {
	if f.Person == "" {
		return ask(httpapi.Whose{})
	}
	return ofPerson(ctx, t, a, operation, f.Person, asJSON, func(work uuid.UUID) error { return ask(httpapi.Whose{Work: work}) })
}

type personFlag struct {
	Person string `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
}

// checkDays checks the days of a question.
func checkDays(from, to string) error {
	for _, day := range []string{from, to} {
		if _, err := parseDay("a day", day); err != nil {
			return &coded{code: exitUsage, err: err}
		}
	}
	if to < from {
		return &coded{code: exitUsage, err: errors.New("--to lies before --from")}
	}
	return nil
}

type queryTimecard struct {
	dataFlags
	momentFlags
	Person string `help:"Whose: an id, a work id, or a part of the name." required:"" placeholder:"WHO"`
	From   string `help:"First day, 2006-01-02." required:"" placeholder:"DAY"`
	To     string `help:"Last day." required:"" placeholder:"DAY"`
	Rules  string `help:"Also say what the days are paid as by a built-in set of rules, or a file of them." placeholder:"NAME|FILE" xor:"by"`
	Zone   string `help:"IANA zone whose clock begins days and weeks, for rules that name none." placeholder:"ZONE"`
	Plan   string `help:"Or by a pay plan; see tracekeep hours plan." xor:"by" placeholder:"FILE" type:"path"`
	JSON   bool   `name:"json" help:"Print one JSON object."`

	Earlier []string `name:"earlier-rules" help:"A file of rules that an earlier period was locked by; may be repeated." placeholder:"FILE" type:"path"`
}

// Help implements kong's help provider.
func (queryTimecard) Help() string {
	return `Shows days, intervals and findings, every punch that counts otherwise than it was recorded with both values, the corrections that
wait for a decision, and which days are locked with what was paid for them.

Examples:
  tracekeep query timecard --data ./records --person ana --from 2026-03-01 --to 2026-03-14
  tracekeep query timecard --data ./records --person 3f0a… --from 2026-03-01 --to 2026-03-14 --rules flsa --zone America/New_York --json`
}

// Run shows a time card.
func (c queryTimecard) Run(ctx context.Context, t *terminal) error {
	if err := checkDays(c.From, c.To); err != nil {
		return err
	}
	question := httpapi.TimecardQuestion{From: c.From, To: c.To}
	if c.Rules+c.Plan != "" {
		order, err := planFlags{Plan: c.Plan, Rules: c.Rules, Zone: c.Zone, Earlier: c.Earlier}.read(nil)
		if err != nil {
			return &coded{code: exitUsage, err: err}
		}
		question.Plan, question.Earlier = &order.Plan, order.Earlier
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return ofPerson(ctx, t, a, "query-timecard", c.Person, c.JSON, func(work uuid.UUID) error {
			question.Work = work
			card, err := w.Timecard(ctx, operator(a), question)
			if err != nil {
				return err
			}
			release, err := released(ctx, a, "query-timecard", card.Name)
			if err != nil {
				return err
			}
			if c.JSON {
				return printJSON(t.out, httpapi.TimecardBodyOf(card, release))
			}
			return printTimecard(t, card, release)
		})
	})
}

func printTimecard(t *terminal, card httpapi.TimecardView, release httpapi.Release) error {
	_, _ = fmt.Fprintf(t.out, "%s  %s  %s to %s: %s worked, %s\n", card.WorkID, shown(card.Name, release), card.From, card.To, hoursAndMinutes(card.Seconds), card.State)
	var rows [][]string
	for _, day := range card.Days {
		for _, i := range day.Intervals {
			rows = append(rows, []string{
				day.Date, clockAt(i.Start, card.Places[i.In].OffsetSeconds), clockAt(i.End, card.Places[i.Out].OffsetSeconds), hoursAndMinutes(int64(i.End.Sub(i.Start) / time.Second)),
			})
		}
		for _, d := range day.Declared {
			rows = append(rows, []string{day.Date, "declared" + forJob(d.Job), "no times of day", hoursAndMinutes(d.Seconds)})
		}
	}
	sections := []struct {
		heading string
		rows    [][]string
	}{{"DATE|IN|OUT|HOURS", rows}, {"FOUND|SEVERITY|TIMETREX|AT|PUNCHES", nil}, {"CORRECTED PUNCH|RECORDED|COUNTS|REASON|APPROVED BY", nil}, {"WAITS|PUNCH|ASKED FOR|REASON", nil}, {"LOCKED|LOCKED AT|REGULAR|OVERTIME|DOUBLE TIME|PREMIUM HOURS", nil}}
	for _, f := range card.Findings {
		sections[1].rows = append(sections[1].rows, findingRow(f, offsetOf(f, card.Places)))
	}
	for _, p := range card.Corrections {
		counts := readingText(p.Counts)
		if p.Voided {
			counts = "nothing"
		}
		sections[2].rows = append(sections[2].rows, []string{p.ID.String(), readingText(p.Recorded), counts, string(p.CorrectedFor), p.Latest.ApprovedBy.String()})
	}
	for _, r := range card.Requests {
		asked := "void"
		if !r.Void {
			asked = fmt.Sprintf("%s %s", r.Direction, clockAt(r.OccurredAt, card.Places[r.PunchID].OffsetSeconds))
		}
		sections[3].rows = append(sections[3].rows, []string{r.CorrectionID.String(), r.PunchID.String(), asked, string(r.Reason)})
	}
	for _, l := range card.Locked {
		row := timeRow(l.Period.From+"/"+l.Period.To, l.Period.LockedAt.Format(time.RFC3339), l.Card.Time, hoursAndMinutes)
		sections[4].rows = append(sections[4].rows, row)
		for _, a := range l.Card.Adjustments {
			sections[4].rows = append(sections[4].rows, timeRow("", "adjusts "+a.From+"/"+a.To, a.Time, signedSeconds))
		}
	}
	for _, s := range sections {
		if len(s.rows) == 0 {
			continue
		}
		if err := table(t.out, s.heading, s.rows); err != nil {
			return err
		}
	}
	return printOwedTime(t, card.Owed)
}

func printOwedTime(t *terminal, owed *httpapi.OwedTime) error {
	if owed == nil {
		return nil
	}
	rows := [][]string{timeRow(owed.Rules, "these days", owed.Time, hoursAndMinutes)}
	for _, a := range owed.Adjustments {
		rows = append(rows, timeRow("", "adjusts "+a.From+"/"+a.To, a.Time, signedSeconds))
	}
	return table(t.out, "PAID BY|FOR|REGULAR|OVERTIME|DOUBLE TIME|PREMIUM HOURS", rows)
}

func readingText(r projections.PunchReading) string {
	return fmt.Sprintf("%s %s", r.Direction, clockAt(r.OccurredAt, r.OffsetSeconds))
}

// clockAt is what a clock at the site showed, with its offset.
func clockAt(at time.Time, offsetSeconds int) string {
	return at.In(time.FixedZone("", offsetSeconds)).Format("2006-01-02T15:04:05-07:00")
}

// offsetOf is the offset where a finding was made.
func offsetOf(f hours.Finding, places map[uuid.UUID]projections.PunchPlace) int {
	if len(f.Punches) == 0 {
		return 0
	}
	return places[f.Punches[0]].OffsetSeconds
}

func findingRow(f hours.Finding, offsetSeconds int) []string {
	var about []string
	for _, id := range slices.Concat(f.Punches, f.Declared) {
		about = append(about, id.String())
	}
	at := f.WorkDate
	if !f.At.IsZero() {
		at = clockAt(f.At, offsetSeconds)
	}
	return []string{string(f.Code), string(f.Severity), orDash(f.TimeTrex), at, strings.Join(about, " ")}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

type queryExceptions struct {
	dataFlags
	momentFlags
	personFlag
	From     string `help:"First day, 2006-01-02." required:"" placeholder:"DAY"`
	To       string `help:"Last day." required:"" placeholder:"DAY"`
	Station  string `help:"Only what began at this station." placeholder:"STATION"`
	Severity string `help:"Only what is at least this grave: low, medium or high." enum:"low,medium,high" default:"low"`
	JSON     bool   `name:"json" help:"Print one JSON object for each finding."`
}

// Help implements kong's help provider.
func (queryExceptions) Help() string {
	return `Lists what somebody should look at before hours are paid: a punch that is missing, keys that were exchanged, meals that were too
short. Each with how grave it is, the grace that had passed before it was said, and the code that TimeTrex gives it.

Examples:
  tracekeep query exceptions --data ./records --from 2026-03-01 --to 2026-03-14
  tracekeep query exceptions --data ./records --from 2026-03-01 --to 2026-03-14 --severity high --station gate-1 --json`
}

// Run lists findings.
func (c queryExceptions) Run(ctx context.Context, t *terminal) error {
	if err := checkDays(c.From, c.To); err != nil {
		return err
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		return c.of(ctx, t, a, "query-exceptions", c.JSON, func(whose httpapi.Whose) error {
			found, err := w.Exceptions(ctx, operator(a), httpapi.ExceptionsQuestion{
				Whose: whose, From: c.From, To: c.To, Station: c.Station, AtLeast: hours.Severity(c.Severity),
			})
			if err != nil {
				return err
			}
			return printNamed(ctx, t, a, "query-exceptions", found, func(r httpapi.ExceptionRow) httpapi.Personal { return r.Name }, c.JSON, httpapi.ExceptionRowBodyOf,
				"WORK ID|NAME|STATION|FOUND|SEVERITY|TIMETREX|AT|PUNCHES|GRACE", func(r httpapi.ExceptionRow, name string) []string {
					return append(append([]string{r.WorkID.String(), name, r.Station}, findingRow(r.Finding, r.OffsetSeconds)...), duration(r.Grace))
				})
		})
	})
}

// printNamed prints rows whose names are shown, once that is recorded.
func printNamed[T, B any](ctx context.Context, t *terminal, a *app.App, operation string, rows []T, name func(T) httpapi.Personal, asJSON bool,
	body func(T, httpapi.Release) B, heading string, row func(T, string) []string,
) error {
	names := make([]httpapi.Personal, len(rows))
	for i := range rows {
		names[i] = name(rows[i])
	}
	release, err := released(ctx, a, operation, names...)
	if err != nil {
		return err
	}
	var lines [][]string
	for i, r := range rows {
		if !asJSON {
			lines = append(lines, row(r, shown(names[i], release)))
		} else if err := printJSON(t.out, body(r, release)); err != nil {
			return err
		}
	}
	if asJSON {
		return nil
	}
	return table(t.out, heading, lines)
}
