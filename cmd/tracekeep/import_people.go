package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
)

type peopleReport struct {
	File   string `json:"file,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	importer.PeopleSummary
	Seconds float64 `json:"seconds"`
}

func (c importCommand) peopleAndShow(ctx context.Context, t *terminal, a *app.App, mapping *importer.Mapping) (rejected, kept int64, err error) {
	started := t.clock()
	summary, err := c.importPeople(ctx, t, a, mapping)
	if err != nil {
		return 0, 0, err
	}
	rejected, kept = summary.Rejected, summary.Rows-summary.Rejected
	if err := a.CatchUp(ctx, nil); err != nil {
		return rejected, kept, err
	}
	took := t.clock().Sub(started)
	if !c.JSON {
		return rejected, kept, printPeopleSummary(t.out, summary, took)
	}
	return rejected, kept, printJSON(t.out, peopleReport{File: c.named(), PeopleSummary: summary, Seconds: took.Seconds(), DryRun: c.DryRun})
}

// importPeople imports c.File as a table of people.
func (c importCommand) importPeople(ctx context.Context, t *terminal, a *app.App, mapping *importer.Mapping) (_ importer.PeopleSummary, err error) {
	table, err := os.Open(c.File)
	if err != nil {
		return importer.PeopleSummary{}, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	options := importer.PeopleOptions{
		Table: table, Mapping: mapping, Station: c.Station, Encoding: importer.Encoding(c.Encoding), Name: filepath.Base(c.File), Continues: c.File != c.Files[0],
	}
	if c.Rejects != "" {
		rejects, opening := c.openRejects()
		if opening != nil {
			return importer.PeopleSummary{}, opening
		}
		defer func() { err = errors.Join(err, rejects.Close()) }()
		options.Rejects = rejects
	}
	progress := newBar(t, "importing people", 0, false)
	defer progress.finish()
	options.Progress = progress.set
	return a.ImportPeople(ctx, options, c.DryRun)
}

func printPeopleSummary(w io.Writer, s importer.PeopleSummary, took time.Duration) error {
	rows := [][]string{{"format", s.Format}, {"rows", strconv.FormatInt(s.Rows, 10)}, {"rejected", strconv.FormatInt(s.Rejected, 10)}}
	for _, told := range []importer.Told{importer.ToldNew, importer.ToldChanged, importer.ToldUnchanged} {
		rows = append(rows, []string{"people " + string(told), strconv.FormatInt(s.People[told], 10)})
	}
	rows = append(rows, []string{"took", took.Round(time.Millisecond).String()})
	if err := table(w, "source|"+s.Station, rows); err != nil {
		return err
	}
	if len(s.ColumnsIgnored) > 0 {
		_, _ = fmt.Fprintf(w, "columns not read: %s\n", strings.Join(s.ColumnsIgnored, ", "))
	}
	printReasons(w, "rejected", "", s.RejectsByReason, s.Rejects)
	return nil
}
