package exporter_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	fraugster "github.com/fraugster/parquet-go"
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"tracekeep/adapters/exporter"
)

var (
	sample = exporter.Table{Name: "sample", Columns: []exporter.Column{
		{Name: "zebra", Kind: exporter.KindText}, {Name: "seconds", Kind: exporter.KindNumber},
		{Name: "at", Kind: exporter.KindInstant}, {Name: "name", Kind: exporter.KindText},
	}}
	morning = time.Date(2026, 3, 2, 7, 0, 0, 123456789, time.UTC)
	formats = []exporter.Format{exporter.CSV, exporter.XLSX, exporter.Parquet, exporter.JSON}
)

// written is the file of some rows.
func written(t interface{ Fatal(...any) }, format exporter.Format, table exporter.Table, options exporter.Options, rows [][]exporter.Cell) []byte {
	var b bytes.Buffer
	w, err := exporter.New(&b, format, table, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a file back, with another library than wrote it, as rows of texts; the
// first is the heading. An empty cell is an empty text.
func read(t interface{ Fatal(...any) }, format exporter.Format, file []byte) [][]string {
	var rows [][]string
	var err error
	switch format {
	case exporter.CSV:
		rows, err = csv.NewReader(bytes.NewReader(file)).ReadAll()
	case exporter.XLSX:
		rows, err = readXLSX(file)
	case exporter.Parquet:
		rows, err = readParquet(file)
	case exporter.JSON:
		rows, err = readJSON(file)
	}
	if err != nil {
		t.Fatal(format, err)
	}
	return rows
}

func readXLSX(file []byte) ([][]string, error) {
	book, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	defer func() { _ = book.Close() }()
	rows, err := book.GetRows(book.GetSheetName(0), excelize.Options{RawCellValue: true})
	for i := range rows { // it leaves empty cells at the end out
		for len(rows[i]) < len(rows[0]) {
			rows[i] = append(rows[i], "")
		}
	}
	return rows, err
}

func readParquet(file []byte) ([][]string, error) {
	f, err := fraugster.NewFileReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, column := range f.Columns() {
		names = append(names, column.Name())
	}
	rows := [][]string{names}
	for {
		values, err := f.NextRow()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row := make([]string, len(names))
		for i, name := range names {
			switch v := values[name].(type) {
			case []byte:
				row[i] = string(v)
			case int64:
				row[i] = fmt.Sprint(v)
				if f.GetColumnByName(name).Element().GetLogicalType().IsSetTIMESTAMP() {
					row[i] = time.UnixMicro(v).UTC().Format(time.RFC3339Nano)
				}
			case nil:
			default:
				return nil, fmt.Errorf("a value of type %T", v)
			}
		}
		rows = append(rows, row)
	}
}

func readJSON(file []byte) ([][]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.UseNumber()
	var rows [][]string
	var heading, row []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if name, ok := token.(string); ok && decoder.More() || ok {
			value, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			heading = append(heading, name)
			if value == nil {
				value = ""
			}
			row = append(row, fmt.Sprint(value))
			continue
		}
		if token == json.Delim('}') {
			if rows == nil {
				rows = append(rows, heading)
			}
			rows, heading, row = append(rows, row), nil, nil
		}
	}
}

func TestEveryFormatHoldsWhatWasWritten(t *testing.T) {
	rows := [][]exporter.Cell{
		{exporter.Text("a,\"b\"; c"), exporter.Number(-28800), exporter.Instant(morning), exporter.Text("[erased: case 1, certificate of leaf 2]")},
		{exporter.Text("two\nlines"), {}, {}, exporter.Text(" spaces ")},
		{exporter.Text("=1+1"), exporter.Number(1 << 53), exporter.Instant(morning.Add(24 * time.Hour)), {}},
	}
	want := [][]string{
		{"zebra", "seconds", "at", "name"},
		{"a,\"b\"; c", "-28800", "2026-03-02T07:00:00.123456Z", "[erased: case 1, certificate of leaf 2]"},
		{"two\nlines", "", "", " spaces "},
		{"=1+1", "9007199254740992", "2026-03-03T07:00:00.123456Z", ""},
	}
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) {
			file := written(t, format, sample, exporter.Options{}, rows)
			got := read(t, format, file)
			if format == exporter.CSV && got[3][0] == "'=1+1" {
				got[3][0] = "=1+1"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if again := written(t, format, sample, exporter.Options{}, rows); !bytes.Equal(file, again) {
				t.Error("the same rows gave other bytes")
			}
			empty := written(t, format, sample, exporter.Options{}, nil)
			if got := read(t, format, empty); format != exporter.JSON && !cmp.Equal(got, want[:1]) {
				t.Errorf("without rows: %v", got)
			}
		})
	}
}

func TestAFileOfACSVIsTheBytesThatRFC4180Says(t *testing.T) {
	got := written(t, exporter.CSV, sample, exporter.Options{BOM: true}, [][]exporter.Cell{
		{exporter.Text("@SUM(A1)"), exporter.Number(-1), exporter.Instant(morning), exporter.Text("a \"b\"\r\nc")},
	})
	want := "\uFEFFzebra,seconds,at,name\r\n'@SUM(A1),-1,2026-03-02T07:00:00.123456Z,\"a \"\"b\"\"\r\nc\"\r\n"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhatASpreadsheetTakesForAFormulaIsNeutralised(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+49 30 1": "'+49 30 1", "-2": "'-2", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "＝1": "'＝1", " =1": "' =1",
		"'=1": "''=1", "''=1": "'''=1", "'t Hooft": "'t Hooft", "Ana": "Ana", "": "", "a=1": "a=1", "[erased: case 1]": "[erased: case 1]",
	} {
		if got := exporter.Neutral(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`['=+\-@ a\t\r]{0,6}`).Draw(t, "text")
		neutral := exporter.Neutral(text)
		if exporter.Original(neutral) != text {
			t.Fatalf("%q became %q and then %q", text, neutral, exporter.Original(neutral))
		}
		if strings.ContainsAny(neutral[:min(1, len(neutral))], "=+-@\t\r") {
			t.Fatalf("%q still begins a formula", neutral)
		}
	})
}

// naughty are the strings that programs stumble over.
func naughty(t *testing.T) []string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "naughty-strings", "blns.json")
	file, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("the strings are not beside the project (%s)", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal(file, &all); err != nil || len(all) < 400 {
		t.Fatalf("%d strings, %v", len(all), err)
	}
	return append(all, "\x00\x01\x1f", "a\rb\r\nc", "_x0041_ _x005F_", "\uFFFE\uFFFF", "'=1+1", strings.Repeat("é", 32767))
}

func TestNaughtyStringsPassThroughEveryFormatUnchanged(t *testing.T) {
	table := exporter.Table{Name: "naughty", Columns: []exporter.Column{{Name: "n", Kind: exporter.KindNumber}, {Name: "text", Kind: exporter.KindText}}}
	all := naughty(t)
	rows := make([][]exporter.Cell, len(all))
	for i, text := range all {
		rows[i] = []exporter.Cell{exporter.Number(int64(i)), exporter.Text(text)}
	}
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) {
			got := read(t, format, written(t, format, table, exporter.Options{}, rows))
			if len(got) != len(all)+1 {
				t.Fatalf("%d rows, want %d", len(got), len(all)+1)
			}
			for i, text := range all {
				found := got[i+1][1]
				if format == exporter.CSV {
					// The reader joins the two characters of a line break; the file has both.
					found, text = exporter.Original(found), strings.ReplaceAll(text, "\r\n", "\n")
				}
				if found != text {
					t.Errorf("%q became %q", text, found)
				}
			}
		})
	}
}

func TestAnyRowsComeBackAndGiveTheSameBytesAgain(t *testing.T) {
	cell := rapid.Custom(func(t *rapid.T) exporter.Cell {
		if rapid.Bool().Draw(t, "empty") {
			return exporter.Cell{}
		}
		return exporter.Text(rapid.String().Draw(t, "text"))
	})
	table := exporter.Table{Name: "any", Columns: []exporter.Column{{Name: "a"}, {Name: "b"}, {Name: "n", Kind: exporter.KindNumber}}}
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]exporter.Cell
		var want [][]string
		for i := range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := []exporter.Cell{cell.Draw(t, "a"), cell.Draw(t, "b"), exporter.Number(int64(i))}
			rows, want = append(rows, row), append(want, []string{row[0].String(), row[1].String(), row[2].String()})
		}
		for _, format := range formats {
			file := written(t, format, table, exporter.Options{}, rows)
			if !bytes.Equal(file, written(t, format, table, exporter.Options{}, rows)) {
				t.Fatalf("%s: other bytes", format)
			}
			got := read(t, format, file)
			if len(got) > 0 {
				got = got[1:]
			}
			for i := range got {
				for k := range got[i] {
					text := want[i][k]
					if format == exporter.CSV && k < 2 {
						got[i][k], text = exporter.Original(got[i][k]), strings.ReplaceAll(text, "\r\n", "\n")
					}
					if got[i][k] != text {
						t.Fatalf("%s: %q became %q", format, text, got[i][k])
					}
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %d rows, want %d", format, len(got), len(want))
			}
		}
	})
}

func TestWhatIsNoRowOfTheTableIsRefused(t *testing.T) {
	for _, format := range formats {
		w, err := exporter.New(io.Discard, format, sample, exporter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for rule, row := range map[string][]exporter.Cell{
			"too few cells":             {exporter.Text("a")},
			"a number in a text column": {exporter.Number(1), {}, {}, {}},
		} {
			if err := w.Write(row); !errors.Is(err, exporter.ErrRow) {
				t.Errorf("%s: %s: %v", format, rule, err)
			}
		}
	}
	if _, err := exporter.New(io.Discard, "pdf", sample, exporter.Options{}); !errors.Is(err, exporter.ErrFormat) {
		t.Errorf("an unknown format: %v", err)
	}
	w, err := exporter.New(io.Discard, exporter.XLSX, sample, exporter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]exporter.Cell{exporter.Text(strings.Repeat("x", 32768)), {}, {}, {}}); !errors.Is(err, exporter.ErrTooBig) {
		t.Errorf("a text that no worksheet holds: %v", err)
	}
}

func TestAFileAppearsWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hours.csv")
	write := func(text string, fails error) func(io.Writer) error {
		return func(to io.Writer) error {
			if _, err := os.Stat(path + ".partial"); err != nil {
				t.Error(err)
			}
			_, err := io.WriteString(to, text)
			return errors.Join(err, fails)
		}
	}
	broken := errors.New("broken")
	holds := func(when, want string) {
		t.Helper()
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		switch {
		case want == "" && (len(entries) != 0 || !errors.Is(err, os.ErrNotExist)):
			t.Errorf("%s: %d files", when, len(entries))
		case want != "" && (len(entries) != 1 || string(text) != want):
			t.Errorf("%s: %d files, %q", when, len(entries), text)
		}
	}
	if err := exporter.WriteFile(path, false, write("half", broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	holds("after a failure", "")
	if err := exporter.WriteFile(path, false, write("one", nil)); err != nil {
		t.Error(err)
	}
	holds("after a success", "one")
	if err := exporter.WriteFile(path, false, write("two", nil)); !errors.Is(err, exporter.ErrExists) {
		t.Error(err)
	}
	if err := exporter.WriteFile(path, true, write("half", broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	holds("what was there stays", "one")
	if err := exporter.WriteFile(path, true, write("two", nil)); err != nil {
		t.Error(err)
	}
	holds("after a replacement", "two")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// discarded counts what is written and keeps nothing.
type discarded struct{ bytes int }

func (d *discarded) Write(p []byte) (int, error) { d.bytes += len(p); return len(p), nil }

// A file five times as long needs no more memory.
func TestMemoryDoesNotGrowWithTheRows(t *testing.T) {
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) {
			out := &discarded{}
			w, err := exporter.New(out, format, sample, exporter.Options{})
			if err != nil {
				t.Fatal(err)
			}
			kept := func(rows int) uint64 {
				for i := range rows {
					if err := w.Write([]exporter.Cell{exporter.Text(fmt.Sprint("worker ", i)), exporter.Number(int64(i)), exporter.Instant(morning), exporter.Text("gate")}); err != nil {
						t.Fatal(err)
					}
				}
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			const few = 11_000
			first := kept(few)
			if more := kept(4 * few); more > first+4<<20 {
				t.Errorf("%d bytes were kept after %d rows, %d after five times as many", first, few, more)
			}
			if err := w.Close(); err != nil || out.bytes < few {
				t.Errorf("%d bytes, %v", out.bytes, err)
			}
		})
	}
}
