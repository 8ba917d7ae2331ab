package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrDateOrder: some dates of the file are day first (25/12/2026) and others month
// first, or not as the caller says. Nothing of the file is taken: half of its dates
// would be wrong in silence.
var ErrDateOrder = errors.New("the dates of the file are not all in one order, day first (25/12/2026) or month first (12/25/2026); if you know which, give --dates or --mapping with layouts")

// ErrDateUnsure: no date of the file tells which order they are in. Punches are recorded
// as they are read, so nothing is taken until somebody says.
var ErrDateUnsure = errors.New("the dates of the file can be read day first or month first, and none of the first 1,000 rows tells which; give --dates day-first or --dates month-first")

// DateOrder says how dates such as 04/05/2026 are read, in formats whose programs
// write them as each user likes.
type DateOrder string

// The orders.
const (
	DatesAuto  DateOrder = ""            // as the first date tells that can be only one; without such a date, month first, and said of each row
	MonthFirst DateOrder = "month-first" // 12/25/2026
	DayFirst   DateOrder = "day-first"   // 25/12/2026
)

func (o DateOrder) validate() error {
	if o != DatesAuto && o != MonthFirst && o != DayFirst {
		return fmt.Errorf("dates must be %s or %s", MonthFirst, DayFirst)
	}
	return nil
}

// In layouts as package time knows them: slashes or dashes between them.
var (
	monthThenDay = []string{"1/2/", "1-2-"}
	dayThenMonth = []string{"2/1/", "2-1-"}
)

// exchanged is a layout with month and day exchanged; false for one whose order nobody
// could mistake.
func exchanged(layout string) (string, bool) {
	for i := range monthThenDay {
		if rest, ok := strings.CutPrefix(layout, monthThenDay[i]); ok {
			return dayThenMonth[i] + rest, true
		}
		if rest, ok := strings.CutPrefix(layout, dayThenMonth[i]); ok {
			return monthThenDay[i] + rest, true
		}
	}
	return "", false
}

// isMonthFirst says of a layout whose order could be mistaken which it is.
func isMonthFirst(layout string) bool {
	return strings.HasPrefix(layout, monthThenDay[0]) || strings.HasPrefix(layout, monthThenDay[1])
}

// dayFirst are layouts of which those that begin with the month begin with the day.
func dayFirst(layouts []string) []string {
	swapped := slices.Clone(layouts)
	for i, layout := range swapped {
		if other, ok := exchanged(layout); ok && isMonthFirst(layout) {
			swapped[i] = other
		}
	}
	return swapped
}

// dayFirst is a mapping whose dates begin with the day where they could begin with either.
func (m *Mapping) dayFirst() *Mapping {
	swapped := *m
	for _, moment := range []**Moment{&swapped.Time, &swapped.Start, &swapped.End} {
		if *moment != nil {
			one := **moment
			one.parsed = dayFirst(one.parsed)
			*moment = &one
		}
	}
	if m.Day != nil {
		one := *m.Day
		one.parsed = dayFirst(one.parsed)
		swapped.Day = &one
	}
	return &swapped
}

// orderedAhead is how many rows are looked at for a date that can be only one, and
// orderedBytes how many bytes of them, since they are kept.
const (
	orderedAhead = 1000
	orderedBytes = 8 << 20
)

// peeked gives rows that were looked at before the others.
type peeked struct {
	ahead []record
	err   error // behind them
	from  records
}

func (p *peeked) next() (record, error) {
	if len(p.ahead) > 0 {
		r := p.ahead[0]
		p.ahead = p.ahead[1:]
		return r, nil
	}
	if p.err != nil {
		return record{}, p.err
	}
	return p.from.next()
}

// settleDates finds the order of the dates of a built-in table whose program lets its
// users choose. What a mapping file says is what counts.
func (t *table) settleDates(order DateOrder) error {
	layouts, read := t.firstDate()
	if t.m.title == "" || !slices.ContainsFunc(layouts, isMonthFirst) {
		return nil
	}
	days := order == DayFirst
	if order == DatesAuto {
		ahead := &peeked{from: t.from}
		for kept := 0; len(ahead.ahead) < orderedAhead && kept < orderedBytes && ahead.err == nil; {
			var r record
			if r, ahead.err = t.from.next(); ahead.err == nil {
				for _, field := range r.fields {
					kept += len(field) + 16
				}
				r.fields = slices.Clone(r.fields)
				ahead.ahead = append(ahead.ahead, r)
			}
		}
		t.from, t.unsure = ahead, true
		var can [3]bool // be either, only with the day first, only with the month first
		for _, r := range ahead.ahead {
			if r.header || r.broken != "" {
				continue
			}
			if order, matters := orderOf(read(r)); matters {
				can[order] = true
			}
		}
		days, t.unsure = can[onlyDayFirst], !can[onlyMonthFirst] && !t.m.monthFirst
		switch {
		case can[onlyDayFirst] && can[onlyMonthFirst]:
			return ErrDateOrder
		case can[eitherFirst] && !can[onlyDayFirst] && !can[onlyMonthFirst] && t.m.Time != nil:
			return ErrDateUnsure
		}
	}
	if days {
		t.m, t.unsure = t.m.dayFirst(), false
	}
	return nil
}

// firstDate are the layouts of what a row is dated by, and how to find that in a row.
func (t *table) firstDate() (layouts []string, read func(record) string) {
	date := func(column int) func(record) string {
		return func(r record) string {
			text, _, _ := strings.Cut(at(r.fields, column), " ")
			return text
		}
	}
	switch {
	case t.m.Day != nil:
		return t.m.Day.parsed, date(t.at.day)
	case t.m.Start != nil:
		return t.m.Start.parsed, date(max(t.at.start.at, t.at.start.date))
	case t.m.Time != nil:
		return t.m.Time.parsed, date(max(t.at.time.at, t.at.time.date))
	}
	return nil, nil
}

// What the order of a date can be.
const (
	eitherFirst = iota
	onlyDayFirst
	onlyMonthFirst
)

// orderOf is what the order of a date such as 25/12/2026 can be. It does not matter where
// both numbers are the same, nor of any other text.
func orderOf(text string) (order int, matters bool) {
	first, second, ok := halves(text)
	switch {
	case !ok || first == second:
		return 0, false
	case first > 12:
		return onlyDayFirst, true
	case second > 12:
		return onlyMonthFirst, true
	}
	return eitherFirst, true
}

// halves are the first two numbers of a date that begins with the day or the month, with
// slashes or dashes between them.
func halves(text string) (first, second int, ok bool) {
	for _, mark := range []string{"/", "-"} {
		parts := strings.Split(text, mark)
		if len(parts) != 3 {
			continue
		}
		first, ok1 := below(parts[0], 31)
		second, ok2 := below(parts[1], 31)
		return first, second, ok1 && ok2 && (first <= 12 || second <= 12)
	}
	return 0, 0, false
}

// below reads a number from 1 to most, of one or two digits.
func below(text string, most int) (n int, ok bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = 10*n + int(text[i]-'0')
	}
	return n, len(text) > 0 && len(text) <= 2 && n >= 1 && n <= most
}
