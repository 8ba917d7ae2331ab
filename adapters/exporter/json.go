package exporter

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// jsonWriter writes one array with an object for each row, each on a line of its
// own, its members in the order of the columns. An empty cell is null.
type jsonWriter struct {
	out   *bufio.Writer
	names [][]byte
	rows  int
}

func newJSON(to io.Writer, table Table) (*jsonWriter, error) {
	w := &jsonWriter{out: bufio.NewWriter(to)}
	for _, column := range table.Columns {
		name, err := jsonText(column.Name)
		if err != nil {
			return nil, err
		}
		w.names = append(w.names, name)
	}
	_, err := w.out.WriteString("[")
	return w, err
}

func (w *jsonWriter) Write(row []Cell) error {
	start := ",\n{"
	if w.rows == 0 {
		start = "\n{"
	}
	w.rows++
	_, _ = w.out.WriteString(start)
	for i, cell := range row {
		if i > 0 {
			_, _ = w.out.WriteString(",")
		}
		_, _ = w.out.Write(w.names[i])
		_ = w.out.WriteByte(':')
		value := []byte("null")
		if cell.filled {
			value = []byte(cell.String())
			if cell.kind != KindNumber {
				var err error
				if value, err = jsonText(cell.String()); err != nil {
					return err
				}
			}
		}
		_, _ = w.out.Write(value)
	}
	_, err := w.out.WriteString("}")
	return err
}

func (w *jsonWriter) Close() error {
	_, _ = w.out.WriteString("\n]\n")
	return w.out.Flush()
}

// jsonText writes a string without the escapes that only HTML needs.
func jsonText(text string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return nil, fmt.Errorf("write a text: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
