package exporter

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// groupRows bounds the rows that are kept before they are written.
const groupRows = 10_000

// parquetWriter writes a Parquet file. Instants are timestamps (UTC,
// microseconds), every column is optional, an empty cell is null. Dictionaries and
// Snappy are what
// every reader has.
type parquetWriter struct {
	out *parquet.GenericWriter[any]
	row parquet.Row
}

func newParquet(to io.Writer, table Table) *parquetWriter {
	// The schema comes from a struct because a group of named nodes sorts its columns.
	fields := make([]reflect.StructField, len(table.Columns))
	for i, column := range table.Columns {
		field := reflect.StructField{Name: fmt.Sprintf("C%d", i), Type: reflect.TypeFor[*string](), Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional,dict,snappy"`, column.Name))}
		switch column.Kind {
		case KindNumber:
			field.Type = reflect.TypeFor[*int64]()
		case KindInstant:
			field.Type = reflect.TypeFor[*time.Time]()
			field.Tag = reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional,timestamp(microsecond),snappy"`, column.Name))
		case KindText:
		}
		fields[i] = field
	}
	schema := parquet.NewSchema(table.Name, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
	return &parquetWriter{
		out: parquet.NewGenericWriter[any](to, schema, parquet.MaxRowsPerRowGroup(groupRows), parquet.DataPageVersion(1), parquet.CreatedBy("tracekeep", "1", "")),
		row: make(parquet.Row, len(table.Columns)),
	}
}

func (w *parquetWriter) Write(row []Cell) error {
	for i, cell := range row {
		var value parquet.Value // null
		present := 1
		switch {
		case !cell.filled:
			present = 0
		case cell.kind == KindNumber:
			value = parquet.Int64Value(cell.number)
		case cell.kind == KindInstant:
			value = parquet.Int64Value(cell.at.UnixMicro())
		default:
			value = parquet.ByteArrayValue([]byte(strings.Clone(cell.text)))
		}
		w.row[i] = value.Level(0, present, i)
	}
	_, err := w.out.WriteRows([]parquet.Row{w.row})
	return err
}

func (w *parquetWriter) Close() error { return w.out.Close() }
