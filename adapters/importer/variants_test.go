package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// These are traits of files that strangers' programs and clocks wrote, with invented values.

// modbus ends a record as clocks of Henry and Dixi do.
func modbus(record string) string {
	return fmt.Sprintf("%s%04X\r\n", record, crcModbus.sum([]byte(record)))
}

func TestTheSumOfClocksIsThatOfMODBUS(t *testing.T) {
	for record, want := range map[string]string{ // of two real clocks; the second has a blank behind its CPF
		"0000210173100920251254012622398516":             "038B",
		"00000004032025-10-29T10:12:00-030012313985903 ": "1C89",
	} {
		if got := modbus(record); got != record+want+"\r\n" {
			t.Errorf("%q, want %s", got, want)
		}
	}
	for way, want := range map[crcs]uint16{crcModbus: 0x4B37, crcX25: 0x906E, crcMCRF4XX: 0x6F91, crcSwapped: 0x8921, crcARC: 0xBB3D, crcXModem: 0x31C3, crcCCITT: 0x29B1} {
		if got := way.sum([]byte("123456789")); got != want {
			t.Errorf("way %d: %04X, want %04X", way, got, want)
		}
	}
}

func TestVariantsOfAFD(t *testing.T) {
	const cpf = "12345678909 "
	old := func(nsr, clock string) string { return modbus(nsr + "3" + clock + anaPIS) }
	iso := func(nsr, clock, who string) string { return modbus(nsr + "32026-05-04T" + clock + ":00-0300" + who) }
	odd := func(nsr, clock string) string { return nsr + "3" + clock + anaPIS + "0000\r\n" }
	ana := "00000000150105202607" + "59I" + anaPIS + "Ana Conceição\r\n"
	trailer := "999999999" + strings.Repeat("0", 9) + "000000002" + strings.Repeat("0", 9) + "000000001" + "9\r\n"
	for rule, c := range map[string]struct {
		text string
		want []string
	}{
		"the layout of 1510 with sums":                     {old("000000001", "040520260800") + old("000000002", "040520261200"), []string{"11:00 in", "15:00 out"}},
		"a damaged record among them":                      {old("000000001", "040520260800") + odd("000000002", "040520261200"), []string{"11:00 in", "2 bad_checksum"}},
		"sums made in no known way are said once":          {odd("000000001", "040520260800") + odd("000000002", "040520261200") + odd("000000003", "040520261300"), []string{"11:00 in", "15:00 out", "16:00 in", "1? unknown_checksum"}},
		"one sum that fits nothing is damage":              {odd("000000001", "040520260800"), []string{"1 bad_checksum"}},
		"a CPF with a blank behind it, and a zero before":  {iso("000000001", "08:00", cpf) + iso("000000002", "12:00", "012345678909"), []string{"11:00 in", "15:00 out"}},
		"the line that says where the signature is":        {iso("000000001", "08:00", cpf) + fmt.Sprintf("%-100s\r\n", "ASSINATURA_DIGITAL_EM_ARQUIVO_P7S"), []string{"11:00 in"}},
		"written in UTF-8, blanks behind the name cut off": {ana + "0000000023040520260800" + anaPIS + "\r\n" + "0000000033040520261200" + anaPIS + "\r\n" + trailer, []string{"11:00 in", "15:00 out"}},
		"the first record is broken":                       {"00000000011broken\r\n" + "0000000023040520260800" + anaPIS + "\r\n", []string{"11:00 in", "1 broken_line"}},
		"the mark with which DOS ends a text":              {"0000000023040520260800" + anaPIS + "\r\n\x1A", []string{"11:00 in"}},
		"lines that were converted twice":                  {"0000000023040520260800" + anaPIS + "\r\r\n", []string{"11:00 in"}},
		"a punch of nobody":                                {"0000000023040520260800000000000000\r\n0000000033040520260900" + anaPIS + "\r\n", []string{"12:00 in", "1 nobody_recognised"}},
	} {
		t.Run(rule, func(t *testing.T) {
			o := options(t, c.text)
			o.Format, o.Zone, o.Station = Auto, zone(t, "America/Sao_Paulo"), "rep-1"
			sink := newNotebook(anaPIS, "012345678909")
			if strings.Contains(c.text, "Ana") {
				sink = newNotebook()
			}
			if got := took(t, o, sink); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, p := range sink.people {
				if p.Name != "Ana Conceição" {
					t.Error("another name was registered")
				}
			}
		})
	}
}

func TestFilesThatAreNoRecordsOfAClockAreNamed(t *testing.T) {
	afdt := "0000000011" + "1" + strings.Repeat("1", 26) + strings.Repeat(" ", 150) + "0105202601052026010520260800\r\n"
	for what, c := range map[string]struct{ text, says string }{
		"an AFDT or ACJEF":    {afdt + "000000002" + "2" + "010520260800" + anaPIS + strings.Repeat("0", 17) + "E01O" + strings.Repeat(" ", 100) + "\r\n", "AFDT"},
		"an AEJ":              {"01|1|05041606000199|||EMPRESA|2026-05-01|2026-05-31|2026-06-01T08:00:00-0300|002\r\n", "AEJ"},
		"a summary":           {"\"Project\",\"Client\",\"Duration\"\n\"P\",\"C\",\"10:00:00\"\n", "detailed report"},
		"a summary of others": {"Project,Time (h),Time (decimal)\nP,10:00:00,10\n", "detailed report"},
	} {
		if _, err := Run(t.Context(), formatted(t, Auto, c.text), newNotebook()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want one that says %q", what, err, c.says)
		}
	}
}

func TestVariantsOfTables(t *testing.T) {
	const kimai, agl = "Date,From,To,Duration,User,Name,Activity\n", "No\tTMNo\tEnNo\tName\tDateTime\n"
	const toggl = "Description,Duration,Member,Email,Start date,Start time,Stop date,Stop time\n"
	const frappe = "ID,Employee,Employee Name,Log Type,Time\n"
	span := func(date, from, to string) string { return date + "," + from + "," + to + ",,ana,Ana,x\n" }
	punch := func(clock string) string { return "1\t1\t7\tAna\t" + clock + "\n" }
	both := []string{"06:00 in", "10:00 out"}
	for rule, c := range map[string]struct {
		format, text string
		want         []string
	}{
		"half a day in small letters":                     {"kimai", kimai + span("2026-05-04", "8:00 am", "12:00 pm"), both},
		"half a day with points and a narrow blank":       {"kimai", kimai + span("2026-05-04", "8:00\u202fa.\u00a0m.", "12:00\u202fp.\u00a0m."), both},
		"the end of a day":                                {"kimai", kimai + span("2026-05-04", "20:00", "24:00"), []string{"18:00 in", "22:00 out"}},
		"a German header and dates":                       {"kimai", strings.NewReplacer("Date", "Datum", "From", "Von", "To", "Bis", "User", "Benutzer", "Activity", "Tätigkeit").Replace(kimai) + span("4.5.2026", "08:00", "12:00"), both},
		"years in two digits":                             {"kimai", kimai + span("5/4/26", "08:00", "12:00") + span("5/25/26", "08:00", "12:00"), []string{"06:00 in", "10:00 out", "06:00 in", "10:00 out"}},
		"hours of its own in decimals":                    {"kimai", kimai + "2026-05-04,08:00,12:00,4.00,ana,Ana,x\n", both},
		"who is named in the row needs no other file":     {"kimai", kimai + span("2026-05-04", "08:00", "12:00"), both},
		"a separator at the end of each line":             {"kimai", strings.ReplaceAll(kimai+span("2026-05-04", "08:00", "12:00"), "\n", ",\n"), both},
		"a separator at the end of some":                  {"kimai", kimai + strings.ReplaceAll(span("2026-05-04", "08:00", "12:00"), "\n", ",,\n"), both},
		"a column too few":                                {"kimai", kimai + "2026-05-04,08:00,12:00,,ana,Ana\n" + span("2026-05-04", "08:00", "12:00"), append(slices.Clone(both), "2 broken_line")},
		"a report's lines about itself come first":        {"kimai", "Report, by week\n\n\"From May, to May\",,,\n" + strings.ReplaceAll(kimai, ",", ";") + strings.ReplaceAll(span("2026-05-04", "08:00", "12:00")+span("bad", "", ""), ",", ";"), append(slices.Clone(both), "6 bad_time")},
		"two exports put behind one another":              {"kimai", kimai + span("2026-05-04", "08:00", "12:00") + kimai + span("2026-05-05", "08:00", "12:00"), []string{"06:00 in", "10:00 out", "06:00 in", "10:00 out"}},
		"lines that end with a carriage return alone":     {"kimai", strings.ReplaceAll(kimai+span("2026-05-04", "08:00", "12:00"), "\n", "\r"), both},
		"Toggl: dates and times as an American has them":  {"toggl", toggl + "x,4:00:00,Ana,a@example.org,05/25/2026,8:00 AM,05/25/2026,12:00 PM\n", both},
		"Toggl: the end of a day":                         {"toggl", toggl + "x,2:00:00,Ana,a@example.org,2026-05-04,22:00:00,2026-05-04,24:00:00\n", []string{"20:00 in", "22:00 out"}},
		"Harvest: dates with points, hours with a comma":  {"harvest", harvestHeader + "04.05.2026,C,P,,T,,\"7,5\",No,Ana,A\n", []string{"2026-05-04 7h30m0s"}},
		"Harvest: the day first, as another row tells":    {"harvest", harvestHeader + "04/05/2026,C,P,,T,,1,No,Ana,A\n25/05/2026,C,P,,T,,1,No,Ana,A\n", []string{"2026-05-04 1h0m0s", "2026-05-25 1h0m0s"}},
		"Harvest: no row tells":                           {"harvest", harvestHeader + "04/05/2026,C,P,,T,,1,No,Ana,A\n", []string{"2026-04-05 1h0m0s", "2? ambiguous_date"}},
		"QuickBooks: other lists come first":              {"quickbooks-iif", "!HDR\tPROD\nHDR\tQuickBooks Pro\n" + iifHeader + "TIMEACT\t5/4/26\tJ\tAna\tW\tH\t7:30\n", []string{"2026-05-04 7h30m0s"}},
		"QuickBooks: the day first, as another row tells": {"quickbooks-iif", iifHeader + "TIMEACT\t04/05/26\tJ\tAna\tW\tH\t7:30\nTIMEACT\t25/05/26\tJ\tAna\tW\tH\t1\n", []string{"2026-05-04 7h30m0s", "2026-05-25 1h0m0s"}},
		"AGL: a clock of half days, the month first":      {"agl", agl + punch("05-25-2026  08:00:00AM") + punch("05-25-2026  12:00:00PM"), both},
		"AGL: the number of nobody":                       {"agl", agl + "1\t1\t0\t \t2026/05/04 08:00:00\n" + punch("2026/05/04 12:00:00"), []string{"10:00 in", "2 nobody_recognised"}},
		"AGL: the first letter of the header is lost":     {"agl", strings.TrimPrefix(agl, "N") + punch("2026/05/04 08:00:00"), []string{"06:00 in"}},
		"check-ins with dashes, the month first":          {"frappe", frappe + "a,HR-1,Ana,IN,05-04-2026 08:00:00\nb,HR-1,Ana,OUT,05-25-2026 12:00:00\n", both},
	} {
		t.Run(rule, func(t *testing.T) {
			o := formatted(t, Auto, c.text)
			o.Station = "s"
			sum, err := Run(t.Context(), formattedAgain(o, c.text), newNotebook("7"))
			if err != nil || sum.Format != c.format {
				t.Fatalf("%s found, %v, want %s", sum.Format, err, c.format)
			}
			if got := took(t, o, newNotebook()); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func formattedAgain(o Options, text string) Options {
	o.Clock = strings.NewReader(text)
	return o
}

func TestPunchesWhoseDatesCanBeEitherAreNotTaken(t *testing.T) {
	const text = "ID,Employee,Employee Name,Log Type,Time\na,HR-1,Ana,IN,05-04-2026 08:00:00\nb,HR-1,Ana,OUT,05-04-2026 12:00:00\n"
	sink := newNotebook()
	if _, err := Run(t.Context(), formatted(t, Auto, text), sink); !errors.Is(err, ErrDateUnsure) || len(sink.punches) > 0 {
		t.Errorf("%d punches, %v", len(sink.punches), err)
	}
	for order, want := range map[DateOrder]string{DayFirst: "2026-04-05", MonthFirst: "2026-05-04"} {
		o, sink := formatted(t, Auto, text), newNotebook()
		o.Dates = order
		if _, err := Run(t.Context(), o, sink); err != nil || len(sink.punches) != 2 || sink.punches[0].At.Format("2006-01-02") != want {
			t.Errorf("%s: %v, %v", order, sink.punches, err)
		}
	}
	o := formatted(t, Auto, text+"c,HR-1,Ana,IN,25-05-2026 08:00:00\nd,HR-1,Ana,IN,05-25-2026 08:00:00\n")
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrDateOrder) {
		t.Errorf("dates in both orders: %v", err)
	}
}

// A station at which nobody presses a key would never let anybody leave.
func TestInAndOutAreDerivedWhereNobodyPresses(t *testing.T) {
	day := func(n int, state string) string {
		return fmt.Sprintf("7\t2026-05-%02d 08:00:00\t1\t0\t0\t0\n7\t2026-05-%02d 12:00:00\t1\t%s\t0\t0\n", n, n, state)
	}
	month := func(last string) (text string) {
		for n := range 19 {
			text += day(1+n, "0")
		}
		return text + day(20, last)
	}
	run := func(text string, directions Directions, sink *notebook) (Summary, error) {
		o := formatted(t, "attlog", text)
		o.Station, o.Directions = "1", directions
		return Run(t.Context(), o, sink)
	}
	sink := newNotebook("7")
	if _, err := run(month("0"), "", sink); !errors.Is(err, ErrDirections) || len(sink.punches) > 0 {
		t.Fatalf("nothing but ins: %d punches, %v", len(sink.punches), err)
	}
	if _, err := run(month("1"), "", newNotebook("7")); err != nil {
		t.Errorf("one out: %v", err)
	}
	if sum, err := run(month("0"), DirectionsDerived, sink); err != nil || sum.DirectionsDerived != 40 || sum.PerState["out"] != 20 {
		t.Errorf("derived: %+v, %v", sum.PerState, err)
	}
	if sum, err := run(month("0"), DirectionsPressed, sink); err != nil || sum.AlreadyRecorded != 40 || sum.Recorded != 0 {
		t.Errorf("as pressed, of the same punches: %d recorded, %v", sum.Recorded, err)
	}
	if sum, err := run(day(1, "255"), DirectionsDerived, newNotebook("7")); err != nil || sum.Recorded != 2 || sum.PerState["out"] != 1 {
		t.Errorf("without a state: %+v, %v", sum, err)
	}
	o := formatted(t, "attlog", day(1, "0"))
	o.Directions = "guess"
	if _, err := Run(t.Context(), o, newNotebook()); !errors.Is(err, ErrOptions) {
		t.Errorf("a choice that there is not: %v", err)
	}
}

func TestVariantsOfPersonalFiles(t *testing.T) {
	both := []string{"06:00 in", "10:00 out"}
	const entry = `{"id":1,"start":"20260504T060000Z","end":"20260504T100000Z","tags":["x"]}`
	clock := func(line string) string { return "* Work\n  :LOGBOOK:\n  " + line + "\n  :END:\n" }
	for rule, c := range map[string]struct {
		text string
		want []string
	}{
		"timewarrior: an export in one line":             {"[" + entry + `,{"id":2,"start":"20260505T060000Z"}]`, append(slices.Clone(both), "1 still_running")},
		"timewarrior: an export laid out by others":      {"[\n" + strings.NewReplacer(",\"", ",\n  \"", "{", "{\n  ").Replace(entry) + ",\n{\n\"id\": 2\n}\n]\n", append(slices.Clone(both), "7 broken_line")},
		"timewarrior: such an export that is cut off":    {"[" + entry + "," + entry[:20], append(slices.Clone(both), "1 truncated_line")},
		"timewarrior: such an export that is damaged":    {"[" + entry + ", } " + entry + "]", append(slices.Clone(both), "1 broken_line")},
		"org: small letters, and a day with a point":     {clock("clock: [2026-05-04 Mo. 08:00]--[2026-05-04 Mo. 12:00] =>  4:00"), both},
		"org: a day in Japanese":                         {clock("CLOCK: [2026-05-04 月 08:00]--[2026-05-04 月 12:00] =>  4:00"), both},
		"org: hours without times":                       {clock("CLOCK: => 2:00") + clock("CLOCK: [2026-05-04 Mon 08:00]--[2026-05-04 Mon 12:00] =>  4:00"), append(slices.Clone(both), "3 no_times")},
		"org: an end before its start, as Emacs sums it": {clock("CLOCK: [2026-05-04 Mon 09:00]--[2026-05-04 Mon 08:00] => -1:00"), []string{"3 end_before_start"}},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := took(t, formatted(t, Auto, c.text), newNotebook("7")); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOlderEncodingsOfClocksAndPeople(t *testing.T) {
	const text = "No\tTMNo\tEnNo\tName\tDateTime\r\n1\t1\t7\t%s\t2026/05/04 08:00:00\r\n"
	for name, c := range map[Encoding]struct {
		with encoding.Encoding
		who  string
	}{
		"windows-1251": {charmap.Windows1251, "Анна"},
		"windows-1256": {charmap.Windows1256, "آنا"},
		"windows-874":  {charmap.Windows874, "แอนนา"},
		"gb18030":      {simplifiedchinese.GB18030, "安娜"},
	} {
		t.Run(string(name), func(t *testing.T) {
			inOld := func(s string) string {
				old, err := c.with.NewEncoder().String(s)
				if err != nil {
					t.Fatal(err)
				}
				return old
			}
			o, sink := formatted(t, Auto, inOld(fmt.Sprintf(text, c.who))), newNotebook()
			o.Station, o.Encoding = "s", name
			if got := took(t, o, sink); !slices.Equal(got, []string{"06:00 in"}) || sink.people["7"].Name != c.who {
				t.Errorf("got %q", got)
			}
			o, sink = formatted(t, "attlog", "7\t2026-05-04 08:00:00\t1\t0\t0\t0\n"), newNotebook()
			o.Station, o.Encoding, o.People = "s", name, strings.NewReader(inOld("pin,name\n7,"+c.who+"\n"))
			if _, err := Run(t.Context(), o, sink); err != nil || sink.people["7"].Name != c.who {
				t.Errorf("people file: %v", err)
			}
			o = formatted(t, Auto, inOld(fmt.Sprintf(text, c.who)))
			o.Station = "s"
			if sum, err := Run(t.Context(), o, newNotebook("7")); err != nil || sum.RejectsByReason[NotUTF8] != 1 {
				t.Errorf("not named: %v, %v", sum.RejectsByReason, err)
			}
		})
	}
	o, sink := formatted(t, "attlog", mustUTF16(t, "7\t2026-05-04 08:00:00\t1\t0\t0\t0\r\n")), newNotebook()
	o.Station, o.People = "s", strings.NewReader(mustUTF16(t, "pin,name\r\n7,Анна\r\n"))
	if got := took(t, o, sink); !slices.Equal(got, []string{"06:00 in"}) || sink.people["7"].Name != "Анна" {
		t.Errorf("UTF-16: %q", got)
	}
}

// A program that names people by address or by name finds a person of the people file by
// either, but not by a name that two have.
func TestPeopleAreFoundByNameWhereAFileMayHaveEither(t *testing.T) {
	const text = "Date,From,To,Duration,User,Activity\n2026-05-04,08:00,12:00,,%s,x\n"
	const people = "email,name\nana@example.org,Ana\nb@example.org,Bo\nc@example.org,Bo\n"
	for who, want := range map[string]string{"Ana": "ana@example.org", "ANA@example.org": "ana@example.org", "Bo": ""} {
		o, sink := formatted(t, Auto, fmt.Sprintf(text, who)), newNotebook()
		o.People = strings.NewReader(people)
		_, err := Run(t.Context(), o, sink)
		if want == "" {
			if !errors.Is(err, ErrWrongPeopleFile) || !strings.Contains(err.Error(), "address or name") {
				t.Errorf("%s: %v", who, err)
			}
			continue
		}
		registered := ""
		for _, p := range sink.people {
			registered = p.Email
		}
		if err != nil || registered != want {
			t.Errorf("%s: %q, %v", who, registered, err)
		}
	}
}

func TestLayoutsOfOtherLanguagesAreRefused(t *testing.T) {
	for layout, fine := range map[string]bool{
		"YYYY-MM-DD HH:mm": true, "DD MMM YYYY hh:mm AM": true, "DD.MM.YYYY um HH:mm Uhr": true, "YYYY-MM-DDTHH:mm:ssZ": true, "YYYY年M月D日 HH:mm": true,
		"yyyy-MM-dd HH:mm": false, "%Y-%m-%d %H:%M": false, "DD/MM/YYYY h:mm a": false, "dd.MM.yyyy HH:mm": false,
	} {
		m := Moment{At: "When", Layouts: []string{layout}}
		if err := m.prepare(); (err == nil) != fine {
			t.Errorf("%s: %v", layout, err)
		}
	}
}

func TestVariantsOfWorkbooks(t *testing.T) {
	both := []string{"06:00 in", "10:00 out"}
	header := []any{"Date", "From", "To", "Duration", "User", "Name", "Activity"}
	for rule, c := range map[string]struct {
		rows    [][]any
		mac     bool
		want    []string
		refused bool
	}{
		"dates and times are numbers":                {rows: [][]any{header, {46146, 1.0 / 3, 0.5, 4.0 / 24, "ana", "Ana", "x"}}, want: both},
		"hours of its own that are others":           {rows: [][]any{header, {46146, 1.0 / 3, 0.5, 3, "ana", "Ana", "x"}}, want: append(slices.Clone(both), "2? hours_disagree")},
		"the date has the time of the start as well": {rows: [][]any{header, {46146 + 1.0/3, 46146 + 1.0/3, 46146.5, 4, "ana", "Ana", "x"}}, want: both},
		"and is text":                             {rows: [][]any{header, {"2026-05-04 08:00", "08:00", "12:00", "4:00", "ana", "Ana", "x"}}, want: both},
		"days count from 1904":                    {rows: [][]any{header, {46146 - 1462, 1.0 / 3, 0.5, 4, "ana", "Ana", "x"}}, mac: true, want: both},
		"a report's rows about itself come first": {rows: [][]any{{"Report"}, {}, {"May", "2026"}, header, {46146, 1.0 / 3, 0.5, 4, "ana", "Ana", "x"}}, want: both},
		"no-break spaces":                         {rows: [][]any{header, {"2026-05-04\u00a0", "\u00a08:00\u202fAM", "12:00\u00a0PM", "", "ana", "Ana", "x"}}, want: both},
		"no row names the columns":                {rows: [][]any{{"Report"}, {46146, 1.0 / 3}}, refused: true},
	} {
		t.Run(rule, func(t *testing.T) {
			book := excelize.NewFile()
			for i, row := range c.rows {
				if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
					t.Fatal(err)
				}
			}
			if err := book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &c.mac}); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := book.Write(&out); err != nil {
				t.Fatal(err)
			}
			o := formatted(t, Auto, out.String())
			if _, err := Run(t.Context(), formattedAgain(o, out.String()), newNotebook()); c.refused {
				if !errors.Is(err, ErrFormat) {
					t.Errorf("%v, want one that it is no known table", err)
				}
				return
			}
			sink := newNotebook()
			if got := took(t, o, sink); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(sink.punches) == 0 || sink.punches[0].StationClock != "2026-05-04 08:00:00" {
				t.Errorf("the first punch is not that of 4 May: %+v", sink.punches)
			}
		})
	}
}
