// Package retention counts how long what is kept may be kept, and decides about
// the batches in which what has come of age is released.
//
// The clock finds and proposes; it destroys nothing. Each proposal is an erasure
// case of its own ([tracekeep/domain/erasure]). An officer submits a batch of
// them, a second one approves it, and the cases go on from there.
package retention

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tracekeep/domain/calendar"
	"tracekeep/eventschema"
)

// Class is what comes of age together, because it hangs on the same moment.
type Class string

// The classes.
const (
	// ClassAccount is everything whose key is the person's, and the locations of
	// their work record.
	ClassAccount Class = "account"
	// ClassWork is the work record as a whole: its keys and its streams.
	ClassWork Class = "work_record"
	// ClassLocation is the locations of one month.
	ClassLocation Class = "location"
	// ClassCommunication is what somebody wrote in one month, and which messages of
	// that month they opened.
	ClassCommunication Class = "communication"
)

// Classes lists every class.
func Classes() []Class { return []Class{ClassAccount, ClassWork, ClassLocation, ClassCommunication} }

// Monthly says whether the months of a class come of age one by one.
func (c Class) Monthly() bool { return c == ClassLocation || c == ClassCommunication }

// Purposes are the purposes whose keys go with a class; none means all of the
// person.
func (c Class) Purposes() []eventschema.Purpose {
	switch c {
	case ClassWork: // what hangs on the record does not outlive it
		return []eventschema.Purpose{eventschema.PurposeWork, eventschema.PurposeLocation, eventschema.PurposeNotes}
	case ClassLocation:
		return []eventschema.Purpose{eventschema.PurposeLocation}
	case ClassCommunication:
		return []eventschema.Purpose{eventschema.PurposeNotes}
	case ClassAccount:
	}
	return nil
}

// leading is the purpose whose row of the register says how long a class lives.
func (c Class) leading() eventschema.Purpose {
	switch c {
	case ClassWork:
		return eventschema.PurposeWork
	case ClassLocation:
		return eventschema.PurposeLocation
	case ClassCommunication:
		return eventschema.PurposeNotes
	case ClassAccount:
	}
	return eventschema.PurposeIdentity
}

// ClassOf is the class of a case of ended retention, by its purposes.
func ClassOf(purposes []eventschema.Purpose) Class {
	switch {
	case len(purposes) == 0:
		return ClassAccount
	case slices.Contains(purposes, eventschema.PurposeWork):
		return ClassWork
	case slices.Contains(purposes, eventschema.PurposeNotes):
		return ClassCommunication
	}
	return ClassLocation
}

// Refusals of a schedule.
var (
	ErrClass      = errors.New("there is no such class")
	ErrSpan       = errors.New("a span must be longer than nothing")
	ErrBelowFloor = errors.New("a class cannot be kept shorter than the law asks")
	ErrPromise    = errors.New("a class cannot be kept longer than was promised, unless a law asks for it")
	ErrNoSource   = errors.New("a floor needs the law that sets it")
	ErrFloorLower = errors.New("the floor of the register can be raised, not lowered")
)

// Override is what an installation sets for one class. A zero span is the
// register's.
type Override struct {
	Class       Class
	Keep        eventschema.Span
	Floor       eventschema.Span
	FloorSource string
}

// Schedule is how long each class lives. The zero value is the register's.
type Schedule struct {
	changed map[Class]eventschema.RetentionRule
}

// Configure makes the schedule of an installation. A floor may only be raised,
// and what was promised may only be kept longer because of one.
func Configure(overrides ...Override) (Schedule, error) {
	s := Schedule{changed: map[Class]eventschema.RetentionRule{}}
	for _, o := range overrides {
		if !slices.Contains(Classes(), o.Class) {
			return Schedule{}, fmt.Errorf("%q: %w", o.Class, ErrClass)
		}
		rule, err := o.apply(Schedule{}.Rule(o.Class))
		if err != nil {
			return Schedule{}, fmt.Errorf("%s: %w", o.Class, err)
		}
		s.changed[o.Class] = rule
	}
	return s, nil
}

func (o Override) apply(rule eventschema.RetentionRule) (eventschema.RetentionRule, error) {
	if negative(o.Keep) || negative(o.Floor) {
		return rule, ErrSpan
	}
	promised := rule.Keep
	if !o.Floor.IsZero() {
		switch {
		case o.FloorSource == "":
			return rule, ErrNoSource
		case longer(rule.Floor, o.Floor):
			return rule, ErrFloorLower
		}
		rule.Floor, rule.FloorSource = o.Floor, o.FloorSource
	}
	switch {
	case o.Keep.IsZero() && longer(rule.Floor, promised): // the law overrides the promise (ST-38)
		rule.Keep, rule.Source = rule.Floor, rule.FloorSource
	case o.Keep.IsZero():
	case longer(rule.Floor, o.Keep):
		return rule, ErrBelowFloor
	case longer(o.Keep, promised) && longer(o.Keep, rule.Floor):
		return rule, ErrPromise
	default:
		rule.Keep, rule.Source = o.Keep, "set for this installation"
	}
	return rule, nil
}

func negative(s eventschema.Span) bool { return s.Years < 0 || s.Months < 0 || s.Days < 0 }

// longer compares two spans from the day on which calendars differ least.
func longer(one, other eventschema.Span) bool {
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return calendar.Add(from, one).After(calendar.Add(from, other))
}

// Rule is how long a class lives.
func (s Schedule) Rule(class Class) eventschema.RetentionRule {
	if rule, changed := s.changed[class]; changed {
		return rule
	}
	activity, _ := eventschema.Activity(class.leading())
	return activity.Retention
}

// Term is a class of somebody with the moment from which it is counted.
type Term struct {
	Class  Class
	Anchor time.Time
}

// DueAt is when a term ends.
func (s Schedule) DueAt(t Term) time.Time {
	due, _ := calendar.Due(s.Rule(t.Class), t.Anchor.UTC())
	return due
}

// Latest is the latest anchor whose term has ended at an instant, or some days
// later: a bound for looking through many, each of which [Schedule.DueAt] decides.
func (s Schedule) Latest(class Class, now time.Time) time.Time {
	keep := s.Rule(class).Keep
	return calendar.AddMonths(now.UTC(), -12*keep.Years-keep.Months).AddDate(0, 0, 3-keep.Days)
}

// ErrSpanText refuses a span that is not written as 7y, 18m, 30d or 1y6m.
var ErrSpanText = errors.New("a span is written in years, months and days, as 7y, 18m, 30d or 1y6m")

// longest bounds each part of a span that is parsed.
const longest = 1000

// ParseSpan reads a span: up to three numbers with their units, the longest unit
// first. The empty text is the empty span.
func ParseSpan(text string) (eventschema.Span, error) {
	var span eventschema.Span
	parts := []*int{&span.Years, &span.Months, &span.Days}
	units := "ymd"
	for text != "" {
		n := 0
		digits := 0
		for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' && n <= longest {
			n = 10*n + int(text[digits]-'0')
			digits++
		}
		if digits == 0 || digits == len(text) || n > longest || n == 0 {
			return eventschema.Span{}, ErrSpanText
		}
		at := strings.IndexByte(units, text[digits])
		if at < 0 {
			return eventschema.Span{}, ErrSpanText
		}
		*parts[at] = n
		parts, units, text = parts[at+1:], units[at+1:], text[digits+1:]
	}
	return span, nil
}
