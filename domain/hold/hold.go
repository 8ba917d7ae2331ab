// Package hold decides about one legal hold: placed by one person, confirmed by
// a second, reviewed while it lasts, and lifted by two.
//
// A hold holds from the moment it is placed, so that nothing is destroyed while
// it waits for its second person; one that nobody confirms in time lapses. A
// confirmed hold that is due for review and has had none goes on holding: what
// was destroyed by an oversight could not be brought back. It is then overdue,
// and says so until somebody reviews or lifts it.
package hold

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// ConfirmWithin is how long a hold waits for its second person.
const ConfirmWithin = 72 * time.Hour

// ReviewWithin is the longest time between two reviews.
const ReviewWithin = 366 * 24 * time.Hour

// Refusals.
var (
	ErrNotPlaced     = errors.New("there is no such hold")
	ErrAlreadyPlaced = errors.New("the hold is already placed")
	ErrNoActor       = errors.New("somebody must answer for this step")
	ErrSubject       = errors.New("a hold is about one person or one work record")
	ErrMatter        = errors.New("a hold serves a matter, which needs an id")
	ErrPurpose       = errors.New("this purpose is not known, or named twice")
	ErrReason        = errors.New("this reason for a hold is not known")
	ErrReasonCode    = errors.New("a reason code is required: up to 60 lower-case letters, digits and underscores")
	ErrReviewDate    = errors.New("the next review must lie ahead, at most a year")
	ErrSamePerson    = errors.New("the second word must come from a second person")
	ErrUnconfirmed   = errors.New("the hold has not been confirmed")
	ErrNoLiftAsked   = errors.New("nobody has asked to lift the hold yet")
	ErrEnded         = errors.New("the hold has ended")
)

// State is what deciding needs.
type State struct {
	Placed      bool
	HoldID      uuid.UUID
	MatterID    uuid.UUID
	PersonID    uuid.UUID
	RecordID    uuid.UUID
	Purposes    []eventschema.Purpose
	Reason      eventschema.HoldReason
	PlacedAt    time.Time
	PlacedBy    uuid.UUID
	ConfirmBy   time.Time
	ConfirmedAt time.Time
	ConfirmedBy uuid.UUID
	ReviewBy    time.Time
	ReviewedAt  time.Time
	LiftAskedBy uuid.UUID
	LiftAskedAt time.Time
	EndedAt     time.Time
	Lapsed      bool
}

// InForce says whether the hold forbids a destruction at an instant.
func (s State) InForce(at time.Time) bool {
	return s.Placed && s.EndedAt.IsZero() && (!s.ConfirmedAt.IsZero() || at.Before(s.ConfirmBy))
}

// Overdue says whether a hold in force should have been reviewed.
func (s State) Overdue(at time.Time) bool { return s.InForce(at) && !at.Before(s.ReviewBy) }

// Command is one of the commands of this package.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Place places a hold on exactly one person or one work record.
type Place struct {
	HoldID   uuid.UUID
	MatterID uuid.UUID
	PersonID uuid.UUID
	RecordID uuid.UUID
	WorkID   uuid.UUID             // of the person; nil when they have no work record
	Purposes []eventschema.Purpose // none: everything
	Reason   eventschema.HoldReason
	PlacedBy uuid.UUID
	PlacedAt time.Time
	ReviewBy time.Time
}

// Confirm is the word of the second person.
type Confirm struct {
	ConfirmedBy uuid.UUID
	ConfirmedAt time.Time
}

// Review finds a hold still needed.
type Review struct {
	ReviewedBy uuid.UUID
	ReviewedAt time.Time
	ReviewBy   time.Time // the next time
}

// RequestLift is the first of the two words that lift a hold.
type RequestLift struct {
	RequestedBy uuid.UUID
	RequestedAt time.Time
	Reason      string // a code
}

// Lift is the second.
type Lift struct {
	LiftedBy uuid.UUID
	LiftedAt time.Time
}

// Lapse ends a hold that nobody confirmed in time. Any other it leaves alone.
type Lapse struct {
	At time.Time
}

// Decider decides for one hold stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	if _, places := command.(Place); !places && !state.Placed {
		return nil, ErrNotPlaced
	}
	return command.decide(state)
}

func (c Place) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Placed:
		return nil, ErrAlreadyPlaced
	case c.PlacedBy == uuid.Nil:
		return nil, ErrNoActor
	case (c.PersonID == uuid.Nil) == (c.RecordID == uuid.Nil):
		return nil, ErrSubject
	case c.MatterID == uuid.Nil:
		return nil, ErrMatter
	case !slices.Contains(eventschema.HoldReasons(), c.Reason):
		return nil, ErrReason
	case !reviewable(c.PlacedAt, c.ReviewBy):
		return nil, ErrReviewDate
	}
	for i, purpose := range c.Purposes {
		if !slices.Contains(eventschema.Purposes(), purpose) || slices.Contains(c.Purposes[:i], purpose) {
			return nil, ErrPurpose
		}
	}
	event := &eventschema.HoldPlaced{
		HoldID: c.HoldID, MatterID: c.MatterID, PersonID: c.PersonID, RecordID: c.RecordID, Purposes: c.Purposes, Reason: c.Reason,
		PlacedAt: c.PlacedAt.UTC(), PlacedBy: c.PlacedBy, ConfirmBy: c.PlacedAt.UTC().Add(ConfirmWithin), ReviewBy: c.ReviewBy.UTC(),
	}
	if c.WorkID != uuid.Nil {
		event.WorkID = eventschema.Clear(eventschema.Hex(c.WorkID))
	}
	return []eventschema.Event{event}, nil
}

func reviewable(now, next time.Time) bool {
	return next.After(now) && !next.After(now.Add(ReviewWithin))
}

func (c Confirm) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.ConfirmedAt.IsZero():
		return nil, nil
	case !s.InForce(c.ConfirmedAt):
		return nil, ErrEnded
	case c.ConfirmedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.ConfirmedBy == s.PlacedBy:
		return nil, ErrSamePerson
	}
	return []eventschema.Event{&eventschema.HoldConfirmed{HoldID: s.HoldID, ConfirmedAt: c.ConfirmedAt.UTC(), ConfirmedBy: c.ConfirmedBy}}, nil
}

func (c Review) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.InForce(c.ReviewedAt):
		return nil, ErrEnded
	case s.ConfirmedAt.IsZero():
		return nil, ErrUnconfirmed
	case c.ReviewedBy == uuid.Nil:
		return nil, ErrNoActor
	case !reviewable(c.ReviewedAt, c.ReviewBy):
		return nil, ErrReviewDate
	}
	return []eventschema.Event{&eventschema.HoldReviewed{
		HoldID: s.HoldID, ReviewedAt: c.ReviewedAt.UTC(), ReviewedBy: c.ReviewedBy, ReviewBy: c.ReviewBy.UTC(),
	}}, nil
}

func (c RequestLift) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.LiftAskedAt.IsZero() && s.EndedAt.IsZero():
		return nil, nil
	case !s.InForce(c.RequestedAt):
		return nil, ErrEnded
	case c.RequestedBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrReasonCode
	}
	return []eventschema.Event{&eventschema.HoldLiftRequested{
		HoldID: s.HoldID, RequestedAt: c.RequestedAt.UTC(), RequestedBy: c.RequestedBy, Reason: c.Reason,
	}}, nil
}

func (c Lift) decide(s State) ([]eventschema.Event, error) {
	switch {
	case !s.EndedAt.IsZero() && !s.Lapsed:
		return nil, nil
	case !s.InForce(c.LiftedAt):
		return nil, ErrEnded
	case s.LiftAskedAt.IsZero():
		return nil, ErrNoLiftAsked
	case c.LiftedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.LiftedBy == s.LiftAskedBy:
		return nil, ErrSamePerson
	}
	return []eventschema.Event{&eventschema.HoldLifted{HoldID: s.HoldID, LiftedAt: c.LiftedAt.UTC(), LiftedBy: c.LiftedBy}}, nil
}

func (c Lapse) decide(s State) ([]eventschema.Event, error) { //nolint:unparam // as every command is decided
	if !s.EndedAt.IsZero() || s.InForce(c.At) {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.HoldLapsed{HoldID: s.HoldID, LapsedAt: c.At.UTC()}}, nil
}

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.HoldPlaced:
		s = State{
			Placed: true, HoldID: e.HoldID, MatterID: e.MatterID, PersonID: e.PersonID, RecordID: e.RecordID, Purposes: e.Purposes,
			Reason: e.Reason, PlacedAt: e.PlacedAt, PlacedBy: e.PlacedBy, ConfirmBy: e.ConfirmBy, ReviewBy: e.ReviewBy,
		}
	case *eventschema.HoldConfirmed:
		s.ConfirmedAt, s.ConfirmedBy = e.ConfirmedAt, e.ConfirmedBy
	case *eventschema.HoldReviewed:
		// A review says that the hold is still needed: whoever wanted to lift it asks again.
		s.ReviewedAt, s.ReviewBy, s.LiftAskedAt, s.LiftAskedBy = e.ReviewedAt, e.ReviewBy, time.Time{}, uuid.Nil
	case *eventschema.HoldLiftRequested:
		s.LiftAskedAt, s.LiftAskedBy = e.RequestedAt, e.RequestedBy
	case *eventschema.HoldLifted:
		s.EndedAt = e.LiftedAt
	case *eventschema.HoldLapsed:
		s.EndedAt, s.Lapsed = e.LapsedAt, true
	}
	return s
}
