package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"tracekeep/cmd/internal/app"
	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
)

// auditCommand is what an auditor is given, and what keeps the trail in order.
type auditCommand struct {
	Export       auditExportCommand     `cmd:"" help:"Write events, and what proves them, to one file for an auditor."`
	VerifyBundle auditVerifyCommand     `cmd:"" name:"verify-bundle" help:"Check such a file, as tracekeep-verify does."`
	Checkpoint   auditCheckpointCommand `cmd:"" help:"Print the newest signed checkpoint, to be kept outside the house."`
	ListRemovals auditRemovalsCommand   `cmd:"" name:"list-removals" help:"List in the trail what the next scavenge may remove. Belongs before every scavenge."`
	ChangeKey    auditKeyCommand        `cmd:"" name:"change-key" help:"Give the trail a new key and destroy the old one."`
	MakeCosigner auditCosignerCommand   `cmd:"" name:"make-cosigner" help:"Have the trail sign its checkpoints with an ML-DSA-44 key as well."`
	MakeWitness  auditWitnessCommand    `cmd:"" name:"make-witness" help:"As a witness: make a key to cosign checkpoints with."`
	Cosign       auditCosignCommand     `cmd:"" help:"As a witness: check a bundle, and cosign its checkpoint if it continues the last one."`
}

type auditExportCommand struct {
	dataFlags
	Out     string   `help:"New file to write." placeholder:"FILE" required:""`
	All     bool     `help:"The whole log." xor:"what"`
	Person  string   `help:"The streams about one person: an id, or a part of the name." xor:"what" placeholder:"PERSON"`
	Site    string   `help:"The punches of everybody who punched at a station." xor:"what" placeholder:"STATION"`
	From    string   `help:"Every event from here on: a position, a date (UTC) or an instant." placeholder:"POSITION|DATE"`
	To      string   `help:"Every event up to here, included." placeholder:"POSITION|DATE"`
	Earlier []string `help:"A signed checkpoint that the auditor kept; the bundle proves that the log continues it, and carries what witnesses signed on it. Repeatable." type:"existingfile" placeholder:"FILE"`
	JSON    bool     `name:"json" help:"Print one JSON object."`
	auditOpenFlags
}

// auditOpenFlags say why values are opened. They go together.
type auditOpenFlags struct {
	Open       []string  `help:"Open the values of --person that are held for this purpose; may be repeated. Needs --officer, --recipient, --ground and --interest, and is recorded as a disclosure." placeholder:"PURPOSE"`
	Use        string    `help:"What they are opened for: audit or legal_claim." enum:"audit,legal_claim" default:"audit"`
	Officer    uuid.UUID `help:"Id of who gives the values away." placeholder:"ID"`
	Recipient  string    `help:"Code of the recipient, never a person's name." placeholder:"CODE"`
	Ground     string    `help:"Ground of the disclosure; see tracekeep disclose record." placeholder:"GROUND"`
	Interest   string    `help:"The legitimate interest, as a code." placeholder:"CODE"`
	Instrument string    `help:"File number of a court's order or an authority's demand." placeholder:"NUMBER"`
	Reference  string    `help:"Under which the recipient knows the disclosure." placeholder:"NUMBER"`
	ApprovedBy uuid.UUID `name:"approved-by" help:"Id of the second person of a disclosure for legal reasons." placeholder:"ID"`
}

func (f auditOpenFlags) validate(person bool) error {
	given := f.Officer != uuid.Nil || f.Recipient+f.Ground+f.Interest+f.Instrument+f.Reference != "" || f.ApprovedBy != uuid.Nil
	switch {
	case len(f.Open) == 0 && given:
		return errors.New("--officer, --recipient and the others say why values are opened: they go with --open")
	case len(f.Open) == 0:
		return nil
	case !person:
		return errors.New("--open goes with --person: a disclosure is about one person")
	case f.Officer == uuid.Nil || f.Recipient == "" || f.Ground == "" || f.Interest == "":
		return errors.New("--open needs --officer, --recipient, --ground and --interest: who gives what to whom, and why")
	}
	return nil
}

// opening is the order to open values; nil when none was given.
func (f auditOpenFlags) opening(now time.Time, out string) *app.AuditOpening {
	if len(f.Open) == 0 {
		return nil
	}
	record := disclosure.Record{
		Recipient: f.Recipient, Ground: eventschema.DisclosureGround(f.Ground), Interest: f.Interest, Instrument: f.Instrument, Reference: f.Reference,
		DisclosedAt: now.UTC(), DisclosedBy: f.Officer, ApprovedBy: f.ApprovedBy,
	}
	for _, purpose := range f.Open {
		record.Purposes = append(record.Purposes, eventschema.Purpose(purpose))
	}
	return &app.AuditOpening{
		Use: eventschema.Use(f.Use), Disclosure: record, Key: fmt.Sprint("audit export ", f, out, now.UTC().Format(time.RFC3339Nano)),
	}
}

// Help implements kong's help provider.
func (auditExportCommand) Help() string {
	return `Writes an audit bundle: events byte for byte as they are stored, personal values sealed, with what shows offline that they are
in the signed log. Of a range and of the whole log it also shows that nothing is left out; of a person or a station it shows
that within each stream nothing is left out. The same log gives the same bytes. The file appears when it is whole.

Personal values stay sealed. Of one person they are opened with --open, for a purpose of use and with a reason: that is recorded as
a disclosure, before the first value is opened, and stands in the bundle.

Give the auditor tracekeep-verify, and a verifier key of the trail (trail/log.vkey) by another way than the bundle.

Examples:
  tracekeep audit export --data ./records --out audit-2026.zip --from 2026-01-01 --to 2026-12-31
  tracekeep audit export --data ./records --out all.zip --all --earlier checkpoint-2025
  tracekeep audit export --data ./records --out ana.zip --person ana
  tracekeep audit export --data ./records --out ana-open.zip --person ana --open work --open contact --officer 6d1e… \
      --recipient labour_court --ground court_order --interest legal_duty --instrument '17 Cv 4711' --approved-by 77f0…`
}

// Validate is called by kong.
func (c auditExportCommand) Validate() error {
	chosen := c.All || c.Person != "" || c.Site != ""
	ranged := c.From != "" || c.To != ""
	switch {
	case chosen && ranged:
		return errors.New("--from and --to go without --all, --person and --site")
	case !chosen && !ranged:
		return errors.New("say what to export: --all, --from and --to, --person or --site")
	}
	return c.validate(c.Person != "")
}

// Run exports.
func (c auditExportCommand) Run(ctx context.Context, t *terminal) error {
	order := app.AuditOrder{All: c.All, From: c.From, To: c.To, Site: c.Site, Open: c.opening(t.clock(), c.Out)}
	for _, name := range c.Earlier {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("--earlier: %w", err)
		}
		order.Earlier = append(order.Earlier, string(text))
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		if c.Person != "" {
			var err error
			if order.Person, err = c.person(ctx, a); err != nil {
				return err
			}
		}
		var progress *bar
		exported, err := a.ExportAudit(ctx, c.Out, order, func(done, total uint64) {
			if progress == nil {
				progress = newBar(t, "exporting", int64(total), false) //nolint:gosec // an event count
			}
			progress.set(int64(done)) //nolint:gosec // an event count
		})
		if progress != nil {
			progress.finish()
		}
		if err != nil {
			return err
		}
		return c.tell(t, a, exported)
	})
}

func (c auditExportCommand) person(ctx context.Context, a *app.App) (uuid.UUID, error) {
	if id, err := uuid.Parse(c.Person); err == nil { // also of somebody erased, who is found by no name
		return id, nil
	}
	found, err := a.FindPerson(ctx, operator(a), c.Person)
	if err != nil {
		return uuid.Nil, err
	}
	if len(found) != 1 {
		return uuid.Nil, fmt.Errorf("%d people match; give an id (tracekeep query people --find …)", len(found))
	}
	return found[0].PersonID, nil
}

func (c auditExportCommand) tell(t *terminal, a *app.App, exported app.AuditExported) error {
	if c.JSON {
		return printJSON(t.out, exported)
	}
	_, err := fmt.Fprintf(t.out, "exported: %d events to %s, %d bytes; the log has %d events, root %s\ncheck it:  tracekeep-verify --key '%s' %s\n",
		exported.Events, exported.File, exported.Bytes, exported.Size, exported.Root, a.VerifierKey(), exported.File)
	if exported.Disclosure != nil {
		_, _ = fmt.Fprintf(t.out, "%d values were opened under disclosure %s\n", exported.Opened, exported.Disclosure)
	}
	if exported.Gone > 0 {
		_, _ = fmt.Fprintf(t.out, "%d events are no longer kept; the bundle says which were listed\n", exported.Gone)
	}
	if exported.Unrecorded > 0 {
		return &coded{code: exitDefect, err: fmt.Errorf("the event store has %d events that the trail has not; the bundle says which (see tracekeep verify)", exported.Unrecorded)}
	}
	return err
}

type auditCheckpointCommand struct {
	dataFlags
	Handovers bool `help:"Print the changes of the key instead, oldest first."`
}

// Help implements kong's help provider.
func (auditCheckpointCommand) Help() string {
	return `A checkpoint in the hands of somebody outside is what unmasks a log that was written anew. Give one away every now and then;
whoever keeps it hands it to tracekeep-verify with --earlier.

Example:
  tracekeep audit checkpoint --data ./records > checkpoint-2026-07-01`
}

// Run prints.
func (c auditCheckpointCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		text, err := a.TrailTexts(ctx, c.Handovers)
		if err == nil {
			_, err = fmt.Fprint(t.out, text)
		}
		return err
	})
}

type auditRemovalsCommand struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (auditRemovalsCommand) Help() string {
	return `Looks for events that the metadata of their streams hide ($tb, $maxCount, $maxAge, or a stream that was ended), and lists them in
the trail. A scavenge may then remove them, and verification knows which they were. What a scavenge removes that is not listed
is found as removed, for ever. Listing again what is listed changes nothing.

Example:
  tracekeep audit list-removals --data ./records && curl -X POST http://127.0.0.1:2113/admin/scavenge`
}

// Run lists.
func (c auditRemovalsCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		progress := newBar(t, "looking", 0, false)
		listed, err := a.ListRemovals(ctx, func(done uint64) { progress.set(int64(done)) }) //nolint:gosec // an event count
		progress.finish()
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printJSON(t.out, listed)
		}
		_, _ = fmt.Fprintf(t.out, "listed: %d events of %d streams\n", listed.Events, listed.Streams)
		if listed.Unlisted > 0 {
			return &coded{code: exitDefect, err: fmt.Errorf("%d streams lost events that were never listed; see tracekeep verify", listed.Unlisted)}
		}
		return nil
	})
}

type auditKeyCommand struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (auditKeyCommand) Help() string {
	return `The old key signs a hand-over to the new one, and is destroyed. Checkpoints, certificates and bundles that it signed stay
verifiable by whoever trusts any key of the log. Stop the service first: the process that writes the trail holds its key.

Example:
  tracekeep audit change-key --data ./records`
}

// Run changes the key.
func (c auditKeyCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		said, err := a.ChangeTrailKey()
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"old": said.Old, "new": said.New, "size": said.Size, "root": said.Root})
		}
		_, err = fmt.Fprintf(t.out, "the key was changed at %d events\n  old  %s\n  new  %s\n", said.Size, said.Old, said.New)
		return err
	})
}
