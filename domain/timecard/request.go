package timecard

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals of requests.
var (
	ErrNotRequested = errors.New("there is no such request for a correction")
	ErrDecided      = errors.New("the request has been decided")
	ErrGround       = errors.New("a ground is a code: up to 60 lower-case letters, digits and underscores")
)

// Request is what deciding about a requested correction needs.
type Request struct {
	Asked   eventschema.CorrectionRequested
	Decided bool
	Made    bool // approved
}

// RequestCommand is one of [AskCorrection], [ApproveCorrection], [RefuseCorrection].
type RequestCommand interface {
	decide(Request) ([]eventschema.Event, error)
}

// AskCorrection asks for a correction of a punch.
type AskCorrection eventschema.CorrectionRequested

// ApproveCorrection is the word of the second person. Whoever handles it corrects
// the punch before the event is appended.
type ApproveCorrection struct {
	ApprovedBy uuid.UUID
	ApprovedAt time.Time
}

// RefuseCorrection leaves the punch as it is.
type RefuseCorrection struct {
	RefusedBy uuid.UUID
	RefusedAt time.Time
	Ground    string // a code
}

// RequestDecider decides for one request.
func RequestDecider() domain.Decider[Request, RequestCommand] {
	return domain.Decider[Request, RequestCommand]{
		Initial: func() Request { return Request{} },
		Decide: func(s Request, c RequestCommand) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(s)
		},
		Evolve: evolveRequest,
	}
}

func (c AskCorrection) decide(s Request) ([]eventschema.Event, error) {
	switch {
	case s.Asked.CorrectionID != uuid.Nil:
		return nil, nil
	case c.PunchID == uuid.Nil || c.WorkID == uuid.Nil:
		return nil, ErrUnknownPunch
	case c.RequestedBy == uuid.Nil:
		return nil, ErrNoApprover
	case !validReason(c.Reason):
		return nil, ErrReason
	}
	asked := eventschema.CorrectionRequested(c)
	asked.RequestedAt, asked.OccurredAt = c.RequestedAt.UTC(), c.OccurredAt.UTC()
	if c.Void {
		asked.OccurredAt, asked.OffsetSeconds, asked.Direction, asked.Kind, asked.Job = time.Time{}, 0, "", "", nil
		return []eventschema.Event{&asked}, nil
	}
	if err := errors.Join(validKey(c.Direction, c.Kind, c.OffsetSeconds), validJob(c.Job)); err != nil {
		return nil, err
	}
	switch {
	case c.OccurredAt.IsZero():
		return nil, ErrNoTime
	case c.OccurredAt.After(c.RequestedAt.Add(ClockTolerance)):
		return nil, ErrInTheFuture
	}
	return []eventschema.Event{&asked}, nil
}

func (c ApproveCorrection) decide(s Request) ([]eventschema.Event, error) {
	switch {
	case s.Made:
		return nil, nil
	case s.Asked.CorrectionID == uuid.Nil:
		return nil, ErrNotRequested
	case s.Decided:
		return nil, ErrDecided
	case c.ApprovedBy == uuid.Nil:
		return nil, ErrNoApprover
	case c.ApprovedBy == s.Asked.RequestedBy:
		return nil, ErrSelfApproval
	}
	return []eventschema.Event{&eventschema.CorrectionApproved{CorrectionID: s.Asked.CorrectionID, ApprovedAt: c.ApprovedAt.UTC(), ApprovedBy: c.ApprovedBy}}, nil
}

func (c RefuseCorrection) decide(s Request) ([]eventschema.Event, error) {
	switch {
	case s.Asked.CorrectionID == uuid.Nil:
		return nil, ErrNotRequested
	case s.Made:
		return nil, ErrDecided
	case s.Decided:
		return nil, nil
	case c.RefusedBy == uuid.Nil:
		return nil, ErrNoApprover
	case !domain.IsCode(c.Ground):
		return nil, ErrGround
	}
	return []eventschema.Event{&eventschema.CorrectionRefused{
		CorrectionID: s.Asked.CorrectionID, RefusedAt: c.RefusedAt.UTC(), RefusedBy: c.RefusedBy, Ground: c.Ground,
	}}, nil
}

func evolveRequest(s Request, event eventschema.Event) Request {
	switch e := event.(type) {
	case *eventschema.CorrectionRequested:
		s.Asked = *e
	case *eventschema.CorrectionApproved:
		s.Decided, s.Made = true, true
	case *eventschema.CorrectionRefused:
		s.Decided = true
	}
	return s
}
