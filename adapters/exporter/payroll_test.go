package exporter_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tracekeep/adapters/exporter"
)

const (
	h = time.Hour
	m = time.Minute
)

// fortnight is a pay period of two people, out of order.
var fortnight = []exporter.PayRow{
	{Number: "101", Name: "Smith, John", Day: "2026-06-09", Code: "regular", Time: 8 * h},
	{Number: "102", Name: "=HYPERLINK(\"x\")\tAna", Day: "2026-06-08", Code: "double_time", Time: 1*h + 20*m},
	{Number: "101", Name: "Smith, John", Day: "2026-06-08", Code: "regular", Time: 7*h + 59*m + 59*time.Second},
	{Number: "101", Name: "Smith, John", Day: "2026-06-08", Code: "overtime", Time: 30 * m},
	{Number: "101", Name: "Smith, John", Day: "2026-06-08", Code: "overtime", Time: 15 * m},
	{Number: "102", Name: "=HYPERLINK(\"x\")\tAna", Day: "2026-07-01", Code: "premium", Time: h},
}

// The files of the documented formats, byte by byte.
//
// promise: ST-21
func TestPayrollFiles(t *testing.T) {
	for system, c := range map[exporter.System]struct {
		payroll exporter.Payroll
		want    []string
	}{
		exporter.ADP: {exporter.Payroll{Company: "ABC", Batch: "KJ260927", Codes: map[string]string{"double_time": "D", "premium": "P"}}, []string{
			"Co Code,Batch ID,File #,Reg Hours,O/T Hours,Hours 3 Code,Hours 3 Amount,Hours 4 Code,Hours 4 Amount",
			"ABC,KJ260927,000101,16.00,0.75,,,,",
			"ABC,KJ260927,000102,,,P,1.00,D,1.33",
		}},
		exporter.Paychex: {exporter.Payroll{Company: "12345678", Codes: map[string]string{"regular": "Hourly", "overtime": "Overtime, 1.5", "double_time": "Double", "premium": "Meal"}}, []string{
			`12345678,101,,,Hourly,,,8.00,,06/08/2026,,,,,,`,
			`12345678,101,,,"Overtime, 1.5",,,0.75,,06/08/2026,,,,,,`,
			`12345678,101,,,Hourly,,,8.00,,06/09/2026,,,,,,`,
			`12345678,102,,,Double,,,1.33,,06/08/2026,,,,,,`,
			`12345678,102,,,Meal,,,1.00,,07/01/2026,,,,,,`,
		}},
		exporter.QuickBooksIIF: {exporter.Payroll{Company: "Acme", Batch: "1243092298", Codes: map[string]string{"regular": "Regular Pay", "overtime": "Overtime Pay", "double_time": "Double", "premium": "Meal"}}, []string{
			"!TIMERHDR\tVER\tREL\tCOMPANYNAME\tIMPORTEDBEFORE\tFROMTIMER\tCOMPANYCREATETIME",
			"TIMERHDR\t8\t0\tAcme\tN\tY\t1243092298",
			"!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\tPROJ\tNOTE\tBILLINGSTATUS\tXFERTOPAYROLL",
			"TIMEACT\t06/08/26\t\tSmith, John\t\tRegular Pay\t8:00\t\t\t0\tY",
			"TIMEACT\t06/08/26\t\tSmith, John\t\tOvertime Pay\t0:45\t\t\t0\tY",
			"TIMEACT\t06/09/26\t\tSmith, John\t\tRegular Pay\t8:00\t\t\t0\tY",
			"TIMEACT\t06/08/26\t\t=HYPERLINK(\"x\") Ana\t\tDouble\t1:20\t\t\t0\tY",
			"TIMEACT\t07/01/26\t\t=HYPERLINK(\"x\") Ana\t\tMeal\t1:00\t\t\t0\tY",
		}},
		exporter.DATEVLodas: {exporter.Payroll{Company: "1001", Batch: "1", Codes: map[string]string{"regular": "1000", "overtime": "1010", "double_time": "1020", "premium": "1030"}}, []string{
			"[Allgemein]", "Ziel=LODAS", "Version_SST=1.0", "BeraterNr=1001", "MandantenNr=1", "Feldtrennzeichen=;", "Zahlenkomma=,", "Datumsformat=TT/MM/JJJJ", "",
			"[Satzbeschreibung]",
			"1;u_lod_bwd_buchung_standard;abrechnung_zeitraum#bwd;pnr#bwd;la_eigene#bwd;bs_nr#bwd;bs_wert_butab#bwd;kostenstelle#bwd;", "",
			"[Bewegungsdaten]",
			"1;01/06/2026;101;1000;1;16,00;;", "1;01/06/2026;101;1010;1;0,75;;", "1;01/06/2026;102;1020;1;1,33;;", "1;01/07/2026;102;1030;1;1,00;;",
		}},
		exporter.DATEVLohn: {exporter.Payroll{Codes: map[string]string{"regular": "1000", "overtime": "1010", "double_time": "1020", "premium": "1030"}}, []string{
			"Personalnummer;Kalendertag;Ausfallschluessel;Lohnartennummer;Stundenanzahl;Tagesanzahl;Wert;Abw. Faktor;Abw. Lohnveraenderung;Kostenstelle;Kostentraeger",
			"101;08.06.2026;;1000;8,00;;;;;;", "101;08.06.2026;;1010;0,75;;;;;;", "101;09.06.2026;;1000;8,00;;;;;;",
			"102;08.06.2026;;1020;1,33;;;;;;", "102;01.07.2026;;1030;1,00;;;;;;",
		}},
	} {
		t.Run(string(system), func(t *testing.T) {
			c.payroll.System = system
			var b bytes.Buffer
			if err := exporter.WritePayroll(&b, c.payroll, fortnight); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Join(c.want, "\r\n")+"\r\n", b.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A line of ADP has places for two further codes; a third one has a line of its own.
func TestAThirdCodeOfADPHasALineOfItsOwn(t *testing.T) {
	var rows []exporter.PayRow
	for _, code := range []string{"regular", "premium", "guarantee", "double_time"} {
		rows = append(rows, exporter.PayRow{Number: "101", Day: "2026-06-09", Code: code, Time: h})
	}
	var b bytes.Buffer
	payroll := exporter.Payroll{System: exporter.ADP, Company: "ABC", Batch: "1", Codes: map[string]string{"premium": "P", "guarantee": "G", "double_time": "D, 2"}}
	if err := exporter.WritePayroll(&b, payroll, rows); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	want := [][]string{{"ABC", "1", "000101", "", "", "D, 2", "1.00", "", ""}, {"ABC", "1", "000101", "1.00", "", "P", "1.00", "G", "1.00"}}
	if err != nil || !cmp.Equal(want, got[1:]) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}

// A job has lines of its own where the format has a place for it.
//
// promise: ST-21
func TestPayrollLinesOfJobs(t *testing.T) {
	rows := []exporter.PayRow{
		{Number: "101", Name: "Ada", Day: "2026-06-09", Code: "regular", Job: "watch", Time: 3 * h}, {Number: "101", Name: "Ada", Day: "2026-06-09", Code: "regular", Job: "desk", Time: 2 * h},
		{Number: "101", Name: "Ada", Day: "2026-06-09", Code: "regular", Job: "gate", Time: h},
	}
	for system, want := range map[exporter.System][2]string{
		exporter.QuickBooksIIF: {"TIMEACT\t06/09/26\t\tAda\t\t1\t3:00\t", "TIMEACT\t06/09/26\t4711\tAda\t\t1\t3:00\t"},
		exporter.DATEVLodas:    {"1;01/06/2026;101;1;1;3,00;;\r\n", "1;01/06/2026;101;1;1;3,00;4711;\r\n"},
		exporter.DATEVLohn:     {"101;09.06.2026;;1;3,00;;;;;;\r\n", "101;09.06.2026;;1;3,00;;;;;4711;\r\n"},
		exporter.ADP:           {"\nABC,2,000101,,3.00,,,,,\r\n", "\nABC,2,000101,4711,3.00,,,,,\r\n"},
		exporter.Paychex:       {"ABC,101,,,1,,,3.00,,06/09/2026,,,,,,\r\n", "ABC,101,,4711,1,,,3.00,,06/09/2026,,,,,,\r\n"},
	} {
		payroll := exporter.Payroll{System: system, Company: "ABC", Batch: "2", Codes: map[string]string{"regular": "1"}, Jobs: map[string]string{"watch": "4711"}}
		var b bytes.Buffer
		err := exporter.WritePayroll(&b, payroll, rows)
		if err != nil || strings.Count(b.String(), want[0]) != 1 || strings.Count(b.String(), want[1]) != 1 {
			t.Errorf("%s: %v\n%s", system, err, b.String())
		}
	}
	for rule, c := range map[string]struct {
		system exporter.System
		own    string
	}{
		"a cost centre that breaks the line":       {exporter.DATEVLohn, "4;7"},
		"no cost centre":                           {exporter.ADP, ""},
		"a job number of more than its 25 letters": {exporter.Paychex, strings.Repeat("7", 26)},
		"a job number with a space":                {exporter.Paychex, "47 11"},
	} {
		wrong := exporter.Payroll{System: c.system, Company: "1", Batch: "2", Codes: map[string]string{"regular": "1"}, Jobs: map[string]string{"watch": c.own}}
		if err := exporter.WritePayroll(new(bytes.Buffer), wrong, rows); !errors.Is(err, exporter.ErrJob) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// Each job of a person is a line of paydata, with as many more as its codes need.
func TestPaydataOfJobs(t *testing.T) {
	row := func(code, job string, length time.Duration) exporter.PayRow {
		return exporter.PayRow{Number: "101", Day: "2026-06-09", Code: code, Job: job, Time: length}
	}
	codes := map[string]string{"double_time": "D", "premium": "P", "guarantee": "G"}
	payroll := exporter.Payroll{System: exporter.ADP, Company: "ABC", Batch: "B", Codes: codes, Jobs: map[string]string{"watch": "47-11", "desk": "0,8"}}
	var b bytes.Buffer
	if err := exporter.WritePayroll(&b, payroll, []exporter.PayRow{
		row("regular", "watch", 8*h), row("overtime", "watch", h), row("double_time", "watch", h), row("premium", "watch", h), row("guarantee", "watch", 2*h),
		row("regular", "desk", 2*h), row("premium", "", h),
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Co Code,Batch ID,File #,Temp Cost Number,Reg Hours,O/T Hours,Hours 3 Code,Hours 3 Amount,Hours 4 Code,Hours 4 Amount",
		"ABC,B,000101,,,,P,1.00,,",
		`ABC,B,000101,"0,8",2.00,,,,,`,
		"ABC,B,000101,47-11,8.00,1.00,P,1.00,G,2.00",
		"ABC,B,000101,47-11,,,D,1.00,,",
	}
	if diff := cmp.Diff(strings.Join(want, "\r\n")+"\r\n", b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The example of an ADP file that was found in public: the same facts give its lines.
func TestAPublishedFileIsWrittenTheSame(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "other-small-samples", "PRABCEPI_adp_wfn_example.csv")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("the sample is not beside the project (%s)", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	want, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := exporter.WritePayroll(&b, exporter.Payroll{System: exporter.ADP, Company: "ABC", Batch: "KJ260927", Codes: map[string]string{"vacation": "V"}}, []exporter.PayRow{
		{Number: "101", Day: "2026-09-21", Code: "regular", Time: 80 * h}, {Number: "101", Day: "2026-09-21", Code: "overtime", Time: 5 * h},
		{Number: "000102", Day: "2026-09-21", Code: "regular", Time: 72 * h}, {Number: "000102", Day: "2026-09-22", Code: "vacation", Time: 8 * h},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	byFile := func(rows [][]string) map[string][]string {
		all := map[string][]string{}
		for _, row := range rows {
			all[row[2]] = row
		}
		return all
	}
	if diff := cmp.Diff(byFile(want), byFile(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPayrollThatAProgramWouldMisreadIsRefused(t *testing.T) {
	one := []exporter.PayRow{{Number: "101", Day: "2026-06-09", Code: "regular", Time: h}}
	codes := map[string]string{"regular": "1000"}
	for rule, c := range map[string]struct {
		payroll exporter.Payroll
		rows    []exporter.PayRow
		want    error
	}{
		"an unknown system":           {exporter.Payroll{System: "abacus"}, one, exporter.ErrSystem},
		"no company":                  {exporter.Payroll{System: exporter.ADP, Batch: "B"}, one, exporter.ErrCompany},
		"a company with a separator":  {exporter.Payroll{System: exporter.ADP, Company: "A,B", Batch: "B"}, one, exporter.ErrCompany},
		"a code without its number":   {exporter.Payroll{System: exporter.DATEVLohn}, one, exporter.ErrCode},
		"a number with letters":       {exporter.Payroll{System: exporter.DATEVLohn, Codes: codes}, []exporter.PayRow{{Number: "E-1", Day: "2026-06-09", Code: "regular"}}, exporter.ErrNumber},
		"a number that is a formula":  {exporter.Payroll{System: exporter.Paychex, Company: "1", Codes: codes}, []exporter.PayRow{{Number: "=1+1", Day: "2026-06-09", Code: "regular"}}, exporter.ErrNumber},
		"a number like a formula":     {exporter.Payroll{System: exporter.Paychex, Company: "1", Codes: codes}, []exporter.PayRow{{Number: "-A1", Day: "2026-06-09", Code: "regular"}}, exporter.ErrNumber},
		"a company like a formula":    {exporter.Payroll{System: exporter.ADP, Company: "=A1", Batch: "B"}, one, exporter.ErrCompany},
		"a code like a formula":       {exporter.Payroll{System: exporter.Paychex, Company: "1", Codes: map[string]string{"regular": "@SUM(A1)"}}, one, exporter.ErrCode},
		"a day of more than 23:59":    {exporter.Payroll{System: exporter.QuickBooksIIF, Company: "A", Batch: "1", Codes: codes}, []exporter.PayRow{{Name: "A", Day: "2026-06-09", Code: "regular", Time: 24 * h}}, exporter.ErrLength},
		"a code that breaks the line": {exporter.Payroll{System: exporter.DATEVLohn, Codes: map[string]string{"regular": "1\r\n2"}}, one, exporter.ErrCode},
	} {
		t.Run(rule, func(t *testing.T) {
			if err := exporter.WritePayroll(new(bytes.Buffer), c.payroll, c.rows); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// No order of the rows and no cut of a day changes a byte.
func TestPayrollIsTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows, cut []exporter.PayRow
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			row := exporter.PayRow{
				Number: rapid.SampledFrom([]string{"1", "2", "30"}).Draw(t, "number"), Day: rapid.SampledFrom([]string{"2026-06-09", "2026-06-10", "2026-07-01"}).Draw(t, "day"),
				Code: rapid.SampledFrom([]string{"regular", "overtime", "double_time"}).Draw(t, "code"), Time: time.Duration(rapid.IntRange(1, 7200).Draw(t, "seconds")) * time.Second,
			}
			part := row
			part.Time = time.Duration(rapid.IntRange(0, int(row.Time/time.Second)).Draw(t, "part")) * time.Second
			rest := row
			rest.Time -= part.Time
			rows, cut = append(rows, row), append(cut, part, rest)
		}
		cut = rapid.Permutation(cut).Draw(t, "order")
		for _, system := range []exporter.System{exporter.ADP, exporter.Paychex, exporter.QuickBooksIIF, exporter.DATEVLodas, exporter.DATEVLohn} {
			p := exporter.Payroll{System: system, Company: "1", Batch: "2", Codes: map[string]string{"regular": "1", "overtime": "2", "double_time": "3"}}
			var a, b bytes.Buffer
			if err := errors.Join(exporter.WritePayroll(&a, p, rows), exporter.WritePayroll(&b, p, cut)); err != nil {
				t.Fatal(err)
			}
			if a.String() != b.String() {
				t.Fatalf("%s:\n%s\nand\n%s", system, a.String(), b.String())
			}
		}
	})
}
