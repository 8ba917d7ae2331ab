package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// ErasureRequestBody opens a case.
type ErasureRequestBody struct {
	PersonID   ID       `json:"person_id"`
	Purposes   []string `json:"purposes,omitempty" maxItems:"5" uniqueItems:"true" enum:"contact,third_party,location,media,notes" doc:"Only what is held for these; left out, the whole person."`
	Items      []ID     `json:"items,omitempty" maxItems:"100" uniqueItems:"true" doc:"Only these photos, documents or notes; the one purpose says which they are."`
	ReceivedAt string   `json:"received_at,omitempty" format:"date-time" doc:"When the request was received, where that was earlier: by post, for example. Deadlines count from here." example:"2026-03-01T09:00:00Z"`
}

type erasureAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		CaseID    string `json:"case_id" format:"uuid"`
		ClaimCode string `json:"claim_code,omitempty" doc:"For the person, once: it shows later that the certificate is theirs." example:"K7QF2M9DXW4TB3RZ5YH6JNPECA"`
		Position  uint64 `json:"position" example:"48300"`
	}
}

// ErasureBody is one case. A step that has not been done is left out.
type ErasureBody struct {
	CaseID        string              `json:"case_id" format:"uuid"`
	PersonID      string              `json:"person_id,omitempty" format:"uuid" example:"7d444840-9dc0-41d1-b245-5ffdce74fad2" doc:"Left out in a case about a work record."`
	RecordID      string              `json:"record_id,omitempty" format:"uuid" doc:"The work record of a case that nobody may tie to a person."`
	Revision      uint64              `json:"revision" doc:"In a list, the position of the latest event." example:"1"`
	Status        string              `json:"status" enum:"requested,identity_verified,scope_assessed,held,cooling_off,approved,fence_closed,writers_drained,mentions_reviewed,destroyed,caches_quiesced,read_models_scrubbed,copies_pursued,verified,records_expired,certified,epochs_retired,final,cancelled,refused" example:"approved"`
	WaitsFor      string              `json:"waits_for,omitempty" enum:"identity,assessment,legal_hold,cooling_off,approval" doc:"Left out while the case goes forward by itself, and at its end."`
	Origin        string              `json:"origin" enum:"request,withdrawal,retention,removal" example:"request"`
	Scope         string              `json:"scope" enum:"person,purpose,item" example:"person"`
	Purposes      []string            `json:"purposes,omitempty"`
	Items         []string            `json:"items,omitempty" doc:"Of a case about single photos, documents or notes; not in a list."`
	RequestedAt   string              `json:"requested_at" format:"date-time" example:"2026-03-05T10:00:00Z"`
	RequestedBy   string              `json:"requested_by" format:"uuid"`
	Due           string              `json:"due,omitempty" format:"date" doc:"The last day to answer: one month or 30 days, whichever is earlier, or the extension." example:"2026-04-04"`
	Destroys      []TargetBody        `json:"destroys,omitempty" doc:"Once the scope is assessed; not in a list."`
	Retained      []RetainedBody      `json:"retained"`
	Holds         []string            `json:"holds,omitempty" doc:"The legal holds that stop it."`
	CoolingUntil  *string             `json:"cooling_off_until,omitempty" format:"date-time"`
	ApprovedAt    *string             `json:"approved_at,omitempty" format:"date-time"`
	ApprovedBy    *string             `json:"approved_by,omitempty" format:"uuid" doc:"Left out where a policy approved."`
	DestroyedAt   *string             `json:"destroyed_at,omitempty" format:"date-time" doc:"The point of no return."`
	KeysDestroyed int                 `json:"keys_destroyed" example:"4"`
	Recipients    []RecipientTaskBody `json:"recipients" doc:"Whom the values were disclosed to, and who must be told (GDPR Art. 19)."`
	CertifiedAt   *string             `json:"certified_at,omitempty" format:"date-time"`
	FinalAt       *string             `json:"final_at,omitempty" format:"date-time"`
	EndedAt       *string             `json:"ended_at,omitempty" format:"date-time" doc:"Of a case that was cancelled or refused."`
	EndedWhy      string              `json:"ended_why,omitempty" doc:"The reason, or the ground of a refusal."`
	Complaint     string              `json:"complaint,omitempty" doc:"What a person whose request was refused is told beside the ground (GDPR Art. 12(4))."`
}

// TargetBody is what a case destroys.
type TargetBody struct {
	Holder  string `json:"holder" enum:"person,record" example:"person"`
	Purpose string `json:"purpose" example:"identity"`
}

// RetainedBody is what was not erased, why and until when.
type RetainedBody struct {
	Purpose string `json:"purpose" example:"work"`
	Ground  string `json:"ground" example:"29 CFR 516.5"`
	Until   string `json:"until" example:"2033-02-28"`
}

// RecipientTaskBody is a recipient to be told.
type RecipientTaskBody struct {
	DisclosureID string `json:"disclosure_id" format:"uuid"`
	Recipient    string `json:"recipient" example:"payroll_bureau"`
	Reference    string `json:"reference,omitempty" example:"2026-0417"`
	DisclosedAt  string `json:"disclosed_at" format:"date-time"`
	Outcome      string `json:"outcome,omitempty" enum:"told,impossible,disproportionate" doc:"Left out while it is to be done."`
}

// complaint is the text that goes with every refusal.
const complaint = "You may complain to a data protection authority, and you may go to court. The organisation that refused names both on request."

type erasureCaseAnswer struct {
	Tagged
	Status int
	Body   *ErasureBody
}

type erasuresAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Cases         []ErasureBody `json:"cases"`
		NextPageToken string        `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerErasures(api huma.API) {
	huma.Register(api, a.operation("request-erasure", http.MethodPost, "/v1/erasures", "Erasures", "Request an erasure",
		"Opens a case for a whole person, or for what is held for some purposes."),
		func(ctx context.Context, in *struct {
			Once
			Body ErasureRequestBody
		}) (*erasureAnswer, error) {
			return a.requestErasure(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-erasures", http.MethodGet, "/v1/erasures", "Erasures", "List erasure cases",
		"The case with the latest news first."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
		}) (*erasuresAnswer, error) {
			return a.listErasures(ctx, in.Paging)
		})
	huma.Register(api, a.operation("get-erasure", http.MethodGet, "/v1/erasures/{case_id}", "Erasures", "Show an erasure case", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			CaseID ID `path:"case_id"`
		}) (*erasureCaseAnswer, error) {
			return a.getErasure(ctx, in.IfNoneMatch, in.CaseID.id())
		})
	a.registerErasureSteps(api)
}

// step registers one step of an officer that says something.
func step[Body any](a *API, api huma.API, id, path, summary, description string, command func(context.Context, Body, time.Time) (erasure.Command, *Problem)) {
	huma.Register(api, a.operation(id, http.MethodPost, "/v1/erasures/{case_id}/"+path, "Erasures", summary, description),
		func(ctx context.Context, in *struct {
			Once
			CaseID ID `path:"case_id"`
			Body   Body
		}) (*changedAnswer, error) {
			c, problem := command(ctx, in.Body, a.config.Clock().UTC())
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Erasures.AdvanceErasure(ctx, intent(ctx), in.CaseID.id(), c))
		})
}

// silentStep registers one that says nothing beside who takes it.
func (a *API) silentStep(api huma.API, id, path, summary, description string, command func(by uuid.UUID, at time.Time) erasure.Command) {
	huma.Register(api, a.operation(id, http.MethodPost, "/v1/erasures/{case_id}/"+path, "Erasures", summary, description),
		func(ctx context.Context, in *struct {
			Once
			CaseID ID `path:"case_id"`
		}) (*changedAnswer, error) {
			c := command(caller(ctx).ID, a.config.Clock().UTC())
			return changed(a.inside.Erasures.AdvanceErasure(ctx, intent(ctx), in.CaseID.id(), c))
		})
}

// IdentityBody says how the identity of whoever asked was verified.
type IdentityBody struct {
	Method string `json:"method" enum:"in_person,document,known_contact,authenticated" doc:"Nothing that was shown is kept." example:"document"`
}

// ReasonBody gives a reason as a code.
type ReasonBody struct {
	Reason string `json:"reason" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"A code, never free text." example:"withdrawn"`
}

// RefusalBody gives the ground of a refusal.
type RefusalBody struct {
	Ground string `json:"ground" enum:"identity_not_verified,legal_duty,legal_claims,expression,public_interest,excessive,not_a_controller" example:"legal_claims"`
}

// ExtensionBody extends the deadline.
type ExtensionBody struct {
	Reason string `json:"reason" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"A code, never free text." example:"complex"`
	ToldAt string `json:"told_at" format:"date-time" doc:"When the person was told, within the first month." example:"2026-03-02T08:00:00Z"`
}

// NotificationBody says what became of telling a recipient.
type NotificationBody struct {
	DisclosureID ID     `json:"disclosure_id"`
	Outcome      string `json:"outcome" enum:"told,impossible,disproportionate" example:"told"`
}

func (a *API) registerErasureSteps(api huma.API) {
	step(a, api, "verify-identity", "identity", "Verify the identity of whoever asked", "Nothing is decided or released before.",
		func(ctx context.Context, body IdentityBody, at time.Time) (erasure.Command, *Problem) {
			return erasure.VerifyIdentity{VerifiedBy: caller(ctx).ID, VerifiedAt: at, Method: eventschema.IdentityMethod(body.Method)}, nil
		})
	a.silentStep(api, "assess-erasure", "assessment", "Assess what goes and what stays",
		"Holds are then checked and the case cools off. Assessing again with another outcome starts both again.",
		func(by uuid.UUID, at time.Time) erasure.Command {
			return erasure.Assess{AssessedBy: by, AssessedAt: at}
		})
	a.silentStep(api, "approve-erasure", "approval", "Approve an erasure",
		"By another officer than the ones who requested and assessed it. The keys are destroyed within moments; there is no undelete.",
		func(by uuid.UUID, at time.Time) erasure.Command {
			return erasure.Approve{ApprovedBy: by, ApprovedAt: at}
		})
	step(a, api, "cancel-erasure", "cancellation", "Cancel an erasure", "Until the keys are being destroyed.",
		func(ctx context.Context, body ReasonBody, at time.Time) (erasure.Command, *Problem) {
			return erasure.Cancel{CancelledBy: caller(ctx).ID, CancelledAt: at, Reason: body.Reason}, nil
		})
	step(a, api, "refuse-erasure", "refusal", "Refuse an erasure", "The person is told the ground and how to complain.",
		func(ctx context.Context, body RefusalBody, at time.Time) (erasure.Command, *Problem) {
			return erasure.Refuse{RefusedBy: caller(ctx).ID, RefusedAt: at, Ground: eventschema.RefusalGround(body.Ground)}, nil
		})
	step(a, api, "extend-erasure", "extension", "Take two months longer to answer", "Once, when the person was told why within the first month.",
		func(ctx context.Context, body ExtensionBody, at time.Time) (erasure.Command, *Problem) {
			told, problem := parseInstant("/told_at", body.ToldAt)
			return erasure.Extend{ExtendedBy: caller(ctx).ID, ExtendedAt: at, ToldAt: told, Reason: body.Reason}, problem
		})
	step(a, api, "record-notification", "notifications", "Record that a recipient was told", "The case lists whom the values were disclosed to.",
		func(ctx context.Context, body NotificationBody, at time.Time) (erasure.Command, *Problem) {
			return erasure.NotifyRecipient{
				DisclosureID: body.DisclosureID.id(), NotifiedBy: caller(ctx).ID, NotifiedAt: at, Outcome: eventschema.NotifyOutcome(body.Outcome),
			}, nil
		})
}

func (a *API) requestErasure(ctx context.Context, body ErasureRequestBody) (*erasureAnswer, error) {
	request := ErasureRequest{Person: body.PersonID.id(), Purposes: purposesOf(body.Purposes), ReceivedAt: a.config.Clock().UTC()}
	for _, item := range body.Items {
		request.Items = append(request.Items, item.id())
	}
	if body.ReceivedAt != "" {
		received, problem := parseInstant("/received_at", body.ReceivedAt)
		if problem == nil && received.After(request.ReceivedAt) {
			problem = invalid("/received_at", "range", "a request cannot be received in the future")
		}
		if problem != nil {
			return nil, problem
		}
		request.ReceivedAt = received
	}
	receipt, err := a.inside.Erasures.RequestErasure(ctx, intent(ctx), request)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &erasureAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt), Location: "/v1/erasures/" + receipt.CaseID.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.CaseID, answer.Body.ClaimCode, answer.Body.Position = receipt.CaseID.String(), receipt.ClaimCode, receipt.Position
	return answer, nil
}

func purposesOf(names []string) []eventschema.Purpose {
	var purposes []eventschema.Purpose
	for _, name := range names {
		purposes = append(purposes, eventschema.Purpose(name))
	}
	return purposes
}

func (a *API) listErasures(ctx context.Context, paging Paging) (*erasuresAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-erasures"}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	views, err := a.inside.Erasures.ErasureCases(ctx, by, before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &erasuresAnswer{}
	answer.Body.Cases = []ErasureBody{}
	for i, view := range views {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, views[i-1].Revision, &answer.Link, &answer.Body.NextPageToken)
		}
		answer.Body.Cases = append(answer.Body.Cases, *erasureBody(view))
	}
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
		CaseID: view.CaseID.String(), PersonID: idText(view.PersonID), RecordID: idText(view.RecordID), Revision: view.Revision,
		Status: string(view.Status), WaitsFor: string(view.Wait), Origin: string(view.Origin), Scope: string(view.Scope),
		RequestedAt: rfc3339(view.RequestedAt), RequestedBy: view.RequestedBy.String(), CoolingUntil: optionalTime(view.CoolingUntil),
		ApprovedAt: optionalTime(view.ApprovedAt), DestroyedAt: optionalTime(view.DestroyedAt), CertifiedAt: optionalTime(view.CertifiedAt),
		FinalAt: optionalTime(view.FinalAt), EndedAt: optionalTime(view.EndedAt), EndedWhy: view.EndedWhy,
		KeysDestroyed: view.KeysDestroyed, Retained: make([]RetainedBody, 0, len(view.Retained)), Recipients: make([]RecipientTaskBody, 0, len(view.Recipients)),
	}
	if view.ApprovedBy != nil {
		text := view.ApprovedBy.String()
		body.ApprovedBy = &text
	}
	if !view.Due.IsZero() {
		body.Due = view.Due.Format(time.DateOnly)
	}
	if view.Status == erasure.PhaseRefused {
		body.Complaint = complaint
	}
	for _, purpose := range view.Purposes {
		body.Purposes = append(body.Purposes, string(purpose))
	}
	for _, item := range view.Items {
		body.Items = append(body.Items, item.String())
	}
	for _, target := range view.Destroys {
		body.Destroys = append(body.Destroys, TargetBody{Holder: string(target.Holder), Purpose: string(target.Purpose)})
	}
	for _, held := range view.Holds {
		body.Holds = append(body.Holds, held.String())
	}
	for _, retained := range view.Retained {
		body.Retained = append(body.Retained, RetainedBody{Purpose: string(retained.Purpose), Ground: retained.Ground, Until: retained.Until})
	}
	for _, r := range view.Recipients {
		body.Recipients = append(body.Recipients, RecipientTaskBody{
			DisclosureID: r.DisclosureID.String(), Recipient: r.Name, Reference: r.Reference, DisclosedAt: rfc3339(r.DisclosedAt), Outcome: string(r.Outcome),
		})
	}
	return body
}

// idText is an id, or nothing where there is none.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
