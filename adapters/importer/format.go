package importer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Auto is the name under which the format is found by looking at the file.
const Auto = "auto"

// The reasons why a file as a whole is not read.
var (
	// ErrFormat: the format's name is not known, or no format has files like this.
	ErrFormat = errors.New("format not known")
	// ErrNoClockTimes: the file says how long somebody worked and not when, in columns
	// that are not known.
	ErrNoClockTimes = errors.New("the file has hours but no times of day: say with --mapping (day, hours) which columns they are")
	// ErrPerson: the format does not say whose the punches are.
	ErrPerson = errors.New("the format does not say whose the punches are: name the person's PIN (--person)")
	// ErrTooLarge: reading on would take memory without bound.
	ErrTooLarge = errors.New("file too large")
)

// Format is one kind of file.
type Format struct {
	Name  string
	Title string

	key     keyKind
	alone   bool // one person's file; Options.Person says whose
	station bool // PINs mean something at one station only, which must be named
	detect  func(head) bool
	open    func(source) (reader, error)
}

// reader gives the rows of one file, each with its verdict.
type reader interface {
	// next appends what comes next in the file to rows, one row or a few, and says up
	// to which byte the file is read then. io.EOF ends the file.
	next(rows []row) ([]row, int64, error)
}

// source is an opened file and what is needed to read it.
type source struct {
	Options
	from  io.Reader
	place placer
}

// lines are those of the file's text.
func (s source) lines() (*lines, error) {
	raw := &counted{from: s.from}
	text, same, err := decoded(raw, s.Encoding)
	if err != nil {
		return nil, err
	}
	l := newLines(text)
	if !same {
		l.raw = raw
	}
	return l, nil
}

// Formats lists what can be imported. Where the files of two look alike, the
// earlier one is detected.
func Formats() []Format {
	formats := []Format{
		{Name: "xlsx", Title: "workbook with one of the tables below, or described by a mapping file", detect: isWorkbook, open: openWorkbook},
		{Name: "afd", Title: "Brazilian time clock, Portaria 1510 and 671 (AFD)", key: byPIN, station: true, detect: isAFD, open: openAFD},
		{Name: "timewarrior", Title: "timewarrior data file", key: byPIN, alone: true, detect: isTimewarrior, open: openTimewarrior},
		{Name: "org", Title: "Emacs org-mode CLOCK lines", key: byPIN, alone: true, detect: isOrg, open: openOrg},
	}
	formats = append(formats, Format{Name: quickbooks().Name, Title: quickbooks().title, key: byName, detect: isIIF, open: openIIF})
	for _, t := range tables() {
		formats = append(formats, t.format())
	}
	return append(formats,
		Format{Name: "attlog", Title: "ZKTeco ATTLOG from a USB stick", key: byPIN, station: true, detect: isAttlog, open: openAttlog},
		Format{Name: "adms", Title: "ZKTeco ATTLOG as pushed by the terminal (ADMS); never detected, it looks like attlog", key: byPIN, station: true, detect: func(head) bool { return false }, open: openADMS},
		Format{Name: OneRoster, Title: "OneRoster 1.1 or 1.2, folder or zip of CSV files: classes, people, enrolments", detect: func(head) bool { return false }, open: openOneRoster},
		Format{Name: "csv", Title: "any table described by a mapping file", detect: func(head) bool { return false }, open: openCSV},
	)
}

// FormatNames lists the names, in the order of [Formats].
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// isAttlog looks beyond the first lines, which may be broken.
func isAttlog(h head) bool {
	for line := range bytes.Lines(h.text) {
		if looksLikeClockFile(line) {
			return true
		}
	}
	return false
}

// head is the beginning of a file.
type head struct {
	raw  []byte // as it is
	text []byte // decoded
	line []byte // first line of text that is not blank
}

const headSize = 32 << 10

// open finds the format and opens the file.
func open(ctx context.Context, o Options) (reader, Format, error) {
	from := bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return o.Clock.Read(p)
	}), 64<<10)
	format, err := choose(o, from)
	if err != nil {
		return nil, Format{}, err
	}
	if format.alone {
		key, ok := byPIN.key(o.Person)
		if !ok {
			return nil, Format{}, fmt.Errorf("%w: %s", ErrPerson, format.Name)
		}
		o.Person = key
	}
	opened, err := format.open(source{
		Options: o, from: from,
		place: placer{zone: o.Zone, overlap: o.Overlap, overlaps: o.Overlaps, now: o.Now, latest: o.Now.Add(ahead)},
	})
	if err != nil {
		return nil, Format{}, fmt.Errorf("%s: %w", format.Name, err)
	}
	if s, ok := opened.(*spans); ok {
		if t, ok := s.from.(*table); ok {
			format.Name, format.key = t.m.Name, t.m.Person.By
		}
	} else if t, ok := opened.(*table); ok {
		format.Name, format.key = t.m.Name, t.m.Person.By
	}
	return opened, format, nil
}

func choose(o Options, from *bufio.Reader) (Format, error) {
	name := o.Format
	if name == "" {
		name = "attlog"
	}
	if based := o.Mapping; based != nil && based.BasedOn != "" {
		if name != Auto && name != based.Name {
			return Format{}, fmt.Errorf("%w: the mapping is based on %s", ErrMapping, based.Name)
		}
		if name == Auto {
			h, err := look(from, o.Encoding)
			if err != nil {
				return Format{}, err
			}
			if isWorkbook(h) {
				return choose(Options{Format: "xlsx"}, from)
			}
		}
		return based.format(), nil
	}
	if name != Auto {
		for _, f := range Formats() {
			if f.Name == name {
				return f, nil
			}
		}
		return Format{}, fmt.Errorf("%w: %.32q is none of %s", ErrFormat, name, strings.Join(FormatNames(), ", "))
	}
	h, err := look(from, o.Encoding)
	if err != nil {
		return Format{}, err
	}
	if o.Mapping != nil {
		if isWorkbook(h) {
			return choose(Options{Format: "xlsx"}, from)
		}
		return choose(Options{Format: "csv"}, from)
	}
	for _, f := range Formats() {
		if f.detect(h) {
			return f, nil
		}
	}
	return Format{}, unknown(h)
}

// look peeks at the beginning of the file; nothing is taken from it.
func look(from *bufio.Reader, encoding Encoding) (head, error) {
	raw, err := from.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return head{}, fmt.Errorf("read clock file: %w", err)
	}
	h := head{raw: raw}
	decoded, err := decode(bytes.NewReader(raw), encoding)
	if err != nil {
		return head{}, err
	}
	h.text, _ = io.ReadAll(decoded) // a character cut at the end of what was peeked is no error here
	for rest := h.text; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if !isBlank(line) {
			h.line = bytes.TrimSuffix(line, []byte{'\r'})
			break
		}
	}
	return h, nil
}

// unknown says what a file that no format knows looks like.
func unknown(h head) error {
	switch {
	case len(h.raw) == 0:
		return fmt.Errorf("%w: the file is empty", ErrFormat)
	case bytes.HasPrefix(h.raw, []byte("PK\x03\x04")):
		return fmt.Errorf("%w: it is a zip archive; unpack it and give the folder or the files", ErrFormat)
	case bytes.HasPrefix(h.raw, []byte("\xD0\xCF\x11\xE0")):
		return fmt.Errorf("%w: it is a workbook of the old kind (.xls); save it as .xlsx or CSV", ErrFormat)
	case bytes.HasPrefix(bytes.TrimLeft(h.text, " \r\n"), []byte("BEGIN:VCALENDAR")):
		return fmt.Errorf("%w: it is a calendar; what was planned is no punch", ErrFormat)
	case isHoursOnly(h):
		return ErrNoClockTimes
	case bytes.IndexByte(h.text, 0) >= 0:
		return fmt.Errorf("%w: the file is binary", ErrFormat)
	}
	return fmt.Errorf("%w: give --format, or describe the table with --mapping; known are %s", ErrFormat, strings.Join(FormatNames(), ", "))
}

// openOneRoster refuses one file: a roster is several, and they hold no punches. See
// [RunRoster].
func openOneRoster(source) (reader, error) {
	return nil, fmt.Errorf("%w: it is several files, give their folder or zip", ErrFormat)
}
