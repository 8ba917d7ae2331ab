// Package payperiod decides what is locked of a pay period, and what later changes
// of it become.
//
// Punches are facts and come when they come: late, corrected, in periods that were
// paid long ago. A card that is locked says what was paid and never changes. What a
// locked period would be paid more or less today is an adjustment of the next card
// of the same work record, once.
package payperiod

import (
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
	Time     eventschema.PaidTime
}

// Card is one locked card.
type Card struct {
	PeriodID uuid.UUID
	From, To string
	Time     eventschema.PaidTime
}

// Cards is what deciding about one work record needs.
type Cards struct {
	Locked []Card
	// Settled is what later cards have adjusted of a period, by its id.
	Settled map[uuid.UUID]eventschema.PaidTime
}

// Due is what is owed for earlier periods beyond what was paid, by their days. A
// period without a card was paid nothing.
func (s Cards) Due(earlier []Earlier) []eventschema.TimeAdjustment {
	var due []eventschema.TimeAdjustment
	for _, e := range earlier {
		owed := e.Time.Minus(s.Settled[e.PeriodID])
		for _, c := range s.Locked {
			if c.PeriodID == e.PeriodID {
				owed = owed.Minus(c.Time)
			}
		}
		if owed != (eventschema.PaidTime{}) {
			due = append(due, eventschema.TimeAdjustment{PeriodID: e.PeriodID, From: e.From, To: e.To, Time: owed})
		}
	}
	slices.SortFunc(due, func(a, b eventschema.TimeAdjustment) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	return due
}

// LockCard locks the card of one work record.
type LockCard struct {
	CardID   uuid.UUID
	PeriodID uuid.UUID
	WorkID   uuid.UUID
	From, To string
	EndedAt  time.Time // the instant at which the last day ended
	Time     eventschema.PaidTime
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
	if t := c.Time; min(t.RegularSeconds, t.OvertimeSeconds, t.DoubleTimeSeconds, int64(t.PremiumHours)) < 0 {
		return nil, ErrTime
	}
	return []eventschema.Event{&eventschema.TimeCardLocked{
		CardID: c.CardID, PeriodID: c.PeriodID, WorkID: c.WorkID, From: c.From, To: c.To, Time: c.Time,
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
	s.Locked = append(s.Locked, Card{PeriodID: e.PeriodID, From: e.From, To: e.To, Time: e.Time})
	if s.Settled == nil {
		s.Settled = map[uuid.UUID]eventschema.PaidTime{}
	}
	for _, a := range e.Adjustments {
		s.Settled[a.PeriodID] = s.Settled[a.PeriodID].Plus(a.Time)
	}
	return s
}

// Lock says that every card of a period is locked.
type Lock struct {
	PeriodID     uuid.UUID
	From, To     string
	EndedAt      time.Time
	Zone         string
	Rules        string
	RulesVersion int
	RulesDigest  string
	Cards        int
	LockedAt     time.Time
	LockedBy     uuid.UUID
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
			if c.Rules == "" || c.RulesVersion < 1 || c.RulesDigest == "" || c.Zone == "" {
				return nil, ErrRules
			}
			return []eventschema.Event{&eventschema.PeriodLocked{
				PeriodID: c.PeriodID, From: c.From, To: c.To, Zone: c.Zone, Rules: c.Rules, RulesVersion: c.RulesVersion, RulesDigest: c.RulesDigest,
				Cards: c.Cards, LockedAt: c.LockedAt.UTC(), LockedBy: c.LockedBy,
			}}, nil
		},
		Evolve: func(locked bool, event eventschema.Event) bool {
			_, ok := event.(*eventschema.PeriodLocked)
			return locked || ok
		},
	}
}
