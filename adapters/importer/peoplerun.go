package importer

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tracekeep/eventschema"
)

// PeopleOptions says what to import and how. Zero values take the defaults named.
type PeopleOptions struct {
	Table   io.Reader // text or a workbook
	Mapping *Mapping  // of people
	Station string    // whose keys the people are found by; default the mapping's name
	// Fields are the kinds of the fields of the tenant's own that take values, by code.
	Fields   map[string]eventschema.FieldKind
	Now      time.Time // required
	Encoding Encoding  // default [EncodingAuto]

	BatchRows  int       // rows handed over at a time; default 500, at most 10,000
	MaxRejects int       // rejected rows kept in the summary; default 1,000
	Rejects    io.Writer // receives every rejected row as CSV, where given
	Name       string    // of the file, in Rejects; default "people"
	Continues  bool      // Rejects has its header already
	Progress   func(rows int64)
}

// PersonRow is one row of people.
type PersonRow struct {
	Line   int64
	Key    string
	Person Person // without a name, only the fields of somebody known are set
	Fields FieldTexts
}

// PeopleSink is where people go. [RunPeople] calls it from one goroutine, never twice at
// a time. It must honour ctx and be idempotent: after an error the same file is imported
// again from its beginning.
type PeopleSink interface {
	// Enter registers whoever is not known by their key at the station, sets the fields
	// of everybody in which the row has another value than stands, and answers one
	// verdict for each row. It must not keep the slice.
	Enter(ctx context.Context, station string, batch []PersonRow) ([]Verdict, error)
}

// PeopleSummary is the account of an import of people.
type PeopleSummary struct {
	Format  string `json:"format"`
	Station string `json:"station"`

	Rows     int64          `json:"rows"`
	Rejected int64          `json:"rejected"`
	People   map[Told]int64 `json:"people"` // new, changed, unchanged

	ColumnsIgnored  []string         `json:"columns_ignored,omitempty"`
	RejectsByReason map[Reason]int64 `json:"rejects_by_reason"`
	Rejects         []Rejected       `json:"rejects,omitempty"` // the first of them
}

// Validate reports everything that is wrong at once, wrapped in [ErrOptions].
func (o PeopleOptions) Validate() error {
	of := Options{
		Clock: o.Table, Station: o.Station, Zone: time.UTC, Encoding: o.Encoding, Now: o.Now, BatchRows: o.BatchRows, MaxRejects: o.MaxRejects,
	}
	err := of.Validate()
	if o.Mapping == nil || o.Mapping.People == nil {
		err = errors.Join(err, fmt.Errorf("%w: it does not describe people", ErrMapping))
	}
	return err
}

// peopleRun is one import under way.
type peopleRun struct {
	o        PeopleOptions
	sink     PeopleSink
	sum      PeopleSummary
	at       header
	width    int
	seen     map[string]bool
	batch    []PersonRow
	verdicts *csv.Writer
}

// RunPeople imports people and the values of the tenant's own fields. It may be repeated
// with the same file: nothing is recorded twice. What stands of a known person beside
// those fields is not changed. The summary counts what was done also when there is an
// error.
//
// Errors: [ErrOptions], [ErrMapping], [ErrFormat], [ErrTooLarge], [ErrPeopleTooLarge],
// those of the reader and the sink, and ctx's.
func RunPeople(ctx context.Context, o PeopleOptions, sink PeopleSink) (PeopleSummary, error) {
	if err := o.Validate(); err != nil {
		return PeopleSummary{}, err
	}
	if err := o.Mapping.People.check(o.Mapping, o.Fields); err != nil {
		return PeopleSummary{}, err
	}
	if o.Station == "" {
		o.Station = o.Mapping.Name
	}
	if o.BatchRows == 0 {
		o.BatchRows = 500
	}
	if o.MaxRejects == 0 {
		o.MaxRejects = 1000
	}
	if o.Name == "" {
		o.Name = "people"
	}
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	r := &peopleRun{o: o, sink: sink, seen: map[string]bool{}, sum: PeopleSummary{
		Format: o.Mapping.Name, Station: o.Station, People: map[Told]int64{}, RejectsByReason: map[Reason]int64{},
	}}
	if o.Rejects != nil {
		r.verdicts = csv.NewWriter(o.Rejects)
		if !o.Continues {
			_ = r.verdicts.Write([]string{"file", "line", "reason", "message"}) // kept by the writer, seen at the next flush
		}
	}
	err := r.read(ctx)
	return r.sum, errors.Join(err, r.flush())
}

// read reads the table to its end.
func (r *peopleRun) read(ctx context.Context) error {
	rows, first, err := r.open(ctx)
	if err != nil {
		return err
	}
	if err := r.head(first.fields); err != nil {
		return err
	}
	for {
		rec, err := rows.next()
		switch {
		case errors.Is(err, io.EOF):
			return r.enter(ctx)
		case err != nil:
			return fmt.Errorf("read people: %w", err)
		case rec.header: // another sheet of the workbook
			if err := r.head(rec.fields); err != nil {
				return err
			}
			continue
		case rec.broken == "" && blankRecord(rec.fields):
			continue
		}
		r.sum.Rows++
		row, reason := r.row(rec)
		if reason != "" {
			r.reject(rec.line, rec.sheet, Verdict{Reason: reason})
			continue
		}
		if len(r.seen) > MaxPeople {
			return fmt.Errorf("%w: more than %d people", ErrPeopleTooLarge, MaxPeople)
		}
		if r.batch = append(r.batch, row); len(r.batch) >= r.o.BatchRows {
			if err := r.enter(ctx); err != nil {
				return err
			}
		}
	}
}

// open begins to read the table, text or a workbook.
func (r *peopleRun) open(ctx context.Context) (records, record, error) {
	from := bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.o.Table.Read(p)
	}), 64<<10)
	h, err := look(from, r.o.Encoding)
	if err != nil {
		return nil, record{}, err
	}
	if isWorkbook(h) {
		return newBook(from, r.o.Mapping)
	}
	rows, err := newCSVRecords(from, r.o.Encoding)
	if err != nil {
		return nil, record{}, err
	}
	first, err := rows.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, record{}, fmt.Errorf("%w: it has no header", ErrFormat)
	case err == nil && first.broken != "":
		return nil, record{}, fmt.Errorf("%w: its header is broken", ErrFormat)
	}
	return rows, first, err
}

// head finds the columns. All that the mapping names must be there.
func (r *peopleRun) head(fields []string) error {
	m := r.o.Mapping
	r.at, r.width = headerOf(fields), len(fields)
	used := map[string]bool{}
	for _, column := range m.People.columns(m) {
		switch at, there := r.at.find(column); {
		case !there:
			return fmt.Errorf("%w %s: the table has no column %q in its first row", ErrMapping, m.Name, column)
		case at < 0:
			return fmt.Errorf("%w %s: the table has more than one column %q", ErrMapping, m.Name, column)
		}
		for one := range strings.SplitSeq(column, "|") {
			used[columnName(one)] = true
		}
	}
	r.sum.ColumnsIgnored = nil
	for _, column := range fields {
		column = tidy(column)
		if !used[columnName(column)] && column != "" && len(column) <= maxShort && isText(column) && len(r.sum.ColumnsIgnored) < maxIgnored {
			r.sum.ColumnsIgnored = append(r.sum.ColumnsIgnored, strings.Clone(column))
		}
	}
	return nil
}

// row reads one row, or answers why it cannot.
func (r *peopleRun) row(rec record) (PersonRow, Reason) {
	switch {
	case rec.broken != "":
		return PersonRow{}, rec.broken
	case len(rec.fields) > r.width, len(rec.fields) < r.width && !rec.serial:
		return PersonRow{}, BrokenLine
	}
	for _, f := range rec.fields {
		if !utf8.ValidString(f) {
			return PersonRow{}, NotUTF8
		}
	}
	m := r.o.Mapping
	value := func(column string) string { return strings.Clone(at(rec.fields, r.at.column(column))) }
	key, ok := m.key(value)
	switch {
	case !ok:
		return PersonRow{}, BadKey
	case r.seen[key]:
		return PersonRow{}, DuplicatePIN
	}
	r.seen[key] = true
	person, reason := m.People.person(m, value, rec.serial, r.o.Now)
	return PersonRow{Line: rec.line, Key: key, Person: person, Fields: m.People.fields(value, rec.serial, r.o.Fields)}, reason
}

// enter hands the rows over that were read.
func (r *peopleRun) enter(ctx context.Context) error {
	if len(r.batch) > 0 {
		verdicts, err := r.sink.Enter(ctx, r.o.Station, r.batch)
		if err != nil {
			return fmt.Errorf("enter the people of lines %d to %d: %w", r.batch[0].Line, r.batch[len(r.batch)-1].Line, err)
		}
		for i, v := range verdicts {
			if v.Told == ToldRefused {
				r.reject(r.batch[i].Line, "", v)
				continue
			}
			r.sum.People[v.Told]++
		}
		r.batch = r.batch[:0]
	}
	r.o.Progress(r.sum.Rows)
	return r.flush()
}

// reject accounts for a row that is not taken.
func (r *peopleRun) reject(line int64, sheet string, v Verdict) {
	rejected := reject(line, v.Reason)
	if rejected.Sheet, rejected.Field = sheet, v.Field; v.Field != "" {
		rejected.Message = v.Field + ": " + rejected.Message
	}
	r.sum.Rejected++
	r.sum.RejectsByReason[v.Reason]++
	if len(r.sum.Rejects) < r.o.MaxRejects {
		r.sum.Rejects = append(r.sum.Rejects, rejected)
	}
	if r.verdicts != nil {
		_ = r.verdicts.Write([]string{r.o.Name, fmt.Sprint(line), string(v.Reason), rejected.Message})
	}
}

func (r *peopleRun) flush() error {
	if r.verdicts == nil {
		return nil
	}
	r.verdicts.Flush()
	return r.verdicts.Error()
}
