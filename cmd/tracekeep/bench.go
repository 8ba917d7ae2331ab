package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

type benchCommand struct {
	Only   []string      `help:"What to measure: ${enum}; default all." enum:"store,append,bulk,read,lag,growth,import,rebuild,hours,queries,erasure,keys,trail" placeholder:"PART,..."`
	Runs   int           `help:"Runs of each measurement, in turn with what it is held against; the median counts." default:"3"`
	Span   time.Duration `help:"How long one measurement of a rate goes on." default:"2s"`
	Events int           `help:"Events in the store whose reading is measured, and from half as many to ten times that growth is measured." default:"200000"`
	Large  bool          `help:"Measure growth from 1 to 10 million events instead of from a tenth of a million to one, and questions about a year of ten thousand people. Takes some minutes and 10 GB below the temporary folder."`

	File   string `help:"Clock file to import; default: a generated one of about 45,000 lines, and for the rebuild of 300,000." type:"existingfile" placeholder:"FILE"`
	People string `help:"People file that goes with --file." type:"existingfile" placeholder:"FILE"`
	Zone   string `help:"IANA time zone of the terminal." default:"Asia/Manila"`
	Erase  int    `name:"erase-events" help:"Events of the person whose erasure is held against one of 10 events." default:"100000"`
	Keys   int    `help:"Keys that a rotation moves." default:"300000"`
	Crowd  int    `help:"People whose directory is opened." default:"50000"`
	Staff  int    `help:"People whose year of punches is asked about; ten thousand with --large." default:"250"`
	JSON   bool   `name:"json" help:"Print one JSON object for each figure."`
}

// Help implements kong's help provider.
func (benchCommand) Help() string {
	return `Measures in temporary folders, in one process on this machine, and prints medians. What is compared is measured in turn, so
that whatever else the machine does hits both. Ratios come from one run and can be compared between machines; absolute figures
cannot. Beside a rate stands the processor time of the whole process, clients included, for each event.

  store    the embedded event store, beside the disk's own rate and a server that does nothing but speak the protocol:
           append, bulk, read and lag, which can be named alone
  growth   start, appends and reads of a store of few and of many events
  import   reading a file of each kind, and a clock file with every decision
  rebuild  every read model, and the world of a moment, beside reading the same log through the client and copying bare rows
  hours    pairing and two sets of rules in weeks of one person, beside adding up the same intervals
  queries  a pay report, a time card, who is in and exceptions of a year of everybody, beside copying out the same rows or an answer
           without any, each asked in turn with it
  erasure  of a person of few and of many events
  keys     sealing and opening beside the bare cipher, unwrapping, moving keys to a new epoch, opening a directory, and how long a
           destroyed key is still used in processes that hear of it and in such that do not

Examples:
  tracekeep bench --runs 5
  tracekeep bench --only store,growth --large --json`
}

// Run measures.
func (c benchCommand) Run(ctx context.Context, t *terminal) error {
	b := &bench{benchCommand: c, t: t}
	for _, part := range []struct {
		name, group string
		measure     func(context.Context) error
	}{
		{"append", "store", b.appends}, {"bulk", "store", b.bulk}, {"read", "store", b.reads}, {"lag", "store", b.lag},
		{"growth", "", b.growth}, {"import", "", b.imports}, {"rebuild", "", b.rebuilds},
		{"hours", "", b.hoursRules}, {"queries", "", b.queries},
		{"erasure", "", b.erasures}, {"keys", "", b.keyStore},
		{"trail", "", b.trails},
	} {
		if len(c.Only) > 0 && !slices.Contains(c.Only, part.name) && !slices.Contains(c.Only, part.group) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("measure %s: %w", part.name, err)
		}
	}
	return nil
}

type bench struct {
	benchCommand
	t *terminal
}

// goal is what a figure should reach. The zero value is none.
type goal struct {
	sign  string
	bound float64
}

func atLeast(bound float64) goal { return goal{">=", bound} }

func atMost(bound float64) goal { return goal{"<=", bound} }

func (g goal) met(value float64) bool {
	if g.sign == "<=" {
		return value <= g.bound
	}
	return value >= g.bound
}

// figure is one line of the result.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	CPU   float64 `json:"cpu_us,omitempty"` // processor time for each event
	Goal  string  `json:"goal,omitempty"`
	Met   *bool   `json:"met,omitempty"`
}

func (b *bench) report(name string, value float64, unit string, g goal) error {
	return b.print(figure{Name: name, Value: value, Unit: unit}, g)
}

// reportRate is report with the processor time of what was measured.
func (b *bench) reportRate(name string, runs []measured, unit string) error {
	return b.print(figure{Name: name, Value: medianOf(runs, rateOf), Unit: unit, CPU: medianOf(runs, cpuOf)}, goal{})
}

func (b *bench) print(f figure, g goal) error {
	mark := ""
	if g.sign != "" {
		met := g.met(f.Value)
		f.Goal, f.Met = fmt.Sprintf("%s %g", g.sign, g.bound), &met
		if mark = "goal " + f.Goal; !met {
			mark += "  MISSED"
		}
	}
	if b.JSON {
		return printJSON(b.t.out, f)
	}
	cpu := ""
	if f.CPU > 0 {
		cpu = fmt.Sprintf("%.1f µs", f.CPU)
	}
	_, err := fmt.Fprintf(b.t.out, "%-66s %12.2f %-10s %10s  %s\n", f.Name, f.Value, f.Unit, cpu, mark)
	return err
}

// tell says on standard error what is going on.
func (b *bench) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(b.t.err, "bench: "+format+"\n", args...)
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the value below which the given part of the values lies.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
