package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tracekeep/adapters/eventnode"
)

// eventStoreBackupCommand is `tracekeep eventstore backup`.
type eventStoreBackupCommand struct {
	storeFlags
	To   string `help:"Folder of backups; made when absent." placeholder:"DIR" required:""`
	Copy bool   `help:"Copy tables also where a hard link would do, so that the backup outlives the disk blocks of the store."`
	Keep int    `help:"Keep so many of the latest backups and remove the others; 0 keeps all." default:"0" placeholder:"N"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (eventStoreBackupCommand) Help() string {
	return `Adds a backup of an event store to a folder of backups, while the node serves (--connection) or while nobody has its folder
open (--data). Everything that was acknowledged before is in it, and every append is in it wholly or not at all. A file that the
folder has already is not brought again: later backups cost what is new. Every byte is read again before the backup counts;
cut off at any moment it leaves none that looks whole.

On the same file system tables become hard links, which cost nothing and guard against mistakes, but not against the loss of the
disk: put the folder on another one, or elsewhere with --connection. Of a secure node only members of $admins get a backup,
because it has every stream.

Values that are sealed in the store are sealed in the backup, and their keys are not in it: back the keys up on their own, and
let those backups expire first. Of passwords of the store's users it has the hashes. A scavenge does not reach into backups: what it removed is in those that were taken before,
until --keep removes them.

Examples:
  tracekeep eventstore backup --data ./records --to /backup/events
  tracekeep eventstore backup --connection 'esdb://127.0.0.1:2113?tls=false' --to /backup/events --keep 14
  tracekeep eventstore backup --connection 'esdb://admin:…@store.example:2113?tls=true&tlsCAFile=ca.crt' --to /backup/events --json

Exit codes: 0 the backup is whole and on the disk, 1 it is not, 2 wrong command line, 5 the folder is open and where it is served
was not said, or another backup is being written to the same folder.`
}

// Run takes a backup.
func (c eventStoreBackupCommand) Run(ctx context.Context, t *terminal) error {
	shown := &phases{t: t, bytes: true}
	o := eventnode.BackupOptions{Copy: c.Copy, Keep: c.Keep, Progress: shown.tell}
	if err := o.Validate(); err != nil {
		return &coded{exitUsage, errors.New("--keep must not be less than 0")}
	}
	var report eventnode.BackupReport
	err := c.offlineOrOnline(t, func(cfg eventnode.Config) (err error) {
		report, err = eventnode.Backup(ctx, cfg, c.To, o)
		return err
	}, func(node *nodeClient) (err error) {
		fetch := func(ctx context.Context, body []byte) (io.ReadCloser, error) {
			return node.ask(ctx, http.MethodPost, "/admin/backup", body)
		}
		report, err = eventnode.ReceiveBackup(ctx, c.To, o, t.clock, fetch)
		return err
	})
	shown.finish()
	if errors.Is(err, eventnode.ErrBackupsInUse) {
		return &coded{exitInUse, err}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, report)
	}
	_, err = fmt.Fprintf(t.out, "backup %s: everything up to position %d, %d files, %s; %d files copied (%s), %d linked, in %s\n",
		report.Name, report.Position, report.Files, megabytes(report.Bytes), report.Copied, megabytes(report.CopiedBytes), report.Linked,
		seconds(report.Took))
	if err == nil && report.Removed > 0 {
		_, err = fmt.Fprintf(t.out, "%d older backups were removed\n", report.Removed)
	}
	return err
}

// eventStoreRestoreCommand is `tracekeep eventstore restore`.
type eventStoreRestoreCommand struct {
	From   string `help:"Folder of backups." placeholder:"DIR" required:""`
	Data   string `help:"Folder of the event store to make; it must not exist or be empty." placeholder:"DIR"`
	Backup string `help:"Name of the backup; empty: the latest." placeholder:"NAME"`
	List   bool   `help:"List the backups in the folder instead."`
	JSON   bool   `name:"json" help:"Print JSON: one object, with --list one for each backup."`
}

// Help implements kong's help provider.
func (eventStoreRestoreCommand) Help() string {
	return `Makes the folder of an event store from a backup. Every file is held against its hash, and the restored store is verified as
"tracekeep eventstore verify" does, before the folder takes its name: a backup that is damaged, partial or of another format is
refused, with the file and the reason. The backup itself is only read.

The restored store is the old one at an earlier moment, with the same node id. It gives out anew the positions behind that moment.
Whoever remembers a place behind it must go back: rebuild the read models (tracekeep rebuild), and let followers of other systems
start again from the position that is printed. Never serve it beside the store it came from.

Examples:
  tracekeep eventstore restore --from /backup/events --list
  tracekeep eventstore restore --from /backup/events --data ./restored
  tracekeep eventstore restore --from /backup/events --data ./restored --backup 20260301T120000.000000000Z-48213

Exit codes: 0 restored and verified, 1 there is no such backup or the folder is not empty, 2 wrong command line, 4 the backup is
damaged, partial or of another format.`
}

// Run restores or lists.
func (c eventStoreRestoreCommand) Run(ctx context.Context, t *terminal) error {
	if c.List {
		return c.list(t)
	}
	if c.Data == "" {
		return &coded{exitUsage, errors.New("name the folder to make with --data DIR, or --list the backups")}
	}
	if _, err := os.Stat(filepath.Join(c.Data, "tenant.json")); err == nil {
		return &coded{exitUsage, fmt.Errorf("%s is the data folder of a whole tracekeep, whose read models and trail belong to the events in it; "+
			"restore to a new folder", c.Data)}
	}
	shown := &phases{t: t, bytes: true}
	began := t.clock()
	report, err := eventnode.Restore(ctx, c.From, c.Data, eventnode.RestoreOptions{Name: c.Backup, Progress: shown.tell})
	shown.finish()
	if err != nil {
		return refusedBackup(err)
	}
	report.Took = t.clock().Sub(began)
	if c.JSON {
		return printJSON(t.out, report)
	}
	_, err = fmt.Fprintf(t.out, "restored %s to %s: %d events of %d streams up to position %d, verified, in %s\n",
		report.Name, c.Data, report.Events, report.Streams, report.Position, seconds(report.Took))
	return err
}

// refusedBackup gives a backup that does not hold its exit code.
func refusedBackup(err error) error {
	if errors.Is(err, eventnode.ErrCorrupt) || errors.Is(err, eventnode.ErrUnknownFormat) {
		return &coded{exitDefect, err}
	}
	return err
}

func (c eventStoreRestoreCommand) list(t *terminal) error {
	all, err := eventnode.ListBackups(c.From)
	if err != nil {
		return refusedBackup(err)
	}
	if c.JSON {
		for _, b := range all {
			if err := printJSON(t.out, b); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, len(all))
	for i, b := range all {
		rows[i] = []string{b.Name, b.Taken.Format(time.RFC3339), strconv.FormatInt(b.Position, 10), strconv.Itoa(b.Files), megabytes(b.Bytes)}
	}
	return table(t.out, "BACKUP|TAKEN|POSITION|FILES|SIZE", rows)
}
