// Package consent decides about the consents of one work id and answers whether
// one was in force at an instant.
package consent

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
	ErrPurpose = errors.New("nobody can consent to this purpose")
	ErrNotice  = errors.New("the version of the notice shown is required")
	ErrMethod  = errors.New("the method must be app, paper or kiosk")
	ErrNoTime  = errors.New("the instant is required")
	ErrOrder   = errors.New("the instant lies before the last change of this consent")
)

// State holds, per purpose, the spans in which a consent was in force.
type State struct {
	spans map[eventschema.Purpose][]span
}

type span struct {
	from  time.Time
	until time.Time // zero while in force
}

// InForce says whether a consent to the purpose was in force at an instant:
// from the instant it was given up to, not including, the one it was withdrawn.
func (s State) InForce(purpose eventschema.Purpose, at time.Time) bool {
	for _, sp := range s.spans[purpose] {
		if !at.Before(sp.from) && (sp.until.IsZero() || at.Before(sp.until)) {
			return true
		}
	}
	return false
}

// Stands says whether the consent that was in force at an instant has not been
// withdrawn since. What arrives late from the time before a withdrawal is not
// kept: the withdrawal has destroyed everything else of that time.
func (s State) Stands(purpose eventschema.Purpose, at time.Time) bool {
	for _, sp := range s.spans[purpose] {
		if !at.Before(sp.from) && sp.until.IsZero() {
			return true
		}
	}
	return false
}

func (s State) last(purpose eventschema.Purpose) (span, bool) {
	spans := s.spans[purpose]
	if len(spans) == 0 {
		return span{}, false
	}
	return spans[len(spans)-1], true
}

// Command is one of [Give], [Withdraw].
type Command interface{ isCommand() }

// Give records a consent. Giving one that is in force changes nothing.
type Give struct {
	WorkID        uuid.UUID
	Purpose       eventschema.Purpose
	GivenAt       time.Time
	NoticeVersion string
	Language      string
	Method        string
}

// Withdraw ends a consent. Withdrawing one that is not in force changes nothing:
// withdrawing is as easy as giving (GDPR Art. 7(3)).
type Withdraw struct {
	WorkID      uuid.UUID
	Purpose     eventschema.Purpose
	WithdrawnAt time.Time
	Method      string
}

func (Give) isCommand()     {}
func (Withdraw) isCommand() {}

// Consentable lists the purposes that rest on consent.
func Consentable() []eventschema.Purpose { return []eventschema.Purpose{eventschema.PurposeLocation} }

// Decider decides for one consent stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{spans: map[eventschema.Purpose][]span{}} },
		Decide:  decide,
		Evolve:  evolve,
	}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	switch c := command.(type) {
	case Give:
		return give(state, c)
	case Withdraw:
		return withdraw(state, c)
	}
	return nil, domain.ErrUnknownCommand
}

func give(state State, c Give) ([]eventschema.Event, error) {
	if err := valid(state, c.Purpose, c.GivenAt, c.Method); err != nil {
		return nil, err
	}
	if c.NoticeVersion == "" {
		return nil, ErrNotice
	}
	if last, any := state.last(c.Purpose); any && last.until.IsZero() {
		return nil, nil
	}
	language := c.Language
	if language == "" {
		language = "und"
	}
	return []eventschema.Event{&eventschema.ConsentGiven{
		WorkID: c.WorkID, Purpose: c.Purpose, GivenAt: c.GivenAt.UTC(),
		NoticeVersion: c.NoticeVersion, Language: language, Method: c.Method,
	}}, nil
}

func withdraw(state State, c Withdraw) ([]eventschema.Event, error) {
	if err := valid(state, c.Purpose, c.WithdrawnAt, c.Method); err != nil {
		return nil, err
	}
	if last, any := state.last(c.Purpose); !any || !last.until.IsZero() {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.ConsentWithdrawn{
		WorkID: c.WorkID, Purpose: c.Purpose, WithdrawnAt: c.WithdrawnAt.UTC(), Method: c.Method,
	}}, nil
}

func valid(state State, purpose eventschema.Purpose, at time.Time, method string) error {
	if !slices.Contains(Consentable(), purpose) {
		return ErrPurpose
	}
	if at.IsZero() {
		return ErrNoTime
	}
	if !slices.Contains([]string{"app", "paper", "kiosk"}, method) {
		return ErrMethod
	}
	if last, any := state.last(purpose); any && (at.Before(last.from) || at.Before(last.until)) {
		return ErrOrder
	}
	return nil
}

func evolve(state State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.ConsentGiven:
		state.spans[e.Purpose] = append(state.spans[e.Purpose], span{from: e.GivenAt.UTC()})
	case *eventschema.ConsentWithdrawn:
		if spans := state.spans[e.Purpose]; len(spans) > 0 {
			spans[len(spans)-1].until = e.WithdrawnAt.UTC()
		}
	}
	return state
}
