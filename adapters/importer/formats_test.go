package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// took is what an import of a small file gave, in words: "07:00 in" in UTC for each
// punch, "2 bad_time" for a rejected line, "3? overlaps" for a suspect one.
func took(t *testing.T, o Options, sink *notebook) []string {
	t.Helper()
	sum, err := Run(t.Context(), o, sink)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines+sum.OtherLines || sum.Punches+sum.Declared != sum.Recorded+sum.AlreadyRecorded+sum.ExactDuplicates {
		t.Errorf("the account does not add up: %+v", sum)
	}
	var said []string
	for _, p := range sink.punches {
		said = append(said, p.At.Format("15:04")+" "+string(p.Direction))
	}
	for _, d := range sink.hours {
		said = append(said, fmt.Sprintf("%s %s", d.WorkDate, time.Duration(d.Seconds)*time.Second))
	}
	for _, r := range sum.Rejects {
		said = append(said, fmt.Sprintf("%d %s", r.Line, r.Reason))
	}
	for _, r := range sum.Suspects {
		said = append(said, fmt.Sprintf("%d? %s", r.Line, r.Reason))
	}
	return said
}

func formatted(t *testing.T, format, text string) Options {
	t.Helper()
	o := options(t, text)
	o.Format, o.Zone, o.Person = format, zone(t, "Europe/Vienna"), "7"
	return o
}

// afd671Record ends a record of Portaria 671 with its sum.
func afd671Record(text string) string {
	return fmt.Sprintf("%s%04X\r\n", text, crcKermit.sum([]byte(text)))
}

func TestTheSumOfAnAFDIsThatOfThePortaria(t *testing.T) {
	if got := crcKermit.sum([]byte("123456789")); got != 0x2189 {
		t.Errorf("sum %04X, want 2189", got)
	}
}

const (
	anaPIS = "012345678901"
	anaPad = "Ana Conceição                                       " // 52 columns
)

func TestAFD(t *testing.T) {
	latin := func(s string) string {
		text, err := charmap.ISO8859_1.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	old := func(nsr int, clock string) string { return fmt.Sprintf("%09d3%s%s\r\n", nsr, clock, anaPIS) }
	punch := func(nsr int, clock string) string {
		return afd671Record(fmt.Sprintf("%09d32026-05-%s:00-0300%s", nsr, clock, anaPIS))
	}
	header := afd671Record("0000000001" + "1" + strings.Repeat("0", 28) + strings.Repeat(" ", 150) + strings.Repeat("7", 17) + "2026-05-012026-05-312026-06-01T08:00:00-03000031" + strings.Repeat("0", 14) + strings.Repeat("M", 30))
	employee := afd671Record(latin(fmt.Sprintf("%09d52026-05-01T08:00:00-0300I%s%s000012345678901", 1, anaPIS, anaPad)))
	trailer := func(punches int) string {
		return fmt.Sprintf("999999999%09d%09d%09d%09d%09d%09d9\r\n", 0, punches, 0, 1, 0, 0)
	}
	for rule, c := range map[string]struct {
		text string
		want []string
	}{
		"punches alternate within a shift":                   {old(1, "040520260800") + old(2, "040520261200"), []string{"11:00 in", "15:00 out"}},
		"a press within the minute means the same":           {old(1, "040520260800") + old(2, "040520260801") + old(3, "040520261200"), []string{"11:00 in", "11:01 in", "15:00 out"}},
		"a shift may end on the next day":                    {old(1, "040520262200") + old(2, "050520260600"), []string{"01:00 in", "09:00 out"}},
		"after sixteen hours a shift lost its out":           {old(1, "040520260800") + old(2, "050520260800"), []string{"11:00 in", "11:00 in"}},
		"sixteen hours count from the first in of the shift": {old(1, "040520260800") + old(2, "040520261200") + old(3, "040520262000") + old(4, "050520260700"), []string{"11:00 in", "15:00 out", "23:00 in", "10:00 in"}},
		"a number left out is said":                          {old(1, "040520260800") + old(3, "040520261200"), []string{"11:00 in", "15:00 out", "2? counter_jumped"}},
		"a clock set back is said":                           {old(1, "040520260800") + old(2, "040520260700"), []string{"11:00 in", "10:00 in", "2? clock_set_back"}},
		"a clock that was set is said":                       {old(1, "040520260800") + "0000000024040520260830040520260800\r\n" + old(3, "040520261200"), []string{"11:00 in", "15:00 out", "2? clock_adjusted"}},
		"a date that never was":                              {old(1, "310420260800"), []string{"1 bad_time"}},
		"a record of another width":                          {old(1, "040520260800") + "00000000230405202608001\r\n", []string{"11:00 in", "2 broken_line"}},
		"Portaria 671 carries its offset":                    {header + employee + punch(2, "04T08:00") + punch(3, "04T12:00") + trailer(2), []string{"11:00 in", "15:00 out"}},
		"a changed record does not fit its sum":              {employee + strings.Replace(punch(2, "04T08:00"), "08:00", "08:30", 1) + punch(3, "04T12:00"), []string{"15:00 in", "2 bad_checksum", "3? counter_jumped"}},
		"a trailer that counts more records":                 {employee + punch(2, "04T08:00") + trailer(2), []string{"11:00 in", "3 bad_count"}},
		"a program's records name when they were made":       {employee + fmt.Sprintf("%09d72026-05-04T08:00:00-0300%s2026-05-04T08:01:00-0300010%s\r\n", 2, anaPIS, strings.Repeat("ab", 32)), []string{"11:00 in"}},
		"a sensitive event is no punch":                      {employee + "00000000262026-05-04T08:00:00-030007\r\n" + punch(3, "04T12:00"), []string{"15:00 in"}},
	} {
		t.Run(rule, func(t *testing.T) {
			o := options(t, c.text)
			o.Format, o.Zone, o.Station = Auto, zone(t, "America/Sao_Paulo"), "rep-1"
			sink := newNotebook()
			if !strings.Contains(c.text, "Ana") {
				sink = newNotebook(anaPIS)
			}
			if got := took(t, o, sink); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if ana := sink.people[anaPIS]; strings.Contains(c.text, "Ana") && ana.Name != "Ana Conceição" {
				t.Error("the employee's name was not read")
			}
		})
	}
}

// The directions of a clock that numbers its records are no part of what makes them
// the same: a file that begins later changes nothing.
func TestAShorterExportOfTheSameClockAddsNothing(t *testing.T) {
	lines := []string{"0000000013040520260800" + anaPIS, "0000000023040520261200" + anaPIS, "0000000033040520261300" + anaPIS}
	sink := newNotebook(anaPIS)
	for from, recorded := range []int64{3, 0, 0} {
		o := options(t, strings.Join(lines[from:], "\r\n")+"\r\n")
		o.Format = Auto
		sum, err := Run(t.Context(), o, sink)
		if err != nil || sum.Recorded != recorded || sum.DirectionsDerived != int64(3-from) {
			t.Errorf("from line %d: %+v, %v", from+1, sum, err)
		}
	}
}

func TestTrackers(t *testing.T) {
	const toggl = "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags\n"
	entry := func(start, end string) string {
		return "Ana,ana@example.org,,,,,No,2026-05-04," + start + ",2026-05-04," + end + ",,\n"
	}
	const clockify = "Project,Client,Description,Task,User,Group,Email,Tags,Billable,Start Date,Start Time,End Date,End Time,Duration (h)\n"
	const kimai = "Date,From,To,Duration,User,Activity\n"
	const frappe = "ID,Employee,Employee Name,Log Type,Time,Location / Device ID\n"
	const agl = "No\tTMNo\tEnNo\tName\tGMNo\tMode\tDateTime\n"
	for rule, c := range map[string]struct {
		format, text string
		want         []string
	}{
		"an entry is an in and an out":                    {"toggl", toggl + entry("08:00:00", "12:00:00"), []string{"06:00 in", "10:00 out"}},
		"the newest first is turned round":                {"toggl", toggl + entry("12:00:00", "13:00:00") + entry("08:00:00", "12:00:00"), []string{"06:00 in", "10:00 out", "10:00 in", "11:00 out"}},
		"entries at the same time are one":                {"toggl", toggl + entry("08:00:00", "12:00:00") + entry("08:00:00", "12:00:00"), []string{"06:00 in", "10:00 out", "3? overlaps"}},
		"entries that overlap are said":                   {"toggl", toggl + entry("08:00:00", "12:00:00") + entry("09:00:00", "10:00:00"), []string{"06:00 in", "10:00 out", "07:00 in", "08:00 out", "3? overlaps"}},
		"an entry of no time":                             {"toggl", toggl + entry("08:00:00", "08:00:00"), []string{"2 no_duration"}},
		"an entry that ends before it starts":             {"toggl", toggl + entry("08:00:00", "07:00:00"), []string{"2 end_before_start"}},
		"an entry that still runs":                        {"toggl", toggl + "Ana,ana@example.org,,,,,No,2026-05-04,08:00:00,,,,\n", []string{"2 still_running"}},
		"the file's own hours are compared":               {"toggl", toggl + strings.Replace(entry("08:00:00", "12:00:00"), ",,\n", ",03:00:00,\n", 1), []string{"06:00 in", "10:00 out", "2? hours_disagree"}},
		"a row without anybody":                           {"toggl", toggl + strings.Replace(entry("08:00:00", "12:00:00"), "ana@example.org", "", 1), []string{"2 bad_key"}},
		"a local time that clocks skipped":                {"toggl", toggl + "Ana,ana@example.org,,,,,No,2026-03-29,02:30:00,2026-03-29,12:00:00,,\n", []string{"2 gap_in_local_time"}},
		"half past eleven at night":                       {"clockify", clockify + ",,,,Ana,,ana@example.org,,No,05/24/2026,11:30:00 PM,05/25/2026,12:15 AM,\n", []string{"21:30 in", "22:15 out"}},
		"days first, as a later row tells":                {"clockify", clockify + ",,,,Ana,,ana@example.org,,No,04/05/2026,08:00,04/05/2026,09:00,\n,,,,Ana,,ana@example.org,,No,25/05/2026,08:00,25/05/2026,09:00,\n", []string{"06:00 in", "07:00 out", "06:00 in", "07:00 out"}},
		"days and months that could be either":            {"clockify", clockify + ",,,,Ana,,ana@example.org,,No,05/04/2026,08:00,05/04/2026,09:00,\n", []string{"06:00 in", "07:00 out", "2? ambiguous_date"}},
		"the fifth of the fifth is the same either way":   {"clockify", clockify + ",,,,Ana,,ana@example.org,,No,05/05/2026,08:00,05/05/2026,09:00,\n", []string{"06:00 in", "07:00 out"}},
		"dates with dots":                                 {"clockify", clockify + ",,,,Ana,,ana@example.org,,No,04.05.2026,08:00,04.05.2026,09:00,\n", []string{"06:00 in", "07:00 out"}},
		"without groups and users":                        {"clockify", "Project,Client,Description,Task,Email,Tags,Billable,Start Date,Start Time,End Date,End Time,Duration (h)\n,,,,ana@example.org,,Yes,2026-05-04,08:00:00,2026-05-04,09:00:00,01:00:00\n", []string{"2 unknown_pin"}},
		"a report of today has members and stops":         {"toggl-member", "\uFEFF\"Description\",Billable,Duration,Member,Email,Project,Tags,Start date,Start time,Stop date,Stop time\n\"x\",No,4:00:00,Ana,ana@example.org,P,,2026-05-04,08:00:00,2026-05-04,12:00:00\n", []string{"06:00 in", "10:00 out"}},
		"or says of nobody whose it is":                   {"toggl-alone", "\uFEFF\"Description\",Duration,Project,Start date,Start time,Stop date,Stop time\n\"x\",4:00:00,P,2026-05-04,08:00:00,2026-05-04,12:00:00\n", []string{"06:00 in", "10:00 out"}},
		"a quoted line break is one row":                  {"clockify", clockify + ",,\"one\ntwo\",,Ana,,ana@example.org,,No,05/24/2026,08:00,05/24/2026,09:00,\n,,,,Ana,,ana@example.org,,No,31/31/2026,08:00,05/24/2026,09:00,\n", []string{"06:00 in", "07:00 out", "4 bad_time"}},
		"a blank before a quote":                          {"kimai", kimai + "2026-05-04,22:00,06:00,28800,Ana, \"Testing\"\n", []string{"20:00 in", "04:00 out"}},
		"a check-in says in or out":                       {"frappe", frappe + "EMP-CKIN-1,HR-EMP-1,Ana,IN,2026-05-04 08:00:00,\nEMP-CKIN-2,HR-EMP-1,Ana,OUT,2026-05-04 12:00:00,\n", []string{"06:00 in", "10:00 out"}},
		"a check-in that says neither":                    {"frappe", frappe + "EMP-CKIN-1,HR-EMP-1,Ana,,2026-05-04 08:00:00,\nEMP-CKIN-2,HR-EMP-1,Ana,,2026-05-04 12:00:00,\n", []string{"06:00 in", "10:00 out"}},
		"a check-in that says something else":             {"frappe", frappe + "EMP-CKIN-1,HR-EMP-1,Ana,SIDEWAYS,2026-05-04 08:00:00,\n", []string{"2 bad_direction"}},
		"the general log of a terminal has two blanks":    {"agl", agl + "1\t1\t7\tAna\t1\t1\t2026/05/04  08:00:00\n2\t1\t7\tAna\t1\t1\t2026/05/04  12:00:00\n", []string{"06:00 in", "10:00 out"}},
		"and empty columns":                               {"agl", agl + "1\t1\t7\tAna\t\t\t2026/05/04 08:00:00\n", []string{"06:00 in"}},
		"a header with columns that no row has":           {"agl", "No\tMchn\tEnNo\t\tName\t\tMode\tIOMd\tDateTime\t\n000001\t1\t000000007\tAna      \t1\t0\t2026/05/04  08:00:00\n000002\t1\t000000007\tAna      \t1\t0\t2026/05/04  12:00:00\t\n", []string{"06:00 in", "10:00 out"}},
		"words for in and out":                            {"agl", "No\tTMNo\tEnNo\tName\tGMNo\tMode\tIn/Out\tAntipass\tProxyWork\tDateTime\n1\t1\t00000007\tana\t1\tFP\tDutyOff\t0\t0\t2026-05-04 08:00:00\n", []string{"06:00 out"}},
		"lines about the terminal come first":             {"agl", "# DeviceModel = S362E Excel\n# Version = 2\nNo\tTMNo\tEnNo\tName\tDateTime\n1\t1\t7\tANA\t2026-05-04 08:00:00\nbroken\n", []string{"06:00 in", "5 broken_line"}},
		"the columns of the database":                     {"frappe", "name,employee,employee_name,log_type,time,device_id\n1,HR-EMP-1,Ana,OUT,2026-05-04 08:00:00.000000,\n", []string{"06:00 out"}},
		"a time of day in halves":                         {"kimai", "Date,From,To,Duration,Username,Activity\n2026-05-04,11:00 PM,12:15 AM,4500,Ana,x\n", []string{"21:00 in", "22:15 out"}},
		"timewarrior: what it exports":                    {"timewarrior", "[\n{\"id\":2,\"start\":\"20260504T060000Z\",\"end\":\"20260504T100000Z\",\"tags\":[\"x\"]},\n{\"id\":1,\"start\":\"20260504T110000Z\"}\n]\n", []string{"06:00 in", "10:00 out", "3 still_running"}},
		"timewarrior: an interval":                        {"timewarrior", "inc 20260504T060000Z - 20260504T100000Z # work \"a b\" # note\n", []string{"06:00 in", "10:00 out"}},
		"timewarrior: something else":                     {"timewarrior", "exc 20260504T060000Z\ninc 20260504T060000Z - 20260504T100000Z\n", []string{"06:00 in", "10:00 out", "1 broken_line"}},
		"org: a day's name in any language":               {"org", "* Dĕlat\nCLOCK: [2026-05-04 Mo 8:00]--[2026-05-04 понедельник 12:00] =>  4:00\n", []string{"06:00 in", "10:00 out"}},
		"org: without a day's name":                       {"org", "CLOCK: [2026-05-04 08:00]--[2026-05-04 12:00]\n", []string{"06:00 in", "10:00 out"}},
		"org: a sum that is wrong":                        {"org", "CLOCK: [2026-05-04 Mon 08:00]--[2026-05-04 Mon 12:00] =>  3:00\n", []string{"06:00 in", "10:00 out", "1? hours_disagree"}},
		"org: a line cut off":                             {"org", "CLOCK: [2026-05-04 Mon 08:00]--[2026-0", []string{"1 truncated_line"}},
		"org: prose is not kept, however long":            {"org", "* H\n" + strings.Repeat("x", 9000) + "\nCLOCK: [2026-05-04 08:00]--[2026-05-04 12:00]\n", []string{"06:00 in", "10:00 out"}},
		"a file of semicolons":                            {"kimai", strings.ReplaceAll(kimai+"2026-05-04,08:00,12:00,,Ana,x\n", ",", ";"), []string{"06:00 in", "10:00 out"}},
		"Excel's word about its separator":                {"kimai", "sep=;\r\n" + strings.ReplaceAll(kimai+"2026-05-04,08:00,12:00,,Ana,x\nbad,,,,Ana,x\n", ",", ";"), []string{"06:00 in", "10:00 out", "4 bad_time"}},
		"no-break spaces around a value and in a header":  {"kimai", strings.Replace(kimai, "From", "\u00a0From\u00a0", 1) + "2026-05-04,\u00a008:00,12:00\u00a0,,Ana,x\n", []string{"06:00 in", "10:00 out"}},
		"a quote that is not closed properly is one row":  {"kimai", kimai + "2026-05-04,08:00,12:00,,An\"a,x\n2026-05-04,08:00,12:00,,Ana,x\n", []string{"06:00 in", "10:00 out", "2 broken_line"}},
		"bytes of an older encoding are refused by row":   {"kimai", kimai + "2026-05-04,08:00,12:00,,Jos\xe9,x\n2026-05-04,08:00,12:00,,Ana,x\n", []string{"06:00 in", "10:00 out", "2 not_utf8"}},
		"a row with blanks for numbers":                   {"kimai", kimai + "2026-05-04,08:00,12:00, ,Ana,x\n", []string{"06:00 in", "10:00 out"}},
		"an empty row":                                    {"kimai", kimai + ",,,,,\n2026-05-04,08:00,12:00,,Ana,x\n", []string{"06:00 in", "10:00 out"}},
		"an hour that came twice needs the caller's word": {"toggl", toggl + "Ana,ana@example.org,,,,,No,2025-10-26,02:30:00,2025-10-26,12:00:00,,\n", []string{"2 ambiguous_local_time"}},
	} {
		t.Run(rule, func(t *testing.T) {
			o := formatted(t, Auto, c.text)
			if c.format == "timewarrior" && !strings.HasPrefix(c.text, "[") {
				o.Format = c.format
			}
			sink := newNotebook("7", "name:ana")
			if got := took(t, o, sink); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(c.format, "toggl") && c.format != "toggl-alone" && len(sink.punches) > 0 && sink.people["email:ana@example.org"] != (Person{Name: "Ana", Email: "ana@example.org"}) {
				t.Error("the person was not read")
			}
		})
	}
}

func TestTheFormatIsFoundAndNamed(t *testing.T) {
	const toggl = "User,Email,Start date,Start time,End date,End time\n"
	for rule, c := range map[string]struct {
		text string
		want error
		says string
	}{
		"nothing":                        {"", ErrFormat, "empty"},
		"a calendar":                     {"BEGIN:VCALENDAR\r\n", ErrFormat, "calendar"},
		"an old workbook":                {"\xD0\xCF\x11\xE0rest", ErrFormat, ".xls"},
		"a zip of something":             {"PK\x03\x04rest", ErrFormat, "unpack"},
		"something binary":               {"\x00\x01\x02\x00\x00\x00", ErrFormat, "binary"},
		"prose":                          {"Dear Ana,\n", ErrFormat, "known are"},
		"hours without times":            {"Date,Client,Project,Task,Hours\n2026-05-04,,,,8\n", ErrNoClockTimes, ""},
		"a person's file without a name": {"inc 20260504T060000Z\n", ErrPerson, "--person"},
		"dates in two orders":            {"Group,User,Email,Start Date,Start Time,End Date,End Time\nx,Ana,ana@example.org,25/04/2026,08:00,25/04/2026,09:00\nx,Ana,ana@example.org,04/25/2026,08:00,04/25/2026,09:00\n", ErrDateOrder, "--dates"},
		"a calendar's appointments":      {"Subject,Start Date,Start Time,End Date,End Time,All Day Event,Description\n", ErrFormat, "known are"},
		"a column twice":                 {strings.Replace(toggl, "User", "Email", 1), ErrMapping, "more than one"},
		"a header alone":                 {toggl, nil, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			o := formatted(t, Auto, c.text)
			o.Person = ""
			sink := newNotebook()
			_, err := Run(t.Context(), o, sink)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %v saying %q", err, c.want, c.says)
			}
			if len(sink.punches) > 0 {
				t.Error("something was taken")
			}
		})
	}
	o := formatted(t, "nonsense", "")
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrFormat) {
		t.Errorf("a name that is none: %v", err)
	}
}

func TestEncodings(t *testing.T) {
	const text = "Date,From,To,Duration,User,Activity\n2026-05-04,08:00,12:00,,José €,x\n"
	little, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	big, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	windows, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	latin, err := charmap.ISO8859_1.NewEncoder().String(strings.Replace(text, " €", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		text     string
		encoding Encoding
		who      string
	}{
		"UTF-8":                           {text, EncodingAuto, "name:josé €"},
		"UTF-8 with a byte order mark":    {"\uFEFF" + text, EncodingAuto, "name:josé €"},
		"UTF-16 with a byte order mark":   {little, EncodingAuto, "name:josé €"},
		"UTF-16 without, big end first":   {big, EncodingAuto, "name:josé €"},
		"UTF-16 as the caller says":       {big, EncodingUTF16, "name:josé €"},
		"Windows-1252 as the caller says": {windows, EncodingWindows1252, "name:josé €"},
		"ISO-8859-1 as the caller says":   {latin, EncodingISO88591, "name:josé"},
		"CRLF":                            {strings.ReplaceAll(text, "\n", "\r\n"), EncodingAuto, "name:josé €"},
		"UTF-16, CRLF and semicolons":     {mustUTF16(t, strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), ",", ";")), EncodingAuto, "name:josé €"},
	} {
		t.Run(rule, func(t *testing.T) {
			o := formatted(t, Auto, c.text)
			o.Encoding = c.encoding
			if got, want := took(t, o, newNotebook(c.who)), []string{"06:00 in", "10:00 out"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	o := formatted(t, Auto, text)
	o.Encoding = "ebcdic-de"
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrEncoding) {
		t.Errorf("an encoding that is not known: %v", err)
	}
}

func mustUTF16(t *testing.T, s string) string {
	t.Helper()
	text, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheCallerKnowsTheOrderOfDates(t *testing.T) {
	const text = "Group,User,Email,Start Date,Start Time,End Date,End Time\nx,Ana,ana@example.org,04/05/2026,08:00,04/05/2026,09:00\n"
	for order, want := range map[DateOrder]string{DayFirst: "2026-05-04", MonthFirst: "2026-04-05"} {
		o := formatted(t, Auto, text)
		o.Dates = order
		sink := newNotebook()
		sum, err := Run(t.Context(), o, sink)
		if err != nil || len(sink.punches) != 2 || sink.punches[0].StationClock[:10] != want || len(sum.Suspects) > 0 {
			t.Errorf("%s: %+v, %v, %v", order, sink.punches, sum.Suspects, err)
		}
	}
	o := formatted(t, Auto, text)
	o.Dates = "year-first"
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrOptions) {
		t.Errorf("another order: %v", err)
	}
}
