package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printJSON writes one value as one line.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// table writes rows under a heading.
func table(w io.Writer, heading string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, strings.ReplaceAll(heading, "|", "\t"))
	for _, row := range rows {
		_, _ = fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// bar shows progress on a terminal and nothing elsewhere. A total of 0 is
// unknown.
type bar struct {
	shown *progressbar.ProgressBar
	what  string
}

func newBar(t *terminal, what string, total int64, bytes bool) *bar {
	if !t.tty {
		return &bar{}
	}
	if total <= 0 {
		total = -1
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
	}
	if bytes {
		options = append(options, progressbar.OptionShowBytes(true))
	}
	return &bar{shown: progressbar.NewOptions64(total, options...)}
}

// wholeShare is the total of a bar that shows a share of the work.
const wholeShare = 1000

// newShareBar shows which share of the work is done, and the time left.
func newShareBar(t *terminal, what string) *bar {
	if !t.tty {
		return &bar{}
	}
	return &bar{what: what, shown: progressbar.NewOptions64(wholeShare, progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))}
}

func (b *bar) share(done float64, events uint64) {
	if b.shown != nil {
		b.shown.Describe(fmt.Sprintf("%s, %d events", b.what, events))
		b.set(min(int64(done*wholeShare), wholeShare-1)) // the last of it is finishing
	}
}

func (b *bar) set(done int64) {
	if b.shown != nil {
		_ = b.shown.Set64(done)
	}
}

// setTotal is for work whose size shows while it is done.
func (b *bar) setTotal(total int64) {
	if b.shown != nil {
		b.shown.ChangeMax64(total)
	}
}

func (b *bar) finish() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}

// hoursAndMinutes writes seconds as h:mm, rounded down to the minute.
func hoursAndMinutes(seconds int64) string {
	return fmt.Sprintf("%d:%02d", seconds/3600, seconds/60%60)
}

// released records that the command is about to show values, and answers what shows
// them. The operation is the name of the command.
func released(ctx context.Context, a *app.App, operation string, values ...httpapi.Personal) (httpapi.Release, error) {
	return a.RecordReading(ctx, operator(a), operation, values...)
}

// shown is a personal value on the terminal of somebody who may read it, if its
// reading was recorded.
func shown(p httpapi.Personal, release httpapi.Release) string {
	switch p.State() {
	case eventschema.StateClear:
		text, recorded := p.Reveal(release)
		if !recorded {
			return "[" + string(eventschema.StateUnavailable) + "]"
		}
		return printable(text)
	case eventschema.StateErased, eventschema.StateRestricted, eventschema.StateHeld:
		if p.CertificateLeaf != nil {
			return fmt.Sprintf("[%s: case %s, certificate of leaf %d]", p.State(), p.Case(), *p.CertificateLeaf)
		}
		return fmt.Sprintf("[%s: case %s]", p.State(), p.Case())
	case eventschema.StateAbsent:
		return "-"
	case eventschema.StateSealed, eventschema.StateUnavailable:
		return "[" + string(p.State()) + "]"
	}
	return "[" + string(p.State()) + "]"
}

// printable keeps a name from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// personalJSON is a personal value in JSON: an erased value never looks empty.
type personalJSON struct {
	State           eventschema.State `json:"state"`
	Value           string            `json:"value,omitempty"`
	Case            string            `json:"case,omitempty"`
	CertificateLeaf *uint64           `json:"certificate_leaf,omitempty"`
}

func personalOf(p httpapi.Personal, release httpapi.Release) personalJSON {
	out := personalJSON{State: p.State(), CertificateLeaf: p.CertificateLeaf}
	if out.State == eventschema.StateAbsent {
		out.State = "absent"
	}
	if out.State == eventschema.StateClear {
		var recorded bool
		if out.Value, recorded = p.Reveal(release); !recorded {
			out.State = eventschema.StateUnavailable
		}
	}
	if p.Case() != uuid.Nil {
		out.Case = p.Case().String()
	}
	return out
}
