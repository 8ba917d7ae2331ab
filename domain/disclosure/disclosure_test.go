package disclosure_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/disclosure"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

var (
	disclosureID = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	person       = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	officer      = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	second       = uuid.MustParse("c0a80101-0000-4000-8000-000000000005")
	noon         = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

	toBureau = disclosure.Record{
		DisclosureID: disclosureID, PersonID: person, Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll",
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, Reference: "2026-0417", DisclosedAt: noon, DisclosedBy: officer,
	}
	toCourt = changed(func(r *disclosure.Record) {
		r.Recipient, r.Ground, r.Interest, r.Instrument, r.ApprovedBy = "court", eventschema.DisclosureCourtOrder, "order", "17 Cv 4711", second
	})
)

func changed(changes ...func(*disclosure.Record)) disclosure.Record {
	record := toBureau
	for _, change := range changes {
		change(&record)
	}
	return record
}

func recorded(r disclosure.Record) []eventschema.Event {
	return []eventschema.Event{&eventschema.DisclosureRecorded{
		DisclosureID: r.DisclosureID, PersonID: r.PersonID, Recipient: r.Recipient, Ground: r.Ground, Interest: r.Interest, Purposes: r.Purposes,
		Instrument: r.Instrument, Reference: r.Reference, DisclosedAt: noon, DisclosedBy: r.DisclosedBy, ApprovedBy: r.ApprovedBy,
	}}
}

// promise: RR-34
// promise: OT-17
func TestRecord(t *testing.T) {
	court := func(change func(*disclosure.Record)) disclosure.Record {
		record := toCourt
		change(&record)
		return record
	}
	table := map[string]domaintest.Case[disclosure.Record]{
		"a processor under contract gets what it needs": {When: toBureau, Then: recorded(toBureau)},
		"a court orders it":                             {When: toCourt, Then: recorded(toCourt)},
		"without the order's file number":               {When: court(func(r *disclosure.Record) { r.Instrument = "" }), Refused: disclosure.ErrInstrument},
		"without a second person":                       {When: court(func(r *disclosure.Record) { r.ApprovedBy = uuid.Nil }), Refused: disclosure.ErrSecondPerson},
		"with the same person twice":                    {When: court(func(r *disclosure.Record) { r.ApprovedBy = officer }), Refused: disclosure.ErrSecondPerson},
		"a disclosure is recorded once":                 {Given: recorded(toBureau), When: toBureau, Refused: disclosure.ErrAlreadyRecorded},
		"somebody must answer for it":                   {When: changed(func(r *disclosure.Record) { r.DisclosedBy = uuid.Nil }), Refused: disclosure.ErrNoActor},
		"it is about somebody":                          {When: changed(func(r *disclosure.Record) { r.PersonID = uuid.Nil }), Refused: disclosure.ErrPerson},
		"the recipient is a code, not a person's name":  {When: changed(func(r *disclosure.Record) { r.Recipient = "Ada Example" }), Refused: disclosure.ErrRecipient},
		"nobody is no recipient":                        {When: changed(func(r *disclosure.Record) { r.Recipient = "" }), Refused: disclosure.ErrRecipient},
		"sale is no ground":                             {When: changed(func(r *disclosure.Record) { r.Ground = "sale" }), Refused: disclosure.ErrGround},
		"the interest is a code":                        {When: changed(func(r *disclosure.Record) { r.Interest = "because we can" }), Refused: disclosure.ErrInterest},
		"what was given is named":                       {When: changed(func(r *disclosure.Record) { r.Purposes = nil }), Refused: disclosure.ErrPurposes},
		"a purpose nobody knows":                        {When: changed(func(r *disclosure.Record) { r.Purposes = []eventschema.Purpose{"shoe_size"} }), Refused: disclosure.ErrPurposes},
		"a reference with a line break":                 {When: changed(func(r *disclosure.Record) { r.Reference = "a\nb" }), Refused: disclosure.ErrReference},
		"a reference that is a letter":                  {When: changed(func(r *disclosure.Record) { r.Reference = strings.Repeat("x", 65) }), Refused: disclosure.ErrReference},
	}
	for _, ground := range eventschema.DisclosureGrounds() {
		record := changed(func(r *disclosure.Record) { r.Ground, r.Instrument, r.ApprovedBy = ground, "17 Cv 4711", second })
		table["on the ground "+string(ground)] = domaintest.Case[disclosure.Record]{When: record, Then: recorded(record)}
	}
	domaintest.Run(t, disclosure.Decider(), table)
}
