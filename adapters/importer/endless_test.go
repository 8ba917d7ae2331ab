package importer

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// flood gives a head and then the same block until it gave so many bytes. Now and then
// it looks at what the process holds.
type flood struct {
	head, block string
	left        int64
	at          int // in block
	unseen      int64
	held        uint64 // at most, seen so far
}

// looksEvery is how many bytes pass between two looks at the heap.
const looksEvery = 8 << 20

func (f *flood) Read(p []byte) (int, error) {
	if f.left <= 0 {
		f.look()
		return 0, io.EOF
	}
	var n int
	if f.head != "" {
		n = copy(p, f.head)
		f.head = f.head[n:]
	} else {
		n = copy(p, f.block[f.at:])
		f.at = (f.at + n) % len(f.block)
	}
	f.left -= int64(n)
	if f.unseen += int64(n); f.unseen >= looksEvery {
		f.unseen = 0
		f.look()
	}
	return n, nil
}

func (f *flood) look() { f.held = max(f.held, heldNow()) }

// heldNow is what is in use and no rubbish.
func heldNow() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// floodSize is how much is poured: at night as much as somebody could have.
func floodSize() int64 {
	switch {
	case os.Getenv("TRACEKEEP_NIGHT") != "":
		return 3 << 30
	case raceDetector:
		return 1 << 20
	}
	return 64 << 20
}

// goodRows gives a header and a row that each built-in table takes, and what other
// formats look like.
func goodRows() map[string][2]string {
	rows := map[string][2]string{
		"attlog":         {"", "        7\t2026-05-04 08:00:00\t1\t0\t0\t0\n"},
		"adms":           {"", "7\t2026-05-04 08:00:00\t0\t1\t0\t0\t0\t0\n"},
		"afd":            {"", "0000000013040520260800" + anaPIS + "\r\n"},
		"timewarrior":    {"", "inc 20260504T060000Z - 20260504T100000Z # work\n"},
		"org":            {"", "CLOCK: [2026-05-04 Mon 08:00]--[2026-05-04 Mon 12:00] =>  4:00\n"},
		"quickbooks-iif": {"!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\n", "TIMEACT\t05/04/26\tBuilders\tAna\tx\ty\t7:30\n"},
	}
	for _, m := range tables() {
		rows[m.Name] = [2]string{tableHeader(m), tableRow(m)}
	}
	return rows
}

func tableColumns(m *Mapping) (columns []string) {
	seen := map[string]bool{"": true}
	for _, name := range append(m.needed(), m.Person.Column) {
		if first, _, _ := strings.Cut(name, "|"); !seen[first] {
			seen[first] = true
			columns = append(columns, first)
		}
	}
	return columns
}

func tableHeader(m *Mapping) string { return strings.Join(tableColumns(m), ",") + "\n" }

// tableRow fills the columns that m needs with what it reads there.
func tableRow(m *Mapping) string {
	values := map[string]string{}
	set := func(name, value string) {
		first, _, _ := strings.Cut(name, "|")
		values[first] = value
	}
	moment := func(w *Moment, hour int) {
		if w == nil {
			return
		}
		at := time.Date(2026, time.May, 4, hour, 30, 0, 0, time.UTC)
		if w.At != "" {
			set(w.At, at.Format(w.parsed[0]))
			return
		}
		date, clock, _ := strings.Cut(w.parsed[0], " ")
		set(w.Date, at.Format(date))
		set(w.Time, at.Format(clock))
	}
	moment(m.Time, 8)
	moment(m.Start, 8)
	moment(m.End, 12)
	if m.Direction != nil {
		set(m.Direction.Column, m.Direction.In[0])
	}
	if m.Day != nil {
		set(m.Day.Column, time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC).Format(m.Day.parsed[0]))
		set(m.Hours.Column, "7.5")
	}
	set(m.Person.Column, map[keyKind]string{byPIN: "7", byEmail: "ana@example.org"}[m.Person.By])
	if m.Person.By != byPIN && m.Person.By != byEmail {
		set(m.Person.Column, "ana")
	}
	columns := tableColumns(m)
	fields := make([]string, len(columns))
	for i, name := range columns {
		if fields[i] = values[name]; fields[i] == "" {
			fields[i] = "x"
		}
	}
	return strings.Join(fields, ",") + "\n"
}

// parsers are formats each of which is read by other code; all the others are tables
// like one of them.
var parsers = map[string]bool{
	"attlog": true, "adms": true, "afd": true, "timewarrior": true, "org": true, "quickbooks-iif": true, "clockify": true, "frappe": true, "harvest": true,
}

// However much of whatever comes, a bounded part of it is held. What is refused says
// what to do.
func TestMemoryIsBoundedWhateverComes(t *testing.T) {
	rows := goodRows()
	sorted := map[string]bool{"timewarrior": true, "org": true}
	for _, m := range tables() {
		sorted[m.Name] = m.Start != nil
	}
	for _, format := range Formats() {
		row, ok := rows[format.Name]
		if !ok {
			if format.Name != "xlsx" && format.Name != "csv" && format.Name != OneRoster { // a table of one's own, and what has tests of its own
				t.Errorf("there is no row of %s", format.Name)
			}
			continue
		}
		block := strings.Repeat(row[1], 1+(64<<10)/len(row[1]))
		for what, flood := range map[string]*flood{
			"good rows":              {head: row[0], block: block},
			"a line without end":     {head: row[0], block: strings.Repeat("x", 64<<10)},
			"blank lines":            {head: row[0], block: strings.Repeat("\n", 64<<10)},
			"a quote never closed":   {head: row[0] + "\"", block: block},
			"a quote in each row":    {head: row[0], block: strings.Repeat("\"", 1023) + "\n"},
			"NULs":                   {head: row[0], block: strings.Repeat("\x00", 64<<10)},
			"columns without end":    {head: row[0], block: strings.Repeat("\t,;|", 16<<10)},
			"rows as long as may be": {head: row[0], block: strings.Repeat("y", 1<<20-100) + "\n"},
		} {
			if !parsers[format.Name] && what != "good rows" {
				continue
			}
			t.Run(format.Name+": "+what, func(t *testing.T) {
				flood.left = floodSize()
				switch {
				case !parsers[format.Name]:
					flood.left = min(flood.left, 4<<20)
				case os.Getenv("TRACEKEEP_NIGHT") != "":
				case sorted[format.Name] && what == "good rows": // as many as are kept
					flood.left /= 2
				case flood.block == block || what == "blank lines": // each row costs
					flood.left /= 8
				}
				pour(t, format.Name, flood, what == "good rows", sorted[format.Name])
			})
		}
	}
}

// pour imports a flood. Spans are kept until their end, half a million of them.
func pour(t *testing.T, format string, f *flood, good, sorted bool) {
	before := heldNow()
	o := formatted(t, format, "")
	o.Clock = f
	sum, err := Run(t.Context(), o, &forgetful{})
	for _, known := range []error{nil, ErrNotClockFile, ErrFormat, ErrMapping, ErrTooLarge, ErrDateOrder} {
		if errors.Is(err, known) {
			known, err = err, nil
			if good && (known != nil && !errors.Is(known, ErrTooLarge) || sum.Accepted == 0 && known == nil) {
				t.Errorf("good rows: %d accepted, %v", sum.Accepted, known)
			}
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
	most := uint64(64 << 20)
	if sorted {
		most = 320 << 20
	}
	if f.held > before && f.held-before > most {
		t.Errorf("%d MiB were held, want less than %d", (f.held-before)>>20, most>>20)
	}
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		t.Logf("%d MiB held, %d rows, %v", (max(f.held, before)-before)>>20, sum.Lines, err)
	}
}

// forgetful knows everybody and keeps nothing.
type forgetful struct{ everybody }

func (*forgetful) Record(_ context.Context, _ string, batch []Punch) (recorded, already int, err error) {
	return len(batch), 0, nil
}

func (*forgetful) Declare(_ context.Context, _ string, batch []Declaration) (recorded, already int, err error) {
	return len(batch), 0, nil
}

func TestMemoryIsBoundedByWhatAPeopleFileMayHave(t *testing.T) {
	const header = "pin,name\n"
	for what, f := range map[string]*flood{
		"a line without end":   {head: header, block: strings.Repeat("x", 64<<10)},
		"a quote never closed": {head: header + "1,\"", block: "x\n"},
		"blank lines":          {head: header, block: strings.Repeat("\n", 64<<10)},
		"NULs":                 {head: header, block: strings.Repeat("\x00", 64<<10)},
		"the same again":       {head: header, block: strings.Repeat("7,Ana\n", 10<<10)},
		"columns without end":  {head: header, block: strings.Repeat(",", 64<<10)},
	} {
		t.Run(what, func(t *testing.T) {
			if f.left = floodSize(); os.Getenv("TRACEKEEP_NIGHT") == "" {
				f.left /= 8
			}
			before := heldNow()
			o := formatted(t, "attlog", goodRows()["attlog"][1])
			o.People = f
			if _, err := Run(t.Context(), o, &forgetful{}); err != nil && !errors.Is(err, ErrPeopleTooLarge) && !errors.Is(err, ErrNotPeopleFile) && !errors.Is(err, ErrWrongPeopleFile) {
				t.Error(err)
			}
			if f.held > before && f.held-before > 64<<20 {
				t.Errorf("%d MiB were held", (f.held-before)>>20)
			}
		})
	}
}
