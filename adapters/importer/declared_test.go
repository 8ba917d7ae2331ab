package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	harvestHeader = "Date,Client,Project,Project Code,Task,Notes,Hours,Billable?,First Name,Last Name\n"
	iifHeader     = "!TIMERHDR\tVER\tREL\nTIMERHDR\t8\t0\n!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\tPROJ\tNOTE\n"
)

func TestHoursWithoutTimesAreDeclared(t *testing.T) {
	harvest := func(date, project, hours string) string {
		return date + ",Big Company," + project + ",,Task 1,a note,\"" + hours + "\",Yes,Ana,Gómez\n"
	}
	iif := func(date, name, duration string) string {
		return "TIMEACT\t" + date + "\tBuilders\t" + name + "\tHourly\tRegular Pay\t" + duration + "\t\ta \"note\"\n"
	}
	one := func(hours string) string { return harvestHeader + harvest("2026-05-04", "P", hours) }
	for rule, c := range map[string]struct {
		text string
		want []string
	}{
		"a decimal point":     {one("7.5"), []string{"2026-05-04 7h30m0s"}},
		"a decimal comma":     {one("0,01"), []string{"2026-05-04 36s"}},
		"to the second":       {one("0.333333"), []string{"2026-05-04 20m0s"}},
		"hours and minutes":   {one("7:30"), []string{"2026-05-04 7h30m0s"}},
		"and seconds":         {one("7:30:15"), []string{"2026-05-04 7h30m15s"}},
		"a day of 24 hours":   {one("24"), []string{"2026-05-04 24h0m0s"}},
		"more than a day has": {one("24.01"), []string{"2 too_many_hours"}},
		"a mark of thousands has no meaning on one day": {one("1,000.5"), []string{"2 bad_hours"}},
		"no hours at all":                     {one(""), []string{"2 bad_hours"}},
		"zero hours":                          {one("0,00"), []string{"2 no_hours"}},
		"hours below zero":                    {one("-1,5"), []string{"2 bad_hours"}},
		"minutes below zero":                  {one("-0:30"), []string{"2 bad_hours"}},
		"sixty minutes":                       {one("7:60"), []string{"2 bad_hours"}},
		"one digit of minutes":                {one("7:3"), []string{"2 bad_hours"}},
		"what is no number":                   {one("NaN"), []string{"2 bad_hours"}},
		"nor an end":                          {one("Inf"), []string{"2 bad_hours"}},
		"nor an exponent":                     {one("1e1"), []string{"2 bad_hours"}},
		"words":                               {one("7h 30m"), []string{"2 bad_hours"}},
		"a day that never was":                {harvestHeader + harvest("2026-02-30", "P", "1"), []string{"2 bad_work_date"}},
		"a day with a time is another format": {harvestHeader + harvest("2026-05-04 08:00", "P", "1"), []string{"2 bad_work_date"}},
		"a day long ago":                      {harvestHeader + harvest("1999-12-31", "P", "1"), []string{"2 bad_work_date"}},
		"a day of next week":                  {harvestHeader + harvest("2026-06-08", "P", "1"), []string{"2 in_the_future"}},
		"today":                               {harvestHeader + harvest("2026-06-01", "P", "1"), []string{"2026-06-01 1h0m0s"}},
		"nobody":                              {harvestHeader + "2026-05-04,,P,,,,1,,,\n", []string{"2 bad_key"}},
		"entries of other work are others":    {harvestHeader + harvest("2026-05-04", "P", "1") + harvest("2026-05-04", "Q", "1"), []string{"2026-05-04 1h0m0s", "2026-05-04 1h0m0s"}},
		"the same entry twice counts twice, and is said": {harvestHeader + harvest("2026-05-04", "P", "1") + harvest("2026-05-04", "P", "1"),
			[]string{"2026-05-04 1h0m0s", "2026-05-04 1h0m0s", "3? same_hours_again"}},
		"QuickBooks: four digits of a year":       {iifHeader + iif("05/04/2026", "Smith, John", "5:30"), []string{"2026-05-04 5h30m0s"}},
		"QuickBooks: two digits of a year":        {iifHeader + iif("5/4/26", "Smith, John", "5:30"), []string{"2026-05-04 5h30m0s"}},
		"QuickBooks: in quotes as Excel saves it": {iifHeader + iif("05/04/26", `"Smith, John"`, "5:30"), []string{"2026-05-04 5h30m0s"}},
		"QuickBooks: the total of a week":         {iifHeader + iif("05/04/26", "Smith, John", "40:00"), []string{"4 too_many_hours"}},
		"QuickBooks: columns left out at the end": {iifHeader + "TIMEACT\t05/04/26\t\tSmith, John\t\t\t5:30\n", []string{"2026-05-04 5h30m0s"}},
		"QuickBooks: a column too many":           {iifHeader + strings.TrimSuffix(iif("05/04/26", "Smith, John", "5:30"), "\n") + "\tmore\n", []string{"4 broken_line"}},
		"QuickBooks: other lists are left alone":  {iifHeader + "!CUST\tNAME\nCUST\tBuilders\n" + iif("05/04/26", "Smith, John", "5:30"), []string{"2026-05-04 5h30m0s"}},
		"QuickBooks: a line too long":             {iifHeader + iif("05/04/26", strings.Repeat("x", 5000), "5:30") + iif("05/04/26", "Smith, John", "5:30"), []string{"2026-05-04 5h30m0s", "4 line_too_long"}},
		"QuickBooks: bytes of an older encoding":  {iifHeader + iif("05/04/26", "Jos\xe9", "5:30"), []string{"4 not_utf8"}},
	} {
		t.Run(rule, func(t *testing.T) {
			o := formatted(t, Auto, c.text)
			sink := newNotebook()
			if got := took(t, o, sink); !slices.Equal(got, c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if len(sink.punches) > 0 {
				t.Error("a punch was made up")
			}
			o.Clock = strings.NewReader(c.text)
			if again, err := Run(t.Context(), o, sink); err != nil || again.Recorded != 0 || again.AlreadyRecorded != int64(len(sink.hours)) {
				t.Errorf("imported again: %+v, %v", again, err)
			}
		})
	}
}

func TestDeclaredHoursSayWhoseAndWhenTheDayEnds(t *testing.T) {
	o := formatted(t, Auto, harvestHeader+"2026-03-29,,P,,T,,\"20,0\",Yes,Ana,Gómez\n")
	sink := newNotebook()
	sum, err := Run(t.Context(), o, sink)
	if err != nil || sum.Declared != 1 || sum.DeclaredSeconds != 72_000 || sum.Format != "harvest" || sum.PerState["declared"] != 1 || sum.Punches != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	d := sink.hours[0]
	// The clocks were put forward on that day: it has 23 hours.
	if d.WorkDate != "2026-03-29" || d.Zone != "Europe/Vienna" || !d.DayEnds.Equal(time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC)) || sink.people["name:ana gómez"].Name != "Ana Gómez" {
		t.Errorf("%+v", d)
	}
	if slices.Contains(sum.ColumnsIgnored, "task") || !slices.Contains(sum.ColumnsIgnored, "notes") {
		t.Errorf("not read: %v", sum.ColumnsIgnored)
	}
}

// What is left out of a longer file changes nothing of the entries that it has.
func TestAPartOfATimesheetAddsNothing(t *testing.T) {
	row := func(day int, project string) string {
		return fmt.Sprintf("2026-05-%02d,C,%s,,T,,1,Yes,Ana,Gómez\n", day, project)
	}
	sink := newNotebook()
	for i, text := range []string{row(4, "P") + row(4, "Q") + row(5, "P"), row(4, "Q"), row(5, "P") + row(4, "P")} {
		o := formatted(t, Auto, harvestHeader+text)
		sum, err := Run(t.Context(), o, sink)
		if err != nil || (sum.Recorded > 0) != (i == 0) {
			t.Errorf("file %d: %+v, %v", i, sum, err)
		}
	}
	if len(sink.hours) != 3 {
		t.Errorf("%d declarations, want 3", len(sink.hours))
	}
}

func TestAMappingReadsHoursWithoutTimes(t *testing.T) {
	const mapping = "name: sheet\nperson: {column: Badge, by: pin}\nday: {column: Tag, layouts: [DD.MM.YYYY]}\nhours: {column: Std, as: hhmm}\napart: [Auftrag]\n"
	m, err := ReadMapping(strings.NewReader(mapping))
	if err != nil {
		t.Fatal(err)
	}
	o := formatted(t, "csv", "Badge;Tag;Std;Auftrag\n7;04.05.2026;0730;a\n7;04.05.2026;0760;a\n")
	o.Mapping = m
	if got, want := took(t, o, newNotebook("7")), []string{"2026-05-04 7h30m0s", "3 bad_hours"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for rule, c := range map[string]struct{ text, says string }{
		"a day and a time":     {mapping + "time: {at: x, layouts: [HH]}\n", "give time, or both"},
		"a day without hours":  {"person: {column: a, by: pin}\nday: {column: b, layouts: [D]}\n", "day needs hours"},
		"a day without layout": {"person: {column: a, by: pin}\nday: {column: b}\nhours: {column: c}\n", "layouts is missing"},
		"a direction":          {mapping + "direction: {column: x, in: [a], out: [b]}\n", "direction belongs to time"},
		"apart without a day":  {"person: {column: a, by: pin}\ntime: {at: b, layouts: [D]}\napart: [c]\n", "apart belongs to day"},
	} {
		if _, err := ReadMapping(strings.NewReader(c.text)); !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want one that says %q", rule, err, c.says)
		}
	}
}

func TestAnIIFFileWithoutItsHeaderIsRefused(t *testing.T) {
	for _, text := range []string{"TIMEACT\t05/04/26\tx\tAna\t5:30\n", "!TIMERHDR\tVER\n", "!TIMEACT\tDATE\tEMP\n"} {
		o := formatted(t, Auto, text)
		if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrMapping) {
			t.Errorf("%q: %v", text, err)
		}
	}
	o := formatted(t, Auto, iifHeader+"TIMEACT\t25/04/26\tx\tAna\tx\ty\t5:30\nTIMEACT\t04/25/26\tx\tAna\tx\ty\t5:30\n")
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrDateOrder) {
		t.Errorf("dates in both orders: %v", err)
	}
}
