package payrules

import (
	"errors"
	"fmt"
	"maps"
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

// SalaryFor says which hours a salary pays. The zero value is the first that were
// worked, as many as it is intended for (29 CFR 778.113).
type SalaryFor string

// ForRegularHours lets a salary pay hours that are no overtime, and no more of them
// than a week has; the rate that it comes to is by these (Cal. Labor Code 515(d)).
const ForRegularHours SalaryFor = "regular_hours"

// Wage is what one person earns in one cycle.
type Wage struct {
	Rates      map[string]Money // by the hour, for each job; "" is the one of a job without a name
	Others     *Money           // of the jobs that Rates does not have; nil: they have none
	Salary     *Salary          // in place of rates
	Production Money            // bonuses that all the work of the cycle earned
	FlatSum    Money            // bonuses for having worked at all
}

// Salary pays the hours of a week that it is intended for. More of them are paid at
// the rate that it comes to (29 CFR 778.113).
type Salary struct {
	Monthly Money
	Weekly  time.Duration // the hours it is intended for
}

// Rate is what an hour of a job is paid.
func (r Rules) Rate(w Wage, job string) (Money, bool) {
	if w.Salary != nil {
		return RateOfSalary(w.Salary.Monthly, r.salaryHours(*w.Salary)), true
	}
	if rate, own := w.Rates[job]; own {
		return rate, true
	}
	if w.Others != nil {
		return *w.Others, true
	}
	return Money{}, false
}

// What a step of pay is for.
const (
	PayStraight   = "straight" // hours at the rate of their job
	PaySalary     = "salary"   // the hours it is intended for
	PayBonus      = "bonus"
	PayOvertime   = "overtime" // what it adds
	PayDoubleTime = "double_time"
	PayPremium    = "premium"
	PayGuarantee  = "guarantee" // hours that were not worked
)

// PayStep is one line of a calculation: an amount, what it is made of and why.
type PayStep struct {
	What   string
	Job    string
	Time   time.Duration // 0: the amount stands for itself
	Rate   Money         // that the time is paid at
	Amount Money
	Cause  Cause
}

// Pay is what a cycle is paid. Its amounts are sums of its steps.
type Pay struct {
	Cycle       string
	Worked      time.Duration
	Straight    Money // every hour at its rate, or the salary
	Bonuses     Money
	RegularRate Money // 29 CFR 778.109: all of it by the hour
	RateCause   Cause // of the regular rate
	Extra       Money // what overtime and double time add
	Premiums    Money // hours for failed meals and breaks, at the regular rate
	Guaranteed  Money // hours that were guaranteed and not worked, at the rate of their job
	Gross       Money
	Steps       []PayStep
}

// Pay works out what the work of one cycle is paid: a result that is narrowed to
// it ([Result.OfCycle]). No two cycles are averaged (29 CFR 778.104). Hours that were
// guaranteed and not worked are no part of the regular rate. Errors: [ErrRate].
func (r Rules) Pay(of Result, wage Wage) (Pay, error) {
	var p Pay
	for _, l := range of.Lines {
		p.Cycle = l.Cycle
	}
	for _, g := range of.Guaranteed {
		p.Cycle = g.Cycle
	}
	if err := r.payStraight(&p, of.Lines, wage); err != nil {
		return Pay{}, err
	}
	t := TotalsOf(of.Lines)
	p.Worked = t.Worked()
	p.bonus(r.cause("production_bonus", "29 CFR 778.110(b)"), wage.Production)
	flatSource := "29 CFR 778.110(b)"
	if r.FlatSum == PerRegularHour {
		flatSource = "Alvarado v. Dart Container (2018)"
	}
	flatCause := r.cause("flat_sum_bonus", flatSource)
	p.bonus(flatCause, wage.FlatSum)
	spread, flat := wage.Production, Money{}
	if r.FlatSum == PerRegularHour && t.Regular > 0 {
		flat = wage.FlatSum.PerHour(t.Regular)
	} else {
		spread = spread.Plus(wage.FlatSum)
	}
	rate := r.regularRate(p.Straight, spread, t, wage)
	p.RegularRate, p.RateCause = rate.Plus(flat), r.cause("regular_rate", rateSource(p.Steps))
	// The straight time of overtime hours is in Straight, what is spread over all
	// hours in Bonuses: both lack their premium only. A bonus that is spread over
	// regular hours has paid nothing for the others yet.
	p.step(PayOvertime, "", t.Overtime, rate.Times(1, 2), p.RateCause)
	p.step(PayDoubleTime, "", t.DoubleTime, rate, p.RateCause)
	if !flat.Equal(Money{}) {
		p.step(PayOvertime, "", t.Overtime, flat.Times(3, 2), flatCause)
		p.step(PayDoubleTime, "", t.DoubleTime, flat.Times(2, 1), flatCause)
	}
	for _, premium := range of.Premiums {
		p.step(PayPremium, "", time.Hour, p.RegularRate, premium.Cause)
	}
	for _, g := range of.Guaranteed {
		rate, known := r.Rate(wage, g.Job)
		if !known {
			return Pay{}, fmt.Errorf("%w: %q", ErrRate, g.Job)
		}
		p.step(PayGuarantee, g.Job, g.Paid-g.Worked, rate, g.Cause)
	}
	return p, nil
}

// payStraight pays every hour once.
func (r Rules) payStraight(p *Pay, lines []Line, wage Wage) error {
	worked := map[string]time.Duration{}
	for _, l := range lines {
		worked[l.Job] += l.Time()
	}
	if wage.Salary != nil && len(lines) > 0 {
		r.paySalary(p, TotalsOf(lines), *wage.Salary)
		return nil
	}
	for _, job := range slices.Sorted(maps.Keys(worked)) {
		rate, known := r.Rate(wage, job)
		if !known {
			return fmt.Errorf("%w: %q", ErrRate, job)
		}
		p.step(PayStraight, job, worked[job], rate, r.cause("straight_time", r.Source))
	}
	return nil
}

// paySalary pays a week, and the hours that the salary does not pay at its rate.
func (r Rules) paySalary(p *Pay, t Totals, s Salary) {
	cause := r.cause("salary", "29 CFR 778.113")
	if r.Salary == ForRegularHours {
		cause.Source = "Cal. Labor Code 515(d)"
	}
	weekly := s.Monthly.Times(12, 52)
	p.Steps = append(p.Steps, PayStep{What: PaySalary, Amount: weekly, Cause: cause})
	p.Straight, p.Gross = p.Straight.Plus(weekly), p.Gross.Plus(weekly)
	paid := r.salaryHours(s)
	rate := RateOfSalary(s.Monthly, paid)
	if r.Salary == ForRegularHours {
		p.step(PayStraight, "", max(t.Regular-paid, 0)+t.Overtime+t.DoubleTime, rate, cause)
		return
	}
	p.step(PayStraight, "", t.Worked()-paid, rate, cause)
}

// salaryHours is how many hours of a week a salary pays.
func (r Rules) salaryHours(s Salary) time.Duration {
	if r.Salary == ForRegularHours {
		return min(s.Weekly, r.Weekly[0].After)
	}
	return s.Weekly
}

// regularRate is what is paid for all hours, by the hour; the salary is, for the hours
// that it pays, however many were worked.
func (r Rules) regularRate(straight, bonuses Money, t Totals, wage Wage) Money {
	if wage.Salary != nil {
		return RateOfSalary(wage.Salary.Monthly, r.salaryHours(*wage.Salary)).Plus(bonuses.PerHour(t.Worked()))
	}
	return straight.Plus(bonuses).PerHour(t.Worked())
}

// rateSource says by which rule the regular rate of a cycle is made.
func rateSource(steps []PayStep) string {
	source := "29 CFR 778.110"
	for i, s := range steps {
		if s.What == PaySalary {
			return s.Cause.Source
		}
		if i > 0 && s.What == PayStraight && !s.Rate.Equal(steps[0].Rate) {
			source = "29 CFR 778.115"
		}
	}
	return source
}

func (p *Pay) bonus(cause Cause, amount Money) {
	if amount.Equal(Money{}) {
		return
	}
	p.Steps = append(p.Steps, PayStep{What: PayBonus, Amount: amount, Cause: cause})
	p.Bonuses, p.Gross = p.Bonuses.Plus(amount), p.Gross.Plus(amount)
}

func (p *Pay) step(what, job string, length time.Duration, rate Money, cause Cause) {
	if length <= 0 {
		return
	}
	amount := rate.For(length)
	p.Steps = append(p.Steps, PayStep{What: what, Job: job, Time: length, Rate: rate, Amount: amount, Cause: cause})
	p.Gross = p.Gross.Plus(amount)
	switch what {
	case PayStraight:
		p.Straight = p.Straight.Plus(amount)
	case PayOvertime, PayDoubleTime:
		p.Extra = p.Extra.Plus(amount)
	case PayPremium:
		p.Premiums = p.Premiums.Plus(amount)
	case PayGuarantee:
		p.Guaranteed = p.Guaranteed.Plus(amount)
	}
}

// OfCycle narrows what is paid of a result to one cycle.
func (r Result) OfCycle(cycle string) Result {
	return Result{
		Lines:      slices.DeleteFunc(slices.Clone(r.Lines), func(l Line) bool { return l.Cycle != cycle }),
		Premiums:   slices.DeleteFunc(slices.Clone(r.Premiums), func(p Premium) bool { return p.Cycle != cycle }),
		Guaranteed: slices.DeleteFunc(slices.Clone(r.Guaranteed), func(g Guaranteed) bool { return g.Cycle != cycle }),
	}
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
