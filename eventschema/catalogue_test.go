package eventschema_test

import (
	"slices"
	"strings"
	"testing"

	"tracekeep/eventschema"
)

func TestTheCatalogueExplainsEveryEvent(t *testing.T) {
	registry, err := eventschema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	catalogue := registry.Catalogue()
	if len(catalogue) != len(registry.Definitions()) {
		t.Fatalf("%d of %d events", len(catalogue), len(registry.Definitions()))
	}
	for _, event := range catalogue {
		if len(event.Fields) == 0 || len(event.Stored) != event.Version {
			t.Errorf("%+v", event)
		}
		for _, stored := range event.Stored {
			if !registry.Knows(stored) {
				t.Errorf("%s is not registered", stored)
			}
		}
		for _, field := range event.Fields {
			if field.Personal == (field.Kind != "") || field.Personal != (field.Purpose != "" && field.Section != "" && field.Key != "") || strings.ContainsAny(field.Name, " ,:") {
				t.Errorf("%s: %+v", event.Type, field)
			}
		}
	}
	registered := catalogue[slices.IndexFunc(catalogue, func(e eventschema.CatalogueEvent) bool { return e.Type == "person-registered" })]
	if !slices.Contains(registered.Fields, eventschema.CatalogueField{
		Name: "email", Personal: true, Section: "contact", Purpose: eventschema.PurposeContact, Key: "person_id",
	}) {
		t.Errorf("%+v", registered)
	}
}
