package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrMapping: the mapping file does not describe a table.
var ErrMapping = errors.New("mapping")

// Mapping says what the columns of a table are. Names of columns are compared
// without case, runs of blanks and line breaks, and A|B is the first of A and B that
// the table has. A row is one punch (Time), a span that becomes an in and an out
// (Start and End), the hours of a day (Day and Hours), an enrolment (Enrolment), or a person (People).
type Mapping struct {
	Name    string `yaml:"name"`
	BasedOn string `yaml:"based_on"` // a built-in table, to which Job is added

	Person   Whose    `yaml:"person"`
	FullName []string `yaml:"full_name"` // columns joined with a blank; people not known are registered by it
	Email    string   `yaml:"email"`

	Time      *Moment   `yaml:"time"`
	Direction *Pressed  `yaml:"direction"` // without it, in and out are derived
	Start     *Moment   `yaml:"start"`
	End       *Moment   `yaml:"end"`
	Day       *Day      `yaml:"day"`   // on which Hours were worked, where there are no times of day
	Hours     *Duration `yaml:"hours"` // what the file says it took; compared where there are times
	Apart     []string  `yaml:"apart"` // columns that tell entries of one day apart, such as project; not kept

	Job *JobColumn `yaml:"job"` // without it, projects and tasks are not kept

	// Enrolment makes a row an enrolment instead of a punch: see [RunRoster].
	Enrolment *EnrolmentColumns `yaml:"enrolment"`

	// People makes a row a person instead of a punch: see [RunPeople].
	People *PeopleColumns `yaml:"people"`

	// Of built-in tables: columns that tell their files from others'.
	title   string
	has     []string
	hasNot  []string
	members bool // the people file beside it is written by the same program
	anybody bool // tables without the person's column are one person's: Options.Person says whose
	padded  bool // the header has columns without a name that the rows do not have, and PINs have zeros in front
}

// Whose says where a row names its person.
type Whose struct {
	Column string   `yaml:"column"`
	By     keyKind  `yaml:"by"`   // pin, id, email, name or login
	Also   []string `yaml:"also"` // further columns of a name, joined with blanks
}

// Moment says where a row has a time: in one column, or date and time of day in two.
type Moment struct {
	At      string   `yaml:"at"`
	Date    string   `yaml:"date"`
	Time    string   `yaml:"time"`
	Layouts []string `yaml:"layouts"`  // such as DD.MM.YYYY HH:mm; with Z the offset is part of the value
	NextDay bool     `yaml:"next_day"` // of an end: not later than the start means the day after

	parsed []string // layouts as package time knows them
}

// Pressed says which words mean in and which out.
type Pressed struct {
	Column string   `yaml:"column"`
	In     []string `yaml:"in"`
	Out    []string `yaml:"out"`
}

// Duration says where and how a row has its hours.
type Duration struct {
	Column string `yaml:"column"`
	As     string `yaml:"as"` // decimal (the default), hhmm, or seconds; a colon is understood always
}

const maxMapping = 64 << 10

// ReadMapping reads a mapping file: YAML with the names above and no others.
// Error: [ErrMapping], with everything that is wrong.
func ReadMapping(r io.Reader) (*Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, fmt.Errorf("read mapping file: %w", err)
	}
	if len(text) > maxMapping {
		return nil, fmt.Errorf("%w: longer than 64 KiB", ErrMapping)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	m := new(Mapping)
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMapping, err)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: one YAML document is expected", ErrMapping)
	}
	if m.BasedOn != "" {
		if m, err = m.basedOn(); err != nil {
			return nil, err
		}
	}
	if m.Name == "" {
		m.Name = "table"
	}
	return m, m.prepare()
}

// prepare checks the mapping and translates its layouts.
func (m *Mapping) prepare() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if err := validStation(m.Name); err != nil {
		say("name must be letters, digits, dots, dashes or underscores")
	}
	if m.Person.Column == "" {
		say("person.column is missing")
	}
	switch m.Person.By {
	case byPIN, byID, byEmail, byName, byLogin:
	default:
		say("person.by must be pin, id, email, name or login")
	}
	kinds := 0
	for _, given := range []bool{m.Time != nil, m.Start != nil || m.End != nil, m.Day != nil} {
		if given {
			kinds++
		}
	}
	switch {
	case m.People != nil:
		wrong = append(wrong, m.peopleMistakes()...)
	case m.Enrolment != nil:
		wrong = append(wrong, m.enrolmentMistakes()...)
	case kinds != 1, (m.Start != nil) != (m.End != nil):
		say("give time, or both start and end, or day")
	case m.Direction != nil && m.Time == nil:
		say("direction belongs to time: a row with start and end is an in and an out, one with day is neither")
	case m.Day != nil && m.Hours == nil:
		say("day needs hours")
	case m.Apart != nil && m.Day == nil:
		say("apart belongs to day: what has times is told apart by them")
	}
	if m.Day != nil {
		if err := m.Day.prepare(); err != nil {
			say("day: %w", err)
		}
	}
	for name, moment := range map[string]*Moment{"time": m.Time, "start": m.Start, "end": m.End} {
		if moment != nil {
			if err := moment.prepare(); err != nil {
				say("%s: %w", name, err)
			}
		}
	}
	if d := m.Direction; d != nil && (d.Column == "" || len(d.In) == 0 || len(d.Out) == 0) {
		say("direction needs column, in and out")
	}
	if h := m.Hours; h != nil && (h.Column == "" || h.As != "" && h.As != "decimal" && h.As != "hhmm" && h.As != "seconds") {
		say("hours needs column, and as must be decimal, hhmm or seconds")
	}
	wrong = append(wrong, m.Job.mistakes()...)
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %w", ErrMapping, errors.Join(wrong...))
	}
	return nil
}

func (m *Moment) prepare() error {
	if (m.At == "") == (m.Date == "" || m.Time == "") {
		return errors.New("give at, or both date and time")
	}
	if len(m.Layouts) == 0 {
		return errors.New("layouts is missing, such as YYYY-MM-DD HH:mm:ss")
	}
	m.parsed = nil
	for _, layout := range m.Layouts {
		m.parsed = append(m.parsed, goLayout(layout))
	}
	return nil
}

func (d *Day) prepare() error {
	if d.Column == "" {
		return errors.New("give column")
	}
	if len(d.Layouts) == 0 {
		return errors.New("layouts is missing, such as YYYY-MM-DD")
	}
	d.parsed = nil
	for _, layout := range d.Layouts {
		d.parsed = append(d.parsed, goLayout(layout))
	}
	return nil
}

// goLayout translates the letters that people write into the example that package
// time wants. M and D stand for one or two digits.
func goLayout(layout string) string {
	return strings.NewReplacer(
		"YYYY", "2006", "YY", "06", "MM", "01", "M", "1", "DD", "02", "D", "2",
		"HH", "15", "hh", "3", "mm", "04", "ss", "05", "AM", "PM", "Z", "Z07:00",
	).Replace(layout)
}

// needed lists the columns without which no row can be read.
func (m *Mapping) needed() []string {
	columns := slices.Concat(m.Person.Also, m.has)
	if !m.anybody {
		columns = append(columns, m.Person.Column)
	}
	for _, moment := range []*Moment{m.Time, m.Start, m.End} {
		if moment != nil {
			columns = append(columns, moment.At, moment.Date, moment.Time)
		}
	}
	if m.Direction != nil && !m.padded {
		columns = append(columns, m.Direction.Column)
	}
	if m.Job != nil {
		columns = append(columns, m.Job.Column)
	}
	if m.Day != nil {
		columns = append(columns, m.Day.Column, m.Hours.Column)
	}
	return columns
}

// read lists the columns that are used where the table has them.
func (m *Mapping) read() []string {
	columns := slices.Concat(m.needed(), m.FullName, m.Apart, []string{m.Email, m.Person.Column})
	if m.Direction != nil {
		columns = append(columns, m.Direction.Column)
	}
	if m.Hours != nil {
		columns = append(columns, m.Hours.Column)
	}
	return columns
}

// header is the columns of a table by their tidied names; -1 for one that occurs
// more than once.
type header map[string]int

func headerOf(record []string) header {
	h := header{}
	for i, name := range record {
		name = columnName(name)
		if _, twice := h[name]; twice {
			i = -1
		}
		h[name] = i
	}
	return h
}

func columnName(name string) string { return strings.ToLower(tidy(name)) }

// fits tells whether the table has the columns of m.
func (h header) fits(m *Mapping) bool {
	for _, name := range m.needed() {
		if _, ok := h.find(name); name != "" && !ok {
			return false
		}
	}
	for _, name := range m.hasNot {
		if _, ok := h.find(name); ok {
			return false
		}
	}
	return true
}

// check says which column is missing or is there twice. Names are those of the
// mapping: where there is no header, the first row is somebody's.
func (h header) check(m *Mapping) error {
	for _, name := range m.needed() {
		if _, ok := h.find(name); name != "" && !ok {
			return fmt.Errorf("%w %s: the table has no column %q in its first row", ErrMapping, m.Name, name)
		}
	}
	for _, name := range m.read() {
		if at, ok := h.find(name); name != "" && ok && at < 0 {
			return fmt.Errorf("%w %s: the table has more than one column %q", ErrMapping, m.Name, name)
		}
	}
	return nil
}

// column is the place of a column in a row; -1 where the table has none.
func (h header) column(name string) int {
	if at, ok := h.find(name); ok && name != "" {
		return at
	}
	return -1
}

// columns are the places of those of them that the table has.
func (h header) columns(names []string) (places []int) {
	for _, name := range names {
		if at := h.column(name); at >= 0 {
			places = append(places, at)
		}
	}
	return places
}

// find finds the first of the columns that a name stands for.
func (h header) find(name string) (at int, ok bool) {
	for one := range strings.SplitSeq(name, "|") {
		if at, ok = h[columnName(one)]; ok {
			return at, true
		}
	}
	return 0, false
}
