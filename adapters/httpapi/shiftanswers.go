package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/assignment"
)

// WorkerBody names the person a step is about.
type WorkerBody struct {
	WorkID ID `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
}

// QualifiedBody names who gets a place, and what they are qualified for.
type QualifiedBody struct {
	WorkerBody
	Qualifications []string `json:"qualifications,omitempty" maxItems:"50" pattern:"^[a-z0-9_]+$" doc:"Codes of what the person is qualified for. Not taken from a worker: what they were when the shift was offered to them counts."`
}

// WorkerReasonBody names a person and why.
type WorkerReasonBody struct {
	WorkerBody
	WhyBody
}

// BidBody is a bid.
type BidBody struct {
	WorkerBody
	Points int `json:"points" minimum:"1" maximum:"1000" example:"40"`
}

// SwapBody asks somebody to take a place.
type SwapBody struct {
	WorkerBody
	ToWorkID ID `json:"to_work_id" example:"9d444840-9dc0-41d1-b245-5ffdce74fad2" doc:"Who is to take the place."`
}

// RefusalOfSwapBody ends a swap.
type RefusalOfSwapBody struct {
	WorkID ID `json:"work_id,omitempty" required:"false" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose word it is, of the two; left out, it is the officer's who sends it."`
	WhyBody
}

// QualificationsBody says what who takes a place is qualified for.
type QualificationsBody struct {
	Qualifications []string `json:"qualifications,omitempty" maxItems:"50" pattern:"^[a-z0-9_]+$"`
}

type swapAnswer struct {
	Ack
	Status int
	Body   struct {
		SwapID   string `json:"swap_id" format:"uuid"`
		Revision uint64 `json:"revision" example:"4"`
		Position uint64 `json:"position" example:"48216"`
	}
}

type shiftStep[B any] struct {
	Once
	ShiftID ID `path:"shift_id"`
	Body    B
}

type swapStep[B any] struct {
	Once
	ShiftID ID `path:"shift_id"`
	SwapID  ID `path:"swap_id"`
	Body    B
}

// take takes a step that needs nothing from the roster.
func (a *API) take(ctx context.Context, shift ID, command assignment.Command) (*changedAnswer, error) {
	return changed(a.inside.Shifts.AdvanceShift(ctx, intent(ctx), shift.id(), nil, func([]assignment.Candidate) assignment.Command { return command }))
}

func (a *API) now() time.Time { return a.config.Clock().UTC() }

// answering is the id of who answers for a step: of a worker that of their work
// record, because nothing in it leads to the person.
func answering(ctx context.Context) uuid.UUID {
	by := caller(ctx)
	if by.Role == RoleWorker {
		return by.Work
	}
	return by.ID
}

func (a *API) registerShiftAnswers(api huma.API) {
	huma.Register(api, a.operation("accept-offer", http.MethodPost, "/v1/shifts/{shift_id}/acceptances", "Shifts", "Take a shift that was offered", ""),
		func(ctx context.Context, in *shiftStep[QualifiedBody]) (*changedAnswer, error) {
			return changed(a.inside.Shifts.AcceptShift(ctx, intent(ctx), in.ShiftID.id(), Known{WorkID: in.Body.WorkID.id(), Qualifications: in.Body.Qualifications}))
		})
	huma.Register(api, a.operation("decline-offer", http.MethodPost, "/v1/shifts/{shift_id}/declines", "Shifts", "Say no to an offer", ""),
		func(ctx context.Context, in *shiftStep[WorkerReasonBody]) (*changedAnswer, error) {
			return a.take(ctx, in.ShiftID, assignment.Decline{WorkID: in.Body.WorkID.id(), Reason: in.Body.Reason, DeclinedAt: a.now()})
		})
	huma.Register(api, a.operation("place-bid", http.MethodPost, "/v1/shifts/{shift_id}/bids", "Shifts", "Bid for a shift that is open to bids", "A later bid of the same person replaces the earlier one."),
		func(ctx context.Context, in *shiftStep[BidBody]) (*changedAnswer, error) {
			return a.take(ctx, in.ShiftID, assignment.PlaceBid{WorkID: in.Body.WorkID.id(), Points: in.Body.Points, BidAt: a.now()})
		})
	huma.Register(api, a.operation("assign-shift", http.MethodPost, "/v1/shifts/{shift_id}/assignments", "Shifts", "Give somebody a place", ""),
		func(ctx context.Context, in *shiftStep[QualifiedBody]) (*changedAnswer, error) {
			people := []Known{{WorkID: in.Body.WorkID.id(), Qualifications: in.Body.Qualifications}}
			return changed(a.inside.Shifts.AdvanceShift(ctx, intent(ctx), in.ShiftID.id(), people, func(candidates []assignment.Candidate) assignment.Command {
				return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: candidates[0], AssignedAt: a.now(), AssignedBy: caller(ctx).ID}
			}))
		})
	huma.Register(api, a.operation("unassign-shift", http.MethodPost, "/v1/shifts/{shift_id}/unassignments", "Shifts", "Take somebody off a shift", ""),
		func(ctx context.Context, in *shiftStep[WorkerReasonBody]) (*changedAnswer, error) {
			return a.take(ctx, in.ShiftID, assignment.Unassign{WorkID: in.Body.WorkID.id(), Reason: in.Body.Reason, UnassignedAt: a.now(), UnassignedBy: caller(ctx).ID})
		})
	huma.Register(api, a.operation("request-swap", http.MethodPost, "/v1/shifts/{shift_id}/swaps", "Shifts", "Ask somebody to take a place",
		"By who has it. The other one agrees, then an officer approves."),
		func(ctx context.Context, in *shiftStep[SwapBody]) (*swapAnswer, error) {
			receipt, id, err := a.inside.Shifts.RequestSwap(ctx, intent(ctx), in.ShiftID.id(), in.Body.WorkID.id(), in.Body.ToWorkID.id())
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &swapAnswer{Ack: ack(receipt), Status: created(receipt)}
			answer.Body.SwapID, answer.Body.Revision, answer.Body.Position = id.String(), receipt.Revision, receipt.Position
			return answer, nil
		})
	huma.Register(api, a.operation("agree-swap", http.MethodPost, "/v1/shifts/{shift_id}/swaps/{swap_id}/agreement", "Shifts", "Agree to take a place", ""),
		func(ctx context.Context, in *swapStep[WorkerBody]) (*changedAnswer, error) {
			return a.take(ctx, in.ShiftID, assignment.AgreeSwap{SwapID: in.SwapID.id(), WorkID: in.Body.WorkID.id(), AgreedAt: a.now()})
		})
	huma.Register(api, a.operation("approve-swap", http.MethodPost, "/v1/shifts/{shift_id}/swaps/{swap_id}/approval", "Shifts", "Move a place, once both have agreed", ""),
		func(ctx context.Context, in *swapStep[QualificationsBody]) (*changedAnswer, error) {
			return changed(a.inside.Shifts.ApproveSwap(ctx, intent(ctx), in.ShiftID.id(), in.SwapID.id(), in.Body.Qualifications))
		})
	huma.Register(api, a.operation("refuse-swap", http.MethodPost, "/v1/shifts/{shift_id}/swaps/{swap_id}/refusal", "Shifts", "End a swap", "Everybody keeps their place."),
		func(ctx context.Context, in *swapStep[RefusalOfSwapBody]) (*changedAnswer, error) {
			return a.take(ctx, in.ShiftID, assignment.RefuseSwap{
				SwapID: in.SwapID.id(), WorkID: in.Body.WorkID.id(), Reason: in.Body.Reason, RefusedAt: a.now(), RefusedBy: answering(ctx),
			})
		})
}
