package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// RegistrationBody is a new person as sent.
type RegistrationBody struct {
	LegalName      string           `json:"legal_name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]+$" example:"Ada Example"`
	BirthDate      string           `json:"birth_date,omitempty" format:"date" example:"1990-12-10"`
	Email          string           `json:"email,omitempty" maxLength:"254" pattern:"^[^@\\s\\x00-\\x1f]+@[^@\\s\\x00-\\x1f]+$" example:"ada@example.org"`
	Phone          string           `json:"phone,omitempty" maxLength:"32" pattern:"^\\+?[0-9 ()./-]+$" example:"+49 30 1234567"`
	PayrollName    string           `json:"payroll_name,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"The name that payroll uses, kept with the work record." example:"Ada Example"`
	EmployeeNumber string           `json:"employee_number,omitempty" maxLength:"64" pattern:"^[!-~]+$" example:"E-1042"`
	Badge          string           `json:"badge,omitempty" maxLength:"64" pattern:"^[!-~]+$" doc:"Finds the work record at a station. It is never stored in an event." example:"77001"`
	Fields         []FieldValueBody `json:"fields,omitempty" maxItems:"200" doc:"Of the tenant's own; see list-fields."`
}

type registrationAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		PersonID string `json:"person_id" format:"uuid"`
		WorkID   string `json:"work_id" format:"uuid" doc:"Without the identity key nothing links the two ids."`
		Revision uint64 `json:"revision" example:"0"`
		Position uint64 `json:"position" example:"48215"`
	}
}

// PersonCorrectionBody is what is put right; what is left out stays.
type PersonCorrectionBody struct {
	LegalName string `json:"legal_name,omitempty" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]+$" example:"Ada Sample"`
	BirthDate string `json:"birth_date,omitempty" format:"date"`
	Email     string `json:"email,omitempty" maxLength:"254" pattern:"^[^@\\s\\x00-\\x1f]+@[^@\\s\\x00-\\x1f]+$"`
	Phone     string `json:"phone,omitempty" maxLength:"32" pattern:"^\\+?[0-9 ()./-]+$"`
	Reason    string `json:"reason" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"A code, never free text." example:"name_change"`
}

// ClosureBody ends an account.
type ClosureBody struct {
	ClosedAt string `json:"closed_at,omitempty" format:"date-time" doc:"Left out, it is now." example:"2026-03-31T22:00:00Z"`
	Reason   string `json:"reason" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"A code, never free text." example:"employment_ended"`
}

// Changed is the body of a change that names nothing new.
type Changed struct {
	Revision uint64 `json:"revision" doc:"Of the stream afterwards." example:"1"`
	Position uint64 `json:"position" doc:"The place in the log." example:"48216"`
}

type changedAnswer struct {
	Ack
	Tagged
	Status int
	Body   Changed
}

// PersonBody is a person in an answer.
type PersonBody struct {
	PersonID     string       `json:"person_id" format:"uuid"`
	Revision     uint64       `json:"revision" example:"0"`
	RegisteredAt string       `json:"registered_at" format:"date-time" example:"2026-03-01T09:00:00Z"`
	ClosedAt     *string      `json:"closed_at,omitempty" format:"date-time"`
	WorkID       PersonalBody `json:"work_id"`
	LegalName    PersonalBody `json:"legal_name"`
	BirthDate    PersonalBody `json:"birth_date"`
	Email        PersonalBody `json:"email"`
	Phone        PersonalBody `json:"phone"`
}

func personBody(view PersonView, release Release) PersonBody {
	return PersonBody{
		PersonID: view.PersonID.String(), Revision: view.Revision, RegisteredAt: rfc3339(view.RegisteredAt), ClosedAt: optionalTime(view.ClosedAt),
		WorkID: workIDBody(view.WorkID, release), LegalName: personalBody(view.LegalName, release), BirthDate: personalBody(view.BirthDate, release),
		Email: personalBody(view.Email, release), Phone: personalBody(view.Phone, release),
	}
}

func (view PersonView) entityTag() string {
	return entityTag(view.Revision, view.Values()...)
}

// Tagged is a resource that may not have changed.
type Tagged struct {
	ETag string `header:"ETag" doc:"The revision of the stream, and how its personal values can be seen."`
}

type personAnswer struct {
	Tagged
	Status int
	Body   *PersonBody
}

type peopleAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		People        []PersonBody `json:"people"`
		NextPageToken string       `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerPeople(api huma.API) {
	huma.Register(api, a.operation("register-person", http.MethodPost, "/v1/people", "People", "Register a person",
		"Makes the person's keys first; nothing personal is ever stored unsealed."),
		func(ctx context.Context, in *struct {
			Once
			Body RegistrationBody
		}) (*registrationAnswer, error) {
			return a.registerPerson(ctx, in.Body)
		})
	huma.Register(api, a.operation("correct-person", http.MethodPost, "/v1/people/{person_id}/corrections", "People", "Put a person's values right",
		"The earlier values stay in the trail until their key is destroyed."),
		func(ctx context.Context, in *struct {
			Once
			Match
			PersonID ID `path:"person_id"`
			Body     PersonCorrectionBody
		}) (*changedAnswer, error) {
			return a.correctPerson(ctx, in.IfMatch, in.PersonID.id(), in.Body)
		})
	huma.Register(api, a.operation("close-person", http.MethodPost, "/v1/people/{person_id}/closure", "People", "Close a person's account",
		"Retention periods are counted from here."),
		func(ctx context.Context, in *struct {
			Once
			Match
			PersonID ID `path:"person_id"`
			Body     ClosureBody
		}) (*changedAnswer, error) {
			return a.closePerson(ctx, in.IfMatch, in.PersonID.id(), in.Body)
		})
	huma.Register(api, a.operation("list-people", http.MethodGet, "/v1/people", "People", "List people",
		"In order of id. With q, only those whose legal name contains it; the names are opened and compared here, no index of them exists."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			Query string `query:"q" minLength:"1" maxLength:"100" doc:"Part of the legal name, in any case of letters."`
		}) (*peopleAnswer, error) {
			return a.listPeople(ctx, in.Paging, in.Query)
		})
	huma.Register(api, a.operation("get-person", http.MethodGet, "/v1/people/{person_id}", "People", "Show a person", ""),
		func(ctx context.Context, in *struct {
			Fresh
			NoneMatch
			PersonID ID `path:"person_id"`
		}) (*personAnswer, error) {
			return a.getPerson(ctx, in.IfNoneMatch, in.PersonID.id())
		})
}

// Match documents If-Match.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"The ETag that the decision rests on. Required: 428 without it, 412 when the resource has changed since." example:"\"0\""`
}

// NoneMatch documents If-None-Match.
type NoneMatch struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags the client has; 304 when one of them is current."`
}

func (a *API) registerPerson(ctx context.Context, body RegistrationBody) (*registrationAnswer, error) {
	fields, problem := fieldValues(body.Fields)
	if problem != nil {
		return nil, problem
	}
	receipt, err := a.inside.People.RegisterPerson(ctx, intent(ctx), Registration{
		LegalName: eventschema.Clear(body.LegalName), BirthDate: eventschema.Clear(body.BirthDate),
		Email: eventschema.Clear(body.Email), Phone: eventschema.Clear(body.Phone),
		PayrollName: eventschema.Clear(body.PayrollName), EmployeeNumber: eventschema.Clear(body.EmployeeNumber),
		Badge: eventschema.Clear(body.Badge), Fields: fields, ReceivedAt: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &registrationAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt), Location: "/v1/people/" + receipt.PersonID.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.PersonID, answer.Body.WorkID = receipt.PersonID.String(), receipt.WorkID.String()
	answer.Body.Revision, answer.Body.Position = receipt.Revision, receipt.Position
	return answer, nil
}

func (a *API) correctPerson(ctx context.Context, match string, person uuid.UUID, body PersonCorrectionBody) (*changedAnswer, error) {
	what, problem := matched(ctx, match)
	if problem != nil {
		return nil, problem
	}
	if body.LegalName == "" && body.BirthDate == "" && body.Email == "" && body.Phone == "" {
		return nil, invalid("", "required", "at least one value to put right")
	}
	return changed(a.inside.People.CorrectPerson(ctx, what, PersonCorrection{
		PersonID: person, LegalName: eventschema.Clear(body.LegalName), BirthDate: eventschema.Clear(body.BirthDate),
		Email: eventschema.Clear(body.Email), Phone: eventschema.Clear(body.Phone),
		Reason: body.Reason, ReceivedAt: a.config.Clock().UTC(),
	}))
}

func (a *API) closePerson(ctx context.Context, match string, person uuid.UUID, body ClosureBody) (*changedAnswer, error) {
	what, problem := matched(ctx, match)
	if problem != nil {
		return nil, problem
	}
	at := a.config.Clock().UTC()
	if body.ClosedAt != "" {
		if at, problem = parseInstant("/closed_at", body.ClosedAt); problem != nil {
			return nil, problem
		}
	}
	return changed(a.inside.People.ClosePerson(ctx, what, PersonClosure{PersonID: person, ClosedAt: at, Reason: body.Reason}))
}

// matched adds the revision that If-Match names to the intent.
func matched(ctx context.Context, header string) (Intent, *Problem) {
	what := intent(ctx)
	revision, err := parseIfMatch(header)
	switch {
	case errors.Is(err, errNoMatch):
		return what, kindPrecondition.because("Send the ETag of what you read.")
	case errors.Is(err, errMatchMalformed):
		return what, kindMalformed.because("If-Match names exactly one entity tag.")
	case err != nil:
		return what, kindStale.because("This entity tag is not of this resource.")
	}
	what.IfRevision = &revision
	return what, nil
}

func changed(receipt Receipt, err error) (*changedAnswer, error) {
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &changedAnswer{Ack: ack(receipt), Status: http.StatusOK, Body: Changed{Revision: receipt.Revision, Position: receipt.Position}}
	answer.ETag = entityTag(receipt.Revision)
	return answer, nil
}

func (a *API) getPerson(ctx context.Context, noneMatches string, person uuid.UUID) (*personAnswer, error) {
	view, err := a.inside.Reading.Person(ctx, caller(ctx), person)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &personAnswer{Tagged: Tagged{ETag: view.entityTag()}, Status: http.StatusOK}
	if noneMatch(noneMatches, answer.ETag) {
		answer.Status = http.StatusNotModified
		return answer, nil
	}
	released, err := a.release(ctx, "get-person", view.Values()...)
	if err != nil {
		return nil, err
	}
	body := personBody(view, released)
	answer.Body = &body
	return answer, nil
}

// scanned bounds how many people one search opens; a page may then be short of
// what was asked for and still have a next one.
const scanned = 5000

func (a *API) listPeople(ctx context.Context, paging Paging, query string) (*peopleAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-people", filter: []string{query}}
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	found, last, more, err := a.findPeople(ctx, after, paging.Size, query)
	if err != nil {
		return nil, problemOf(err)
	}
	var values []Personal
	for _, row := range found {
		values = append(values, row.Values()...)
	}
	released, err := a.release(ctx, "list-people", values...)
	if err != nil {
		return nil, err
	}
	answer := &peopleAnswer{}
	answer.Body.People = make([]PersonBody, len(found))
	for i, row := range found {
		answer.Body.People[i] = personBody(row, released)
	}
	if more {
		return answer, a.nextID(asks, paging, last, []string{"q", query}, &answer.Link, &answer.Body.NextPageToken)
	}
	return answer, nil
}

// findPeople collects a page of people whose name contains the query. It answers
// the last one it looked at, and whether there may be more behind it.
func (a *API) findPeople(ctx context.Context, after uuid.UUID, size int, query string) (found []PersonView, last uuid.UUID, more bool, err error) {
	wanted := strings.ToLower(query)
	for opened, further := 0, true; further; {
		batch := size - len(found) + 1
		if query != "" {
			batch = maxPageSize
		}
		rows, err := a.inside.Reading.People(ctx, caller(ctx), after, batch)
		if err != nil {
			return nil, after, false, err
		}
		further = len(rows) == batch
		for _, row := range rows {
			if len(found) == size || opened == scanned {
				return found, after, true, nil
			}
			opened, after = opened+1, row.PersonID
			if nameContains(row.LegalName, wanted) {
				found = append(found, row)
			}
		}
	}
	return found, after, false, nil
}

// nameContains finds only what this reader may read: a name that was erased or
// is kept from the reader matches nothing.
func nameContains(name Personal, wanted string) bool {
	if wanted == "" {
		return true
	}
	text, clear := name.Personal.Reveal() // nobody is shown it here
	return clear && strings.Contains(strings.ToLower(text), wanted)
}
