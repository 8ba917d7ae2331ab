package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// payee is whom a work record is paid to.
type payee struct{ number, name httpapi.Personal }

// ExportPayroll writes what is owed for the days of a report as the file of a
// payroll program.
func (w *World) ExportPayroll(ctx context.Context, by httpapi.Principal, order ExportOrder, report HoursOrder, payroll exporter.Payroll) (Exported, error) {
	x := w.export(by, order)
	done := &x.done
	report.Works, report.Plan = order.Works, withoutWages(report.Plan) // the file holds time
	owed, err := w.OwedHours(ctx, by, report)
	if err != nil {
		return Exported{}, err
	}
	var codes []string
	for _, o := range owed {
		for _, row := range payRows(o) {
			codes = append(codes, row.Code)
		}
	}
	if err := payroll.Check(codes...); err != nil { // before anything is recorded
		return Exported{}, err
	}
	payees, err := x.payees(ctx, owed)
	if err != nil {
		return Exported{}, err
	}
	var rows []exporter.PayRow
	numbers := map[string]uuid.UUID{}
	for _, o := range owed {
		done.Findings += len(o.Findings) + len(o.Result.Breaches) + len(o.Result.Overlaps)
		done.Adjustments += len(o.Adjustments)
		of := payRows(o)
		if len(of) == 0 {
			continue
		}
		number, name, payable := x.payable(payroll, payees[o.WorkID])
		same := strings.TrimLeft(number, "0")
		if other, taken := numbers[same]; payable && taken {
			return Exported{}, fmt.Errorf("%w: %s and %s", errSameNumber, other, o.WorkID)
		}
		if !payable {
			done.LeftOut = append(done.LeftOut, o.WorkID)
			continue
		}
		numbers[same] = o.WorkID
		for _, row := range of {
			row.Number, row.Name = number, name
			rows = append(rows, row)
		}
	}
	done.Rows = len(rows)
	return x.write(func(to io.Writer) error { return exporter.WritePayroll(to, payroll, rows) })
}

// errSameNumber refuses a file in which two people would be one.
var errSameNumber = errors.New("two work records have the same employee number; correct one")

// payRows are the hours of one work record by day, code and job.
func payRows(o OwedHours) []exporter.PayRow {
	var rows []exporter.PayRow
	add := func(day, code, job string, length time.Duration) {
		if length > 0 {
			rows = append(rows, exporter.PayRow{Day: day, Code: code, Job: job, Time: length})
		}
	}
	for _, l := range o.Result.Lines {
		add(l.Workday, string(l.Class), l.Job, l.Time())
	}
	for _, p := range o.Result.Premiums { // an hour each, at the regular rate
		add(p.Workday, "premium", "", time.Hour)
	}
	for _, g := range o.Result.Guaranteed {
		add(g.Workday, "guarantee", g.Job, g.Paid-g.Worked)
	}
	return rows
}

// payees opens the employee numbers and payroll names of work records, and records
// that they are given. They live as long as the work record; of an erased person
// they open for a legal claim or an audit only.
func (x *exporting) payees(ctx context.Context, owed []OwedHours) (map[uuid.UUID]payee, error) {
	works := make([]uuid.UUID, len(owed))
	people := map[uuid.UUID]uuid.UUID{}
	for i, o := range owed {
		works[i] = o.WorkID
		if o.Name.State() == eventschema.StateClear {
			people[o.WorkID] = o.Name.Of.Subject
		}
	}
	records, err := projections.WorkRecords(ctx, x.q, x.a.tenant, works)
	if err == nil {
		err = x.a.keys.Prefetch(ctx, x.a.tenant, works)
	}
	if err != nil {
		return nil, outward(err)
	}
	payees := map[uuid.UUID]payee{}
	var values []httpapi.Personal
	for _, record := range records {
		person, known := people[record.ID]
		if !known { // erased or restricted: nothing may lead to the person
			continue
		}
		var p payee
		for _, section := range record.Sections {
			fields, err := x.a.registry.OpenSection(ctx, x.a.keys, section.At, section.Envelope, x.by.Use())
			if err != nil {
				return nil, fmt.Errorf("position %d: %w", section.Position, err)
			}
			of := func(field string) httpapi.Personal {
				value := x.a.personal(ctx, fields[field])
				value.Of = httpapi.ValueOf{Subject: person, ShownValue: eventschema.ShownValue{Field: section.At.Section + "." + field, Purpose: section.At.Purpose}}
				return value
			}
			p = payee{number: of("employee_number"), name: of("payroll_name")}
		}
		payees[record.ID] = p
		values = append(values, p.number, p.name)
	}
	return payees, x.disclose(ctx, values)
}

// payable says by which number and name the program knows somebody.
func (x *exporting) payable(payroll exporter.Payroll, p payee) (number, name string, ok bool) {
	number, ok = p.number.Reveal(x.release)
	name, named := p.name.Reveal(x.release)
	if payroll.System == exporter.QuickBooksIIF { // it goes by names; the number only tells people apart
		if number == "" {
			number = name
		}
		return number, name, named && name != ""
	}
	return number, name, ok && payroll.Fits(number)
}

// ErrLeftOut says that a payroll file lacks somebody.
var ErrLeftOut = errors.New("work records with hours are not in the file: they have no employee number that the payroll program takes")

// Open is nil for a payroll file that can be paid as it is, and otherwise says what
// needs a look: [ErrLeftOut] with the work records among it.
func (e Exported) Open() error {
	var open []error
	if len(e.LeftOut) > 0 {
		open = append(open, fmt.Errorf("%w: %v", ErrLeftOut, e.LeftOut))
	}
	if e.Findings > 0 {
		open = append(open, fmt.Errorf("%d findings, overlaps or breaches need a look before this is paid", e.Findings))
	}
	if e.Adjustments > 0 {
		open = append(open, fmt.Errorf("%d adjustments of locked periods are not in the file; tracekeep hours report lists them", e.Adjustments))
	}
	return errors.Join(open...)
}
