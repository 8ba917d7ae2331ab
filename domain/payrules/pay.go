package payrules

import (
	"errors"
	"slices"
	"time"
)

// ErrRate says that work of a job has no rate.
var ErrRate = errors.New("there is no rate for a job")

// FlatSum says what a flat-sum bonus is divided by to become part of the regular
// rate. The zero value is [PerHour].
type FlatSum string

// The two ways.
const (
	// PerHour spreads it over every hour worked; overtime adds a half (29 CFR 778.110).
	PerHour FlatSum = "all_hours"
	// PerRegularHour spreads it over hours that are no overtime; overtime adds one
	// and a half of that (Alvarado v. Dart Container, 2018).
	PerRegularHour FlatSum = "regular_hours"
)

// Wage is what one person earns in one cycle.
type Wage struct {
	Rates      map[string]Money // by the hour, for each job; "" is the one of a job without a name
	Production Money            // bonuses that all the work of the cycle earned
	FlatSum    Money            // bonuses for having worked at all
}

// Pay is what a cycle is paid.
type Pay struct {
	Cycle       string
	Straight    Money // every hour at its rate
	Bonuses     Money
	RegularRate Money // 29 CFR 778.109: all of it by the hour
	Extra       Money // what overtime and double time add
	Premiums    Money // hours for failed meals and breaks, at the regular rate
	Gross       Money
}

// Pay works out what the work of one cycle is paid: lines and premiums of one
// result that share a cycle. No two cycles are averaged (29 CFR 778.104). Errors:
// [ErrRate].
func (r Rules) Pay(lines []Line, premiums []Premium, wage Wage) (Pay, error) {
	var p Pay
	for _, l := range lines {
		rate, known := wage.Rates[l.Job]
		if !known {
			return Pay{}, ErrRate
		}
		p.Cycle = l.Cycle
		p.Straight = p.Straight.Plus(rate.For(l.Time()))
	}
	t := TotalsOf(lines)
	p.Bonuses = wage.Production.Plus(wage.FlatSum)
	spread := p.Straight.Plus(wage.Production)
	flat := Money{}
	if r.FlatSum == PerRegularHour && t.Regular > 0 {
		flat = wage.FlatSum.PerHour(t.Regular)
	} else {
		spread = spread.Plus(wage.FlatSum)
	}
	rate := spread.PerHour(t.Worked())
	p.RegularRate = rate.Plus(flat)
	// The straight time of overtime hours is in Straight, what is spread over all
	// hours in Bonuses: both lack their premium only. A bonus that is spread over
	// regular hours has paid nothing for the others yet.
	p.Extra = rate.For(t.Overtime).Times(1, 2).Plus(rate.For(t.DoubleTime)).
		Plus(flat.For(t.Overtime).Times(3, 2)).Plus(flat.For(t.DoubleTime).Times(2, 1))
	p.Premiums = p.RegularRate.Times(int64(len(premiums)), 1)
	p.Gross = p.Straight.Plus(p.Bonuses).Plus(p.Extra).Plus(p.Premiums)
	return p, nil
}

// OfCycle narrows a result to one cycle.
func (r Result) OfCycle(cycle string) ([]Line, []Premium) {
	lines := slices.DeleteFunc(slices.Clone(r.Lines), func(l Line) bool { return l.Cycle != cycle })
	premiums := slices.DeleteFunc(slices.Clone(r.Premiums), func(p Premium) bool { return p.Cycle != cycle })
	return lines, premiums
}

// Cycles lists the cycles that have work, in order.
func (r Result) Cycles() []string {
	var cycles []string
	for _, l := range r.Lines {
		if !slices.Contains(cycles, l.Cycle) {
			cycles = append(cycles, l.Cycle)
		}
	}
	return cycles
}

// RateOfSalary is the regular rate of a monthly salary for a number of hours a week
// (29 CFR 778.113).
func RateOfSalary(monthly Money, weekly time.Duration) Money {
	return monthly.Times(12, 52).PerHour(weekly)
}
