// Package payperiod decides what is locked of a pay period, and what later changes
// of it become.
//
// Punches are facts and come when they come: late, corrected, in periods that were
// paid long ago. A card that is locked says what was paid and never changes. What a
// locked period would be paid more or less today is an adjustment of the next card
// of the same work record, once, and job by job: hours that went to another job are
// less of the one and more of the other.
package payperiod

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrDays     = errors.New("a pay period has a first and a last day, 2006-01-02")
	ErrNotOver  = errors.New("the pay period is not over yet")
	ErrOverlaps = errors.New("some of its days are in a pay period that is locked already")
	ErrNoActor  = errors.New("somebody must answer for this step")
	ErrTime     = errors.New("what is paid for a period is not negative")
	ErrRules    = errors.New("the rules need a name, a version and a digest")
)

// Earlier is what an earlier locked period comes to for the work record today.
type Earlier struct {
	PeriodID uuid.UUID
	From, To string
	Jobs     []eventschema.JobTime
}

// Card is one locked card.
type Card struct {
	PeriodID uuid.UUID
	From, To string
	Jobs     []eventschema.JobTime
}

// Cards is what deciding about one work record needs.
type Cards struct {
	Locked []Card
	// Settled is what later cards have adjusted.
	Settled []eventschema.TimeAdjustment
}

// Due is what is owed for earlier periods beyond what was paid, by their days. A
// period without a card was paid nothing.
func (s Cards) Due(earlier []Earlier) []eventschema.TimeAdjustment {
	var due []eventschema.TimeAdjustment
	for _, e := range earlier {
		owed := map[string]eventschema.PaidTime{}
		for _, j := range e.Jobs {
			owed[j.Job] = owed[j.Job].Plus(j.Time)
		}
		for _, a := range s.Settled {
			if a.PeriodID == e.PeriodID {
				owed[a.Job] = owed[a.Job].Minus(a.Time)
			}
		}
		for _, c := range s.Locked {
			if c.PeriodID != e.PeriodID {
				continue
			}
			for _, j := range c.Jobs {
				owed[j.Job] = owed[j.Job].Minus(j.Time)
			}
		}
		for job, time := range owed {
			if time != (eventschema.PaidTime{}) {
				due = append(due, eventschema.TimeAdjustment{PeriodID: e.PeriodID, From: e.From, To: e.To, Job: job, Time: time})
			}
		}
	}
	slices.SortFunc(due, func(a, b eventschema.TimeAdjustment) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Job, b.Job))
	})
	return due
}

// Total is the time of all jobs.
func Total(jobs []eventschema.JobTime) eventschema.PaidTime {
	var all eventschema.PaidTime
	for _, j := range jobs {
		all = all.Plus(j.Time)
	}
	return all
}

// LockCard locks the card of one work record.
type LockCard struct {
	CardID   uuid.UUID
	PeriodID uuid.UUID
	WorkID   uuid.UUID
	From, To string
	EndedAt  time.Time             // the instant at which the last day ended
	Jobs     []eventschema.JobTime // one for each job
	By       eventschema.PaidBy
	Earlier  []Earlier
	LockedAt time.Time
	LockedBy uuid.UUID
}

// CardDecider decides for the cards of one work record.
func CardDecider() domain.Decider[Cards, LockCard] {
	return domain.Decider[Cards, LockCard]{Initial: func() Cards { return Cards{} }, Decide: lockCard, Evolve: evolveCards}
}

func lockCard(s Cards, c LockCard) ([]eventschema.Event, error) {
	for _, card := range s.Locked {
		if card.PeriodID == c.PeriodID {
			return nil, nil
		}
	}
	if err := lockable(c.From, c.To, c.EndedAt, c.LockedAt, c.LockedBy); err != nil {
		return nil, err
	}
	for _, card := range s.Locked {
		if card.From <= c.To && c.From <= card.To {
			return nil, ErrOverlaps
		}
	}
	for _, j := range c.Jobs {
		if t := j.Time; min(t.RegularSeconds, t.OvertimeSeconds, t.DoubleTimeSeconds, t.GuaranteedSeconds, int64(t.PremiumHours)) < 0 {
			return nil, ErrTime
		}
	}
	if !known(c.By) {
		return nil, ErrRules
	}
	return []eventschema.Event{&eventschema.TimeCardLocked{
		CardID: c.CardID, PeriodID: c.PeriodID, WorkID: c.WorkID, From: c.From, To: c.To, Time: Total(c.Jobs), Jobs: c.Jobs, By: &c.By,
		Adjustments: s.Due(c.Earlier), LockedAt: c.LockedAt.UTC(), LockedBy: c.LockedBy,
	}}, nil
}

// lockable says whether days may be locked.
func lockable(from, to string, endedAt, lockedAt time.Time, by uuid.UUID) error {
	_, first := time.Parse(time.DateOnly, from)
	_, last := time.Parse(time.DateOnly, to)
	switch {
	case first != nil || last != nil || to < from || endedAt.IsZero():
		return ErrDays
	case lockedAt.Before(endedAt):
		return ErrNotOver
	case by == uuid.Nil:
		return ErrNoActor
	}
	return nil
}

func evolveCards(s Cards, event eventschema.Event) Cards {
	e, ok := event.(*eventschema.TimeCardLocked)
	if !ok {
		return s
	}
	s.Locked = append(s.Locked, Card{PeriodID: e.PeriodID, From: e.From, To: e.To, Jobs: e.Jobs})
	s.Settled = append(s.Settled, e.Adjustments...)
	return s
}

// known says whether rules can be found again.
func known(by eventschema.PaidBy) bool {
	for _, r := range by.Rules {
		if r.Name == "" || r.Version < 1 || r.Digest == "" {
			return false
		}
	}
	return len(by.Rules) > 0 && by.Zone != ""
}

// Lock says that every card of a period is locked.
type Lock struct {
	PeriodID    uuid.UUID
	From, To    string
	EndedAt     time.Time
	Plan        string
	PlanVersion int
	Paid        []eventschema.PaidBy
	Cards       int
	LockedAt    time.Time
	LockedBy    uuid.UUID
}

// PeriodDecider decides for one pay period: it is locked once.
func PeriodDecider() domain.Decider[bool, Lock] {
	return domain.Decider[bool, Lock]{
		Initial: func() bool { return false },
		Decide: func(locked bool, c Lock) ([]eventschema.Event, error) {
			if locked {
				return nil, nil
			}
			if err := lockable(c.From, c.To, c.EndedAt, c.LockedAt, c.LockedBy); err != nil {
				return nil, err
			}
			if c.Plan == "" || c.PlanVersion < 1 || len(c.Paid) == 0 {
				return nil, ErrRules
			}
			for _, by := range c.Paid {
				if !known(by) {
					return nil, ErrRules
				}
			}
			return []eventschema.Event{&eventschema.PeriodLocked{
				PeriodID: c.PeriodID, From: c.From, To: c.To, Plan: c.Plan, PlanVersion: c.PlanVersion, Paid: c.Paid,
				Cards: c.Cards, LockedAt: c.LockedAt.UTC(), LockedBy: c.LockedBy,
			}}, nil
		},
		Evolve: func(locked bool, event eventschema.Event) bool {
			_, ok := event.(*eventschema.PeriodLocked)
			return locked || ok
		},
	}
}
