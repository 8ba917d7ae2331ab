package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// quickbooks is the table of timer activities in a file of QuickBooks Desktop.
// Source of the columns: Intuit's reference of TIMEACT.
var quickbooks = sync.OnceValue(func() *Mapping {
	m := &Mapping{
		Name: "quickbooks-iif", title: "QuickBooks Desktop timer activities (IIF, TIMEACT): hours without times of day",
		monthFirst: true, Person: Whose{Column: "EMP", By: byName}, FullName: []string{"EMP"},
		Day: &Day{Column: "DATE", Layouts: []string{"M/D/YYYY", "M/D/YY"}}, Hours: &Duration{Column: "DURATION"},
		Apart: []string{"JOB", "ITEM", "PITEM", "PROJ"},
	}
	if err := m.prepare(); err != nil {
		panic(err)
	}
	return m
})

// isIIF looks beyond the first lines: other lists of QuickBooks may stand before.
func isIIF(h head) bool {
	for line := range strings.Lines(string(h.text)) {
		word, _, _ := strings.Cut(line, "\t")
		if word == "!TIMEACT" || word == "!TIMERHDR" || word == "TIMEACT" {
			return true
		}
	}
	return false
}

// openIIF reads a file of QuickBooks: lines of columns between tabs, whose first
// says what a line is. The line that begins with ! names the columns of its kind.
func openIIF(s source) (reader, error) {
	raw := &counted{from: s.from}
	text, err := decode(raw, s.Encoding)
	if err != nil {
		return nil, err
	}
	columns := quickbooks()
	if s.Mapping != nil { // which is based on it
		columns = s.Mapping
	}
	r := &iifRecords{raw: raw, lines: newLines(text)}
	for {
		header, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: it has no line !TIMEACT that names its columns", ErrFormat)
		case err != nil:
			return nil, err
		case header.header:
			return openTable(s, &oneBack{first: header, rest: r}, columns)
		}
	}
}

// oneBack gives a record that was read before the others.
type oneBack struct {
	first record
	given bool
	rest  records
}

func (o *oneBack) next() (record, error) {
	if !o.given {
		o.given = true
		return o.first, nil
	}
	return o.rest.next()
}

// iifRecords are the lines of such a file.
type iifRecords struct {
	raw   *counted
	lines *lines
	width int // columns of the latest header
}

func (r *iifRecords) next() (record, error) {
	l, err := r.lines.next()
	if err != nil {
		return record{end: r.raw.n}, err
	}
	rec := record{line: l.number, end: r.raw.n}
	if l.tooLong {
		rec.broken = LineTooLong
		return rec, nil
	}
	fields := strings.Split(string(l.text), "\t")
	for i, field := range fields {
		if inner, ok := strings.CutPrefix(field, `"`); ok && strings.HasSuffix(inner, `"`) { // as spreadsheets save it
			fields[i] = strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
		}
	}
	kind := tidy(fields[0])
	fields = fields[1:]
	switch kind {
	case "!TIMEACT":
		for len(fields) > 0 && tidy(fields[len(fields)-1]) == "" {
			fields = fields[:len(fields)-1]
		}
		rec.header, r.width = true, len(fields)
	case "TIMEACT":
		for len(fields) < r.width { // empty columns at the end may be left out
			fields = append(fields, "")
		}
		for len(fields) > r.width && tidy(fields[len(fields)-1]) == "" {
			fields = fields[:len(fields)-1]
		}
	case "":
		if len(fields) > 0 {
			rec.broken = BrokenLine
		}
	default:
		rec.other = true
	}
	rec.fields = fields
	return rec, nil
}
