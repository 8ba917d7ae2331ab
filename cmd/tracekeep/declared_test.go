package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/importer"
)

const (
	harvestSheet = "Date,Client,Project,Project Code,Task,Notes,Hours,Billable?,Invoiced?,Approved?,First Name,Last Name,Roles,Employee?\n" +
		"2026-03-02,,Project without Client,,,\"\",\"20,0\",No,No,No,Peter,Unmistakable,,Yes\n" +
		"2026-03-02,Big Company,Project for Big Company,,Task 1,Working hard,\"0,01\",Yes,No,No,Peter,Unmistakable,,Yes\n"
	quickbooksSheet = "!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\tNOTE\n" +
		"TIMEACT\t03/02/2026\tBuilders\tUnmistakable, John\tHourly Wages\tRegular Pay\t40:00\tJob: PROJ001\n" +
		"TIMEACT\t03/02/2026\tBuilders\tUnmistakable, John\tHourly Wages\tOvertime Pay\t5:30\tJob: PROJ001 (OT)\n"
	sheetOfHours = "name: site\nperson: {column: Badge, by: pin}\nfull_name: [Who]\nday: {column: Day, layouts: [YYYY-MM-DD]}\nhours: {column: Hours}\n"
	sheetOfTimes = "name: site\nperson: {column: Badge, by: pin}\nfull_name: [Who]\nstart: {date: Day, time: From, layouts: [\"YYYY-MM-DD HH:mm\"]}\nend: {date: Day, time: To, layouts: [\"YYYY-MM-DD HH:mm\"]}\n"
)

// sheets is a folder of records that sheets are imported into.
type sheets struct {
	*testing.T
	data string
}

func (s sheets) says(args ...string) answer {
	s.Helper()
	return tracekeep(s.T, append(args, "--data", s.data)...)
}

func (s sheets) imports(code int, args ...string) (report importReport) {
	s.Helper()
	got := s.says(append([]string{"import", "--json", "--zone", "Europe/Berlin"}, args...)...).ok(s.T, code)
	if strings.Contains(got.out+got.err, "Unmistakable") {
		s.Errorf("a name was printed:\n%s%s", got.out, got.err)
	}
	got.last(s.T, &report)
	return report
}

// week imports the sheets of a week.
func (d *desk) week() {
	d.t.Helper()
	rows := "Badge,Who,Day,Hours\n"
	for day := 2; day <= 6; day++ {
		rows += fmt.Sprintf("7,Ada Unmistakable,2026-03-%02d,\"9,0\"\n", day)
	}
	zone, err := importer.ParseZone("Europe/Berlin")
	if err != nil {
		d.t.Fatal(err)
	}
	for mapping, text := range map[string]string{sheetOfHours: rows, sheetOfTimes: "Badge,Who,Day,From,To\n7,Ada Unmistakable,2026-03-06,18:00,20:00\n"} {
		m, err := importer.ReadMapping(strings.NewReader(mapping))
		if err != nil {
			d.t.Fatal(err)
		}
		if sum, err := d.a.Import(d.t.Context(), importer.Options{Clock: strings.NewReader(text), Format: importer.Auto, Mapping: m, Zone: zone}); err != nil || sum.Rejected > 0 {
			d.t.Fatalf("%+v, %v", sum, err)
		}
	}
}

// total adds up the hours of everybody in the week, and says what of them was declared.
func (s sheets) total(moment ...string) (seconds, declared float64) {
	s.Helper()
	for _, row := range s.says(append([]string{"query", "hours", "--from", "2026-03-01", "--to", "2026-03-07", "--json"}, moment...)...).ok(s.T).objects(s.T) {
		seconds, declared = seconds+row["seconds"].(float64), declared+row["declared_seconds"].(float64)
	}
	return seconds, declared
}

// A time sheet that knows no times of day is imported once, and no time is made up.
//
// promise: ST-07
func TestTimeSheetsWithoutTimesAreImportedOnce(t *testing.T) {
	s := sheets{t, founded(t)}
	for _, c := range []struct {
		format, file       string
		code               int
		declared, rejected int64
		seconds            int64
	}{
		{"harvest", write(t, "harvest.csv", harvestSheet), exitOK, 2, 0, 72_036},
		{"quickbooks-iif", write(t, "timer.iif", quickbooksSheet), exitRejected, 1, 1, 19_800},
	} {
		for round, flags := range [][]string{{"--dry-run"}, nil, nil} {
			report := s.imports(c.code, append(flags, c.file)...)
			recorded := c.declared
			if round == 2 {
				recorded = 0
			}
			if report.Format != c.format || report.Declared != c.declared || report.DeclaredSeconds != c.seconds || report.Punches != 0 ||
				report.Rejected != c.rejected || report.Recorded != recorded || report.AlreadyRecorded != c.declared-recorded {
				t.Errorf("%s, round %d: %+v", c.format, round, report)
			}
		}
	}
	if seconds, declared := s.total(); seconds != 72_036+19_800 || declared != seconds {
		t.Errorf("%v seconds, %v declared", seconds, declared)
	}
	if present := s.says("query", "presence", "--json").ok(t); present.out != "" {
		t.Errorf("somebody is in: %s", present.out)
	}
}

// One person declared nine hours for each day from Monday, 2 March 2026, and punched two
// on Friday. Hours without times count in all that HR sees; what goes by the clock says that it
// could not judge them.
//
// promise: ST-21
// promise: ST-42
func TestDeclaredHoursCountInAllThatHRSees(t *testing.T) {
	var s sheets
	atDesk(t, func(d *desk) {
		s = sheets{t, d.data}
		d.week()
		work, ids := s.byDay()
		for question, c := range map[string]struct {
			moment []string
			want   float64
		}{
			"on Wednesday at noon Monday and Tuesday are over": {[]string{"--as-of", "2026-03-04T11:00:00Z"}, 18},
			"a day is over at midnight where it was worked":    {[]string{"--as-of", "2026-03-03T23:00:00Z"}, 18},
			"and not a moment before":                          {[]string{"--as-of", "2026-03-03T22:59:59Z"}, 9},
			"nothing was known last year":                      {[]string{"--known-at", "2025-01-01T00:00:00Z"}, 0},
		} {
			if seconds, _ := s.total(c.moment...); seconds != c.want*3600 {
				t.Errorf("%s: %v hours, want %v", question, seconds/3600, c.want)
			}
		}
		s.reports()
		s.exportsDeclared(work)
		s.locksAndAdjusts(ids["2026-03-02"], ids["2026-03-03"])
	})
	s.says("rebuild", "--check").ok(t)
}

// byDay looks at the week and answers whose it is, and the declarations by date.
func (s sheets) byDay() (work string, ids map[string]string) {
	s.Helper()
	all := s.says("query", "hours", "--from", "2026-03-01", "--to", "2026-03-07", "--json").ok(s.T).objects(s.T)
	if len(all) != 1 || all[0]["seconds"] != 47*3600.0 || all[0]["declared_seconds"] != 45*3600.0 || all[0]["days"] != 5.0 || all[0]["exceptions"] != 1.0 {
		s.Fatalf("the week: %v", all)
	}
	work, ids = all[0]["work_id"].(string), map[string]string{}
	for _, day := range s.says("query", "hours", "--from", "2026-03-01", "--to", "2026-03-07", "--json", "--person", work).ok(s.T).objects(s.T) {
		entries := day["declared"].([]any)
		ids[day["date"].(string)] = entries[0].(map[string]any)["declaration_id"].(string)
		want, notices := 9*3600.0, "[]"
		if day["date"] == "2026-03-06" {
			want, notices = 11*3600, "[declared_and_punched]"
		}
		if day["seconds"] != want || day["declared_seconds"] != 9*3600.0 || len(entries) != 1 || fmt.Sprint(day["notices"]) != notices {
			s.Errorf("a day: %v", day)
		}
	}
	return work, ids
}

func (s sheets) reports() {
	s.Helper()
	row := s.says("hours", "report", "--zone", "Europe/Berlin", "--rules", "california", "--from", "2026-03-01", "--to", "2026-03-07", "--json").ok(s.T, exitRejected).objects(s.T)[0]
	if row["regular_seconds"] != 40*3600.0 || row["overtime_seconds"] != 7*3600.0 || row["premium_hours"] != 0.0 {
		s.Errorf("nine hours on each day and eleven on one: %v %v", row["regular_seconds"], row["overtime_seconds"])
	}
	unjudged := row["not_judged"].([]any)
	if len(unjudged) != 5 || !strings.Contains(fmt.Sprint(unjudged[0]), "meals") {
		s.Errorf("not judged: %v", unjudged)
	}
	var explained float64
	for _, l := range row["lines"].([]any) {
		line := l.(map[string]any)
		explained += line["seconds"].(float64)
		if _, timed := line["start"]; timed == (line["declared"] != nil) {
			s.Errorf("a time was made up: %v", line)
		}
	}
	found := row["exceptions"].([]any)
	if explained != 47*3600 || len(found) != 1 {
		s.Fatalf("%v seconds are explained; exceptions %v", explained, found)
	}
	if f := found[0].(map[string]any); f["code"] != "declared_and_punched" || f["punched_seconds"] != 2*3600.0 || f["declared_seconds"] != 9*3600.0 || f["work_date"] != "2026-03-06" {
		s.Errorf("both values: %v", f)
	}
	text := s.says("hours", "report", "--zone", "Europe/Berlin", "--rules", "california", "--from", "2026-03-01", "--to", "2026-03-07", "--explain").ok(s.T, exitRejected).out
	for _, want := range []string{"overtime (declared)", "not judged: paid_breaks, meals", "exception: declared_and_punched (medium)", "2:00 punched, 9:00 declared", "2026-03-02 "} {
		if !strings.Contains(text, want) {
			s.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func (s sheets) exportsDeclared(work string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "hours.csv")
	s.says("export", "hours", "--to-file", file, "--officer", exportOfficer, "--recipient", "payroll_bureau", "--purpose", "payroll", "--reason", "processor",
		"--from", "2026-03-01", "--to", "2026-03-31").ok(s.T)
	content, err := os.ReadFile(file)
	if err != nil || strings.Count(string(content), work) != 6 || strings.Count(string(content), ",32400,9:00,,,,,,,,") != 5 || !strings.Contains(string(content), "2026-03-02,,,,,,,32400") {
		s.Errorf("%v\n%s", err, content)
	}
}

// locksAndAdjusts pays the week, and then finds that Monday was shorter and that
// Tuesday was not worked.
func (s sheets) locksAndAdjusts(monday, tuesday string) {
	s.Helper()
	first, second := uuid.NewString(), uuid.NewString()
	rules := []string{"--rules", "flsa", "--zone", "Europe/Berlin", "--json"}
	var locked struct {
		PeriodID uuid.UUID `json:"period_id"`
		Cards    int
	}
	s.says(append([]string{"periods", "lock", "--officer", first, "--from", "2026-03-01", "--to", "2026-03-07"}, rules...)...).ok(s.T).last(s.T, &locked)
	card := s.says("periods", "cards", "--period", locked.PeriodID.String(), "--json").ok(s.T).objects(s.T)[0]["time"].(map[string]any)
	if locked.Cards != 1 || card["regular_seconds"] != 40*3600.0 || card["overtime_seconds"] != 7*3600.0 {
		s.Errorf("%+v, %v", locked, card)
	}
	correct := func(id string, more ...string) answer {
		return s.says(append([]string{"corrections", "declared", "--declaration", id, "--officer", first}, more...)...)
	}
	correct(monday, "--hours", "6:30", "--reason", "wrong_hours", "--approver", first).ok(s.T, exitFailed)
	correct(monday, "--hours", "6:60", "--reason", "wrong_hours", "--approver", second).ok(s.T, exitUsage)
	correct(uuid.NewString(), "--void", "--reason", "not_worked", "--approver", second).ok(s.T, exitFailed)
	correct(monday, "--hours", "6:30", "--reason", "wrong_hours", "--approver", second).ok(s.T)
	correct(tuesday, "--void", "--reason", "not_worked", "--approver", second).ok(s.T)
	if seconds, declared := s.total(); seconds != 35.5*3600 || declared != 33.5*3600 {
		s.Errorf("after the corrections: %v hours, %v declared", seconds/3600, declared/3600)
	}
	next := s.says(append([]string{"hours", "report", "--from", "2026-03-08", "--to", "2026-03-14"}, rules...)...).ok(s.T, exitOK, exitRejected).objects(s.T)
	if len(next) != 1 {
		s.Fatalf("nothing is adjusted: %v", next)
	}
	due := next[0]["adjustments"].([]any)[0].(map[string]any)["time"].(map[string]any)
	if due["regular_seconds"] != -4.5*3600 || due["overtime_seconds"] != -7*3600.0 {
		s.Errorf("what the week lacks: %v", due)
	}
}
