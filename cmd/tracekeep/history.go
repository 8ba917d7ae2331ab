package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type historyCommand struct {
	dataFlags
	Person    string `arg:"" help:"The person: an id, or a part of the name."`
	Locations bool   `help:"Only the points that were kept with punches: why each is held, what became of it, and what the fence of its site said."`
	Limit     int    `help:"At most so many events, oldest first; 0 means all." default:"0"`
	JSON      bool   `name:"json" help:"Print one JSON object for each event."`
}

// Help implements kong's help provider.
func (historyCommand) Help() string {
	return `Shows who recorded what, when, why and at which station, and where it stands in the log and in the trail. Of an erased
person the events remain; the personal values say erased, with the case and the leaf of its certificate. tracekeep
explain tells more of one event.

Examples:
  tracekeep history --data ./records ana
  tracekeep history --data ./records 0b9c… --json | jq .type
  tracekeep history --data ./records 0b9c… --locations`
}

// Run prints the history.
func (c historyCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		found, err := a.FindPerson(ctx, operator(a), c.Person)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
		}
		if c.Locations {
			return printLocations(ctx, t.out, a, found[0], c.Limit, c.JSON)
		}
		return printHistory(ctx, t.out, a, found[0], c.Limit, c.JSON)
	})
}

func printHistory(ctx context.Context, w io.Writer, a *app.App, who httpapi.PersonView, limit int, asJSON bool) error {
	const page = 500
	after, printed := uint64(0), 0
	for limit == 0 || printed < limit {
		size := page
		if limit > 0 {
			size = min(page, limit-printed)
		}
		events, err := a.History(ctx, operator(a), who.PersonID, after, size)
		if err != nil {
			return err
		}
		var values []httpapi.Personal
		for _, e := range events {
			values = append(values, e.Values()...)
		}
		release, err := released(ctx, a, "history", values...)
		if err != nil {
			return err
		}
		positions := make([]uint64, len(events))
		for i := range events {
			positions[i] = events[i].Position
		}
		leaves, err := a.Leaves(positions...)
		if err != nil {
			return err
		}
		for _, e := range events {
			printed++
			var leaf *uint64
			if found, covered := leaves[e.Position]; covered {
				leaf = &found
			}
			if asJSON {
				err = printJSON(w, historyJSON(e, leaf, release))
			} else {
				_, err = fmt.Fprintln(w, historyLine(e, leaf, release))
			}
			if err != nil {
				return err
			}
			after = e.Position
		}
		if len(events) < size {
			return nil
		}
	}
	return nil
}

func historyJSON(e httpapi.EventView, leaf *uint64, release httpapi.Release) map[string]any {
	personal := map[string]personalJSON{}
	for _, p := range e.Personal {
		personal[p.Section+"."+p.Field] = personalOf(p.Value, release)
	}
	return map[string]any{
		"position": e.Position, "stream": e.Stream, "revision": e.Revision, "event_id": e.EventID, "type": e.Type,
		"recorded_at": e.RecordedAt, "actor": e.Actor, "facts": json.RawMessage(e.Facts), "personal": personal,
		"correlation_id": e.CorrelationID, "causation_id": e.CausationID, "leaf": leaf,
	}
}

func historyLine(e httpapi.EventView, leaf *uint64, release httpapi.Release) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%12d  %s  %-22s by %s", e.Position, e.RecordedAt.Format(time.RFC3339), e.Type, e.Actor.Role)
	for _, fact := range []string{"occurred_at", "direction", "kind", "station", "reason", "notice_version"} {
		if value := factOf(e.Facts, fact); value != "" {
			b.WriteString("  " + value)
		}
	}
	for _, p := range e.Personal {
		fmt.Fprintf(&b, "  %s=%s", p.Field, shown(p.Value, release))
	}
	if leaf != nil {
		fmt.Fprintf(&b, "  leaf %d", *leaf)
	}
	return b.String()
}

func factOf(facts []byte, name string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(facts, &all) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(all[name], &text) != nil {
		return ""
	}
	return text
}
