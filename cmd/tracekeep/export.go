package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

type exportCommand struct {
	Hours   exportHours   `cmd:"" help:"Intervals of work: who, from when to when, at which station, resting on which punches; and hours that were declared without times."`
	Punches exportPunches `cmd:"" help:"Punches: what counts of each, beside what was recorded."`
	People  exportPeople  `cmd:"" help:"People who were registered."`
	Payroll exportPayroll `cmd:"" help:"What is owed for a pay period, as the file of a payroll program."`

	Calendar exportCalendar `cmd:"" help:"Work or shifts as an iCalendar feed, of one person or one place."`
}

// Help implements kong's help provider.
func (exportCommand) Help() string {
	return `Writes what others read on: tables as CSV, XLSX, Parquet or JSON. The same records give the same bytes, so that an export can be
run again and compared (with --known-at also after later corrections). The file appears when it is whole.

Every export is a disclosure: to --recipient, for --purpose, on --reason. It is recorded of each person whose values are given,
and so is that they were read, before the file is begun; where that cannot be recorded, there is no file. Whoever was erased is
in the file with the case and the leaf of its certificate in place of the name; a restricted name is withheld as well.

Columns: instants in UTC (_utc), by the clock of the site with its offset (_local) and which clock that is (_zone); beside each
personal value its state (_state). In CSV a text that a spreadsheet would take for a formula gets an apostrophe in front, and so
does one that looks as if it had one: take one away again. XLSX and Parquet hold texts as texts and need none.

Examples:
  tracekeep export hours --data ./records --from 2026-03-01 --to 2026-03-31 --format xlsx --to-file march.xlsx \
      --officer 6d1e… --recipient payroll_bureau --purpose payroll --reason processor
  tracekeep export punches --data ./records --from 2026-03-01 --to 2026-03-31 --site gate-1 --format parquet --to-file gate-1.parquet \
      --officer 6d1e… --recipient auditor --purpose audit --reason required_or_permitted_by_law --approved-by 77f0…
  tracekeep export people --data ./records --person ana --format json --to-file ana.json --fields legal_name,email \
      --officer 6d1e… --recipient new_employer --purpose portability --reason directed_by_subject`
}

// exportFlags say where to and why.
type exportFlags struct {
	dataFlags
	momentFlags
	ToFile     string    `name:"to-file" help:"File to write, or - for the standard output; what was written is then told on the error output." required:"" placeholder:"FILE" type:"path"`
	Replace    bool      `help:"Replace a file that is there."`
	Officer    uuid.UUID `help:"Id of who gives the values away." required:""`
	Recipient  string    `help:"Code of the recipient: lower-case letters, digits and underscores, never a person's name." required:""`
	Purpose    string    `help:"What the recipient does with them: the legitimate interest, as a code." aliases:"interest" required:""`
	Reason     string    `help:"The ground of the disclosure: processor, directed_by_subject, court_order, law_enforcement, legal_rights, property_or_safety, defence_of_claims, security_investigation or required_or_permitted_by_law." aliases:"ground" enum:"processor,directed_by_subject,court_order,law_enforcement,legal_rights,property_or_safety,defence_of_claims,security_investigation,required_or_permitted_by_law" required:""`
	Instrument string    `help:"File number of a court's order or an authority's demand." placeholder:"NUMBER"`
	Reference  string    `help:"Under which the recipient knows the disclosure." placeholder:"NUMBER"`
	ApprovedBy uuid.UUID `name:"approved-by" help:"Id of the second person of a disclosure for legal reasons." placeholder:"ID"`
	JSON       bool      `name:"json" help:"Print one JSON object."`
}

// order makes the order of an export of some days.
func (f exportFlags) order(t *terminal, what, from, to string) (app.ExportOrder, error) {
	for _, day := range []string{from, to} {
		if _, err := parseDay("a day", day); err != nil {
			return app.ExportOrder{}, &coded{code: exitUsage, err: err}
		}
	}
	if to < from {
		return app.ExportOrder{}, &coded{code: exitUsage, err: errors.New("--to lies before --from")}
	}
	if _, err := os.Lstat(f.ToFile); err == nil && !f.Replace { // before anything is recorded
		return app.ExportOrder{}, fmt.Errorf("%s: %w", f.ToFile, exporter.ErrExists)
	}
	return app.ExportOrder{
		What: what, From: from, To: to, File: f.ToFile, Replace: f.Replace,
		Why: disclosure.Record{
			Recipient: f.Recipient, Ground: eventschema.DisclosureGround(f.Reason), Interest: f.Purpose, Instrument: f.Instrument, Reference: f.Reference,
			DisclosedAt: t.clock().UTC(), DisclosedBy: f.Officer, ApprovedBy: f.ApprovedBy,
		},
	}, nil
}

// run opens the world, finds the person, exports and tells what was written.
func (f exportFlags) run(ctx context.Context, t *terminal, order app.ExportOrder, person string,
	export func(context.Context, *app.App, *app.World, app.ExportOrder) (app.Exported, error),
) error {
	if f.ToFile == toStandardOutput {
		order.Stream, order.Begin = t.out, func(app.Exported) {}
	}
	return f.inWorld(ctx, t, f.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		if person != "" {
			work, err := onePerson(ctx, a, "export-"+order.What, person)
			var erased *httpapi.Erased
			if errors.As(err, &erased) {
				return fmt.Errorf("nothing leads to the hours any more: erased under case %s", erased.Case)
			}
			if err != nil {
				return err
			}
			order.Works = []uuid.UUID{work}
		}
		var progress *bar
		order.Progress = func(done, total int) {
			if progress == nil {
				progress = newBar(t, "recording disclosures", int64(total), false)
			}
			progress.set(int64(done))
		}
		exported, err := export(ctx, a, w, order)
		if progress != nil {
			progress.finish()
		}
		if err != nil {
			return err
		}
		return f.tell(t, exported)
	})
}

// toStandardOutput is written in place of the name of a file.
const toStandardOutput = "-"

func (f exportFlags) tell(t *terminal, e app.Exported) error {
	out := t.out
	if f.ToFile == toStandardOutput {
		out = t.err
	}
	if f.JSON {
		return printJSON(out, e)
	}
	_, err := fmt.Fprintf(out, "exported: %d rows to %s, %d bytes\nsha256:   %s\nrecorded: %d disclosures to %s\n", e.Rows, e.File, e.Bytes, e.SHA256, e.Disclosed, f.Recipient)
	if e.Withheld > 0 {
		_, err = fmt.Fprintf(out, "withheld: %d people are erased or restricted; the file says so in place of the name\n", e.Withheld)
	}
	return err
}

// tableFlags say how a table is written.
type tableFlags struct {
	Format string `help:"csv, xlsx, parquet or json." enum:"csv,xlsx,parquet,json" default:"csv"`
	BOM    bool   `name:"bom" help:"Begin a CSV file with a byte order mark, by which Excel knows UTF-8."`
}

func (f tableFlags) table() app.TableFormat {
	return app.TableFormat{Format: exporter.Format(f.Format), BOM: f.BOM}
}

// daysFlags say which days, whose and where.
type daysFlags struct {
	From   string `help:"First day, 2006-01-02, by the clock of the site." required:"" placeholder:"DAY"`
	To     string `help:"Last day." required:"" placeholder:"DAY"`
	Person string `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
	Site   string `help:"One station: what began there." placeholder:"STATION"`
}

type exportHours struct {
	exportFlags
	daysFlags
	tableFlags
}

// Run exports intervals of work.
func (c exportHours) Run(ctx context.Context, t *terminal) error {
	order, err := c.order(t, "hours", c.From, c.To)
	if err != nil {
		return err
	}
	order.Station = c.Site
	return c.run(ctx, t, order, c.Person, func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (app.Exported, error) {
		return w.ExportHours(ctx, operator(a), order, c.table())
	})
}

type exportPunches struct {
	exportFlags
	daysFlags
	tableFlags
}

// Run exports punches.
func (c exportPunches) Run(ctx context.Context, t *terminal) error {
	order, err := c.order(t, "punches", c.From, c.To)
	if err != nil {
		return err
	}
	order.Station = c.Site
	return c.run(ctx, t, order, c.Person, func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (app.Exported, error) {
		return w.ExportPunches(ctx, operator(a), order, c.table())
	})
}

type exportPeople struct {
	exportFlags
	From   string   `help:"Leave out who was closed before this day (UTC)." default:"0001-01-01" placeholder:"DAY"`
	To     string   `help:"Leave out who was registered after this day (UTC)." default:"9999-12-31" placeholder:"DAY"`
	Person string   `help:"One person: an id, or a part of the name." placeholder:"WHO"`
	Fields []string `help:"Which values: work_id, legal_name, birth_date, email, phone, and the codes of your own fields (tracekeep fields list). Give no more than the recipient needs." default:"legal_name"`
	specialFlags
	tableFlags
}

// Run exports people.
func (c exportPeople) Run(ctx context.Context, t *terminal) error {
	order, err := c.order(t, "people", c.From, c.To)
	if err != nil {
		return err
	}
	for i, code := range c.Fields {
		if !domain.IsCode(code) || slices.Contains(c.Fields[:i], code) {
			return &coded{code: exitUsage, err: fmt.Errorf("--fields are of %s and the codes of your own fields, each once", strings.Join(app.PeopleFields(), ", "))}
		}
	}
	order.Special = field.Ground(c.Special)
	return c.run(ctx, t, order, "", func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (app.Exported, error) {
		person := uuid.Nil
		if c.Person != "" {
			found, err := a.FindPerson(ctx, operator(a), c.Person)
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
			}
			if err != nil {
				return app.Exported{}, err
			}
			person = found[0].PersonID
		}
		return w.ExportPeople(ctx, operator(a), order, person, c.Fields, c.table())
	})
}
