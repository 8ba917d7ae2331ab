package httpapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// shirtSize and allergies are the fields of the company.
var (
	shirtSize = httpapi.FieldDefinition{DefinedAt: now, Field: field.Field{
		Code: "shirt_size", Label: "Shirt size", Purpose: eventschema.PurposeWork, Sensitivity: eventschema.SensitivityOrdinary,
		Kind: eventschema.FieldChoice, Choices: []string{"S", "M", "L"},
	}}
	allergies = httpapi.FieldDefinition{DefinedAt: now, Field: field.Field{
		Code: "allergies", Label: "Allergies", Purpose: eventschema.PurposeIdentity, Sensitivity: eventschema.SensitivitySpecial,
		Kind: eventschema.FieldText, MaxLength: 200, Retired: true,
	}}
)

func (c *company) DefinedFields(context.Context, httpapi.Principal) ([]httpapi.FieldDefinition, error) {
	retired := now.Add(time.Hour)
	old := allergies
	old.RetiredAt = &retired
	return []httpapi.FieldDefinition{old, shirtSize}, c.fail
}

func (c *company) SteerField(_ context.Context, intent httpapi.Intent, command field.Command) (httpapi.Receipt, error) {
	receipt, err := c.act(intent)
	c.fieldSteps = append(c.fieldSteps, command)
	return receipt, err
}

func (c *company) SetPersonFields(_ context.Context, intent httpapi.Intent, setting httpapi.FieldSetting) (httpapi.Receipt, error) {
	if err := c.exists(setting.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	if _, known := setting.Values["shirt_size"]; !known {
		return httpapi.Receipt{}, &httpapi.Refusal{Code: "unknown_field", Message: field.ErrUnknown.Error(), Pointer: "/fields"}
	}
	receipt, err := c.act(intent)
	c.settings = append(c.settings, setting)
	return receipt, err
}

// PersonFields knows what is shown to HR.
func (c *company) PersonFields(_ context.Context, by httpapi.Principal, person uuid.UUID, ground field.Ground) (httpapi.PersonFieldsView, error) {
	if err := c.fail; err != nil {
		return httpapi.PersonFieldsView{}, err
	}
	if person == stranger || by.Tenant != tenant {
		return httpapi.PersonFieldsView{}, httpapi.ErrNotFound
	}
	of := func(f httpapi.FieldDefinition, text string) httpapi.Personal {
		if person == erasedPerson {
			return withheld(eventschema.StateErased, closedCase, &leaf)
		}
		return httpapi.Personal{Personal: eventschema.Clear(text), Of: httpapi.ValueOf{Subject: person, ShownValue: eventschema.ShownValue{Field: string(f.Purpose) + "." + f.Code, Purpose: f.Purpose}}}
	}
	view := httpapi.PersonFieldsView{PersonID: person, Revision: 3, Fields: []httpapi.FieldView{
		{FieldDefinition: allergies, Value: of(allergies, "nuts")}, {FieldDefinition: shirtSize, Value: of(shirtSize, "L")},
	}}
	if ground == "" && person == ada {
		view.Fields[0].Value = withheld(eventschema.StateSealed, uuid.Nil, nil)
	}
	return view, nil
}

func TestFieldsOfAPersonSayTheirStateAndTheGroundIsRecorded(t *testing.T) {
	s := start(t)
	target := "/v1/people/" + ada.String() + "/fields"
	for name, row := range map[string]struct{ query, state, operation string }{
		"without a ground special categories stay sealed": {"", "sealed", "list-person-fields"},
		"a ground is recorded with the reading":           {"?ground=occupational-medicine", "clear", "list-person-fields-occupational-medicine"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.send("hr", "GET", target+row.query, "")
			s.expect(a, 200, "")
			first := a.member(t, "fields").([]any)[0].(map[string]any)["value"].(map[string]any)
			if first["state"] != row.state || (first["value"] == nil) != (row.state == "sealed") {
				t.Errorf("allergies are %v", first)
			}
			if read := s.readings[len(s.readings)-1]; read.operation != row.operation {
				t.Errorf("recorded as %s", read.operation)
			}
			if a.Header.Get("ETag") == "" {
				t.Error("no entity tag to change the fields with")
			}
		})
	}
	s.expect(s.send("hr", "GET", target+"?ground=curiosity", ""), 422, "")
	a := s.send("hr", "GET", "/v1/people/"+erasedPerson.String()+"/fields", "")
	s.expect(a, 200, "")
	for _, shown := range a.member(t, "fields").([]any) {
		value := shown.(map[string]any)["value"].(map[string]any)
		if value["state"] != "erased" || value["case"] != closedCase.String() || value["certificate_leaf"] != float64(leaf) || value["value"] != nil {
			t.Errorf("of somebody erased: %v", value)
		}
	}
}

func TestSettingFields(t *testing.T) {
	target := "/v1/people/" + ada.String() + "/fields"
	for name, row := range map[string]struct {
		body   string
		match  string
		status int
	}{
		"a value is given and another cleared":   {`{"fields":[{"field":"shirt_size","value":"L"},{"field":"locker"}],"reason":"intake"}`, `"3"`, 200},
		"a field is given once":                  {`{"fields":[{"field":"shirt_size","value":"L"},{"field":"shirt_size"}],"reason":"intake"}`, `"3"`, 422},
		"a field that nobody defined is refused": {`{"fields":[{"field":"shoe_size","value":"44"}],"reason":"intake"}`, `"3"`, 422},
		"a code is a code":                       {`{"fields":[{"field":"Shirt size","value":"L"}],"reason":"intake"}`, `"3"`, 422},
		"a change rests on what was read":        {`{"fields":[{"field":"shirt_size","value":"L"}],"reason":"intake"}`, "", 428},
		"and is refused when that has changed":   {`{"fields":[{"field":"shirt_size","value":"L"}],"reason":"intake"}`, `"2"`, 412},
		"a reason is a code":                     {`{"fields":[{"field":"shirt_size","value":"L"}],"reason":"Wren asked"}`, `"3"`, 422},
		"nothing to set is no change":            {`{"fields":[],"reason":"intake"}`, `"3"`, 422},
		"a value longer than any is refused":     {`{"fields":[{"field":"shirt_size","value":"` + strings.Repeat("x", 501) + `"}],"reason":"intake"}`, `"3"`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			var headers []string
			if row.match != "" {
				headers = []string{"If-Match", row.match}
			}
			s.expect(s.send("hr", "POST", target, row.body, headers...), row.status, "")
			if row.status != 200 {
				return
			}
			set := s.settings[0].Values
			if text, _ := set["shirt_size"].Reveal(); text != "L" || set["locker"].State() != eventschema.StateAbsent || len(set) != 2 {
				t.Errorf("set %v", set)
			}
		})
	}
}

func TestFieldsAreDefinedChangedAndRetired(t *testing.T) {
	s := start(t)
	s.expect(s.send("privacy", "POST", "/v1/fields", `{"field":"locker","label":"Locker","purpose":"work","sensitivity":"ordinary","kind":"number","max_length":4}`), 201, "")
	s.expect(s.send("hr", "POST", "/v1/fields/locker/changes", `{"sensitivity":"confidential"}`), 200, "")
	s.expect(s.send("hr", "POST", "/v1/fields/locker/retirement", ""), 200, "")
	s.expect(s.send("hr", "POST", "/v1/fields", `{"field":"locker","label":"Locker","purpose":"media","sensitivity":"ordinary","kind":"number"}`), 422, "")
	if len(s.fieldSteps) != 3 {
		t.Fatalf("%d commands", len(s.fieldSteps))
	}
	define, _ := s.fieldSteps[0].(field.Define)
	change, _ := s.fieldSteps[1].(field.Change)
	retire, _ := s.fieldSteps[2].(field.Retire)
	if define.Field.Code != "locker" || define.Field.MaxLength != 4 || define.DefinedBy == uuid.Nil || change.Code != "locker" ||
		change.Sensitivity != eventschema.SensitivityConfidential || retire.Code != "locker" || retire.RetiredBy == uuid.Nil {
		t.Errorf("%+v", s.fieldSteps)
	}
	a := s.send("worker", "GET", "/v1/fields", "")
	s.expect(a, 200, "")
	if listed := a.member(t, "fields").([]any); len(listed) != 2 || listed[0].(map[string]any)["retired_at"] == nil {
		t.Errorf("listed %v", listed)
	}
}
