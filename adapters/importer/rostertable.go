package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tracekeep/eventschema"
)

// EnrolmentColumns says where a row of a table of one's own has an enrolment. Everything
// but the class and the title of its course may be left out.
type EnrolmentColumns struct {
	Class  string `yaml:"class"` // id of the class in the program that wrote the table
	Title  string `yaml:"title"` // of the course
	Course string `yaml:"course"`
	Code   string `yaml:"code"` // of the class
	Site   string `yaml:"site"`

	Role  string                                 `yaml:"role"`  // column; without it everybody is a student
	Roles map[eventschema.EnrolmentRole][]string `yaml:"roles"` // words for each role; the role itself is always one

	Begins  string   `yaml:"begins"`
	Ends    string   `yaml:"ends"`    // the first day without the enrolment
	Layouts []string `yaml:"layouts"` // of both days, such as DD.MM.YYYY; default YYYY-MM-DD

	BirthDate string `yaml:"birth_date"`
	Phone     string `yaml:"phone"`
	Number    string `yaml:"number"` // by which the school knows the person

	parsed []string
}

// enrolmentMistakes says what is wrong with a mapping of enrolments, and translates its
// layouts.
func (m *Mapping) enrolmentMistakes() (wrong []error) {
	e := m.Enrolment
	if m.Time != nil || m.Start != nil || m.End != nil || m.Direction != nil || m.Day != nil || m.Hours != nil {
		wrong = append(wrong, errors.New("a row is an enrolment or a punch: give enrolment, or time, start and end"))
	}
	if e.Class == "" || e.Title == "" {
		wrong = append(wrong, errors.New("enrolment needs the columns class and title"))
	}
	for role := range e.Roles {
		if !isRole(role) {
			wrong = append(wrong, fmt.Errorf("enrolment.roles: %.32q is none of student, teacher, aide, proctor and administrator", string(role)))
		}
	}
	if e.parsed = []string{time.DateOnly}; len(e.Layouts) > 0 {
		e.parsed = nil
		for _, layout := range e.Layouts {
			e.parsed = append(e.parsed, goLayout(layout))
		}
	}
	return wrong
}

func isRole(role eventschema.EnrolmentRole) bool {
	return slices.Contains(eventschema.EnrolmentRoles(), role)
}

// role translates the word of a row.
func (e *EnrolmentColumns) role(word string) (eventschema.EnrolmentRole, bool) {
	if e.Role == "" {
		return eventschema.RoleStudent, true
	}
	for _, role := range eventschema.EnrolmentRoles() {
		if oneOf(word, e.Roles[role]) {
			return role, true
		}
	}
	role := eventschema.EnrolmentRole(strings.ToLower(word))
	return role, isRole(role)
}

// day reads a day of a row. Empty is no mistake.
func (e *EnrolmentColumns) day(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	for _, layout := range e.parsed {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1900 && at.Year() < 2200 {
			return at.Format(time.DateOnly), true
		}
	}
	return "", false
}

// table imports enrolments from a table of one's own: each row names a person, a class
// and what is known of both. A class is as its first row says.
func (r *rosterRun) table(ctx context.Context) error {
	m, e := r.o.Mapping, r.o.Mapping.Enrolment
	needed := []string{m.Person.Column, e.Class, e.Title}
	var read []string
	for _, column := range slices.Concat([]string{m.Email, e.Course, e.Code, e.Site, e.Role, e.Begins, e.Ends, e.BirthDate, e.Phone, e.Number}, m.FullName, m.Person.Also) {
		if column != "" {
			read = append(read, column)
		}
	}
	s, err := r.open("", "", needed, read)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("%w: the file is not there", ErrRoster)
	}
	for _, column := range read {
		if s.at.column(column) < 0 {
			return errors.Join(fmt.Errorf("%w %s: the table has no column %q in its first row", ErrMapping, m.Name, column), s.close())
		}
	}
	seen := map[string]bool{}
	err = s.each(ctx, func() error {
		class, row, reason := s.mapped(m)
		if reason != "" {
			s.reject(reason)
			return nil
		}
		if !seen[class.SourceID] {
			if seen[class.SourceID] = true; len(seen) > maxKept {
				return fmt.Errorf("%w: more than %d classes", ErrTooLarge, maxKept)
			}
			if err := r.define(ctx, class); err != nil {
				return err
			}
		}
		if len(r.rows)+1 == r.o.BatchRows { // its class comes first
			if err := r.defineAll(ctx); err != nil {
				return err
			}
		}
		return r.enrol(ctx, row)
	})
	if err != nil {
		return err
	}
	if err := r.defineAll(ctx); err != nil {
		return err
	}
	return r.enrolAll(ctx)
}

func (s *sheet) mapped(m *Mapping) (c RosterClass, row enrolmentRow, reason Reason) {
	e := m.Enrolment
	var ok, begins, ends bool
	c.Line, row.Line = s.line, s.line
	if c.SourceID, ok = s.id(e.Class); !ok {
		return c, row, UnknownClass
	}
	row.Class = c.SourceID
	value := s.value(m.Person.Column)
	for _, column := range m.Person.Also {
		value += " " + s.value(column)
	}
	if m.Person.By == byPIN {
		value = strings.TrimPrefix(value, "'") // put there so that a spreadsheet keeps leading zeros
	}
	if row.key, ok = m.Person.By.key(value); !ok {
		return c, row, BadKey
	}
	c.CourseTold, c.Title, c.Course, c.Code, c.Site = true, s.value(e.Title), s.value(e.Course), s.value(e.Code), s.value(e.Site)
	row.BeginsOn, begins = e.day(s.value(e.Begins))
	row.EndsOn, ends = e.day(s.value(e.Ends))
	switch {
	case c.Title == "" || len(c.Title) > maxTitle || !isText(c.Title) || len(c.Course) > maxShort || !isText(c.Course):
		return c, row, BadTitle
	case len(c.Code) > maxShort || !isText(c.Code) || len(c.Site) > maxShort || !isText(c.Site):
		return c, row, BadCode
	case !begins || !ends || row.EndsOn != "" && row.EndsOn < row.BeginsOn:
		return c, row, BadDate
	}
	if row.Role, ok = e.role(s.value(e.Role)); !ok {
		return c, row, BadRole
	}
	row.person, reason = s.mappedPerson(m)
	return c, row, reason
}

// mappedPerson is who the row says its person is; nil where it has no name.
func (s *sheet) mappedPerson(m *Mapping) (*Person, Reason) {
	var parts []string
	for _, column := range m.FullName {
		if part := s.value(column); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return nil, ""
	}
	e := m.Enrolment
	p := &Person{Name: strings.Join(parts, " "), Email: s.value(m.Email), Phone: s.value(e.Phone), EmployeeNumber: s.value(e.Number)}
	if reason := p.check(); reason != "" {
		return nil, reason
	}
	born, ok := e.day(s.value(e.BirthDate))
	if !ok || born > s.run.o.Now.UTC().Format(time.DateOnly) {
		return nil, BadBirthDate
	}
	p.BirthDate = born
	return p, ""
}
