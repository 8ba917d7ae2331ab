package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	ical "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

const exportOfficer = "6d1e0000-0000-4000-8000-000000000001"

// exports runs an export of March 2026 and answers the file.
func (d *desk) exported(what, file string, more ...string) (answer, []byte) {
	d.t.Helper()
	args := append([]string{"export", what, "--data", d.data, "--to-file", file, "--officer", exportOfficer,
		"--recipient", "payroll_bureau", "--purpose", "payroll", "--reason", "processor"}, more...)
	if what != "people" {
		args = append(args, "--from", "2026-03-01", "--to", "2026-03-31")
	}
	got := tracekeep(d.t, args...)
	content, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	return got, content
}

// anonymous replaces the ids of a test, which are new each time.
func (d *desk) anonymous(content []byte, ids ...uuid.UUID) string {
	text := strings.NewReplacer(d.person.PersonID.String(), "PERSON", d.person.WorkID.String(), "WORK").Replace(string(content))
	for i, id := range ids {
		text = strings.ReplaceAll(text, id.String(), "PUNCH-"+string(rune('a'+i)))
	}
	return text
}

// One day of one person, exported in every way, before and after they are erased.
//
// promise: ST-28
func TestAnExportIsRecordedRepeatableAndSaysWhoIsErased(t *testing.T) {
	atDesk(t, func(d *desk) {
		in := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		out := d.punch("2026-03-02T12:00:00+01:00", eventschema.DirectionOut)
		d.correct(in, "2026-03-02T07:30:00+01:00", eventschema.DirectionIn, eventschema.ReasonWrongTime)
		dir := t.TempDir()

		d.checkFormats(dir)
		_, table := d.exported("hours", filepath.Join(dir, "hours.csv"))
		want := "work_id,name,name_state,work_date,start_utc,start_local,start_zone,end_utc,end_local,end_zone,seconds,hours," +
			"job,in_kind,out_kind,in_station,out_station,in_punch_id,out_punch_id,rule_version,declaration_id,declared_by\r\n" +
			"WORK,Ada Example,clear,2026-03-02,2026-03-02T06:30:00Z,2026-03-02T07:30:00+01:00,Europe/Berlin,2026-03-02T11:00:00Z,2026-03-02T12:00:00+01:00,Europe/Berlin," +
			"16200,4:30,,normal,normal,gate-1,gate-1,PUNCH-a,PUNCH-b," + strconv.Itoa(hours.DefaultPairing().Version) + ",,\r\n"
		if diff := cmp.Diff(want, d.anonymous(table, in, out)); diff != "" {
			t.Errorf("hours (-want +got)\n%s", diff)
		}
		_, punches := d.exported("punches", filepath.Join(dir, "punches.csv"), "--site", "gate-1")
		if got := d.anonymous(punches, in, out); strings.Count(got, "\r\n") != 3 ||
			!strings.Contains(got, "PUNCH-a,2026-03-02T06:30:00Z,2026-03-02T07:30:00+01:00,Europe/Berlin,in,normal,gate-1,no,wrong_time,2026-03-02T07:00:00Z,2026-03-02T08:00:00+01:00,Europe/Berlin,in,normal,") {
			t.Errorf("punches\n%s", got)
		}
		if _, elsewhere := d.exported("punches", filepath.Join(dir, "gate-2.csv"), "--site", "gate-2"); strings.Count(string(elsewhere), "\r\n") != 1 {
			t.Errorf("at another station\n%s", elsewhere)
		}
		d.checkRecords()
		d.checkRefusals(dir)
		d.checkCalendar(dir, in)
		d.checkCancelled()

		id, leaf := d.erase()
		erased := fmt.Sprintf("[erased: case %s, certificate of leaf %d]", id, leaf)
		for _, what := range []string{"hours", "punches", "people"} {
			got, content := d.exported(what, filepath.Join(dir, what+"-erased.csv"))
			rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
			if got.ok(t); err != nil || strings.Contains(string(content), "Ada Example") || !strings.Contains(string(content), erased) || !strings.Contains(got.out, "withheld: 1 people") {
				t.Errorf("%s of somebody erased: %v\n%s\n%s", what, err, got.out, content)
			}
			for _, row := range rows[1:] {
				for i, cell := range row {
					if strings.HasSuffix(rows[0][i], "_state") && (cell != "erased" || row[i-1] != erased) {
						t.Errorf("%s: %s is %q, %q", what, rows[0][i], row[i-1], cell)
					}
				}
			}
		}
	})
}

// checkFormats runs exports twice: one in every format, the others in one.
func (d *desk) checkFormats(dir string) {
	d.t.Helper()
	for what, formats := range map[string][]string{"hours": {"csv", "xlsx", "parquet", "json"}, "punches": {"xlsx"}, "people": {"parquet"}} {
		for _, format := range formats {
			got, first := d.exported(what, filepath.Join(dir, what+"."+format), "--format", format, "--json")
			var told struct {
				Bytes     int    `json:"bytes"`
				Rows      int    `json:"rows"`
				Disclosed int    `json:"people_disclosed"`
				SHA256    string `json:"sha256"`
			}
			if got.ok(d.t).last(d.t, &told); told.Bytes != len(first) || told.Disclosed != 1 || told.Rows == 0 || len(told.SHA256) != 64 {
				d.t.Errorf("%s as %s: %+v", what, format, told)
			}
			got, again := d.exported(what, filepath.Join(dir, what+"-again."+format), "--format", format)
			if got.ok(d.t); !bytes.Equal(first, again) || len(first) == 0 {
				d.t.Errorf("%s as %s: other bytes the second time", what, format)
			}
			if err := os.Remove(filepath.Join(dir, what+"."+format)); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// checkRecords looks up what the exports left in the record.
func (d *desk) checkRecords() {
	d.t.Helper()
	disclosed := map[string]int{}
	for _, one := range d.run("disclose", "list", "--person", d.person.PersonID.String(), "--json").objects(d.t) {
		purposes, err := json.Marshal(one["purposes"])
		if err != nil {
			d.t.Fatal(err)
		}
		if one["recipient"] != "payroll_bureau" || one["interest"] != "payroll" || one["ground"] != "processor" || one["disclosed_by"] != exportOfficer {
			d.t.Errorf("the disclosure says %v", one)
		}
		disclosed[string(purposes)]++
	}
	// Each once, however often it was run: hours, punches, punches of the site; people.
	if diff := cmp.Diff(map[string]int{`["identity","work"]`: 3, `["identity"]`: 1}, disclosed); diff != "" {
		d.t.Errorf("disclosures (-want +got)\n%s", diff)
	}
}

// checkCalendar exports a feed of the person and one of the station.
func (d *desk) checkCalendar(dir string, in uuid.UUID) {
	d.t.Helper()
	for name, of := range map[string][]string{"person.ics": {"--person", "Ada"}, "site.ics": {"--site", "gate-1"}} {
		got, feed := d.exported("calendar", filepath.Join(dir, name), of...)
		want := "BEGIN:VEVENT\r\nUID:PUNCH-a@tracekeep\r\nSEQUENCE:1\r\nDTSTAMP:WHEN\r\nDTSTART:20260302T063000Z\r\nDTEND:20260302T110000Z\r\n" +
			"SUMMARY:Ada Example\\, 4:30 h\r\nLOCATION:gate-1\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		told := regexp.MustCompile("DTSTAMP:[0-9TZ]+").ReplaceAllString(d.anonymous(feed, in), "DTSTAMP:WHEN")
		if got.ok(d.t); !strings.HasSuffix(told, want) || bytes.Count(feed, []byte("BEGIN:VEVENT")) != 1 {
			d.t.Errorf("%s\n%s", name, feed)
		}
	}
	if got, feed := d.exported("calendar", filepath.Join(dir, "all.ics")); got.code != exitUsage || feed != nil {
		d.t.Errorf("a calendar of everybody: %d %s", got.code, got.err)
	}
}

// checkCancelled calls off work that was recorded by mistake and a shift: both stay in
// the feeds as cancelled, which go to the standard output here.
func (d *desk) checkCancelled() {
	t := d.t
	begin := d.punch("2026-04-01T08:00:00+02:00", eventschema.DirectionIn)
	d.punch("2026-04-01T12:00:00+02:00", eventschema.DirectionOut)
	shift := d.shift(eventschema.ShiftDuty, "agency", "gate_st", "2026-04-02 23:00", "2026-04-03 07:00")
	feed := func(more ...string) map[string]*ical.VEvent {
		got := d.run(append([]string{"export", "calendar", "--from", "2026-04-01", "--to", "2026-04-02", "--zone", "Europe/Berlin", "--to-file", "-", "--officer", exportOfficer,
			"--recipient", "payroll_bureau", "--purpose", "rostering", "--reason", "processor"}, more...)...)
		if !strings.Contains(got.err, "1 disclosures to payroll_bureau") && !strings.Contains(got.err, "0 disclosures to payroll_bureau") {
			t.Errorf("what was written is not told: %s", got.err)
		}
		read, err := ical.ParseCalendar(strings.NewReader(got.out))
		if err != nil {
			t.Fatalf("%v in\n%s", err, got.out)
		}
		events := map[string]*ical.VEvent{}
		for _, e := range read.Events() {
			events[e.Id()] = e
		}
		return events
	}
	says := func(rule string, e *ical.VEvent, property ical.ComponentProperty, want string) {
		t.Helper()
		if e == nil || e.GetProperty(property) == nil || e.GetProperty(property).Value != want {
			t.Errorf("%s: %s is not %s in %v", rule, property, want, e)
		}
	}
	workUID, shiftUID := begin.String()+"@tracekeep", shift.String()+"."+d.person.WorkID.String()+"@tracekeep"
	says("work", feed("--person", "Ada")[workUID], ical.ComponentPropertyStatus, "CONFIRMED")
	of := []string{"--of", "shifts", "--person", "Ada"}
	planned := feed(of...)[shiftUID]
	says("a shift", planned, ical.ComponentPropertyStatus, "CONFIRMED")
	says("a shift", planned, ical.ComponentPropertyDtStart, "20260402T210000Z")
	says("a shift of the site", feed("--of", "shifts", "--site", "gate_st")[shiftUID], ical.ComponentPropertySummary, "Ada Example, duty for agency")
	d.correct(begin, "", "", eventschema.ReasonNotThisPunch)
	d.run("shifts", "cancel", "--shift", shift.String(), "--reason", "weather")
	gone := feed("--person", "Ada")[workUID]
	says("work that was none", gone, ical.ComponentPropertyStatus, "CANCELLED")
	says("work that was none", gone, ical.ComponentPropertySequence, "1")
	off := feed(of...)[shiftUID]
	says("a shift that is off", off, ical.ComponentPropertyStatus, "CANCELLED")
	before, _ := strconv.Atoi(planned.GetProperty(ical.ComponentPropertySequence).Value)
	says("a shift that is off", off, ical.ComponentPropertySequence, strconv.Itoa(before+1))
}

// checkRefusals orders exports that are refused: none leaves a file.
func (d *desk) checkRefusals(dir string) {
	d.t.Helper()
	file := filepath.Join(dir, "refused.csv")
	for rule, c := range map[string]struct {
		more []string
		code int
		says string
	}{
		"the recipient is a code":              {[]string{"--recipient", "Ada Example"}, exitFailed, "code of the register of recipients"},
		"a legal reason needs a second person": {[]string{"--reason", "legal_rights"}, exitFailed, "second person"},
		"sale is no reason":                    {[]string{"--reason", "sale"}, exitUsage, "must be one of"},
		"days are days":                        {[]string{"--from", "monday"}, exitUsage, "2006-01-02"},
		"there is a file already":              {[]string{"--to-file", filepath.Join(dir, "hours.csv")}, exitFailed, "--replace"},
		"nobody of that name":                  {[]string{"--person", "nobody at all"}, exitFailed, "nobody was found"},
	} {
		args := append([]string{"export", "hours", "--data", d.data, "--to-file", file, "--from", "2026-03-01", "--to", "2026-03-31", "--officer", exportOfficer,
			"--recipient", "payroll_bureau", "--purpose", "payroll", "--reason", "processor"}, c.more...)
		if got := tracekeep(d.t, args...); got.code != c.code || !strings.Contains(got.err, c.says) {
			d.t.Errorf("%s: %d %s", rule, got.code, got.err)
		}
		if _, err := os.Stat(file); err == nil {
			d.t.Errorf("%s: there is a file", rule)
		}
	}
}
