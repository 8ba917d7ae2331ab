// Package assignment decides about one shift: planned, offered, taken, swapped,
// cancelled, completed. A shift is duty, or a detail for another employer; the
// same rules hold for both, and what may count together is data ([Policy]).
//
// Whether somebody is free depends on other shifts, which have streams of their
// own. Whoever sends a command brings what the person already has to do, and the
// rule here answers with the figures. Two commands that overtake each other are
// settled by the order of the log, see domain/decisions/0115.
package assignment

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
	ErrNotPlanned     = errors.New("there is no such shift")
	ErrAlreadyPlanned = errors.New("the shift is already planned")
	ErrOtherPlan      = errors.New("under this key another shift is planned already; give a key of its own to plan one more, or move the one that is there")
	ErrNoActor        = errors.New("somebody must answer for this step")
	ErrKind           = errors.New("a shift is duty, a detail or a task")
	ErrCode           = errors.New("a code is required: up to 60 lower-case letters, digits and underscores")
	ErrTimes          = errors.New("a shift ends after it starts, within 24 hours, a task within 31 days")
	ErrHeadcount      = errors.New("a shift needs between 1 and 999 people")
	ErrZone           = errors.New("a shift needs the named time zone of its site")
	ErrCancelled      = errors.New("the shift is cancelled")
	ErrCompleted      = errors.New("the shift is completed")
	ErrBegun          = errors.New("the shift has begun")
	ErrAssigned       = errors.New("this person is assigned to the shift: an offer that was taken is not declined")
	ErrMovedBack      = errors.New("a shift is moved to a time that has not begun")
	ErrFull           = errors.New("every place on the shift is taken")
	ErrStrategy       = errors.New("this strategy does not put people in order")
	ErrCandidates     = errors.New("candidates are named once each, at least one of them")
	ErrRespondBy      = errors.New("an offer needs a time to answer by, before the shift starts")
	ErrNotOffered     = errors.New("the shift was not offered to this person")
	ErrOfferLapsed    = errors.New("the time to answer is over")
	ErrOpenToBids     = errors.New("this shift is bid for, not accepted")
	ErrNotOpenToBids  = errors.New("this shift is not open to bids")
	ErrPoints         = errors.New("a bid has between 1 and 1000 points")
	ErrNoBids         = errors.New("nobody who bid can have the shift")
	ErrNotAssigned    = errors.New("this person is not assigned to the shift")
	ErrSwapSelf       = errors.New("a swap is between two people, and the other one has no place on the shift yet")
	ErrSwapOpen       = errors.New("this place is already being swapped")
	ErrNoSwap         = errors.New("there is no such swap, or it is over")
	ErrNotAgreed      = errors.New("the other person has not agreed to the swap")
	ErrNotOver        = errors.New("the shift is not over yet")
	ErrResults        = errors.New("a result is required for each person assigned, and for nobody else")
	ErrRating         = errors.New("this rating is not known")
)

// Status is how far a shift has come.
type Status string

// The states of a shift.
const (
	StatusPlanned   Status = "planned" // nobody has been asked
	StatusOffered   Status = "offered"
	StatusBidding   Status = "bidding"
	StatusReleased  Status = "released_to_all"
	StatusFilled    Status = "filled"
	StatusCancelled Status = "cancelled"
	StatusCompleted Status = "completed"
)

// Place is one person on the shift.
type Place struct {
	WorkID   uuid.UUID
	Strategy eventschema.Strategy
}

// Bid is what somebody bids for the shift.
type Bid struct {
	WorkID uuid.UUID
	Points int
	At     time.Time
}

// Swap is one that is not over.
type Swap struct {
	ID       uuid.UUID
	From, To uuid.UUID
	Agreed   bool
}

// State is what deciding needs.
type State struct {
	Planned       bool
	ShiftID       uuid.UUID
	Kind          eventschema.ShiftKind
	Employer      string
	Site          string
	Zone          string
	StartsAt      time.Time
	EndsAt        time.Time
	Headcount     int
	Qualification string

	Strategy  eventschema.Strategy // of the latest offer; empty before one
	Standings []eventschema.Standing
	Offered   []uuid.UUID
	RespondBy time.Time
	Declined  []uuid.UUID
	Bids      []Bid
	Places    []Place
	Swaps     []Swap
	Cancelled bool
	Completed bool
}

// Status says how far the shift has come.
func (s State) Status() Status {
	switch {
	case s.Cancelled:
		return StatusCancelled
	case s.Completed:
		return StatusCompleted
	case s.Planned && len(s.Places) >= s.Headcount:
		return StatusFilled
	case s.Strategy == eventschema.StrategyBidding:
		return StatusBidding
	case s.Strategy == eventschema.StrategyRelease:
		return StatusReleased
	case s.Strategy != "":
		return StatusOffered
	}
	return StatusPlanned
}

// Assigned says whether somebody has a place.
func (s State) Assigned(work uuid.UUID) bool {
	return slices.ContainsFunc(s.Places, func(p Place) bool { return p.WorkID == work })
}

// Slot is the shift as the rules about conflicts see it.
func (s State) Slot() Slot {
	return Slot{ShiftID: s.ShiftID, Kind: s.Kind, Employer: s.Employer, Start: s.StartsAt, End: s.EndsAt, Zone: s.Zone, Qualification: s.Qualification}
}

// open refuses what comes too late for a shift.
func (s State) open(at time.Time) error {
	switch {
	case s.Cancelled:
		return ErrCancelled
	case s.Completed:
		return ErrCompleted
	case !at.Before(s.StartsAt):
		return ErrBegun
	}
	return nil
}

// Command is one of the commands of this package.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Decider decides for one shift.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{Initial: func() State { return State{} }, Decide: decide, Evolve: evolve}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	if _, plans := command.(Plan); !plans && !state.Planned {
		return nil, ErrNotPlanned
	}
	return command.decide(state)
}

func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.ShiftPlanned:
		s = State{
			Planned: true, ShiftID: e.ShiftID, Kind: e.Kind, Employer: e.Employer, Site: e.Site, Zone: e.Zone, StartsAt: e.StartsAt, EndsAt: e.EndsAt,
			Headcount: e.Headcount, Qualification: e.Qualification,
		}
	case *eventschema.ShiftRescheduled:
		s.Zone, s.StartsAt, s.EndsAt = e.Zone, e.StartsAt, e.EndsAt
		s.Strategy, s.Standings, s.Offered, s.Declined, s.Bids, s.Swaps = "", nil, nil, nil, nil, nil
	case *eventschema.ShiftOffered:
		s.Strategy, s.Standings, s.Offered, s.RespondBy = e.Strategy, e.Standings, e.Offered, e.RespondBy
	case *eventschema.OfferDeclined:
		s.Declined = with(s.Declined, e.WorkID)
	case *eventschema.BidPlaced:
		s.Declined = slices.DeleteFunc(slices.Clone(s.Declined), func(work uuid.UUID) bool { return work == e.WorkID }) // the bid is the later word
		s.Bids = append(slices.DeleteFunc(slices.Clone(s.Bids), func(b Bid) bool { return b.WorkID == e.WorkID }), Bid{WorkID: e.WorkID, Points: e.Points, At: e.BidAt})
	case *eventschema.ShiftAssigned:
		s.Places = append(without(s.Places, e.WorkID), Place{WorkID: e.WorkID, Strategy: e.Strategy})
	case *eventschema.ShiftUnassigned:
		s.Places = without(s.Places, e.WorkID)
		s.Swaps = slices.DeleteFunc(slices.Clone(s.Swaps), func(w Swap) bool { return w.From == e.WorkID })
	case *eventschema.ShiftCancelled:
		s.Cancelled = true
	case *eventschema.ShiftCompleted:
		s.Completed = true
	default:
		s.Swaps, s.Places = evolveSwap(s, event)
	}
	return s
}

func evolveSwap(s State, event eventschema.Event) ([]Swap, []Place) {
	over := func(id uuid.UUID) []Swap {
		return slices.DeleteFunc(slices.Clone(s.Swaps), func(w Swap) bool { return w.ID == id })
	}
	switch e := event.(type) {
	case *eventschema.SwapRequested:
		return append(over(e.SwapID), Swap{ID: e.SwapID, From: e.FromWorkID, To: e.ToWorkID}), s.Places
	case *eventschema.SwapAgreed:
		swaps := slices.Clone(s.Swaps)
		for i := range swaps {
			swaps[i].Agreed = swaps[i].Agreed || swaps[i].ID == e.SwapID
		}
		return swaps, s.Places
	case *eventschema.SwapApproved:
		return over(e.SwapID), append(without(without(s.Places, e.FromWorkID), e.ToWorkID), Place{WorkID: e.ToWorkID, Strategy: eventschema.StrategySwap})
	case *eventschema.SwapRefused:
		return over(e.SwapID), s.Places
	}
	return s.Swaps, s.Places
}

// with and without answer new lists: a state that was folded stays as it is.
func with(ids []uuid.UUID, id uuid.UUID) []uuid.UUID {
	if slices.Contains(ids, id) {
		return ids
	}
	return append(slices.Clone(ids), id)
}

func without(places []Place, work uuid.UUID) []Place {
	return slices.DeleteFunc(slices.Clone(places), func(p Place) bool { return p.WorkID == work })
}
