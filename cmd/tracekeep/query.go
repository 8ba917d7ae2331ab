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
	"tracekeep/eventschema"
)

type queryCommand struct {
	Presence    queryPresence    `cmd:"" help:"Who is in."`
	Hours       queryHours       `cmd:"" help:"Hours worked, by person or by day."`
	Timecard    queryTimecard    `cmd:"" help:"The time card of one person: days, findings, corrections, what is locked."`
	Exceptions  queryExceptions  `cmd:"" help:"What somebody should look at before hours are paid."`
	Board       queryBoard       `cmd:"" help:"Who is where since when, and whose out is overdue."`
	Overtime    queryOvertime    `cmd:"" help:"Who is near overtime, or over it, in a workweek."`
	Caps        queryCaps        `cmd:"" help:"How much of the caps on assignments is taken up, and what is left."`
	History     queryHistory     `cmd:"" help:"All shifts, jobs and hours of one person."`
	Performance queryPerformance `cmd:"" help:"Shifts and tasks completed and on time, hours against the plan, ratings of one person."`
	People      queryPeople      `cmd:"" help:"Who is registered."`
	Visits      queryVisits      `cmd:"" help:"Who visited which centre, for which subject, for how long."`
	Erasures    queryErasures    `cmd:"" help:"Which erasures were asked for and what became of them."`
}

// Help implements kong's help provider.
func (queryCommand) Help() string {
	return `Answers are as of the last event in the store, or as of a moment of the past. A value that was erased says so, with the
case and the leaf of the trail that holds its certificate, whatever the moment.

` + momentHelp + `

Examples:
  tracekeep query presence --data ./records
  tracekeep query presence --data ./records --at 2021-06-15T03:00:00Z
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30 --person 4a0d… --json
  tracekeep query hours --data ./records --from 2021-06-01 --to 2021-06-30 --as-of 2021-06-30 --known-at 2021-07-01T09:00:00Z
  tracekeep query timecard --data ./records --person ana --from 2026-03-01 --to 2026-03-14
  tracekeep query exceptions --data ./records --from 2026-03-01 --to 2026-03-14 --severity high
  tracekeep query board --data ./records
  tracekeep query overtime --data ./records --rules flsa --zone America/New_York
  tracekeep query caps --data ./records --zone America/New_York
  tracekeep query history --data ./records --person ana
  tracekeep query performance --data ./records --person ana --from 2026-03-01 --to 2026-03-31
  tracekeep query people --data ./records --find ana
  tracekeep query people --data ./records --over 18 --on 2026-03-01
  tracekeep query visits --data ./records --here --site learning_centre`
}

type queryPresence struct {
	dataFlags
	momentFlags
	At   time.Time `help:"Instant, RFC 3339; default now." format:"2006-01-02T15:04:05Z07:00"`
	JSON bool      `name:"json" help:"Print one JSON object for each person."`
}

// Run answers who is in.
func (c queryPresence) Run(ctx context.Context, t *terminal) error {
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		at := c.At
		if at.IsZero() {
			at = w.Now()
		}
		present, err := w.Presence(ctx, operator(a), at)
		if err != nil {
			return err
		}
		names := make([]httpapi.Personal, len(present))
		for i := range present {
			names[i] = present[i].Name
		}
		release, err := released(ctx, a, "query-presence", names...)
		if err != nil {
			return err
		}
		if c.JSON {
			for _, p := range present {
				if err := printJSON(t.out, map[string]any{
					"work_id": p.WorkID, "name": personalOf(p.Name, release), "since": p.Since, "station": p.Station, "punch_id": p.PunchID,
				}); err != nil {
					return err
				}
			}
			return nil
		}
		rows := make([][]string, 0, len(present))
		for _, p := range present {
			rows = append(rows, []string{p.WorkID.String(), shown(p.Name, release), p.Since.Format(time.RFC3339), p.Station})
		}
		_, _ = fmt.Fprintf(t.out, "%d in at %s\n", len(present), at.UTC().Format(time.RFC3339))
		return table(t.out, "WORK ID|NAME|SINCE|STATION", rows)
	})
}

type queryHours struct {
	dataFlags
	momentFlags
	From   string `help:"First day, 2006-01-02." required:""`
	To     string `help:"Last day, 2006-01-02." required:""`
	Person string `help:"One person: an id, a work id, or a part of the name; the answer is then by day." placeholder:"WHO"`
	JSON   bool   `name:"json" help:"Print one JSON object for each row."`
}

// Run answers how long people worked.
func (c queryHours) Run(ctx context.Context, t *terminal) error {
	if err := checkDays(c.From, c.To); err != nil {
		return err
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		if c.Person != "" {
			return c.byDay(ctx, t, a, w)
		}
		workers, err := w.HoursOfAll(ctx, operator(a), c.From, c.To)
		if err != nil {
			return err
		}
		return printWorkers(ctx, t, a, workers, c.JSON)
	})
}

func printWorkers(ctx context.Context, t *terminal, a *app.App, workers []app.WorkerHours, asJSON bool) error {
	names := make([]httpapi.Personal, len(workers))
	for i := range workers {
		names[i] = workers[i].Name
	}
	release, err := released(ctx, a, "query-hours", names...)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(workers))
	for _, w := range workers {
		if asJSON {
			if err := printJSON(t.out, map[string]any{
				"work_id": w.WorkID, "name": personalOf(w.Name, release), "seconds": w.Seconds, "declared_seconds": w.Declared, "hours": hoursAndMinutes(w.Seconds), "days": w.Days, "exceptions": w.Exceptions,
			}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{w.WorkID.String(), shown(w.Name, release), hoursAndMinutes(w.Seconds), hoursAndMinutes(w.Declared), strconv.Itoa(w.Days), strconv.Itoa(w.Exceptions)})
	}
	if asJSON {
		return nil
	}
	return table(t.out, "WORK ID|NAME|HOURS|OF WHICH DECLARED|DAYS|EXCEPTIONS", rows)
}

func (c queryHours) byDay(ctx context.Context, t *terminal, a *app.App, w *app.World) error {
	work, err := onePerson(ctx, a, "query-hours", c.Person)
	var erased *httpapi.Erased
	if errors.As(err, &erased) { // an answer like any other: nobody can tell whose hours they are
		return c.sayErased(t, erased)
	}
	if err != nil {
		return err
	}
	view, err := w.HoursOfWork(ctx, work, c.From, c.To)
	if errors.As(err, &erased) {
		return sayExpired(t, work, erased, c.JSON)
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for _, day := range view.Days {
		var seconds, declared int64
		for _, d := range day.Declared {
			declared += d.Seconds
		}
		for _, i := range day.Intervals {
			seconds += int64(i.End.Sub(i.Start) / time.Second)
		}
		seconds += declared
		if c.JSON {
			if err := printJSON(t.out, map[string]any{
				"work_id": view.WorkID, "date": day.Date, "seconds": seconds, "hours": hoursAndMinutes(seconds),
				"intervals": each(day.Intervals, func(i httpapi.IntervalView) map[string]any {
					return map[string]any{"in_punch_id": i.In, "out_punch_id": i.Out, "start": i.Start, "end": i.End}
				}), "exceptions": each(day.Exceptions, func(e httpapi.ExceptionView) map[string]any {
					return map[string]any{"punch_id": e.Punch, "code": e.Code, "at": e.At}
				}), "declared_seconds": declared, "declared": each(day.Declared, func(d httpapi.DeclaredView) map[string]any {
					return map[string]any{"declaration_id": d.ID, "seconds": d.Seconds, "origin": d.Origin, "job": d.Job}
				}), "notices": append([]string{}, day.Notices...),
				"rule_version": view.RuleVersion,
			}); err != nil {
				return err
			}
			continue
		}
		note := ""
		for _, e := range day.Exceptions {
			note += " " + e.Code
		}
		for _, code := range day.Notices {
			note += " " + code
		}
		rows = append(rows, []string{day.Date, hoursAndMinutes(seconds), strconv.Itoa(len(day.Intervals)), hoursAndMinutes(declared), note})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "DATE|HOURS|INTERVALS|OF WHICH DECLARED|EXCEPTIONS", rows)
}

// sayErased answers about the hours of an erased person. The hours stay in the
// record; the link from the person to them is what was erased.
func (c queryHours) sayErased(t *terminal, erased *httpapi.Erased) error {
	link := httpapi.Personal{Personal: eventschema.Withheld(eventschema.StateErased, erased.Case), CertificateLeaf: erased.CertificateLeaf}
	if c.JSON {
		return printJSON(t.out, map[string]any{"work_id": personalOf(link, httpapi.Release{})})
	}
	_, err := fmt.Fprintf(t.out, "%s\nthe hours stay, under a work id that nothing leads to any more\n", shown(link, httpapi.Release{}))
	return err
}

// sayExpired answers about a work record that has come of age: erased, and where
// the certificate is.
func sayExpired(t *terminal, work uuid.UUID, erased *httpapi.Erased, asJSON bool) error {
	gone := httpapi.Personal{Personal: eventschema.Withheld(eventschema.StateErased, erased.Case), CertificateLeaf: erased.CertificateLeaf}
	if asJSON {
		said := map[string]any{"record": personalOf(gone, httpapi.Release{})}
		if work != uuid.Nil {
			said["work_id"] = work
		}
		return printJSON(t.out, said)
	}
	_, err := fmt.Fprintf(t.out, "%s\nthe retention of this record has ended\n", shown(gone, httpapi.Release{}))
	return err
}

// onePerson finds the work id of the one person a text means, which the command
// then shows.
func onePerson(ctx context.Context, a *app.App, operation, text string) (uuid.UUID, error) {
	found, err := a.FindPerson(ctx, operator(a), text)
	if err != nil {
		return uuid.Nil, err
	}
	switch len(found) {
	case 0:
		if id, err := uuid.Parse(text); err == nil {
			return id, nil // the work record of somebody erased has no person any more
		}
		return uuid.Nil, fmt.Errorf("nobody was found; see tracekeep query people")
	case 1:
		work, err := app.WorkIDOf(found[0])
		if err == nil {
			_, err = released(ctx, a, operation, found[0].WorkID)
		}
		return work, err
	}
	return uuid.Nil, fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
}

type queryPeople struct {
	dataFlags
	momentFlags
	ageFlags
	Find string `help:"Part of the name, or an id." placeholder:"TEXT"`
	JSON bool   `name:"json" help:"Print one JSON object for each person."`
}

// Run lists people.
func (c queryPeople) Run(ctx context.Context, t *terminal) error {
	if err := c.ageFlags.validate(); err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		people, err := w.FindPerson(ctx, operator(a), c.Find)
		if err != nil {
			return err
		}
		if c.Over > 0 {
			return c.print(ctx, t, a, people, c.JSON)
		}
		var values []httpapi.Personal
		for _, p := range people {
			if c.JSON {
				values = append(values, p.Values()...)
			} else {
				values = append(values, p.LegalName)
			}
		}
		release, err := released(ctx, a, "query-people", values...)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(people))
		for _, p := range people {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"person_id": p.PersonID, "work_id": personalOf(p.WorkID, release), "legal_name": personalOf(p.LegalName, release),
					"email": personalOf(p.Email, release), "phone": personalOf(p.Phone, release), "birth_date": personalOf(p.BirthDate, release), "registered_at": p.RegisteredAt, "closed_at": p.ClosedAt,
				}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{p.PersonID.String(), shown(p.LegalName, release), p.RegisteredAt.Format(time.DateOnly)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "PERSON ID|NAME|REGISTERED", rows)
	})
}

type queryErasures struct {
	dataFlags
	momentFlags
	JSON bool `name:"json" help:"Print one JSON object for each case."`
}

// Run lists erasure cases.
func (c queryErasures) Run(ctx context.Context, t *terminal) error {
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, _ *app.App, w *app.World) error {
		cases, err := w.ErasureRegister(ctx)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(cases))
		for _, e := range cases {
			if c.JSON {
				if err := printJSON(t.out, caseJSON(e, w.Now())); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{e.CaseID.String(), idOrDash(e.PersonID), string(e.Status), e.RequestedAt.Format(time.RFC3339)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CASE|PERSON ID|STATE|REQUESTED", rows)
	})
}

// idOrDash is an id, or a dash where there is none.
func idOrDash(id uuid.UUID) string {
	if id == uuid.Nil {
		return "-"
	}
	return id.String()
}
