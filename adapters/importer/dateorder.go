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

// In layouts as package time knows them.
const (
	monthThenDay = "1/2/"
	dayThenMonth = "2/1/"
)

// slashed says whether a moment has layouts whose order somebody could mistake.
func (m *Moment) slashed() bool {
	return m != nil && slices.ContainsFunc(m.parsed, func(l string) bool { return strings.HasPrefix(l, monthThenDay) })
}

// dayFirst is the moment with the two exchanged.
func (m *Moment) dayFirst() *Moment {
	swapped := *m
	swapped.parsed = slices.Clone(m.parsed)
	for i, layout := range swapped.parsed {
		if rest, ok := strings.CutPrefix(layout, monthThenDay); ok {
			swapped.parsed[i] = dayThenMonth + rest
		}
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
func (t *table) settleDates(order DateOrder) {
	if t.m.title == "" || !t.m.Start.slashed() {
		return
	}
	dayFirst := order == DayFirst
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
		for _, r := range ahead.ahead {
			if r.header || len(r.fields) < t.width {
				continue
			}
			dayFirst = dayFirst || t.leads(r, dayThenMonth) && !t.leads(r, monthThenDay)
		}
	}
	if dayFirst {
		m := *t.m
		m.Start, m.End = m.Start.dayFirst(), m.End.dayFirst()
		t.m, t.unsure = &m, false
	}
}

// leads says whether the date of the start of a row can be read in an order.
func (t *table) leads(r record, order string) bool {
	text := at(r.fields, t.at.start.date)
	if t.at.start.at >= 0 {
		text, _, _ = strings.Cut(at(r.fields, t.at.start.at), " ")
	}
	first, rest, ok := strings.Cut(text, "/")
	second, _, another := strings.Cut(rest, "/")
	if !ok || !another {
		return false
	}
	if order == dayThenMonth {
		first, second = second, first
	}
	return isBelow(first, 12) && isBelow(second, 31)
}

// isBelow says whether a text is a number from 1 to most, of one or two digits.
func isBelow(text string, most int) bool {
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
		n = 10*n + int(text[i]-'0')
	}
	return len(text) > 0 && len(text) <= 2 && n >= 1 && n <= most
}
