package field_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// all is every field of these tests, one of them retired.
func all() field.State {
	old := allergy
	old.Code = "old"
	return field.Decider().Fold(defined(shirt), defined(allergy), defined(locker), defined(vaccinated), defined(old), retired("old"))
}

func TestWhichValuesFit(t *testing.T) {
	for rule, c := range map[string]struct {
		code, text string
		want       error
	}{
		"a text":                                 {"allergy", "nuts, ägg & more", nil},
		"as long as it may be, in characters":    {"allergy", strings.Repeat("ö", 20), nil},
		"and no longer":                          {"allergy", strings.Repeat("ö", 21), field.ErrText},
		"a text has no control characters":       {"allergy", "nuts\tand eggs", field.ErrText},
		"nor blanks around it":                   {"allergy", " nuts", field.ErrText},
		"and can be read":                        {"allergy", "nuts\xff", field.ErrText},
		"a number":                               {"locker", "-12.5", nil},
		"with zeros in front":                    {"locker", "000417", nil},
		"a number is not too long":               {"locker", "0000417", field.ErrNumber},
		"a number has digits":                    {"locker", "-", field.ErrNumber},
		"on both sides of its point":             {"locker", "12.", field.ErrNumber},
		"before it too":                          {"locker", ".5", field.ErrNumber},
		"one minus":                              {"locker", "--1", field.ErrNumber},
		"and nothing else":                       {"locker", "1e3", field.ErrNumber},
		"a date":                                 {"vaccinated_on", "2024-02-29", nil},
		"a date is in the calendar":              {"vaccinated_on", "2023-02-29", field.ErrDate},
		"and written in one way":                 {"vaccinated_on", "29.02.2024", field.ErrDate},
		"a choice":                               {"shirt_size", "M", nil},
		"one of those there are":                 {"shirt_size", "XL", field.ErrChoice},
		"in the same letters":                    {"shirt_size", "m", field.ErrChoice},
		"a field that is cleared":                {"shirt_size", "", nil},
		"one that is retired can be cleared":     {"old", "", nil},
		"and takes no value":                     {"old", "nuts", field.ErrRetired},
		"a field that nobody defined takes none": {"shoe_size", "44", field.ErrUnknown},
		"and is not cleared":                     {"shoe_size", "", field.ErrUnknown},
	} {
		t.Run(rule, func(t *testing.T) {
			err := all().Check(field.Values{c.code: eventschema.Clear(c.text)})
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			var at *field.ValueError
			if err != nil && (!errors.As(err, &at) || at.Field != c.code) {
				t.Errorf("the error does not name the field: %v", err)
			}
		})
	}
	sealed := eventschema.Withheld(eventschema.StateSealed, uuid.Nil)
	if err := all().Check(field.Values{"allergy": sealed}); !errors.Is(err, field.ErrText) {
		t.Errorf("a value that nobody can read fits: %v", err)
	}
}

// A refusal names the field and never the value, whatever stands where.
func TestARefusalNeverHoldsTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"shirt_size", "allergy", "locker", "vaccinated_on", "old"}).Draw(t, "field")
		value := "Zx" + rapid.StringMatching(`[ -~]{8,40}`).Draw(t, "value") + "\t"
		err := all().Check(field.Values{code: eventschema.Clear(value)})
		if err == nil {
			t.Fatal("it fits")
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), value) || !strings.Contains(err.Error(), code) {
			t.Errorf("%v", err)
		}
		if err := all().Check(field.Values{value: eventschema.Clear("x")}); err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("where a code should stand: %v", err)
		}
	})
}

func TestOnlyWhatDiffersChanges(t *testing.T) {
	clear := eventschema.Clear
	erased := eventschema.Withheld(eventschema.StateErased, officer)
	for rule, c := range map[string]struct {
		now, wanted field.Values
		want        map[eventschema.Purpose][]string
	}{
		"a first value is a change":              {nil, field.Values{"allergy": clear("nuts")}, map[eventschema.Purpose][]string{"identity": {"allergy"}}},
		"the same value is none":                 {field.Values{"allergy": clear("nuts")}, field.Values{"allergy": clear("nuts")}, nil},
		"another is":                             {field.Values{"allergy": clear("nuts")}, field.Values{"allergy": clear("eggs")}, map[eventschema.Purpose][]string{"identity": {"allergy"}}},
		"what is not named stays":                {field.Values{"allergy": clear("nuts"), "locker": clear("1")}, field.Values{"locker": clear("2")}, map[eventschema.Purpose][]string{"contact": {"locker"}}},
		"a value is cleared":                     {field.Values{"allergy": clear("nuts")}, field.Values{"allergy": {}}, map[eventschema.Purpose][]string{"identity": {"allergy"}}},
		"where there is none nothing is cleared": {nil, field.Values{"allergy": {}}, nil},
		"what was erased is not cleared":         {field.Values{"allergy": erased}, field.Values{"allergy": {}}, nil},
		"and can be given anew":                  {field.Values{"locker": erased}, field.Values{"locker": clear("2")}, map[eventschema.Purpose][]string{"contact": {"locker"}}},
		"every purpose has its own changes":      {nil, field.Values{"allergy": clear("nuts"), "locker": clear("2"), "shirt_size": clear("S"), "vaccinated_on": clear("2024-02-29")}, map[eventschema.Purpose][]string{"identity": {"allergy"}, "contact": {"locker"}, "work": {"shirt_size"}, "third_party": {"vaccinated_on"}}},
	} {
		t.Run(rule, func(t *testing.T) {
			changes, err := field.Setting{Defined: all(), Now: c.now, Wanted: c.wanted}.Changes()
			if err != nil {
				t.Fatal(err)
			}
			got := map[eventschema.Purpose]int{}
			for purpose, values := range changes {
				got[purpose] = len(values)
				for code, value := range values {
					if len(c.want[purpose]) != 1 || c.want[purpose][0] != code || !value.Equal(c.wanted[code]) {
						t.Errorf("%s of %s changes", code, purpose)
					}
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("changes of %v, want %v", got, c.want)
			}
		})
	}
}

// Setting again what was set changes nothing, and folding what was recorded gives what
// was wanted: the last word on each field.
func TestFoldingGivesTheLastWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defined, stands, want := all(), field.Values{}, map[string]string{}
		for range rapid.IntRange(1, 8).Draw(t, "settings") {
			wanted := field.Values{}
			for code, texts := range map[string][]string{"allergy": {"", "nuts", "eggs"}, "locker": {"", "1", "2"}, "shirt_size": {"", "S", "L"}} {
				if rapid.Bool().Draw(t, code) {
					text := rapid.SampledFrom(texts).Draw(t, "value")
					wanted[code], want[code] = eventschema.Clear(text), text
				}
			}
			changes, err := field.Setting{Defined: defined, Now: stands, Wanted: wanted}.Changes()
			if err != nil {
				t.Fatal(err)
			}
			for _, values := range changes {
				joined, err := eventschema.JoinFields(values)
				if err == nil {
					err = stands.Fold(joined, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if again, _ := (field.Setting{Defined: defined, Now: stands, Wanted: wanted}).Changes(); len(again) > 0 {
				t.Fatalf("the same again changes %v", again)
			}
		}
		for code, text := range want {
			if got, _ := stands[code].Reveal(); got != text {
				t.Errorf("%s is not what was said last", code)
			}
		}
	})
}

func TestWhatCannotBeOpenedSaysSoOfEveryFieldItMayHold(t *testing.T) {
	values := field.Values{"allergy": eventschema.Clear("nuts"), "locker": eventschema.Clear("1")}
	erased := eventschema.Withheld(eventschema.StateErased, officer)
	if err := values.Fold(erased, all().Of(eventschema.PurposeIdentity)); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]eventschema.State{"allergy": eventschema.StateErased, "old": eventschema.StateErased, "locker": eventschema.StateClear, "shirt_size": eventschema.StateAbsent} {
		if values[code].State() != want {
			t.Errorf("%s is %q, want %q", code, values[code].State(), want)
		}
	}
}

// promise: RR-11
func TestWhoIsShownAField(t *testing.T) {
	purposes := map[string]eventschema.Purpose{"i": eventschema.PurposeIdentity, "c": eventschema.PurposeContact, "t": eventschema.PurposeThirdParty, "w": eventschema.PurposeWork}
	sensitivities := map[string]eventschema.Sensitivity{"ordinary": eventschema.SensitivityOrdinary, "confidential": eventschema.SensitivityConfidential, "special": eventschema.SensitivitySpecial}
	// In letters: the purposes of which a reader is shown fields.
	for reader, shown := range map[field.Reader]map[string]string{
		{Role: "worker", Use: eventschema.UseService}:                                 {"ordinary": "ictw", "confidential": "ictw", "special": "ictw"},
		{Role: "manager", Use: eventschema.UseService}:                                {"ordinary": "w"},
		{Role: "manager", Use: eventschema.UseService, Ground: field.GroundLaw}:       {"ordinary": "w"},
		{Role: "hr", Use: eventschema.UseService}:                                     {"ordinary": "ictw", "confidential": "ictw"},
		{Role: "hr", Use: eventschema.UseService, Ground: field.GroundMedicine}:       {"ordinary": "ictw", "confidential": "ictw", "special": "ictw"},
		{Role: "hr", Use: eventschema.UseService, Ground: "curiosity"}:                {"ordinary": "ictw", "confidential": "ictw"},
		{Role: "hr", Use: eventschema.UseLegalClaim, Ground: field.GroundClaims}:      {},
		{Role: "privacy", Use: eventschema.UseService}:                                {"ordinary": "ic", "confidential": "ic"},
		{Role: "privacy", Use: eventschema.UseLegalClaim, Ground: field.GroundClaims}: {"ordinary": "ictw", "confidential": "ictw", "special": "ictw"},
		{Role: "auditor", Use: eventschema.UseAudit}:                                  {"ordinary": "ictw", "confidential": "ictw"},
		{Role: "auditor", Use: eventschema.UseAudit, Ground: field.GroundClaims}:      {"ordinary": "ictw", "confidential": "ictw"},
		{Role: "admin", Use: eventschema.UseService, Ground: field.GroundLaw}:         {},
		{}: {},
	} {
		for sensitivity, of := range sensitivities {
			for letter, purpose := range purposes {
				f := field.Field{Purpose: purpose, Sensitivity: of}
				if got, want := reader.May(f), strings.Contains(shown[sensitivity], letter); got != want {
					t.Errorf("%+v is shown what is %s and held for %s: %v, want %v", reader, of, purpose, got, want)
				}
			}
		}
		if reader.May(field.Field{Purpose: eventschema.PurposeWork, Sensitivity: "other"}) || reader.May(field.Field{Sensitivity: eventschema.SensitivityOrdinary}) {
			t.Errorf("%+v is shown what nobody classified", reader)
		}
	}
}
