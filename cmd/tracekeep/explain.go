package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

type explainCommand struct {
	dataFlags
	momentFlags
	Event string `arg:"" optional:"" help:"An event: its id, or its position in the log."`
	Work  string `help:"Instead, trace the hours of somebody on a day: a work id, a person's id, or a part of the name." placeholder:"WHO"`
	Day   string `help:"The day of --work, 2006-01-02." placeholder:"DAY"`
	JSON  bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (explainCommand) Help() string {
	return `Tells of one event who, when, why, from which station, under which versions, in which chain of requests, and where it stands
in the trail; of a punch also what it became. With --work and --day it goes the other way: from every figure of a day
to the punches and corrections it rests on, and to the rule that made it.

` + momentHelp + ` The flags apply to --work and --day.

Examples:
  tracekeep explain --data ./records 184467
  tracekeep explain --data ./records 7d0c… --json
  tracekeep explain --data ./records --work ana --day 2026-03-02
  tracekeep explain --data ./records --work ana --day 2026-03-02 --known-at 2026-03-03`
}

// Run explains.
func (c explainCommand) Run(ctx context.Context, t *terminal) error {
	if err := c.check(); err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		if c.Work != "" {
			work, err := onePerson(ctx, a, "explain", c.Work)
			var erased *httpapi.Erased
			if errors.As(err, &erased) {
				return queryHours{JSON: c.JSON}.sayErased(t, erased)
			}
			if err != nil {
				return err
			}
			day, err := w.ExplainDay(ctx, operator(a), work, c.Day)
			if errors.As(err, &erased) {
				return sayExpired(t, work, erased, c.JSON)
			}
			if err != nil {
				return err
			}
			release, err := released(ctx, a, "explain", day.Name)
			if err != nil {
				return err
			}
			if c.JSON {
				return printJSON(t.out, dayJSON(day, release))
			}
			return printDay(t.out, day, release)
		}
		made, err := c.explain(ctx, a)
		var erased *httpapi.Erased
		if errors.As(err, &erased) {
			return sayExpired(t, uuid.Nil, erased, c.JSON)
		}
		if errors.Is(err, httpapi.ErrNotFound) {
			return fmt.Errorf("there is no event %s; tracekeep history and tracekeep query show ids and positions", printable(c.Event))
		}
		if err != nil {
			return err
		}
		release, err := released(ctx, a, "explain", made.Event.Values()...)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, explanationJSON(made, release))
		}
		return printExplanation(t.out, made, release)
	})
}

func (c explainCommand) check() error {
	_, moment, err := c.moment()
	switch {
	case err != nil:
		return err
	case (c.Event == "") == (c.Work == ""):
		return errors.New("give an event, or --work and --day")
	case c.Event != "" && moment:
		return errors.New("--as-of and --known-at go with --work and --day; an event is what it is")
	case c.Work != "":
		if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
			return fmt.Errorf("--day takes 2006-01-02, not %q", c.Day)
		}
	}
	return nil
}

func (c explainCommand) explain(ctx context.Context, a *app.App) (app.Explanation, error) {
	if position, err := strconv.ParseUint(c.Event, 10, 63); err == nil {
		return a.ExplainPosition(ctx, operator(a), position)
	}
	id, err := uuid.Parse(c.Event)
	if err != nil {
		return app.Explanation{}, &coded{code: exitUsage, err: fmt.Errorf("an event is an id or a position, not %q", printable(c.Event))}
	}
	return a.ExplainEvent(ctx, operator(a), id)
}

// told writes lines of a name and a value.
type told struct {
	w   io.Writer
	err error
}

func (o *told) line(name, format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
}

func printExplanation(w io.Writer, x app.Explanation, release httpapi.Release) error {
	e, o := x.Event, &told{w: w}
	name, version, _ := eventschema.SplitStoredName(e.Type)
	o.line("what", "%s, schema version %d, event %s", name, version, e.EventID)
	o.line("where", "position %d of the log, revision %d of %s", e.Position, e.Revision, e.Stream)
	o.line("trail", "%s", toldLeaf(x.Leaf))
	o.line("recorded", "%s", e.RecordedAt.Format(time.RFC3339Nano))
	o.line("by", "%s %s", e.Actor.Role, e.Actor.ID)
	var facts map[string]json.RawMessage
	if json.Unmarshal(e.Facts, &facts) == nil {
		for _, fact := range sorted(facts) {
			o.line("  "+fact, "%s", printable(strings.Trim(string(facts[fact]), `"`)))
		}
	}
	for _, p := range e.Personal {
		o.line("  "+p.Section+"."+p.Field, "%s (for the purpose %s)", shown(p.Value, release), p.Purpose)
	}
	if x.Cause != nil {
		o.line("caused by", "%s", toldEntry(*x.Cause))
	} else {
		o.line("caused by", "the command %s", e.CausationID)
	}
	others := fmt.Sprintf("%d other events", len(x.Correlated))
	if x.More {
		others = fmt.Sprintf("more than %d other events, which begin", len(x.Correlated))
	}
	o.line("same request", "%s, %s", e.CorrelationID, others)
	for _, c := range x.Correlated {
		o.line("", "%s", toldEntry(c))
	}
	if x.Punch != nil {
		o.line("counts now", "%s", toldPunch(&x.Punch.Punch))
		o.line("rests on", "%s", toldCauses(x.Punch.Causes))
		o.line("became", "%s", toldResult(*x.Punch))
	}
	return o.err
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func toldLeaf(leaf *uint64) string {
	if leaf == nil {
		return "not yet covered by a checkpoint"
	}
	return fmt.Sprintf("leaf %d", *leaf)
}

func toldEntry(e projections.AuditEntry) string {
	return fmt.Sprintf("%d  %s  by %s", e.Position, e.EventType, e.Actor.Role)
}

// toldResult says what the rule made of a punch.
func toldResult(p app.ExplainedPunch) string {
	switch {
	case p.Voided:
		return "nothing: it is void"
	case p.Interval != nil:
		return fmt.Sprintf("worked %s on %s, from punch %s to punch %s, rule version %d",
			hoursAndMinutes(p.Interval.Seconds), p.Interval.WorkDate, p.Interval.In, p.Interval.Out, p.Interval.RuleVersion)
	case p.Exception != nil:
		return fmt.Sprintf("exception %s of %s, rule version %d", p.Exception.Code, p.Exception.WorkDate, p.Exception.RuleVersion)
	}
	return "nothing yet: an in that waits for its out"
}

func printDay(w io.Writer, d app.ExplainedDay, release httpapi.Release) error {
	if _, err := fmt.Fprintf(w, "%s  %s  %s  worked %s, rule version %d\n", d.Date, d.WorkID, shown(d.Name, release), hoursAndMinutes(d.Seconds), d.RuleVersion); err != nil {
		return err
	}
	var rows [][]string
	row := func(what string, p app.ExplainedPunch) {
		recorded := "as recorded"
		if p.Recorded != p.Counts {
			recorded = "recorded as " + toldReading(p.Recorded)
		}
		rows = append(rows, []string{what, toldPunch(&p.Punch), recorded, p.Station, toldCauses(p.Causes), toldLeaf(p.Leaf), p.ID.String()})
	}
	for _, i := range d.Intervals {
		row("worked "+hoursAndMinutes(i.Seconds), i.InPunch)
		row("", i.OutPunch)
	}
	for _, p := range d.Exceptions {
		row(string(p.Exception.Code), p)
	}
	for _, p := range d.Others {
		if p.Voided {
			row("void", p)
		} else {
			row("waits for out", p)
		}
	}
	for _, i := range d.Declared {
		what, recorded, events := "declared "+hoursAndMinutes(i.Seconds), "as declared", fmt.Sprintf("declared %d", i.Position)
		if i.Seconds != i.Declared || i.Job != i.Named {
			recorded = "declared as " + hoursAndMinutes(i.Declared) + forJob(i.Named)
		}
		if i.Voided {
			what = "void"
		}
		if i.Corrected > 0 {
			events += fmt.Sprintf(", corrected %d (%s)", i.Corrected, i.Reason)
		}
		rows = append(rows, []string{what, "no times of day" + forJob(i.Job), recorded, i.Origin, events, toldLeaf(i.Leaf), i.ID.String()})
	}
	return table(w, "FIGURE|PUNCH|RECORDED|STATION|EVENTS|TRAIL|PUNCH ID", rows)
}

func forJob(code string) string {
	if code == "" {
		return ""
	}
	return " for " + code
}

func explanationJSON(x app.Explanation, release httpapi.Release) map[string]any {
	out := historyJSON(x.Event, x.Leaf, release)
	correlated := make([]map[string]any, 0, len(x.Correlated))
	for _, e := range x.Correlated {
		correlated = append(correlated, entryJSON(e))
	}
	out["same_request"], out["same_request_has_more"] = correlated, x.More
	if x.Cause != nil {
		out["caused_by"] = entryJSON(*x.Cause)
	}
	if x.Punch != nil {
		out["punch"] = explainedJSON(*x.Punch)
	}
	return out
}

func entryJSON(e projections.AuditEntry) map[string]any {
	return map[string]any{
		"position": e.Position, "event_id": e.EventID, "type": e.EventType, "stream": e.Stream.String(), "actor": e.Actor, "recorded_at": e.RecordedAt,
	}
}

func explainedJSON(p app.ExplainedPunch) map[string]any {
	recorded := p.Punch
	recorded.Counts, recorded.Voided = p.Recorded, false
	out := map[string]any{
		"punch_id": p.ID, "work_id": p.WorkID, "event_id": p.EventID, "position": p.Position, "counts": punchJSON(&p.Punch), "recorded": punchJSON(&recorded),
		"station": p.Station, "zone": p.Zone, "events": causesJSON(p.Causes), "leaf": p.Leaf,
	}
	switch {
	case p.Interval != nil:
		out["interval"] = map[string]any{
			"date": p.Interval.WorkDate, "seconds": p.Interval.Seconds, "in": p.Interval.In, "out": p.Interval.Out, "rule_version": p.Interval.RuleVersion,
		}
	case p.Exception != nil:
		out["exception"] = map[string]any{"date": p.Exception.WorkDate, "code": p.Exception.Code, "rule_version": p.Exception.RuleVersion}
	}
	return out
}

func dayJSON(d app.ExplainedDay, release httpapi.Release) map[string]any {
	list := func(punches []app.ExplainedPunch) []map[string]any {
		all := make([]map[string]any, 0, len(punches))
		for _, p := range punches {
			all = append(all, explainedJSON(p))
		}
		return all
	}
	intervals := make([]map[string]any, 0, len(d.Intervals))
	for _, i := range d.Intervals {
		intervals = append(intervals, map[string]any{
			"seconds": i.Seconds, "rule_version": i.RuleVersion, "start": i.Start, "end": i.End, "in": explainedJSON(i.InPunch), "out": explainedJSON(i.OutPunch),
		})
	}
	return map[string]any{
		"work_id": d.WorkID, "name": personalOf(d.Name, release), "date": d.Date, "seconds": d.Seconds, "rule_version": d.RuleVersion,
		"intervals": intervals, "exceptions": list(d.Exceptions), "others": list(d.Others),
		"declared": each(d.Declared, func(i app.ExplainedDeclaration) map[string]any {
			return map[string]any{
				"declaration_id": i.ID, "seconds": i.Seconds, "declared_seconds": i.Declared, "job": i.Job, "declared_job": i.Named, "voided": i.Voided, "origin": i.Origin,
				"position": i.Position, "corrected_position": i.Corrected, "reason": i.Reason, "leaf": i.Leaf,
			}
		}),
	}
}
