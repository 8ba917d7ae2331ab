package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"tracekeep/adapters/postgres"
	"tracekeep/cmd/internal/app"
)

type replayCommand struct {
	dataFlags
	momentFlags
	List   bool      `help:"List the moments that were replayed and kept."`
	Drop   string    `help:"Drop one of them by its id, or all." placeholder:"ID"`
	Until  time.Time `help:"Only what was recorded up to this instant, RFC 3339." format:"2006-01-02T15:04:05Z07:00"`
	Stream string    `help:"Print the events of this stream instead, one JSON object each, as stored." placeholder:"NAME"`
	JSON   bool      `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (replayCommand) Help() string {
	return `Reads every event from the beginning, decodes it, folds it with the rules that decided it, and counts. It needs neither
the read models nor any key: whatever was erased, the log replays.

With --as-of or --known-at it fills read models of their own with the world at that moment and keeps them, so that
tracekeep query and tracekeep diff answer from them at once.

` + momentHelp + `

Examples:
  tracekeep replay --data ./records
  tracekeep replay --data ./records --until 2026-03-01T00:00:00Z --json
  tracekeep replay --data ./records --as-of 2026-03-01 --known-at 2026-04-01T09:00:00Z
  tracekeep replay --data ./records --list
  tracekeep replay --data ./records --drop all
  tracekeep replay --data ./records --stream punches-…`
}

// Run replays.
func (c replayCommand) Run(ctx context.Context, t *terminal) error {
	_, moment, err := c.moment()
	switch {
	case err != nil:
		return err
	case moment:
		return c.inWorld(ctx, t, c.dataFlags, func(_ context.Context, _ *app.App, w *app.World) error {
			made, fresh, _ := w.Replay()
			return c.printReplay(t, made, fresh)
		})
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		switch {
		case c.List:
			return c.list(ctx, t, a)
		case c.Drop != "":
			return c.drop(ctx, t, a)
		case c.Stream != "":
			return a.ReplayStream(ctx, c.Stream, func(e app.StoredEvent) error { return printJSON(t.out, e) })
		}
		return c.count(ctx, t, a)
	})
}

func (c replayCommand) count(ctx context.Context, t *terminal, a *app.App) error {
	progress := newBar(t, "replaying", 0, false)
	replay, err := a.Replay(ctx, c.Until, func(done uint64) { progress.set(int64(done)) }) //nolint:gosec // an event count
	progress.finish()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, replay)
	}
	names := make([]string, 0, len(replay.ByType))
	for name := range replay.ByType {
		names = append(names, name)
	}
	sort.Strings(names)
	rows := make([][]string, 0, len(names))
	for _, name := range names {
		rows = append(rows, []string{name, strconv.FormatUint(replay.ByType[name], 10)})
	}
	if err := table(t.out, "EVENT|COUNT", rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%d events of %d streams up to position %d, replayed in %s (%.0f events/s)\n",
		replay.Events, replay.Streams, replay.LastPosition, time.Duration(replay.Seconds*float64(time.Second)).Round(time.Millisecond),
		float64(replay.Events)/max(replay.Seconds, 1e-9))
	return err
}

// replayJSON describes one replay.
type replayJSON struct {
	ID       string     `json:"id"`
	AsOf     *time.Time `json:"as_of,omitempty"`
	KnownAt  *time.Time `json:"known_at,omitempty"`
	Events   uint64     `json:"events"`
	Position uint64     `json:"position"`
	MadeAt   time.Time  `json:"made_at"`
	Bytes    int64      `json:"bytes"`
	Made     bool       `json:"made,omitempty"` // by this command, not found
}

func replayOf(r postgres.Replay) replayJSON {
	told := replayJSON{ID: r.ID, Events: r.Events, Position: r.Position, MadeAt: r.MadeAt, Bytes: r.Bytes}
	if !r.Moment.AsOf.IsZero() {
		told.AsOf = &r.Moment.AsOf
	}
	if !r.Moment.KnownAt.IsZero() {
		told.KnownAt = &r.Moment.KnownAt
	}
	return told
}

func (c replayCommand) printReplay(t *terminal, made postgres.Replay, fresh bool) error {
	if c.JSON {
		told := replayOf(made)
		told.Made = fresh
		return printJSON(t.out, told)
	}
	how := "found as it was made at " + made.MadeAt.Format(time.RFC3339)
	if fresh {
		how = "made"
	}
	_, err := fmt.Fprintf(t.out, "the world %s: %d events, %s; replay %s\n", toldMoment(made.Moment), made.Events, how, made.ID)
	return err
}

func (c replayCommand) list(ctx context.Context, t *terminal, a *app.App) error {
	replays, err := a.Replays(ctx)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(replays))
	for _, r := range replays {
		if c.JSON {
			if err := printJSON(t.out, replayOf(r)); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{r.ID, toldMoment(r.Moment), strconv.FormatUint(r.Events, 10), r.MadeAt.Format(time.RFC3339), fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6)})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "ID|WORLD|EVENTS|MADE|SIZE", rows)
}

func (c replayCommand) drop(ctx context.Context, t *terminal, a *app.App) error {
	ids := []string{c.Drop}
	if c.Drop == "all" {
		replays, err := a.Replays(ctx)
		if err != nil {
			return err
		}
		ids = ids[:0]
		for _, r := range replays {
			ids = append(ids, r.ID)
		}
	}
	for _, id := range ids {
		err := a.DropReplay(ctx, id)
		if errors.Is(err, postgres.ErrNoReplay) {
			return fmt.Errorf("no replay has the id %q; tracekeep replay --list shows them", printable(id))
		}
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"dropped": ids})
	}
	_, err := fmt.Fprintf(t.out, "dropped %d replays\n", len(ids))
	return err
}
