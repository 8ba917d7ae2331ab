package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const clockifyJobs = "Project,Client,Description,Task,User,Group,Email,Tags,Billable,Start Date,Start Time,End Date,End Time,Duration (h)\n" +
	"Night  watch,,,,Ana,,ana@example.org,,No,2026-05-04,08:00,2026-05-04,12:00,4:00\n" +
	"Ana's own project,,,,Ana,,ana@example.org,,No,2026-05-04,12:00,2026-05-04,13:00,1:00\n" +
	",,,,Ana,,ana@example.org,,No,2026-05-04,14:00,2026-05-04,15:00,1:00\n" +
	"Gate,,,,Ana,,ana@example.org,,No,2026-05-05,14:00,2026-05-05,15:00,1:00\n"

// A project becomes a code where the mapping has one; nothing else of it is kept, and
// a row that was imported before the mapping was there stays the same row.
//
// promise: ST-07
func TestJobsOfTrackers(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("based_on: clockify\njob: {column: Project, codes: {Night watch: night_watch, Gate: gate}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(sink *notebook, m *Mapping) Summary {
		o := formatted(t, Auto, clockifyJobs)
		o.Mapping, o.Station = m, ""
		sum, err := Run(t.Context(), o, sink)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	sink := newNotebook()
	sum := run(sink, m)
	var got []string
	for _, p := range sink.punches {
		got = append(got, fmt.Sprint(p.At.Format("15:04 "), p.Direction, " ", p.Job))
	}
	want := []string{"06:00 in night_watch", "10:00 out ", "10:00 in ", "11:00 out ", "12:00 in ", "13:00 out ", "12:00 in gate", "13:00 out "}
	if diff := cmp.Diff(want, got); diff != "" || sum.Format != "clockify" || sum.Station != "clockify" {
		t.Errorf("%s of %s (-want +got)\n%s", sum.Format, sum.Station, diff)
	}
	if sum.SuspectsByReason[UnknownJob] != 1 || len(sum.SuspectsByReason) != 1 || sum.Suspects[0].Line != 3 {
		t.Errorf("flagged: %+v", sum.Suspects)
	}
	before := newNotebook()
	if first, again := run(before, nil), run(before, m); first.Recorded != 8 || again.Recorded != 0 || again.AlreadyRecorded != 8 {
		t.Errorf("%d and then %d were new", first.Recorded, again.Recorded)
	}
}

// Sheets of hours without times name jobs as trackers do.
//
// promise: ST-07
func TestJobsOfSheetsOfHours(t *testing.T) {
	for format, c := range map[string]struct{ mapping, text string }{
		"harvest": {
			"based_on: harvest\njob: {column: Project, codes: {Builders: builders}}\n",
			"Date,Client,Project,Project Code,Task,Notes,Hours,Billable?,Invoiced?,Approved?,First Name,Last Name,Roles,Employee?\n" +
				"2026-05-04,,Builders,,,,8,No,No,No,John,Smith,,Yes\n2026-05-04,,Attic,,,,1,No,No,No,John,Smith,,Yes\n2026-05-05,,,,,,2,No,No,No,John,Smith,,Yes\n",
		},
		"quickbooks-iif": {
			"based_on: quickbooks-iif\njob: {column: JOB, codes: {Builders: builders}}\n",
			"!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\tNOTE\n" +
				"TIMEACT\t05/04/2026\tBuilders\tSmith, John\tWages\tRegular\t8:00\t\nTIMEACT\t05/04/2026\tAttic\tSmith, John\tWages\tRegular\t1:00\t\nTIMEACT\t05/05/2026\t\tSmith, John\tWages\tRegular\t2:00\t\n",
		},
		"own": {
			"name: own\nperson: {column: Who, by: name}\nfull_name: [Who]\nday: {column: Day, layouts: [YYYY-MM-DD]}\nhours: {column: Hours}\njob: {column: Project, codes: {Builders: builders}}\n",
			"Who,Day,Hours,Project\nJohn Smith,2026-05-04,8,Builders\nJohn Smith,2026-05-04,1,Attic\nJohn Smith,2026-05-05,2,\n",
		},
	} {
		t.Run(format, func(t *testing.T) {
			m, err := ReadMapping(strings.NewReader(c.mapping))
			if err != nil {
				t.Fatal(err)
			}
			sink := newNotebook()
			o := formatted(t, Auto, c.text)
			o.Mapping, o.Station = m, ""
			sum, err := Run(t.Context(), o, sink)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range sink.hours {
				got = append(got, fmt.Sprint(d.WorkDate, " ", d.Seconds/3600, " ", d.Job))
			}
			if diff := cmp.Diff([]string{"2026-05-04 8 builders", "2026-05-04 1 ", "2026-05-05 2 "}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if sum.SuspectsByReason[UnknownJob] != 1 || len(sum.SuspectsByReason) != 1 {
				t.Errorf("flagged: %+v", sum.Suspects)
			}
		})
	}
}

// promise: ST-07
func TestWorkCodesOfTerminals(t *testing.T) {
	const text = "7\t2026-05-04 08:00:00\t1\t0\t2\t0\n7\t2026-05-04 12:00:00\t1\t1\t2\t0\n7\t2026-05-04 13:00:00\t1\t0\t9\t0\n7\t2026-05-04 14:00:00\t1\t1\t0\t0\n"
	sink := newNotebook("7")
	o := options(t, text)
	o.WorkCodes = map[string]string{"2": "night_watch"}
	sum, err := Run(t.Context(), o, sink)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range sink.punches {
		got = append(got, p.Job)
	}
	if diff := cmp.Diff([]string{"night_watch", "", "", ""}, got); diff != "" || sum.SuspectsByReason[UnknownJob] != 1 {
		t.Errorf("%+v (-want +got)\n%s", sum.SuspectsByReason, diff)
	}
	o.WorkCodes = map[string]string{"2": "Night watch"}
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrOptions) {
		t.Errorf("a job that is no code: %v", err)
	}
}

func TestJobsInAMappingAreReadStrictly(t *testing.T) {
	const own = "person: {column: A, by: pin}\ntime: {at: B, layouts: [YYYY-MM-DD]}\n"
	for rule, c := range map[string]struct{ text, says string }{
		"no codes":               {own + "job: {column: C}\n", "codes"},
		"no column":              {own + "job: {codes: {a: b}}\n", "column"},
		"a code that is none":    {own + "job: {column: C, codes: {a: Night watch}}\n", "Night watch"},
		"a table that is none":   {"based_on: abacus\njob: {column: C, codes: {a: b}}\n", "abacus"},
		"a table and more":       {"based_on: toggl\nemail: E\njob: {column: C, codes: {a: b}}\n", "nothing else"},
		"a table without a job":  {"based_on: toggl\n", "says job"},
		"a job in a table's own": {own + "job: {column: C, codes: {a: b}}\n", ""},
	} {
		_, err := ReadMapping(strings.NewReader(c.text))
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if m, err := ReadMapping(strings.NewReader("based_on: toggl\njob: {column: Project, codes: {a: b}}\n")); err != nil || slices.ContainsFunc(tables(), func(t *Mapping) bool { return t.Job != nil }) || m.Job == nil {
		t.Errorf("the built-in table has changed: %v", err)
	}
}
