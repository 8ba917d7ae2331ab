package importer

import (
	"bytes"
	"regexp"
	"time"
	"unicode/utf8"
)

// timewLine is an interval of timewarrior: "inc START [- END] [# tags [# note]]", UTC.
var timewLine = regexp.MustCompile(`^inc\s+(\d{8}T\d{6}Z)(?:\s+-\s+(\d{8}T\d{6}Z))?\s*(?:#.*)?$`)

// timewarrior reads one person's data file. Tags and notes are not kept.
type timewarrior struct {
	from   *lines
	place  placer
	person string
}

func isTimewarrior(h head) bool { return timewLine.Match(h.line) }

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
	m := timewLine.FindSubmatch(bytes.TrimSpace(l.text))
	if m == nil {
		r.reason = BrokenLine
		if l.unterminated {
			r.reason = TruncatedLine
		}
		return r
	}
	r.shaped = true
	if len(m[2]) == 0 {
		r.reason = StillRunning
		return r
	}
	const layout = "20060102T150405Z"
	start, err1 := time.Parse(layout, string(m[1]))
	end, err2 := time.Parse(layout, string(m[2]))
	if err1 != nil || err2 != nil {
		r.reason = BadTime
		return r
	}
	r.reason = spanOf(&w.place, &r, start, end, true)
	return r
}
