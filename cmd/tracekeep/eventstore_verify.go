package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tracekeep/adapters/eventnode"
)

// eventStoreVerifyCommand is `tracekeep eventstore verify`.
type eventStoreVerifyCommand struct {
	Data string `help:"Data folder, or the folder of an embedded event store or of a backup of one." env:"TRACEKEEP_DATA" placeholder:"DIR" required:""`
	JSON bool   `name:"json" help:"Print one JSON object for each defect, and one for the result."`
}

// Help implements kong's help provider.
func (eventStoreVerifyCommand) Help() string {
	return `Reads everything in the folder of the embedded event store and holds it against itself: the files against what the last
clean stop left, every block of every table and every record against its checksum, revisions, the stream index, the heads and
names of streams, persistent subscriptions. Nothing is written. A node that runs on the folder must be stopped first; a backup
can be verified at any time.

Each defect is named by kind, file, position, stream and revision, as far as they are known:
  file      a file is damaged, missing or does not belong there
  end       the log ends before what was on the disk
  record    a record does not decode, or its checksum differs
  hole      records between two others are missing from the log
  order     a creation time goes back along the log
  index     the stream index and the log tell different stories
  revision  a stream has a gap
  head      the head of a stream is not what its events say
  name      names and numbers of streams do not match
  group     settings or checkpoint of a persistent subscription
  key       a key that no version of tracekeep writes

Examples:
  tracekeep eventstore verify --data ./records
  tracekeep eventstore verify --data /backup/events --json

Exit codes: 0 nothing is wrong, 1 the folder could not be read or holds no event store, 4 a defect was found, 5 a node has the
folder open. After a defect: keep the folder as it is, and restore a backup that verifies.`
}

// Run verifies.
func (c eventStoreVerifyCommand) Run(ctx context.Context, t *terminal) error {
	var printed error
	progress := &bar{}
	cfg := eventnode.VerifyConfig{Dir: eventStoreFolder(c.Data)}
	cfg.Found = func(d eventnode.Defect) {
		if c.JSON {
			printed = errors.Join(printed, printJSON(t.out, d))
			return
		}
		_, err := fmt.Fprintln(t.out, d)
		printed = errors.Join(printed, err)
	}
	cfg.Progress = func(done, total int64) {
		if progress.shown == nil {
			progress = newBar(t, "verifying", total, true)
		}
		progress.setTotal(total)
		progress.set(done)
	}
	report, err := eventnode.Verify(ctx, cfg)
	progress.finish()
	switch {
	case errors.Is(err, eventnode.ErrLocked):
		return &coded{code: exitInUse, err: fmt.Errorf("%w; stop it, or verify a backup", err)}
	case err != nil || printed != nil:
		return errors.Join(err, printed)
	}
	if err := c.print(t, report); err != nil {
		return err
	}
	if report.Defects > 0 {
		return &coded{code: exitDefect, err: fmt.Errorf("the event store does not hold: %d defects", report.Defects)}
	}
	return nil
}

func (c eventStoreVerifyCommand) print(t *terminal, report eventnode.VerifyReport) error {
	if c.JSON {
		return printJSON(t.out, report)
	}
	if report.Defects > 0 {
		return nil
	}
	for _, name := range report.Leftovers {
		if _, err := fmt.Fprintf(t.out, "note: %s is in use no more; the next start removes it\n", name); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(t.out, "verified: %d events of %d streams up to position %d, %d tables, %d MB\n",
		report.Events, report.Streams, report.Position, report.Tables, report.Bytes>>20)
	return err
}

// eventStoreFolder is where a data folder keeps its embedded event store; a
// folder that is no data folder is taken as it is.
func eventStoreFolder(data string) string {
	if inside := filepath.Join(data, "events"); isFolder(inside) {
		return inside
	}
	return data
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
