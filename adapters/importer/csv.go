package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// separators are what tables in text use, the likelier first.
const separators = ",;\t|"

// csvRecords reads a table in text.
type csvRecords struct {
	raw  *counted
	from *metered
	rows *csv.Reader
	skip int64 // lines before the header
}

// counted counts the bytes taken from a file.
type counted struct {
	from io.Reader
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// openCSV reads a table in text as s.Mapping says.
func openCSV(s source) (reader, error) {
	if s.Mapping == nil {
		return nil, fmt.Errorf("%w: --mapping FILE must say what the columns are", ErrMapping)
	}
	c, err := newCSVRecords(s.from, s.Encoding, s.Mapping)
	if err != nil {
		return nil, err
	}
	return openTable(s, c, s.Mapping)
}

// newCSVRecords begins to read a table in text, at the header of m where that is given.
func newCSVRecords(from io.Reader, e Encoding, m *Mapping) (*csvRecords, error) {
	raw := &counted{from: from}
	text, err := decode(raw, e)
	if err != nil {
		return nil, err
	}
	peek := bufio.NewReaderSize(text, headSize)
	start, err := peek.Peek(headSize / 2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c := &csvRecords{raw: raw, from: &metered{from: peek}}
	comma, skip := separator(start)
	if m != nil {
		if sep, before, ok := headerAt(start, m); ok {
			comma, skip = sep, before
		}
	}
	_, _ = peek.Discard(skip)
	c.skip = int64(bytes.Count(start[:skip], []byte{'\n'}))
	c.rows = tableCSV(c.from, comma)
	return c, nil
}

func tableCSV(from io.Reader, comma rune) *csv.Reader {
	rows := csv.NewReader(from)
	rows.Comma, rows.FieldsPerRecord, rows.ReuseRecord = comma, -1, true
	rows.TrimLeadingSpace = comma != '\t' // a tab is a blank to it: empty columns would vanish
	return rows
}

// separator finds what separates the columns: what occurs most in the first line,
// outside quotes. Excel may say it in a line of its own, and terminals begin with
// lines about themselves, which are to be skipped.
func separator(start []byte) (comma rune, skip int) {
	first, rest, more := bytes.Cut(start, []byte{'\n'})
	for more && bytes.HasPrefix(first, []byte{'#'}) && !bytes.ContainsAny(first, separators) {
		skip += len(first) + 1
		first, rest, more = bytes.Cut(rest, []byte{'\n'})
	}
	if said, ok := bytes.CutPrefix(bytes.TrimSuffix(first, []byte{'\r'}), []byte("sep=")); ok && len(said) == 1 && strings.ContainsRune(separators, rune(said[0])) {
		return rune(said[0]), skip + len(first) + 1
	}
	return likeliest(first), skip
}

// likeliest is what occurs most in a line, outside quotes.
func likeliest(line []byte) rune {
	most, comma := 0, ','
	for _, candidate := range separators {
		n, quoted := 0, false
		for _, c := range line {
			switch {
			case c == '"':
				quoted = !quoted
			case !quoted && rune(c) == candidate:
				n++
			}
		}
		if n > most {
			most, comma = n, candidate
		}
	}
	return comma
}

// maxTitles is how many lines a report may have about itself, its header among them.
const maxTitles = 20

// headerAt finds the line that names the columns of m, and what it separates them with.
func headerAt(start []byte, m *Mapping) (comma rune, skip int, ok bool) {
	lines := 0
	for line := range bytes.Lines(start) {
		if lines++; lines > maxTitles {
			break
		}
		comma := likeliest(line)
		if fields, err := tableCSV(bytes.NewReader(line), comma).Read(); err == nil && headerOf(fields).fits(m) {
			return comma, skip, true
		}
		skip += len(line)
	}
	return 0, 0, false
}

func (c *csvRecords) next() (record, error) {
	c.from.allow(maxPersonRow)
	fields, err := c.rows.Read()
	r := record{fields: fields, end: c.raw.n}
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		r.line, r.broken = int64(syntax.StartLine)+c.skip, BrokenLine
		return r, nil
	case errors.Is(err, ErrPeopleTooLarge):
		return r, fmt.Errorf("%w: a row is longer than 1 MiB: is a quote left open?", ErrTooLarge)
	case err != nil:
		return r, err
	}
	n, _ := c.rows.FieldPos(0)
	r.line = int64(n) + c.skip
	return r, nil
}

// firstRecord reads the first line of a file as the header of a table; nil where it
// cannot be one.
func firstRecord(h head) []string {
	text := h.text
	comma, skip := separator(text)
	rows := tableCSV(bytes.NewReader(text[min(skip, len(text)):]), comma)
	fields, err := rows.Read()
	if err != nil {
		return nil
	}
	return fields
}
