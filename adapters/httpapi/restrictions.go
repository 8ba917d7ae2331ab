package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

// RestrictionBody restricts the processing of a person's values.
type RestrictionBody struct {
	PersonID   ID     `json:"person_id"`
	Ground     string `json:"ground" enum:"accuracy_contested,unlawful,legal_claims,objection" doc:"GDPR Art. 18(1)(a) to (d); an objection (Art. 21) restricts until it is decided." example:"objection"`
	ReceivedAt string `json:"received_at,omitempty" format:"date-time" doc:"When it was asked for, where that was earlier." example:"2026-03-01T09:00:00Z"`
}

type restrictedAnswer struct {
	Ack
	Tagged
	Status int
	Body   struct {
		CaseID   string `json:"case_id" format:"uuid"`
		Position uint64 `json:"position" example:"48300"`
	}
}

// RestrictionViewBody is one case.
type RestrictionViewBody struct {
	CaseID       string  `json:"case_id" format:"uuid"`
	PersonID     string  `json:"person_id" format:"uuid"`
	Ground       string  `json:"ground" example:"objection"`
	InForce      bool    `json:"in_force" example:"true"`
	RequestedAt  string  `json:"requested_at" format:"date-time"`
	RestrictedAt string  `json:"restricted_at" format:"date-time"`
	RestrictedBy string  `json:"restricted_by" format:"uuid"`
	Outcome      string  `json:"outcome,omitempty" enum:"upheld,overridden" doc:"Of an objection."`
	DecidedAt    *string `json:"decided_at,omitempty" format:"date-time"`
	LiftedAt     *string `json:"lifted_at,omitempty" format:"date-time"`
}

type restrictionsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Restrictions  []RestrictionViewBody `json:"restrictions"`
		NextPageToken string                `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

// DecisionBody decides an objection.
type DecisionBody struct {
	Outcome string `json:"outcome" enum:"upheld,overridden" doc:"Upheld keeps the restriction; overridden needs compelling grounds or legal claims (GDPR Art. 21(1))." example:"overridden"`
}

// LiftBody lifts a restriction.
type LiftBody struct {
	ToldAt string `json:"told_at" format:"date-time" doc:"When the person was told that the restriction ends (GDPR Art. 18(3))." example:"2026-03-02T08:00:00Z"`
}

func (a *API) registerRestrictions(api huma.API) {
	huma.Register(api, a.operation("restrict-processing", http.MethodPost, "/v1/restrictions", "Restrictions", "Restrict processing, or take an objection",
		"From then on the person's values are stored, and opened for legal claims and audits only."),
		func(ctx context.Context, in *struct {
			Once
			Body RestrictionBody
		}) (*restrictedAnswer, error) {
			return a.restrict(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-restrictions", http.MethodGet, "/v1/restrictions", "Restrictions", "List restrictions and objections", "The one with the latest news first."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
		}) (*restrictionsAnswer, error) {
			return a.listRestrictions(ctx, in.Paging)
		})
	huma.Register(api, a.operation("decide-objection", http.MethodPost, "/v1/restrictions/{case_id}/decision", "Restrictions", "Decide an objection", ""),
		func(ctx context.Context, in *struct {
			Once
			CaseID ID `path:"case_id"`
			Body   DecisionBody
		}) (*changedAnswer, error) {
			return changed(a.inside.Restrictions.AdvanceRestriction(ctx, intent(ctx), in.CaseID.id(), restriction.DecideObjection{
				Outcome: eventschema.ObjectionOutcome(in.Body.Outcome), DecidedBy: caller(ctx).ID, DecidedAt: a.config.Clock().UTC(),
			}))
		})
	huma.Register(api, a.operation("lift-restriction", http.MethodPost, "/v1/restrictions/{case_id}/lift", "Restrictions", "Lift a restriction", "When the person was told."),
		func(ctx context.Context, in *struct {
			Once
			CaseID ID `path:"case_id"`
			Body   LiftBody
		}) (*changedAnswer, error) {
			told, problem := parseInstant("/told_at", in.Body.ToldAt)
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Restrictions.AdvanceRestriction(ctx, intent(ctx), in.CaseID.id(), restriction.Lift{
				LiftedBy: caller(ctx).ID, LiftedAt: a.config.Clock().UTC(), ToldAt: told,
			}))
		})
}

func (a *API) restrict(ctx context.Context, body RestrictionBody) (*restrictedAnswer, error) {
	now := a.config.Clock().UTC()
	order := RestrictionOrder{Person: body.PersonID.id(), Ground: eventschema.RestrictionGround(body.Ground), ReceivedAt: now, At: now}
	if body.ReceivedAt != "" {
		received, problem := parseInstant("/received_at", body.ReceivedAt)
		if problem != nil {
			return nil, problem
		}
		order.ReceivedAt = received
	}
	receipt, err := a.inside.Restrictions.Restrict(ctx, intent(ctx), order)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &restrictedAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt)}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.CaseID, answer.Body.Position = receipt.CaseID.String(), receipt.Position
	return answer, nil
}

func (a *API) listRestrictions(ctx context.Context, paging Paging) (*restrictionsAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-restrictions"}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	views, err := a.inside.Restrictions.ListRestrictions(ctx, by, before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &restrictionsAnswer{}
	answer.Body.Restrictions = []RestrictionViewBody{}
	for i, view := range views {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, views[i-1].Position, &answer.Link, &answer.Body.NextPageToken)
		}
		answer.Body.Restrictions = append(answer.Body.Restrictions, RestrictionViewBody{
			CaseID: view.CaseID.String(), PersonID: view.PersonID.String(), Ground: string(view.Ground), InForce: view.InForce(),
			RequestedAt: rfc3339(view.RequestedAt), RestrictedAt: rfc3339(view.RestrictedAt), RestrictedBy: view.RestrictedBy.String(),
			Outcome: string(view.Outcome), DecidedAt: laterTime(view.DecidedAt), LiftedAt: laterTime(view.LiftedAt),
		})
	}
	return answer, nil
}
