package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
)

type importCommand struct {
	dataFlags
	Files    []string          `arg:"" name:"files" optional:"" help:"Files to import, one after another; a solidtime export or a OneRoster roster may be its folder or zip." type:"path" placeholder:"FILE"`
	File     string            `help:"A file to import, like FILE." type:"existingfile" placeholder:"FILE"`
	Format   string            `help:"What kind of file: auto looks at it and says what it found; --formats lists the names." default:"auto" placeholder:"NAME"`
	Formats  bool              `help:"List the formats and end."`
	Mapping  string            `help:"Mapping file (YAML) that says what the columns of a table are; see the help below." type:"existingfile" placeholder:"FILE"`
	WorkCode map[string]string `name:"work-code" help:"The job of a work code that people key in at a terminal, as 1=night_watch; may be repeated." placeholder:"NUMBER=JOB"`
	People   string            `help:"People file: CSV with a header; columns pin (id, email or name where the format knows people by these) and name, optionally email, phone, birth_date, employee_number." type:"existingfile" placeholder:"FILE"`
	Person   string            `help:"PIN of the person whose file it is, for formats that do not say (org, timewarrior)." placeholder:"PIN"`
	Zone     string            `help:"IANA time zone of the site, for example Asia/Manila."`
	Station  string            `help:"Name of the terminal, or of the program whose ids the file has; default: what stands before _attlog.dat in the file's name, or the format's name." placeholder:"NAME"`
	Encoding string            `help:"Encoding of the text: auto (UTF-8, or UTF-16 where it shows), utf-8, utf-16, windows-1252, iso-8859-1." default:"auto" enum:"auto,utf-8,utf-16,windows-1252,iso-8859-1"`
	Dates    string            `help:"Order of dates such as 04/05/2026 where programs write them as each user likes: auto (as the first date tells that can be only one), month-first, day-first." default:"auto" enum:"auto,month-first,day-first"`
	Overlap  string            `help:"What to do with a local time that came twice when clocks were set back: reject, first, second, or order (as the order of the file tells)." default:"reject" enum:"reject,first,second,order"`
	Removals int               `name:"allow-removals" help:"How much of the classes and of the enrolments that are in force may end because a bulk file of a roster leaves them out, in percent." default:"20" placeholder:"PERCENT"`
	DryRun   bool              `help:"Read everything, say what would happen, record nothing."`
	Rejects  string            `help:"Write every rejected or suspect row to this CSV file (line and reason, never the values)." placeholder:"FILE"`
	JSON     bool              `name:"json" aliases:"summary" help:"Print one JSON object per file."`
}

// Help implements kong's help provider.
func (importCommand) Help() string {
	return `Importing the same file again adds nothing. Good rows are kept whatever the others are; each rejected row is
reported with its line and the reason, and so is each row that is taken and needs a look (a clock set back, entries that
overlap). People are registered only when they occur in the file: from the people file, or from the row where it has a
name. Nothing is kept by which an erased person could be recognised: an old people file brings them in as somebody new, so
take them out of files you keep. Projects, tasks and notes are not kept, but for jobs that a mapping gives codes to.

A mapping file names the columns of a table of your own:
  name: our-clock
  person: {column: Badge, by: pin}          # or id, email, name, login
  full_name: [First name, Last name]        # optional: register who is not known
  start: {date: Day, time: From, layouts: ["DD.MM.YYYY HH:mm"]}
  end: {date: Day, time: To, layouts: ["DD.MM.YYYY HH:mm"], next_day: true}
or, one punch a row:
  time: {at: When, layouts: ["YYYY-MM-DD HH:mm:ss"]}
  direction: {column: Type, in: [IN], out: [OUT]}   # without it in and out are derived
or hours of a day, where there are no times of day and none is made up:
  day: {column: Day, layouts: ["DD.MM.YYYY"]}
  hours: {column: Hours}                    # 7:30, 7.5 or 7,5; as: hhmm or seconds
  apart: [Project, Task]                    # what tells two entries of a day apart; not kept
each may name a job, each value with its code; a row with another value is flagged and kept for no job:
  job: {column: Project, codes: {"Night watch": night_watch, "Front desk": front_desk}}
A built-in table gets one with a mapping that says nothing else (rows that were imported without stay without):
  based_on: clockify                        # or harvest, whose hours have no times; a mapping is for one table
  job: {column: Project, codes: {"Night watch": night_watch}}
or, one enrolment in a class a row:
  person: {column: Student ID, by: id}
  full_name: [First name, Last name]
  enrolment:
    {class: Section, title: Course title, course: Course code, site: School, role: Role, roles: {student: [S], teacher: [T]},
     begins: From, ends: To, layouts: [DD.MM.YYYY], birth_date: Born, number: Student ID}   # ends: the first day without it

or, one person a row, registered where the key is not known at --station, with fields of your own (tracekeep fields); an empty cell
leaves its field as it is, and what is known of a person beside those fields is not changed:
  person: {column: Badge, by: pin}
  full_name: [First name, Last name]        # without it only the fields of known people are set
  email: E-mail
  people: {phone: Phone, birth_date: Born, number: Number, layouts: [DD.MM.YYYY], fields: {shirt_size: Shirt, allergies: Allergies}}

A OneRoster roster (1.1 or 1.2, folder or zip) brings classes, the people enrolled in them and their enrolments. What it says
tobedeleted or inactive ends on the day it was said, and what the manifest calls bulk is all there is: classes and enrolments
that came from the same --station and are left out end today. Nobody is erased by that, and nothing that was said by hand
ends. A roster that leaves out more than --allow-removals percent of either is refused whole, with the figures; --dry-run
lists everything that would end. Names, addresses, numbers and birth dates of those who are registered are corrected where
the roster says others, unless they were corrected here after the row's dateLastModified. --zone is that of the schools.

Examples:
  tracekeep import --data ./records --file 1_attlog.dat --people people.csv --zone Asia/Manila
  tracekeep import --data ./records --zone Europe/Vienna --dry-run toggl-march.csv clockify-march.csv
  tracekeep import --data ./records --zone America/Sao_Paulo --station rep-17 AFD00017.txt --rejects bad.csv --json
  tracekeep import --data ./records --zone Europe/Berlin --mapping our-clock.yaml march.xlsx
  tracekeep import --data ./records --zone Europe/Berlin --mapping clockify-jobs.yaml clockify-march.csv
  tracekeep import --data ./records --zone Asia/Manila --work-code 1=night_watch --work-code 2=gate 1_attlog.dat
  tracekeep import --data ./records --zone America/New_York --station sis --dry-run oneroster-2026-08.zip
  tracekeep import --data ./records --station 1 --mapping staff.yaml --dry-run staff.xlsx
  tracekeep import --data ./records --zone America/New_York --station sis --allow-removals 100 oneroster-new-year.zip

Exit code 3: the import is done, and some rows were rejected.`
}

// errNoZone asks for the zone of whatever has times.
var errNoZone = &coded{code: exitUsage, err: errors.New("--zone is needed: the IANA time zone of the site, for example Asia/Manila")}

// Run imports the files.
func (c importCommand) Run(ctx context.Context, t *terminal) error {
	if c.Formats {
		return printFormats(t.out, c.JSON)
	}
	if c.File != "" {
		c.Files = append([]string{c.File}, c.Files...)
	}
	switch {
	case len(c.Files) == 0:
		return &coded{code: exitUsage, err: errors.New("name a file to import")}
	case c.Removals < 0 || c.Removals > 100:
		return &coded{code: exitUsage, err: errors.New("--allow-removals is a share in percent, 0 to 100")}
	case c.Zone == "" && c.Mapping == "":
		return errNoZone
	}
	for _, file := range c.Files {
		if _, err := os.Stat(file); err != nil {
			return &coded{code: exitUsage, err: err}
		}
	}
	return c.withApp(ctx, t, true, func(ctx context.Context, a *app.App) error {
		var rejected, kept int64
		for i := range c.Files {
			bad, good, err := c.importAndShow(ctx, t, a, i)
			if err != nil {
				return err
			}
			rejected, kept = rejected+bad, kept+good
		}
		if rejected > 0 {
			return &coded{code: exitRejected, err: fmt.Errorf("%d rows were rejected; %d were kept", rejected, kept)}
		}
		return nil
	})
}

// importAndShow imports one of the files and says how many of its rows were rejected,
// and how many were kept.
func (c importCommand) importAndShow(ctx context.Context, t *terminal, a *app.App, i int) (rejected, kept int64, err error) {
	c.File = c.Files[i]
	if c.DryRun && !c.JSON {
		_, _ = fmt.Fprintln(t.out, "dry run: nothing is recorded; \"now\" is what an import would do")
	}
	defer func() {
		if err != nil && len(c.Files) > 1 {
			err = fmt.Errorf("%s: %w", c.File, err)
		}
	}()
	var mapping *importer.Mapping
	if c.Mapping != "" {
		if mapping, err = readMapping(c.Mapping); err != nil {
			return 0, 0, err
		}
	}
	if mapping != nil && mapping.People != nil {
		return c.peopleAndShow(ctx, t, a, mapping)
	}
	if c.Zone == "" {
		return 0, 0, errNoZone
	}
	roster, err := c.openRoster(mapping)
	if err != nil {
		return 0, 0, err
	}
	if roster != nil {
		return c.rosterAndShow(ctx, t, a, roster, mapping)
	}
	return c.punchesAndShow(ctx, t, a, mapping)
}

func (c importCommand) punchesAndShow(ctx context.Context, t *terminal, a *app.App, mapping *importer.Mapping) (rejected, kept int64, err error) {
	started := t.clock()
	summary, err := c.importFile(ctx, t, a, mapping)
	if err != nil {
		return 0, 0, err
	}
	rejected, kept = summary.Rejected+summary.PeopleRejected, summary.Accepted
	if err := a.CatchUp(ctx, nil); err != nil {
		return rejected, kept, err
	}
	took := t.clock().Sub(started)
	if !c.JSON {
		return rejected, kept, printSummary(t.out, summary, took)
	}
	return rejected, kept, printJSON(t.out, importReport{File: c.named(), Summary: summary, Seconds: took.Seconds(), DryRun: c.DryRun})
}

func (c importCommand) rosterAndShow(ctx context.Context, t *terminal, a *app.App, roster *rosterInput, mapping *importer.Mapping) (rejected, kept int64, err error) {
	started := t.clock()
	summary, err := c.importRoster(ctx, t, a, roster, mapping)
	if errors.Is(err, importer.ErrRemovals) {
		return 0, 0, c.explainRemovals(t, summary, err)
	}
	if err != nil {
		return 0, 0, err
	}
	rejected, kept = summary.Rejected, summary.Rows-summary.Rejected
	if err := a.CatchUp(ctx, nil); err != nil {
		return rejected, kept, err
	}
	took := t.clock().Sub(started)
	if !c.JSON {
		return rejected, kept, errors.Join(printRosterSummary(t.out, summary, took), c.printEnds(t.out, summary))
	}
	return rejected, kept, printJSON(t.out, rosterReport{File: c.named(), RosterSummary: summary, Seconds: took.Seconds(), DryRun: c.DryRun})
}

// named is the name of the file in a report, where there are several.
func (c importCommand) named() string {
	if len(c.Files) > 1 {
		return c.File
	}
	return ""
}

type importReport struct {
	File   string `json:"file,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	importer.Summary
	Seconds float64 `json:"seconds"`
}

func printFormats(w io.Writer, asJSON bool) error {
	var rows [][]string
	for _, f := range importer.Formats() {
		if asJSON {
			if err := printJSON(w, map[string]string{"name": f.Name, "title": f.Title}); err != nil {
				return err
			}
		}
		rows = append(rows, []string{f.Name, f.Title})
	}
	if asJSON {
		return nil
	}
	return table(w, "format|what it is", rows)
}

// importFile imports c.File.
func (c importCommand) importFile(ctx context.Context, t *terminal, a *app.App, mapping *importer.Mapping) (_ importer.Summary, err error) {
	options, err := c.options(mapping)
	if err != nil {
		return importer.Summary{}, err
	}
	var opened []io.Closer
	defer func() {
		for _, file := range opened {
			err = errors.Join(err, file.Close())
		}
	}()
	input, err := openInput(c.File)
	if err != nil {
		return importer.Summary{}, err
	}
	opened = append(opened, input)
	options.Clock, options.Size = input.clock, input.size
	if input.people != nil {
		options.People = input.people
	}
	if c.People != "" {
		people, err := os.Open(c.People)
		if err != nil {
			return importer.Summary{}, err
		}
		opened = append(opened, people)
		options.People = people
	}
	if c.Rejects != "" {
		if len(c.Files) > 1 {
			options.Name, options.Continues = filepath.Base(c.File), c.File != c.Files[0]
		}
		rejects, err := c.openRejects()
		if err != nil {
			return importer.Summary{}, err
		}
		opened = append(opened, rejects)
		options.Rejects = rejects
	}
	progress := newBar(t, "importing", options.Size, true)
	defer progress.finish()
	options.Progress = func(p importer.Progress) { progress.set(p.BytesDone) }
	if c.DryRun {
		return a.TryImport(ctx, options)
	}
	return a.Import(ctx, options)
}

// options are those of c.File. A file named as the terminal names it is believed.
func (c importCommand) options(mapping *importer.Mapping) (importer.Options, error) {
	zone, err := importer.ParseZone(c.Zone)
	if err != nil {
		return importer.Options{}, err
	}
	options := importer.Options{
		Zone: zone, Station: c.Station, Overlap: importer.Overlap(c.Overlap), Format: c.Format,
		Person: c.Person, Encoding: importer.Encoding(c.Encoding), Dates: importer.DateOrder(strings.TrimPrefix(c.Dates, "auto")), Mapping: mapping, WorkCodes: c.WorkCode,
	}
	if station, err := importer.StationFromName(c.File); err == nil && c.Mapping == "" {
		if options.Station == "" {
			options.Station = station
		}
		if options.Format == importer.Auto {
			options.Format = ""
		}
	}
	return options, nil
}

func printSummary(w io.Writer, s importer.Summary, took time.Duration) error {
	rows := [][]string{
		{"format", s.Format},
		{"lines", strconv.FormatInt(s.Lines, 10)},
		{"accepted", strconv.FormatInt(s.Accepted, 10)},
		{"rejected", strconv.FormatInt(s.Rejected, 10)},
		{"exact duplicates", strconv.FormatInt(s.ExactDuplicates, 10)},
		{"recorded now", strconv.FormatInt(s.Recorded, 10)},
		{"recorded before", strconv.FormatInt(s.AlreadyRecorded, 10)},
		{"people registered now", strconv.FormatInt(s.PeopleRegistered, 10)},
		{"people without punches", strconv.FormatInt(s.PeopleWithoutPunches, 10)},
	}
	if s.Declared > 0 {
		rows = append(rows, []string{"hours without times", fmt.Sprintf("%d rows, %s", s.Declared, hoursAndMinutes(s.DeclaredSeconds))})
	}
	if s.DirectionsDerived > 0 {
		rows = append(rows, []string{"directions derived", strconv.FormatInt(s.DirectionsDerived, 10)})
	}
	if s.PeopleRejected > 0 {
		rows = append(rows, []string{"people rows rejected", strconv.FormatInt(s.PeopleRejected, 10)})
	}
	if !s.First.IsZero() {
		rows = append(rows, []string{"first punch", s.First.Format(time.DateTime)}, []string{"last punch", s.Last.Format(time.DateTime)})
	}
	rows = append(rows, []string{"took", took.Round(time.Millisecond).String()})
	if took > 0 {
		rows = append(rows, []string{"rate", fmt.Sprintf("%.0f rows/s, durable and projected", float64(s.Accepted)/took.Seconds())})
	}
	if err := table(w, "station "+s.Station+"|"+s.Zone, rows); err != nil {
		return err
	}
	if len(s.ColumnsIgnored) > 0 {
		_, _ = fmt.Fprintf(w, "columns not read: %s\n", strings.Join(s.ColumnsIgnored, ", "))
	}
	printReasons(w, "rejected", "", s.RejectsByReason, s.Rejects)
	printReasons(w, "suspect", "", s.SuspectsByReason, s.Suspects)
	printReasons(w, "", "people file, ", nil, s.PeopleRejects)
	return nil
}

func printReasons(w io.Writer, what, file string, byReason map[importer.Reason]int64, rows []importer.Rejected) {
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		_, _ = fmt.Fprintf(w, "%s, %s: %d\n", what, reason, byReason[reason])
	}
	const shown = 10
	for i, r := range rows {
		if i == shown {
			_, _ = fmt.Fprintf(w, "… and %d more; --rejects FILE lists them all\n", len(rows)-shown)
			break
		}
		if r.Sheet != "" {
			file = "sheet " + r.Sheet + ", "
		} else if r.File != "" {
			file = r.File + ", "
		}
		_, _ = fmt.Fprintf(w, "%sline %d: %s\n", file, r.Line, r.Message)
	}
}
