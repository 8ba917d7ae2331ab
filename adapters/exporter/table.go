package exporter

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Kind says what a column holds. Any cell may be empty.
type Kind int

// The kinds.
const (
	KindText    Kind = iota
	KindNumber       // whole
	KindInstant      // UTC, to the microsecond
)

// Column is one column of a table.
type Column struct {
	Name string // lower-case letters, digits and underscores; stable, because others build on it
	Kind Kind
}

// Table names what the rows of a file are.
type Table struct {
	Name    string
	Columns []Column
}

// Cell is one value of a row. The zero Cell is empty.
type Cell struct {
	kind   Kind
	filled bool
	text   string
	number int64
	at     time.Time
}

// Text is a cell of text. Bytes that are no UTF-8 become U+FFFD.
func Text(text string) Cell {
	return Cell{kind: KindText, filled: true, text: strings.ToValidUTF8(text, "\uFFFD")}
}

// Number is a cell of a whole number.
func Number(n int64) Cell { return Cell{kind: KindNumber, filled: true, number: n} }

// Instant is a cell of an instant, to the microsecond.
func Instant(at time.Time) Cell {
	return Cell{kind: KindInstant, filled: true, at: at.UTC().Truncate(time.Microsecond)}
}

// String writes the cell as text formats have it: instants in RFC 3339, UTC.
func (c Cell) String() string {
	switch {
	case !c.filled:
		return ""
	case c.kind == KindNumber:
		return strconv.FormatInt(c.number, 10)
	case c.kind == KindInstant:
		return c.at.Format(time.RFC3339Nano)
	}
	return c.text
}

// Writer takes the rows of one table in order. Close ends the file; without it
// the file is no file of its format. It does not close what is written to.
type Writer interface {
	Write(row []Cell) error
	Close() error
}

// Format is a file format for tables.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
	Parquet Format = "parquet"
	JSON    Format = "json"
)

// Options change how a table is written.
type Options struct {
	// BOM begins a CSV file with a byte order mark, by which Excel knows UTF-8.
	BOM bool
}

// Errors of writing.
var (
	ErrFormat = errors.New("the formats are csv, xlsx, parquet and json")
	ErrRow    = errors.New("the cells of a row are not those of the columns")
	ErrTooBig = errors.New("a worksheet does not hold this; choose csv, json or parquet")
)

// New begins a table. Errors: [ErrFormat].
func New(to io.Writer, format Format, table Table, options Options) (Writer, error) {
	var w Writer
	var err error
	switch format {
	case CSV:
		w, err = newCSV(to, table, options.BOM)
	case XLSX:
		w, err = newXLSX(to, table)
	case Parquet:
		w = newParquet(to, table)
	case JSON:
		w, err = newJSON(to, table)
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", format, err)
	}
	return &checked{Writer: w, columns: table.Columns}, nil
}

// checked refuses rows that are none of the table.
type checked struct {
	Writer
	columns []Column
}

func (c *checked) Write(row []Cell) error {
	if len(row) != len(c.columns) {
		return ErrRow
	}
	for i, cell := range row {
		if cell.filled && cell.kind != c.columns[i].Kind {
			return fmt.Errorf("%w: %s", ErrRow, c.columns[i].Name)
		}
	}
	return c.Writer.Write(row)
}
