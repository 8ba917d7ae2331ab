package exporter

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// PayRow is what one person is paid for on one day under one code.
type PayRow struct {
	Number string // by which the payroll program knows the person
	Name   string // for programs that go by names
	Day    string // 2006-01-02
	Code   string // regular, overtime, double_time, premium or guarantee
	Job    string // code of the tenant's
	Time   time.Duration
}

// System is a payroll program whose files are written.
type System string

// The systems.
const (
	ADP           System = "adp"            // Workforce Now, paydata
	Paychex       System = "paychex"        // Flex, SPI
	QuickBooksIIF System = "quickbooks-iif" // TIMEACT
	DATEVLodas    System = "datev-lodas"    // ASCII, Bewegungsdaten
	DATEVLohn     System = "datev-lug"      // Lohn und Gehalt, ASCII
)

// Payroll says which program a file is for and what it calls things.
type Payroll struct {
	System System
	// Company is ADP's Co Code, Paychex's Client ID, the company's name in
	// QuickBooks, or the Beraternummer of DATEV.
	Company string
	// Batch is ADP's Batch ID, QuickBooks's COMPANYCREATETIME or the Mandantennummer
	// of DATEV.
	Batch string
	// Codes gives the program's own name or number to each code of the rows. ADP needs
	// none for regular and overtime, which have columns.
	Codes map[string]string
	// Jobs gives the program's own cost centre or job to jobs. The hours of others are
	// one line, which names none.
	Jobs map[string]string
}

// Errors of payroll files. None holds a value of a person.
var (
	ErrSystem  = errors.New("the payroll systems are adp, paychex, quickbooks-iif, datev-lodas and datev-lug")
	ErrCompany = errors.New("the payroll program needs the company under its own code (--company, --batch)")
	ErrCode    = errors.New("the payroll program has a name or number of its own for each pay code; give it with --code")
	ErrJob     = errors.New("the payroll program's own name or number of a job does not fit its field (--job); Paychex takes 25 letters, digits and hyphens")
	ErrNumber  = errors.New("an employee number does not fit the payroll program")
	ErrLength  = errors.New("QuickBooks takes at most 23:59 for one person, day and code")
)

// payFile is what writes the file of one system: rows come in order.
type payFile struct {
	company, batch bool
	codes          []string // that have a place of their own
	number         func(string) bool
	job            func(string) bool   // what fits the place of a job
	sum            func(PayRow) PayRow // makes rows equal that become one
	write          func(*bufio.Writer, Payroll, []PayRow) error
}

func (p Payroll) file() (payFile, error) {
	switch p.System {
	case ADP:
		return payFile{true, true, []string{"regular", "overtime"}, digits(6), anything, ofPeriod, writeADP}, nil
	case Paychex:
		return payFile{true, false, nil, marks(10), marks(25), ofDay, writePaychex}, nil
	case QuickBooksIIF:
		return payFile{true, true, nil, anything, anything, ofDay, writeIIF}, nil
	case DATEVLodas:
		return payFile{true, true, nil, digits(5), anything, ofMonth, writeLodas}, nil
	case DATEVLohn:
		return payFile{false, false, nil, digits(5), anything, ofDay, writeLohn}, nil
	}
	return payFile{}, ErrSystem
}

// Fits says whether the program knows people by such a number; rows of others
// belong into no file.
func (p Payroll) Fits(number string) bool {
	file, err := p.file()
	return err == nil && number != "" && file.number(number)
}

// Check says whether a file with rows of these codes can be written. Errors:
// [ErrSystem], [ErrCompany], [ErrCode], [ErrJob].
func (p Payroll) Check(codes ...string) error {
	file, err := p.file()
	switch {
	case err != nil:
		return err
	case file.company && p.Company == "" || file.batch && p.Batch == "" || strings.ContainsAny(p.Company+p.Batch, "\t\r\n;,\"") || formula(p.Company) || formula(p.Batch):
		return ErrCompany
	}
	for job, own := range p.Jobs {
		if own == "" || strings.ContainsAny(own, "\t\r\n;\"") || !file.job(own) || formula(own) {
			return fmt.Errorf("%w: %s", ErrJob, job)
		}
	}
	for _, code := range codes {
		own := p.Codes[code]
		if own == "" && !slices.Contains(file.codes, code) || strings.ContainsAny(own, "\t\r\n;\"") || formula(own) {
			return fmt.Errorf("%w: %s", ErrCode, code)
		}
	}
	return nil
}

// WritePayroll writes the file that a payroll program reads: rows in any order, one
// line for what belongs together, CRLF. What is documented of each format, and what
// is not, is in domain/decisions/0111. Errors: [ErrSystem], [ErrCompany], [ErrCode],
// [ErrJob], [ErrNumber], [ErrLength].
func WritePayroll(to io.Writer, p Payroll, rows []PayRow) error {
	file, err := p.file()
	if err != nil {
		return err
	}
	codes := map[string]bool{}
	rows = slices.Clone(rows)
	for i, row := range rows {
		rows[i].Job = p.Jobs[row.Job]
		codes[row.Code] = true
		if !file.number(row.Number) {
			return ErrNumber
		}
	}
	if err := p.Check(slices.Sorted(maps.Keys(codes))...); err != nil {
		return err
	}
	out := bufio.NewWriter(to)
	if err := file.write(out, p, summed(rows, file.sum)); err != nil {
		return err
	}
	return out.Flush()
}

func ofDay(r PayRow) PayRow { return r }

func ofPeriod(r PayRow) PayRow {
	r.Day, r.Name = "", ""
	return r
}

func ofMonth(r PayRow) PayRow {
	r.Day = r.Day[:len("2006-01")] + "-01"
	return r
}

// summed adds up rows that differ in nothing but their time, and puts them in order.
func summed(rows []PayRow, of func(PayRow) PayRow) []PayRow {
	times := map[PayRow]time.Duration{}
	for _, row := range rows {
		length := row.Time
		row.Time = 0
		times[of(row)] += length
	}
	var all []PayRow
	for row, length := range times {
		row.Time = length
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b PayRow) int {
		return cmp.Or(strings.Compare(a.Number, b.Number), strings.Compare(a.Name, b.Name), strings.Compare(a.Day, b.Day), -strings.Compare(a.Code, b.Code), strings.Compare(a.Job, b.Job))
	})
	return all
}

// hundredths writes hours with two decimals, half of the last one up.
func hundredths(d time.Duration, point string) string {
	n := (d + 18*time.Second) / (36 * time.Second)
	return fmt.Sprintf("%d%s%02d", n/100, point, n%100)
}

// day writes a day another way; the day is one of a row.
func day(text, layout string) string {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return at.Format(layout)
}

func anything(string) bool { return true }

// digits allows numbers of up to n digits.
func digits(n int) func(string) bool {
	return func(text string) bool { return text != "" && len(text) <= n && strings.Trim(text, "0123456789") == "" }
}

// marks allows up to n letters, digits and hyphens, and no hyphen at the start: such a
// number may be a formula, and no file of a payroll program can say otherwise.
func marks(n int) func(string) bool {
	return func(text string) bool {
		return text != "" && len(text) <= n && text[0] != '-' && !strings.ContainsFunc(text, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-'
		})
	}
}

func crlf(out *bufio.Writer, lines ...string) {
	for _, line := range lines {
		_, _ = out.WriteString(line + "\r\n")
	}
}
