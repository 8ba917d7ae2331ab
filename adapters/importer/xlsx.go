package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// What a workbook may measure. It is held in memory whole, packed and unpacked, and
// never on disk, where its names would stay behind: about 150,000 rows of a dozen
// columns.
const (
	maxBook     = 64 << 20
	maxUnpacked = 128 << 20
	maxSheets   = 64
)

func isWorkbook(h head) bool {
	return bytes.HasPrefix(h.raw, []byte("PK\x03\x04")) && (bytes.Contains(h.raw, []byte("[Content_Types].xml")) || bytes.Contains(h.raw, []byte("xl/")))
}

// book reads the sheets of a workbook that have the columns of the mapping, one
// after another.
type book struct {
	file   *excelize.File
	m      *Mapping
	sheets []string
	sheet  int // counted from 1
	rows   *excelize.Rows
	line   int64
	size   int64
	read   bool // a sheet had the columns
}

// openWorkbook reads a workbook as s.Mapping says, or as the first built-in table
// that fits a sheet's header.
func openWorkbook(s source) (reader, error) {
	b, first, err := newBook(s.from, s.Mapping)
	if err != nil {
		return nil, err
	}
	return openTable(s, &rewound{first: &first, then: b}, b.m)
}

// newBook begins to read a workbook and answers the header of the first sheet that has
// the columns.
func newBook(from io.Reader, m *Mapping) (*book, record, error) {
	packed, err := io.ReadAll(io.LimitReader(from, maxBook+1))
	if err != nil {
		return nil, record{}, err
	}
	if len(packed) > maxBook {
		return nil, record{}, fmt.Errorf("%w: a workbook may have %d MiB; save its sheets as CSV", ErrTooLarge, maxBook>>20)
	}
	if err := checkParts(packed); err != nil {
		return nil, record{}, err
	}
	file, err := excelize.OpenReader(bytes.NewReader(packed), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked,
	})
	if err != nil {
		return nil, record{}, unreadableBook(err)
	}
	b := &book{file: file, m: m, sheets: file.GetSheetList(), size: int64(len(packed))}
	if len(b.sheets) > maxSheets {
		return nil, record{}, fmt.Errorf("%w: a workbook may have %d sheets", ErrTooLarge, maxSheets)
	}
	first, err := b.open()
	return b, first, err
}

// unreadableBook hides what a library says about the content.
func unreadableBook(err error) error {
	if strings.Contains(err.Error(), "unzip size exceeds") { // it has no value of its own
		return errUnpacked
	}
	if errors.Is(err, excelize.ErrWorkbookFileFormat) || errors.Is(err, excelize.ErrWorkbookPassword) {
		return fmt.Errorf("%w: it is no .xlsx workbook, or one with a password", ErrFormat)
	}
	return fmt.Errorf("%w: the workbook is damaged", ErrFormat)
}

// open goes to the next sheet that has the columns and answers its header.
func (b *book) open() (record, error) {
	for b.sheet < len(b.sheets) {
		b.sheet++
		rows, err := b.file.Rows(b.sheets[b.sheet-1])
		if err != nil {
			return record{}, unreadableBook(err)
		}
		b.rows, b.line = rows, 0
		first, err := b.row()
		for err == nil && blankRecord(first.fields) {
			first, err = b.row()
		}
		switch {
		case errors.Is(err, io.EOF):
			continue
		case err != nil:
			return record{}, err
		}
		if m := b.mapped(headerOf(first.fields)); m != nil {
			b.m, b.read, first.header = m, true, true
			return first, nil
		}
	}
	if !b.read {
		return record{}, fmt.Errorf("%w: no sheet of the workbook has the columns of a known table; describe one with --mapping", ErrFormat)
	}
	return record{}, io.EOF
}

func (b *book) mapped(h header) *Mapping {
	if b.m != nil {
		if h.fits(b.m) {
			return b.m
		}
		return nil
	}
	for _, m := range tables() {
		if h.fits(m) {
			return m
		}
	}
	return nil
}

func (b *book) row() (record, error) {
	if !b.rows.Next() {
		err := b.rows.Error()
		_ = b.rows.Close() // it holds no file: see maxUnpacked
		if err != nil {
			return record{}, unreadableBook(err)
		}
		return record{}, io.EOF
	}
	b.line++
	fields, err := b.rows.Columns(excelize.Options{RawCellValue: true})
	if err != nil {
		return record{}, unreadableBook(err)
	}
	return record{fields: fields, line: b.line, sheet: strconv.Itoa(b.sheet), serial: true}, nil
}

func (b *book) next() (record, error) {
	r, err := b.row()
	if errors.Is(err, io.EOF) {
		r, err = b.open()
	}
	if errors.Is(err, io.EOF) {
		r.end = b.size
	}
	return r, err
}

// rewound gives one record that was read already, and then the others.
type rewound struct {
	first *record
	then  records
}

func (r *rewound) next() (record, error) {
	if first := r.first; first != nil {
		r.first = nil
		return *first, nil
	}
	return r.then.next()
}
