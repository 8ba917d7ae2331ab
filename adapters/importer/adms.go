package importer

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tracekeep/eventschema"
)

// The columns of a pushed record: Pin, Time, Status, Verify, Workcode, two reserved,
// MaskFlag, Temperature, ConvTemperature, TimeOffset, ExtendData.
const (
	admsStatus = 2
	admsVerify = 3
	admsWork   = 4
	admsOffset = 10
)

// adms reads the body in which a ZKTeco terminal pushes its punches. Other than in
// the file of a USB stick the status comes before the verification. Firmwares differ:
// two to twelve columns, a Unix time, pairs such as PIN=1, or a form field with the
// lines. A terminal repeats a batch until it is acknowledged.
type adms struct {
	from    *lines
	place   placer
	interns interns
}

func openADMS(s source) (reader, error) {
	from, err := s.lines()
	return &adms{from: from, place: s.place, interns: interns{}}, err
}

func (a *adms) next(rows []row) ([]row, int64, error) {
	l, err := a.from.next()
	if err != nil {
		return rows, 0, err
	}
	if form, ok := bytes.CutPrefix(l.text, []byte("data=")); ok && !l.tooLong && bytes.IndexByte(form, '\t') < 0 {
		return a.form(rows, l, string(form)), l.end, nil
	}
	l.text = bytes.TrimPrefix(l.text, []byte("data="))
	return append(rows, a.parse(l)), l.end, nil
}

// form reads the lines inside a form field. Their number is that of the field.
func (a *adms) form(rows []row, l line, escaped string) []row {
	text, err := url.QueryUnescape(escaped)
	if err != nil {
		return append(rows, row{line: l.number, reason: BrokenLine})
	}
	for part := range strings.Lines(text) {
		rows = append(rows, a.parse(line{number: l.number, text: []byte(strings.TrimRight(part, "\r\n"))}))
	}
	return rows
}

func (a *adms) parse(l line) row {
	r := row{line: l.number}
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
	for _, template := range []string{"FP ", "FACE ", "BIODATA ", "BIOPHOTO ", "USERPIC "} {
		if bytes.HasPrefix(l.text, []byte(template)) {
			r.reason = Biometric
			return r
		}
	}
	var columns [maxColumns][]byte
	n := split(l.text, &columns)
	if bytes.IndexByte(columns[0], '=') > 0 {
		n = pairs(l.text, &columns)
	}
	if n < 2 || n > maxColumns {
		r.reason = BrokenLine
		return r
	}
	r.shaped = true
	if r.reason = a.fill(&r, &columns); r.reason == "" {
		r.same = sameness(r)
	}
	return r
}

// pairs puts PIN=1 DateTime=2026-05-04 08:00:00 Status=0 Verified=1 into the order of
// the columns and answers how many there are.
func pairs(text []byte, columns *[maxColumns][]byte) int {
	var found [maxColumns][]byte
	names := [][]byte{[]byte("PIN="), []byte("DateTime="), []byte("Status="), []byte("Verified="), []byte("WorkCode=")}
	n := 0
	for i, name := range names {
		_, value, ok := bytes.Cut(text, name)
		if !ok {
			continue
		}
		end := len(value)
		if tab := bytes.IndexByte(value, '\t'); tab >= 0 {
			end = tab
		}
		for _, other := range names {
			if at := bytes.Index(value, append([]byte(" "), other...)); at >= 0 && at < end {
				end = at
			}
		}
		found[i], n = bytes.Trim(value[:end], blanks), i+1
	}
	*columns = found
	return n
}

func (a *adms) fill(r *row, columns *[maxColumns][]byte) Reason {
	if !isCode(columns[0], maxPIN) || len(columns[0]) == 0 {
		return BadPIN
	}
	if !isCode(columns[admsVerify], maxCode) || !isCode(columns[admsWork], maxCode) {
		return BrokenLine
	}
	r.kind, r.undirected, r.pressed = eventschema.KindNormal, true, "undirected"
	if status := columns[admsStatus]; len(status) > 0 && string(status) != "255" {
		state, ok := parseState(status)
		if !ok {
			return BadState
		}
		r.pressed, r.direction, r.kind = press(state)
		r.undirected = false
	}
	s, reason := a.when(columns[1], columns[admsOffset])
	if reason != "" {
		return reason
	}
	r.suspect = a.place.suspicion
	r.at, r.offset, r.clock, r.pin = s.at, s.offset, s.clock, a.interns.of(columns[0])
	r.verification, r.workCode = a.interns.of(columns[admsVerify]), a.interns.of(columns[admsWork])
	return ""
}

// when reads local time, local time with an offset in seconds, or a Unix time.
func (a *adms) when(clock, offset []byte) (stamp, Reason) {
	if seconds, err := strconv.ParseInt(string(clock), 10, 64); err == nil && len(clock) >= 9 && len(clock) <= 11 {
		return placed(&a.place, time.Unix(seconds, 0).UTC(), true)
	}
	wall, ok := parseClock(clock)
	if !ok {
		return stamp{}, BadTime
	}
	shown := time.Date(wall.Year, wall.Month, wall.Day, wall.Hour, wall.Min, wall.Sec, 0, time.UTC)
	if shown.Format(time.DateTime) != string(clock) {
		return stamp{}, BadTime
	}
	seconds, err := strconv.Atoi(string(offset))
	if err != nil || len(offset) == 0 || (offset[0] != '+' && offset[0] != '-') || seconds < -14*3600 || seconds > 14*3600 {
		return placed(&a.place, shown, false)
	}
	s, reason := placed(&a.place, shown.Add(-time.Duration(seconds)*time.Second), true)
	s.clock = string(clock)
	return s, reason
}
