package person_test

import (
	"testing"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/field"
	"tracekeep/domain/person"
	"tracekeep/eventschema"
)

var fields = field.State{
	"passport": {Code: "passport", Purpose: eventschema.PurposeIdentity, Kind: eventschema.FieldText, MaxLength: 20},
	"chat":     {Code: "chat", Purpose: eventschema.PurposeContact, Kind: eventschema.FieldText, MaxLength: 20},
	"call":     {Code: "call", Purpose: eventschema.PurposeThirdParty, Kind: eventschema.FieldText, MaxLength: 20},
	"shirt":    {Code: "shirt", Purpose: eventschema.PurposeWork, Kind: eventschema.FieldChoice, Choices: []string{"S", "L"}},
}

func setting(now, wanted field.Values) field.Setting {
	return field.Setting{Defined: fields, Now: now, Wanted: wanted}
}

// promise: RR-11
// promise: RR-26
func TestSetFields(t *testing.T) {
	clear := eventschema.Clear
	set := func(now, wanted field.Values) person.SetFields {
		return person.SetFields{PersonID: personID, Fields: setting(now, wanted), Reason: "intake", SetAt: manila}
	}
	domaintest.Run(t, person.Decider(), map[string]kase{
		"values are given, each sealed with those of its purpose": {
			Given: past(registered), When: set(nil, field.Values{"passport": clear("P 417"), "chat": clear("@wren"), "call": clear("Ada")}),
			Then: past(&eventschema.PersonFieldsSet{
				PersonID: personID, SetAt: january, Reason: "intake",
				Identity: clear(`{"passport":"P 417"}`), Contact: clear(`{"chat":"@wren"}`), ThirdParty: clear(`{"call":"Ada"}`),
			}),
		},
		"an event carries only what changed": {
			Given: past(registered), When: set(field.Values{"passport": clear("P 417"), "chat": clear("@wren")}, field.Values{"passport": clear("P 417"), "chat": clear("@okafor")}),
			Then: past(&eventschema.PersonFieldsSet{PersonID: personID, SetAt: january, Reason: "intake", Contact: clear(`{"chat":"@okafor"}`)}),
		},
		"a value is cleared": {
			Given: past(registered), When: set(field.Values{"chat": clear("@wren")}, field.Values{"chat": {}}),
			Then: past(&eventschema.PersonFieldsSet{PersonID: personID, SetAt: january, Reason: "intake", Contact: clear(`{"chat":null}`)}),
		},
		"the same values again change nothing": {
			Given: past(registered), When: set(field.Values{"chat": clear("@wren")}, field.Values{"chat": clear("@wren")})},
		"what is held for work is left to the work record": {
			Given: past(registered), When: set(nil, field.Values{"shirt": clear("L")})},
		"and still has to fit": {
			Given: past(registered), When: set(nil, field.Values{"shirt": clear("XL"), "chat": clear("@wren")}), Refused: field.ErrChoice},
		"a field nobody defined takes nothing": {
			Given: past(registered), When: set(nil, field.Values{"shoe": clear("44")}), Refused: field.ErrUnknown},
		"of somebody unknown nothing is kept": {
			When: set(nil, field.Values{"chat": clear("@wren")}), Refused: person.ErrNotRegistered},
		"nor of a closed account": {
			Given: past(registered, closed), When: set(nil, field.Values{"chat": clear("@wren")}), Refused: person.ErrClosed},
		"a setting has a reason": {
			Given: past(registered), When: person.SetFields{PersonID: personID, Fields: setting(nil, field.Values{"chat": clear("@wren")})}, Refused: person.ErrReason},
		"at registration they come with the person": {
			When: person.Register{PersonID: personID, LegalName: clear("Wren Okafor"), RegisteredAt: manila, Fields: setting(nil, field.Values{"chat": clear("@wren"), "shirt": clear("L")})},
			Then: past(
				&eventschema.PersonRegistered{PersonID: personID, LegalName: clear("Wren Okafor"), RegisteredAt: january},
				&eventschema.PersonFieldsSet{PersonID: personID, SetAt: january, Reason: "registered", Contact: clear(`{"chat":"@wren"}`)},
			),
		},
		"and somebody whose values do not fit is not registered": {
			When:    person.Register{PersonID: personID, LegalName: clear("Wren Okafor"), Fields: setting(nil, field.Values{"chat": eventschema.Withheld(eventschema.StateSealed, uuid.Nil)})},
			Refused: field.ErrText,
		},
	})
}
