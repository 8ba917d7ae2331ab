package importer

import (
	"strconv"
	"time"

	"golang.org/x/text/encoding/charmap"

	"tracekeep/eventschema"
)

// afdRecord is how wide the records of one type are in one layout, without line end.
// Sources: Portaria MTE 1510/2009, annex I; Portaria MTP 671/2021, annex V.
type afdRecord struct{ wide, sum int } // sum: where the CRC-16 stands, 0 where there is none

var (
	afd1510 = map[byte]afdRecord{'1': {232, 0}, '2': {299, 0}, '3': {34, 0}, '4': {34, 0}, '5': {87, 0}, '9': {46, 0}}
	afd671  = map[byte]afdRecord{
		'1': {302, 298}, '2': {331, 327}, '3': {50, 46}, '4': {73, 69}, '5': {118, 114}, '6': {36, 0}, '7': {137, 0}, '9': {64, 0},
	}
)

const (
	afdNSR     = 9 // digits of the running number that begins each record
	afdTrailer = "999999999"
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
}

func isAFD(h head) bool {
	layout, _, ok := afdType(h.line)
	return ok && layout != nil
}

// afdType tells the layout and type of a record by its width.
func afdType(line []byte) (layout map[byte]afdRecord, kind byte, ok bool) {
	if len(line) <= afdNSR || !digits(line[:afdNSR]) {
		return nil, 0, false
	}
	for _, layout := range []map[byte]afdRecord{afd1510, afd671} {
		kind := line[afdNSR]
		if string(line[:afdNSR]) == afdTrailer && line[len(line)-1] == '9' {
			kind = '9'
		}
		if r, known := layout[kind]; known && r.wide == len(line) {
			return layout, kind, true
		}
	}
	return nil, 0, false
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func openAFD(s source) (reader, error) {
	return &afd{
		from: s.lines(), place: s.place, counts: map[byte]int64{}, people: map[string]*Person{}, sums: allCRCs,
	}, nil
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
	}
	layout, kind, ok := afdType(l.text)
	if !ok {
		r.reason = BrokenLine
		if l.unterminated {
			r.reason = TruncatedLine
		}
		return r
	}
	r.shaped = true
	if !a.sums.fit(l.text, layout[kind].sum) {
		r.reason = BadChecksum
		return r
	}
	if kind != '9' {
		a.counts[kind]++
	}
	a.follow(&r, l.text, kind)
	switch kind {
	case '3', '7':
		r.reason = a.punch(&r, l.text, layout)
	case '9':
		r.class = otherRow
		r.reason = a.check(l.text)
	case '4':
		r.class, r.suspect = otherRow, ClockAdjusted
	case '5':
		r.class = otherRow
		a.employee(l.text, layout)
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
	if a.last > 0 && r.counter != a.last+1 {
		r.suspect = CounterJumped
	}
	a.last = r.counter
}

func (a *afd) punch(r *row, text []byte, layout map[byte]afdRecord) Reason {
	var s stamp
	var reason Reason
	var who []byte
	if layout['3'].wide == afd1510['3'].wide {
		s, reason = a.local(text[10:22])
		who = text[22:34]
	} else {
		s, reason = a.offset(text[10:34])
		who = text[34:46]
	}
	if reason != "" {
		return reason
	}
	if !digits(who) {
		return BadPIN
	}
	r.pin = string(who)
	r.at, r.offset, r.clock = s.at, s.offset, s.clock
	if a.place.suspicion != "" {
		r.suspect = a.place.suspicion
	}
	r.undirected, r.pressed, r.kind = true, "undirected", eventschema.KindNormal
	r.same = sameness(*r)
	r.person = a.people[r.pin]
	return ""
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
func (a *afd) employee(text []byte, layout map[byte]afdRecord) {
	operation, who, name := 22, 23, 35
	if layout['5'].wide == afd671['5'].wide {
		operation, who, name = 34, 35, 47
	}
	key, ok := byPIN.key(string(text[who : who+12]))
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
