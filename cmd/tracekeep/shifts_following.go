package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/projections"
)

type followingFlag struct {
	Following bool `help:"Also all shifts of its weekly pattern that come after it."`
}

// errNoPattern refuses to follow a shift that nothing follows.
var errNoPattern = errors.New("the shift is of no weekly pattern; leave --following out")

// of lists a shift, and where it is asked for those of its pattern that come after it
// and can still be changed, by start.
func (f followingFlag) of(ctx context.Context, a *app.App, shift uuid.UUID) ([]httpapi.RosterShift, error) {
	if err := a.CatchUp(ctx, nil); err != nil {
		return nil, err
	}
	first, err := a.Roster(ctx, operator(a), projections.ShiftsAsked{IDs: []uuid.UUID{shift}})
	switch {
	case err != nil:
		return nil, err
	case len(first) == 0:
		return nil, assignment.ErrNotPlanned
	case !f.Following:
		return first, nil
	case first[0].RosterID == uuid.Nil:
		return nil, &coded{code: exitUsage, err: errNoPattern}
	}
	later, err := a.Roster(ctx, operator(a), projections.ShiftsAsked{From: first[0].StartsAt})
	return append(first, slices.DeleteFunc(later, func(s httpapi.RosterShift) bool {
		return s.RosterID != first[0].RosterID || !s.StartsAt.After(first[0].StartsAt) || s.CancelledAt != nil || s.CompletedAt != nil
	})...), err
}

func idsOf(shifts []httpapi.RosterShift) []uuid.UUID {
	ids := make([]uuid.UUID, len(shifts))
	for i, s := range shifts {
		ids[i] = s.ShiftID
	}
	return ids
}

// move is a shift and its new times.
type move struct {
	shift uuid.UUID
	to    assignment.Times
}

// movesOf moves the first shift to some times, and the others by as many days to the
// same times of day, as a weekly pattern has them. What moves to a later time begins
// with the last shift, so that none has to pass another one of the same people.
func movesOf(shifts []httpapi.RosterShift, to assignment.Times) ([]move, error) {
	moves := []move{{shifts[0].ShiftID, to}}
	dateOf := func(local string) (time.Time, error) { return time.Parse(time.DateOnly, local[:len(time.DateOnly)]) }
	from, err := dateOf(shifts[0].StartsLocal)
	if err != nil {
		return nil, err
	}
	first, err := dateOf(to.StartsLocal)
	if err != nil {
		return nil, err
	}
	loc, err := zoneIn(to.Zone)
	if err != nil {
		return nil, err
	}
	start, end := to.StartsAt.In(loc), to.EndsAt.In(loc)
	if len(shifts) > 1 && (!end.After(start) || end.Sub(start) > 24*time.Hour) { // before any of them is moved
		return nil, &coded{code: exitUsage, err: assignment.ErrTimes}
	}
	for _, s := range shifts[1:] {
		date, err := dateOf(s.StartsLocal)
		if err != nil {
			return nil, err
		}
		date = date.Add(first.Sub(from))
		pattern := assignment.Pattern{
			Weekdays: []time.Weekday{date.Weekday()}, Zone: loc,
			Start: assignment.Clock{Hour: start.Hour(), Min: start.Minute()}, End: assignment.Clock{Hour: end.Hour(), Min: end.Minute()},
		}
		day := date.Format(time.DateOnly)
		on, err := pattern.Expand(day, day)
		if err != nil {
			return nil, err
		}
		if len(on) == 0 {
			return nil, &coded{code: exitUsage, err: fmt.Errorf("the clocks skip the shift of %s; call it off first", day)}
		}
		moves = append(moves, move{s.ShiftID, on[0].Times})
	}
	if to.StartsAt.After(shifts[0].StartsAt) {
		slices.Reverse(moves)
	}
	return moves, nil
}
