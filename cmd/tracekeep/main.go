// Tracekeep keeps the trace of work and forgets a person on request. This is
// the service and its operator's commands; `tracekeep --help` lists them.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/alecthomas/kong"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

// Exit codes, documented in --help.
const (
	exitOK       = 0
	exitFailed   = 1 // the command did not do what was asked; the message says why
	exitUsage    = 2 // the command line is wrong
	exitRejected = 3 // the command ran, and some input was rejected (see the report)
	exitDefect   = 4 // verification found a defect
	exitInUse    = 5 // the data folder, an address or another resource is in use
	exitInvalid  = 6 // a control failed, so that what was not found proves nothing
)

// coded is an error with an exit code of its own.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// terminal is where a command writes and what it may know of the outside.
type terminal struct {
	in       io.Reader // nil: none
	out, err io.Writer
	clock    func() time.Time
	random   io.Reader
	tty      bool         // err is a terminal: show progress bars
	fault    func(string) // nil outside of tests, see app.Config
}

type cli struct {
	Demo     demoCommand     `cmd:"" help:"Show the whole promise on one clock file, then keep serving."`
	Serve    serveCommand    `cmd:"" help:"Run the service on a data folder."`
	Import   importCommand   `cmd:"" help:"Import files of time clocks and time trackers, and rosters of schools."`
	Generate generateCommand `cmd:"" help:"Make clock and people files with the habits of real ones."`
	Query    queryCommand    `cmd:"" help:"Answer HR: who is in, hours, people, erasures."`
	Hours    hoursCommand    `cmd:"" help:"Say what hours are paid as, by rules that are data, and why."`
	Periods  periodsCommand  `cmd:"" help:"Lock pay periods; what changes later is an adjustment of the next one."`
	History  historyCommand  `cmd:"" help:"Show everything that was recorded about one person."`
	Readings readingsCommand `cmd:"" help:"List who was shown personal values of a person."`
	Export   exportCommand   `cmd:"" help:"Write tables, payroll files and calendars for somebody else, and record to whom and why."`
	Explain  explainCommand  `cmd:"" help:"Trace an event to what became of it, or the hours of a day to their events."`
	Replay   replayCommand   `cmd:"" help:"Read the whole log again and say what is in it, or make the world of a moment."`
	Diff     diffCommand     `cmd:"" help:"Say what two worlds tell differently, and which events are responsible."`
	Verify   verifyCommand   `cmd:"" help:"Check the whole event store against the trail, or prove one event."`
	Audit    auditCommand    `cmd:"" help:"Export for an auditor, and keep the trail in order."`
	Erase    eraseCommand    `cmd:"" help:"Erase a person by destroying keys: request, verify, assess, approve, show."`
	Cases    casesCommand    `cmd:"" help:"List erasure cases: whom each waits for, and when it is due."`
	Hold     holdCommand     `cmd:"" help:"Keep what a matter needs from being destroyed."`
	Restrict restrictCommand `cmd:"" help:"Restrict the processing of a person's values; take objections."`
	Disclose discloseCommand `cmd:"" help:"Record who outside was given values of a person, and list them."`

	Shifts     shiftsCommand     `cmd:"" help:"Plan shifts and details, and say who works them: offer, accept, bid, assign, swap, complete."`
	Sites      sitesCommand      `cmd:"" help:"Define sites, their fences and their stations."`
	Fields     fieldsCommand     `cmd:"" help:"Define values of your own that are kept of people: what for, how sensitive, who reads them."`
	Media      mediaCommand      `cmd:"" help:"Attach photos and documents to people, read them, remove them one by one."`
	Roster     rosterCommand     `cmd:"" help:"Show who works when and where."`
	Attendance attendanceCommand `cmd:"" help:"Compare the roster with the time worked: on time, late, early leave, no-show, unscheduled."`
	Classes    classesCommand    `cmd:"" help:"Keep classes, who is enrolled in them, and who attended which session."`
	Retention  retentionCommand  `cmd:"" help:"See what has come of age; release it in batches, by two officers."`

	Corrections correctionsCommand `cmd:"" help:"Ask for corrections of punches, and approve what others ask for."`
	Certificate certificateCommand `cmd:"" help:"Show, print or check the certificate of an erasure."`
	Forensics   forensicsCommand   `cmd:"" help:"Look everywhere for what was erased, with every key at hand."`

	Terminals terminalsCommand `cmd:"" help:"Say which time clocks may push their punches, and how each is doing."`
	Devices   devicesCommand   `cmd:"" help:"Enrol devices that send punches later; see what came late or contradicts an entry."`

	Keys     keysCommand     `cmd:"" help:"Look after the keys: status, rotate, escrow, verify-backup, recover."`
	Rebuild  rebuildCommand  `cmd:"" help:"Rebuild the read models from the log, or compare them with a rebuild."`
	Doctor   doctorCommand   `cmd:"" help:"Say what this machine has and lacks, and how a data folder is."`
	Bench    benchCommand    `cmd:"" help:"Measure this machine against its own limits."`
	Register registerCommand `cmd:"" help:"Print the record of processing: what is held, why, how long, who opens it."`
	Promises promisesCommand `cmd:"" help:"List the promises of the privacy policies that tests prove, or the missing ones."`
	Version  versionCommand  `cmd:"" help:"Print the build."`

	Eventstore eventstoreCommand `cmd:"" help:"Run the event store alone, for the official clients of EventStoreDB."`
}

func main() { os.Exit(start(nil)) }

// start runs the program. A test that plays a process of its own may change what
// the program knows of the outside.
func start(change func(*terminal)) int {
	if os.Getenv("GOGC") == "" && smallHeap {
		// Reading and writing events makes much short-lived garbage beside a small
		// heap: collecting later is worth a tenth of a rebuild's time.
		debug.SetGCPercent(300)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, clock: time.Now, random: rand.Reader, tty: isTerminal(os.Stderr)}
	if change != nil {
		change(t)
	}
	return run(ctx, os.Args[1:], t)
}

const description = `Tracekeep keeps the trace of work for years and forgets a person on request.

Every command that reads or writes records takes --data, the data folder. While another tracekeep serves
that folder, the command joins it; otherwise it opens the folder itself.

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 done with rejected input, 4 verification found a defect,
5 folder or address in use, 6 a control failed and the run proves nothing.`

// run is the whole program. Tests call it as main does.
func run(ctx context.Context, args []string, t *terminal) int {
	exit := -1
	parser, err := kong.New(grammar(args), kong.Name("tracekeep"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(t.out, t.err), kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, Summary: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		_, _ = fmt.Fprintln(t.err, "tracekeep:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help was answered
		return exit
	}
	if err != nil {
		_, _ = fmt.Fprintf(t.err, "tracekeep: %v\nTry tracekeep --help.\n", err)
		return exitUsage
	}
	if err := parsed.Run(ctx, t); err != nil {
		_, _ = fmt.Fprintln(t.err, "tracekeep:", message(err))
		return exitCode(err)
	}
	return exitOK
}

// grammar is what the command line may say: where it begins with a command, that
// command alone, since to learn what all others take costs more time than many a
// command needs to answer.
func grammar(args []string) any {
	all := reflect.TypeFor[cli]()
	for i := range all.NumField() {
		if command := all.Field(i); len(args) > 0 && args[0] == strings.ToLower(command.Name) {
			return reflect.New(reflect.StructOf([]reflect.StructField{command})).Interface()
		}
	}
	return new(cli)
}

// message is what a person is told: of a refusal the sentence, not the code.
func message(err error) string {
	var refusal *httpapi.Refusal
	if errors.As(err, &refusal) {
		return refusal.Message
	}
	var erased *httpapi.Erased
	if errors.As(err, &erased) {
		if erased.CertificateLeaf != nil {
			return fmt.Sprintf("erased under case %s, certificate of leaf %d", erased.Case, *erased.CertificateLeaf)
		}
		return fmt.Sprintf("erased under case %s", erased.Case)
	}
	return err.Error()
}

func exitCode(err error) int {
	var c *coded
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, app.ErrFolderInUse):
		return exitInUse
	}
	return exitFailed
}
