package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"tracekeep/eventschema"
)

// afd reads the source file of a Brazilian time clock: fixed columns in ISO-8859-1,
// a running number for every record. It says neither in nor out. Its records about
// employees name the people.
type afd struct {
	from   *lines
	place  placer
	last   int64 // running number of the record above
	counts map[byte]int64
	people map[string]*Person // by PIS or CPF
	sums   crcs               // ways to sum that fitted all records so far
	proved bool               // they are ways that are known; false: what they prove is not known
	said   bool               // that it is not known was said
}

func openAFD(s source) (reader, error) {
	peek := bufio.NewReaderSize(s.from, 64<<10)
	start, err := peek.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	a := &afd{from: newLines(peek), place: s.place, counts: map[byte]int64{}, people: map[string]*Person{}}
	a.sums, a.proved = summedBy(start)
	return a, nil
}

// manySums is how many records must have a sum that is made in no known way before that is
// taken for a way of its own, and not for damage.
const manySums = 3

// summedBy finds how the records at the beginning of a file are summed: the ways that fit
// most of them. Clocks sum in ways that no rule names; where none fits, a sum proves nothing.
func summedBy(start []byte) (ways crcs, known bool) {
	fitting, most, summed := map[crcs]int{}, 0, 0
	for text := range bytes.Lines(start) {
		layout, kind, text := afdType(bytes.TrimRight(text, "\r\n"))
		if layout == nil || layout.records[kind].sum == 0 {
			continue
		}
		summed++
		for way := crcs(1); way < allCRCs; way <<= 1 {
			if one := way; one.fit(text, layout.records[kind].sum) {
				fitting[way]++
				most = max(most, fitting[way])
			}
		}
	}
	if most == 0 {
		return allCRCs, summed < manySums
	}
	for way, n := range fitting {
		if n == most {
			ways |= way
		}
	}
	return ways, true
}

func (a *afd) next(rows []row) ([]row, int64, error) {
	l, err := a.from.next()
	if err != nil {
		return rows, 0, err
	}
	return append(rows, a.parse(l)), l.end, nil
}

func (a *afd) parse(l line) row {
	r := row{line: l.number}
	switch {
	case l.tooLong:
		r.reason = LineTooLong
		return r
	case isBlank(l.text):
		r.class = blankLine
		return r
	case bytes.HasPrefix(l.text, []byte(afdSignature)): // the signature itself is a file of its own
		r.class = otherRow
		return r
	}
	layout, kind, text := afdType(l.text)
	if layout == nil {
		r.reason = BrokenLine
		if l.unterminated {
			r.reason = TruncatedLine
		}
		return r
	}
	r.shaped = true
	switch sum := layout.records[kind].sum; {
	case sum == 0:
	case !a.proved:
		if !a.said {
			a.said, r.suspect = true, UnknownChecksum
		}
	case !a.sums.fit(text, sum) && !a.sums.fit(l.text, len(l.text)-4): // some sum what they wrote, in UTF-8
		r.reason = BadChecksum
		return r
	}
	if kind != '9' {
		a.counts[kind]++
	}
	a.follow(&r, text, kind)
	switch kind {
	case '3', '7':
		r.reason = a.punch(&r, text, layout)
	case '9':
		r.class = otherRow
		r.reason = a.check(text)
	case '4':
		r.class, r.suspect = otherRow, ClockAdjusted
	case '5':
		r.class = otherRow
		a.employee(text, layout)
	default:
		r.class = otherRow
	}
	return r
}

// follow holds the running number against the one above.
func (a *afd) follow(r *row, text []byte, kind byte) {
	if kind == '1' || kind == '9' {
		return
	}
	r.counter, _ = strconv.ParseInt(string(text[:afdNSR]), 10, 64)
	r.counted = true
	if a.last > 0 && r.counter != a.last+1 && r.suspect == "" {
		r.suspect = CounterJumped
	}
	a.last = r.counter
}

func (a *afd) punch(r *row, text []byte, layout *afdLayout) Reason {
	var s stamp
	var reason Reason
	var who []byte
	if layout.offsets {
		s, reason = a.offset(text[10:34])
		who = text[34:46]
	} else {
		s, reason = a.local(text[10:22])
		who = text[22:34]
	}
	if reason != "" {
		return reason
	}
	key, ok := afdKey(who)
	if !ok {
		return BadPIN
	}
	r.pin = key
	r.at, r.offset, r.clock = s.at, s.offset, s.clock
	if a.place.suspicion != "" {
		r.suspect = a.place.suspicion
	}
	r.undirected, r.pressed, r.kind = true, "undirected", eventschema.KindNormal
	r.same = sameness(*r)
	r.person = a.people[r.pin]
	return ""
}

// afdKey is the PIS or CPF of a record in its 12 digits. Some clocks write a blank behind
// the 11 digits of a CPF, others a zero in front of them.
func afdKey(who []byte) (string, bool) {
	short := bytes.Trim(who, blanks)
	if !digits(short) || len(short) > 12 {
		return "", false
	}
	return strings.Repeat("0", 12-len(short)) + string(short), true
}

// local reads DDMMYYYYHHMM.
func (a *afd) local(text []byte) (stamp, Reason) {
	at, err := time.Parse("020120061504", string(text))
	if err != nil {
		return stamp{}, BadTime
	}
	return placed(&a.place, at, false)
}

// offset reads YYYY-MM-DDThh:mm:00-0300.
func (a *afd) offset(text []byte) (stamp, Reason) {
	at, err := time.Parse("2006-01-02T15:04:05-0700", string(text))
	if err != nil {
		return stamp{}, BadTime
	}
	return placed(&a.place, at, true)
}

// employee keeps the name of a record about an employee; an exclusion keeps the
// name, since punches before it may come after.
func (a *afd) employee(text []byte, layout *afdLayout) {
	operation, who, name := 22, 23, 35
	if layout.offsets {
		operation, who, name = 34, 35, 47
	}
	key, ok := afdKey(text[who : who+12])
	if text[operation] == 'E' || !ok || len(a.people) >= maxNames {
		return
	}
	decoded, err := charmap.ISO8859_1.NewDecoder().Bytes(text[name : name+52])
	if err != nil {
		return
	}
	if text := tidy(string(decoded)); text != "" && isText(text) {
		a.people[key] = &Person{PIN: key, Name: text}
	}
}

// check holds the trailer's counts against what was read: types 2 to 5, or to 7.
func (a *afd) check(text []byte) Reason {
	for kind := byte('2'); len(text) > afdNSR+1; kind++ {
		text = text[afdNSR:]
		if n, err := strconv.ParseInt(string(text[:afdNSR]), 10, 64); err != nil || n != a.counts[kind] {
			return BadCount
		}
		if len(text) <= 2*afdNSR {
			break
		}
	}
	return ""
}
