package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// ErasureRequestBody opens a case.
type ErasureRequestBody struct {
	PersonID ID `json:"person_id"`
}

type erasureAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		CaseID    string `json:"case_id" format:"uuid"`
		ClaimCode string `json:"claim_code,omitempty" doc:"For the person, once: it shows later that the certificate is theirs." example:"K7QF-2M9D-XW4T"`
		Position  uint64 `json:"position" example:"48300"`
	}
}

// ErasureBody is one case. A step that has not been done is left out.
type ErasureBody struct {
	CaseID        string         `json:"case_id" format:"uuid"`
	PersonID      string         `json:"person_id" format:"uuid"`
	Revision      uint64         `json:"revision" example:"1"`
	Status        string         `json:"status" enum:"requested,approved,destroyed,certified" example:"approved"`
	Scope         string         `json:"scope" example:"person"`
	RequestedAt   string         `json:"requested_at" format:"date-time" example:"2026-03-05T10:00:00Z"`
	RequestedBy   string         `json:"requested_by" format:"uuid"`
	ApprovedAt    *string        `json:"approved_at,omitempty" format:"date-time"`
	ApprovedBy    *string        `json:"approved_by,omitempty" format:"uuid"`
	DestroyedAt   *string        `json:"destroyed_at,omitempty" format:"date-time" doc:"The point of no return."`
	KeysDestroyed int            `json:"keys_destroyed" example:"4"`
	Retained      []RetainedBody `json:"retained"`
	CertifiedAt   *string        `json:"certified_at,omitempty" format:"date-time"`
}

// RetainedBody is what was not erased, why and until when.
type RetainedBody struct {
	Purpose string `json:"purpose" example:"work"`
	Ground  string `json:"ground" example:"29 CFR 516.5"`
	Until   string `json:"until" example:"2033-02-28"`
}

type erasureCaseAnswer struct {
	Tagged
	Status int
	Body   *ErasureBody
}

// CertificateBody carries the certificate byte for byte.
type CertificateBody struct {
	CaseID      string `json:"case_id" format:"uuid"`
	CertifiedAt string `json:"certified_at" format:"date-time" example:"2026-03-06T10:00:00Z"`
	Leaf        uint64 `json:"leaf" doc:"The place in the trail of the destruction it certifies." example:"48290"`
	Position    uint64 `json:"position" example:"48310"`
	Certificate string `json:"certificate" doc:"A signed note; it can be checked offline and identifies nobody."`
}

func (a *API) registerErasures(api huma.API) {
	huma.Register(api, a.operation("request-erasure", http.MethodPost, "/v1/erasures", "Erasures", "Request an erasure", "Opens a case for a whole person."),
		func(ctx context.Context, in *struct {
			Once
			Body ErasureRequestBody
		}) (*erasureAnswer, error) {
			return a.requestErasure(ctx, in.Body.PersonID.id())
		})
	huma.Register(api, a.operation("approve-erasure", http.MethodPost, "/v1/erasures/{case_id}/approval", "Erasures", "Approve an erasure",
		"By another officer than the one who requested it. From here the case only goes forward."),
		func(ctx context.Context, in *struct {
			Once
			CaseID ID `path:"case_id"`
		}) (*changedAnswer, error) {
			return changed(a.inside.Erasures.ApproveErasure(ctx, intent(ctx), in.CaseID.id(), a.config.Clock().UTC()))
		})
	huma.Register(api, a.operation("get-erasure", http.MethodGet, "/v1/erasures/{case_id}", "Erasures", "Show an erasure case", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			CaseID ID `path:"case_id"`
		}) (*erasureCaseAnswer, error) {
			return a.getErasure(ctx, in.IfNoneMatch, in.CaseID.id())
		})
	huma.Register(api, a.operation("get-erasure-certificate", http.MethodGet, "/v1/erasures/{case_id}/certificate", "Erasures", "The certificate of an erasure",
		"404 until the case is certified."),
		func(ctx context.Context, in *struct {
			Fresh
			CaseID ID `path:"case_id"`
		}) (*struct{ Body CertificateBody }, error) {
			view, err := a.inside.Erasures.Certificate(ctx, caller(ctx), in.CaseID.id())
			if err != nil {
				return nil, problemOf(err)
			}
			return &struct{ Body CertificateBody }{CertificateBody{
				CaseID: view.CaseID.String(), CertifiedAt: rfc3339(view.CertifiedAt), Leaf: view.Leaf,
				Position: view.Position, Certificate: view.Certificate,
			}}, nil
		})
}

func (a *API) requestErasure(ctx context.Context, person uuid.UUID) (*erasureAnswer, error) {
	receipt, err := a.inside.Erasures.RequestErasure(ctx, intent(ctx), person, a.config.Clock().UTC())
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &erasureAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt), Location: "/v1/erasures/" + receipt.CaseID.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.CaseID, answer.Body.ClaimCode, answer.Body.Position = receipt.CaseID.String(), receipt.ClaimCode, receipt.Position
	return answer, nil
}

func (a *API) getErasure(ctx context.Context, noneMatches string, erasureCase uuid.UUID) (*erasureCaseAnswer, error) {
	view, err := a.inside.Erasures.ErasureCase(ctx, caller(ctx), erasureCase)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &erasureCaseAnswer{Tagged: Tagged{ETag: entityTag(view.Revision)}, Status: http.StatusOK}
	if noneMatch(noneMatches, answer.ETag) {
		answer.Status = http.StatusNotModified
		return answer, nil
	}
	answer.Body = erasureBody(view)
	return answer, nil
}

func erasureBody(view ErasureView) *ErasureBody {
	body := &ErasureBody{
		CaseID: view.CaseID.String(), PersonID: view.PersonID.String(), Revision: view.Revision, Status: view.status(),
		Scope: string(view.Scope), RequestedAt: rfc3339(view.RequestedAt), RequestedBy: view.RequestedBy.String(),
		ApprovedAt: optionalTime(view.ApprovedAt), DestroyedAt: optionalTime(view.DestroyedAt), CertifiedAt: optionalTime(view.CertifiedAt),
		KeysDestroyed: view.KeysDestroyed, Retained: make([]RetainedBody, 0, len(view.Retained)),
	}
	if view.ApprovedBy != nil {
		text := view.ApprovedBy.String()
		body.ApprovedBy = &text
	}
	for _, retained := range view.Retained {
		body.Retained = append(body.Retained, RetainedBody{Purpose: string(retained.Purpose), Ground: retained.Ground, Until: retained.Until})
	}
	return body
}

// status is the last step that was done.
func (view ErasureView) status() string {
	switch {
	case view.CertifiedAt != nil:
		return "certified"
	case view.DestroyedAt != nil:
		return "destroyed"
	case view.ApprovedAt != nil:
		return "approved"
	}
	return "requested"
}
