package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tracekeep/eventschema"
)

// record is one row of a table as text.
type record struct {
	fields []string // valid until the next call
	line   int64
	sheet  string
	end    int64
	serial bool   // dates are numbers of days, as in workbooks
	header bool   // names the columns of what follows
	other  bool   // belongs to the format and is no row of the table
	broken Reason // why the row is no row
}

// records is where the rows of a table come from: text or a workbook.
type records interface {
	next() (record, error)
}

// table reads rows as a mapping says.
type table struct {
	from    records
	m       *Mapping
	place   placer
	at      bound
	width   int
	names   []string // of columns that are not read
	interns interns
	people  map[string]*Person // as their first row names them
	owner   string             // whose all rows are, of a table that does not say
	unsure  bool               // whether dates are day first or month first
	derive  bool               // in and out are not believed
	entries map[[16]byte]int   // how often an entry of hours came
}

// bound is a mapping with the places of its columns in one table.
type bound struct {
	email, direction, hours, day, job int
	person, name, apart               []int
	time, start, end                  whenAt
}

func (h header) bind(m *Mapping) bound {
	moment := func(w *Moment) whenAt {
		if w == nil {
			return whenAt{-1, -1, -1}
		}
		return whenAt{h.column(w.At), h.column(w.Date), h.column(w.Time)}
	}
	b := bound{
		email: h.column(m.Email), direction: -1, hours: -1, day: -1, job: -1,
		time: moment(m.Time), start: moment(m.Start), end: moment(m.End),
	}
	b.person = append([]int{h.column(m.Person.Column)}, h.columns(m.Person.Also)...)
	b.name, b.apart = h.columns(m.FullName), h.columns(m.Apart)
	if m.Day != nil {
		b.day = h.column(m.Day.Column)
	}
	if m.Direction != nil {
		b.direction = h.column(m.Direction.Column)
	}
	if m.Job != nil {
		b.job = h.column(m.Job.Column)
	}
	if m.Hours != nil {
		b.hours = h.column(m.Hours.Column)
	}
	return b
}

// openTable reads the header. A table of spans is sorted by time: see [spans].
func openTable(s source, from records, m *Mapping) (reader, error) {
	first, err := from.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it has no header", ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	t := &table{from: from, m: m, place: s.place, interns: interns{}, people: map[string]*Person{}, entries: map[[16]byte]int{}, derive: s.Directions == DirectionsDerived}
	if err := t.head(first.fields); err != nil {
		return nil, err
	}
	if t.at.person[0] < 0 {
		key, ok := byPIN.key(s.Person)
		if !ok {
			return nil, ErrPerson
		}
		t.owner = key
	}
	t.settleDates(s.Dates)
	if m.Start != nil {
		return inOrder(t), nil
	}
	return t, nil
}

func (t *table) head(fields []string) error {
	if t.m.padded {
		fields = slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return tidy(name) == "" })
	}
	h := headerOf(fields)
	if err := h.check(t.m); err != nil {
		return err
	}
	t.at, t.width, t.names = h.bind(t.m), len(fields), nil
	used := map[string]bool{}
	for _, name := range t.m.read() {
		for one := range strings.SplitSeq(name, "|") {
			used[columnName(one)] = true
		}
	}
	for _, name := range fields {
		name = columnName(name)
		if !used[name] && name != "" && len(name) <= maxShort && isText(name) && len(t.names) < maxIgnored {
			t.names = append(t.names, strings.Clone(name))
		}
	}
	return nil
}

func (t *table) ignored() []string { return t.names }

func (t *table) next(rows []row) ([]row, int64, error) {
	rec, err := t.from.next()
	if err != nil {
		return rows, rec.end, err
	}
	if t.m.padded {
		for len(rec.fields) > t.width && tidy(rec.fields[len(rec.fields)-1]) == "" {
			rec.fields = rec.fields[:len(rec.fields)-1]
		}
	}
	r := row{line: rec.line, sheet: rec.sheet, shaped: true, direction: eventschema.DirectionIn, kind: eventschema.KindNormal}
	switch {
	case rec.header:
		r.class = otherRow
		return append(rows, r), rec.end, t.head(rec.fields)
	case rec.broken != "":
		r.reason, r.shaped = rec.broken, false
	case rec.other:
		r.class = otherRow
	case blankRecord(rec.fields):
		r.class = blankLine
	case len(rec.fields) < t.width && !rec.serial || len(rec.fields) > t.width:
		r.reason = BrokenLine
	default:
		r.reason, err = t.fill(&r, rec)
	}
	return append(rows, r), rec.end, err
}

func blankRecord(fields []string) bool {
	for _, f := range fields {
		if tidy(f) != "" {
			return false
		}
	}
	return true
}

func at(fields []string, i int) string {
	if i < 0 || i >= len(fields) {
		return ""
	}
	return tidy(fields[i])
}

func (t *table) fill(r *row, rec record) (Reason, error) {
	for _, f := range rec.fields {
		if !utf8.ValidString(f) {
			return NotUTF8, nil
		}
	}
	if r.pin = t.owner; r.pin == "" {
		key, ok := t.m.Person.By.key(t.pin(joined(rec.fields, t.at.person)))
		if !ok {
			return BadKey, nil
		}
		r.pin = t.interns.of([]byte(key))
		r.person = t.person(r.pin, rec)
	}
	read := t.punch
	switch {
	case t.m.Start != nil:
		read = t.span
	case t.m.Day != nil:
		read = t.declaredRow
	}
	reason, err := read(r, rec)
	job, unknown := t.m.Job.job(at(rec.fields, t.at.job))
	if r.job = job; unknown {
		r.suspect = cmp.Or(r.suspect, UnknownJob)
	}
	return reason, err
}

// joined are columns that belong together, with a blank between them.
func joined(fields []string, columns []int) string {
	if len(columns) == 1 {
		return at(fields, columns[0])
	}
	var parts []string
	for _, i := range columns {
		if part := at(fields, i); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

// pin is the value of the person's column without what was put around a PIN: an
// apostrophe that keeps leading zeros in a spreadsheet, or such zeros themselves.
func (t *table) pin(value string) string {
	if t.m.Person.By != byPIN {
		return value
	}
	value = strings.TrimPrefix(value, "'")
	if short := strings.TrimLeft(value, "0"); t.m.padded && short != "" {
		return short
	}
	return value
}

// person is what the rows say about their person, as the first of them does. A name
// that cannot be one is left out; its rows need a people file then.
func (t *table) person(key string, rec record) *Person {
	if len(t.at.name) == 0 {
		return nil
	}
	if p, ok := t.people[key]; ok {
		return p
	}
	p := &Person{Name: strings.Clone(joined(rec.fields, t.at.name)), Email: strings.Clone(at(rec.fields, t.at.email))}
	if p.Name == "" || len(p.Name) > maxName || !isText(p.Name) {
		return nil
	}
	if t.m.Person.By == byPIN {
		p.PIN = key
	}
	if len(t.people) < maxNames {
		t.people[key] = p
	}
	return p
}

func (t *table) punch(r *row, rec record) (Reason, error) {
	when, reason, err := t.moment(t.m.Time, t.at.time, rec)
	if reason != "" || err != nil {
		return reason, err
	}
	s, reason := placed(&t.place, when.shown, when.instant)
	if reason != "" {
		return reason, nil
	}
	r.suspect = t.place.suspicion
	r.at, r.offset, r.clock = s.at, s.offset, s.clock
	r.undirected, r.pressed = true, "undirected"
	if word := at(rec.fields, t.at.direction); t.m.Direction != nil && word != "" && !strings.EqualFold(word, "none") {
		r.undirected = false
		switch {
		case oneOf(word, t.m.Direction.In):
			r.direction = eventschema.DirectionIn
		case oneOf(word, t.m.Direction.Out):
			r.direction = eventschema.DirectionOut
		case t.m.padded: // firmwares differ in what their numbers mean
			r.undirected = true
		default:
			return BadDirection, nil
		}
		if !r.undirected {
			r.pressed, r.underived = string(r.direction), t.derive
		}
	}
	r.same = sameness(*r)
	return "", nil
}

func oneOf(word string, words []string) bool {
	for _, w := range words {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}

func (t *table) span(r *row, rec record) (Reason, error) {
	start, reason, err := t.moment(t.m.Start, t.at.start, rec)
	if reason != "" || err != nil {
		return reason, err
	}
	r.either = start.either
	if t.at.end.empty(rec.fields) {
		return StillRunning, nil
	}
	end, reason, err := t.moment(t.m.End, t.at.end, rec)
	if reason != "" || err != nil {
		return reason, err
	}
	if t.m.End.NextDay && !end.instant && !end.shown.After(start.shown) {
		end.shown = end.shown.AddDate(0, 0, 1)
	}
	if reason := spanOf(&t.place, r, start.shown, end.shown, start.instant); reason != "" {
		return reason, nil
	}
	if told, ok := t.m.Hours.read(at(rec.fields, t.at.hours)); ok && !about(r.end.at.Sub(r.at), told) {
		r.suspect = HoursDisagree
	}
	return "", nil
}
