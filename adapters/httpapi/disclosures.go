package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
)

// DisclosureBody records a disclosure.
type DisclosureBody struct {
	PersonID    ID       `json:"person_id"`
	Recipient   string   `json:"recipient" maxLength:"60" pattern:"^[a-z][a-z0-9_]*$" doc:"A code of the register of recipients, never a person's name." example:"payroll_bureau"`
	Ground      string   `json:"ground" enum:"processor,directed_by_subject,court_order,law_enforcement,legal_rights,property_or_safety,defence_of_claims,security_investigation,required_or_permitted_by_law" example:"processor"`
	Interest    string   `json:"interest" maxLength:"60" pattern:"^[a-z][a-z0-9_]*$" doc:"The legitimate interest, a code." example:"payroll"`
	Purposes    []string `json:"purposes" minItems:"1" maxItems:"16" uniqueItems:"true" enum:"identity,contact,third_party,work,location,media,notes" doc:"Whose values were given."`
	Instrument  string   `json:"instrument,omitempty" maxLength:"64" pattern:"^[ -~]+$" doc:"The file number of a court's order or an authority's demand." example:"17 Cv 4711"`
	Reference   string   `json:"reference,omitempty" maxLength:"64" pattern:"^[ -~]+$" doc:"Under which the recipient knows the disclosure." example:"2026-0417"`
	DisclosedAt string   `json:"disclosed_at,omitempty" format:"date-time" doc:"Left out, it is now." example:"2026-03-01T09:00:00Z"`
	ApprovedBy  ID       `json:"approved_by,omitempty" doc:"The second person of a disclosure for legal reasons."`
}

// DisclosureViewBody is one disclosure.
type DisclosureViewBody struct {
	DisclosureID string   `json:"disclosure_id" format:"uuid"`
	Recipient    string   `json:"recipient" example:"payroll_bureau"`
	Ground       string   `json:"ground" example:"processor"`
	Interest     string   `json:"interest" example:"payroll"`
	Purposes     []string `json:"purposes"`
	Instrument   string   `json:"instrument,omitempty"`
	Reference    string   `json:"reference,omitempty"`
	DisclosedAt  string   `json:"disclosed_at" format:"date-time"`
	DisclosedBy  string   `json:"disclosed_by" format:"uuid"`
	ApprovedBy   string   `json:"approved_by,omitempty" format:"uuid"`
}

type disclosedAnswer struct {
	Ack
	Status int
	Body   struct {
		DisclosureID string `json:"disclosure_id" format:"uuid"`
		Position     uint64 `json:"position" example:"48300"`
	}
}

type disclosuresAnswer struct {
	Body struct {
		Disclosures []DisclosureViewBody `json:"disclosures"`
	}
}

func (a *API) registerDisclosures(api huma.API) {
	huma.Register(api, a.operation("record-disclosure", http.MethodPost, "/v1/disclosures", "Disclosures", "Record that values were given to somebody outside",
		"Whoever is erased later has every recipient told."),
		func(ctx context.Context, in *struct {
			Once
			Body DisclosureBody
		}) (*disclosedAnswer, error) {
			return a.recordDisclosure(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-disclosures", http.MethodGet, "/v1/people/{person_id}/disclosures", "Disclosures", "Who was given values of a person",
		"Oldest first (FERPA, 34 CFR 99.32)."),
		func(ctx context.Context, in *struct {
			Fresh
			PersonID ID `path:"person_id"`
		}) (*disclosuresAnswer, error) {
			return a.listDisclosures(ctx, in.PersonID.id())
		})
}

func (a *API) recordDisclosure(ctx context.Context, body DisclosureBody) (*disclosedAnswer, error) {
	what := intent(ctx)
	at := a.config.Clock().UTC()
	if body.DisclosedAt != "" {
		var problem *Problem
		if at, problem = parseInstant("/disclosed_at", body.DisclosedAt); problem != nil {
			return nil, problem
		}
	}
	record := disclosure.Record{
		DisclosureID: uuid.NewSHA1(what.Principal.Tenant, []byte("disclosure\x00"+what.Key)), PersonID: body.PersonID.id(), Recipient: body.Recipient,
		Ground: eventschema.DisclosureGround(body.Ground), Interest: body.Interest, Purposes: purposesOf(body.Purposes),
		Instrument: body.Instrument, Reference: body.Reference, DisclosedAt: at, DisclosedBy: what.Principal.ID, ApprovedBy: body.ApprovedBy.id(),
	}
	receipt, err := a.inside.Disclosures.RecordDisclosure(ctx, what, record)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &disclosedAnswer{Ack: ack(receipt), Status: created(receipt)}
	answer.Body.DisclosureID, answer.Body.Position = record.DisclosureID.String(), receipt.Position
	return answer, nil
}

func (a *API) listDisclosures(ctx context.Context, person uuid.UUID) (*disclosuresAnswer, error) {
	views, err := a.inside.Disclosures.DisclosuresOf(ctx, caller(ctx), person)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &disclosuresAnswer{}
	answer.Body.Disclosures = make([]DisclosureViewBody, 0, len(views))
	for _, view := range views {
		body := DisclosureViewBody{
			DisclosureID: view.DisclosureID.String(), Recipient: view.Recipient, Ground: string(view.Ground), Interest: view.Interest,
			Purposes: []string{}, Instrument: view.Instrument, Reference: view.Reference, DisclosedAt: rfc3339(view.DisclosedAt),
			DisclosedBy: view.DisclosedBy.String(), ApprovedBy: idText(view.ApprovedBy),
		}
		for _, purpose := range view.Purposes {
			body.Purposes = append(body.Purposes, string(purpose))
		}
		answer.Body.Disclosures = append(answer.Body.Disclosures, body)
	}
	return answer, nil
}
