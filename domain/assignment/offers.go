package assignment

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// mostPoints bounds a bid.
const mostPoints = 1000

// Offer asks people, in the order of a strategy. A strategy that knows an order
// asks as many as there are places, or as Asked says; bidding and the release to
// all ask everybody who is free.
type Offer struct {
	Strategy   eventschema.Strategy
	Policy     Policy
	Candidates []Candidate
	Asked      int // 0: as many as there are places
	RespondBy  time.Time
	OfferedAt  time.Time
	OfferedBy  uuid.UUID
}

func (c Offer) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.OfferedAt); err != nil {
		return nil, err
	}
	switch {
	case c.OfferedBy == uuid.Nil:
		return nil, ErrNoActor
	case len(s.Places) >= s.Headcount:
		return nil, ErrFull
	case !ranks(c.Strategy):
		return nil, ErrStrategy
	case !c.RespondBy.After(c.OfferedAt) || c.RespondBy.After(s.StartsAt):
		return nil, ErrRespondBy
	}
	free, passedOver, err := s.consider(c.Policy, c.Candidates)
	if err != nil {
		return nil, err
	}
	if len(free) == 0 {
		return nil, &ConflictError{Conflicts: passedOver}
	}
	standings := Rank(c.Strategy, s.ShiftID, free)
	asked := c.Asked
	if asked <= 0 {
		asked = s.Headcount - len(s.Places)
	}
	if c.Strategy == eventschema.StrategyBidding || c.Strategy == eventschema.StrategyRelease {
		asked = len(standings)
	}
	event := &eventschema.ShiftOffered{
		ShiftID: s.ShiftID, Strategy: c.Strategy, PolicyVersion: c.Policy.Version, Standings: standings, PassedOver: passedOver,
		RespondBy: c.RespondBy.UTC(), OfferedAt: c.OfferedAt.UTC(), OfferedBy: c.OfferedBy,
	}
	for _, standing := range standings[:min(asked, len(standings))] {
		event.Offered = append(event.Offered, standing.WorkID)
	}
	return []eventschema.Event{event}, nil
}

// consider parts candidates into those who are free and the reasons against the
// others, which are in the order of their ids.
func (s State) consider(policy Policy, candidates []Candidate) (free []Candidate, passedOver []eventschema.PassedOver, err error) {
	sorted := slices.SortedFunc(slices.Values(candidates), func(a, b Candidate) int { return compareIDs(a.WorkID, b.WorkID) })
	for i, candidate := range sorted {
		if candidate.WorkID == uuid.Nil || i > 0 && sorted[i-1].WorkID == candidate.WorkID {
			return nil, nil, ErrCandidates
		}
		switch {
		case s.Assigned(candidate.WorkID):
			passedOver = append(passedOver, eventschema.PassedOver{WorkID: candidate.WorkID, Code: eventschema.ConflictAssigned})
			continue
		case slices.Contains(s.Declined, candidate.WorkID):
			passedOver = append(passedOver, eventschema.PassedOver{WorkID: candidate.WorkID, Code: eventschema.ConflictDeclined})
			continue
		}
		conflicts, err := policy.Conflicts(s.Slot(), candidate)
		if err != nil {
			return nil, nil, err
		}
		if len(conflicts) == 0 {
			free = append(free, candidate)
		}
		passedOver = append(passedOver, conflicts...)
	}
	if len(sorted) == 0 {
		return nil, nil, ErrCandidates
	}
	return free, passedOver, nil
}

// Accept takes a shift that was offered.
type Accept struct {
	Policy     Policy
	Candidate  Candidate
	AcceptedAt time.Time
}

func (c Accept) decide(s State) ([]eventschema.Event, error) {
	work := c.Candidate.WorkID
	if s.Assigned(work) {
		return nil, nil
	}
	if err := s.mayAnswer(work, c.AcceptedAt); err != nil {
		return nil, err
	}
	switch {
	case s.Strategy == eventschema.StrategyBidding:
		return nil, ErrOpenToBids
	case len(s.Places) >= s.Headcount:
		return nil, ErrFull
	}
	if err := c.Policy.refuse(s, c.Candidate); err != nil {
		return nil, err
	}
	assigned := &eventschema.ShiftAssigned{
		ShiftID: s.ShiftID, WorkID: work, Strategy: s.Strategy, PolicyVersion: c.Policy.Version, AssignedAt: c.AcceptedAt.UTC(),
	}
	for _, standing := range s.Standings {
		if standing.WorkID == work {
			assigned.Rank = standing.Rank
		}
	}
	return []eventschema.Event{&eventschema.OfferAccepted{ShiftID: s.ShiftID, WorkID: work, AcceptedAt: c.AcceptedAt.UTC()}, assigned}, nil
}

// mayAnswer refuses an answer to an offer that was not made, or is over.
func (s State) mayAnswer(work uuid.UUID, at time.Time) error {
	if err := s.open(at); err != nil {
		return err
	}
	switch {
	case s.Strategy == "" || s.Strategy != eventschema.StrategyRelease && !slices.Contains(s.Offered, work):
		return ErrNotOffered
	case !at.Before(s.RespondBy):
		return ErrOfferLapsed
	}
	return nil
}

// Decline says no to an offer.
type Decline struct {
	WorkID     uuid.UUID
	Reason     string // a code
	DeclinedAt time.Time
}

func (c Decline) decide(s State) ([]eventschema.Event, error) {
	if slices.Contains(s.Declined, c.WorkID) {
		return nil, nil
	}
	if err := s.mayAnswer(c.WorkID, c.DeclinedAt); err != nil {
		return nil, err
	}
	switch {
	case s.Assigned(c.WorkID):
		return nil, ErrAssigned
	case !domain.IsCode(c.Reason):
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.OfferDeclined{ShiftID: s.ShiftID, WorkID: c.WorkID, Reason: c.Reason, DeclinedAt: c.DeclinedAt.UTC()}}, nil
}

// PlaceBid bids for a shift that is open to bids.
type PlaceBid struct {
	WorkID uuid.UUID
	Points int
	BidAt  time.Time
}

func (c PlaceBid) decide(s State) ([]eventschema.Event, error) {
	if s.Strategy != eventschema.StrategyBidding {
		return nil, ErrNotOpenToBids
	}
	if err := s.mayAnswer(c.WorkID, c.BidAt); err != nil {
		return nil, err
	}
	if c.Points < 1 || c.Points > mostPoints {
		return nil, ErrPoints
	}
	for _, bid := range s.Bids {
		if bid.WorkID == c.WorkID && bid.Points == c.Points {
			return nil, nil
		}
	}
	return []eventschema.Event{&eventschema.BidPlaced{ShiftID: s.ShiftID, WorkID: c.WorkID, Points: c.Points, BidAt: c.BidAt.UTC()}}, nil
}

// Award gives the free places to the best bids. Candidates are those who bid, as
// they are now; the bids themselves are in the record.
type Award struct {
	Policy     Policy
	Candidates []Candidate
	AwardedAt  time.Time
	AwardedBy  uuid.UUID
}

func (c Award) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.AwardedAt); err != nil {
		return nil, err
	}
	switch {
	case c.AwardedBy == uuid.Nil:
		return nil, ErrNoActor
	case s.Strategy != eventschema.StrategyBidding:
		return nil, ErrNotOpenToBids
	case len(s.Places) >= s.Headcount:
		return nil, ErrFull
	}
	var bidders []Candidate
	for _, candidate := range c.Candidates {
		for _, bid := range s.Bids {
			if bid.WorkID == candidate.WorkID {
				candidate.Points, candidate.BidAt = bid.Points, bid.At
				bidders = append(bidders, candidate)
			}
		}
	}
	if len(bidders) == 0 {
		return nil, ErrNoBids
	}
	free, passedOver, err := s.consider(c.Policy, bidders)
	if err != nil {
		return nil, err
	}
	if len(free) == 0 {
		return nil, &ConflictError{Conflicts: passedOver}
	}
	var events []eventschema.Event
	standings := Rank(eventschema.StrategyBidding, s.ShiftID, free)
	for _, standing := range standings[:min(s.Headcount-len(s.Places), len(standings))] {
		events = append(events, &eventschema.ShiftAssigned{
			ShiftID: s.ShiftID, WorkID: standing.WorkID, Strategy: s.Strategy, Rank: standing.Rank, PolicyVersion: c.Policy.Version,
			Standings: standings, PassedOver: passedOver, AssignedAt: c.AwardedAt.UTC(), AssignedBy: c.AwardedBy,
		})
	}
	return events, nil
}

// Assign gives somebody a place on the word of an officer.
type Assign struct {
	Policy     Policy
	Candidate  Candidate
	AssignedAt time.Time
	AssignedBy uuid.UUID
}

func (c Assign) decide(s State) ([]eventschema.Event, error) {
	if s.Assigned(c.Candidate.WorkID) {
		return nil, nil
	}
	if err := s.open(c.AssignedAt); err != nil {
		return nil, err
	}
	switch {
	case c.AssignedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.Candidate.WorkID == uuid.Nil:
		return nil, ErrCandidates
	case len(s.Places) >= s.Headcount:
		return nil, ErrFull
	}
	if err := c.Policy.refuse(s, c.Candidate); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.ShiftAssigned{
		ShiftID: s.ShiftID, WorkID: c.Candidate.WorkID, Strategy: eventschema.StrategyDirect, PolicyVersion: c.Policy.Version,
		AssignedAt: c.AssignedAt.UTC(), AssignedBy: c.AssignedBy,
	}}, nil
}

// Unassign takes somebody off a shift that is not completed.
type Unassign struct {
	WorkID       uuid.UUID
	Reason       string    // a code
	With         uuid.UUID // the shift that came first, of a double booking
	UnassignedAt time.Time
	UnassignedBy uuid.UUID
}

func (c Unassign) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Cancelled:
		return nil, ErrCancelled
	case s.Completed:
		return nil, ErrCompleted
	case !s.Assigned(c.WorkID):
		return nil, ErrNotAssigned
	case c.UnassignedBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.ShiftUnassigned{
		ShiftID: s.ShiftID, WorkID: c.WorkID, Reason: c.Reason, With: c.With, UnassignedAt: c.UnassignedAt.UTC(), UnassignedBy: c.UnassignedBy,
	}}, nil
}
