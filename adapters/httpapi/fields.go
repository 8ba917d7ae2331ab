package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// FieldBody is a field that the tenant keeps of people.
type FieldBody struct {
	Field       string   `json:"field" example:"shirt_size"`
	Label       string   `json:"label" example:"Shirt size"`
	Purpose     string   `json:"purpose" enum:"identity,contact,third_party,work" doc:"What values are held for; it decides when they are erased." example:"work"`
	Sensitivity string   `json:"sensitivity" enum:"ordinary,confidential,special_category" example:"ordinary"`
	Kind        string   `json:"kind" enum:"text,number,date,choice" example:"choice"`
	Choices     []string `json:"choices" example:"[\"S\",\"M\",\"L\"]"`
	MaxLength   int      `json:"max_length,omitempty" doc:"In characters, of a text or a number."`
	DefinedAt   string   `json:"defined_at" format:"date-time" example:"2026-03-01T09:00:00Z"`
	RetiredAt   *string  `json:"retired_at,omitempty" format:"date-time" doc:"Left out while values are taken."`
}

// DefinitionBody defines a field.
type DefinitionBody struct {
	Field       string   `json:"field" maxLength:"60" pattern:"^[a-z0-9_]+$" doc:"Never used again." example:"shirt_size"`
	Label       string   `json:"label" minLength:"1" maxLength:"80" pattern:"^[^\\x00-\\x1f\\x7f]+$" doc:"Stored in clear: it says nothing about a person." example:"Shirt size"`
	Purpose     string   `json:"purpose" enum:"identity,contact,third_party,work" doc:"It never changes." example:"work"`
	Sensitivity string   `json:"sensitivity" enum:"ordinary,confidential,special_category" doc:"special_category: GDPR Art. 9." example:"ordinary"`
	Kind        string   `json:"kind" enum:"text,number,date,choice" example:"choice"`
	Choices     []string `json:"choices,omitempty" maxItems:"100" doc:"Of a choice; stored in clear." example:"[\"S\",\"M\",\"L\"]"`
	MaxLength   int      `json:"max_length,omitempty" minimum:"0" maximum:"500" doc:"Of a text or a number; left out, the most."`
}

// DefinitionChangeBody changes what it names of a field.
type DefinitionChangeBody struct {
	Label       string   `json:"label,omitempty" maxLength:"80" pattern:"^[^\\x00-\\x1f\\x7f]+$" example:"Size of shirt"`
	Purpose     string   `json:"purpose,omitempty" enum:"identity,contact,third_party,work" doc:"Refused unless it is the same."`
	Sensitivity string   `json:"sensitivity,omitempty" enum:"ordinary,confidential,special_category" doc:"Never less." example:"confidential"`
	AddChoices  []string `json:"add_choices,omitempty" maxItems:"100" example:"[\"XL\"]"`
	MaxLength   int      `json:"max_length,omitempty" minimum:"0" maximum:"500" doc:"Never shorter."`
}

// FieldValueBody is a value as sent.
type FieldValueBody struct {
	Field string `json:"field" maxLength:"60" pattern:"^[a-z0-9_]+$" example:"shirt_size"`
	Value string `json:"value,omitempty" maxLength:"500" doc:"Left out, the field is cleared." example:"L"`
}

// FieldSettingBody sets fields of a person; what is left out stays.
type FieldSettingBody struct {
	Fields []FieldValueBody `json:"fields" minItems:"1" maxItems:"200"`
	Reason string           `json:"reason" maxLength:"40" pattern:"^[a-z][a-z0-9_]*$" doc:"A code, never free text." example:"intake"`
}

// PersonFieldBody is a field of a person in an answer.
type PersonFieldBody struct {
	Field       string       `json:"field" example:"shirt_size"`
	Label       string       `json:"label" example:"Shirt size"`
	Purpose     string       `json:"purpose" example:"work"`
	Sensitivity string       `json:"sensitivity" enum:"ordinary,confidential,special_category" example:"ordinary"`
	Kind        string       `json:"kind" enum:"text,number,date,choice" example:"choice"`
	Value       PersonalBody `json:"value"`
}

type fieldsAnswer struct {
	Body struct {
		Fields []FieldBody `json:"fields"`
	}
}

type personFieldsAnswer struct {
	Tagged
	Body struct {
		PersonID string            `json:"person_id" format:"uuid"`
		Revision uint64            `json:"revision" doc:"Of the person's stream." example:"3"`
		Fields   []PersonFieldBody `json:"fields"`
	}
}

// FieldPath names a field in a path.
type FieldPath struct {
	Field string `path:"field" maxLength:"60" pattern:"^[a-z0-9_]+$" example:"shirt_size"`
}

func (a *API) registerFields(api huma.API) {
	huma.Register(api, a.operation("list-fields", http.MethodGet, "/v1/fields", "Fields", "Fields of the tenant's own",
		"In order of code, those that are retired included. Definitions are about nobody."),
		func(ctx context.Context, _ *Fresh) (*fieldsAnswer, error) { return a.listFields(ctx) })
	huma.Register(api, a.operation("define-field", http.MethodPost, "/v1/fields", "Fields", "Define a field that is kept of people",
		"Values are sealed under the person's key of the purpose, exported and erased as those that Tracekeep has itself."),
		func(ctx context.Context, in *struct {
			Once
			Body DefinitionBody
		}) (*changedAnswer, error) {
			b := in.Body
			return a.steerField(ctx, field.Define{
				Field: field.Field{
					Code: b.Field, Label: b.Label, Purpose: eventschema.Purpose(b.Purpose), Sensitivity: eventschema.Sensitivity(b.Sensitivity),
					Kind: eventschema.FieldKind(b.Kind), Choices: b.Choices, MaxLength: b.MaxLength,
				},
				DefinedAt: a.config.Clock().UTC(), DefinedBy: caller(ctx).ID,
			})
		})
	huma.Register(api, a.operation("change-field", http.MethodPost, "/v1/fields/{field}/changes", "Fields", "Change a field",
		"What is left out stays. Its purpose and kind never change, and it never becomes less sensitive."),
		func(ctx context.Context, in *struct {
			Once
			FieldPath
			Body DefinitionChangeBody
		}) (*changedAnswer, error) {
			b := in.Body
			return a.steerField(ctx, field.Change{
				Code: in.Field, Label: b.Label, Purpose: eventschema.Purpose(b.Purpose), Sensitivity: eventschema.Sensitivity(b.Sensitivity),
				Add: b.AddChoices, MaxLength: b.MaxLength, ChangedAt: a.config.Clock().UTC(), ChangedBy: caller(ctx).ID,
			})
		})
	huma.Register(api, a.operation("retire-field", http.MethodPost, "/v1/fields/{field}/retirement", "Fields", "Take no more values in a field",
		"Those there are stay until they are cleared or erased."),
		func(ctx context.Context, in *struct {
			Once
			FieldPath
		}) (*changedAnswer, error) {
			return a.steerField(ctx, field.Retire{Code: in.Field, RetiredAt: a.config.Clock().UTC(), RetiredBy: caller(ctx).ID})
		})
	huma.Register(api, a.operation("list-person-fields", http.MethodGet, "/v1/people/{person_id}/fields", "Fields", "The tenant's own fields of a person",
		"In order of code. What is not for this reader is sealed, whether or not there is a value; values of special categories are shown to the person, and to HR and privacy officers who name a ground, which is recorded with the reading."),
		func(ctx context.Context, in *struct {
			Fresh
			PersonID ID     `path:"person_id"`
			Ground   string `query:"ground" enum:"explicit-consent,employment-law,vital-interests,legal-claims,occupational-medicine" doc:"GDPR Art. 9(2)."`
		}) (*personFieldsAnswer, error) {
			return a.listPersonFields(ctx, in.PersonID.id(), field.Ground(in.Ground))
		})
	huma.Register(api, a.operation("set-person-fields", http.MethodPost, "/v1/people/{person_id}/fields", "Fields", "Set the tenant's own fields of a person",
		"What is left out stays, a field without a value is cleared, and what stands already is recorded no more. The earlier values stay in the trail until their key is destroyed. If-Match is of the person."),
		func(ctx context.Context, in *struct {
			Once
			Match
			PersonID ID `path:"person_id"`
			Body     FieldSettingBody
		}) (*changedAnswer, error) {
			return a.setPersonFields(ctx, in.IfMatch, in.PersonID.id(), in.Body)
		})
}

func (a *API) listFields(ctx context.Context) (*fieldsAnswer, error) {
	defined, err := a.inside.Fields.DefinedFields(ctx, caller(ctx))
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &fieldsAnswer{}
	answer.Body.Fields = make([]FieldBody, len(defined))
	for i, f := range defined {
		answer.Body.Fields[i] = FieldBody{
			Field: f.Code, Label: f.Label, Purpose: string(f.Purpose), Sensitivity: string(f.Sensitivity), Kind: string(f.Kind),
			Choices: append([]string{}, f.Choices...), MaxLength: f.MaxLength, DefinedAt: rfc3339(f.DefinedAt), RetiredAt: optionalTime(f.RetiredAt),
		}
	}
	return answer, nil
}

func (a *API) steerField(ctx context.Context, command field.Command) (*changedAnswer, error) {
	receipt, err := a.inside.Fields.SteerField(ctx, intent(ctx), command)
	answer, err := changed(receipt, err)
	if _, defines := command.(field.Define); defines && err == nil {
		answer.Status = created(receipt)
	}
	return answer, err
}

func (a *API) listPersonFields(ctx context.Context, person uuid.UUID, ground field.Ground) (*personFieldsAnswer, error) {
	view, err := a.inside.Fields.PersonFields(ctx, caller(ctx), person, ground)
	if err != nil {
		return nil, problemOf(err)
	}
	released, err := a.release(ctx, ground.Operation("list-person-fields"), view.Values()...)
	if err != nil {
		return nil, err
	}
	answer := &personFieldsAnswer{Tagged: Tagged{ETag: entityTag(view.Revision, view.Values()...)}}
	answer.Body.PersonID, answer.Body.Revision, answer.Body.Fields = person.String(), view.Revision, make([]PersonFieldBody, len(view.Fields))
	for i, f := range view.Fields {
		answer.Body.Fields[i] = PersonFieldBody{
			Field: f.Code, Label: f.Label, Purpose: string(f.Purpose), Sensitivity: string(f.Sensitivity), Kind: string(f.Kind),
			Value: personalBody(f.Value, released),
		}
	}
	return answer, nil
}

func (a *API) setPersonFields(ctx context.Context, match string, person uuid.UUID, body FieldSettingBody) (*changedAnswer, error) {
	what, problem := matched(ctx, match)
	if problem != nil {
		return nil, problem
	}
	values, problem := fieldValues(body.Fields)
	if problem != nil {
		return nil, problem
	}
	return changed(a.inside.Fields.SetPersonFields(ctx, what, FieldSetting{PersonID: person, Values: values, Reason: body.Reason, At: a.config.Clock().UTC()}))
}

// fieldValues reads values as sent. A field that is there twice has no value.
func fieldValues(sent []FieldValueBody) (field.Values, *Problem) {
	values := make(field.Values, len(sent))
	for i, v := range sent {
		if _, twice := values[v.Field]; twice {
			return nil, invalid(fmt.Sprintf("/fields/%d/field", i), "twice", "each field once")
		}
		values[v.Field] = eventschema.Clear(v.Value)
	}
	return values, nil
}
