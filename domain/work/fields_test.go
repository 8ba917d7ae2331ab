package work_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/field"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
)

// promise: RR-11
func TestSetFields(t *testing.T) {
	workID := uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")
	at := time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC)
	defined := field.State{
		"shirt": {Code: "shirt", Purpose: eventschema.PurposeWork, Kind: eventschema.FieldChoice, Choices: []string{"S", "L"}},
		"chat":  {Code: "chat", Purpose: eventschema.PurposeContact, Kind: eventschema.FieldText, MaxLength: 20},
	}
	opened, ended := &eventschema.WorkOpened{WorkID: workID, OpenedAt: at}, &eventschema.WorkEnded{WorkID: workID, EndedOn: "2026-01-31"}
	large := field.Values{"shirt": eventschema.Clear("L")}
	set := func(now, wanted field.Values) work.SetFields {
		return work.SetFields{WorkID: workID, Fields: field.Setting{Defined: defined, Now: now, Wanted: wanted}, Reason: "intake", SetAt: at.In(time.FixedZone("PST", 8*3600))}
	}
	given := func(reason string) *eventschema.WorkFieldsSet {
		return &eventschema.WorkFieldsSet{WorkID: workID, SetAt: at, Reason: reason, Work: eventschema.Clear(`{"shirt":"L"}`)}
	}
	domaintest.Run(t, work.Decider(), map[string]domaintest.Case[work.Command]{
		"a value held for work is given":                   {Given: []eventschema.Event{opened}, When: set(nil, large), Then: []eventschema.Event{given("intake")}},
		"the same again changes nothing":                   {Given: []eventschema.Event{opened}, When: set(large, large)},
		"what is held for something else is not in it":     {Given: []eventschema.Event{opened}, When: set(nil, field.Values{"chat": eventschema.Clear("@wren")})},
		"what does not fit is refused":                     {Given: []eventschema.Event{opened}, When: set(nil, field.Values{"shirt": eventschema.Clear("XL")}), Refused: field.ErrChoice},
		"a record that was never opened takes nothing":     {When: set(nil, large), Refused: work.ErrNotOpened},
		"after the employment a value can be put right":    {Given: []eventschema.Event{opened, ended}, When: set(nil, large), Then: []eventschema.Event{given("intake")}},
		"a setting has a reason":                           {Given: []eventschema.Event{opened}, When: work.SetFields{WorkID: workID, Fields: field.Setting{Defined: defined, Wanted: large}}, Refused: work.ErrReason},
		"a record is opened with the values given with it": {When: work.Open{WorkID: workID, OpenedAt: at, Fields: field.Setting{Defined: defined, Wanted: large}}, Then: []eventschema.Event{opened, given("registered")}},
		"and not when they do not fit":                     {When: work.Open{WorkID: workID, OpenedAt: at, Fields: field.Setting{Defined: defined, Wanted: field.Values{"shirt": eventschema.Clear("M")}}}, Refused: field.ErrChoice},
		"a record that is open takes no values by opening": {Given: []eventschema.Event{opened}, When: work.Open{WorkID: workID, OpenedAt: at, Fields: field.Setting{Defined: defined, Wanted: large}}},
	})
}
