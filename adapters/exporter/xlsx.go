package exporter

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// What a worksheet holds at most.
const (
	sheetRows  = 1 << 20
	sheetChars = 32767 // UTF-16 units of a cell
)

// xlsxWriter writes a workbook (ECMA-376) with one worksheet straight into its
// container: texts stand in their cells, so nothing is kept for the end. See
// domain/decisions/0110 for why no library does it. Texts are texts: a spreadsheet
// reads no formula in them. Instants are texts as well, because a date of a
// spreadsheet has no zone.
type xlsxWriter struct {
	container *zip.Writer
	out       *bufio.Writer
	columns   []string // letters
	rows      int
}

// The parts beside the worksheet, in the order in which they are written.
var xlsxParts = []struct{ name, content string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets></workbook>`},
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

func newXLSX(to io.Writer, table Table) (*xlsxWriter, error) {
	w := &xlsxWriter{container: zip.NewWriter(to)}
	for _, part := range xlsxParts {
		content := part.content
		if part.name == "xl/workbook.xml" {
			content = fmt.Sprintf(content, xmlText(table.Name))
		}
		f, err := w.container.Create(part.name) // without a time of its own
		if err == nil {
			_, err = io.WriteString(f, xmlHead+content)
		}
		if err != nil {
			return nil, err
		}
	}
	sheet, err := w.container.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewWriter(sheet)
	_, _ = w.out.WriteString(xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	heading := make([]Cell, len(table.Columns))
	for i, column := range table.Columns {
		heading[i] = Text(column.Name)
		w.columns = append(w.columns, columnLetters(i))
	}
	return w, w.Write(heading)
}

func (w *xlsxWriter) Write(row []Cell) error {
	if w.rows++; w.rows > sheetRows {
		return fmt.Errorf("%w: more than %d rows", ErrTooBig, sheetRows)
	}
	number := strconv.Itoa(w.rows)
	_, _ = w.out.WriteString(`<row r="` + number + `">`)
	for i, cell := range row {
		if !cell.filled {
			continue
		}
		at := `<c r="` + w.columns[i] + number
		if cell.kind == KindNumber {
			_, _ = w.out.WriteString(at + `"><v>` + cell.String() + `</v></c>`)
			continue
		}
		text := cell.String()
		if len(text) > sheetChars && len(utf16.Encode([]rune(text))) > sheetChars {
			return fmt.Errorf("%w: a value of more than %d characters in row %s", ErrTooBig, sheetChars, number)
		}
		_, _ = w.out.WriteString(at + `" t="inlineStr"><is><t xml:space="preserve">` + xmlText(text) + `</t></is></c>`)
	}
	_, err := w.out.WriteString(`</row>`)
	return err
}

func (w *xlsxWriter) Close() error {
	_, _ = w.out.WriteString(`</sheetData></worksheet>`)
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.container.Close()
}

// columnLetters are A to Z, AA and so on.
func columnLetters(i int) string {
	letters := string(rune('A' + i%26))
	if i >= 26 {
		letters = columnLetters(i/26-1) + letters
	}
	return letters
}

// xmlText escapes a text for a worksheet. What XML cannot hold is written _xHHHH_,
// as spreadsheets do, and a text that looks so keeps its looks.
func xmlText(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			fmt.Fprintf(&b, "_x%04X_", r)
		case r == '_' && escapedLook(text[i:]):
			b.WriteString("_x005F_")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapedLook says whether a text begins like _xHHHH_.
func escapedLook(text string) bool {
	return len(text) >= 7 && text[1] == 'x' && text[6] == '_' && strings.Trim(text[2:6], "0123456789abcdefABCDEF") == ""
}
