package importer

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

const togglHeader = "User,Email,Start date,Start time,End date,End time\n"

// What has no end, or no measure, is refused in bounded memory and says what to do.
func TestHostileTablesAreRefusedInBoundedMemory(t *testing.T) {
	endless := func(pattern string) io.Reader {
		block := strings.Repeat(pattern, 64<<10/len(pattern))
		return readerFunc(func(p []byte) (int, error) { return copy(p, block), nil })
	}
	for rule, c := range map[string]struct {
		format string
		from   io.Reader
		want   error
		says   string
	}{
		"a row without end":                 {"toggl", io.MultiReader(strings.NewReader(togglHeader), endless("x")), ErrTooLarge, "1 MiB"},
		"a header without end":              {"toggl", endless("x"), ErrTooLarge, "1 MiB"},
		"a header of columns without end":   {"toggl", endless("a,"), ErrTooLarge, "1 MiB"},
		"a million columns":                 {"toggl", strings.NewReader(strings.Repeat(",", 1_000_000) + "\n"), ErrMapping, "no column"},
		"a row of a million columns":        {"toggl", io.MultiReader(strings.NewReader(togglHeader+strings.Repeat(",", 1_000_000)+"\n"), strings.NewReader("Ana,a@b.c,2026-05-04,08:00,2026-05-04,09:00\n")), nil, ""},
		"a quote that is never closed":      {"toggl", io.MultiReader(strings.NewReader(togglHeader+"\""), endless("x\n")), ErrTooLarge, "quote"},
		"a workbook without end":            {"xlsx", io.MultiReader(strings.NewReader("PK\x03\x04"), endless("x")), ErrTooLarge, "64 MiB"},
		"a workbook that unpacks to a bomb": {"xlsx", bytes.NewReader(bomb(t, 1<<20, maxUnpacked+1)), ErrTooLarge, "128 MiB"},
		"a bomb that lies about its size":   {"xlsx", bytes.NewReader(bomb(t, 8<<20, 1000)), ErrFormat, "no sheet"},
		"a workbook of nothing":             {"xlsx", strings.NewReader("PK\x03\x04"), ErrFormat, "xlsx"},
		"an AFD record without end":         {"afd", io.MultiReader(io.LimitReader(endless("0"), 64<<20), strings.NewReader("\n0000000013040520260800"+anaPIS+"\n")), nil, ""},
		"an org line without end":           {"org", io.MultiReader(strings.NewReader("CLOCK: ["), io.LimitReader(endless("0"), 64<<20)), nil, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			var before, after runtime.MemStats
			o := formatted(t, c.format, "")
			o.Clock = c.from
			runtime.ReadMemStats(&before)
			_, err := Run(t.Context(), o, newNotebook())
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want %v saying %q", err, c.want, c.says)
			}
			most := uint64(256 << 20) // of which a million empty columns need most: a row may have 1 MiB
			if c.format == "xlsx" {
				most = 512 << 20
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > most {
				t.Errorf("allocated %d MiB in all, want less than %d", allocated>>20, most>>20)
			}
		})
	}
}

// bomb is a workbook with a sheet of so many zeros, which claims to be of another size.
func bomb(t *testing.T, size, claimed int) []byte {
	t.Helper()
	book := excelize.NewFile()
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	good, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range good.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			if err := w.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	var packed bytes.Buffer
	inner := zip.NewWriter(&packed)
	sheet, err := inner.Create("x")
	if err == nil {
		_, err = io.Copy(sheet, io.LimitReader(newZeros(), int64(size)))
	}
	if err = errors.Join(err, inner.Close()); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := archive.File[0].OpenRaw()
	if err != nil {
		t.Fatal(err)
	}
	header := archive.File[0].FileHeader
	header.Name = "xl/worksheets/sheet1.xml"
	header.UncompressedSize64, header.CRC32 = uint64(claimed), crc32.ChecksumIEEE(bytes.Repeat([]byte("0"), min(size, claimed)))
	to, err := w.CreateRaw(&header)
	if err == nil {
		_, err = io.Copy(to, raw)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAFileOfMoreSpansThanAreKeptIsRefused(t *testing.T) {
	var text strings.Builder
	for day := range 11 {
		fmt.Fprintf(&text, "inc 202605%02dT060000Z - 202605%02dT070000Z\n", day+1, day+1)
	}
	from := &timewarrior{from: newLines(strings.NewReader(text.String())), place: placer{zone: time.UTC, latest: today}, person: "7"}
	s := inOrder(from)
	s.limit = 10
	if _, _, err := s.next(nil); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "by month") {
		t.Errorf("error = %v", err)
	}
}

// As many people as rows cost a bounded amount of memory.
func TestHostilePeopleCostNoMemory(t *testing.T) {
	const rows = 100_000
	n := 0
	o := formatted(t, "frappe", "")
	o.Clock = readerFunc(func(p []byte) (int, error) {
		switch {
		case n == 0:
			n++
			return copy(p, "Employee,Employee Name,Log Type,Time\n"), nil
		case n > rows:
			return 0, io.EOF
		}
		n++
		return copy(p, fmt.Sprintf("E%d,Name %d,IN,2026-05-04 08:00:00\n", n, n)), nil
	})
	var peak uint64
	o.Progress = func(p Progress) {
		if p.Rows%50_000 == 0 {
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	sum, err := Run(t.Context(), o, &nobody{})
	if err != nil || sum.RejectsByReason[UnknownPIN] != rows {
		t.Fatalf("%d rejected, %v", sum.Rejected, err)
	}
	if peak > 64<<20 {
		t.Errorf("%d MiB held, want less than 64", peak>>20)
	}
}

// nobody refuses to know or register anybody.
type nobody struct{ notebook }

func (nobody) Resolve(context.Context, string, []string, map[string]Person) (known map[string]uuid.UUID, registered int, err error) {
	return nil, 0, nil
}

// spansOf draws entries of a few people that do not overlap, and how long they are.
func spansOf(t *rapid.T) (entries []string, total time.Duration) {
	for person := range rapid.IntRange(1, 3).Draw(t, "people") {
		at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		for range rapid.IntRange(0, 12).Draw(t, "entries") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 3 * 3600}).Draw(t, "gap")) * time.Second)
			long := time.Duration(rapid.IntRange(1, 4*3600).Draw(t, "length")) * time.Second
			entries = append(entries, fmt.Sprintf("P%d,p%d@example.org,%s,%s\n", person, person, at.Format("2006-01-02,15:04:05"), at.Add(long).Format("2006-01-02,15:04:05")))
			at, total = at.Add(long), total+long
		}
	}
	return entries, total
}

// In whatever order the entries stand, in one file or several that are imported in
// any order and more than once, the hours are the same. An entry may begin in the
// instant in which another ends.
func TestTheHoursDoNotDependOnTheOrder(t *testing.T) {
	utc := zone(t, "UTC")
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.IntRange(1, 3).Draw(t, "files")
		entries, total := spansOf(t)
		entries = rapid.Permutation(entries).Draw(t, "order")
		texts := make([]string, files)
		for _, entry := range entries {
			texts[rapid.IntRange(0, files-1).Draw(t, "file")] += entry
		}
		sink := newNotebook()
		punches := 0
		for round := range 2 {
			for _, text := range rapid.Permutation(texts).Draw(t, "files in order") {
				sum, err := Run(context.Background(), Options{
					Clock: strings.NewReader(togglHeader + text), Format: "toggl", Zone: utc, Now: today, BatchRows: rapid.IntRange(1, 7).Draw(t, "batch"),
				}, sink)
				if err != nil || sum.Rejected != 0 || round == 1 && sum.Recorded != 0 {
					t.Fatalf("%+v, %v", sum, err)
				}
			}
			if round == 0 {
				punches = len(sink.punches)
			}
			if got := worked(sink); got != total || len(sink.punches) != punches {
				t.Fatalf("worked %s in %d punches, want %s in %d", got, len(sink.punches), total, punches)
			}
		}
	})
}

// A clock that does not say in or out: its file in any pieces that end between
// shifts, imported in any order, gives the same hours.
func TestUndirectedPunchesGiveTheSameHoursInAnyOrderOfFiles(t *testing.T) {
	utc := zone(t, "UTC")
	rapid.Check(t, func(t *rapid.T) {
		var files []string
		var total time.Duration
		nsr := 0
		for day := range rapid.IntRange(1, 5).Draw(t, "days") {
			var text strings.Builder
			at := time.Date(2026, 3, 1+2*day, rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, time.UTC)
			for range rapid.IntRange(1, 3).Draw(t, "spans") {
				long := time.Duration(rapid.IntRange(2, 150).Draw(t, "minutes")) * time.Minute
				for _, clock := range []time.Time{at, at.Add(long)} {
					nsr++
					fmt.Fprintf(&text, "%09d3%s%s\r\n", nsr, clock.Format("020120061504"), anaPIS)
				}
				at, total = at.Add(long+time.Duration(rapid.IntRange(2, 120).Draw(t, "pause"))*time.Minute), total+long
			}
			files = append(files, text.String())
		}
		sink := newNotebook(anaPIS)
		for range 2 {
			for _, text := range rapid.Permutation(files).Draw(t, "order") {
				if _, err := Run(context.Background(), Options{Clock: strings.NewReader(text), Format: "afd", Station: "1", Zone: utc, Now: today}, sink); err != nil {
					t.Fatal(err)
				}
			}
			if got := worked(sink); got != total || len(sink.punches) != nsr {
				t.Fatalf("worked %s in %d punches, want %s in %d", got, len(sink.punches), total, nsr)
			}
		}
	})
}
