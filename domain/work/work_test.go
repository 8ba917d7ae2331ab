package work_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
)

func TestWork(t *testing.T) {
	workID := uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")
	january := time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC)
	open := work.Open{
		WorkID: workID, OpenedAt: january.In(time.FixedZone("PST", 8*3600)),
		PayrollName: eventschema.Clear("OKAFOR WREN"), EmployeeNumber: eventschema.Clear("00417"),
	}
	opened := &eventschema.WorkOpened{
		WorkID: workID, OpenedAt: january, PayrollName: eventschema.Clear("OKAFOR WREN"), EmployeeNumber: eventschema.Clear("00417"),
	}
	end := work.End{WorkID: workID, EndedAt: time.Date(2028, 3, 1, 3, 0, 0, 0, time.FixedZone("PST", 8*3600))}
	ended := &eventschema.WorkEnded{WorkID: workID, EndedOn: "2028-02-29"}
	domaintest.Run(t, work.Decider(), map[string]domaintest.Case[work.Command]{
		"a work record is opened":       {When: open, Then: []eventschema.Event{opened}},
		"opening twice changes nothing": {Given: []eventschema.Event{opened}, When: open},
		"an event of another stream opens nothing": {
			Given: []eventschema.Event{&eventschema.PersonRegistered{}}, When: open, Then: []eventschema.Event{opened}},
		"an employment ends on a day, not at an instant": {Given: []eventschema.Event{opened}, When: end, Then: []eventschema.Event{ended}},
		"it ends once, on the first day that was told": {
			Given: []eventschema.Event{opened, ended}, When: work.End{WorkID: workID, EndedAt: january.AddDate(3, 0, 0)}},
		"what was never opened does not end": {When: end, Refused: work.ErrNotOpened},
	})
}
