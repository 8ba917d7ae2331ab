package importer

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// exports gives the header and the rows of a week of each format, day by day.
func exports() map[string]struct {
	header string
	days   []string
} {
	type export = struct {
		header string
		days   []string
	}
	week := func(header, day string) export {
		e := export{header: header}
		for n := range 6 {
			e.days = append(e.days, strings.NewReplacer("04", fmt.Sprintf("%02d", 4+n), "@1", fmt.Sprintf("%09d", 1+2*n), "@2", fmt.Sprintf("%09d", 2+2*n)).Replace(day))
		}
		return e
	}
	const clockify = "Project,Client,Description,Task,User,Group,Email,Tags,Billable,Start Date,Start Time,End Date,End Time,Duration (h),Duration (decimal)\n"
	return map[string]export{
		"attlog":         week("", "7\t2026-05-04 08:00:00\t1\t0\t0\t0\n7\t2026-05-04 12:00:00\t1\t1\t0\t0\n"),
		"afd":            week("", "@1"+"304052026"+"0800"+anaPIS+"\r\n@2"+"304052026"+"1200"+anaPIS+"\r\n"),
		"agl":            week("No\tTMNo\tEnNo\tName\tDateTime\n", "1\t1\t7\tAna\t2026/05/04 08:00:00\n2\t1\t7\tAna\t2026/05/04 12:00:00\n"),
		"clockify":       week(clockify, "P,,,,Ana,,a@example.org,,No,2026-05-04,08:00,2026-05-04,12:00,04:00:00,4\nP,,,,Ana,,a@example.org,,No,2026-05-04,12:00,2026-05-04,12:30,00:30:00,0.5\n"),
		"toggl":          week("Description,Duration,Member,Email,Start date,Start time,Stop date,Stop time\n", "x,4:00:00,Ana,a@example.org,2026-05-04,08:00:00,2026-05-04,12:00:00\nx,4:00:00,Ana,a@example.org,2026-05-04,22:00:00,2026-05-04,23:00:00\n"),
		"kimai":          week("Date,From,To,Duration,User,Name,Activity\n", "2026-05-04,08:00,12:00,,ana,Ana,x\n2026-05-04,22:00,06:00,,ana,Ana,x\n"),
		"harvest":        week(harvestHeader, "2026-05-04,C,P,,T,,7.5,No,Ana,A\n2026-05-04,C,P,,T,,7.5,No,Ana,A\n"),
		"quickbooks-iif": week(iifHeader, "TIMEACT\t5/04/26\tJ\tAna\tW\tH\t7:30\nTIMEACT\t5/04/26\tK\tAna\tW\tH\t1\n"),
		"timewarrior":    week("", "inc 20260504T080000Z - 20260504T120000Z # x\ninc 20260504T120000Z - 20260504T130000Z\n"),
		"org":            week("", "CLOCK: [2026-05-04 Mon 08:00]--[2026-05-04 Mon 12:00] =>  4:00\nCLOCK: [2026-05-04 Mon 13:00]--[2026-05-04 Mon 14:00] =>  1:00\n"),
		"frappe":         week("ID,Employee,Employee Name,Log Type,Time\n", "a,HR-1,Ana,IN,2026-05-04 08:00:00\nb,HR-1,Ana,,2026-05-04 12:00:00\n"),
	}
}

// Whatever parts of its records a program exports, and in whatever order they are
// imported, every punch is recorded, and none twice.
func TestFilesThatOverlapLoseAndDoubleNothing(t *testing.T) {
	ways := map[string][][2]int{ // the days of each file
		"the same file twice":               {{0, 6}, {0, 6}},
		"a file that grew at its end":       {{0, 2}, {0, 4}, {0, 6}},
		"the first half is cut off":         {{0, 6}, {3, 6}},
		"the first half comes last":         {{3, 6}, {0, 6}},
		"two that overlap":                  {{0, 4}, {2, 6}},
		"two that overlap, the later first": {{2, 6}, {0, 4}},
		"one day, then all, then the rest":  {{2, 3}, {0, 6}, {1, 5}},
	}
	for format, export := range exports() {
		whole, _ := importParts(t, format, export.header, export.days, [][2]int{{0, 6}})
		if len(whole) < 12 {
			t.Errorf("%s: %d different entries of a whole file", format, len(whole))
		}
		for way, parts := range ways {
			t.Run(format+": "+way, func(t *testing.T) {
				got, kept := importParts(t, format, export.header, export.days, parts)
				if !maps.Equal(got, whole) || kept != len(whole) {
					t.Errorf("%d entries, %d of them different, want %d", kept, len(got), len(whole))
				}
			})
		}
	}
}

// importParts imports files of some of the days, one after another, and answers what
// was recorded.
func importParts(t *testing.T, format, header string, days []string, parts [][2]int) (all map[string]bool, kept int) {
	t.Helper()
	sink := newNotebook("7", anaPIS)
	for _, part := range parts {
		o := formatted(t, Auto, header+strings.Join(days[part[0]:part[1]], ""))
		o.Station = "s"
		sum, err := Run(t.Context(), o, sink)
		if err != nil || sum.Format != format || sum.Rejected > 0 {
			t.Fatalf("%s: %+v, %v", format, sum, err)
		}
	}
	all = map[string]bool{}
	for _, p := range sink.punches {
		all[p.PIN+p.At.String()+fmt.Sprint(p.Counter != nil)+p.StationClock+directionOf(p)] = true
	}
	for _, d := range sink.hours {
		all[fmt.Sprint(d.PIN, d.WorkDate, d.Seconds, d.Entry, d.Nth)] = true
	}
	return all, len(sink.punches) + len(sink.hours)
}

// directionOf is that of a punch whose file says it: a derived one is that of the file
// that came first.
func directionOf(p Punch) string {
	if p.Undirected {
		return ""
	}
	return string(p.Direction)
}
