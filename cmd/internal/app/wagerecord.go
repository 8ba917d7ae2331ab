package app

import (
	"time"

	"tracekeep/domain/payrules"
)

// WageRecordField is one thing that 29 CFR 516.2(a) asks to be kept of everybody who
// is owed overtime.
type WageRecordField struct {
	Item string // of 516.2(a)
	What string
	// In names the values of a [WageRecord] that hold it; without one it is not held,
	// and Elsewhere says where it is kept.
	In        []string
	Elsewhere string
}

// WageRecordFields lists all of them.
func WageRecordFields() []WageRecordField {
	const office = "with the payroll office; Tracekeep has no place for it"
	return []WageRecordField{
		{Item: "(1)", What: "full name, and the symbol on time records", In: []string{"name", "work_id"}},
		{Item: "(2)", What: "home address", Elsewhere: office},
		{Item: "(3)", What: "date of birth, if under 19", Elsewhere: "with the person: tracekeep export people"},
		{Item: "(4)", What: "sex and occupation", Elsewhere: office},
		{Item: "(5)", What: "when the workweek begins", In: []string{"week", "week_begins_at"}},
		{Item: "(6)", What: "regular rate of each week with overtime, and what it is made of", In: []string{"regular_rate", "steps"}},
		{Item: "(7)", What: "hours of each workday and workweek", In: []string{"days", "worked_seconds"}},
		{Item: "(8)", What: "straight-time earnings of the week", In: []string{"straight"}},
		{Item: "(9)", What: "premium pay for overtime", In: []string{"overtime_adds"}},
		{Item: "(10)", What: "additions and deductions", Elsewhere: "bonuses of the plan are in the steps; deductions are " + office},
		{Item: "(11)", What: "wages of the pay period", In: []string{"gross"}},
		{Item: "(12)", What: "pay period, and date of payment", In: []string{"from", "to"}, Elsewhere: "the date of payment is " + office},
	}
}

// WageRecord is what is known of one workweek of a work record.
type WageRecord struct {
	payrules.Pay
	BeginsAt payrules.Clock
	Days     []DayWorked // in order
}

// DayWorked is the time of one workday.
type DayWorked struct {
	Date string
	Time time.Duration
}

// WageRecords are the workweeks that end in the period; the days are those of the
// period, so that it should hold whole weeks. Without wages there are none.
func (o OwedHours) WageRecords() []WageRecord {
	records := make([]WageRecord, len(o.Pay))
	for i, p := range o.Pay {
		records[i].Pay = p
		for _, part := range o.Group.Parts {
			if part.Rules.Name == p.RateCause.Set {
				records[i].BeginsAt = part.Rules.Workweek.At
			}
		}
		for _, l := range o.Result.Lines {
			if l.Cycle != p.Cycle || l.Cause.Set != p.RateCause.Set {
				continue
			}
			days := records[i].Days
			if n := len(days); n > 0 && days[n-1].Date == l.Workday {
				days[n-1].Time += l.Time()
				continue
			}
			records[i].Days = append(days, DayWorked{l.Workday, l.Time()})
		}
	}
	return records
}
