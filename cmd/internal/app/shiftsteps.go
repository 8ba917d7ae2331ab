package app

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// RescheduleShift moves a shift. Whoever cannot have it at its new time is taken off
// and answered, with the rule that says so.
func (a *App) RescheduleShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, move assignment.Reschedule) (httpapi.Receipt, []httpapi.TakenOff, error) {
	loaded, err := a.loadShift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, nil, err
	}
	moved := loaded.State
	moved.StartsAt, moved.EndsAt = move.StartsAt, move.EndsAt
	people := make([]Known, len(moved.Places))
	for i, p := range moved.Places {
		people[i].WorkID = p.WorkID
	}
	if move.Candidates, err = a.committed(ctx, moved, people); err != nil {
		return httpapi.Receipt{}, nil, err
	}
	move.Policy, move.RescheduledBy = assignment.DefaultPolicy(), intent.Principal.ID
	outcome, err := a.handleShift(ctx, intent, shift, move)
	if errors.Is(err, assignment.ErrCandidates) { // somebody was assigned meanwhile
		err = httpapi.ErrConflict
	}
	events := outcome.Events
	if err == nil && outcome.Repeated {
		events, err = a.appendedBy(ctx, eventschema.AssignmentStream(a.tenant, shift), intent.Key)
	}
	if err != nil {
		return httpapi.Receipt{}, nil, outwardShift(err)
	}
	var off []httpapi.TakenOff
	for _, event := range events {
		if e, ok := event.(*eventschema.ShiftUnassigned); ok {
			off = append(off, httpapi.TakenOff{WorkID: e.WorkID, Reason: e.Reason, With: e.With})
		}
	}
	var kept []*eventschema.ShiftAssigned // a shift assigned meanwhile came first: the move stands later in the log
	for _, p := range loaded.State.Places {
		if !slices.ContainsFunc(off, func(o httpapi.TakenOff) bool { return o.WorkID == p.WorkID }) {
			kept = append(kept, &eventschema.ShiftAssigned{ShiftID: shift, WorkID: p.WorkID})
		}
	}
	if len(outcome.Events) > 0 {
		err = a.settle(ctx, intent, outcome.Position, kept)
	}
	if err != nil {
		return httpapi.Receipt{}, nil, outwardShift(err)
	}
	return receipt(outcome), off, nil
}

// appendedBy lists the events that a command of this key appended.
func (a *App) appendedBy(ctx context.Context, stream eventschema.StreamName, key string) ([]eventschema.Event, error) {
	var events []eventschema.Event
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, err
		}
		if recorded.ID != domain.EventID(a.tenant, stream, key, len(events)) {
			continue
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return nil, err
		}
		events = append(events, decoded.Event)
	}
	return events, nil
}

// AcceptShift takes a shift that was offered. What an officer saw when the shift was
// offered to somebody holds for the answer: nobody says of themself what they are
// qualified for.
func (a *App) AcceptShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, who Known) (httpapi.Receipt, error) {
	view, err := a.Shift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	if intent.Principal.Role == httpapi.RoleWorker {
		who.Qualifications = nil
	}
	if slices.Contains(view.Offered, who.WorkID) && view.Qualification != "" {
		who.Qualifications = append(who.Qualifications, view.Qualification)
	}
	return a.AdvanceShift(ctx, intent, shift, []Known{who}, func(candidates []assignment.Candidate) assignment.Command {
		return assignment.Accept{Policy: assignment.DefaultPolicy(), Candidate: candidates[0], AcceptedAt: a.clock()}
	})
}

// AwardShift gives the free places to the best bids. known says what bidders are
// qualified for; what the offer said of them holds for those it leaves out.
func (a *App) AwardShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, known []Known) (httpapi.Receipt, error) {
	view, err := a.Shift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	people := make([]Known, len(view.Bids))
	for i, bid := range view.Bids {
		people[i] = Known{WorkID: bid.WorkID, Qualifications: []string{view.Qualification}}
		if said := slices.IndexFunc(known, func(k Known) bool { return k.WorkID == bid.WorkID }); said >= 0 {
			people[i] = known[said]
		}
	}
	return a.AdvanceShift(ctx, intent, shift, people, func(candidates []assignment.Candidate) assignment.Command {
		return assignment.Award{Policy: assignment.DefaultPolicy(), Candidates: candidates, AwardedAt: a.clock(), AwardedBy: intent.Principal.ID}
	})
}

// RequestSwap asks somebody to take a place. The key of the intent names the swap.
func (a *App) RequestSwap(ctx context.Context, intent httpapi.Intent, shift, from, to uuid.UUID) (httpapi.Receipt, uuid.UUID, error) {
	swap := uuid.NewSHA1(a.tenant, []byte("swap\x00"+intent.Key))
	done, err := a.AdvanceShift(ctx, intent, shift, []Known{{WorkID: from}, {WorkID: to}}, func([]assignment.Candidate) assignment.Command {
		return assignment.RequestSwap{SwapID: swap, From: from, To: to, RequestedAt: a.clock()}
	})
	return done, swap, err
}

// ApproveSwap moves the place of a swap that both have agreed to. qualifications are
// those of who takes it.
func (a *App) ApproveSwap(ctx context.Context, intent httpapi.Intent, shift, swap uuid.UUID, qualifications []string) (httpapi.Receipt, error) {
	view, err := a.Shift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	var people []Known
	for _, w := range view.Swaps {
		if w.ID == swap {
			people = []Known{{WorkID: w.To, Qualifications: qualifications}}
		}
	}
	return a.AdvanceShift(ctx, intent, shift, people, func(candidates []assignment.Candidate) assignment.Command {
		command := assignment.ApproveSwap{SwapID: swap, Policy: assignment.DefaultPolicy(), ApprovedAt: a.clock(), ApprovedBy: intent.Principal.ID}
		if len(candidates) > 0 {
			command.Candidate = candidates[0]
		}
		return command
	})
}
