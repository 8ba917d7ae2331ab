package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// ExportOrder says what an export is to hold, where to, and why it leaves the house.
type ExportOrder struct {
	What     string // hours, punches, people, payroll, calendar or roster
	From, To string // local days, both included
	Works    []uuid.UUID
	Station  string // empty: everywhere
	File     string
	Replace  bool
	// Why is the disclosure, but for whom it is about, what of them and its id.
	Why      disclosure.Record
	Progress func(done, total int) // of the disclosures; may be nil
	// Stream, where it is set, is written to in place of File. Begin is called with what
	// is known, after everything is recorded and before the first byte.
	Stream io.Writer
	Begin  func(Exported)
	Role   httpapi.Role // of who gives the values away; empty: a privacy officer
	// Special is the ground on which values of special categories are in it.
	Special field.Ground
}

// Exported says what was written.
type Exported struct {
	File      string `json:"file"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Rows      int    `json:"rows"`
	Disclosed int    `json:"people_disclosed"` // each under a disclosure of their own
	Withheld  int    `json:"people_withheld"`  // whose name was erased, or is restricted

	// Of a payroll file. LeftOut are work records with hours that no payroll program
	// could credit to anybody: without an employee number of the kind it needs, or
	// with one that is erased or restricted. Adjustments of locked periods are not in
	// the file: they may take hours away, which not every program takes from a file.
	LeftOut     []uuid.UUID `json:"left_out,omitempty"`
	Adjustments int         `json:"adjustments,omitempty"`
	Findings    int         `json:"findings,omitempty"` // also overlaps and breaches: they need a look before this is paid
}

// exporting is one export at work.
type exporting struct {
	*World
	by      httpapi.Principal
	order   ExportOrder
	asked   []uuid.UUID // the work records that the order named; order.Works narrows down
	release httpapi.Release
	done    Exported
}

// days is which days, and whose.
func (o ExportOrder) days() projections.Days {
	return projections.Days{Works: o.Works, From: o.From, To: o.To}
}

func (w *World) export(by httpapi.Principal, order ExportOrder) *exporting {
	return &exporting{World: w, by: by, order: order, asked: order.Works}
}

// disclose records, before the first value is opened into a file, that these
// values are about to be given away: a disclosure about each person, because each
// is told of theirs (GDPR Art. 19), and one reading. An export that fails after
// that leaves a disclosure too many, never one too few. What was erased or is
// restricted is not given and needs no record.
func (x *exporting) disclose(ctx context.Context, values []httpapi.Personal) error {
	purposes := map[uuid.UUID][]eventschema.Purpose{}
	var people []uuid.UUID
	for _, v := range values {
		if v.State() != eventschema.StateClear {
			continue
		}
		if purposes[v.Of.Subject] == nil {
			people = append(people, v.Of.Subject)
		}
		if !slices.Contains(purposes[v.Of.Subject], v.Of.Purpose) {
			purposes[v.Of.Subject] = append(purposes[v.Of.Subject], v.Of.Purpose)
		}
	}
	slices.SortFunc(people, func(p, q uuid.UUID) int { return slices.Compare(p[:], q[:]) })
	for i, person := range people {
		if x.order.Progress != nil {
			x.order.Progress(i, len(people))
		}
		if x.order.What != "people" && !slices.Contains(purposes[person], eventschema.PurposeWork) {
			purposes[person] = append(purposes[person], eventschema.PurposeWork) // the hours
		}
		if err := x.discloseOne(ctx, person, purposes[person]); err != nil {
			return fmt.Errorf("record the disclosure: %w", err)
		}
	}
	var err error
	if x.release, err = x.a.RecordReading(ctx, x.by, x.order.Special.Operation("export-"+x.order.What), values...); err != nil {
		return fmt.Errorf("record the reading: %w", err)
	}
	x.done.Disclosed = len(people)
	return nil
}

// discloseOne records one disclosure. The same export of the same day is one
// disclosure, however often it is run.
func (x *exporting) discloseOne(ctx context.Context, person uuid.UUID, purposes []eventschema.Purpose) error {
	record := x.order.Why
	slices.Sort(purposes)
	key := fmt.Sprint("export ", x.order.What, x.order.From, x.order.To, x.order.Station, person, purposes, record.Recipient, record.Ground, record.Interest,
		record.Instrument, record.Reference, record.DisclosedAt.UTC().Format(time.DateOnly))
	record.PersonID, record.Purposes, record.DisclosureID = person, purposes, uuid.NewSHA1(x.a.tenant, []byte(key))
	_, err := x.a.RecordDisclosure(ctx, httpapi.Intent{
		Principal: httpapi.Principal{Tenant: x.a.tenant, ID: record.DisclosedBy, Role: cmp.Or(x.order.Role, httpapi.RolePrivacy)}, Key: key,
	}, record)
	var refused *httpapi.Refusal
	if errors.As(err, &refused) && refused.Code == "already_recorded" {
		return nil
	}
	return err
}

// write writes the file and adds it up.
func (x *exporting) write(write func(to io.Writer) error) (Exported, error) {
	sum := sha256.New()
	size := &counted{}
	summed := func(to io.Writer) error { return write(io.MultiWriter(to, sum, size)) }
	var err error
	if x.order.Stream != nil {
		x.order.Begin(x.done)
		err = summed(x.order.Stream)
	} else {
		err = exporter.WriteFile(x.order.File, x.order.Replace, summed)
	}
	if err != nil {
		return Exported{}, err
	}
	x.done.File, x.done.Bytes, x.done.SHA256 = x.order.File, size.bytes, hex.EncodeToString(sum.Sum(nil))
	return x.done, nil
}

type counted struct{ bytes int64 }

func (c *counted) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// table writes a table: rows hands each row to its function.
func (x *exporting) table(format exporter.Format, bom bool, table exporter.Table, rows func(row func(...exporter.Cell) error) error) (Exported, error) {
	return x.write(func(to io.Writer) error {
		w, err := exporter.New(to, format, table, exporter.Options{BOM: bom})
		if err != nil {
			return err
		}
		err = rows(func(cells ...exporter.Cell) error {
			x.done.Rows++
			return w.Write(cells)
		})
		if err != nil {
			return err
		}
		return w.Close()
	})
}

// told is a personal value as text formats say it, and its state: what is erased
// or withheld says so, with the case and the leaf of its certificate. Only an
// absent value is empty.
func (x *exporting) told(p httpapi.Personal) (text string, state eventschema.State) {
	state = p.State()
	switch state {
	case eventschema.StateAbsent:
		return "", "absent"
	case eventschema.StateClear:
		text, recorded := p.Reveal(x.release)
		if recorded {
			return text, state
		}
		state = eventschema.StateUnavailable
	case eventschema.StateErased, eventschema.StateRestricted, eventschema.StateHeld:
		if p.CertificateLeaf != nil {
			return fmt.Sprintf("[%s: case %s, certificate of leaf %d]", state, p.Case(), *p.CertificateLeaf), state
		}
		return fmt.Sprintf("[%s: case %s]", state, p.Case()), state
	case eventschema.StateSealed, eventschema.StateUnavailable:
	}
	return "[" + string(state) + "]", state
}

// cells are the two cells of a personal value.
func (x *exporting) cells(p httpapi.Personal) []exporter.Cell {
	text, state := x.told(p)
	cell := exporter.Text(text)
	if state == "absent" {
		cell = exporter.Cell{}
	}
	return []exporter.Cell{cell, exporter.Text(string(state))}
}

// withheld counts the people whose name is not shown.
func withheld(names map[uuid.UUID]httpapi.Personal) (n int) {
	for _, name := range names {
		if name.State() != eventschema.StateClear {
			n++
		}
	}
	return n
}

// disclosed finds the names to some work records and records that they are given.
func (x *exporting) disclosed(ctx context.Context, works []uuid.UUID) (map[uuid.UUID]httpapi.Personal, error) {
	names, err := x.a.namesOfWorks(ctx, x.by, works)
	if err != nil {
		return nil, err
	}
	values := make([]httpapi.Personal, len(works))
	for i, work := range works {
		values[i] = names[work]
	}
	x.done.Withheld = withheld(names)
	return names, x.disclose(ctx, values)
}
