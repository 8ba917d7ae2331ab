package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// CorrectionAskedBody asks for a correction of a punch.
type CorrectionAskedBody struct {
	WorkID     ID     `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose punch it is."`
	PunchID    ID     `json:"punch_id" example:"9d444840-9dc0-41d1-b245-5ffdce74fad2"`
	Void       bool   `json:"void,omitempty" doc:"Take the punch out of the count; then no new values are sent."`
	OccurredAt string `json:"occurred_at,omitempty" format:"date-time" example:"2026-03-02T08:05:00+01:00"`
	LocalTime  string `json:"local_time,omitempty" maxLength:"19" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"`
	Zone       string `json:"zone,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" example:"Europe/Berlin"`
	Direction  string `json:"direction,omitempty" enum:"in,out" example:"in"`
	Kind       string `json:"kind,omitempty" enum:"normal,break,meal,transfer,overtime" example:"normal"`
	Reason     string `json:"reason" enum:"wrong_key,wrong_time,not_the_punch,other" example:"wrong_time"`
}

// GroundBody is why a request is refused.
type GroundBody struct {
	WorkID ID     `json:"work_id,omitempty" required:"false" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Their own, from a worker who takes a request back."`
	Ground string `json:"ground" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"A code, never free text." example:"as_recorded"`
}

type askedAnswer struct {
	Ack
	Status int
	Body   struct {
		CorrectionID string `json:"correction_id" format:"uuid"`
		Position     uint64 `json:"position" example:"48216"`
	}
}

type correctionStep[B any] struct {
	Once
	CorrectionID ID `path:"correction_id"`
	Body         B
}

func (a *API) registerCorrectionRequests(api huma.API) {
	huma.Register(api, a.operation("request-correction", http.MethodPost, "/v1/corrections", "Punches", "Ask for a correction of a punch",
		"Nothing changes until somebody else approves it."),
		func(ctx context.Context, in *struct {
			Once
			Body CorrectionAskedBody
		}) (*askedAnswer, error) {
			return a.requestCorrection(ctx, in.Body)
		})
	huma.Register(api, a.operation("approve-correction", http.MethodPost, "/v1/corrections/{correction_id}/approval", "Punches", "Approve a correction",
		"By somebody else than who asked; the punch is corrected. Interrupted, it is finished by approving again."),
		func(ctx context.Context, in *struct {
			Once
			CorrectionID ID `path:"correction_id"`
		}) (*changedAnswer, error) {
			return changed(a.inside.Corrections.ApproveCorrection(ctx, intent(ctx), in.CorrectionID.id(), timecard.ApproveCorrection{ApprovedBy: caller(ctx).ID, ApprovedAt: a.now()}))
		})
	huma.Register(api, a.operation("refuse-correction", http.MethodPost, "/v1/corrections/{correction_id}/refusal", "Punches", "Refuse a correction, or take one back",
		"The punch stays as it is. A worker takes back what they asked for themself."),
		func(ctx context.Context, in *correctionStep[GroundBody]) (*changedAnswer, error) {
			return changed(a.inside.Corrections.RefuseCorrection(ctx, intent(ctx), in.CorrectionID.id(), timecard.RefuseCorrection{
				RefusedBy: answering(ctx), RefusedAt: a.now(), Ground: in.Body.Ground,
			}))
		})
}

func (a *API) requestCorrection(ctx context.Context, body CorrectionAskedBody) (*askedAnswer, error) {
	ask := timecard.AskCorrection{PunchID: body.PunchID.id(), WorkID: body.WorkID.id(), Void: body.Void, Reason: eventschema.CorrectionReason(body.Reason), RequestedAt: a.now()}
	newValues := body.OccurredAt != "" || body.LocalTime != "" || body.Direction != "" || body.Kind != "" || body.Zone != ""
	switch {
	case body.Void && newValues:
		return nil, invalid("/void", "contradiction", "a void punch has no new values")
	case !body.Void && body.Direction == "":
		return nil, invalid("/direction", "required", "new values or void are required")
	case !body.Void:
		at, offset, problem := instant(body.OccurredAt, body.LocalTime, body.Zone)
		if problem != nil {
			return nil, problem
		}
		ask.OccurredAt, ask.OffsetSeconds, ask.Direction, ask.Kind = at, offset, eventschema.Direction(body.Direction), eventschema.PunchKind(body.Kind)
		if ask.Kind == "" {
			ask.Kind = eventschema.KindNormal
		}
	}
	receipt, id, err := a.inside.Corrections.AskCorrection(ctx, intent(ctx), ask)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &askedAnswer{Ack: ack(receipt), Status: created(receipt)}
	answer.Body.CorrectionID, answer.Body.Position = id.String(), receipt.Position
	return answer, nil
}
