package erasure

import (
	"time"

	"tracekeep/domain/calendar"
)

// Dates are the days by whose end a request must have been dealt with. They
// count from receipt, however long the identity takes to verify.
type Dates struct {
	// Answer is what we promise: one month (GDPR Art. 12(3)) or 30 days (promise
	// ST-63), whichever ends earlier.
	Answer time.Time
	// Lawful is the last day of the month the law gives: a month that ends on a
	// Saturday or Sunday ends on Monday (Regulation 1182/71 Art. 3). Public
	// holidays, which would move it further, are not known here.
	Lawful time.Time
	// Acknowledge and Consumer are the ten business and 45 calendar days of the
	// CCPA regulations, § 7021.
	Acknowledge time.Time
	Consumer    time.Time
	// Extended is the answer's last day when the person was told, within the
	// first month, that it takes two months longer.
	Extended time.Time
}

// Deadlines counts the dates of a request from the day of its receipt, in UTC.
func Deadlines(receivedAt time.Time) Dates {
	year, month, day := receivedAt.UTC().Date()
	received := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	oneMonth, thirtyDays := calendar.AddMonths(received, 1), received.AddDate(0, 0, 30)
	answer := oneMonth
	if thirtyDays.Before(answer) {
		answer = thirtyDays
	}
	return Dates{
		Answer: answer, Lawful: workingDay(oneMonth), Acknowledge: businessDays(received, 10),
		Consumer: received.AddDate(0, 0, 45), Extended: calendar.AddMonths(received, 3),
	}
}

// workingDay moves a Saturday or Sunday to the Monday behind it.
func workingDay(day time.Time) time.Time {
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// businessDays counts n days from Monday to Friday, beginning with the day behind.
func businessDays(day time.Time, n int) time.Time {
	for range n {
		day = workingDay(day.AddDate(0, 0, 1))
	}
	return day
}

// Due is the last day on which this case must be answered: extended where the
// person was told so.
func (s State) Due() time.Time {
	if !s.ExtendedUntil.IsZero() {
		return s.ExtendedUntil
	}
	return Deadlines(s.RequestedAt).Answer
}
