package payrules

import (
	"errors"
	"time"

	"tracekeep/domain/calendar"
)

// ErrSchedule refuses a schedule of pay periods.
var ErrSchedule = errors.New("pay periods are weekly, biweekly (with a first day), semimonthly or monthly")

// Frequency is how often is paid.
type Frequency string

// The frequencies.
const (
	Weekly      Frequency = "weekly"
	Biweekly    Frequency = "biweekly"
	Semimonthly Frequency = "semimonthly" // from the 1st and from the 16th
	Monthly     Frequency = "monthly"
)

// PayPeriodSchedule cuts the calendar into pay periods.
type PayPeriodSchedule struct {
	Frequency Frequency
	// Anchor is the first day of one period. Semimonthly periods need none: they
	// begin on the 1st and the 16th. Monthly ones begin on its day of the month, or
	// on the last day of a month that is shorter.
	Anchor time.Time
}

// PayPeriod is some local days, both included. It says nothing about workweeks: one
// that a period cuts is worked out whole, and each day is paid with its period.
type PayPeriod struct{ First, Last time.Time }

// String writes 2026-01-01/2026-01-15.
func (p PayPeriod) String() string {
	return p.First.Format(time.DateOnly) + "/" + p.Last.Format(time.DateOnly)
}

// Contains says whether a local date (2006-01-02) is one of its days.
func (p PayPeriod) Contains(date string) bool {
	return date >= p.First.Format(time.DateOnly) && date <= p.Last.Format(time.DateOnly)
}

// Containing is the period that a local date lies in. Only the date of at counts.
// Errors: [ErrSchedule].
func (s PayPeriodSchedule) Containing(at time.Time) (PayPeriod, error) {
	date := dateOf(at)
	var first func(n int) time.Time
	n := 0
	switch s.Frequency {
	case Weekly, Biweekly:
		length := 7
		if s.Frequency == Biweekly {
			length = 14
		}
		if s.Anchor.IsZero() {
			return PayPeriod{}, ErrSchedule
		}
		anchor := dateOf(s.Anchor)
		first = func(n int) time.Time { return anchor.AddDate(0, 0, n*length) }
		n = floorDiv(int(date.Sub(anchor)/day), length)
	case Semimonthly:
		first = func(n int) time.Time {
			return time.Date(date.Year(), date.Month()+time.Month(floorDiv(n, 2)), 1+15*(n-2*floorDiv(n, 2)), 0, 0, 0, 0, time.UTC)
		}
		if date.Day() > 15 {
			n = 1
		}
	case Monthly:
		if s.Anchor.IsZero() {
			return PayPeriod{}, ErrSchedule
		}
		anchor := dateOf(s.Anchor)
		first = func(n int) time.Time { return calendar.AddMonths(anchor, n) }
		n = (date.Year()-anchor.Year())*12 + int(date.Month()) - int(anchor.Month())
		if first(n).After(date) {
			n--
		}
	default:
		return PayPeriod{}, ErrSchedule
	}
	return PayPeriod{First: first(n), Last: first(n+1).AddDate(0, 0, -1)}, nil
}

// Next is the period after one of the schedule. Errors: [ErrSchedule].
func (s PayPeriodSchedule) Next(p PayPeriod) (PayPeriod, error) {
	return s.Containing(p.Last.AddDate(0, 0, 1))
}

func dateOf(at time.Time) time.Time {
	year, month, dayOfMonth := at.Date()
	return time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC)
}
