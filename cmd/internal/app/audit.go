package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// AuditOrder says what an audit bundle is to hold. Exactly one of All, a range,
// Person and Site is set.
type AuditOrder struct {
	All bool
	// From and To bound a range, both included: positions of the log, dates
	// (2006-01-02, UTC) or instants (RFC 3339). An empty one leaves that end open.
	From, To string
	Person   uuid.UUID
	Site     string // a station: the punches of everybody who punched there
	// Earlier are signed checkpoints of the log that the auditor kept: the bundle
	// gets the proof that the log continues each.
	Earlier []string
	// Open orders values in clear of Person; nil leaves everything sealed.
	Open *AuditOpening
}

// AuditExported says what a bundle holds.
type AuditExported struct {
	File       string           `json:"file"`
	Bytes      int64            `json:"bytes"`
	Selection  bundle.Selection `json:"selection"`
	Size       uint64           `json:"log_size"`
	Root       string           `json:"log_root"`
	Events     uint64           `json:"events"`
	Gone       uint64           `json:"events_removed"`
	Unrecorded uint64           `json:"events_unrecorded"` // that the trail does not have: verify the store
	Opened     uint64           `json:"opened_values"`
	Disclosure *uuid.UUID       `json:"disclosure,omitempty"` // that says why they were opened
}

// ExportAudit writes an audit bundle to a new file. The file appears when it is
// whole, and not before. Errors: [fs.ErrExist] for a file that is there. progress
// may be nil and is told the leaves written and how many there are, 0 while that is
// not known.
func (a *App) ExportAudit(ctx context.Context, file string, order AuditOrder, progress func(done, total uint64)) (exported AuditExported, err error) {
	if _, err := os.Lstat(file); err == nil {
		return exported, fmt.Errorf("%s: %w; name another file", file, fs.ErrExist)
	}
	x := &auditExport{app: a, order: order, progress: progress}
	if err := x.disclose(ctx); err != nil {
		return exported, err
	}
	if err := a.CatchUp(ctx, nil); err != nil { // the disclosure belongs into the bundle
		return exported, err
	}
	if x.log, err = a.trail(); err != nil {
		return exported, err
	}
	defer func() { err = errors.Join(err, x.log.Close()) }()
	if x.claims, err = newClaims(); err != nil {
		return exported, err
	}
	defer func() { err = errors.Join(err, x.claims.close()) }()
	if err := x.choose(ctx); err != nil {
		return exported, err
	}
	if err := writeWhole(file, func(to *bufio.Writer) error { return x.write(ctx, to) }); err != nil {
		return exported, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return exported, fmt.Errorf("audit bundle: %w", err)
	}
	x.done.File, x.done.Bytes, x.done.Selection = file, info.Size(), x.selection
	x.done.Size, x.done.Root = x.log.Checkpoint().Size, x.log.Checkpoint().Root.String()
	return x.done, nil
}

// writeWhole writes a file beside its place and puts it there when all of it is
// on the disk.
func writeWhole(path string, write func(to *bufio.Writer) error) (err error) {
	next := path + ".partial"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("audit bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(next))
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<20)
	err = write(buffer)
	if err = errors.Join(err, buffer.Flush(), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("audit bundle: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("audit bundle: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("audit bundle: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// auditExport is one export at work.
type auditExport struct {
	app       *App
	order     AuditOrder
	log       *ledger.Snapshot
	selection bundle.Selection
	claims    *claims
	writer    *bundle.Writer
	done      AuditExported
	progress  func(done, total uint64)
}

func (x *auditExport) write(ctx context.Context, to *bufio.Writer) error {
	schema, err := json.MarshalIndent(map[string]any{"events": x.app.registry.Catalogue()}, "", " ")
	if err != nil {
		return fmt.Errorf("write the catalogue: %w", err)
	}
	source := x.source(ctx)
	if x.writer, err = bundle.NewWriter(to, source, x.selection, append(schema, '\n')); err != nil {
		return err
	}
	if err := x.readListings(ctx); err != nil {
		return err
	}
	if x.selection.Scope == bundle.ScopeStreams {
		err = x.writeStreams(ctx)
	} else {
		err = x.writeRun(ctx)
	}
	if err != nil {
		return err
	}
	if err := x.writeHeads(); err != nil {
		return err
	}
	return x.writer.Close()
}

// source is the log as a bundle sees it.
func (x *auditExport) source(ctx context.Context) bundle.Source {
	sign := x.app.signNote
	return bundle.Source{
		Checkpoint: x.log.Checkpoint(), Handovers: x.log.Handovers(), Subtrees: x.log.Subtrees, Sign: sign,
		Earlier: func(size uint64) (trail.Head, []trail.Hash, error) {
			root, err := x.log.RootAt(size)
			if err != nil {
				return trail.Head{}, nil, err
			}
			hashes, err := x.log.ProveConsistency(ctx, size, x.log.Checkpoint().Size)
			return trail.Head{Size: size, Root: root}, hashes, err
		},
	}
}

// signNote signs with the key of the trail, whoever writes it.
func (a *App) signNote(text string) (string, error) {
	if a.ledger != nil {
		return a.ledger.SignNote(text)
	}
	signer, err := ledger.ReadSigner(a.folder.path("trail"), a.trailOrigin())
	if err != nil {
		return "", err
	}
	return signer.SignNote(text)
}

// writeHeads adds the earlier states of the log that were asked for, and those at
// which its key changed.
func (x *auditExport) writeHeads() error {
	for _, said := range x.log.Keys().Handovers() {
		if err := x.writer.Head(said.Size, ""); err != nil {
			return err
		}
	}
	for _, text := range x.order.Earlier {
		kept, err := x.log.Keys().OpenCheckpoint(text)
		if err != nil {
			return fmt.Errorf("the earlier checkpoint is none of this log: %w", err)
		}
		if kept.Size > x.log.Checkpoint().Size {
			return fmt.Errorf("the earlier checkpoint has %d leaves, the log %d: %w", kept.Size, x.log.Checkpoint().Size, ledger.ErrFork)
		}
		if err := x.writer.Head(kept.Size, text); err != nil {
			return err
		}
	}
	return nil
}

// choose finds the leaves or streams that were ordered.
func (x *auditExport) choose(ctx context.Context) error {
	size := x.log.Checkpoint().Size
	switch {
	case x.order.All:
		x.selection = bundle.Selection{Scope: bundle.ScopeAll, End: size}
		return nil
	case x.order.Person != uuid.Nil:
		ids, err := x.app.idsOf(ctx, x.order.Person)
		if err != nil {
			return err
		}
		return x.chooseStreams(ctx, "person "+x.order.Person.String(), ids)
	case x.order.Site != "":
		works, err := projections.WorkAtStation(ctx, x.app.models.Querier(), x.app.tenant, x.order.Site)
		if err != nil {
			return err
		}
		return x.chooseStreams(ctx, "everybody who punched at "+x.order.Site, works, eventschema.CategoryPunches)
	}
	first, end, err := x.app.leavesBetween(ctx, x.log, x.order.From, x.order.To)
	x.selection = bundle.Selection{Scope: bundle.ScopeRange, First: first, End: end}
	return err
}

// idsOf are the ids in the names of the streams about a person: their own, those
// of erasures, restrictions and disclosures about them and, while the link can be
// read, of their work record.
func (a *App) idsOf(ctx context.Context, person uuid.UUID) ([]uuid.UUID, error) {
	ids := []uuid.UUID{person}
	work, err := a.workOfPerson(ctx, person)
	switch {
	case errors.Is(err, httpapi.ErrNotFound):
		return nil, fmt.Errorf("person %s: %w", person, err)
	case err == nil && work != uuid.Nil:
		ids = append(ids, work)
	case err != nil && !errors.Is(err, errLink):
		return nil, err
	}
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, outward(err)
	}
	for _, c := range cases {
		ids = append(ids, c.CaseID)
	}
	restrictions, err := projections.RestrictionsOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, outward(err)
	}
	for _, r := range restrictions {
		ids = append(ids, r.CaseID)
	}
	disclosures, err := projections.DisclosuresOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, outward(err)
	}
	for _, d := range disclosures {
		ids = append(ids, d.DisclosureID)
	}
	return ids, nil
}

func (x *auditExport) chooseStreams(ctx context.Context, of string, ids []uuid.UUID, categories ...string) error {
	names, err := projections.StreamsOf(ctx, x.app.models.Querier(), x.app.tenant, ids, categories...)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: %w", of, errNothingToExport)
	}
	x.selection = bundle.Selection{Scope: bundle.ScopeStreams, Of: of}
	for _, name := range names {
		if !strings.HasPrefix(name.Category, eventschema.CategoryRemoval) {
			x.selection.Streams = append(x.selection.Streams, name.String())
		}
	}
	return nil
}

var errNothingToExport = errors.New("nothing is recorded")
