package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tracekeep/adapters/eventnode"
)

// eventStoreBackupCommand is `tracekeep eventstore backup`.
type eventStoreBackupCommand struct {
	storeChoice
	To   string `help:"Folder of backups; made when absent." required:"" placeholder:"DIR"`
	Keep int    `help:"How many backups stay in the folder, this one included; 0: all." placeholder:"N"`
	Copy bool   `help:"Copy also where a hard link would do: a link does not outlive the disk."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (eventStoreBackupCommand) Help() string {
	return `Takes a backup that is the store as it was at one position. A node that runs goes on serving (--connection); --data takes a
folder that no node has open. A folder of backups keeps every file once, under its SHA-256, so that a further backup costs what
changed. Each backup has a manifest (node, position, time, files with their hashes) and is verified before it counts; one that
was cut off does not look like a backup.

A backup holds personal values sealed, as the store does; the keys are not in it. What was erased since cannot be opened from it. Photos and documents are files of their own: back up the folder media/ of the data folder as
well, after the event store, so that it has every file that the events of the backup name.

Examples:
  tracekeep eventstore backup --data ./records --to /backup/events
  tracekeep eventstore backup --connection 'esdb://127.0.0.1:2113?tls=false' --to /backup/events --keep 7
  tracekeep eventstore restore --from /backup/events --data ./restored

Exit codes: 0 done and verified, 1 it failed, 2 wrong command line, 5 a node has the folder open.`
}

// Run takes a backup.
func (c eventStoreBackupCommand) Run(ctx context.Context, t *terminal) error {
	report, err := c.backup(ctx, t)
	if err != nil {
		return c.failed(err)
	}
	if c.JSON {
		return printJSON(t.out, report)
	}
	_, err = fmt.Fprintf(t.out, "backup %s up to position %d: %d files, %.1f MB; copied %d (%.1f MB), linked %d, removed %d older backups, in %s\n", report.Name, report.Position,
		report.Files, megabytes(report.Bytes), report.Copied, megabytes(report.CopiedBytes), report.Linked, report.Removed, report.Took.Round(time.Millisecond))
	return err
}

func (c eventStoreBackupCommand) backup(ctx context.Context, t *terminal) (eventnode.BackupReport, error) {
	show := phases(t)
	defer show.finish()
	options := eventnode.BackupOptions{Copy: c.Copy, Keep: c.Keep, Progress: func(phase string, done, total int64) { show.set(phase, done, total, true) }}
	if err := options.Validate(); err != nil {
		return eventnode.BackupReport{}, &coded{exitUsage, err}
	}
	node, err := c.node()
	if err != nil {
		return eventnode.BackupReport{}, err
	}
	if node == nil {
		return eventnode.Backup(ctx, c.config(t), c.To, options)
	}
	return eventnode.ReceiveBackup(ctx, c.To, options, t.clock, func(ctx context.Context, body []byte) (io.ReadCloser, error) {
		return node.stream(ctx, "/admin/backup", body)
	})
}

// eventStoreRestoreCommand is `tracekeep eventstore restore`.
type eventStoreRestoreCommand struct {
	From   string `help:"Folder of backups." required:"" placeholder:"DIR"`
	Data   string `help:"Folder for the restored event store; it must not exist, or be empty." xor:"what" required:"" placeholder:"DIR"`
	List   bool   `help:"Restore nothing: list the backups, the oldest first." xor:"what" required:""`
	Backup string `help:"Name of the backup; empty: the latest." placeholder:"NAME"`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (eventStoreRestoreCommand) Help() string {
	return `Makes a folder from a backup. Every file is held against its hash, and the folder against itself, before it takes its name; a
backup that is damaged, partial or of another format is refused with file and reason, and nothing is left behind.

The restored store is the backed-up one at an earlier moment and has the same node id. Whoever remembers a place behind it must go
back: read models are rebuilt. Never let it and the store it came from serve side by side.

Examples:
  tracekeep eventstore restore --from /backup/events --data ./restored
  tracekeep eventstore restore --from /backup/events --list
  tracekeep eventstore restore --from /backup/events --backup NAME --data ./restored --json

Exit codes: 0 restored and verified, 1 it failed, 4 the backup is damaged.`
}

// Run restores.
func (c eventStoreRestoreCommand) Run(ctx context.Context, t *terminal) error {
	if c.List {
		return c.list(t)
	}
	show := phases(t)
	report, err := eventnode.Restore(ctx, c.From, c.Data, eventnode.RestoreOptions{
		Name: c.Backup, Progress: func(phase string, done, total int64) { show.set(phase, done, total, true) },
	})
	show.finish()
	switch {
	case errors.Is(err, eventnode.ErrCorrupt):
		return &coded{exitDefect, err}
	case errors.Is(err, eventnode.ErrNotEmpty):
		return fmt.Errorf("%w; name a new folder with --data", err)
	case err != nil:
		return err
	}
	if c.JSON {
		return printJSON(t.out, report)
	}
	_, err = fmt.Fprintf(t.out, "restored backup %s: %d events of %d streams up to position %d, %.1f MB\n",
		report.Name, report.Events, report.Streams, report.Position, megabytes(report.Bytes))
	return err
}

func (c eventStoreRestoreCommand) list(t *terminal) error {
	kept, err := eventnode.ListBackups(c.From)
	if errors.Is(err, eventnode.ErrCorrupt) {
		return &coded{exitDefect, err}
	}
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(kept))
	for _, b := range kept {
		if c.JSON {
			if err := printJSON(t.out, b); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{b.Name, b.Taken.UTC().Format(time.RFC3339), fmt.Sprint(b.Position), fmt.Sprint(b.Files), fmt.Sprintf("%.1f", megabytes(b.Bytes))})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "BACKUP|TAKEN|POSITION|FILES|MB", rows)
}
