package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
)

// What the hours of so many people over so many weeks are made from.
const (
	hoursPeople = 200
	hoursWeeks  = 13
)

// workPattern makes the punches of one person after the other: four a working day,
// now and then one that was forgotten or pressed twice, the same for the same numbers.
type workPattern struct {
	first      time.Time // a Monday, 00:00 UTC
	days       int       // of the calendar
	zoneOffset time.Duration
}

// presses are the punches of a day, in hours after midnight.
var presses = []struct {
	at        time.Duration
	direction eventschema.Direction
	kind      eventschema.PunchKind
}{
	{8 * time.Hour, eventschema.DirectionIn, eventschema.KindNormal}, {12 * time.Hour, eventschema.DirectionOut, eventschema.KindMeal},
	{12*time.Hour + 35*time.Minute, eventschema.DirectionIn, eventschema.KindMeal}, {17*time.Hour + 10*time.Minute, eventschema.DirectionOut, eventschema.KindNormal},
}

// pressed is a punch of a pattern.
type pressed struct {
	person int
	at     time.Time
	of     int // of presses
	again  bool
}

// all lists the punches of people in order of time, as stations record them.
func (w workPattern) all(people int) iter.Seq[pressed] {
	return func(yield func(pressed) bool) {
		for day := range w.days {
			date := w.first.AddDate(0, 0, day)
			if date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
				continue
			}
			for of, p := range presses {
				for person := range people {
					mark := (person*7919 + day*104729 + of*31) % 1009
					if mark < 10 && of == len(presses)-1 { // went home without
						continue
					}
					at := date.Add(p.at - w.zoneOffset + time.Duration(person%1200)*time.Second + time.Duration(mark%7)*time.Minute)
					if !yield(pressed{person: person, at: at, of: of}) || mark > 998 && !yield(pressed{person: person, at: at.Add(20 * time.Second), of: of, again: true}) {
						return
					}
				}
			}
		}
	}
}

// id is that of the punch, the same in every run.
func (p pressed) id() uuid.UUID {
	var name [17]byte
	binary.BigEndian.PutUint64(name[:], uint64(p.person))         //nolint:gosec // not negative
	binary.BigEndian.PutUint64(name[8:], uint64(p.at.UnixNano())) //nolint:gosec // after 1970
	name[16] = byte(p.of)
	return uuid.NewSHA1(uuid.NameSpaceOID, name[:])
}

// worked pairs punches and adds up what a set of rules makes of them, or the intervals
// themselves without one.
func worked(rules *payrules.Rules, loc *time.Location, punches []hours.Punch, facts payrules.Facts) time.Duration {
	intervals := hours.DefaultPairing().Pair(punches).Intervals
	if rules == nil {
		return addedUp(intervals)
	}
	work := make([]payrules.Work, len(intervals))
	for i, w := range intervals {
		work[i] = payrules.Work{In: w.In, Out: w.Out, Start: w.Start, End: w.End, InKind: w.InKind, OutKind: w.OutKind}
	}
	return payrules.TotalsOf(rules.Apply(loc, work, facts).Lines).Worked()
}

func addedUp(intervals []hours.WorkInterval) (sum time.Duration) {
	for i := range intervals {
		sum += intervals[i].End.Sub(intervals[i].Start)
	}
	return sum
}

// reckoned is one thing that is made of punches.
type reckoned struct {
	name string
	of   func(person int, punches []hours.Punch) time.Duration
	runs []measured
}

// hoursRules measures the hours rules alone, on one core and without a store, in weeks
// of one person: pairing, and pairing with what a set of rules makes of it, beside
// copying the same punches and adding up the same intervals, which is the least that
// any of them does.
func (b *bench) hoursRules(_ context.Context) error {
	byPerson, all, err := thingsReckoned()
	if err != nil {
		return err
	}
	for range b.Runs {
		for i := range all {
			m, err := b.personWeeks(byPerson, all[i].of)
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
			all[i].runs = append(all[i].runs, m)
		}
	}
	var errs []error
	for i, k := range all {
		errs = append(errs, b.reportRate(k.name, k.runs, "weeks/s"))
		if i > 0 {
			errs = append(errs, b.report("  the one : adding up, processor time", ratios(k.runs, all[0].runs, cpuOf), "ratio", goal{}))
		}
	}
	return errors.Join(errs...)
}

// thingsReckoned are the punches of everybody, and what is measured of them: first what
// the others are held against.
func thingsReckoned() (byPerson [][]hours.Punch, all []reckoned, err error) {
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return nil, nil, err
	}
	pattern := workPattern{first: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), days: 7 * hoursWeeks, zoneOffset: -8 * time.Hour}
	byPerson = make([][]hours.Punch, hoursPeople)
	for p := range pattern.all(hoursPeople) {
		byPerson[p.person] = append(byPerson[p.person], hours.Punch{
			ID: p.id(), OccurredAt: p.at, OffsetSeconds: -8 * 3600, Direction: presses[p.of].direction, Kind: presses[p.of].kind,
		})
	}
	intervals := make([][]hours.WorkInterval, hoursPeople)
	for i, punches := range byPerson {
		intervals[i] = hours.DefaultPairing().Pair(slices.Clone(punches)).Intervals
	}
	facts := payrules.Facts{From: pattern.first, To: pattern.first.AddDate(0, 0, pattern.days)}
	all = []reckoned{
		{name: "the same punches copied, the same intervals added up", of: func(person int, _ []hours.Punch) time.Duration { return addedUp(intervals[person]) }},
		{name: "punches paired", of: func(_ int, punches []hours.Punch) time.Duration { return worked(nil, loc, punches, facts) }},
	}
	for _, name := range []string{"flsa", "california"} {
		rules, ok := payrules.BuiltIn(name)
		if !ok {
			return nil, nil, fmt.Errorf("no rules %q", name)
		}
		all = append(all, reckoned{name: "punches paired, and " + name + " applied", of: func(_ int, punches []hours.Punch) time.Duration {
			return worked(&rules, loc, punches, facts)
		}})
	}
	return byPerson, all, nil
}

// errNoWork says that what was measured did nothing.
var errNoWork = errors.New("nothing was worked")

// personWeeks does something with the punches of one person after the other until the
// span is over. Each gets a copy, since pairing sorts.
func (b *bench) personWeeks(byPerson [][]hours.Punch, do func(int, []hours.Punch) time.Duration) (measured, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	scratch := make([]hours.Punch, 0, 8*7*hoursWeeks)
	ends := b.t.clock().Add(b.Span)
	var sum time.Duration
	m, err := b.stopwatch(func() (weeks int, err error) {
		for {
			for person, punches := range byPerson {
				scratch = append(scratch[:0], punches...)
				sum += do(person, scratch)
				weeks += hoursWeeks
			}
			if sum == 0 {
				return 0, errNoWork
			}
			if !b.t.clock().Before(ends) {
				return weeks, nil
			}
		}
	})
	return m, err
}
