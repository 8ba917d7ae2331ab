package reading_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/reading"
	"tracekeep/eventschema"
)

var (
	reader = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	name   = []eventschema.ShownValue{{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}}
	email  = []eventschema.ShownValue{{Field: "contact.email", Purpose: eventschema.PurposeContact}}
)

func people(from, n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][8:], uint64(from+i+1))
	}
	return ids
}

func record(changes ...func(*reading.Record)) reading.Record {
	r := reading.Record{
		ReadID: uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801"), ReadBy: reader, Operation: "list-people", Use: eventschema.UseService, ReadAt: noon,
		Shown: []eventschema.Shown{{Values: name, Subjects: people(0, 2)}, {Values: email, Subjects: people(2, 1)}},
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func recorded(r reading.Record) []eventschema.Event {
	return []eventschema.Event{&eventschema.ValuesRead{
		ReadID: r.ReadID, ReadBy: r.ReadBy, Operation: r.Operation, Use: r.Use, Shown: r.Shown, ReadAt: r.ReadAt,
	}}
}

func TestRecord(t *testing.T) {
	full := record(func(r *reading.Record) {
		r.Shown = []eventschema.Shown{{Values: name, Subjects: people(0, reading.AtOnce)}}
	})
	domaintest.Run(t, reading.Decider(), map[string]domaintest.Case[reading.Record]{
		"whose values, which, for which use":  {When: record(), Then: recorded(record())},
		"the same is read again":              {Given: recorded(record()), When: record(), Then: recorded(record())},
		"as many people as an event may name": {When: full, Then: recorded(full)},
		"somebody answers for it":             {When: record(func(r *reading.Record) { r.ReadBy = uuid.Nil }), Refused: reading.ErrNoReader},
		"what was asked is a code":            {When: record(func(r *reading.Record) { r.Operation = "Looked up Ada" }), Refused: reading.ErrOperation},
		"nothing was asked":                   {When: record(func(r *reading.Record) { r.Operation = "" }), Refused: reading.ErrOperation},
		"a code is short":                     {When: record(func(r *reading.Record) { r.Operation = strings.Repeat("x", 61) }), Refused: reading.ErrOperation},
		"it has a use":                        {When: record(func(r *reading.Record) { r.Use = "" }), Refused: reading.ErrUse},
		"it has a time":                       {When: record(func(r *reading.Record) { r.ReadAt = time.Time{} }), Refused: reading.ErrNoTime},
		"nobody was read about":               {When: record(func(r *reading.Record) { r.Shown = nil }), Refused: reading.ErrNothing},
		"values of nobody":                    {When: record(func(r *reading.Record) { r.Shown[0].Subjects = nil }), Refused: reading.ErrNothing},
		"values of no id":                     {When: record(func(r *reading.Record) { r.Shown[0].Subjects = []uuid.UUID{uuid.Nil} }), Refused: reading.ErrNothing},
		"no values of somebody":               {When: record(func(r *reading.Record) { r.Shown[1].Values = nil }), Refused: reading.ErrNothing},
		"everybody is named once":             {When: record(func(r *reading.Record) { r.Shown[1].Subjects = people(1, 1) }), Refused: reading.ErrTwice},
		"more people than an event may name": {When: record(func(r *reading.Record) {
			r.Shown = []eventschema.Shown{{Values: name, Subjects: people(0, reading.AtOnce)}, {Values: email, Subjects: people(reading.AtOnce, 1)}}
		}), Refused: reading.ErrTooMany},
	})
}
