package field_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

var (
	officer = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b01")
	january = time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC)
	manila  = january.In(time.FixedZone("PST", 8*3600))

	shirt = field.Field{
		Code: "shirt_size", Label: "Shirt size", Purpose: eventschema.PurposeWork, Sensitivity: eventschema.SensitivityOrdinary,
		Kind: eventschema.FieldChoice, Choices: []string{"S", "M", "L"},
	}
	allergy = field.Field{
		Code: "allergy", Label: "Allergies", Purpose: eventschema.PurposeIdentity, Sensitivity: eventschema.SensitivityConfidential,
		Kind: eventschema.FieldText, MaxLength: 20,
	}
	locker = field.Field{
		Code: "locker", Label: "Locker", Purpose: eventschema.PurposeContact, Sensitivity: eventschema.SensitivityOrdinary, Kind: eventschema.FieldNumber, MaxLength: 6,
	}
	vaccinated = field.Field{
		Code: "vaccinated_on", Label: "Vaccinated on", Purpose: eventschema.PurposeThirdParty, Sensitivity: eventschema.SensitivitySpecial, Kind: eventschema.FieldDate,
	}
)

// defined is the event of a field.
func defined(f field.Field) *eventschema.FieldDefined {
	return &eventschema.FieldDefined{
		Field: f.Code, Label: f.Label, Purpose: f.Purpose, Sensitivity: f.Sensitivity, Kind: f.Kind, Choices: f.Choices, MaxLength: f.MaxLength,
		DefinedAt: january, DefinedBy: officer,
	}
}

func retired(code string) *eventschema.FieldRetired {
	return &eventschema.FieldRetired{Field: code, RetiredAt: january, RetiredBy: officer}
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[field.Command]

// but is a field with something else about it.
func but(f field.Field, change func(*field.Field)) field.Define {
	change(&f)
	return field.Define{Field: f, DefinedAt: manila, DefinedBy: officer}
}

func TestDefine(t *testing.T) {
	same := func(*field.Field) {}
	long := strings.Repeat("ö", 81)
	domaintest.Run(t, field.Decider(), map[string]kase{
		"a choice is defined with its choices":                          {When: but(shirt, same), Then: past(defined(shirt))},
		"a text with its length":                                        {When: but(allergy, same), Then: past(defined(allergy))},
		"a date has neither":                                            {When: but(vaccinated, same), Then: past(defined(vaccinated))},
		"a text without a length has the longest":                       {When: but(allergy, func(f *field.Field) { f.MaxLength = 0 }), Then: past(defined(longest(allergy, 500)))},
		"and so has a number":                                           {When: but(locker, func(f *field.Field) { f.MaxLength = 0 }), Then: past(defined(longest(locker, 30)))},
		"defining it again in the same words changes nothing":           {Given: past(defined(shirt)), When: but(shirt, same)},
		"in other words it is another field, and the code is taken":     {Given: past(defined(shirt)), When: but(shirt, func(f *field.Field) { f.Label = "Size" }), Refused: field.ErrTaken},
		"the code of one that is retired is not used again":             {Given: past(defined(shirt), retired("shirt_size")), When: but(shirt, same), Refused: field.ErrRetired},
		"a code is a code":                                              {When: but(shirt, func(f *field.Field) { f.Code = "Shirt size" }), Refused: field.ErrCode},
		"the names of what Tracekeep keeps itself are taken":            {When: but(shirt, func(f *field.Field) { f.Code = "legal_name" }), Refused: field.ErrCode},
		"a field is called something":                                   {When: but(shirt, func(f *field.Field) { f.Label = "" }), Refused: field.ErrLabel},
		"in few characters":                                             {When: but(shirt, func(f *field.Field) { f.Label = long }), Refused: field.ErrLabel},
		"that do not steer a terminal":                                  {When: but(shirt, func(f *field.Field) { f.Label = "Shirt\x1b[2J" }), Refused: field.ErrLabel},
		"a field has a purpose":                                         {When: but(shirt, func(f *field.Field) { f.Purpose = "" }), Refused: field.ErrPurpose},
		"a place is no field: it has keys by month":                     {When: but(shirt, func(f *field.Field) { f.Purpose = eventschema.PurposeLocation }), Refused: field.ErrPurpose},
		"a sensitivity is one of three":                                 {When: but(shirt, func(f *field.Field) { f.Sensitivity = "secret" }), Refused: field.ErrSensitivity},
		"a kind is one of four":                                         {When: but(shirt, func(f *field.Field) { f.Kind = "picture" }), Refused: field.ErrKind},
		"a text is not longer than the longest":                         {When: but(allergy, func(f *field.Field) { f.MaxLength = 501 }), Refused: field.ErrLength},
		"nor of less than nothing":                                      {When: but(allergy, func(f *field.Field) { f.MaxLength = -1 }), Refused: field.ErrLength},
		"a number is not longer than the longest":                       {When: but(locker, func(f *field.Field) { f.MaxLength = 31 }), Refused: field.ErrLength},
		"a date has no length":                                          {When: but(vaccinated, func(f *field.Field) { f.MaxLength = 10 }), Refused: field.ErrLength},
		"one choice is none":                                            {When: but(shirt, func(f *field.Field) { f.Choices = []string{"S"} }), Refused: field.ErrChoices},
		"a choice is there once":                                        {When: but(shirt, func(f *field.Field) { f.Choices = []string{"S", "M", "S"} }), Refused: field.ErrChoices},
		"and not empty":                                                 {When: but(shirt, func(f *field.Field) { f.Choices = []string{"S", ""} }), Refused: field.ErrChoices},
		"a text has no choices":                                         {When: but(allergy, func(f *field.Field) { f.Choices = []string{"a", "b"} }), Refused: field.ErrChoices},
		"somebody answers for a field":                                  {When: field.Define{Field: shirt, DefinedAt: january}, Refused: field.ErrNoActor},
		"a tenant that has as many as there may be cannot have another": {Given: many(field.MostFields), When: but(shirt, same), Refused: field.ErrTooMany},
		"a command nobody wrote a rule for is refused":                  {When: nil, Refused: domain.ErrUnknownCommand},
	})
}

func longest(f field.Field, n int) field.Field {
	f.MaxLength = n
	return f
}

func many(n int) (events []eventschema.Event) {
	for i := range n {
		f := allergy
		f.Code = fmt.Sprint("allergy_", i)
		events = append(events, defined(f))
	}
	return events
}

func TestChange(t *testing.T) {
	changed := func(f field.Field) *eventschema.FieldChanged {
		return &eventschema.FieldChanged{
			Field: f.Code, Label: f.Label, Sensitivity: f.Sensitivity, Choices: f.Choices, MaxLength: f.MaxLength, ChangedAt: january, ChangedBy: officer,
		}
	}
	change := func(c field.Change) field.Change {
		c.ChangedAt, c.ChangedBy = manila, officer
		return c
	}
	special := shirt
	special.Sensitivity = eventschema.SensitivitySpecial
	more := shirt
	more.Choices = []string{"S", "M", "L", "XL"}
	renamed := allergy
	renamed.Label = "Food allergies"
	domaintest.Run(t, field.Decider(), map[string]kase{
		"a field is called something else":     {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", Label: "Food allergies"}), Then: past(changed(renamed))},
		"it becomes more sensitive":            {Given: past(defined(shirt)), When: change(field.Change{Code: "shirt_size", Sensitivity: eventschema.SensitivitySpecial}), Then: past(changed(special))},
		"a choice is added behind the others":  {Given: past(defined(shirt)), When: change(field.Change{Code: "shirt_size", Add: []string{"M", "XL"}}), Then: past(changed(more))},
		"a text may be longer":                 {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", MaxLength: 40}), Then: past(changed(longest(allergy, 40)))},
		"what is so already changes nothing":   {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", Label: "Allergies", Purpose: eventschema.PurposeIdentity, MaxLength: 20})},
		"changes add up":                       {Given: past(defined(allergy), changed(renamed)), When: change(field.Change{Code: "allergy", Label: "Food allergies"})},
		"its purpose never changes":            {Given: past(defined(shirt)), When: change(field.Change{Code: "shirt_size", Purpose: eventschema.PurposeContact}), Refused: field.ErrOtherUse},
		"nor beside something else":            {Given: past(defined(shirt)), When: change(field.Change{Code: "shirt_size", Label: "Size", Purpose: eventschema.PurposeContact}), Refused: field.ErrOtherUse},
		"it does not become less sensitive":    {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", Sensitivity: eventschema.SensitivityOrdinary}), Refused: field.ErrLess},
		"nor after a change":                   {Given: past(defined(shirt), changed(special)), When: change(field.Change{Code: "shirt_size", Sensitivity: eventschema.SensitivityConfidential}), Refused: field.ErrLess},
		"a sensitivity is one of three":        {Given: past(defined(shirt)), When: change(field.Change{Code: "shirt_size", Sensitivity: "secret"}), Refused: field.ErrSensitivity},
		"a text is not shorter than it was":    {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", MaxLength: 10}), Refused: field.ErrLength},
		"a text does not get choices":          {Given: past(defined(allergy)), When: change(field.Change{Code: "allergy", Add: []string{"nuts", "eggs"}}), Refused: field.ErrChoices},
		"what nobody defined is not changed":   {When: change(field.Change{Code: "shirt_size", Label: "Size"}), Refused: field.ErrUnknown},
		"what is retired is not changed":       {Given: past(defined(shirt), retired("shirt_size")), When: change(field.Change{Code: "shirt_size", Label: "Size"}), Refused: field.ErrRetired},
		"somebody answers for a change":        {Given: past(defined(shirt)), When: field.Change{Code: "shirt_size", Label: "Size"}, Refused: field.ErrNoActor},
		"a field is retired":                   {Given: past(defined(shirt)), When: field.Retire{Code: "shirt_size", RetiredAt: manila, RetiredBy: officer}, Then: past(retired("shirt_size"))},
		"retiring it twice changes nothing":    {Given: past(defined(shirt), retired("shirt_size")), When: field.Retire{Code: "shirt_size", RetiredAt: january, RetiredBy: officer}},
		"what nobody defined is not retired":   {When: field.Retire{Code: "shirt_size", RetiredBy: officer}, Refused: field.ErrUnknown},
		"somebody answers for retiring it":     {Given: past(defined(shirt)), When: field.Retire{Code: "shirt_size"}, Refused: field.ErrNoActor},
		"events of other streams say nothing":  {Given: past(&eventschema.SiteClosed{Site: "shirt_size"}), When: field.Retire{Code: "shirt_size", RetiredBy: officer}, Refused: field.ErrUnknown},
		"the code of one beside it is no help": {Given: past(defined(allergy)), When: field.Retire{Code: "shirt_size", RetiredBy: officer}, Refused: field.ErrUnknown},
	})
}

// Whatever is asked of a field, its purpose and kind stay, it is never less sensitive,
// and what fitted it once fits it for ever while it is in use.
func TestWhatAFieldPromisesStays(t *testing.T) {
	decider := field.Decider()
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]field.Field{shirt, allergy, locker, vaccinated}).Draw(t, "field")
		state := decider.Fold(defined(first))
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			events, err := decider.Decide(state, field.Change{
				Code: first.Code, ChangedBy: officer, MaxLength: rapid.IntRange(0, 600).Draw(t, "length"),
				Label:       rapid.SampledFrom([]string{"", "Other", "Another"}).Draw(t, "label"),
				Purpose:     rapid.SampledFrom(append(eventschema.FieldPurposes(), "")).Draw(t, "purpose"),
				Sensitivity: rapid.SampledFrom(append(eventschema.Sensitivities(), "", "none")).Draw(t, "sensitivity"),
				Add:         rapid.SliceOfN(rapid.SampledFrom([]string{"S", "XL", "XXL"}), 0, 2).Draw(t, "choices"),
			})
			if err != nil {
				continue
			}
			before := state[first.Code]
			for _, event := range events {
				state = decider.Evolve(state, event)
			}
			after := state[first.Code]
			if after.Purpose != first.Purpose || after.Kind != first.Kind || after.MaxLength < before.MaxLength || rankOf(after) < rankOf(before) {
				t.Fatalf("%+v became %+v", before, after)
			}
			for _, choice := range before.Choices {
				if err := state.Check(field.Values{first.Code: eventschema.Clear(choice)}); err != nil {
					t.Fatalf("a choice is gone: %v", err)
				}
			}
		}
	})
}

func rankOf(f field.Field) int {
	for i, s := range eventschema.Sensitivities() {
		if s == f.Sensitivity {
			return i
		}
	}
	return -1
}
