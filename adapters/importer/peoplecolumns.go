package importer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// PeopleColumns says where a row of a table of one's own has what is known of a person,
// beside the key, the name and the e-mail address. All of it may be left out.
type PeopleColumns struct {
	Phone     string   `yaml:"phone"`
	BirthDate string   `yaml:"birth_date"`
	Number    string   `yaml:"number"`  // employee number
	Layouts   []string `yaml:"layouts"` // of dates, such as DD.MM.YYYY; default YYYY-MM-DD

	// Fields names a column for each field of the tenant's own, by its code.
	Fields map[string]string `yaml:"fields"`

	parsed []string
}

// peopleMistakes says what is wrong with a mapping of people, and translates its layouts.
func (m *Mapping) peopleMistakes() (wrong []error) {
	if m.Enrolment != nil || m.Time != nil || m.Start != nil || m.End != nil || m.Direction != nil || m.Day != nil || m.Hours != nil {
		wrong = append(wrong, errors.New("a row is a person, an enrolment or a punch: give one of people, enrolment, and time, start and end or day"))
	}
	for code, column := range m.People.Fields {
		if !domain.IsCode(code) || column == "" {
			wrong = append(wrong, errors.New("people.fields names a column for each field, by its code"))
			break
		}
	}
	if m.People.parsed = []string{time.DateOnly}; len(m.People.Layouts) > 0 {
		m.People.parsed = nil
		for _, layout := range m.People.Layouts {
			m.People.parsed = append(m.People.parsed, goLayout(layout))
		}
	}
	return wrong
}

// columns lists the columns that a mapping of people reads.
func (c *PeopleColumns) columns(m *Mapping) (read []string) {
	all := slices.Concat([]string{m.Person.Column, m.Email, c.Phone, c.BirthDate, c.Number}, m.Person.Also, m.FullName, slices.Sorted(maps.Values(c.Fields)))
	return slices.DeleteFunc(all, func(column string) bool { return column == "" })
}

// check says what of a mapping the fields there are do not fit.
func (c *PeopleColumns) check(m *Mapping, defined map[string]eventschema.FieldKind) error {
	for _, code := range slices.Sorted(maps.Keys(c.Fields)) {
		if _, known := defined[code]; !known {
			return fmt.Errorf("%w %s: there is no field %s in use; define it first (tracekeep fields define)", ErrMapping, m.Name, code)
		}
	}
	return nil
}

// date reads a date of a row and writes it as YYYY-MM-DD. What is none comes back as it
// is, for whoever checks it.
func (c *PeopleColumns) date(text string, serial bool) string {
	for _, layout := range c.parsed {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format(time.DateOnly)
		}
	}
	// A workbook's number of days; dates of birth begin earlier than times of work.
	if days, err := strconv.Atoi(text); serial && err == nil && days > 0 && days <= lastSerial {
		return serialEpoch.AddDate(0, 0, days).Format(time.DateOnly)
	}
	return text
}

// key is the value under which the person of a row is found.
func (m *Mapping) key(value func(column string) string) (string, bool) {
	text := value(m.Person.Column)
	for _, column := range m.Person.Also {
		text += " " + value(column)
	}
	if m.Person.By == byPIN {
		text = strings.TrimPrefix(text, "'") // put there so that a spreadsheet keeps leading zeros
	}
	return m.Person.By.key(text)
}

// person is what a row says of its person; without a name nobody is registered by it.
func (c *PeopleColumns) person(m *Mapping, value func(column string) string, serial bool, today time.Time) (Person, Reason) {
	var parts []string
	for _, column := range m.FullName {
		if part := value(column); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return Person{}, ""
	}
	p := Person{Name: strings.Join(parts, " "), Email: value(m.Email), Phone: value(c.Phone), EmployeeNumber: value(c.Number)}
	if reason := p.check(); reason != "" {
		return Person{}, reason
	}
	if p.BirthDate = c.date(value(c.BirthDate), serial); p.BirthDate != "" {
		if born, err := time.Parse(time.DateOnly, p.BirthDate); err != nil || born.After(today) {
			return Person{}, BadBirthDate
		}
	}
	return p, ""
}

// fields are the values that a row gives. An empty cell leaves its field as it is.
func (c *PeopleColumns) fields(value func(column string) string, serial bool, defined map[string]eventschema.FieldKind) FieldTexts {
	given := FieldTexts{}
	for code, column := range c.Fields {
		text := value(column)
		if defined[code] == eventschema.FieldDate {
			text = c.date(text, serial)
		}
		if text != "" {
			given[code] = text
		}
	}
	return given
}
