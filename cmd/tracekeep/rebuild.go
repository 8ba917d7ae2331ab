package main

import (
	"context"
	"fmt"

	"tracekeep/cmd/internal/app"
)

type rebuildCommand struct {
	dataFlags
	Check bool `help:"Rebuild beside the live read models and compare row by row; change nothing."`
	JSON  bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (rebuildCommand) Help() string {
	return `Fills every read model from an empty schema by reading the whole log, then switches to it in one transaction. Readers see
the old rows until then. A rebuild that was killed leaves the live read models as they were, and the next one begins anew.
Read models of another release are rebuilt by tracekeep serve itself, while the old ones go on answering.

--check names every row that differs by its key, which is never a personal value: missing, extra, or different.

Examples:
  tracekeep rebuild --data ./records
  tracekeep rebuild --data ./records --check

Exit code 4: --check found a difference.`
}

// Run rebuilds or compares.
func (c rebuildCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if c.Check {
			return c.check(ctx, t, a)
		}
		progress, err := newLogBar(ctx, t, a, "rebuilding")
		if err != nil {
			return err
		}
		rebuilt, err := a.Rebuild(ctx, progress.set)
		progress.finish()
		if err != nil {
			return err
		}
		rate := float64(rebuilt.Events) / max(rebuilt.Duration.Seconds(), 1e-9)
		if c.JSON {
			return printJSON(t.out, map[string]any{"events": rebuilt.Events, "seconds": rebuilt.Duration.Seconds(), "events_per_second": rate})
		}
		_, err = fmt.Fprintf(t.out, "rebuilt from %d events in %s (%.0f events/s)\n", rebuilt.Events, rebuilt.Duration.Round(1e6), rate)
		return err
	})
}

func (c rebuildCommand) check(ctx context.Context, t *terminal, a *app.App) error {
	if err := a.CatchUp(ctx, nil); err != nil {
		return err
	}
	progress, err := newLogBar(ctx, t, a, "comparing")
	if err != nil {
		return err
	}
	differences, err := a.CheckModels(ctx, progress.set)
	progress.finish()
	if err != nil {
		return err
	}
	for _, d := range differences {
		if c.JSON {
			if err := printJSON(t.out, map[string]any{"table": d.Table, "key": d.Key, "kind": d.Kind}); err != nil {
				return err
			}
			continue
		}
		_, _ = fmt.Fprintf(t.out, "%s row of %s: %s\n", d.Kind, d.Table, d.Key)
	}
	if len(differences) > 0 {
		return &coded{code: exitDefect, err: fmt.Errorf("the live read models differ from a rebuild in %d rows; tracekeep rebuild puts them right", len(differences))}
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"equal": true})
	}
	_, err = fmt.Fprintln(t.out, "the live read models equal a rebuild")
	return err
}
