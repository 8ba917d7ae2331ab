package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

type demoCommand struct {
	Data   string `help:"Data folder; default: a new temporary one." placeholder:"DIR"`
	File   string `help:"Clock file to import; default: a generated one." type:"existingfile" placeholder:"FILE"`
	People string `help:"People file that goes with --file." type:"existingfile" placeholder:"FILE"`
	Zone   string `help:"IANA time zone of the terminal." default:"Asia/Manila"`
	Count  int    `help:"How many people to generate." default:"40"`
	Months int    `help:"How many months to generate." default:"6"`
	Seed   uint64 `help:"Seed of the generated file." default:"1"`
	Listen string `help:"Address of the API afterwards; port 0 takes a free one." default:"127.0.0.1:8080"`
	Once   bool   `help:"End after the last check instead of serving."`
	JSON   bool   `name:"json" help:"Tell the story on standard error and print one JSON object as the last line of standard output."`
}

// Help implements kong's help provider.
func (demoCommand) Help() string {
	return `Starts the event store and Postgres inside one folder, imports a clock file, answers an HR question, shows one person's
history, verifies the trail, erases that person with two approvals, asks the same again, verifies again, and searches every
file it wrote for the person's values.

Examples:
  tracekeep demo
  tracekeep demo --once --json
  tracekeep demo --file 1_attlog.dat --people people.csv --zone Asia/Manila`
}

// demoResult is the last line with --json.
type demoResult struct {
	Imported         int64   `json:"imported"`
	Rejected         int64   `json:"rejected"`
	Events           uint64  `json:"events"`
	People           int64   `json:"people"`
	ImportPerSecond  float64 `json:"import_per_second"`
	RebuildPerSecond float64 `json:"rebuild_events_per_second"`
	Verified         bool    `json:"verified"`
	ErasedPerson     string  `json:"erased_person"`
	Case             string  `json:"case"`
	CertificateLeaf  uint64  `json:"certificate_leaf"`
	PlaintextHits    int     `json:"plaintext_hits"`
	ControlHits      int     `json:"control_hits"`
	DataFolder       string  `json:"data_folder"`
}

// demo is one run.
type demo struct {
	demoCommand
	t      *terminal
	a      *app.App
	story  io.Writer
	result demoResult
	from   string // days of the HR question
	to     string
}

// Run runs the demo.
func (c demoCommand) Run(ctx context.Context, t *terminal) (err error) {
	d := &demo{demoCommand: c, t: t, story: t.out}
	if c.JSON {
		d.story = t.err
	}
	if err := d.chooseFolder(); err != nil {
		return err
	}
	input, remove, err := d.chooseInput()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	started := t.clock()
	flags := dataFlags{Data: d.Data, CoolingOff: new(time.Duration), ErasuresPerDay: 20} // a demonstration does not wait a week
	return flags.withApp(ctx, t, true, func(ctx context.Context, a *app.App) error {
		d.a, d.result.DataFolder = a, a.Folder()
		if !a.Owner() {
			return fmt.Errorf("%s: %w", d.Data, app.ErrFolderInUse)
		}
		d.tell("1. Started an event store and Postgres in %s (%s)", a.Folder(), t.clock().Sub(started).Round(time.Millisecond))
		if err := d.show(ctx, input); err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(t.out, d.result); err != nil {
				return err
			}
		}
		if c.Once {
			return nil
		}
		return d.serve(ctx)
	})
}

func (d *demo) tell(format string, args ...any) { _, _ = fmt.Fprintf(d.story, format+"\n", args...) }

func (d *demo) chooseFolder() error {
	if d.Data != "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "tracekeep-demo-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	d.Data = filepath.Join(dir, "records")
	return os.Chmod(dir, 0o711) //nolint:gosec // passable for the Postgres account, not readable
}

// chooseInput generates a clock file unless one was given. Generated files lie
// outside the data folder: they hold names, and the folder must not.
func (d *demo) chooseInput() (importCommand, func() error, error) {
	input := importCommand{File: d.File, People: d.People, Zone: d.Zone, Overlap: string(importer.OverlapReject)}
	if d.File != "" {
		if _, err := importer.StationFromName(d.File); err != nil {
			input.Station = "1"
		}
		return input, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "tracekeep-input-")
	if err != nil {
		return input, nil, fmt.Errorf("generate a clock file: %w", err)
	}
	files, err := generateCommand{
		Out: dir, Seed: d.Seed, People: d.Count, Months: d.Months, Terminals: 1, Zone: d.Zone,
		Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC),
	}.write(dir)
	if err != nil {
		return input, nil, errors.Join(err, os.RemoveAll(dir))
	}
	input.File, input.People = files[0].Clock, files[0].People
	return input, func() error { return os.RemoveAll(dir) }, nil
}

// show is the main job from end to end.
func (d *demo) show(ctx context.Context, input importCommand) error {
	if err := d.importAndRebuild(ctx, input); err != nil {
		return err
	}
	who, work, err := d.ask(ctx)
	if err != nil {
		return err
	}
	if err := d.verify(ctx, "5. Verified the trail"); err != nil {
		return err
	}
	values, err := d.personalValues(ctx, input.People)
	if err != nil {
		return err
	}
	if err := d.search(ctx, "6. Before the erasure", values, work); err != nil {
		return err
	}
	if err := d.erase(ctx, who); err != nil {
		return err
	}
	if err := d.askAgain(ctx, who, work); err != nil {
		return err
	}
	if err := d.verify(ctx, "10. Verified the trail again: the erasure broke no proof"); err != nil {
		return err
	}
	return d.search(ctx, "11. After the erasure", values, work)
}

// personalValues lists what must lie nowhere in clear: what the directory can
// open, and what the people file says beyond that.
func (d *demo) personalValues(ctx context.Context, peopleFile string) ([]string, error) {
	everybody, err := d.a.FindPerson(ctx, operator(d.a), "")
	if err != nil {
		return nil, err
	}
	var values []string
	for _, p := range everybody {
		values = append(values, app.PersonalValues(p)...)
	}
	if peopleFile == "" {
		return values, nil
	}
	file, err := os.Open(peopleFile)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(file).ReadAll()
	if err = errors.Join(err, file.Close()); err != nil {
		return values, nil //nolint:nilerr // a file with broken rows was reported by the import; the directory has the good ones
	}
	for i, column := range rows[0] {
		switch column {
		case "name", "display_name", "full_name", "email", "phone", "birth_date", "employee_number":
			for _, row := range rows[1:] {
				values = append(values, row[i])
			}
		}
	}
	return values, nil
}

func (d *demo) importAndRebuild(ctx context.Context, input importCommand) error {
	started := d.t.clock()
	summary, _, err := input.importFile(ctx, d.t, d.a, nil)
	if err != nil {
		return err
	}
	if err := d.a.CatchUp(ctx, nil); err != nil {
		return err
	}
	took := d.t.clock().Sub(started)
	d.result.Imported, d.result.Rejected, d.result.People = summary.Recorded+summary.AlreadyRecorded, summary.Rejected, summary.PeopleRegistered
	d.result.ImportPerSecond = float64(summary.Recorded+summary.AlreadyRecorded) / took.Seconds()
	d.tell("\n2. Imported %s\n", filepath.Base(input.File))
	if err := printSummary(d.story, summary, took); err != nil {
		return err
	}
	rebuilt, err := d.a.Rebuild(ctx, nil)
	if err != nil {
		return err
	}
	d.result.Events = rebuilt.Events
	d.result.RebuildPerSecond = float64(rebuilt.Events) / rebuilt.Duration.Seconds()
	d.tell("\n3. Rebuilt every read model from %d events in %s (%.0f events/s)",
		rebuilt.Events, rebuilt.Duration.Round(time.Millisecond), d.result.RebuildPerSecond)
	last := summary.Last // a whole month before the last punch, or the last month there is
	first := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	if before := first.AddDate(0, -1, 0); before.After(summary.First) {
		first = before
	}
	d.from, d.to = first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
	return nil
}

// ask answers the HR question and shows the history of the person who worked
// longest.
func (d *demo) ask(ctx context.Context) (httpapi.PersonView, uuid.UUID, error) {
	workers, err := d.a.HoursOfAll(ctx, operator(d.a), d.from, d.to)
	if err != nil {
		return httpapi.PersonView{}, uuid.Nil, err
	}
	if len(workers) == 0 {
		return httpapi.PersonView{}, uuid.Nil, errors.New("nobody worked in the month asked about; the clock file holds no pair of punches there")
	}
	d.tell("\n4. HR asks: who worked how long from %s to %s?\n", d.from, d.to)
	if err := printWorkers(ctx, &terminal{out: d.story}, d.a, workers[:min(5, len(workers))], false); err != nil {
		return httpapi.PersonView{}, uuid.Nil, err
	}
	work := workers[0].WorkID
	found, err := d.a.FindPerson(ctx, operator(d.a), work.String())
	if err != nil {
		return httpapi.PersonView{}, uuid.Nil, err
	}
	if len(found) != 1 {
		return httpapi.PersonView{}, uuid.Nil, fmt.Errorf("work record %s belongs to %d people", work, len(found))
	}
	d.tell("\n   The history of the first of them begins\n")
	return found[0], work, printHistory(ctx, d.story, d.a, found[0], 4, false)
}

func (d *demo) verify(ctx context.Context, heading string) error {
	report, err := d.a.Verify(ctx, nil)
	if err != nil {
		return err
	}
	d.result.Verified = report.OK
	if !report.OK {
		printReport(&terminal{out: d.story}, report)
		return &coded{code: exitDefect, err: errors.New("the trail does not hold")}
	}
	d.tell("\n%s: %d events, root %s", heading, report.Leaves, report.Root)
	return nil
}

func (d *demo) search(ctx context.Context, heading string, values []string, control uuid.UUID) error {
	search, err := d.a.SearchPlaintext(ctx, values, control)
	if err != nil {
		return err
	}
	d.result.PlaintextHits += search.Hits
	d.result.ControlHits = search.ControlHits
	d.tell("\n%s: searched %d files (%d MB) for %d personal values in every encoding: %d hits; a pseudonymous id, as a control: %d hits in %d files",
		heading, search.Files, search.Bytes>>20, search.Values, search.Hits, search.ControlHits, len(search.ControlFiles))
	switch {
	case search.Hits > 0:
		return &coded{code: exitDefect, err: fmt.Errorf("personal values lie in clear in %v", search.HitFiles)}
	case search.ControlHits == 0:
		return &coded{code: exitDefect, err: errors.New("the control was not found: the search proves nothing")}
	}
	return nil
}

func (d *demo) erase(ctx context.Context, who httpapi.PersonView) error {
	first, err := uuid.NewRandomFromReader(d.t.random)
	if err != nil {
		return err
	}
	second, err := uuid.NewRandomFromReader(d.t.random)
	if err != nil {
		return err
	}
	started := d.t.clock()
	view, certificate, err := eraseAtOnce(ctx, d.t, d.a, who.PersonID, first, second)
	if err != nil {
		return err
	}
	took := d.t.clock().Sub(started)
	d.result.ErasedPerson, d.result.Case, d.result.CertificateLeaf = who.PersonID.String(), view.CaseID.String(), certificate.Leaf
	if _, err := app.VerifyCertificate(certificate.Certificate, d.a.VerifierKey()); err != nil {
		return &coded{code: exitDefect, err: fmt.Errorf("the certificate does not hold: %w", err)}
	}
	d.tell("\n7. One privacy officer asked for the erasure of that person, verified the identity and assessed what goes and what stays;"+
		"\n   legal holds were checked, and the case had no time to cool off (a week elsewhere; none in this demo)."+
		"\n   The same officer was refused as their own second, and another approved."+
		"\n   Case %s: %d keys destroyed, verified with an account that can read no key, and certified in %s;"+
		"\n   leaf %d of the trail holds the destruction. The certificate was checked offline.", view.CaseID, view.KeysDestroyed, took.Round(time.Millisecond), certificate.Leaf)
	for _, r := range view.Retained {
		d.tell("   Kept: %s until %s (%s).", r.Purpose, r.Until, r.Ground)
	}
	return d.a.CatchUp(ctx, nil)
}

// eraseAtOnce takes a case through two officers to its certificate, where nothing
// makes it cool off. The first officer tries to approve too, and must be refused.
func eraseAtOnce(ctx context.Context, t *terminal, a *app.App, person, first, second uuid.UUID) (view httpapi.ErasureView, certificate httpapi.CertificateView, err error) {
	intent := func(by uuid.UUID, step string) httpapi.Intent {
		return httpapi.Intent{Principal: officer(a, by), Key: step + " " + person.String()}
	}
	now := t.clock()
	request, err := a.RequestErasure(ctx, intent(first, "request"), httpapi.ErasureRequest{Person: person, ReceivedAt: now})
	if err != nil {
		return view, certificate, err
	}
	identity := erasure.VerifyIdentity{VerifiedBy: first, VerifiedAt: now, Method: eventschema.IdentityInPerson}
	if _, err := a.AdvanceErasure(ctx, intent(first, "verify"), request.CaseID, identity); err != nil {
		return view, certificate, err
	}
	if _, err := a.AdvanceErasure(ctx, intent(first, "assess"), request.CaseID, erasure.Assess{AssessedBy: first, AssessedAt: now}); err != nil {
		return view, certificate, err
	}
	if _, err := a.AdvanceErasure(ctx, intent(first, "own approval"), request.CaseID, erasure.Approve{ApprovedBy: first, ApprovedAt: t.clock()}); err == nil {
		return view, certificate, errors.New("an officer approved a case of their own")
	}
	if _, err := a.AdvanceErasure(ctx, intent(second, "approval"), request.CaseID, erasure.Approve{ApprovedBy: second, ApprovedAt: t.clock()}); err != nil {
		return view, certificate, err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if certificate, err = a.AwaitCertificate(waiting, request.CaseID); err != nil {
		return view, certificate, fmt.Errorf("wait for the certificate: %w", err)
	}
	view, err = a.ErasureCase(ctx, operator(a), request.CaseID)
	return view, certificate, err
}

func (d *demo) askAgain(ctx context.Context, who httpapi.PersonView, work uuid.UUID) error {
	workers, err := d.a.HoursOfAll(ctx, operator(d.a), d.from, d.to)
	if err != nil {
		return err
	}
	d.tell("\n8. HR asks the same again; the hours stay, the person is gone\n")
	if err := printWorkers(ctx, &terminal{out: d.story}, d.a, workers[:min(5, len(workers))], false); err != nil {
		return err
	}
	if workers[0].WorkID != work || workers[0].Name.Case().String() != d.result.Case {
		return &coded{code: exitDefect, err: errors.New("the erased person's hours do not say erased")}
	}
	d.tell("\n9. The history of the person now\n")
	return printHistory(ctx, d.story, d.a, who, 0, false)
}
