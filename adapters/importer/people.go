package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// The reasons why a people file as a whole cannot be used.
var (
	// ErrNotPeopleFile: the file has no header with pin and a name.
	ErrNotPeopleFile = errors.New("not a people file")
	// ErrPeopleTooLarge: more people than [MaxPeople], or a row beyond all measure.
	ErrPeopleTooLarge = errors.New("people file too large")
	// ErrWrongPeopleFile: nobody in it ever punched at this station.
	ErrWrongPeopleFile = errors.New("nobody of the people file occurs in the clock file: wrong people file?")
)

// MaxPeople is how many people one file may hold; they are kept in memory until
// their PIN occurs.
const MaxPeople = 1_000_000

const (
	maxPersonRow = 1 << 20 // a quote left open would otherwise swallow the file
	maxName      = 2000
	maxEmail     = 254 // RFC 5321, as counted by its errata
	maxShort     = 64
	maxIgnored   = 64
	headerSize   = 4 << 10
)

// people is what a people file said.
type people struct {
	byKey    map[string]Person
	byName   map[string]string // the keys of those who have another than their name, for formats that may have either
	ignored  []string          // columns that were not read, as named in the header
	rejected int64
	rejects  []Rejected
}

// columns says where in a row the values are; -1 where the file has no such column.
type columns struct{ id, pin, name, email, phone, birthDate, employeeNumber, photo int }

// readPeople reads a whole people file, whose people are found by a key of this kind. A row it cannot use is reported and left
// out; today bounds birth dates; keep is called for every rejected row. Values that are not
// valid UTF-8 are read in an older encoding, where the caller names one.
func readPeople(ctx context.Context, r io.Reader, kind keyKind, older Encoding, today time.Time, keep func(Rejected) bool) (*people, error) {
	old, err := older.old()
	if err != nil {
		return nil, err
	}
	from, comma, err := openPeople(ctx, r)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(from)
	rows.Comma, rows.FieldsPerRecord, rows.ReuseRecord = comma, -1, true
	header, err := rows.Read()
	if err != nil {
		return nil, unreadable(err, "the header is missing or broken")
	}
	at, ignored, err := readHeader(header, kind)
	if err != nil {
		return nil, err
	}
	p := &people{byKey: map[string]Person{}, byName: map[string]string{}, ignored: ignored}
	width := len(header)
	for {
		from.allow(maxPersonRow)
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		line, key, person, reason := int64(0), "", Person{}, BrokenLine
		var syntax *csv.ParseError
		switch {
		case errors.As(err, &syntax):
			line = int64(syntax.StartLine)
		case err != nil:
			return nil, unreadable(err, "a row is longer than 1 MiB: is a quote left open?")
		default:
			n, _ := rows.FieldPos(0)
			line = int64(n)
			if len(record) == width {
				inUTF8(record, old)
				key, person, reason = at.person(record, kind, today)
			}
		}
		if _, twice := p.byKey[key]; reason == "" && twice {
			reason = DuplicatePIN
		}
		if reason != "" {
			p.reject(reject(line, reason), keep)
			continue
		}
		if len(p.byKey) == MaxPeople {
			return nil, fmt.Errorf("%w: more than %d people", ErrPeopleTooLarge, MaxPeople)
		}
		person.Line = line
		p.byKey[key] = person
		if kind == byLogin {
			p.nameToo(key, person)
		}
	}
}

// nameToo lets somebody be found by name as well, but not by one that two have: nobody can
// say which of them it is.
func (p *people) nameToo(key string, person Person) {
	name, ok := byName.key(person.Name)
	if !ok || name == key {
		return
	}
	if _, twice := p.byName[name]; twice {
		key = ""
	}
	p.byName[name] = key
}

// inUTF8 makes text of values in an older encoding.
func inUTF8(record []string, old encoding.Encoding) {
	if old == nil {
		return
	}
	for i, value := range record {
		if utf8.ValidString(value) {
			continue
		}
		if text, err := old.NewDecoder().String(value); err == nil {
			record[i] = text
		}
	}
}

func (p *people) reject(r Rejected, keep func(Rejected) bool) {
	p.rejected++
	if keep(r) {
		p.rejects = append(p.rejects, r)
	}
}

// unreadable hides the text of a csv error, which is about the row's own content.
func unreadable(err error, meaning string) error {
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it is empty", ErrNotPeopleFile)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: %s", ErrNotPeopleFile, meaning)
	case errors.Is(err, ErrPeopleTooLarge):
		return fmt.Errorf("%w: %s", ErrPeopleTooLarge, meaning)
	}
	return fmt.Errorf("read people file: %w", err)
}

// openPeople looks at the beginning of the file: what it is not, and which
// separator its header has.
func openPeople(ctx context.Context, r io.Reader) (*metered, rune, error) {
	peek := bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}), 64<<10)
	head, err := peek.Peek(headerSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read people file: %w", err)
	}
	switch {
	case len(head) == 0:
		return nil, 0, fmt.Errorf("%w: it is empty", ErrNotPeopleFile)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")):
		return nil, 0, fmt.Errorf("%w: it is a spreadsheet; save it as CSV UTF-8", ErrNotPeopleFile)
	}
	text, err := decode(peek, EncodingAuto)
	if err != nil {
		return nil, 0, fmt.Errorf("read people file: %w", err)
	}
	peek = bufio.NewReaderSize(text, 64<<10)
	if head, err = peek.Peek(headerSize); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read people file: %w", err)
	}
	first, _, ended := bytes.Cut(head, []byte{'\n'})
	switch {
	case bytes.IndexByte(first, 0) >= 0, ended && !utf8.Valid(first):
		return nil, 0, fmt.Errorf("%w: it is binary", ErrNotPeopleFile)
	case !ended && len(head) == headerSize:
		return nil, 0, fmt.Errorf("%w: its first line is longer than 4 KiB", ErrNotPeopleFile)
	}
	comma := ','
	for _, other := range []rune{';', '\t'} { // what spreadsheets write in some countries
		if bytes.ContainsRune(first, other) && !bytes.ContainsRune(first, ',') {
			comma = other
		}
	}
	if looksLikeClockFile(first) {
		return nil, 0, fmt.Errorf("%w: it looks like a clock file", ErrNotPeopleFile)
	}
	m := &metered{from: peek}
	m.allow(maxPersonRow)
	return m, comma, nil
}

func looksLikeClockFile(first []byte) bool {
	var columns [maxColumns][]byte
	if split(bytes.TrimRight(first, "\r"), &columns) < minColumns {
		return false
	}
	_, ok := parseClock(columns[1])
	return ok
}

// metered gives out what was allowed and then refuses.
type metered struct {
	from io.Reader
	left int
}

func (m *metered) allow(n int) { m.left = n }

func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, ErrPeopleTooLarge
	}
	n, err := m.from.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// readHeader finds the columns. Its errors name no column of the file: where the
// header is missing, the first row is a person.
func readHeader(header []string, kind keyKind) (columns, []string, error) {
	at := columns{-1, -1, -1, -1, -1, -1, -1, -1}
	where := map[string]*int{
		"id": &at.id, "pin": &at.pin, "email": &at.email, "phone": &at.phone,
		"birth_date": &at.birthDate, "employee_number": &at.employeeNumber, "photo": &at.photo,
	}
	names := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := names[name]; twice && name != "" {
			return at, nil, fmt.Errorf("%w: its header names a column twice", ErrNotPeopleFile)
		}
		names[name] = i
		if column := where[name]; column != nil {
			*column = i
		}
	}
	for _, name := range []string{"full_name", "name", "display_name"} { // the last that is there counts
		if i, ok := names[name]; ok {
			at.name = i
		}
	}
	named, column := kind.column(at)
	if !named || at.name < 0 {
		return at, nil, fmt.Errorf("%w: its first line must name the columns %s and one of display_name, name, full_name", ErrNotPeopleFile, column)
	}
	var ignored []string
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if where[name] == nil && i != at.name && len(ignored) < maxIgnored && len(name) <= maxShort && isText(name) {
			ignored = append(ignored, name)
		}
	}
	return at, ignored, nil
}

// column names the column that a people file must have for keys of this kind, and
// tells whether it is there.
func (k keyKind) column(at columns) (named bool, name string) {
	switch k {
	case byEmail:
		return at.email >= 0, "email"
	case byID:
		return at.id >= 0, "id"
	case byName:
		return at.name >= 0, "name"
	case byLogin:
		return at.email >= 0 || at.name >= 0, "email"
	}
	return at.pin >= 0, "pin"
}

// person reads one row, or answers why it cannot.
func (c columns) person(record []string, kind keyKind, today time.Time) (string, Person, Reason) {
	value := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.Clone(strings.TrimSpace(record[i]))
	}
	p := Person{
		PIN: value(c.pin), Name: value(c.name), Email: value(c.email), Phone: value(c.phone),
		BirthDate: value(c.birthDate), EmployeeNumber: value(c.employeeNumber), Photo: value(c.photo),
	}
	for _, field := range record {
		if !utf8.ValidString(field) {
			return "", Person{}, NotUTF8
		}
	}
	if (p.PIN != "" || kind == byPIN) && (p.PIN == "" || !isCode([]byte(p.PIN), maxPIN)) {
		return "", Person{}, BadPIN
	}
	if reason := p.check(); reason != "" {
		return "", Person{}, reason
	}
	if born, err := time.Parse(time.DateOnly, p.BirthDate); p.BirthDate != "" && (err != nil || born.After(today)) {
		return "", Person{}, BadBirthDate
	}
	key, ok := kind.of(p, value(c.id))
	if !ok {
		return "", Person{}, BadKey
	}
	return key, p, ""
}

// check says what is wrong with what is known of a person by name.
func (p Person) check() Reason {
	at, _, isAddress := strings.Cut(p.Email, "@")
	switch {
	case p.Name == "" || len(p.Name) > maxName || !isText(p.Name):
		return BadName
	case p.Email != "" && (!isAddress || at == "" || strings.HasSuffix(p.Email, "@") || len(p.Email) > maxEmail || !isText(p.Email)):
		return BadEmail
	case len(p.Phone) > maxShort || !isText(p.Phone):
		return BadPhone
	case len(p.EmployeeNumber) > maxShort || !isText(p.EmployeeNumber):
		return BadEmployeeNumber
	}
	return ""
}

// isText tells that s has no control characters. Writing direction and joiners
// are part of names and stay.
func isText(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }
