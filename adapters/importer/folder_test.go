package importer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
)

// These tests take every file of the folder of real input: it is imported with the
// figures that another program computed, or it is no clock data, and why is said.

const realFolder = "../../../shared/data"

// imported is what becomes of one file.
type imported struct {
	format, zone string
	people       string // file beside it
	person       string
	encoding     Encoding

	rows, accepted, punches int64
	declared                int64
	persons                 int64
	other                   int64
	rejects, suspects       map[Reason]int64
	first, last             string // local
	worked                  time.Duration
	fails                   error
	now                     time.Time // default: 1 June 2026
}

// expected reads the reference figures of a folder.
func expected(t *testing.T, file string, into any) {
	t.Helper()
	if err := json.Unmarshal(realFile(t, file), into); err != nil {
		t.Fatal(err)
	}
}

// realImports says what becomes of the files that are clock data.
func realImports(t *testing.T) map[string]imported {
	const trackers, small = "time-trackers-solidtime-testfiles/", "other-small-samples/"
	one := map[Reason]int64{NoDuration: 1}
	hour := time.Hour + time.Second
	tracked := func(format string) imported {
		return imported{format: format, rows: 2, accepted: 1, punches: 2, persons: 1, rejects: one, first: "2024-03-04 10:23:00", last: "2024-03-04 11:23:01", worked: hour}
	}
	american := tracked("clockify")
	american.suspects = map[Reason]int64{AmbiguousDate: 1} // 03/04/2024 and no other day
	american.first, american.last = "2024-03-04 10:23:00", "2024-03-04 11:23:01"
	generic := tracked("solidtime-generic")
	generic.first, generic.last = "2024-03-04 10:23:00", "2024-03-04 11:23:01"
	own := generic
	own.format, own.people = "solidtime", trackers+"solidtime_import_test_1/members.csv"
	files := map[string]imported{
		trackers + "clockify_time_entries_import_test_1.csv":  american,
		trackers + "clockify_time_entries_import_test_2.csv":  {format: "clockify", rows: 1, accepted: 1, punches: 2, persons: 1, first: "2024-10-15 11:00:00", last: "2024-10-15 11:30:00", worked: 30 * time.Minute},
		trackers + "clockify_time_entries_import_test_3.csv":  {format: "clockify", rows: 1, rejects: map[Reason]int64{BadTime: 1}},
		trackers + "clockify_time_entries_import_test_4.csv":  american,
		trackers + "clockify_time_entries_import_test_5.csv":  american,
		trackers + "clockify_time_entries_import_test_6.csv":  american,
		trackers + "clockify_time_entries_import_test_7.csv":  {format: "clockify", rows: 1, rejects: map[Reason]int64{BrokenLine: 1}},
		trackers + "toggl_time_entries_import_test_1.csv":     tracked("toggl"),
		trackers + "toggl_time_entries_import_test_2.csv":     {format: "toggl", rows: 1, accepted: 1, punches: 2, persons: 1, first: "2024-10-15 12:02:17", last: "2024-10-15 12:02:19", worked: 2 * time.Second},
		trackers + "generic_time_entries_import_test_1.csv":   generic,
		trackers + "solidtime_import_test_1/time_entries.csv": own,
		// The total of its project, in harvest_projects_import_test_1.csv, is 20,01 hours.
		trackers + "harvest_time_entries_import_test_1.csv": {format: "harvest", rows: 2, accepted: 2, declared: 2, persons: 1, worked: 20*time.Hour + 36*time.Second},
		// The example has the 40 hours of a week on one day; Intuit allows 23:59.
		small + "quickbooks_timeact_example.iif": {format: "quickbooks-iif", rows: 2, accepted: 1, declared: 1, persons: 1, rejects: map[Reason]int64{TooManyHours: 1},
			first: "2026-06-09 00:00:00", last: "2026-06-09 00:00:00", worked: 5*time.Hour + 30*time.Minute, now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)},
		small + "kimai_import_example.csv": {format: "kimai", rows: 1, rejects: map[Reason]int64{UnknownPIN: 1}},
		small + "timewarrior_2020-12_quoted.data": {format: "timewarrior", person: "7", rows: 7, accepted: 5, punches: 10,
			rejects: map[Reason]int64{StillRunning: 2}, suspects: map[Reason]int64{Overlaps: 1}, first: "2020-12-08 14:31:05", last: "2021-01-24 03:00:43",
			worked: 29*time.Second + 2*(37*time.Minute+47*time.Second) + 12*time.Hour + 13*time.Minute + 44*time.Second},
		"org-clock/01_attributes.org": {format: "org", person: "7", rows: 29, other: 25, accepted: 4, punches: 8, first: "2010-08-08 17:00:00", last: "2010-08-08 17:50:00", worked: 40 * time.Minute,
			suspects: map[Reason]int64{Overlaps: 2}},
		"org-clock/04_logbook.org": {format: "org", person: "7", rows: 7, other: 3, accepted: 3, punches: 6, rejects: map[Reason]int64{StillRunning: 1},
			first: "2012-10-26 14:10:00", last: "2012-10-26 15:00:00", worked: 30 * time.Minute},
	}
	for _, device := range []string{"device1_1", "device2_2"} {
		var want reference
		expected(t, "zkteco-attlog-two-devices/"+device+".expected.json", &want)
		files["zkteco-attlog-two-devices/"+device+"_attlog.dat"] = imported{format: "attlog", zone: "Asia/Manila", people: "zkteco-attlog-two-devices/people.csv",
			rows: want.Lines, accepted: want.Accepted, punches: want.Accepted, persons: want.People, first: want.First, last: want.Last}
	}
	maps.Copy(files, realAFD(t))
	maps.Copy(files, realPolice(t))
	return files
}

func realAFD(t *testing.T) map[string]imported {
	var want struct {
		Lines, Punches, People int64
		First, Last            string
		Minutes                float64 `json:"paired_in_file_day_minutes"`
	}
	expected(t, "afd-portaria-1510/expected.json", &want)
	return map[string]imported{"afd-portaria-1510/AFD.txt": {
		format: "afd", zone: "America/Sao_Paulo", rows: want.Lines, accepted: want.Punches, punches: want.Punches, persons: want.People,
		first: want.First, last: want.Last, worked: time.Duration(want.Minutes) * time.Minute,
	}}
}

// realPolice is the same work twice: as text and as the workbook it came from.
func realPolice(t *testing.T) map[string]imported {
	const newYork = "America/New_York"
	var details struct {
		Rows, Punches, People int64
		First                 string `json:"first_start_local"`
		Last                  string `json:"last_end_local"`
		Elapsed               int64  `json:"elapsed_minutes"`
		Differ                int64  `json:"rows_where_elapsed_differs"`
	}
	expected(t, "bpd-paid-details-2022/expected.json", &details)
	detail := imported{
		format: "paid-details", zone: newYork, rows: details.Rows, accepted: details.Rows, punches: details.Punches, persons: details.People,
		first: details.First, last: details.Last, worked: time.Duration(details.Elapsed) * time.Minute, suspects: map[Reason]int64{HoursDisagree: details.Differ},
	}
	detailBook, punches := detail, detail
	detailBook.format = "paid-details-workbook"
	punches.format, punches.rows, punches.accepted, punches.suspects = "attlog", details.Punches, details.Punches, nil
	punches.people = "bpd-paid-details-2022/people.csv"

	var court map[string]json.RawMessage
	expected(t, "bpd-court-overtime-2018-2020/expected.json", &court)
	var total, people, differ int64
	for _, year := range []string{"2018", "2019", "2020"} {
		var sheet struct {
			Rows   int64
			Differ int64 `json:"rows_worked_ne_interval"`
		}
		if err := json.Unmarshal(court[year], &sheet); err != nil {
			t.Fatal(err)
		}
		total, differ = total+sheet.Rows, differ+sheet.Differ
	}
	if err := json.Unmarshal(court["people"], &people); err != nil {
		t.Fatal(err)
	}
	overtime := imported{format: "court-overtime", zone: newYork, rows: total, accepted: total - 1, punches: 2 * (total - 1), persons: people,
		rejects: map[Reason]int64{BadKey: 1}, suspects: map[Reason]int64{HoursDisagree: differ}}
	overtimeBook := overtime
	overtimeBook.format, overtimeBook.rows, overtimeBook.other = "court-overtime-workbook", total+2, 2 // the headers of its later sheets
	return map[string]imported{
		"bpd-paid-details-2022/details.csv": detail, "bpd-paid-details-2022/2022_details_pseudonymised.xlsx": detailBook, "bpd-paid-details-2022/punches.attlog.dat": punches,
		"bpd-court-overtime-2018-2020/court_overtime.csv": overtime, "bpd-court-overtime-2018-2020/court_overtime_2018_2020_pseudonymised.xlsx": overtimeBook,
	}
}

// noClockData says of the other files why they are not imported. A name that ends
// with a slash speaks of a whole folder.
var noClockData = map[string]string{
	"SOURCE.txt": "origin", "expected.json": "reference figures", ".expected.json": "reference figures", "LICENSE": "licence", "LICENSE.rst": "licence", "LICENSE-faker": "licence",
	"README.md": "description", "PAYROLL_AND_TRACKER_COLUMNS.md": "description", "FORMAT.md": "description",
	"icalendar/": "planned shifts, not work done", "names-unusual/": "names alone", "naughty-strings/": "strings alone", "tz-hard-cases/": "changes of clocks",
	"people.csv": "people alone", "dst_rows.csv": "an extract of details.csv", "bpd-paid-details-2022/punches.csv": "described by a mapping, see TestAMappingReadsATableOfOnesOwn",
	"zkteco-adms/bodies_and_urls.jsonl": "bodies one by one, see TestBodiesThatTerminalsPushed",
	"PRABCEPI_adp_wfn_example.csv":      "hours of a pay period, for payroll", "generic_projects_import_test_1.csv": "projects", "harvest_clients_import_test_1.csv": "customers", "harvest_projects_import_test_1.csv": "projects",
	"solidtime_import_test_1/": "all but time_entries.csv and members.csv are projects, tasks and settings", "toggl_data_import_test_1/": "a Toggl data export without its entries",
	"org-clock/": "org files without CLOCK lines",
}

func whyNot(file string) string {
	for name, why := range noClockData {
		if strings.HasSuffix(name, "/") && strings.Contains(file, name) || file == name || strings.HasSuffix(file, "/"+name) || name[0] == '.' && strings.HasSuffix(file, name) {
			return why
		}
	}
	return ""
}

// promise: ST-07
func TestEveryRealFileIsImportedOrIsNoClockData(t *testing.T) {
	realFile(t, "README.md") // skips where the folder is not
	files := realImports(t)
	err := fs.WalkDir(os.DirFS(filepath.FromSlash(realFolder)), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, ok := files[file]
		if !ok && whyNot(file) == "" {
			t.Errorf("%s is neither imported nor said to be no clock data", file)
		}
		if ok {
			delete(files, file)
			t.Run(path.Base(file), func(t *testing.T) { want.check(t, file) })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for file := range files {
		t.Errorf("%s is not there", file)
	}
}

func (want imported) check(t *testing.T, file string) {
	workbook := strings.HasSuffix(file, ".xlsx")
	if workbook && os.Getenv("TRACEKEEP_NIGHT") == "" && (want.rows > 50_000 || raceDetector) {
		return // seconds, and under the race detector many; the CSV beside it has the same rows
	}
	content := realFile(t, file)
	run := func(o Options, sink *notebook) (Summary, error) {
		o.Clock, o.Size, o.Format, o.Station, o.Person, o.Encoding = readerOf(content), int64(len(content)), Auto, "site", want.person, want.encoding
		o.Zone, o.Now = zone(t, "Europe/Vienna"), time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		if !want.now.IsZero() {
			o.Now = want.now
		}
		if want.zone != "" {
			o.Zone = zone(t, want.zone)
		}
		if want.people != "" {
			o.People = readerOf(withPIN(realFile(t, want.people)))
		}
		return Run(t.Context(), o, sink)
	}
	sink := newNotebook("7")
	if want.format == "afd" {
		sink = newNotebook(slices.Sorted(maps.Keys(afdPeople(content)))...)
	}
	got, err := run(Options{}, sink)
	if !errors.Is(err, want.fails) {
		t.Fatalf("error = %v, want %v", err, want.fails)
	}
	want.compare(t, got, sink)
	if want.fails != nil || workbook || raceDetector && want.rows > 40_000 {
		return // that importing again changes nothing is held with the other files, too
	}
	again, err := run(Options{}, sink)
	if err != nil || again.Recorded != 0 || again.AlreadyRecorded != got.Recorded || again.PeopleRegistered != 0 || again.Rejected != got.Rejected {
		t.Errorf("imported again: %d recorded, %d before, %d people, %v", again.Recorded, again.AlreadyRecorded, again.PeopleRegistered, err)
	}
}

// withPIN gives the people file of the department the column that ours has.
func withPIN(people []byte) []byte {
	return []byte(strings.Replace(string(people), "person_id,display_name", "pin,display_name", 1))
}

func afdPeople(content []byte) map[string]bool {
	people := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		people[line[22:34]] = true
	}
	return people
}

func (want imported) compare(t *testing.T, got Summary, sink *notebook) {
	t.Helper()
	if want.fails != nil {
		return
	}
	var rejected int64
	for _, n := range want.rejects {
		rejected += n
	}
	people := map[uuid.UUID]bool{}
	for _, p := range sink.punches {
		people[p.Work] = true
	}
	for _, d := range sink.hours {
		people[d.Work] = true
	}
	if want.person != "" {
		want.persons = 1
	}
	for what, pair := range map[string][2]int64{
		"lines that are not blank": {got.Lines - got.BlankLines, want.rows}, "accepted": {got.Accepted, want.accepted}, "punches": {got.Punches, want.punches}, "declared": {got.Declared, want.declared},
		"rejected": {got.Rejected, rejected}, "others": {got.OtherLines, want.other}, "people": {int64(len(people)), want.persons},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %d, want %d", what, pair[0], pair[1])
		}
	}
	if got.Format != want.format {
		t.Errorf("format %s, want %s", got.Format, want.format)
	}
	if !maps.Equal(got.RejectsByReason, orEmpty(want.rejects)) || !maps.Equal(got.SuspectsByReason, orEmpty(want.suspects)) {
		t.Errorf("rejects %v suspects %v, want %v and %v", got.RejectsByReason, got.SuspectsByReason, want.rejects, want.suspects)
	}
	if first, last := got.First.Format(time.DateTime), got.Last.Format(time.DateTime); want.first != "" && (first != want.first || last != want.last) {
		t.Errorf("from %s to %s, want %s to %s", first, last, want.first, want.last)
	}
	if worked := worked(sink); want.worked != 0 && worked != want.worked {
		t.Errorf("worked %s, want %s", worked, want.worked)
	}
}

func orEmpty(m map[Reason]int64) map[Reason]int64 {
	if m == nil {
		return map[Reason]int64{}
	}
	return m
}

// worked pairs what was recorded, and adds what was declared.
func worked(sink *notebook) (total time.Duration) {
	byPerson := map[uuid.UUID][]hours.Punch{}
	for i, p := range sink.punches {
		byPerson[p.Work] = append(byPerson[p.Work], hours.Punch{
			ID: uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}), OccurredAt: p.At, OffsetSeconds: p.OffsetSeconds,
			Direction: p.Direction, Kind: p.Kind,
		})
	}
	for _, d := range sink.hours {
		total += time.Duration(d.Seconds) * time.Second
	}
	rule := hours.DefaultPairing()
	for _, punches := range byPerson {
		for _, interval := range rule.Pair(punches).Intervals {
			total += interval.End.Sub(interval.Start)
		}
	}
	return total
}
