package importer

import (
	"bytes"
	"encoding/json"
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
	return inOrder(&timewarrior{from: s.lines(), place: s.place, person: s.Person}), nil
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
	if to == "" {
		r.reason = StillRunning
		return r
	}
	const layout = "20060102T150405Z"
	start, err1 := time.Parse(layout, from)
	end, err2 := time.Parse(layout, to)
	if err1 != nil || err2 != nil {
		r.reason = BadTime
		return r
	}
	r.reason = spanOf(&w.place, &r, start, end, true)
	return r
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
