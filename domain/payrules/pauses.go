package payrules

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// MealRules say which meals a shift needs. A workday in which one fails costs one
// hour's pay, however many fail (Cal. Labor Code 226.7).
type MealRules struct {
	Meals  []Meal `yaml:"meals,omitempty"`
	Source string `yaml:"source,omitempty"`
}

// Meal is one meal, off duty and not paid.
type Meal struct {
	Over         time.Duration `yaml:"over,omitempty"` // due when the shift has more work than that
	AtLeast      time.Duration `yaml:"at_least,omitempty"`
	BeginBy      time.Duration `yaml:"begin_by,omitempty"`       // after no more work than that
	WaivableUpTo time.Duration `yaml:"waivable_up_to,omitempty"` // in a shift of no more work; 0: never
}

// RestBreaks are short paid breaks: of Length for each Per of work or the major
// part of it, none in a shift under From. Only where Recorded is set are they
// punched, and can be seen to be missing.
type RestBreaks struct {
	Length   time.Duration `yaml:"length,omitempty"`
	From     time.Duration `yaml:"from,omitempty"`
	Per      time.Duration `yaml:"per,omitempty"`
	Recorded bool          `yaml:"recorded,omitempty"`
	Source   string        `yaml:"source,omitempty"`
}

// Due is the rest that a shift with so much work needs.
func (b RestBreaks) Due(worked time.Duration) time.Duration {
	if b.Length == 0 || worked < b.From || worked <= 0 {
		return 0
	}
	// The major part of a period is more than its half; the first break is due
	// from From on already (Brinker v. Superior Court, 2012).
	periods := time.Duration(1)
	if over := worked - b.Per/2; over > b.Per {
		periods += (over - 1) / b.Per
	}
	return periods * b.Length
}

// Pauses are unpaid pauses that a shift needs, in parts.
type Pauses struct {
	Pauses         []Pause       `yaml:"pauses,omitempty"`
	AtLeast        time.Duration `yaml:"at_least,omitempty"`        // a shorter part is none
	LongestStretch time.Duration `yaml:"longest_stretch,omitempty"` // of work without a pause
	Source         string        `yaml:"source,omitempty"`
}

// Pause is how long all pauses of a shift are together, when it has more work.
type Pause struct {
	Over time.Duration `yaml:"over"`
	Need time.Duration `yaml:"need"`
}

// Premium is one hour's pay at the regular rate, owed for a workday.
type Premium struct {
	Code    PremiumCode
	Workday string
	Cycle   string
	Start   time.Time // of the shift
	In, Out uuid.UUID // its first and last punch
	Cause   Cause
}

// PremiumCode says what failed.
type PremiumCode string

// The premiums; the first three are owed once a workday, together.
const (
	MissedMeal PremiumCode = "missed_meal"
	ShortMeal  PremiumCode = "short_meal"
	LateMeal   PremiumCode = "late_meal"
	MissedRest PremiumCode = "missed_rest"
)

// shift is spans without a long pause in between.
type shift []Work

func (r Rules) shifts(spans []Work) []shift {
	var shifts []shift
	for i, s := range spans {
		if i == 0 || s.Start.Sub(spans[i-1].End) >= r.ShiftGap {
			shifts = append(shifts, shift{})
		}
		last := len(shifts) - 1
		shifts[last] = append(shifts[last], s)
	}
	return shifts
}

// pause is the time between two spans of a shift.
type pause struct {
	before  time.Duration // work of the shift until then
	length  time.Duration
	outKind eventschema.PunchKind
}

// split gives the work of a shift, with the pauses that count as such, and all
// its pauses.
func (s shift) split(paidUpTo time.Duration) (worked time.Duration, pauses []pause) {
	for i, span := range s {
		if i > 0 {
			length := span.Start.Sub(s[i-1].End)
			if length > 0 {
				pauses = append(pauses, pause{before: worked, length: length, outKind: s[i-1].OutKind})
			}
			if length <= paidUpTo {
				worked += length
			}
		}
		worked += span.End.Sub(span.Start)
	}
	return worked, pauses
}

func (r Rules) premiums(loc *time.Location, shifts []shift, facts Facts) []Premium {
	var owed []Premium
	days, cycles := dayGrid(r.Workday, loc), r.Workweek.grid(loc)
	type once struct{ workday, rule string }
	seen := map[once]bool{}
	add := func(s shift, code PremiumCode, rule, source string) {
		start := s[0].Start
		workday := days.date(days.index(start)).Format(time.DateOnly)
		if seen[once{workday, rule}] {
			return
		}
		seen[once{workday, rule}] = true
		owed = append(owed, Premium{
			Code: code, Workday: workday, Cycle: cycles.date(cycles.index(start)).Format(time.DateOnly), Start: start,
			In: s[0].In, Out: s[len(s)-1].Out, Cause: r.cause(rule, source),
		})
	}
	for _, s := range shifts {
		worked, pauses := s.split(r.PaidBreaks.Time)
		if code := r.Meals.failure(worked, pauses, facts); code != "" {
			add(s, code, "meals", r.Meals.Source)
		}
		if r.RestBreaks.Recorded && r.RestBreaks.missed(worked, pauses, r.PaidBreaks.Time) {
			add(s, MissedRest, "rest_breaks", r.RestBreaks.Source)
		}
	}
	return owed
}

// failure says what is wrong with the meals of a shift, or nothing.
func (m MealRules) failure(worked time.Duration, pauses []pause, facts Facts) PremiumCode {
	waivers := []bool{facts.FirstMealWaived, facts.SecondMealWaived}
	waived, next := false, 0
	for i, meal := range m.Meals {
		if worked <= meal.Over {
			break
		}
		taken, short := next, false
		for taken < len(pauses) && pauses[taken].length < meal.AtLeast {
			short = short || pauses[taken].outKind == eventschema.KindMeal || pauses[taken].length > shortBreak
			taken++
		}
		switch {
		case taken < len(pauses) && pauses[taken].before <= meal.BeginBy:
			next = taken + 1
			continue
		// Only one of the meals may be waived (Cal. Labor Code 512(a)).
		case i < len(waivers) && waivers[i] && !waived && worked <= meal.WaivableUpTo:
			waived = true
			continue
		case taken < len(pauses):
			return LateMeal
		case short:
			return ShortMeal
		}
		return MissedMeal
	}
	return ""
}

// shortBreak is the longest pause that cannot have been meant for a meal (29 CFR
// 785.18 with 785.19).
const shortBreak = 20 * time.Minute

// missed says whether a shift has fewer short breaks than it needs.
func (b RestBreaks) missed(worked time.Duration, pauses []pause, paidUpTo time.Duration) bool {
	var taken time.Duration
	for _, p := range pauses {
		if p.length >= b.Length && p.length <= paidUpTo {
			taken += b.Length
		}
	}
	return taken < b.Due(worked)
}
