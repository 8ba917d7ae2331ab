package importer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// Every parser is given anything. Seeds are the real files, where they are.

func seeds(f *testing.F, pattern string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.FromSlash(realFolder), filepath.FromSlash(pattern)))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content[:min(len(content), 4<<10)], byte(len(name)))
	}
}

// tried imports anything as a format: it never panics, the account adds up, nothing
// of the content is repeated, and what is accepted can have been.
func tried(t *testing.T, format string, m *Mapping, text []byte, choice byte) {
	t.Helper()
	overlaps := []Overlap{OverlapReject, OverlapFirst, OverlapSecond, OverlapOrder}
	encodings := []Encoding{EncodingAuto, EncodingUTF8, EncodingUTF16, EncodingWindows1252, EncodingISO88591}
	sink := &everybody{}
	loc := zone(t, "America/New_York")
	sum, err := Run(t.Context(), Options{
		Clock: bytes.NewReader(text), Format: format, Mapping: m, Station: "1", Person: "7", Zone: loc, Now: today,
		Overlap: overlaps[int(choice)%len(overlaps)], Encoding: encodings[int(choice)%len(encodings)], BatchRows: 1 + int(choice),
	}, sink)
	for _, known := range []error{ErrNotClockFile, ErrFormat, ErrNoClockTimes, ErrMapping, ErrDateOrder, ErrTooLarge} {
		if errors.Is(err, known) {
			return
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines+sum.OtherLines || sum.Punches+sum.Declared != sum.Recorded+sum.ExactDuplicates {
		t.Fatalf("the account does not add up: %+v", sum)
	}
	for _, p := range sink.punches {
		local := p.At.In(loc)
		if _, offset := local.Zone(); offset != p.OffsetSeconds || p.Direction == "" || p.Kind == "" || p.StationClock == "" {
			t.Fatalf("incomplete: %+v", p)
		}
		if p.At.After(today.Add(ahead)) || p.At.Year() < firstYear-1 {
			t.Fatalf("accepted %s", p.At)
		}
	}
	for _, d := range sink.hours {
		date, err := time.ParseInLocation(time.DateOnly, d.WorkDate, loc)
		if err != nil || d.Seconds < 1 || d.Seconds > 86400 || d.Nth < 1 || d.Zone != loc.String() {
			t.Fatalf("incomplete: %+v", d)
		}
		if long := d.DayEnds.Sub(date); long < 22*time.Hour || long > 26*time.Hour || date.After(today.Add(ahead)) || date.Year() < firstYear {
			t.Fatalf("accepted %s, which ends %s", d.WorkDate, d.DayEnds)
		}
	}
	for _, r := range append(sum.Rejects, sum.Suspects...) {
		if r.Message != r.Reason.message() || r.Message == string(r.Reason) {
			t.Fatalf("the message of %s is not the fixed one", r.Reason)
		}
	}
}

func FuzzAFD(f *testing.F) {
	seeds(f, "afd-portaria-1510/AFD.txt")
	f.Add([]byte(afd671Record("0000000022026-05")+afd671Record("00000000232026-05-04T08:00:00-0300"+anaPIS)), byte(0))
	f.Fuzz(func(t *testing.T, text []byte, choice byte) { tried(t, "afd", nil, text, choice) })
}

func FuzzTimewarrior(f *testing.F) {
	seeds(f, "other-small-samples/timewarrior*")
	f.Fuzz(func(t *testing.T, text []byte, choice byte) { tried(t, "timewarrior", nil, text, choice) })
}

func FuzzOrg(f *testing.F) {
	seeds(f, "org-clock/*.org")
	f.Fuzz(func(t *testing.T, text []byte, choice byte) { tried(t, "org", nil, text, choice) })
}

func FuzzADMS(f *testing.F) {
	seeds(f, "zkteco-adms/*.jsonl")
	for _, seed := range []string{"7\t2026-05-04 08:00:00\t0\t1\t0\t0\t0\t0\t0\t0\t+28800\t", "PIN=7 DateTime=2026-05-04 08:00:00 Verified=1 Status=1", "data=7%092026-05-04+08%3A00%3A00%090", "7\t1777874400"} {
		f.Add([]byte(seed), byte(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, choice byte) { tried(t, "adms", nil, text, choice) })
}

// FuzzTables tries every built-in table, and what is found by looking.
func FuzzTables(f *testing.F) {
	seeds(f, "time-trackers-solidtime-testfiles/*.csv")
	seeds(f, "time-trackers-solidtime-testfiles/*/time_entries.csv")
	seeds(f, "other-small-samples/*")
	seeds(f, "bpd-*/*.csv")
	f.Add([]byte("Employee,Log Type,Time\nE1,IN,2026-05-04 08:00:00.123456\n"), byte(0))
	f.Add([]byte("No\tTMNo\tEnNo\tName\tGMNo\tMode\tDateTime\n1\t1\t7\tA\t\t\t2026/05/04  08:00:00\n"), byte(0))
	f.Add([]byte("Date,Project,Task,Hours,First Name,Last Name\n2026-05-04,a,b,\"7,5\",Ana,\n"), byte(0))
	f.Add([]byte("!TIMERHDR\tVER\nTIMERHDR\t8\n!TIMEACT\tDATE\tJOB\tEMP\tDURATION\nTIMEACT\t05/04/26\tx\tSmith, \"J\"\t7:30\n"), byte(0))
	names := append([]string{Auto}, FormatNames()...)
	f.Fuzz(func(t *testing.T, text []byte, choice byte) {
		tried(t, Auto, nil, text, choice)
		if name := names[int(choice)%len(names)]; name != "xlsx" {
			tried(t, name, nil, text, choice)
		}
	})
}

// FuzzWorkbook gives the library damaged books and our reader odd cells.
func FuzzWorkbook(f *testing.F) {
	book := excelize.NewFile()
	for cell, value := range map[string]any{
		"A1": "Date", "B1": "From", "C1": "To", "D1": "User", "E1": "Activity", "A2": 46146, "B2": 0.25, "C2": "17:00", "D2": "Ana", "A3": "2026-05-04", "B3": "x",
	} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			f.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes(), "46146", "0.75")
	f.Add(file.Bytes()[:file.Len()/2], "2026-05-04", "0900")
	f.Add([]byte("PK\x03\x04"), "-1", "1e400")
	m, err := ReadMapping(strings.NewReader("person: {column: User, by: name}\nstart: {date: Date, time: From, layouts: [\"YYYY-MM-DD HH:mm\"]}\nend: {date: Date, time: To, layouts: [\"YYYY-MM-DD HH:mm\", \"YYYY-MM-DD HHmm\"], next_day: true}\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packed []byte, date, clock string) {
		tried(t, "xlsx", m, packed, 0)
		odd := excelize.NewFile()
		for cell, value := range map[string]string{"A1": "Date", "B1": "From", "C1": "To", "D1": "User", "A2": date, "B2": clock, "C2": "17:00", "D2": "Ana"} {
			if err := odd.SetCellValue("Sheet1", cell, value); err != nil {
				return // longer than a cell may be
			}
		}
		var file bytes.Buffer
		if err := odd.Write(&file); err != nil {
			return
		}
		tried(t, "xlsx", m, file.Bytes(), 0)
	})
}

// FuzzMapping: a mapping file is refused with a reason or describes a table, and then
// any table is read as it says.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(ownTable), []byte("person_id,utc_time,kind\n7,2026-05-04T08:00:00Z,in\n"))
	f.Add([]byte("person: {column: A, by: login}\nstart: {at: B, layouts: [D.M.YYYY hh:mm AM]}\nend: {at: C, layouts: [MM-DD-YYYY HHmm]}\nhours: {column: D, as: hhmm}\n"), []byte("A;B;C;D\nx;1.2.2026 8:00 AM;01-02-2026 0900;100\n"))
	f.Fuzz(func(t *testing.T, text, table []byte) {
		m, err := ReadMapping(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrMapping) {
				t.Fatal(err)
			}
			return
		}
		tried(t, "csv", m, table, 0)
	})
}
