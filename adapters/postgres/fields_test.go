package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfField tells the life of the n-th field: it is defined, changed and retired.
func eventsOfField(n int, at time.Time) []eventschema.Event {
	code, officer := fmt.Sprintf("field_%d", n), id("actor", 1)
	return []eventschema.Event{
		&eventschema.FieldDefined{Field: code, Label: "Shirt", Purpose: eventschema.PurposeContact, Sensitivity: eventschema.SensitivityOrdinary,
			Kind: eventschema.FieldChoice, Choices: []string{"S", "L"}, DefinedAt: at, DefinedBy: officer},
		&eventschema.FieldChanged{Field: code, Label: "Size of shirt", Sensitivity: eventschema.SensitivityConfidential, Choices: []string{"S", "L", "XL"}, ChangedAt: at.Add(time.Hour), ChangedBy: officer},
		&eventschema.FieldRetired{Field: code, RetiredAt: at.Add(2 * time.Hour), RetiredBy: officer},
	}
}

// valuesOfFields are what was set of the fields of one person.
func valuesOfFields(person, work uuid.UUID, at time.Time) []eventschema.Event {
	return []eventschema.Event{
		&eventschema.PersonFieldsSet{PersonID: person, SetAt: at, Reason: "intake", Contact: eventschema.Clear(`{"field_1":"` + canary + `"}`)},
		&eventschema.WorkFieldsSet{WorkID: work, SetAt: at, Reason: "intake", Work: eventschema.Clear(`{"field_1":"` + canary + `"}`)},
	}
}

func TestAFieldIsWhatWasSaidLastOfIt(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	retired := at.Add(2 * time.Hour)
	first := projections.Field{Code: "field_1", Label: "Shirt", Purpose: eventschema.PurposeContact, Sensitivity: eventschema.SensitivityOrdinary,
		Kind: eventschema.FieldChoice, Choices: []string{"S", "L"}, DefinedAt: at}
	second := first
	second.Label, second.Sensitivity, second.Choices = "Size of shirt", eventschema.SensitivityConfidential, []string{"S", "L", "XL"}
	third := second
	third.RetiredAt = &retired
	want := []projections.Field{first, second, third}
	for i, event := range eventsOfField(1, at) {
		want[i].Position = h.add(eventschema.FieldStream(h.tenant), event)
		want[i].Defined = want[0].Position
		apply(t, models, h.log[i:])
		got, err := projections.Fields(t.Context(), models.Querier(), h.tenant)
		if diff := cmp.Diff(want[i:i+1], got); err != nil || diff != "" {
			t.Errorf("after %s: %v\n%s", event.EventType(), err, diff)
		}
	}
	if others, err := projections.Fields(t.Context(), models.Querier(), id("tenant", 2)); err != nil || len(others) > 0 {
		t.Errorf("another tenant sees %+v %v", others, err)
	}
}

// The sealed values of fields stand beside those of the person and of the work record, in
// the order in which they were set.
func TestValuesOfFieldsStandWithThoseOfTheirPerson(t *testing.T) {
	h, models := newHistory(t), open(t)
	at, person, work := clock("2026-03-02T08:00:00Z"), id("person", 1), id("work", 1)
	h.add(eventschema.PersonStream(h.tenant, person), &eventschema.PersonRegistered{PersonID: person, RegisteredAt: at, LegalName: eventschema.Clear(canary)})
	h.add(eventschema.WorkStream(h.tenant, work), &eventschema.WorkOpened{WorkID: work, OpenedAt: at, PayrollName: eventschema.Clear(canary)})
	events := valuesOfFields(person, work, at)
	h.add(eventschema.PersonStream(h.tenant, person), events[0])
	h.add(eventschema.WorkStream(h.tenant, work), events[1])
	apply(t, models, h.log)
	people, err := projections.PeopleByID(t.Context(), models.Querier(), h.tenant, []uuid.UUID{person, id("person", 2)})
	if err != nil || len(people) != 1 || len(people[0].Sections) != 2 || people[0].Sections[1].At.EventType != "person-fields-set" || people[0].Sections[1].At.Purpose != eventschema.PurposeContact {
		t.Errorf("%+v %v", people, err)
	}
	records, err := projections.WorkRecords(t.Context(), models.Querier(), h.tenant, []uuid.UUID{work})
	if err != nil || len(records) != 1 || len(records[0].Sections) != 2 || records[0].Sections[1].At.EventType != "work-fields-set" {
		t.Errorf("%+v %v", records, err)
	}
}
