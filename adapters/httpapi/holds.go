package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/hold"
	"tracekeep/eventschema"
)

// HoldBody places a hold.
type HoldBody struct {
	MatterID ID       `json:"matter_id" doc:"The dispute or inquiry."`
	PersonID ID       `json:"person_id,omitempty" doc:"Covers the work record too." example:"7d444840-9dc0-41d1-b245-5ffdce74fad2"`
	RecordID string   `json:"record_id,omitempty" format:"uuid" pattern:"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" doc:"A work id, for a hold on a work record alone."`
	Purposes []string `json:"purposes,omitempty" maxItems:"16" uniqueItems:"true" doc:"Left out, everything is held."`
	Reason   string   `json:"reason" enum:"litigation,investigation,audit,dispute,contract_enforcement" example:"litigation"`
	ReviewBy string   `json:"review_by" format:"date-time" doc:"At most a year ahead. A hold that is not reviewed goes on holding, and is overdue." example:"2026-08-31T00:00:00Z"`
}

type heldAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		HoldID   string `json:"hold_id" format:"uuid"`
		Position uint64 `json:"position" example:"48300"`
	}
}

// HoldViewBody is one hold.
type HoldViewBody struct {
	HoldID          string   `json:"hold_id" format:"uuid"`
	MatterID        string   `json:"matter_id" format:"uuid"`
	PersonID        string   `json:"person_id,omitempty" format:"uuid" example:"7d444840-9dc0-41d1-b245-5ffdce74fad2"`
	RecordID        string   `json:"record_id,omitempty" format:"uuid"`
	Purposes        []string `json:"purposes,omitempty" doc:"Left out, everything is held."`
	Reason          string   `json:"reason" example:"litigation"`
	Revision        uint64   `json:"revision" doc:"In a list, the position of the latest event." example:"1"`
	InForce         bool     `json:"in_force" example:"true"`
	Overdue         bool     `json:"overdue" doc:"In force, and its review is past."`
	PlacedAt        string   `json:"placed_at" format:"date-time"`
	PlacedBy        string   `json:"placed_by" format:"uuid"`
	ConfirmBy       string   `json:"confirm_by" format:"date-time" doc:"It lapses unless a second person confirms it by then."`
	ConfirmedAt     *string  `json:"confirmed_at,omitempty" format:"date-time"`
	ReviewBy        string   `json:"review_by" format:"date-time"`
	LiftRequestedAt *string  `json:"lift_requested_at,omitempty" format:"date-time"`
	EndedAt         *string  `json:"ended_at,omitempty" format:"date-time"`
	Lapsed          bool     `json:"lapsed"`
}

type holdAnswer struct {
	Tagged
	Status int
	Body   *HoldViewBody
}

type holdsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Holds         []HoldViewBody `json:"holds"`
		NextPageToken string         `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

// ReviewBody gives the next review of a hold.
type ReviewBody struct {
	ReviewBy string `json:"review_by" format:"date-time" doc:"The next review, at most a year ahead." example:"2026-12-31T00:00:00Z"`
}

func (a *API) registerHolds(api huma.API) {
	huma.Register(api, a.operation("place-hold", http.MethodPost, "/v1/holds", "Legal holds", "Place a legal hold",
		"It holds at once. A second person confirms it, or it lapses after 72 hours."),
		func(ctx context.Context, in *struct {
			Once
			Body HoldBody
		}) (*heldAnswer, error) {
			return a.placeHold(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-holds", http.MethodGet, "/v1/holds", "Legal holds", "List legal holds", "The one with the latest news first."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			Open bool `query:"open" default:"true" doc:"Only those that have not ended."`
		}) (*holdsAnswer, error) {
			return a.listHolds(ctx, in.Paging, in.Open)
		})
	huma.Register(api, a.operation("get-hold", http.MethodGet, "/v1/holds/{hold_id}", "Legal holds", "Show a legal hold", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			HoldID ID `path:"hold_id"`
		}) (*holdAnswer, error) {
			return a.getHold(ctx, in.IfNoneMatch, in.HoldID.id())
		})
	a.registerHoldSteps(api)
}

func (a *API) registerHoldSteps(api huma.API) {
	silent := func(id, path, summary, description string, command func(by uuid.UUID, at time.Time) hold.Command) {
		huma.Register(api, a.operation(id, http.MethodPost, "/v1/holds/{hold_id}/"+path, "Legal holds", summary, description),
			func(ctx context.Context, in *struct {
				Once
				HoldID ID `path:"hold_id"`
			}) (*changedAnswer, error) {
				c := command(caller(ctx).ID, a.config.Clock().UTC())
				return changed(a.inside.Holds.AdvanceHold(ctx, intent(ctx), in.HoldID.id(), c))
			})
	}
	silent("confirm-hold", "confirmation", "Confirm a legal hold", "By another person than the one who placed it.",
		func(by uuid.UUID, at time.Time) hold.Command { return hold.Confirm{ConfirmedBy: by, ConfirmedAt: at} })
	silent("lift-hold", "lift", "Lift a legal hold", "By another person than the one who asked to lift it. What was held may be destroyed from then on.",
		func(by uuid.UUID, at time.Time) hold.Command { return hold.Lift{LiftedBy: by, LiftedAt: at} })
	huma.Register(api, a.operation("request-hold-lift", http.MethodPost, "/v1/holds/{hold_id}/lift-request", "Legal holds", "Ask to lift a legal hold", "The first of two words."),
		func(ctx context.Context, in *struct {
			Once
			HoldID ID `path:"hold_id"`
			Body   ReasonBody
		}) (*changedAnswer, error) {
			return changed(a.inside.Holds.AdvanceHold(ctx, intent(ctx), in.HoldID.id(), hold.RequestLift{
				RequestedBy: caller(ctx).ID, RequestedAt: a.config.Clock().UTC(), Reason: in.Body.Reason,
			}))
		})
	huma.Register(api, a.operation("review-hold", http.MethodPost, "/v1/holds/{hold_id}/review", "Legal holds", "Find a legal hold still needed", "Whoever wanted to lift it asks again."),
		func(ctx context.Context, in *struct {
			Once
			HoldID ID `path:"hold_id"`
			Body   ReviewBody
		}) (*changedAnswer, error) {
			next, problem := parseInstant("/review_by", in.Body.ReviewBy)
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Holds.AdvanceHold(ctx, intent(ctx), in.HoldID.id(), hold.Review{
				ReviewedBy: caller(ctx).ID, ReviewedAt: a.config.Clock().UTC(), ReviewBy: next,
			}))
		})
}

func (a *API) placeHold(ctx context.Context, body HoldBody) (*heldAnswer, error) {
	if (body.PersonID == "") == (body.RecordID == "") {
		return nil, invalid("/person_id", "exactly_one", "exactly one of person_id and record_id")
	}
	review, problem := parseInstant("/review_by", body.ReviewBy)
	if problem != nil {
		return nil, problem
	}
	receipt, err := a.inside.Holds.PlaceHold(ctx, intent(ctx), HoldOrder{
		Matter: body.MatterID.id(), Person: body.PersonID.id(), Record: ID(body.RecordID).id(), Purposes: purposesOf(body.Purposes),
		Reason: eventschema.HoldReason(body.Reason), At: a.config.Clock().UTC(), ReviewBy: review,
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &heldAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt), Location: "/v1/holds/" + receipt.HoldID.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.HoldID, answer.Body.Position = receipt.HoldID.String(), receipt.Position
	return answer, nil
}

func (a *API) getHold(ctx context.Context, noneMatches string, id uuid.UUID) (*holdAnswer, error) {
	view, err := a.inside.Holds.Hold(ctx, caller(ctx), id)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &holdAnswer{Tagged: Tagged{ETag: entityTag(view.Revision)}, Status: http.StatusOK}
	if noneMatch(noneMatches, answer.ETag) {
		answer.Status = http.StatusNotModified
		return answer, nil
	}
	answer.Body = holdBody(view)
	return answer, nil
}

func (a *API) listHolds(ctx context.Context, paging Paging, open bool) (*holdsAnswer, error) {
	by := caller(ctx)
	filter := strconv.FormatBool(open)
	asks := question{tenant: by.Tenant, operation: "list-holds", filter: []string{filter}}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	views, err := a.inside.Holds.ListHolds(ctx, by, open, before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &holdsAnswer{}
	answer.Body.Holds = []HoldViewBody{}
	for i, view := range views {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, views[i-1].Revision, &answer.Link, &answer.Body.NextPageToken, "open", filter)
		}
		answer.Body.Holds = append(answer.Body.Holds, *holdBody(view))
	}
	return answer, nil
}

func holdBody(view HoldView) *HoldViewBody {
	body := &HoldViewBody{
		HoldID: view.HoldID.String(), MatterID: view.MatterID.String(), PersonID: idText(view.PersonID), RecordID: idText(view.RecordID),
		Reason: string(view.Reason), Revision: view.Revision, InForce: view.InForce, Overdue: view.Overdue,
		PlacedAt: rfc3339(view.PlacedAt), PlacedBy: view.PlacedBy.String(), ConfirmBy: rfc3339(view.ConfirmBy), ConfirmedAt: laterTime(view.ConfirmedAt),
		ReviewBy: rfc3339(view.ReviewBy), LiftRequestedAt: laterTime(view.LiftAskedAt), EndedAt: laterTime(view.EndedAt), Lapsed: view.Lapsed,
	}
	for _, purpose := range view.Purposes {
		body.Purposes = append(body.Purposes, string(purpose))
	}
	return body
}

// laterTime is an instant that may not have come.
func laterTime(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	return optionalTime(&at)
}
