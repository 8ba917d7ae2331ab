package importer

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// bookOf is a workbook whose one sheet is begin, and then the same again until it has
// so many bytes.
func bookOf(t *testing.T, begin, again string, size int64) []byte {
	t.Helper()
	var good, out bytes.Buffer
	if err := excelize.NewFile().Write(&good); err != nil {
		t.Fatal(err)
	}
	from, err := zip.NewReader(bytes.NewReader(good.Bytes()), int64(good.Len()))
	if err != nil {
		t.Fatal(err)
	}
	to := zip.NewWriter(&out)
	for _, member := range from.File {
		if member.Name != "xl/worksheets/sheet1.xml" {
			if err := to.Copy(member); err != nil {
				t.Fatal(err)
			}
		}
	}
	sheet, err := to.Create("xl/worksheets/sheet1.xml")
	if err == nil {
		_, err = io.Copy(sheet, &flood{head: begin, block: strings.Repeat(again, 1+(64<<10)/len(again)), left: size})
	}
	if err = errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A workbook is held whole and unpacked in memory: what is beyond its measure is
// refused, and what is within costs a bounded amount.
func TestMemoryIsBoundedWhateverAWorkbookHas(t *testing.T) {
	const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	const header = `<row r="1"><c t="inlineStr"><is><t>User</t></is></c><c t="inlineStr"><is><t>Date</t></is></c></row>`
	within, beyond := int64(8<<20), int64(maxUnpacked)+1<<20
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		within, beyond = maxUnpacked-1<<20, 3<<30
	}
	for what, c := range map[string]struct {
		begin, again string
		size         int64
		want         error
		says         string
	}{
		"zeros, far too many":           {"", "0", beyond, ErrTooLarge, "128 MiB"},
		"rows, far too many":            {sheet, `<row><c><v>1</v></c></row>`, beyond, ErrTooLarge, "128 MiB"},
		"zeros":                         {"", "0", within, ErrFormat, ""},
		"rows without a known header":   {sheet, `<row><c><v>1</v></c></row>`, within, ErrFormat, "no sheet"},
		"a row of cells without end":    {sheet + header + "<row>", `<c><v>1</v></c>`, within, ErrFormat, ""},
		"a cell of text without end":    {sheet + `<row><c t="inlineStr"><is><t>`, "x", within, ErrFormat, "512 KiB"},
		"elements in elements":          {sheet, "<a>", within, ErrFormat, "in one another"},
		"elements in a cell":            {sheet + "<row><c>", "<is>", within, ErrFormat, "in one another"},
		"attributes without end":        {sheet + "<row ", `a="b" `, within, ErrFormat, "512 KiB"},
		"a row far below":               {sheet, `<row r="1048576"><c><v>1</v></c></row>`, within, ErrFormat, ""},
		"an element's name without end": {sheet + "<", "a", within, ErrFormat, "512 KiB"},
	} {
		t.Run(what, func(t *testing.T) {
			book := bookOf(t, c.begin, c.again, c.size)
			before := heldNow()
			f := &flood{head: string(book), block: "x", left: int64(len(book))}
			o := formatted(t, "xlsx", "")
			o.Clock = f
			peak := watchHeap()
			_, err := Run(t.Context(), o, &forgetful{})
			held := peak()
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
			}
			if most := uint64(8*c.size + 64<<20); c.size == within && held > before+most {
				t.Errorf("%d MiB were held for %d unpacked, want less than %d", (held-before)>>20, c.size>>20, most>>20)
			}
			t.Logf("%d MiB packed, %d MiB held", len(book)>>20, (max(held, before)-before)>>20)
		})
	}
}

// watchHeap looks at the heap until the answer is asked for.
func watchHeap() func() uint64 {
	ended, most := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			select {
			case <-ended:
				most <- peak
				return
			case <-time.After(20 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
		}
	}()
	return func() uint64 { close(ended); return <-most }
}
