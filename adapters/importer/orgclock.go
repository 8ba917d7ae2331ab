package importer

import (
	"bytes"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// orgLine is a CLOCK line of Emacs org-mode: local time, the day's name in the
// writer's language, no end while the clock runs. Inactive timestamps stand in
// square brackets.
var orgLine = regexp.MustCompile(`^\s*CLOCK:\s*\[(\d{4}-\d{2}-\d{2})(?:\s[^\]\s\d]+)?\s(\d{1,2}:\d{2})\](?:--\[(\d{4}-\d{2}-\d{2})(?:\s[^\]\s\d]+)?\s(\d{1,2}:\d{2})\](?:\s*=>\s*(\d+:\d{2}))?)?\s*$`)

var orgClock = []byte("CLOCK:")

// org reads the CLOCK lines of one person's file. Everything else in it is prose,
// and not kept.
type org struct {
	from   *lines
	place  placer
	person string
}

func isOrg(h head) bool {
	return bytes.Contains(h.text, []byte("CLOCK: [")) || bytes.HasPrefix(h.line, []byte("#+")) || bytes.HasPrefix(h.line, []byte("* "))
}

func openOrg(s source) (reader, error) {
	from, err := s.lines()
	return inOrder(&org{from: from, place: s.place, person: s.Person}), err
}

func (o *org) next(rows []row) ([]row, int64, error) {
	l, err := o.from.next()
	if err != nil {
		return rows, 0, err
	}
	return append(rows, o.parse(l)), l.end, nil
}

func (o *org) parse(l line) row {
	r := row{line: l.number, shaped: true, pin: o.person}
	switch {
	case !bytes.HasPrefix(bytes.TrimSpace(l.text), orgClock): // prose may be as long as it likes
		r.class = otherRow
		if !l.tooLong && isBlank(l.text) {
			r.class = blankLine
		}
		return r
	case l.tooLong:
		r.reason = LineTooLong
		return r
	case !utf8.Valid(l.text):
		r.reason = NotUTF8
		return r
	}
	m := orgLine.FindSubmatch(l.text)
	switch {
	case m == nil && l.unterminated:
		r.reason = TruncatedLine
	case m == nil:
		r.reason = BrokenLine
	case len(m[3]) == 0:
		r.reason = StillRunning
	default:
		r.reason = o.fill(&r, m)
	}
	return r
}

func (o *org) fill(r *row, m [][]byte) Reason {
	const layout = "2006-01-02 15:04"
	start, err1 := time.Parse(layout, orgTime(m[1], m[2]))
	end, err2 := time.Parse(layout, orgTime(m[3], m[4]))
	if err1 != nil || err2 != nil {
		return BadTime
	}
	reason := spanOf(&o.place, r, start, end, false)
	if told, ok := (&Duration{}).read(string(m[5])); reason == "" && ok && !about(r.end.at.Sub(r.at), told) {
		r.suspect = HoursDisagree
	}
	return reason
}

func orgTime(date, clock []byte) string {
	hour, minute, _ := bytes.Cut(clock, []byte{':'})
	if n, err := strconv.Atoi(string(hour)); err == nil && n < 10 {
		return string(date) + " 0" + strconv.Itoa(n) + ":" + string(minute)
	}
	return string(date) + " " + string(clock)
}
