package importer

import (
	"strings"
	"sync"
)

// tables are the tables of programs that are known, each a [Mapping]. Where two
// look alike the earlier is detected. Sources of the columns: the vendors' own
// exports and their documentation.
var tables = sync.OnceValue(func() []*Mapping {
	// Dates and times as each user has chosen.
	dates := []string{"YYYY-MM-DD", "YYYY/MM/DD", "M/D/YYYY", "D.M.YYYY", "M-D-YYYY", "M/D/YY", "D.M.YY"}
	var chosen []string
	for _, date := range dates {
		for _, clock := range []string{"hh:mm:ss AM", "hh:mm AM", "HH:mm:ss", "HH:mm"} {
			chosen = append(chosen, date+" "+clock)
		}
	}
	hhmm := []string{"YYYY-MM-DD HHmm"}
	list := []*Mapping{
		{
			Name: "clockify", title: "Clockify detailed report", has: []string{"Group|Duration (h)|Duration (decimal)"},
			Person: Whose{Column: "Email", By: byEmail}, FullName: []string{"User"}, Email: "Email",
			Start: &Moment{Date: "Start Date", Time: "Start Time", Layouts: chosen}, End: &Moment{Date: "End Date", Time: "End Time", Layouts: chosen},
			Hours: &Duration{Column: "Duration (h)|Duration (decimal)"},
		},
		{
			Name: "toggl", title: "Toggl Track detailed report", has: []string{"Duration|Email"},
			hasNot: []string{"Group", "Duration (h)", "Duration (decimal)", "All Day Event"}, anybody: true,
			Person: Whose{Column: "Email|Member|User", By: byLogin}, FullName: []string{"User|Member"}, Email: "Email",
			Start: &Moment{Date: "Start date", Time: "Start time", Layouts: chosen}, End: &Moment{Date: "End date|Stop date", Time: "End time|Stop time", Layouts: chosen},
			Hours: &Duration{Column: "Duration"},
		},
		{
			Name: "kimai", title: "Kimai timesheet export", has: []string{"Activity|Tätigkeit"},
			Person: Whose{Column: "User|Username|Benutzer|Name", By: byLogin}, FullName: []string{"Name"},
			Start: &Moment{Date: "Date|Datum", Time: "From|Begin|Von|Beginn", Layouts: chosen},
			End:   &Moment{Date: "Date|Datum", Time: "To|End|Bis|Ende", Layouts: chosen, NextDay: true},
			Hours: &Duration{Column: "Duration|Dauer", As: "seconds"},
		},
		{
			Name: "solidtime", title: "solidtime export (the folder, or its time_entries.csv with members.csv as people file)", has: []string{"is_imported"}, members: true,
			Person: Whose{Column: "member_id", By: byID},
			Start:  &Moment{At: "start", Layouts: []string{"YYYY-MM-DDTHH:mm:ssZ"}}, End: &Moment{At: "end", Layouts: []string{"YYYY-MM-DDTHH:mm:ssZ"}},
		},
		{
			Name: "solidtime-generic", title: "solidtime generic time entries",
			Person: Whose{Column: "user_email", By: byEmail}, FullName: []string{"user_name"}, Email: "user_email",
			Start: &Moment{At: "start", Layouts: []string{"YYYY-MM-DDTHH:mm:ssZ"}}, End: &Moment{At: "end", Layouts: []string{"YYYY-MM-DDTHH:mm:ssZ"}},
		},
		{
			Name: "frappe", title: "Frappe HR Employee Checkin",
			Person: Whose{Column: "Employee", By: byID}, FullName: []string{"Employee Name|employee_name"},
			Time:      &Moment{At: "Time", Layouts: append([]string{"YYYY-MM-DD HH:mm:ss.000000"}, chosen...)},
			Direction: &Pressed{Column: "Log Type|log_type", In: []string{"IN"}, Out: []string{"OUT"}},
		},
		{
			Name: "agl", title: "attendance general log of ZKTeco and many others (AGL_001.TXT, GLG_001.TXT)", padded: true,
			Person: Whose{Column: "EnNo", By: byPIN}, FullName: []string{"Name"},
			Time: &Moment{At: "DateTime", Layouts: chosen},
			Direction: &Pressed{
				Column: "In/Out|INOUT|IOMd|Mode", In: []string{"DutyOn", "OverTimeOn", "OvertimeOn", "In", "CheckIn"}, Out: []string{"DutyOff", "OverTimeOff", "Out", "CheckOut"},
			},
		},
		{
			Name: "deputy", title: "Deputy timesheets, all fields", has: []string{"Mealbreak"},
			Person: Whose{Column: "Employee Export Code", By: byID}, FullName: []string{"Employee Name"},
			Start: &Moment{Date: "Date", Time: "Start", Layouts: []string{"DD/MM/YYYY HH:mm:ss", "DD/MM/YYYY HH:mm"}}, End: &Moment{Date: "Date", Time: "End", Layouts: []string{"DD/MM/YYYY HH:mm:ss", "DD/MM/YYYY HH:mm"}, NextDay: true},
		},
		{
			Name: "hikvision", title: "Hikvision iVMS and HikCentral attendance records", has: []string{"Attendance Check Point"},
			Person: Whose{Column: "Person ID", By: byPIN}, FullName: []string{"Name"},
			Time:      &Moment{At: "Time", Layouts: chosen},
			Direction: &Pressed{Column: "Attendance Status", In: []string{"Check-in"}, Out: []string{"Check-out"}},
		},
		{
			Name: "paid-details", title: "off-duty paid details, Boston Police Department", has: []string{"cross_street"},
			Person: Whose{Column: "employee_id", By: byPIN}, FullName: []string{"employee"},
			Start: &Moment{Date: "detail_date", Time: "start_time", Layouts: hhmm}, End: &Moment{Date: "detail_date", Time: "end_time", Layouts: hhmm, NextDay: true},
			Hours: &Duration{Column: "hours_worked", As: "hhmm"},
		},
		{
			Name: "paid-details-workbook", title: "off-duty paid details, the department's workbook",
			Person: Whose{Column: "Emp. ID", By: byPIN}, FullName: []string{"Employee"},
			Start: &Moment{Date: "Detail Date", Time: "Start Time", Layouts: hhmm}, End: &Moment{Date: "Detail Date", Time: "End Time", Layouts: hhmm, NextDay: true},
			Hours: &Duration{Column: "Hours Worked", As: "hhmm"},
		},
		{
			Name: "court-overtime-workbook", title: "court overtime, the department's workbook",
			Person: Whose{Column: "ID", By: byPIN}, FullName: []string{"NAME"},
			Start: &Moment{Date: "OTDATE", Time: "STARTTIME", Layouts: hhmm}, End: &Moment{Date: "OTDATE", Time: "ENDTIME", Layouts: hhmm, NextDay: true},
			Hours: &Duration{Column: "WRKDHRS"},
		},
		{
			Name: "court-overtime", title: "court overtime, Boston Police Department", has: []string{"ot_code", "assigned_desc"},
			Person: Whose{Column: "employee_id", By: byPIN}, FullName: []string{"name"},
			Start: &Moment{Date: "ot_date", Time: "start_time", Layouts: hhmm}, End: &Moment{Date: "ot_date", Time: "end_time", Layouts: hhmm, NextDay: true},
			Hours: &Duration{Column: "worked_hours"},
		},
		{
			Name: "harvest", title: "Harvest detailed time report: hours without times of day", has: []string{"Project", "Task"},
			Person: Whose{Column: "First Name", Also: []string{"Last Name"}, By: byName}, FullName: []string{"First Name", "Last Name"},
			Day: &Day{Column: "Date", Layouts: dates}, Hours: &Duration{Column: "Hours"},
			Apart: []string{"Client", "Project", "Project Code", "Task"},
		},
	}
	for _, m := range list {
		if err := m.prepare(); err != nil {
			panic(err)
		}
	}
	return list
})

// format makes a format of a built-in table.
func (m *Mapping) format() Format {
	return Format{
		Name: m.Name, Title: m.title, key: m.Person.By, station: m.Name == "agl" || m.Name == "hikvision",
		detect: func(h head) bool {
			if record := firstRecord(h); record != nil && headerOf(record).fits(m) {
				return true
			}
			_, _, ok := headerAt(h.text, m)
			return ok
		},
		open: func(s source) (reader, error) {
			s.Mapping = m
			return openCSV(s)
		},
	}
}

// isHoursOnly knows tables that say how long and not when, by columns that are not
// known.
func isHoursOnly(h head) bool {
	has := headerOf(firstRecord(h))
	_, date := has["date"]
	_, hours := has["hours"]
	return date && hours
}

// isTotals knows summaries, which say how long and not even on which day.
func isTotals(h head) bool {
	long, day := false, false
	for _, name := range firstRecord(h) {
		name = columnName(name)
		switch name {
		case "duration", "hours", "time (h)", "time (decimal)", "total", "total hours", "duration (h)", "duration (decimal)", "rounded hours", "dauer", "stunden":
			long = true
		}
		for _, word := range []string{"date", "day", "start", "from", "begin", "time in", "datum", "tag", "von"} {
			day = day || strings.Contains(name, word)
		}
	}
	return long && !day
}
