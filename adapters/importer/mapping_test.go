package importer

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tracekeep/eventschema"
)

const ownTable = `
name: our-clock
person: {column: person_id, by: pin}
time: {at: utc_time, layouts: ["YYYY-MM-DDTHH:mm:ssZ"]}
direction: {column: kind, in: [in], out: [out]}
`

func TestAMappingReadsATableOfOnesOwn(t *testing.T) {
	m, err := ReadMapping(strings.NewReader(ownTable))
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Punches, People int64 }
	expected(t, "bpd-paid-details-2022/expected.json", &want)
	o := formatted(t, Auto, string(realFile(t, "bpd-paid-details-2022/punches.csv")))
	o.Mapping, o.People, o.Zone = m, readerOf(withPIN(realFile(t, "bpd-paid-details-2022/people.csv"))), zone(t, "America/New_York")
	got, err := Run(t.Context(), o, newNotebook())
	if err != nil || got.Punches != want.Punches || got.Accepted != want.Punches || got.PeopleRegistered != want.People || got.Format != "our-clock" || got.Station != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if got.PerState["in"] != got.PerState["out"] || len(got.SuspectsByReason) != 0 {
		t.Errorf("per state %v, suspects %v", got.PerState, got.SuspectsByReason)
	}
}

func TestAMappingIsReadStrictly(t *testing.T) {
	const good = "person: {column: A, by: pin}\nstart: {at: B, layouts: [\"DD.MM.YYYY HH:mm\"]}\nend: {at: C, layouts: [\"DD.MM.YYYY HH:mm\"]}\n"
	for rule, c := range map[string]struct{ text, says string }{
		"a word that is not known":      {good + "colour: red\n", "colour"},
		"a word twice":                  {good + "name: a\nname: b\n", "name"},
		"two documents":                 {good + "---\n" + good, "one YAML document"},
		"nothing":                       {"", "EOF"},
		"no person":                     {"time: {at: B, layouts: [YYYY]}\n", "person.column"},
		"a kind of key that is not one": {strings.Replace(good, "pin", "face", 1), "person.by"},
		"neither time nor both ends":    {"person: {column: A, by: pin}\n", "give time"},
		"time and ends":                 {good + "time: {at: B, layouts: [YYYY]}\n", "give time"},
		"no layouts":                    {"person: {column: A, by: pin}\ntime: {at: B}\n", "layouts"},
		"a direction of a span":         {good + "direction: {column: D, in: [a], out: [b]}\n", "direction belongs"},
		"a name with a slash":           {good + "name: ../x\n", "name must be"},
		"a book":                        {"name: " + strings.Repeat("x", maxMapping), "64 KiB"},
		"a bomb of aliases":             {"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nname: *b\n", "mapping"},
		"a good one":                    {good, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := ReadMapping(strings.NewReader(c.text))
			if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error = %v, want it to say %q", err, c.says)
			}
		})
	}
}

func TestTheDayBeforeComesFromAMapping(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("name: nights\nperson: {column: Who, by: name}\nfull_name: [Who]\nstart: {date: Day, time: From, layouts: [\"DD.MM.YYYY HH:mm\"]}\nend: {date: Day, time: To, layouts: [\"DD.MM.YYYY HH:mm\"], next_day: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := formatted(t, Auto, "Who;Day;From;To\nAna;04.05.2026;22:00;06:00\n")
	o.Mapping = m
	sink := newNotebook()
	if got, want := took(t, o, sink), []string{"20:00 in", "04:00 out"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, p := range sink.punches {
		if p.Direction == eventschema.DirectionOut && p.At.Sub(sink.punches[0].At) != 8*time.Hour || sink.people["name:ana"].Name != "Ana" {
			t.Errorf("ends %s", p.At)
		}
	}
}

// A workbook: dates and times as numbers or text, a header with line breaks, sheets
// of which not all have the columns.
func TestAWorkbookIsReadSheetBySheet(t *testing.T) {
	book := excelize.NewFile()
	for _, name := range []string{"Notes", "March"} {
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
	}
	head := map[string]any{"A1": "Emp. ID", "B1": "Employee", "C1": "Detail\nDate", "D1": "Start\nTime", "E1": "End \nTime", "G1": "Type"}
	for sheet, cells := range map[string]map[string]any{
		"Sheet1": {"A2": "000007", "B2": "CRUZ,ANA", "C2": 46146, "D2": "0800", "E2": "1200"},
		"Notes":  {"A1": "Dear Ana"},
		"March": {"A3": "000007", "C3": time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), "D3": 0.5, "E3": 0.541666666666667,
			"A4": "000007", "C4": "4 May", "D4": "0800", "E4": "0900", "B5": "NOBODY", "C5": 46146, "D5": "0800", "E5": "0900"},
	} {
		if sheet != "Notes" {
			for cell, value := range head {
				cells[cell] = value
			}
		}
		for cell, value := range cells {
			if err := book.SetCellValue(sheet, cell, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	o := formatted(t, Auto, file.String())
	sink := newNotebook()
	if got, want := took(t, o, sink), []string{"06:00 in", "10:00 out", "10:00 in", "11:00 out", "4 bad_time", "5 bad_key"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if sink.people["000007"].Name != "CRUZ,ANA" || sink.punches[0].StationClock != "2026-05-04 08:00:00" {
		t.Error("leading zeros, the name or the clock were not read")
	}
	o = formatted(t, Auto, file.String())
	sum, err := Run(t.Context(), o, sink)
	if err != nil || sum.Rejects[0].Sheet != "3" || sum.OtherLines != 1 || !slices.Equal(sum.ColumnsIgnored, []string{"type"}) {
		t.Errorf("%+v, %v", sum, err)
	}
}
