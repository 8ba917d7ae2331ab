package main

import (
	"context"
	"fmt"
	"os"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type verifyCommand struct {
	dataFlags
	Earlier []string `help:"A signed checkpoint that was handed out; the trail must continue it. Repeatable." type:"existingfile" placeholder:"FILE"`
	Proof   uint64   `help:"Prove the one event at this log position instead, and print the proof." placeholder:"POSITION"`
	JSON    bool     `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (verifyCommand) Help() string {
	return `Reads the whole event store, computes every leaf of the trail again and holds it against the tiles on disk and
against the signed checkpoint. Erased values do not matter: the trail commits to events as they are stored. Events that the store
removed are accounted for where a listing in the trail names them (tracekeep audit list-removals).

A trail and a store that were rolled back together, or written anew with the key of the trail, look whole: --earlier, with a
checkpoint from outside, finds that. Of several, the last that the trail continues and the first that it does not say where.

Examples:
  tracekeep verify --data ./records
  tracekeep verify --data ./records --json
  tracekeep verify --data ./records --earlier checkpoint-2025
  tracekeep verify --data ./records --proof 48213

Exit code 4: a defect was found; the first bad position and its kind are printed.`
}

// Run verifies.
func (c verifyCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if c.Proof > 0 {
			return c.prove(ctx, t, a)
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		held, err := c.held()
		if err != nil {
			return err
		}
		progress := newBar(t, "verifying", 0, false)
		report, err := a.Verify(ctx, func(done uint64) { progress.set(int64(done)) }, held...) //nolint:gosec // an event count
		progress.finish()
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(t.out, report); err != nil {
				return err
			}
		} else {
			printReport(t, report)
		}
		if !report.OK {
			return &coded{code: exitDefect, err: fmt.Errorf("the trail does not hold: %d findings", len(report.Findings))}
		}
		return nil
	})
}

// held reads what was handed out earlier.
func (c verifyCommand) held() (texts []string, err error) {
	for _, name := range c.Earlier {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--earlier: %w", err)
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

func printReport(t *terminal, report app.TrailReport) {
	if report.OK {
		_, _ = fmt.Fprintf(t.out, "verified: %d events, %d leaves, root %s\n", report.Events, report.Leaves, report.Root)
		if report.Removed > 0 {
			_, _ = fmt.Fprintf(t.out, "%d events of %d streams were removed as listed\n", report.Removed, report.RemovedStreams)
		}
		return
	}
	for _, f := range report.Findings {
		where := fmt.Sprintf("position %d, leaf %d", f.Position, f.Leaf)
		if f.Stream != "" {
			where += fmt.Sprintf(", %s revision %d", f.Stream, f.Revision)
		}
		_, _ = fmt.Fprintf(t.out, "%s: %s: %s\n", where, f.Kind, f.Detail)
	}
}

func (c verifyCommand) prove(ctx context.Context, t *terminal, a *app.App) error {
	proof, err := a.Proof(ctx, httpapi.Principal{Tenant: a.Tenant()}, c.Proof)
	if err != nil {
		return fmt.Errorf("prove position %d: %w", c.Proof, err)
	}
	return printJSON(t.out, map[string]any{
		"position": proof.Position, "leaf": proof.Leaf, "leaf_hash": proof.LeafHash, "tree_size": proof.TreeSize,
		"hashes": proof.Hashes, "checkpoint": proof.Checkpoint,
	})
}
