// Package calendar counts months and years the way deadlines and retention do.
//
// The corresponding day of the target month counts; where that month has no such
// day, its last day does (Regulation 1182/71 Art. 3; mission rules §§ 6, 7).
// time.AddDate does something else: 31 August plus a month is 1 October there, and
// 29 February plus seven years is 1 March, each a day too late.
package calendar

import (
	"time"

	"tracekeep/eventschema"
)

// AddMonths moves t by n months (n may be negative), to the last day of the target
// month where it has no day of that number. Time of day and location stay as they
// are. It is not additive: 31 January plus a month plus a month is 28 March, so a
// deadline is always counted from the day it started on.
func AddMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	hour, minute, sec := t.Clock()
	return time.Date(first.Year(), first.Month(), min(day, last), hour, minute, sec, t.Nanosecond(), t.Location())
}

// AddYears moves t by n years (n may be negative); 29 February becomes 28 February
// in a year that has none.
func AddYears(t time.Time, n int) time.Time { return AddMonths(t, 12*n) }

// Add moves t by a span of the register: months and years first, clamped, then
// days.
func Add(t time.Time, span eventschema.Span) time.Time {
	return AddMonths(t, 12*span.Years+span.Months).AddDate(0, 0, span.Days)
}

// Due answers when the key of a purpose is destroyed whose lifetime counts from
// the anchor, and before when it must not be. A rule without a floor may be
// carried out at any time: notBefore is the anchor then.
func Due(rule eventschema.RetentionRule, anchor time.Time) (due, notBefore time.Time) {
	return Add(anchor, rule.Keep), Add(anchor, rule.Floor)
}
