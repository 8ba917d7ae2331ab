package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// sheet is one file of a roster, read by the names of its columns.
type sheet struct {
	run    *rosterRun
	file   *RosterFile
	rows   *csvRecords
	close  func() error
	at     header
	width  int
	fields []string
	line   int64
}

// open opens a file and reads its header. It answers nil for a file that is not there.
// Columns that are needed must be there, and none that is read twice.
func (r *rosterRun) open(name, mode string, needed, read []string) (*sheet, error) {
	file, err := r.o.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	if name == "" {
		name = r.sum.Format
	}
	s := &sheet{run: r, close: file.Close}
	if err := s.begin(file, name, mode, needed, read); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r.sum.Files = append(r.sum.Files, RosterFile{Name: name, Mode: mode, ColumnsIgnored: s.file.ColumnsIgnored})
	s.file = &r.sum.Files[len(r.sum.Files)-1]
	return s, nil
}

func (s *sheet) begin(from io.Reader, name, mode string, needed, read []string) (err error) {
	s.file = &RosterFile{Name: name, Mode: mode}
	if s.rows, err = newCSVRecords(from, s.run.o.Encoding, nil); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	first, err := s.rows.next()
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %s is empty, it has not even a header", ErrRoster, name)
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	case first.broken != "":
		return fmt.Errorf("%w: the header of %s is broken", ErrRoster, name)
	}
	s.at, s.width = headerOf(first.fields), len(first.fields)
	used := map[string]bool{}
	for _, column := range append(append([]string{}, needed...), read...) {
		if at, there := s.at.find(column); there && at < 0 {
			return fmt.Errorf("%w: %s has more than one column %s", ErrRoster, name, column)
		}
		for one := range strings.SplitSeq(column, "|") {
			used[columnName(one)] = true
		}
	}
	for _, column := range needed {
		if _, there := s.at.find(column); !there {
			return fmt.Errorf("%w: %s has no column %s in its first line", ErrRoster, name, column)
		}
	}
	for _, column := range first.fields {
		column = tidy(column)
		if !used[columnName(column)] && column != "" && len(column) <= maxShort && isText(column) && len(s.file.ColumnsIgnored) < maxIgnored {
			s.file.ColumnsIgnored = append(s.file.ColumnsIgnored, strings.Clone(column))
		}
	}
	return nil
}

// next goes to the next row that can be read; rows that cannot are rejected. It answers
// false at the end.
func (s *sheet) next(ctx context.Context) (bool, error) {
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		rec, err := s.rows.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", s.file.Name, err)
		}
		if rec.broken == "" && blankRecord(rec.fields) {
			continue
		}
		s.fields, s.line = rec.fields, rec.line
		s.file.Rows++
		s.run.sum.Rows++
		reason := rec.broken
		if reason == "" && len(rec.fields) != s.width {
			reason = BrokenLine
		}
		for _, f := range rec.fields {
			if reason == "" && !utf8.ValidString(f) {
				reason = NotUTF8
			}
		}
		if reason == "" {
			return true, nil
		}
		s.reject(reason)
	}
}

func (s *sheet) reject(reason Reason) { s.run.reject(s.file, s.line, reason) }

// value is a column of the row, without blanks around it; empty where the file has no
// such column. It does not point into the file.
func (s *sheet) value(column string) string { return strings.Clone(at(s.fields, s.at.column(column))) }

// each does something with every row that can be read, and closes the file.
func (s *sheet) each(ctx context.Context, do func() error) (err error) {
	if s == nil {
		return nil
	}
	s.run.file = s.file
	defer func() { err = errors.Join(err, s.close()) }()
	for {
		more, err := s.next(ctx)
		if err != nil || !more {
			return err
		}
		if err := do(); err != nil {
			return err
		}
	}
}
