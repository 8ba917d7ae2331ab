// Package payrules turns worked time into what is owed for it: regular time,
// overtime, double time, premiums, and where a rule about rest was broken.
//
// A set of rules is data with a name and a version. What a calculation answers
// names, for every stretch of time, the punches it rests on and the rule, version
// and source that put it into its class. Lengths are elapsed time between
// instants; days and weeks begin by the local clock of the rules' zone (mission
// rules § 4: a local week is 167 or 169 hours long when the clocks change).
//
// Engineering, not legal advice: the sources are those of mission rules §§ 1-5.
package payrules

import (
	"errors"
	"fmt"
	"time"
)

// Class is how a stretch of work is paid.
type Class string

// The classes of work, from the lowest. A stretch has one class: nothing is
// overtime twice.
const (
	Regular    Class = "regular"
	Overtime   Class = "overtime"    // 1.5 times the regular rate
	DoubleTime Class = "double_time" // twice the regular rate
)

// rank orders the classes, 0 for one that is not known.
func (c Class) rank() int {
	switch c {
	case Regular:
		return 1
	case Overtime:
		return 2
	case DoubleTime:
		return 3
	}
	return 0
}

// Limit puts the time after a number of hours into a class.
type Limit struct {
	After  time.Duration `yaml:"after"`
	Class  Class         `yaml:"class,omitempty"`
	Source string        `yaml:"source,omitempty"`
}

// Rules is one set of rules. A part that is zero does not apply. The tags are the
// names of its parts in a file of rules.
type Rules struct {
	Name    string `yaml:"name,omitempty"`
	Version int    `yaml:"version,omitempty"`
	Source  string `yaml:"source,omitempty"` // of what holds for regular time and in general
	Zone    string `yaml:"zone,omitempty"`   // IANA; whose clock begins days and weeks. Empty: the caller says.

	Workday  Clock `yaml:"workday,omitempty"`  // when a workday begins
	Workweek Cycle `yaml:"workweek,omitempty"` // or the work period of 29 U.S.C. 207(k)

	Daily      []Limit    `yaml:"daily,omitempty"`  // by the time worked in the workday
	Weekly     []Limit    `yaml:"weekly,omitempty"` // by the time of the cycle that is not above a daily limit
	SeventhDay SeventhDay `yaml:"seventh_day,omitempty"`

	ShiftGap   time.Duration `yaml:"shift_gap,omitempty"`   // a pause this long parts two shifts
	PaidBreaks Breaks        `yaml:"paid_breaks,omitempty"` // pauses that count as work
	Meals      MealRules     `yaml:"meals,omitempty"`       // whose failure costs a premium hour
	RestBreaks RestBreaks    `yaml:"rest_breaks,omitempty"` // whose failure costs a premium hour
	Pauses     Pauses        `yaml:"pauses,omitempty"`      // whose failure is a breach
	LongestDay Bound         `yaml:"longest_day,omitempty"` // most work in a workday
	DailyRest  Bound         `yaml:"daily_rest,omitempty"`  // consecutive, in each 24 hours
	WeeklyRest Bound         `yaml:"weekly_rest,omitempty"` // consecutive, in each cycle
	Average    Average       `yaml:"average,omitempty"`     // of the time worked in a week

	Rounding  Rounding  `yaml:"rounding,omitempty"`
	Guarantee Guarantee `yaml:"guarantee,omitempty"` // what a short detail is paid at least
	FlatSum   FlatSum   `yaml:"flat_sum,omitempty"`  // what a flat-sum bonus is divided by
	Salary    SalaryFor `yaml:"salary,omitempty"`    // which hours a salary pays
}

// Bound is a length of time and who says so.
type Bound struct {
	Time   time.Duration `yaml:"time,omitempty"`
	Source string        `yaml:"source,omitempty"`
}

// SeventhDay replaces the daily limits on the seventh day worked in a workweek.
type SeventhDay struct {
	Limits []Limit `yaml:"limits,omitempty"`
	// UnlessNoDayOver, where set, takes the rule away in a week none of whose days
	// was longer (Cal. Labor Code 556 with Mendoza v. Nordstrom: 6 hours).
	UnlessNoDayOver time.Duration `yaml:"unless_no_day_over,omitempty"`
}

// Breaks are pauses up to a length that are work time.
type Breaks struct {
	Time   time.Duration `yaml:"time,omitempty"`
	Source string        `yaml:"source,omitempty"`
}

// Clock is a time of day, by the clock on the wall.
type Clock struct{ Hour, Min int }

// String writes 14:00.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Min) }

// MarshalText writes 14:00.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads 14:00.
func (c *Clock) UnmarshalText(text []byte) error {
	at, err := time.Parse("15:04", string(text))
	if err != nil || len(text) != len("15:04") {
		return fmt.Errorf("%w: a time of day is written 14:00", ErrRules)
	}
	c.Hour, c.Min = at.Hour(), at.Minute()
	return nil
}

// Cycle is a fixed and recurring stretch of whole days: the workweek of 29 CFR
// 778.105, or a work period of 7 to 28 days.
type Cycle struct {
	Days   int    `yaml:"days,omitempty"`   // 7 for a workweek
	Anchor string `yaml:"anchor,omitempty"` // a local date on which one began, 2006-01-02
	At     Clock  `yaml:"at,omitempty"`     // when on that day
}

// Workweek is the cycle of seven days that begins on a day of the week.
func Workweek(starts time.Weekday, at Clock) Cycle {
	const sunday = 4 // of January 2026
	return Cycle{Days: 7, Anchor: fmt.Sprintf("2026-01-%02d", sunday+int(starts)), At: at}
}

// ErrRules refuses a set of rules.
var ErrRules = errors.New("the rules do not hold together")

// faults collects what is wrong with a set of rules.
type faults []error

func (f *faults) when(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Errorf("%w: %s", ErrRules, fmt.Sprintf(format, args...)))
	}
}

// Validate reports everything that is wrong with a set of rules at once; each
// error wraps [ErrRules].
func (r Rules) Validate() error {
	var f faults
	f.when(r.Name == "", "name: a set of rules needs one")
	f.when(r.Version < 1, "version: it counts from 1")
	f.when(r.Source == "", "source: say whose rules these are")
	f.when(!r.Workday.valid() || !r.Workweek.At.valid(), "workday, workweek: a time of day lies between 00:00 and 23:59")
	f.when(r.Workweek.Days < 7 || r.Workweek.Days > 28, "workweek: it has 7 days, a work period 7 to 28")
	anchor, err := time.Parse(time.DateOnly, r.Workweek.Anchor)
	f.when(err != nil || anchor.Year() < 1900 || anchor.Year() > 2199, "workweek: its anchor is a date of this or the neighbouring centuries, 2006-01-02")
	f.limits("daily", r.Daily)
	f.limits("weekly", r.Weekly)
	f.limits("seventh_day", r.SeventhDay.Limits)
	seventh := len(r.SeventhDay.Limits) > 0
	f.when(seventh && (r.Workweek.Days != 7 || r.Workweek.At != r.Workday), "seventh_day: it needs a workweek of 7 days that begins when a workday does")
	f.when(r.SeventhDay.UnlessNoDayOver < 0 || !seventh && r.SeventhDay.UnlessNoDayOver != 0, "seventh_day: an exception without limits excepts nothing")
	f.when(!r.Rounding.valid(), "rounding: to 5, 6 or 15 minutes, or not at all")
	f.when(!r.Guarantee.valid(), "guarantee: steps rise, pay no less than was worked, and need a source")
	f.when(r.FlatSum != "" && r.FlatSum != PerHour && r.FlatSum != PerRegularHour, "flat_sum: %s or %s", PerHour, PerRegularHour)
	f.when(r.Salary != "" && r.Salary != ForRegularHours, "salary: %s, or leave it out", ForRegularHours)
	f.when(r.Salary != "" && len(r.Weekly) == 0, "salary: a week without a limit has regular hours only")
	f.bounds(r)
	f.pauses(r)
	return errors.Join(f...)
}

func (f *faults) limits(what string, limits []Limit) {
	for i, l := range limits {
		f.when(l.Class.rank() < Overtime.rank(), "%s: a limit leads to %s or %s", what, Overtime, DoubleTime)
		f.when(l.After < 0 || i > 0 && (l.After <= limits[i-1].After || l.Class.rank() <= limits[i-1].Class.rank()), "%s: limits rise, in hours and in class", what)
		f.when(l.Source == "", "%s: a limit needs its source", what)
	}
}

func (f *faults) bounds(r Rules) {
	for _, b := range []struct {
		what string
		Bound
	}{
		{"paid_breaks", Bound(r.PaidBreaks)}, {"longest_day", r.LongestDay}, {"daily_rest", r.DailyRest}, {"weekly_rest", r.WeeklyRest},
		{"average", Bound{r.Average.Time, r.Average.Source}},
	} {
		f.when(b.Time < 0 || (b.Time > 0) != (b.Source != ""), "%s: a time and its source go together", b.what)
	}
	f.when(r.DailyRest.Time > day, "daily_rest: 24 hours have no more than that")
	f.when(r.WeeklyRest.Time > time.Duration(r.Workweek.Days)*day, "weekly_rest: it does not fit into the cycle")
	f.when(r.Average.Weeks < 0 || (r.Average.Time > 0) != (r.Average.Weeks > 0), "average: hours and weeks go together")
	f.when(r.Average.Weeks > 0 && r.Workweek.Days != 7, "average: it is of workweeks of 7 days")
}

func (f *faults) pauses(r Rules) {
	for i, m := range r.Meals.Meals {
		f.when(m.Over <= 0 || m.AtLeast <= 0 || m.BeginBy <= 0, "meals: each says over how much work, how long and by when")
		f.when(m.WaivableUpTo != 0 && m.WaivableUpTo < m.Over, "meals: one that is not due cannot be waived")
		f.when(i > 0 && m.Over <= r.Meals.Meals[i-1].Over, "meals: they come in order of the work they are due after")
	}
	for i, p := range r.Pauses.Pauses {
		f.when(p.Over <= 0 || p.Need <= 0, "pauses: each says over how much work and how long")
		f.when(i > 0 && p.Over <= r.Pauses.Pauses[i-1].Over, "pauses: they come in order of the work they are due after")
	}
	meals, pauses := len(r.Meals.Meals) > 0, len(r.Pauses.Pauses) > 0
	f.when(meals != (r.Meals.Source != ""), "meals: meals and their source go together")
	f.when((pauses || r.Pauses.LongestStretch > 0) != (r.Pauses.Source != ""), "pauses: pauses and their source go together")
	f.when((r.RestBreaks.Length > 0) != (r.RestBreaks.Source != ""), "rest_breaks: a length and its source go together")
	f.when((meals || pauses || r.RestBreaks.Length > 0) != (r.ShiftGap > 0), "shift_gap: say how long a pause ends a shift, where pauses are judged")
}

const day = 24 * time.Hour

func (c Clock) valid() bool { return c.Hour >= 0 && c.Hour < 24 && c.Min >= 0 && c.Min < 60 }
