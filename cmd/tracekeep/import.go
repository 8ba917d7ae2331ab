package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"time"

	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
)

type importCommand struct {
	dataFlags
	File    string `help:"Clock file: ZKTeco ATTLOG, as the terminal writes it to a USB stick." required:"" type:"existingfile" placeholder:"FILE"`
	People  string `help:"People file: CSV with a header; columns pin and name, optionally email, phone, birth_date, employee_number." type:"existingfile" placeholder:"FILE"`
	Zone    string `help:"IANA time zone of the terminal, for example Asia/Manila." required:""`
	Station string `help:"Name of the terminal; default: what stands before _attlog.dat in the file's name." placeholder:"NAME"`
	Overlap string `help:"What to do with a local time that came twice when clocks were set back: reject, first, second, or order (as the order of the file tells)." default:"reject" enum:"reject,first,second,order"`
	Rejects string `help:"Write every rejected row to this CSV file (line and reason, never the values)." placeholder:"FILE"`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (importCommand) Help() string {
	return `Importing the same file again adds nothing. Good rows are kept whatever the others are; each rejected row is
reported with its line and the reason. People are registered only when their PIN occurs in the clock file. Nothing is kept
by which an erased person could be recognised: an old people file brings them in as somebody new, so take them out of files
you keep.

Examples:
  tracekeep import --data ./records --file 1_attlog.dat --people people.csv --zone Asia/Manila
  tracekeep import --data ./records --file march.dat --station gate --zone Europe/Berlin --rejects bad.csv --json

Exit code 3: the import is done, and some rows were rejected.`
}

// Run imports the file.
func (c importCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, true, func(ctx context.Context, a *app.App) error {
		started := t.clock()
		summary, err := c.importFile(ctx, t, a)
		if err != nil {
			return err
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		took := t.clock().Sub(started)
		if c.JSON {
			err = printJSON(t.out, importReport{Summary: summary, Seconds: took.Seconds()})
		} else {
			err = printSummary(t.out, summary, took)
		}
		if err == nil && summary.Rejected+summary.PeopleRejected > 0 {
			err = &coded{code: exitRejected, err: fmt.Errorf("%d rows were rejected; %d were kept", summary.Rejected+summary.PeopleRejected, summary.Accepted)}
		}
		return err
	})
}

type importReport struct {
	importer.Summary
	Seconds float64 `json:"seconds"`
}

func (c importCommand) importFile(ctx context.Context, t *terminal, a *app.App) (_ importer.Summary, err error) {
	zone, err := importer.ParseZone(c.Zone)
	if err != nil {
		return importer.Summary{}, err
	}
	options := importer.Options{Zone: zone, Station: c.Station, Overlap: importer.Overlap(c.Overlap)}
	if options.Station == "" {
		if options.Station, err = importer.StationFromName(c.File); err != nil {
			return importer.Summary{}, fmt.Errorf("%w; give --station", err)
		}
	}
	var opened []io.Closer
	defer func() {
		for _, file := range opened {
			err = errors.Join(err, file.Close())
		}
	}()
	clock, err := os.Open(c.File)
	if err != nil {
		return importer.Summary{}, err
	}
	opened = append(opened, clock)
	if info, err := clock.Stat(); err == nil {
		options.Size = info.Size()
	}
	options.Clock = clock
	if c.People != "" {
		people, err := os.Open(c.People)
		if err != nil {
			return importer.Summary{}, err
		}
		opened = append(opened, people)
		options.People = people
	}
	if c.Rejects != "" {
		rejects, err := os.OpenFile(c.Rejects, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return importer.Summary{}, err
		}
		opened = append(opened, rejects)
		options.Rejects = rejects
	}
	progress := newBar(t, "importing", options.Size, true)
	defer progress.finish()
	options.Progress = func(p importer.Progress) { progress.set(p.BytesDone) }
	return a.Import(ctx, options)
}

func printSummary(w io.Writer, s importer.Summary, took time.Duration) error {
	rows := [][]string{
		{"lines", strconv.FormatInt(s.Lines, 10)},
		{"accepted", strconv.FormatInt(s.Accepted, 10)},
		{"rejected", strconv.FormatInt(s.Rejected, 10)},
		{"exact duplicates", strconv.FormatInt(s.ExactDuplicates, 10)},
		{"recorded now", strconv.FormatInt(s.Recorded, 10)},
		{"recorded before", strconv.FormatInt(s.AlreadyRecorded, 10)},
		{"people registered now", strconv.FormatInt(s.PeopleRegistered, 10)},
		{"people without punches", strconv.FormatInt(s.PeopleWithoutPunches, 10)},
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
	reasons := make([]string, 0, len(s.RejectsByReason))
	for reason := range s.RejectsByReason {
		reasons = append(reasons, string(reason))
	}
	sort.Strings(reasons)
	for _, reason := range reasons {
		_, _ = fmt.Fprintf(w, "rejected, %s: %d\n", reason, s.RejectsByReason[importer.Reason(reason)])
	}
	const shown = 10
	for i, r := range s.Rejects {
		if i == shown {
			_, _ = fmt.Fprintf(w, "… and %d more; --rejects FILE lists them all\n", len(s.Rejects)-shown)
			break
		}
		_, _ = fmt.Fprintf(w, "line %d: %s\n", r.Line, r.Message)
	}
	for i, r := range s.PeopleRejects {
		if i == shown {
			break
		}
		_, _ = fmt.Fprintf(w, "people file, line %d: %s\n", r.Line, r.Message)
	}
	return nil
}
