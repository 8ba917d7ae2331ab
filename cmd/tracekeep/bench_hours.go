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

// hoursOf pairs punches and works out what they are owed.
func hoursOf(rules *payrules.Rules, loc *time.Location, punches []hours.Punch, facts payrules.Facts) (time.Duration, payrules.Result) {
	var worked time.Duration
	paired := hours.DefaultPairing().Pair(punches)
	if rules == nil {
		for _, w := range paired.Intervals {
			worked += w.End.Sub(w.Start)
		}
		return worked, payrules.Result{}
	}
	work := make([]payrules.Work, len(paired.Intervals))
	for i, w := range paired.Intervals {
		work[i] = payrules.Work{In: w.In, Out: w.Out, Start: w.Start, End: w.End, InKind: w.InKind, OutKind: w.OutKind}
	}
	result := rules.Apply(loc, work, facts)
	return payrules.TotalsOf(result.Lines).Worked(), result
}

// hoursRules measures the hours rules alone, on one core and without a store, in weeks
// of one person: pairing, and pairing with what a set of rules makes of it, beside
// copying the same punches and adding up the same intervals, which is the least that
// any of them does.
func (b *bench) hoursRules(_ context.Context) error {
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return err
	}
	pattern := workPattern{first: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), days: 7 * hoursWeeks, zoneOffset: -8 * time.Hour}
	byPerson := make([][]hours.Punch, hoursPeople)
	for p := range pattern.all(hoursPeople) {
		byPerson[p.person] = append(byPerson[p.person], hours.Punch{
			ID: p.id(), OccurredAt: p.at, OffsetSeconds: -8 * 3600, Direction: presses[p.of].direction, Kind: presses[p.of].kind,
		})
	}
	facts := payrules.Facts{From: pattern.first, To: pattern.first.AddDate(0, 0, pattern.days)}
	intervals := make([][]hours.WorkInterval, hoursPeople)
	for i, punches := range byPerson {
		intervals[i] = hours.DefaultPairing().Pair(slices.Clone(punches)).Intervals
	}
	kinds := []struct {
		name string
		of   func(person int, punches []hours.Punch) time.Duration
		runs []measured
	}{
		{name: "the same punches copied, the same intervals added up", of: func(person int, _ []hours.Punch) (sum time.Duration) {
			for i := range intervals[person] {
				sum += intervals[person][i].End.Sub(intervals[person][i].Start)
			}
			return sum
		}},
		{name: "punches paired", of: func(_ int, punches []hours.Punch) time.Duration {
			worked, _ := hoursOf(nil, loc, punches, facts)
			return worked
		}},
	}
	for _, name := range []string{"flsa", "california"} {
		rules, ok := payrules.BuiltIn(name)
		if !ok {
			return fmt.Errorf("no rules %q", name)
		}
		kinds = append(kinds, kinds[0])
		kinds[len(kinds)-1].name = "punches paired, and " + name + " applied"
		kinds[len(kinds)-1].of = func(_ int, punches []hours.Punch) time.Duration {
			worked, _ := hoursOf(&rules, loc, punches, facts)
			return worked
		}
	}
	for range b.Runs {
		for i := range kinds {
			m, err := b.personWeeks(byPerson, kinds[i].of)
			if err != nil {
				return fmt.Errorf("%s: %w", kinds[i].name, err)
			}
			kinds[i].runs = append(kinds[i].runs, m)
		}
	}
	var errs []error
	for i, k := range kinds {
		errs = append(errs, b.reportRate(k.name, k.runs, "weeks/s"))
		if i > 0 {
			errs = append(errs, b.report("  the one : adding up, processor time", ratios(k.runs, kinds[0].runs, cpuOf), "ratio", goal{}))
		}
	}
	return errors.Join(errs...)
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
	var worked time.Duration
	m, err := b.stopwatch(func() (weeks int, err error) {
		for {
			for person, punches := range byPerson {
				scratch = append(scratch[:0], punches...)
				worked += do(person, scratch)
				weeks += hoursWeeks
			}
			if worked == 0 {
				return 0, errNoWork
			}
			if !b.t.clock().Before(ends) {
				return weeks, nil
			}
		}
	})
	return m, err
}
