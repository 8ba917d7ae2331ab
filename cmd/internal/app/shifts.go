package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// reasonDoubleBooked is why somebody is taken off a shift whose assignment was
// overtaken by that of another, see domain/decisions/0115.
const reasonDoubleBooked = "double_booked"

var errDoubleBooked = &httpapi.Refusal{Code: reasonDoubleBooked, Message: "another shift at the same time was assigned a moment earlier; this assignment was taken back"}

// ShiftView is one shift, as its stream has it.
type ShiftView struct {
	assignment.State
	Revision uint64
}

// PlanShift plans a shift. The key of the intent names it.
func (a *App) PlanShift(ctx context.Context, intent httpapi.Intent, plan assignment.Plan) (httpapi.Receipt, uuid.UUID, error) {
	plan.ShiftID = uuid.NewSHA1(a.tenant, []byte("shift\x00"+intent.Key))
	plan.PlannedBy = intent.Principal.ID
	outcome, err := a.handleShift(ctx, intent, plan.ShiftID, plan)
	if err == nil && outcome.Repeated {
		err = a.samePlan(ctx, plan, intent.Key)
	}
	if err != nil {
		return httpapi.Receipt{}, uuid.Nil, outwardShift(err)
	}
	return receipt(outcome), plan.ShiftID, nil
}

// samePlan refuses a plan whose key named a shift with other values: who plans a
// second one is not to believe that it is there.
func (a *App) samePlan(ctx context.Context, plan assignment.Plan, key string) error {
	events, err := a.appendedBy(ctx, eventschema.AssignmentStream(a.tenant, plan.ShiftID), key)
	if err != nil {
		return err
	}
	for _, event := range events {
		e, planned := event.(*eventschema.ShiftPlanned)
		if planned && (e.Kind != plan.Kind || e.Employer != plan.Employer || e.Site != plan.Site || e.Zone != plan.Zone || e.Headcount != plan.Headcount ||
			e.Qualification != plan.Qualification || !e.StartsAt.Equal(plan.StartsAt) || !e.EndsAt.Equal(plan.EndsAt)) {
			return assignment.ErrOtherPlan
		}
	}
	return nil
}

// Known is what only the caller knows of somebody who could work a shift.
type Known = httpapi.Known

// AdvanceShift takes a shift one step further. step makes the command from the
// people it is about, as the roster knows them up to the end of the log.
func (a *App) AdvanceShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, people []Known, step func([]assignment.Candidate) assignment.Command) (httpapi.Receipt, error) {
	loaded, err := a.loadShift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	candidates, err := a.candidates(ctx, loaded.State, people)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	outcome, err := a.handleShift(ctx, intent, shift, step(candidates))
	if err == nil {
		err = a.settleBookings(ctx, intent, outcome)
	}
	if err != nil {
		return httpapi.Receipt{}, outwardShift(err)
	}
	return receipt(outcome), nil
}

func (a *App) handleShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, command assignment.Command) (domain.Outcome, error) {
	return domain.Handle(ctx, a.handler, assignment.Decider(), domain.Request{
		Stream: eventschema.AssignmentStream(a.tenant, shift), Key: intent.Key, Actor: actorIn(intent.Principal, intent.Principal.Work),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, command)
}

func (a *App) loadShift(ctx context.Context, shift uuid.UUID) (*domain.Loaded[assignment.State], error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.AssignmentStream(a.tenant, shift), assignment.Decider())
	if err == nil && !loaded.State.Planned {
		err = assignment.ErrNotPlanned
	}
	return loaded, outwardShift(err)
}

// Shift reads one shift.
func (a *App) Shift(ctx context.Context, shift uuid.UUID) (ShiftView, error) {
	loaded, err := a.loadShift(ctx, shift)
	if err != nil {
		return ShiftView{}, err
	}
	return ShiftView{State: loaded.State, Revision: uint64(loaded.Next)}, nil //nolint:gosec // the stream has an event
}

// ShiftEvents lists everything that was recorded of one shift, in order.
func (a *App) ShiftEvents(ctx context.Context, shift uuid.UUID) ([]eventschema.Decoded, error) {
	stream := eventschema.AssignmentStream(a.tenant, shift)
	var events []eventschema.Decoded
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, outward(err)
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return nil, fmt.Errorf("decode %s: %w", stream, err)
		}
		events = append(events, decoded)
	}
	if len(events) == 0 {
		return nil, outwardShift(assignment.ErrNotPlanned)
	}
	return events, nil
}

// ShiftNow implements [httpapi.Shifts].
func (a *App) ShiftNow(ctx context.Context, by httpapi.Principal, shift uuid.UUID) (httpapi.RosterShift, uint64, error) {
	view, err := a.Shift(ctx, shift)
	if err != nil {
		return httpapi.RosterShift{}, 0, err
	}
	last, err := a.whole.LastPosition(ctx) // so that nobody decides on less than the revision says
	if err == nil {
		err = a.Await(ctx, last)
	}
	if err != nil {
		return httpapi.RosterShift{}, 0, outward(err)
	}
	roster, err := a.Roster(ctx, by, projections.ShiftsAsked{IDs: []uuid.UUID{shift}})
	if err != nil || len(roster) == 0 {
		return httpapi.RosterShift{}, 0, errors.Join(err, httpapi.ErrNotFound)
	}
	return roster[0], view.Revision, nil
}

// candidates adds to what the caller knows of people what the roster says of them.
// A work record that is not there, or whose person is erased, is refused.
func (a *App) candidates(ctx context.Context, shift assignment.State, people []Known) ([]assignment.Candidate, error) {
	for _, p := range people {
		if err := a.requireWork(ctx, p.WorkID); err != nil {
			return nil, err
		}
		if err := a.refuseErased(ctx, p.WorkID); err != nil {
			return nil, err
		}
	}
	return a.committed(ctx, shift, people)
}

// committed adds what the roster says of people up to the end of the log.
func (a *App) committed(ctx context.Context, shift assignment.State, people []Known) ([]assignment.Candidate, error) {
	if len(people) == 0 {
		return nil, nil
	}
	works, index := make([]uuid.UUID, len(people)), map[uuid.UUID]int{}
	candidates := make([]assignment.Candidate, len(people))
	for i, p := range people {
		works[i], index[p.WorkID] = p.WorkID, i
		candidates[i] = assignment.Candidate{WorkID: p.WorkID, Seniority: p.Seniority, Qualifications: p.Qualifications}
	}
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return nil, outward(err)
	}
	if err := a.Await(ctx, last); err != nil {
		return nil, outward(err)
	}
	since := shift.StartsAt.AddDate(0, 0, -assignment.DefaultPolicy().FairnessDays)
	assigned, err := projections.AssignmentsOf(ctx, a.models.Querier(), a.tenant, works, since, shift.EndsAt.Add(assignment.Reach))
	if err != nil {
		return nil, outward(err)
	}
	for _, s := range assigned {
		if s.ShiftID == shift.ShiftID {
			continue
		}
		c := &candidates[index[s.WorkID]]
		c.Assigned.Minutes += int64(s.EndsAt.Sub(s.StartsAt) / time.Minute)
		c.Assigned.Shifts++
		if s.StartsAt.After(c.LastStart) {
			c.LastStart = s.StartsAt
		}
		if s.EndsAt.After(shift.StartsAt.Add(-assignment.Reach)) {
			c.Commitments = append(c.Commitments, commitment(s))
		}
	}
	return candidates, nil
}

func commitment(s projections.Assignment) assignment.Commitment {
	return assignment.Commitment{ShiftID: s.ShiftID, Kind: s.Kind, Employer: s.Employer, Start: s.StartsAt, End: s.EndsAt}
}

// settleBookings takes back what was just assigned where the log holds an earlier
// assignment of the same person at the same time.
func (a *App) settleBookings(ctx context.Context, intent httpapi.Intent, outcome domain.Outcome) error {
	var assigned []*eventschema.ShiftAssigned
	for _, event := range outcome.Events {
		switch e := event.(type) {
		case *eventschema.ShiftAssigned:
			assigned = append(assigned, e)
		case *eventschema.SwapApproved:
			assigned = append(assigned, &eventschema.ShiftAssigned{ShiftID: e.ShiftID, WorkID: e.ToWorkID})
		}
	}
	return a.settle(ctx, intent, outcome.Position, assigned)
}

func (a *App) settle(ctx context.Context, intent httpapi.Intent, position uint64, assigned []*eventschema.ShiftAssigned) error {
	if len(assigned) == 0 {
		return nil
	}
	if err := a.Await(ctx, position); err != nil {
		return err
	}
	var taken error
	for _, e := range assigned {
		earlier, err := a.earlierBooking(ctx, e)
		if err != nil || earlier == uuid.Nil {
			if err != nil {
				return err
			}
			continue
		}
		back := intent
		back.Key, back.IfRevision = fmt.Sprintf("%s\x00double_booked\x00%s", intent.Key, e.WorkID), nil
		_, err = a.handleShift(ctx, back, e.ShiftID, assignment.Unassign{
			WorkID: e.WorkID, Reason: reasonDoubleBooked, With: earlier, UnassignedAt: a.clock(), UnassignedBy: intent.Principal.ID,
		})
		if err != nil && !errors.Is(err, assignment.ErrNotAssigned) {
			return err
		}
		taken = errDoubleBooked
	}
	return taken
}

// earlierBooking finds a shift of the same person that overlaps and was assigned
// earlier in the log.
func (a *App) earlierBooking(ctx context.Context, e *eventschema.ShiftAssigned) (uuid.UUID, error) {
	shifts, err := projections.Shifts(ctx, a.models.Querier(), a.tenant, projections.ShiftsAsked{IDs: []uuid.UUID{e.ShiftID}})
	if err != nil || len(shifts) == 0 {
		return uuid.Nil, err
	}
	all, err := projections.AssignmentsOf(ctx, a.models.Querier(), a.tenant, []uuid.UUID{e.WorkID}, shifts[0].StartsAt, shifts[0].EndsAt)
	if err != nil {
		return uuid.Nil, err
	}
	own := slices.IndexFunc(all, func(s projections.Assignment) bool { return s.ShiftID == e.ShiftID })
	if own < 0 {
		return uuid.Nil, nil // taken off meanwhile
	}
	for _, other := range all {
		if other.ShiftID != e.ShiftID && other.Position < all[own].Position {
			return other.ShiftID, nil
		}
	}
	return uuid.Nil, nil
}

// outwardShift translates the refusals of shifts; those about conflicts keep their
// figures.
func outwardShift(err error) error {
	var conflict *assignment.ConflictError
	switch {
	case errors.As(err, &conflict):
		return &httpapi.Refusal{Code: "shift_conflict", Message: conflict.Error()}
	case errors.Is(err, assignment.ErrNotPlanned):
		return errors.Join(httpapi.ErrNotFound, err)
	}
	for _, r := range refusalsOfShifts() {
		if errors.Is(err, r.err) {
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	return outward(err)
}

// refusalsOfShifts names every rule about shifts that may say no to a caller.
func refusalsOfShifts() []refusal {
	return []refusal{
		{assignment.ErrAlreadyPlanned, "already_planned", ""},
		{assignment.ErrOtherPlan, "planned_otherwise", ""},
		{assignment.ErrKind, "bad_kind", "/kind"},
		{assignment.ErrCode, "bad_code", ""},
		{assignment.ErrTimes, "bad_times", "/ends_at"},
		{assignment.ErrHeadcount, "bad_headcount", "/headcount"},
		{assignment.ErrZone, "bad_zone", "/zone"},
		{assignment.ErrCancelled, "shift_cancelled", ""},
		{assignment.ErrCompleted, "shift_completed", ""},
		{assignment.ErrBegun, "shift_begun", ""},
		{assignment.ErrAssigned, "already_assigned", "/work_id"},
		{assignment.ErrMovedBack, "moved_back", "/starts_at"},
		{assignment.ErrFull, "shift_full", ""},
		{assignment.ErrStrategy, "bad_strategy", "/strategy"},
		{assignment.ErrCandidates, "bad_candidates", "/candidates"},
		{assignment.ErrRespondBy, "bad_respond_by", "/respond_by"},
		{assignment.ErrNotOffered, "not_offered", ""},
		{assignment.ErrOfferLapsed, "offer_lapsed", ""},
		{assignment.ErrOpenToBids, "open_to_bids", ""},
		{assignment.ErrNotOpenToBids, "not_open_to_bids", ""},
		{assignment.ErrPoints, "bad_points", "/points"},
		{assignment.ErrNoBids, "no_bids", ""},
		{assignment.ErrNotAssigned, "not_assigned", "/work_id"},
		{assignment.ErrSwapSelf, "bad_swap", "/to_work_id"},
		{assignment.ErrSwapOpen, "swap_open", ""},
		{assignment.ErrNoSwap, "no_swap", "/swap_id"},
		{assignment.ErrNotAgreed, "swap_not_agreed", ""},
		{assignment.ErrNotOver, "shift_not_over", ""},
		{assignment.ErrResults, "bad_results", "/results"},
		{assignment.ErrRating, "bad_rating", "/rating"},
	}
}
