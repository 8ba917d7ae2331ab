package payperiod_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/payperiod"
	"tracekeep/eventschema"
)

var (
	first  = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	second = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0802")
	work   = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	hr     = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	noon   = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
)

func hours(regular, overtime int64) eventschema.PaidTime {
	return eventschema.PaidTime{RegularSeconds: 3600 * regular, OvertimeSeconds: 3600 * overtime}
}

// watch is a second job.
const watch = "night_watch"

func at(job string, time eventschema.PaidTime) eventschema.JobTime {
	return eventschema.JobTime{Job: job, Time: time}
}

func jobs(of ...eventschema.JobTime) []eventschema.JobTime { return of }

var flsa = eventschema.PaidBy{Rest: true, Zone: "Europe/Berlin", Rules: []eventschema.PaidRules{{Name: "flsa", Version: 1, Digest: "00ff"}}}

// card locks the first half of March, changed.
func card(changes ...func(*payperiod.LockCard)) payperiod.LockCard {
	c := payperiod.LockCard{
		CardID: second, PeriodID: first, WorkID: work, From: "2026-03-01", To: "2026-03-15", EndedAt: time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC),
		Jobs: jobs(at("", hours(80, 2))), By: flsa, LockedAt: noon, LockedBy: hr,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func locked(c payperiod.LockCard, adjustments ...eventschema.TimeAdjustment) eventschema.Event {
	return &eventschema.TimeCardLocked{
		CardID: c.CardID, PeriodID: c.PeriodID, WorkID: c.WorkID, From: c.From, To: c.To, Time: payperiod.Total(c.Jobs), Jobs: c.Jobs, By: &flsa, Adjustments: adjustments, LockedAt: c.LockedAt, LockedBy: c.LockedBy,
	}
}

// next is the card of the days behind, when the first period comes to something else.
func next(now eventschema.PaidTime, changes ...func(*payperiod.LockCard)) payperiod.LockCard {
	return nextOf(jobs(at("", now)), changes...)
}

func nextOf(now []eventschema.JobTime, changes ...func(*payperiod.LockCard)) payperiod.LockCard {
	return card(append([]func(*payperiod.LockCard){func(c *payperiod.LockCard) {
		c.PeriodID, c.From, c.To, c.Jobs = second, "2026-03-16", "2026-03-19", jobs(at("", hours(30, 0)))
		c.EndedAt = time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
		c.Earlier = []payperiod.Earlier{{PeriodID: first, From: "2026-03-01", To: "2026-03-15", Jobs: now}}
	}}, changes...)...)
}

func adjusted(by eventschema.PaidTime) eventschema.TimeAdjustment { return adjustedOf("", by) }

func adjustedOf(job string, by eventschema.PaidTime) eventschema.TimeAdjustment {
	return eventschema.TimeAdjustment{PeriodID: first, From: "2026-03-01", To: "2026-03-15", Job: job, Time: by}
}

func TestLockCard(t *testing.T) {
	before := []eventschema.Event{locked(card())}
	third := uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0803")
	after := func(now eventschema.PaidTime) payperiod.LockCard {
		return next(now, func(c *payperiod.LockCard) {
			c.PeriodID, c.From, c.To = third, "2026-03-20", "2026-03-20"
			c.EndedAt, c.LockedAt = noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 1)
		})
	}
	domaintest.Run(t, payperiod.CardDecider(), map[string]domaintest.Case[payperiod.LockCard]{
		"a period that is over is locked": {When: card(), Then: []eventschema.Event{locked(card())}},
		"a card is locked once, whatever it would say now": {
			Given: before, When: card(func(c *payperiod.LockCard) { c.Jobs = jobs(at("", hours(70, 0))) }),
		},
		"a period that goes on":               {When: card(func(c *payperiod.LockCard) { c.LockedAt = c.EndedAt.Add(-time.Second) }), Refused: payperiod.ErrNotOver},
		"at the instant it is over":           {When: card(func(c *payperiod.LockCard) { c.LockedAt = c.EndedAt }), Then: []eventschema.Event{locked(card(func(c *payperiod.LockCard) { c.LockedAt = c.EndedAt }))}},
		"days that are backwards":             {When: card(func(c *payperiod.LockCard) { c.To = "2026-02-01" }), Refused: payperiod.ErrDays},
		"days that are none":                  {When: card(func(c *payperiod.LockCard) { c.From = "2026-02-31" }), Refused: payperiod.ErrDays},
		"nobody answers for it":               {When: card(func(c *payperiod.LockCard) { c.LockedBy = uuid.Nil }), Refused: payperiod.ErrNoActor},
		"time that is negative":               {When: card(func(c *payperiod.LockCard) { c.Jobs = jobs(at("", eventschema.PaidTime{PremiumHours: -1})) }), Refused: payperiod.ErrTime},
		"by rules that cannot be found again": {When: card(func(c *payperiod.LockCard) { c.By = eventschema.PaidBy{Zone: "UTC"} }), Refused: payperiod.ErrRules},
		"hours that went to another job are less of the one and more of the other": {
			Given: before, When: nextOf(jobs(at("", hours(72, 2)), at(watch, hours(8, 0)))),
			Then: []eventschema.Event{locked(nextOf(jobs(at("", hours(72, 2)), at(watch, hours(8, 0)))), adjusted(hours(-8, 0)), adjustedOf(watch, hours(8, 0)))},
		},
		"days that are paid already":          {Given: before, When: next(hours(80, 2), func(c *payperiod.LockCard) { c.From = "2026-03-15" }), Refused: payperiod.ErrOverlaps},
		"nothing became of the period before": {Given: before, When: next(hours(80, 2)), Then: []eventschema.Event{locked(next(hours(80, 2)))}},
		"what the period before lacked is paid now": {
			Given: before, When: next(hours(84, 3)), Then: []eventschema.Event{locked(next(hours(84, 3)), adjusted(hours(4, 1)))},
		},
		"what it had too much is taken back": {
			Given: before, When: next(hours(78, 2)), Then: []eventschema.Event{locked(next(hours(78, 2)), adjusted(hours(-2, 0)))},
		},
		"hours may only change what they are paid as": {
			Given: before, When: next(hours(78, 4)), Then: []eventschema.Event{locked(next(hours(78, 4)), adjusted(hours(-2, 2)))},
		},
		"an adjustment is paid once": {
			Given: append(before, locked(next(hours(84, 3)), adjusted(hours(4, 1)))), When: after(hours(84, 3)), Then: []eventschema.Event{locked(after(hours(84, 3)))},
		},
		"what was adjusted and put back is put back": {
			Given: append(before, locked(next(hours(84, 3)), adjusted(hours(4, 1)))), When: after(hours(80, 2)),
			Then: []eventschema.Event{locked(after(hours(80, 2)), adjusted(hours(-4, -1)))},
		},
		"a period without a card was paid nothing": {When: next(hours(8, 0)), Then: []eventschema.Event{locked(next(hours(8, 0)), adjusted(hours(8, 0)))}},
	})
}

func TestLock(t *testing.T) {
	lock := payperiod.Lock{
		PeriodID: first, From: "2026-03-01", To: "2026-03-15", EndedAt: time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC),
		Plan: "acme", PlanVersion: 3, Paid: []eventschema.PaidBy{flsa}, Cards: 17, LockedAt: noon, LockedBy: hr,
	}
	event := &eventschema.PeriodLocked{
		PeriodID: first, From: "2026-03-01", To: "2026-03-15", Plan: "acme", PlanVersion: 3, Paid: []eventschema.PaidBy{flsa}, Cards: 17, LockedAt: noon, LockedBy: hr,
	}
	changed := func(change func(*payperiod.Lock)) payperiod.Lock {
		c := lock
		change(&c)
		return c
	}
	domaintest.Run(t, payperiod.PeriodDecider(), map[string]domaintest.Case[payperiod.Lock]{
		"a period that is over":  {When: lock, Then: []eventschema.Event{event}},
		"a period locked before": {Given: []eventschema.Event{event}, When: lock},
		"a period that goes on":  {When: changed(func(c *payperiod.Lock) { c.LockedAt = c.EndedAt.Add(-1) }), Refused: payperiod.ErrNotOver},
		"without an end":         {When: changed(func(c *payperiod.Lock) { c.EndedAt = time.Time{} }), Refused: payperiod.ErrDays},
		"by rules without a digest": {
			When: changed(func(c *payperiod.Lock) { c.Paid = []eventschema.PaidBy{flsa, {Zone: "UTC"}} }), Refused: payperiod.ErrRules,
		},
	})
}

// Whatever becomes of some periods while they are locked one after another: all
// that was paid in the end is what they come to in the end, as far as it was
// known when the last card was locked.
func TestCardsAndAdjustmentsAddUpToWhatIsOwed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decider := payperiod.CardDecider()
		state := decider.Initial()
		n := rapid.IntRange(1, 6).Draw(t, "periods")
		comesTo := make([][]eventschema.JobTime, n)
		paid := map[string]eventschema.PaidTime{}
		drawn := func() eventschema.PaidTime {
			return hours(rapid.Int64Range(0, 80).Draw(t, "regular"), rapid.Int64Range(0, 20).Draw(t, "overtime"))
		}
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range n {
			var earlier []payperiod.Earlier
			for j := range i + 1 {
				comesTo[j] = jobs(at("", drawn()), at(watch, drawn()))
				if j < i {
					earlier = append(earlier, payperiod.Earlier{PeriodID: uuid.UUID{1, byte(j)}, From: day.AddDate(0, 0, 7*j).Format(time.DateOnly), Jobs: comesTo[j]})
				}
			}
			from := day.AddDate(0, 0, 7*i)
			events, err := decider.Decide(state, payperiod.LockCard{
				PeriodID: uuid.UUID{1, byte(i)}, From: from.Format(time.DateOnly), To: from.AddDate(0, 0, 6).Format(time.DateOnly),
				EndedAt: from.AddDate(0, 0, 7), Jobs: comesTo[i], By: flsa, Earlier: earlier, LockedAt: noon.AddDate(1, 0, 0), LockedBy: hr,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				state = decider.Evolve(state, e)
				locked := e.(*eventschema.TimeCardLocked)
				for _, j := range locked.Jobs {
					paid[j.Job] = paid[j.Job].Plus(j.Time)
				}
				for _, a := range locked.Adjustments {
					paid[a.Job] = paid[a.Job].Plus(a.Time)
				}
			}
		}
		owed := map[string]eventschema.PaidTime{}
		for _, c := range comesTo {
			for _, j := range c {
				owed[j.Job] = owed[j.Job].Plus(j.Time)
			}
		}
		if diff := cmp.Diff(owed, paid); diff != "" {
			t.Fatal(diff)
		}
	})
}
