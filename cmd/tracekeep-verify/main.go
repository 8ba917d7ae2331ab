// Tracekeep-verify checks an audit bundle for somebody who trusts nobody. It
// needs no connection and no secret, and rests on few libraries: a test lists
// them. `tracekeep-verify --help` says how it is used.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
)

// Exit codes, documented in --help. They are those of tracekeep.
const (
	exitOK     = 0
	exitFailed = 1 // the bundle could not be looked at; the message says why
	exitUsage  = 2 // the command line is wrong
	exitDefect = 4 // something is not as it was recorded
)

const usage = `usage: tracekeep-verify --key KEY [--policy FILE] [--earlier FILE]... [--json] BUNDLE

Checks an audit bundle of Tracekeep, offline, and says in plain sentences what was
checked, what was not, and where something is not as it was recorded.

  --key KEY        verifier key of the log, or a file that holds it; the first key of
                   the log or a later one. Get it by another way than the bundle. May
                   be left out when the policy names the log.
  --policy FILE    whose signatures a checkpoint needs, beside the log's: lines
                   "log", "witness", "group" and "quorum" as C2SP and Sigsum have them
  --earlier FILE   a signed checkpoint that you kept; the log must continue it. May be
                   given several times.
  --json           print one JSON object: verdict, what was checked and what not, findings with
                   position, leaf and kind, and the checkpoint, to be kept for next time
  --version        print the build

Exit codes: 0 as recorded, 1 the bundle could not be read, 2 wrong command line,
4 something is not as it was recorded.

Examples:
  tracekeep-verify --key log.vkey audit-2026.zip
  tracekeep-verify --policy witnesses.txt --earlier checkpoint-2025 --json audit-2026.zip
`

// terminal is where the program writes.
type terminal struct {
	out, err io.Writer
	tty      bool // err is a terminal: show how far it is
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	info, err := os.Stderr.Stat()
	tty := err == nil && info.Mode()&os.ModeCharDevice != 0
	code := run(ctx, os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, tty: tty})
	stop()
	os.Exit(code)
}

// asked is the command line.
type asked struct {
	key, policy   string
	earlier       []string
	json, version bool
	bundle        string
}

func parse(args []string) (asked, error) {
	var a asked
	flags := flag.NewFlagSet("tracekeep-verify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.key, "key", "", "")
	flags.StringVar(&a.policy, "policy", "", "")
	flags.Func("earlier", "", func(file string) error { a.earlier = append(a.earlier, file); return nil })
	flags.BoolVar(&a.json, "json", false, "")
	flags.BoolVar(&a.version, "version", false, "")
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	switch {
	case a.version:
	case flags.NArg() != 1:
		return a, errors.New("name one bundle")
	case a.key == "" && a.policy == "":
		return a, errors.New("a key of the log is needed: --key KEY")
	}
	a.bundle = flags.Arg(0)
	return a, nil
}

// run is the whole program. Tests call it as main does.
func run(ctx context.Context, args []string, t terminal) int {
	a, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(t.out, usage)
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(t.err, "tracekeep-verify: %v\nTry tracekeep-verify --help.\n", err)
		return exitUsage
	case a.version:
		_, _ = fmt.Fprintln(t.out, version())
		return exitOK
	}
	report, err := a.verify(ctx, t)
	if err == nil {
		err = a.say(t.out, report)
	}
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(t.err, "tracekeep-verify:", err)
		return exitFailed
	case !report.OK:
		return exitDefect
	}
	return exitOK
}

func (a asked) verify(ctx context.Context, t terminal) (bundle.Report, error) {
	trust, err := a.trust()
	if err != nil {
		return bundle.Report{}, err
	}
	file, err := os.Open(a.bundle)
	if err != nil {
		return bundle.Report{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return bundle.Report{}, err
	}
	if !info.Mode().IsRegular() {
		return bundle.Report{}, fmt.Errorf("%s is no file", a.bundle)
	}
	report, err := bundle.Verify(ctx, file, info.Size(), trust, t.progress())
	if t.tty {
		_, _ = fmt.Fprint(t.err, "\r\033[K")
	}
	return report, err
}

// trust reads what the auditor brings.
func (a asked) trust() (bundle.Trust, error) {
	trust := bundle.Trust{Key: a.key}
	if _, err := trail.ParseKey(a.key); err != nil && a.key != "" {
		if trust.Key, err = small(a.key); err != nil {
			return trust, fmt.Errorf("--key: it is no verifier key, and no file that can be read: %w", err)
		}
	}
	if a.policy != "" {
		text, err := small(a.policy)
		if err != nil {
			return trust, fmt.Errorf("--policy: %w", err)
		}
		policy, err := trail.ParsePolicy(text)
		if err != nil {
			return trust, fmt.Errorf("--policy %s: %w", a.policy, err)
		}
		trust.Policy = &policy
		if trust.Key == "" {
			trust.Key = policy.Log()
		}
	}
	if _, err := trail.ParseKey(trust.Key); err != nil {
		return trust, errors.New("no verifier key of the log: give --key, or a policy with a line that begins with log")
	}
	for _, name := range a.earlier {
		text, err := small(name)
		if err != nil {
			return trust, fmt.Errorf("--earlier: %w", err)
		}
		trust.Earlier = append(trust.Earlier, text)
	}
	return trust, nil
}

// small reads a file that has no business being large.
func small(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	const limit = 1 << 20
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && len(content) > limit {
		err = fmt.Errorf("%s is larger than a mebibyte", name)
	}
	return string(content), err
}

// say prints the report.
func (a asked) say(w io.Writer, report bundle.Report) error {
	if !a.json {
		return report.WriteText(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Verdict string `json:"verdict"`
		bundle.Report
		Checked    []string `json:"checked"`
		NotChecked []string `json:"not_checked"`
	}{report.Verdict(), report, report.Checked(), report.NotChecked()})
}

// progress shows on a terminal how far the verification is.
func (t terminal) progress() func(done, total int64) {
	if !t.tty {
		return nil
	}
	last := int64(-1)
	return func(done, total int64) {
		if percent := done * 100 / max(total, 1); percent != last {
			last = percent
			_, _ = fmt.Fprintf(t.err, "\rverifying %3d %% %s", percent, strings.Repeat("=", int(percent/2)))
		}
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tracekeep-verify"
	}
	text := "tracekeep-verify " + info.Main.Version + " " + info.GoVersion
	for _, dep := range info.Deps {
		text += "\n  " + dep.Path + " " + dep.Version
	}
	return text
}
