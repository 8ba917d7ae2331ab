package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
)

// rosterInput is a roster that was opened: a folder, a zip, or a table.
type rosterInput struct {
	open  func(name string) (io.ReadCloser, error)
	close func() error
}

// openRoster opens c.File where it is a roster: by what --format says, by a mapping of
// enrolments, or by a manifest in the folder or zip. Of anything else it answers nil.
func (c importCommand) openRoster(mapping *importer.Mapping) (*rosterInput, error) {
	if mapping != nil {
		if mapping.Enrolment == nil {
			return nil, nil
		}
		return &rosterInput{open: func(string) (io.ReadCloser, error) { return os.Open(c.File) }, close: func() error { return nil }}, nil
	}
	if c.Format != importer.OneRoster && c.Format != importer.Auto {
		return nil, nil
	}
	in, err := openFolderOrZip(c.File)
	if err != nil || in == nil {
		if err == nil && c.Format == importer.OneRoster {
			err = fmt.Errorf("%w: give the folder or the zip of the roster, not one of its files", importer.ErrRoster)
		}
		return nil, err
	}
	manifest, err := in.open(importer.RosterManifest)
	switch {
	case err == nil:
		return in, manifest.Close()
	case errors.Is(err, fs.ErrNotExist) && c.Format == importer.Auto:
		return nil, in.close()
	case errors.Is(err, fs.ErrNotExist):
		return in, nil // the importer says what is missing
	}
	return nil, errors.Join(err, in.close())
}

// openFolderOrZip answers nil for anything else.
func openFolderOrZip(path string) (*rosterInput, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &rosterInput{
			open:  func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(path, name)) },
			close: func() error { return nil },
		}, nil
	}
	if !strings.EqualFold(filepath.Ext(path), ".zip") {
		return nil, nil
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &rosterInput{open: func(name string) (io.ReadCloser, error) { return openZipped(&archive.Reader, name) }, close: archive.Close}, nil
}

// openZipped opens the one file of a zip that has a name, in whatever folder of it.
func openZipped(archive *zip.Reader, name string) (io.ReadCloser, error) {
	var found *zip.File
	for _, f := range archive.File {
		switch {
		case filepath.Base(f.Name) != name:
		case found != nil:
			return nil, fmt.Errorf("%w: the zip has more than one %s", importer.ErrRoster, name)
		default:
			found = f
		}
	}
	if found == nil {
		return nil, fs.ErrNotExist
	}
	file, err := found.Open()
	if err != nil {
		return nil, err
	}
	return &capped{from: file, left: exportLimit, also: io.NopCloser(nil)}, nil
}

// importRoster imports c.File as a roster.
func (c importCommand) importRoster(ctx context.Context, t *terminal, a *app.App, in *rosterInput, mapping *importer.Mapping) (_ importer.RosterSummary, err error) {
	defer func() { err = errors.Join(err, in.close()) }()
	zone, err := importer.ParseZone(c.Zone)
	if err != nil {
		return importer.RosterSummary{}, err
	}
	options := importer.RosterOptions{Open: in.open, Mapping: mapping, Station: c.Station, Zone: zone, Encoding: importer.Encoding(c.Encoding), MostRemovals: c.Removals}
	if c.Rejects != "" {
		rejects, opening := c.openRejects()
		if opening != nil {
			return importer.RosterSummary{}, opening
		}
		defer func() { err = errors.Join(err, rejects.Close()) }()
		options.Rejects = rejects
		options.Continues = c.File != c.Files[0]
	}
	progress := newBar(t, "importing", 0, false)
	defer progress.finish()
	options.Progress = func(p importer.RosterProgress) { progress.set(p.Rows) }
	return a.ImportRoster(ctx, options, c.DryRun)
}

// explainRemovals says what to do about a roster that leaves out too much, and what would
// end: in full where it was only tried.
func (c importCommand) explainRemovals(t *terminal, s importer.RosterSummary, refused error) error {
	most := int64(0)
	for _, l := range s.LeftOut {
		most = max(most, l.Percent())
	}
	refused = fmt.Errorf("%w\nnothing was recorded; where the roster is right, import it with --allow-removals %d", refused, most)
	if c.JSON {
		return errors.Join(refused, printJSON(t.out, rosterReport{File: c.named(), RosterSummary: s, DryRun: c.DryRun, Refused: true}))
	}
	return errors.Join(refused, c.printEnds(t.out, s))
}

// printEnds lists what ends, where it was only tried: it can be looked at still.
func (c importCommand) printEnds(w io.Writer, s importer.RosterSummary) error {
	if !c.DryRun || len(s.Ends) == 0 {
		return nil
	}
	words := map[string]string{"left_out": "left out", "removed": "the program removed it"}
	rows := make([][]string, 0, len(s.Ends))
	for _, e := range s.Ends {
		who := "-"
		if e.Work != uuid.Nil {
			who = e.Work.String()
		}
		rows = append(rows, []string{printable(e.Class), who, dash(string(e.Role)), e.On, words[e.By]})
	}
	return table(w, "ENDS: CLASS|WORK ID|ROLE|OVER ON|WHY", rows)
}

// openRejects opens the file of rejected rows: anew for the first file.
func (c importCommand) openRejects() (*os.File, error) {
	how := os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	if len(c.Files) > 1 && c.File != c.Files[0] {
		how = os.O_APPEND | os.O_WRONLY
	}
	return os.OpenFile(c.Rejects, how, 0o600)
}

type rosterReport struct {
	File   string `json:"file,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	// Refused: the files leave out more than may end, and nothing is recorded.
	Refused bool `json:"refused,omitempty"`
	importer.RosterSummary
	Seconds float64 `json:"seconds"`
}

func printRosterSummary(w io.Writer, s importer.RosterSummary, took time.Duration) error {
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	rows := [][]string{{"format", strings.TrimSpace(s.Format + " " + s.Version)}}
	for _, f := range s.Files {
		said := count(f.Rows) + " rows"
		if f.Mode != "" {
			said += ", " + f.Mode
		}
		if f.Rejected > 0 {
			said += ", " + count(f.Rejected) + " rejected"
		}
		rows = append(rows, []string{f.Name, said})
	}
	for _, told := range []importer.Told{importer.ToldNew, importer.ToldChanged, importer.ToldEnded, importer.ToldUnchanged} {
		rows = append(rows, []string{"classes " + string(told), count(s.Classes[told])}, []string{"enrolments " + string(told), count(s.Enrolments[told])})
	}
	slices.SortStableFunc(rows[len(rows)-8:], func(x, y []string) int { return strings.Compare(x[0][:1], y[0][:1]) })
	rows = append(rows, []string{"people registered now", count(s.PeopleRegistered)}, []string{"people corrected", count(s.PeopleCorrected)})
	for _, name := range slices.Sorted(maps.Keys(s.LeftOut)) {
		l := s.LeftOut[name]
		said := fmt.Sprintf("%d of %d in force, which end", l.LeftOut, l.InForce)
		if l.Unreadable > 0 {
			said = fmt.Sprintf("%d of %d in force; none of them ends, since %d rows cannot be read and may be theirs", l.LeftOut, l.InForce, l.Unreadable)
		}
		rows = append(rows, []string{"left out of " + name, said})
	}
	if s.PeopleRemoved > 0 {
		rows = append(rows, []string{"people to be deleted there", count(s.PeopleRemoved) + "; nobody is erased by that, see tracekeep erase"})
	}
	rows = append(rows, []string{"took", took.Round(time.Millisecond).String()})
	if err := table(w, "source "+s.Station+"|"+s.Zone, rows); err != nil {
		return err
	}
	for _, f := range s.Files {
		if len(f.ColumnsIgnored) > 0 {
			_, _ = fmt.Fprintf(w, "%s, columns not read: %s\n", f.Name, strings.Join(f.ColumnsIgnored, ", "))
		}
	}
	if len(s.FilesIgnored) > 0 {
		_, _ = fmt.Fprintf(w, "files not read: %s\n", strings.Join(s.FilesIgnored, ", "))
	}
	printReasons(w, "rejected", "", s.RejectsByReason, s.Rejects)
	return nil
}
