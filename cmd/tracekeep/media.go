package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain"
	"tracekeep/domain/media"
	"tracekeep/eventschema"
)

type mediaCommand struct {
	Attach mediaAttach `cmd:"" help:"Attach a photo or a document to a person."`
	List   mediaList   `cmd:"" help:"List what is kept of a person, and what was."`
	Read   mediaRead   `cmd:"" help:"Write the content of one item to a file, and record who read it and why."`
	Remove mediaRemove `cmd:"" help:"Remove one item: destroy its key and delete its file."`
	Verify mediaVerify `cmd:"" help:"Hold every stored file against the hash in its event. Needs no key."`
}

// Help implements kong's help provider.
func (mediaCommand) Help() string {
	return `Photos (JPEG, PNG) and documents (PDF) of people, each sealed under a key of its own. What a file is is told by its content.
Of an image everything is dropped but the picture and which way up it is: place, time, device, comments and thumbnails do not
come in. A PDF comes in as it is, unless it holds a photo with a camera's record.

A portrait takes the place of the one before. Removing an item, erasing a person and the end of retention destroy keys first and
delete files after; the event keeps the SHA-256 of the sealed file, which confirms no guess of what was in it.

media.json in the data folder changes what is taken in: {"photos": "forbidden", "most_bytes": 10485760}.
The folder media/ belongs into the backup, beside the event store; a backup of it without the keys opens nothing.

Examples:
  tracekeep media attach --data ./records --person 0b9c… --class safety_media --caption 'guard rail, dock 4' rail.jpg --officer 6d1e…
  tracekeep media attach --data ./records --person 0b9c… --class portrait portrait.png --officer 6d1e… --json
  tracekeep media list --data ./records --person 0b9c…
  tracekeep media read --data ./records --person 0b9c… --item 4f02… --reason incident_review --out rail.jpg --officer 6d1e…
  tracekeep media remove --data ./records --person 0b9c… --item 4f02… --reason no_longer_needed --officer 6d1e…
  tracekeep media verify --data ./records

Exit code 4: a stored file is missing, changed or named by no event (verify).`
}

// mediaFlags are what each command about a person's media needs.
type mediaFlags struct {
	dataFlags
	Person uuid.UUID `help:"Whose it is, by id." required:""`
	JSON   bool      `name:"json" help:"Print JSON."`
}

type mediaAttach struct {
	mediaFlags
	File    string    `arg:"" help:"The photo or document." type:"existingfile"`
	Class   string    `help:"What it is kept for: work_media, safety_media or portrait." enum:"work_media,safety_media,portrait" required:""`
	Caption string    `help:"What it shows; personal, and sealed like the rest."`
	Name    string    `help:"File name to keep; empty: that of the file."`
	Officer uuid.UUID `help:"Id of whoever answers for it." required:""`
	Key     string    `help:"Idempotency key: with the same key it is attached once; empty: every run attaches it anew." placeholder:"KEY"`
}

// Run attaches.
func (c mediaAttach) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) (err error) {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		key := c.Key
		if key == "" {
			key = uuid.NewString()
		}
		name := c.Name
		if name == "" {
			name = filepath.Base(c.File)
		}
		progress := newBar(t, "sealing", info.Size(), true)
		done := int64(0)
		attached, err := a.AttachMedia(ctx, httpapi.Intent{Principal: clerk(a, c.Officer), Key: "media " + key}, httpapi.MediaOrder{
			Person: c.Person, Class: eventschema.MediaClass(c.Class), Caption: eventschema.Clear(c.Caption), FileName: eventschema.Clear(name), ReceivedAt: t.clock(),
		}, &counted{from: file, each: func(n int) { done += int64(n); progress.set(done) }})
		progress.finish()
		if errors.Is(err, httpapi.ErrTooLarge) {
			return fmt.Errorf("the file has more than %d bytes, which is the most that is taken in here (most_bytes in media.json)", a.MediaLimit())
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{
				"item": attached.ItemID, "media_type": attached.MediaType, "sha256": attached.SHA256, "position": attached.Position, "repeated": attached.Repeated,
			})
		}
		_, err = fmt.Fprintf(t.out, "attached %s as item %s\n", attached.MediaType, attached.ItemID)
		return err
	})
}

// counted tells how much was read.
type counted struct {
	from io.Reader
	each func(n int)
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.each(n)
	return n, err
}

type mediaList struct {
	mediaFlags
}

// Run lists.
func (c mediaList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		views, err := a.MediaOf(ctx, operator(a), c.Person)
		if err != nil {
			return err
		}
		var values []httpapi.Personal
		for _, view := range views {
			values = append(values, view.Values()...)
		}
		release, err := released(ctx, a, "media-list", values...)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, view := range views {
			if c.JSON {
				if err := printJSON(t.out, mediaJSON(view, release)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{
				view.ItemID.String(), string(view.Class), string(view.MediaType), view.AttachedAt.Format(time.RFC3339), mediaState(view),
				shown(view.Bytes, release), shown(view.FileName, release), shown(view.Caption, release),
			})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "ITEM|CLASS|TYPE|ATTACHED AT|STATE|BYTES|FILE NAME|CAPTION", rows)
	})
}

func mediaState(view httpapi.MediaView) string {
	switch {
	case view.RemovedAt != nil:
		return "removed"
	case view.RemovalRequestedAt != nil:
		return "being removed"
	}
	return "kept"
}

func mediaJSON(view httpapi.MediaView, release httpapi.Release) map[string]any {
	said := map[string]any{
		"item": view.ItemID, "class": view.Class, "media_type": view.MediaType, "sha256": view.SHA256, "stored_bytes": view.StoredBytes,
		"attached_at": view.AttachedAt, "attached_by": view.AttachedBy, "state": strings.ReplaceAll(mediaState(view), " ", "_"), "position": view.Position,
		"bytes": personalOf(view.Bytes, release), "file_name": personalOf(view.FileName, release), "caption": personalOf(view.Caption, release),
	}
	if view.RemovedAt != nil {
		said["removed_at"], said["removed_under"] = view.RemovedAt, view.RemovedUnder
	}
	return said
}

type mediaRead struct {
	mediaFlags
	Item    uuid.UUID `help:"The item; left out: the portrait."`
	Reason  string    `help:"Why it is read, a code; it stands in the reading that is recorded." required:"" placeholder:"CODE"`
	Out     string    `help:"File to write; it must not exist." required:"" placeholder:"FILE"`
	Officer uuid.UUID `help:"Id of whoever reads." required:""`
}

// Run reads. A file that could not be written whole is removed.
func (c mediaRead) Run(ctx context.Context, t *terminal) error {
	if !domain.IsCode(c.Reason) || len(c.Reason) > 48 {
		return &coded{code: exitUsage, err: fmt.Errorf("--reason: %w", media.ErrReason)}
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		out, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		var begun httpapi.MediaBegun
		err = a.ReadMedia(ctx, clerk(a, c.Officer), httpapi.MediaQuestion{
			Person: c.Person, Item: c.Item, Operation: "media-read-" + strings.ReplaceAll(c.Reason, "_", "-"),
		}, func(b httpapi.MediaBegun) { begun = b }, out)
		if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
			return errors.Join(noMedia(err), os.Remove(c.Out))
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"item": begun.ItemID, "media_type": begun.MediaType, "bytes": begun.Bytes, "file": c.Out})
		}
		_, err = fmt.Fprintf(t.out, "%s, %d bytes, written to %s\n", begun.MediaType, begun.Bytes, c.Out)
		return err
	})
}

func noMedia(err error) error {
	if errors.Is(err, httpapi.ErrNotFound) {
		return fmt.Errorf("nothing of the kind is kept of this person (tracekeep media list): %w", err)
	}
	return err
}

type mediaRemove struct {
	mediaFlags
	Item    uuid.UUID     `help:"The item." required:""`
	Reason  string        `help:"Why it goes, a code." required:"" placeholder:"CODE"`
	Officer uuid.UUID     `help:"Id of whoever answers for it." required:""`
	Wait    time.Duration `help:"How long to wait for the certificate of the removal." default:"30s"`
}

// Run removes, and waits until the key is gone. A legal hold stops the case, not the
// command.
func (c mediaRemove) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		asked, err := a.RemoveMedia(ctx, httpapi.Intent{Principal: clerk(a, c.Officer), Key: "remove " + uuid.NewString()}, httpapi.MediaRemoval{
			Person: c.Person, Item: c.Item, Reason: c.Reason, ReceivedAt: t.clock(),
		})
		if err != nil {
			return noMedia(err)
		}
		waiting, cancel := context.WithTimeout(ctx, c.Wait)
		defer cancel()
		status, err := a.AwaitRemoval(waiting, asked.CaseID)
		if err != nil {
			return fmt.Errorf("the removal was asked for and goes on by itself (tracekeep cases show %s): %w", asked.CaseID, err)
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"item": c.Item, "case": asked.CaseID, "status": status, "position": asked.Position})
		}
		_, err = fmt.Fprintf(t.out, "item %s: case %s is %s\n", c.Item, asked.CaseID, strings.ReplaceAll(string(status), "_", " "))
		return err
	})
}

type mediaVerify struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Run verifies.
func (c mediaVerify) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		progress := newBar(t, "verifying", 0, false)
		report, err := a.VerifyMedia(ctx, func(done int) { progress.set(int64(done)) })
		progress.finish()
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(t.out, report)
		} else {
			err = printMediaReport(t.out, report)
		}
		if err == nil && !report.OK {
			err = &coded{code: exitDefect, err: fmt.Errorf("%d stored files are not as their events say", len(report.Defects))}
		}
		return err
	})
}

func printMediaReport(w io.Writer, report app.MediaReport) error {
	_, err := fmt.Fprintf(w, "%d files kept, %.1f MB, all held against their events; %d removed\n", report.Kept, megabytes(report.Bytes), report.Removed)
	if err != nil || report.OK {
		return err
	}
	rows := make([][]string, len(report.Defects))
	for i, d := range report.Defects {
		rows[i] = []string{strconv.Itoa(i + 1), d.ItemID.String(), strings.ReplaceAll(d.Defect, "_", " ")}
	}
	return table(w, "|ITEM|DEFECT", rows)
}
