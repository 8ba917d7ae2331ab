package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"time"

	"tracekeep/cmd/internal/app"
)

type replayCommand struct {
	dataFlags
	Until  time.Time `help:"Only what was recorded up to this instant, RFC 3339." format:"2006-01-02T15:04:05Z07:00"`
	Stream string    `help:"Print the events of this stream instead, one JSON object each, as stored." placeholder:"NAME"`
	JSON   bool      `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (replayCommand) Help() string {
	return `Reads every event from the beginning, decodes it, folds it with the rules that decided it, and counts. It needs neither
the read models nor any key: whatever was erased, the log replays.

Examples:
  tracekeep replay --data ./records
  tracekeep replay --data ./records --until 2026-03-01T00:00:00Z --json
  tracekeep replay --data ./records --stream punches-…`
}

// Run replays.
func (c replayCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if c.Stream != "" {
			return a.ReplayStream(ctx, c.Stream, func(e app.StoredEvent) error { return printJSON(t.out, e) })
		}
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
	})
}
