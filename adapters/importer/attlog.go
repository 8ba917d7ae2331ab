package importer

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

const (
	minColumns  = 4  // PIN, time, verify, state: without these there is no punch
	fullColumns = 6  // as the terminals write them
	maxColumns  = 16 // newer firmware adds some that are not read
	maxPIN      = 24
	maxCode     = 16
	blanks      = " \x00" // terminals pad with blanks, and after power loss with NUL
)

// attlog parses the lines of one clock file. Not for use by several goroutines.
type attlog struct {
	from    *lines
	place   placer
	usual   int // columns of the last good line
	interns interns
	derive  bool // whatever was pressed
}

func openAttlog(s source) (reader, error) {
	from, err := s.lines()
	if err != nil {
		return nil, err
	}
	if s.Directions == "" {
		if err := checkPressed(from); err != nil {
			return nil, err
		}
	}
	return &attlog{from: from, place: s.place, usual: fullColumns, interns: interns{}, derive: s.Directions == DirectionsDerived}, nil
}

func (a *attlog) next(rows []row) ([]row, int64, error) {
	l, err := a.from.next()
	if err != nil {
		return rows, 0, err
	}
	return append(rows, a.parse(l)), l.end, nil
}

// parse reads one line.
func (a *attlog) parse(l line) row {
	r := row{line: l.number}
	switch {
	case !l.tooLong && isBlank(l.text):
		r.class = blankLine
		return r
	case l.tooLong:
		r.reason = LineTooLong
		return r
	case !utf8.Valid(l.text):
		r.reason = NotUTF8
		return r
	}
	var columns [maxColumns][]byte
	n := split(l.text, &columns)
	if l.unterminated && (n < a.usual || n < fullColumns) {
		r.reason = TruncatedLine
		return r
	}
	if n < minColumns || n > maxColumns {
		r.reason = BrokenLine
		return r
	}
	r.shaped = true
	if r.reason = a.fill(&r, &columns); r.reason != "" {
		return r
	}
	a.usual = n
	r.same = sameness(r)
	return r
}

// fill reads the columns into r and answers the reason if that cannot be done.
func (a *attlog) fill(r *row, columns *[maxColumns][]byte) Reason {
	if !isCode(columns[0], maxPIN) || len(columns[0]) == 0 {
		return BadPIN
	}
	wall, ok := parseClock(columns[1])
	if !ok {
		return BadTime
	}
	state, ok := parseState(columns[3])
	switch undefined := string(columns[3]) == "255"; {
	case ok, undefined && a.derive:
	case undefined:
		return UndefinedState
	default:
		return BadState
	}
	if !isCode(columns[2], maxCode) || !isCode(columns[4], maxCode) {
		return BrokenLine
	}
	resolved, reason := a.place.resolve(wall)
	if reason != "" {
		return reason
	}
	r.suspect = a.place.suspicion
	r.at, r.offset = resolved.At, resolved.OffsetSeconds
	r.pin, r.clock = a.interns.of(columns[0]), clockText(columns[1])
	r.verification, r.workCode = a.interns.of(columns[2]), a.interns.of(columns[4])
	if ok {
		r.pressed, r.direction, r.kind = press(state)
	} else {
		r.pressed, r.undirected, r.kind = "undirected", true, eventschema.KindNormal
	}
	r.underived = ok && a.derive
	return ""
}

// split cuts text at its tabs and answers how many columns there are, which may
// be more than were kept.
func split(text []byte, columns *[maxColumns][]byte) int {
	for n := 0; ; n++ {
		column, rest, more := bytes.Cut(text, []byte{'\t'})
		if n < maxColumns {
			columns[n] = bytes.Trim(column, blanks)
		}
		if !more {
			return n + 1
		}
		text = rest
	}
}

// isCode tells whether b is what a station writes as a number or short code. It
// keeps free text out of punches, which are not sealed.
func isCode(b []byte, longest int) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(b) <= longest
}

func parseState(b []byte) (byte, bool) {
	if len(b) != 1 || b[0] < '0' || b[0] > '5' {
		return 0, false
	}
	return b[0], true
}

// press is what the key meant: break out leaves work, break in comes back.
func press(state byte) (pressed string, direction eventschema.Direction, kind eventschema.PunchKind) {
	direction, kind = eventschema.DirectionIn, eventschema.KindNormal
	switch state {
	case '1', '2', '5':
		direction = eventschema.DirectionOut
	}
	switch state {
	case '2', '3':
		kind = eventschema.KindBreak
	case '4', '5':
		kind = eventschema.KindOvertime
	}
	return states[state-'0' : state-'0'+1], direction, kind
}

const states = "012345"

// clockText is a time as stations write it.
func clockText(b []byte) string { return strings.ReplaceAll(string(b), "/", "-") }

// parseClock reads exactly YYYY-MM-DD HH:MM:SS, or with slashes as some programs of the
// vendors write it; whether there is such a date is for [localtime.Readings] to say.
func parseClock(b []byte) (localtime.Wall, bool) {
	const form = "0000-00-00 00:00:00"
	if len(b) != len(form) || b[4] != b[7] {
		return localtime.Wall{}, false
	}
	for i := range form {
		if form[i] != '0' && b[i] != form[i] && (form[i] != '-' || b[i] != '/') || form[i] == '0' && (b[i] < '0' || b[i] > '9') {
			return localtime.Wall{}, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	return localtime.Wall{
		Year: number(0, 4), Month: time.Month(number(5, 7)), Day: number(8, 10),
		Hour: number(11, 13), Min: number(14, 16), Sec: number(17, 19),
	}, true
}

// isBlank tells whether a line holds nothing but padding, or the mark with which DOS ends
// a text. Such lines are no rows.
func isBlank(text []byte) bool { return len(bytes.Trim(text, blanks+"\r\x1A")) == 0 }
