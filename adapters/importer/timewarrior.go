package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"time"
	"unicode/utf8"
)

// timewLine is an interval of timewarrior: "inc START [- END] [# tags [# note]]", UTC.
var timewLine = regexp.MustCompile(`^inc\s+(\d{8}T\d{6}Z)(?:\s+-\s+(\d{8}T\d{6}Z))?\s*(?:#.*)?$`)

// timewJSON is how "timew export" begins: an array of objects, one a line.
var timewJSON = regexp.MustCompile(`^\s*\[\s*\{[^{}]*"start"\s*:\s*"\d{8}T\d{6}Z"`)

// timewObject is one of them, with the comma behind it.
var timewObject = regexp.MustCompile(`^\[?\s*(\{.*\})\s*[,\]]?$`)

// timewarrior reads one person's data file, or what "timew export" wrote. Tags and
// notes are not kept.
type timewarrior struct {
	from   *lines
	place  placer
	person string
}

func isTimewarrior(h head) bool { return timewLine.Match(h.line) || timewJSON.Match(h.text) }

func openTimewarrior(s source) (reader, error) {
	l, err := s.lines()
	if err != nil {
		return nil, err
	}
	start, err := l.from.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if exportedAnyhow(start) {
		return inOrder(newTimewExport(l, s)), nil
	}
	return inOrder(&timewarrior{from: l, place: s.place, person: s.Person}), nil
}

// exportedAnyhow says whether an export has its entries otherwise than one a line, as other
// programs lay it out.
func exportedAnyhow(start []byte) bool {
	if !bytes.HasPrefix(bytes.TrimLeft(start, " \r\n\t\uFEFF"), []byte{'['}) {
		return false
	}
	for text := range bytes.Lines(start) {
		if text = bytes.TrimSpace(text); bytes.IndexByte(text, '{') >= 0 {
			_, _, ok := interval(text)
			return !ok
		}
	}
	return false
}

func (w *timewarrior) next(rows []row) ([]row, int64, error) {
	l, err := w.from.next()
	if err != nil {
		return rows, 0, err
	}
	return append(rows, w.parse(l)), l.end, nil
}

func (w *timewarrior) parse(l line) row {
	r := row{line: l.number, pin: w.person}
	switch {
	case l.tooLong:
		r.reason = LineTooLong
		return r
	case isBlank(l.text):
		r.class = blankLine
		return r
	case !utf8.Valid(l.text):
		r.reason = NotUTF8
		return r
	}
	text := bytes.TrimSpace(l.text)
	if len(text) == 1 && (text[0] == '[' || text[0] == ']') {
		r.class = otherRow
		return r
	}
	from, to, ok := interval(text)
	if !ok {
		r.reason = BrokenLine
		if l.unterminated {
			r.reason = TruncatedLine
		}
		return r
	}
	r.shaped = true
	r.reason = timewSpan(&w.place, &r, from, to)
	return r
}

// timewSpan makes a row of the two ends of an interval.
func timewSpan(place *placer, r *row, from, to string) Reason {
	if to == "" {
		return StillRunning
	}
	const layout = "20060102T150405Z"
	start, err1 := time.Parse(layout, from)
	end, err2 := time.Parse(layout, to)
	if err1 != nil || err2 != nil {
		return BadTime
	}
	return spanOf(place, r, start, end, true)
}

// interval finds the two ends of an interval, as a data file or an export has them.
func interval(text []byte) (start, end string, ok bool) {
	if m := timewLine.FindSubmatch(text); m != nil {
		return string(m[1]), string(m[2]), true
	}
	m := timewObject.FindSubmatch(text)
	if m == nil {
		return "", "", false
	}
	var exported struct{ Start, End string }
	if err := json.Unmarshal(m[1], &exported); err != nil || exported.Start == "" {
		return "", "", false
	}
	return exported.Start, exported.End, true
}
