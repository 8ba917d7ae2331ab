package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// timewExport reads an export of timewarrior however it is laid out: one array of entries.
// Where it is damaged, what comes after is lost, other than in one with an entry a line.
type timewExport struct {
	entries *json.Decoder
	meter   *metered
	text    *lineCount
	place   placer
	person  string
	began   bool
	ended   bool
}

func newTimewExport(l *lines, s source) *timewExport {
	w := &timewExport{text: &lineCount{from: l.from}, place: s.place, person: s.Person}
	w.meter = &metered{from: w.text}
	w.entries = json.NewDecoder(w.meter)
	return w
}

func (w *timewExport) next(rows []row) ([]row, int64, error) {
	w.meter.allow(maxPersonRow)
	if !w.began {
		w.began = true
		if open, err := w.entries.Token(); err != nil || open != json.Delim('[') {
			return w.broken(rows, err)
		}
	}
	if w.ended || !w.entries.More() {
		if w.ended {
			return rows, w.text.read, io.EOF
		}
		w.ended = true
		if _, err := w.entries.Token(); err != nil {
			return w.broken(rows, err)
		}
		return rows, w.text.read, io.EOF
	}
	var entry json.RawMessage
	if err := w.entries.Decode(&entry); err != nil {
		return w.broken(rows, err)
	}
	line := w.text.at(w.entries.InputOffset()) - int64(bytes.Count(entry, []byte{'\n'}))
	r := row{line: line, pin: w.person}
	var exported struct{ Start, End string }
	if err := json.Unmarshal(entry, &exported); err != nil || exported.Start == "" {
		r.reason = BrokenLine
	} else {
		r.shaped = true
		r.reason = timewSpan(&w.place, &r, exported.Start, exported.End)
	}
	return append(rows, r), w.text.read, nil
}

// broken is the last row of an export that cannot be read on.
func (w *timewExport) broken(rows []row, err error) ([]row, int64, error) {
	w.ended = true
	r := row{line: w.text.at(w.entries.InputOffset()), reason: BrokenLine}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.reason = TruncatedLine
	case errors.Is(err, ErrPeopleTooLarge):
		return rows, w.text.read, fmt.Errorf("%w: an entry is longer than 1 MiB", ErrTooLarge)
	case err != nil && !errors.As(err, &syntax):
		return rows, w.text.read, err
	}
	return append(rows, r), w.text.read, nil
}

// lineCount knows on which line a place of a text is, for places that only grow.
type lineCount struct {
	from  io.Reader
	read  int64
	ahead []int64 // line feeds that were read and not passed
	line  int64   // passed line feeds
}

func (c *lineCount) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ahead = append(c.ahead, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// at is the number of the line, counted from 1.
func (c *lineCount) at(place int64) int64 {
	passed := 0
	for passed < len(c.ahead) && c.ahead[passed] < place {
		passed++
	}
	c.ahead = append(c.ahead[:0], c.ahead[passed:]...)
	c.line += int64(passed)
	return c.line + 1
}
