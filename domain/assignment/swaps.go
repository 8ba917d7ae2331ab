package assignment

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// RequestSwap is the word of who gives a place away.
type RequestSwap struct {
	SwapID      uuid.UUID
	From, To    uuid.UUID // work ids
	RequestedAt time.Time
}

func (c RequestSwap) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.RequestedAt); err != nil {
		return nil, err
	}
	switch {
	case !s.Assigned(c.From):
		return nil, ErrNotAssigned
	case c.To == uuid.Nil || c.To == c.From || s.Assigned(c.To):
		return nil, ErrSwapSelf
	}
	for _, swap := range s.Swaps {
		switch {
		case swap == Swap{ID: c.SwapID, From: c.From, To: c.To, Agreed: swap.Agreed}:
			return nil, nil
		case swap.From == c.From || swap.ID == c.SwapID:
			return nil, ErrSwapOpen
		}
	}
	return []eventschema.Event{&eventschema.SwapRequested{
		ShiftID: s.ShiftID, SwapID: c.SwapID, FromWorkID: c.From, ToWorkID: c.To, RequestedAt: c.RequestedAt.UTC(),
	}}, nil
}

func (s State) swap(id uuid.UUID) (Swap, error) {
	i := slices.IndexFunc(s.Swaps, func(w Swap) bool { return w.ID == id })
	if i < 0 {
		return Swap{}, ErrNoSwap
	}
	return s.Swaps[i], nil
}

// AgreeSwap is the word of who takes the place.
type AgreeSwap struct {
	SwapID   uuid.UUID
	WorkID   uuid.UUID
	AgreedAt time.Time
}

func (c AgreeSwap) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.AgreedAt); err != nil {
		return nil, err
	}
	swap, err := s.swap(c.SwapID)
	switch {
	case err != nil:
		return nil, err
	case swap.To != c.WorkID:
		return nil, ErrNoSwap // nobody is told of the swaps of others
	case swap.Agreed:
		return nil, nil
	}
	return []eventschema.Event{&eventschema.SwapAgreed{ShiftID: s.ShiftID, SwapID: c.SwapID, WorkID: c.WorkID, AgreedAt: c.AgreedAt.UTC()}}, nil
}

// ApproveSwap moves the place, once both have agreed and where the rules allow it.
type ApproveSwap struct {
	SwapID     uuid.UUID
	Policy     Policy
	Candidate  Candidate // who takes the place
	ApprovedAt time.Time
	ApprovedBy uuid.UUID
}

func (c ApproveSwap) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.ApprovedAt); err != nil {
		return nil, err
	}
	swap, err := s.swap(c.SwapID)
	switch {
	case err != nil:
		return nil, err
	case c.ApprovedBy == uuid.Nil:
		return nil, ErrNoActor
	case !swap.Agreed:
		return nil, ErrNotAgreed
	case c.Candidate.WorkID != swap.To:
		return nil, ErrCandidates
	case s.Assigned(swap.To):
		return nil, ErrSwapSelf
	}
	if err := c.Policy.refuse(s, c.Candidate); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.SwapApproved{
		ShiftID: s.ShiftID, SwapID: c.SwapID, FromWorkID: swap.From, ToWorkID: swap.To, PolicyVersion: c.Policy.Version,
		ApprovedAt: c.ApprovedAt.UTC(), ApprovedBy: c.ApprovedBy,
	}}, nil
}

// RefuseSwap ends a swap, by one of the two or by an officer.
type RefuseSwap struct {
	SwapID    uuid.UUID
	WorkID    uuid.UUID // of the two, whose word it is; nil: an officer's
	Reason    string    // a code
	RefusedAt time.Time
	RefusedBy uuid.UUID
}

func (c RefuseSwap) decide(s State) ([]eventschema.Event, error) {
	swap, err := s.swap(c.SwapID)
	switch {
	case err != nil:
		return nil, err
	case c.WorkID != uuid.Nil && c.WorkID != swap.From && c.WorkID != swap.To:
		return nil, ErrNoSwap // nobody is told of the swaps of others
	case c.RefusedBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.SwapRefused{
		ShiftID: s.ShiftID, SwapID: c.SwapID, Reason: c.Reason, RefusedAt: c.RefusedAt.UTC(), RefusedBy: c.RefusedBy,
	}}, nil
}
