package importer

import (
	"strings"
	"time"

	"tracekeep/eventschema"
)

// statusInactive is what OneRoster 1.0 says, and programs that began with it still do, of
// what is out of use.
const statusInactive = "inactive"

// modified is when the program changed the row last, where it says so.
func (s *sheet) modified() (time.Time, bool) {
	text := s.value("dateLastModified")
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	if day, ok := rosterDay(text); ok && day != "" {
		at, err := time.ParseInLocation(time.DateOnly, day, s.run.o.Zone)
		return at, err == nil
	}
	return time.Time{}, false
}

// status reads what became of a row in the program, and on which day at the sites. A day
// is needed of what was removed only: that of the import where none is told.
func (s *sheet) status() (removed bool, day string, reason Reason) {
	day = s.run.today()
	if at, told := s.modified(); told && at.Year() >= 1900 && at.Year() < 2200 {
		day = at.In(s.run.o.Zone).Format(time.DateOnly)
	}
	switch strings.ToLower(s.value("status")) {
	case "active":
		return false, day, ""
	case "":
		if s.file.Mode == modeDelta {
			return false, day, BadStatus
		}
		return false, day, ""
	case "tobedeleted", statusInactive:
		return true, day, ""
	}
	return false, day, BadStatus
}

// rosterDay reads a day, or the day of an instant (UTC). Empty is no mistake.
func rosterDay(text string) (day string, ok bool) {
	if text == "" {
		return "", true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1900 && at.Year() < 2200 {
			return at.UTC().Format(time.DateOnly), true
		}
	}
	return "", false
}

// id reads a sourcedId or a reference to one.
func (s *sheet) id(column string) (string, bool) {
	id := s.value(column)
	return id, id != "" && len(id) <= maxKey && isText(id)
}

func (s *sheet) class(f *rosterFacts) (c RosterClass, reason Reason) {
	var ok bool
	c.Line = s.line
	if c.SourceID, ok = s.id("sourcedId"); !ok {
		return c, BadKey
	}
	if c.Removed, c.Day, reason = s.status(); reason != "" {
		return c, reason
	}
	c.Code, c.Site = s.value("classCode"), s.value("schoolSourcedId")
	if len(c.Code) > maxShort || !isText(c.Code) || len(c.Site) > maxShort || !isText(c.Site) {
		return c, BadCode
	}
	if course, told := f.courses[s.value("courseSourcedId")]; told {
		c.CourseTold, c.Course, c.Title = true, course[0], course[1]
	}
	for i, id := range strings.Split(s.value("termSourcedIds"), ",") {
		term, told := f.terms[strings.TrimSpace(id)]
		if !told {
			c.TermsTold, c.StartsOn, c.EndsOn = false, "", ""
			break
		}
		c.TermsTold = true
		if i == 0 || term[0] < c.StartsOn {
			c.StartsOn = term[0]
		}
		c.EndsOn = max(c.EndsOn, term[1])
	}
	return c, ""
}

// user reads a person. The number by which the school knows them is kept where payroll
// keeps the number of an employee.
func (s *sheet) user() (key string, p Person, reason Reason) {
	key, ok := byID.key(s.value("sourcedId"))
	if !ok {
		return "", p, BadKey
	}
	var parts []string
	for _, column := range []string{"givenName", "middleName", "familyName"} {
		if part := s.value(column); part != "" {
			parts = append(parts, part)
		}
	}
	p = Person{Name: strings.Join(parts, " "), Email: s.value("email"), Phone: s.value("phone"), EmployeeNumber: s.value("identifier")}
	if p.Phone == "" {
		p.Phone = s.value("sms")
	}
	return key, p, p.check()
}

func (s *sheet) enrolment() (row enrolmentRow, reason Reason) {
	var ok, begins, ends bool
	row.Line = s.line
	if row.Class, ok = s.id("classSourcedId"); !ok {
		return row, UnknownClass
	}
	if row.key, ok = byID.key(s.value("userSourcedId")); !ok {
		return row, BadKey
	}
	if row.Removed, row.Day, reason = s.status(); reason != "" {
		return row, reason
	}
	row.Role = eventschema.EnrolmentRole(strings.ToLower(s.value("role")))
	row.BeginsOn, begins = rosterDay(s.value("beginDate"))
	row.EndsOn, ends = rosterDay(s.value("endDate"))
	switch {
	case !isRole(row.Role):
		return row, BadRole
	case !begins || !ends || row.EndsOn != "" && row.EndsOn < row.BeginsOn:
		return row, BadDate
	}
	return row, ""
}
