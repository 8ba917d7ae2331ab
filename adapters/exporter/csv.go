package exporter

import (
	"bufio"
	"io"
	"strings"
)

// csvWriter writes RFC 4180: a heading, CRLF at the end of every line, quotes
// where they are needed. encoding/csv is not used because, with CRLF, it changes
// the line breaks inside of values.
type csvWriter struct {
	out *bufio.Writer
}

func newCSV(to io.Writer, table Table, bom bool) (*csvWriter, error) {
	w := &csvWriter{out: bufio.NewWriter(to)}
	if bom {
		_, _ = w.out.WriteString("\uFEFF")
	}
	names := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		names[i] = column.Name
	}
	return w, w.line(names)
}

func (w *csvWriter) Write(row []Cell) error {
	fields := make([]string, len(row))
	for i, cell := range row {
		fields[i] = cell.String()
		if cell.kind == KindText {
			fields[i] = Neutral(fields[i])
		}
	}
	return w.line(fields)
}

func (w *csvWriter) line(fields []string) error {
	writeFields(w.out, ',', fields)
	_, err := w.out.WriteString("\r\n")
	return err
}

func (w *csvWriter) Close() error { return w.out.Flush() }

// writeFields writes the fields of one line.
func writeFields(out *bufio.Writer, separator byte, fields []string) {
	for i, field := range fields {
		if i > 0 {
			_ = out.WriteByte(separator)
		}
		if !strings.ContainsAny(field, "\"\r\n"+string(separator)) && strings.Trim(field, " \t") == field {
			_, _ = out.WriteString(field)
			continue
		}
		_ = out.WriteByte('"')
		_, _ = out.WriteString(strings.ReplaceAll(field, `"`, `""`))
		_ = out.WriteByte('"')
	}
}

// formulaStarts are the characters by which spreadsheets tell a formula, the
// wide ones among them that some take for the narrow ones, and those that they skip.
const formulaStarts = "=+-@\t\r\n\x00＝＋－＠"

// Neutral puts an apostrophe before a text that a spreadsheet would take for a
// formula, and before one that looks as if that had been done to it: so
// [Original] takes exactly one away again.
func Neutral(text string) string {
	if formula(text) {
		return "'" + text
	}
	return text
}

// Original undoes [Neutral].
func Original(text string) string {
	if strings.HasPrefix(text, "'") && formula(text[1:]) {
		return text[1:]
	}
	return text
}

func formula(text string) bool {
	rest := strings.TrimLeft(text, "' ")
	return strings.IndexAny(rest, formulaStarts) == 0
}
