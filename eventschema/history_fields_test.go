package eventschema_test

import "tracekeep/eventschema"

// historyOfFields has the chapters of the fields that tenants define.
func historyOfFields() map[string]chapter {
	tenant, person, work := id("tenant"), id("person"), id("work")
	stream := eventschema.FieldStream(tenant).String()
	clear := eventschema.Clear
	return map[string]chapter{
		"field-defined.v1": {stream: stream, id: id("field-defined.v1"), want: &eventschema.FieldDefined{
			Field: "shirt_size", Label: "Shirt size", Purpose: eventschema.PurposeWork, Sensitivity: eventschema.SensitivityOrdinary,
			Kind: eventschema.FieldChoice, Choices: []string{"S", "M", "L"}, MaxLength: 0, DefinedAt: at("2026-01-05T00:00:00Z"), DefinedBy: id("officer"),
		}},
		"field-changed.v1": {stream: stream, id: id("field-changed.v1"), want: &eventschema.FieldChanged{
			Field: "allergy", Label: "Allergies", Sensitivity: eventschema.SensitivitySpecial, MaxLength: 120,
			ChangedAt: at("2026-02-05T00:00:00Z"), ChangedBy: id("officer"),
		}},
		"field-retired.v1": {stream: stream, id: id("field-retired.v1"), want: &eventschema.FieldRetired{
			Field: "shirt_size", RetiredAt: at("2026-12-05T00:00:00Z"), RetiredBy: id("officer"),
		}},
		"person-fields-set.v1": {stream: eventschema.PersonStream(tenant, person).String(), id: id("person-fields-set.v1"), want: &eventschema.PersonFieldsSet{
			PersonID: person, SetAt: at("2026-02-06T09:00:00Z"), Reason: "intake",
			Identity: clear(`{"passport_no":"P 417 Ō"}`), Contact: clear(`{"messenger":"@wren","radio_call":null}`), ThirdParty: clear(`{"emergency_contact":"Ada Lind"}`),
		}},
		"work-fields-set.v1": {stream: eventschema.WorkStream(tenant, work).String(), id: id("work-fields-set.v1"), want: &eventschema.WorkFieldsSet{
			WorkID: work, SetAt: at("2026-02-06T09:00:01Z"), Reason: "intake", Work: clear(`{"shirt_size":"L"}`),
		}},
	}
}
