package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/adms"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

type terminalsCommand struct {
	Register terminalsRegister `cmd:"" help:"Let a terminal push its punches, for a station and a zone."`
	Retire   terminalsRetire   `cmd:"" help:"Refuse a terminal from now on; what it recorded stays."`
	Waive    terminalsWaive    `cmd:"" help:"Let rows go for a while that a terminal repeats and that make no punch."`
	Resolve  terminalsResolve  `cmd:"" help:"Say which instants a terminal meant by local times that came twice when the clocks were put back."`
	List     terminalsList     `cmd:"" help:"List the terminals, and how each is doing."`
}

// Help implements kong's help provider.
func (terminalsCommand) Help() string {
	return `ZKTeco terminals post their punches to the address that tracekeep serve --terminals opens (ADMS, also called iClock or cloud
server). A terminal is known by its serial number and nothing else, so keep it and the service in a network of their own.

A station is the code that punches carry, and under which the people file gave PINs: take the name of the terminal's USB file (1 of
1_attlog.dat), so that a punch is known whichever way it comes first. Several terminals may share a station.

A batch is acknowledged when each row of it is recorded. Rows that make no punch (a PIN nobody is registered for, a clock that was
reset or runs a day ahead) are held: the rest is recorded, and the terminal keeps and repeats them. Import the people they belong
to, or correct the clock; what is left can be let go by an officer, which is on record.

When the clocks are put back an hour comes twice, and most terminals do not say which of the two they mean. What comes while only the
first can have been is recorded. Other rows of that hour (ambiguous_local_time) are held until an officer says which they are: of a day,
or of one reading of the clock, the first or the second; or of a day in the order of the rows, where a row that goes back begins the
second. That holds for good, since a terminal may send everything again. Such punches are counted as overlap_resolved, for a look.

The list says when each terminal was last heard, what it recorded, which of that needs a look (the clock was set back), and what it
waits for. It counts since a terminal was heard first, and also names the latest that came and are not registered.

Examples:
  tracekeep terminals register --data ./records --serial CKJF201260017 --station 1 --zone Asia/Manila --officer 6d1e…
  tracekeep serve --data ./records --terminals 192.0.2.10:8081
  tracekeep terminals list --data ./records
  tracekeep terminals waive --data ./records --serial CKJF201260017 --reason nobody_employed --for 1h --officer 6d1e…
  tracekeep terminals resolve --data ./records --serial CKJF201260017 --reading 2026-10-25 --pass order --officer 6d1e…
  tracekeep terminals resolve --data ./records --serial CKJF201260017 --reading "2026-10-25 02:10:00" --pass second --officer 6d1e…
  tracekeep terminals retire --data ./records --serial CKJF201260017 --officer 6d1e…`
}

// terminalFlags are what every step about one terminal needs.
type terminalFlags struct {
	dataFlags
	Serial  string    `help:"Serial number, as the terminal shows it." required:"" placeholder:"SERIAL"`
	Officer uuid.UUID `help:"Id of the officer who answers for it." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// told says what a step did.
func (c terminalFlags) told(t *terminal, done string, more map[string]any) error {
	if !c.JSON {
		_, err := fmt.Fprintf(t.out, "terminal %s %s\n", c.Serial, done)
		return err
	}
	more["serial"] = c.Serial
	return printJSON(t.out, more)
}

type terminalsRegister struct {
	terminalFlags
	Station string `help:"Code that its punches carry." required:"" placeholder:"CODE"`
	Zone    string `help:"IANA zone of its clock, for example Asia/Manila." required:"" placeholder:"ZONE"`
}

// Run registers a terminal.
func (c terminalsRegister) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, true, func(ctx context.Context, a *app.App) error {
		id, already, err := a.RegisterTerminal(ctx, clerk(a, c.Officer), app.TerminalOrder{Serial: c.Serial, Station: c.Station, Zone: c.Zone, At: t.clock()})
		if err != nil {
			return err
		}
		return c.told(t, "may push punches of station "+c.Station, map[string]any{"terminal_id": id, "station": c.Station, "zone": c.Zone, "already": already})
	})
}

type terminalsRetire struct{ terminalFlags }

// Run retires a terminal.
func (c terminalsRetire) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		already, err := a.RetireTerminal(ctx, clerk(a, c.Officer), c.Serial, t.clock())
		if err != nil {
			return err
		}
		return c.told(t, "is retired", map[string]any{"already": already})
	})
}

type terminalsWaive struct {
	terminalFlags
	Reason string        `help:"nobody_employed, recorded_already or unreadable." enum:"nobody_employed,recorded_already,unreadable" required:""`
	For    time.Duration `help:"For how long from now on; rows that make no punch are lost in that time, so keep it short. A day at most." default:"1h"`
}

// Run lets rows go.
func (c terminalsWaive) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		now := t.clock()
		until := now.Add(c.For).UTC()
		if err := a.WaiveBacklog(ctx, clerk(a, c.Officer), c.Serial, eventschema.WaiverReason(c.Reason), now, until); err != nil {
			return err
		}
		return c.told(t, "need not keep rows that make no punch until "+until.Format(time.RFC3339), map[string]any{"until": until})
	})
}

type terminalsResolve struct {
	terminalFlags
	Reading string `help:"A day, as 2026-10-25, or what the clock showed, as 2026-10-25 02:10:00; of both, the longer counts." required:"" placeholder:"TIME"`
	Pass    string `help:"first, second, or for a day order: the earliest that is not before the row above, in each batch." enum:"first,second,order" required:""`
}

// Run resolves local times that came twice.
func (c terminalsResolve) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		already, err := a.ResolveOverlap(ctx, clerk(a, c.Officer), c.Serial, c.Reading, eventschema.OverlapPass(c.Pass), t.clock())
		if err != nil {
			return err
		}
		return c.told(t, "meant by "+c.Reading+": "+c.Pass, map[string]any{"reading": c.Reading, "pass": c.Pass, "already": already})
	})
}

type terminalsList struct {
	dataFlags
	All  bool `help:"Also those that are retired."`
	JSON bool `name:"json" help:"Print one JSON object for each."`
}

// Run lists terminals.
func (c terminalsList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		terminals, err := a.Terminals(ctx)
		if err != nil {
			return err
		}
		account, err := a.TerminalAccount()
		if err != nil {
			return err
		}
		heard := map[string]adms.Heard{}
		for _, h := range account.Terminals {
			heard[h.Serial] = h
		}
		rows := make([][]string, 0, len(terminals))
		for _, one := range terminals {
			if !c.All && !one.Registered {
				continue
			}
			if c.JSON {
				if err := printJSON(t.out, terminalJSON(one, heard[one.Serial])); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, terminalRow(one, heard[one.Serial]))
		}
		return c.rest(t, rows, account.Refused)
	})
}

// rest writes the table, and who came and was refused.
func (c terminalsList) rest(t *terminal, rows [][]string, refused []adms.Refused) error {
	if c.JSON {
		for _, r := range refused {
			if err := printJSON(t.out, map[string]any{"serial": r.Serial, "registered": false, "refused": r.Times, "last_refused": r.LastSeen}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := table(t.out, "SERIAL|STATION|ZONE|LAST HEARD|RECORDED|SUSPECT|WAITS FOR", rows); err != nil {
		return err
	}
	for _, r := range refused {
		if _, err := fmt.Fprintf(t.out, "refused, not registered: %s, %d times, last %s\n", r.Serial, r.Times, r.LastSeen.Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return nil
}

func terminalRow(one projections.Terminal, h adms.Heard) []string {
	last := "never"
	if !h.LastHeard.IsZero() {
		last = h.LastHeard.Format(time.RFC3339)
	}
	waits := reasons(h.Held)
	if !one.Registered {
		waits = "retired"
	}
	return []string{one.Serial, one.Station, one.Zone, last, strconv.FormatInt(h.Recorded, 10), reasons(h.Suspect), waits}
}

// reasons writes counts by reason, or a dash.
func reasons[N int | int64](counts map[string]N) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s: %d", reason, counts[reason]))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func terminalJSON(one projections.Terminal, h adms.Heard) map[string]any {
	object := map[string]any{
		"terminal_id": one.TerminalID, "serial": one.Serial, "station": one.Station, "zone": one.Zone, "registered": one.Registered,
		"registered_at": one.RegisteredAt, "retired_at": one.RetiredAt, "waived_until": one.WaivedUntil, "overlaps": one.Overlaps,
	}
	if !h.LastHeard.IsZero() {
		object["heard"] = h
	}
	return object
}
