package eventschema_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tracekeep/eventschema"
)

func TestEveryRowOfTheRegisterIsComplete(t *testing.T) {
	seen := map[eventschema.Purpose]bool{}
	for _, a := range eventschema.Register() {
		for lack, missing := range map[string]bool{
			"a purpose of its own":            a.Purpose == "" || seen[a.Purpose],
			"what it holds":                   a.Holds == "" || len(a.Categories) == 0,
			"whom it is about":                len(a.Subjects) == 0,
			"what a key covers":               a.Key == "" || a.KeyMade == "",
			"a lifetime and where it is from": a.Retention.Anchor == "" || a.Retention.Keep.IsZero() || a.Retention.Source == "",
			"a source of its floor":           a.Retention.Floor.IsZero() != (a.Retention.FloorSource == ""),
			"a lawful basis":                  a.Basis == "" || a.BasisNote == "",
			"an effect of erasure":            a.AtErasure == "",
			"somebody who opens it":           len(a.Open) == 0,
		} {
			if missing {
				t.Errorf("%s lacks %s", a.Purpose, lack)
			}
		}
		seen[a.Purpose] = true
		// What is held by consent ends with it, and what outlives an erasure has a legal ground.
		if a.Basis == eventschema.BasisConsent && a.KeyMade != eventschema.AtConsent {
			t.Errorf("%s is held by consent, and its key is made at %s", a.Purpose, a.KeyMade)
		}
		if a.AtErasure == eventschema.ErasureRestricts && a.Basis != eventschema.BasisLegalObligation {
			t.Errorf("%s outlives an erasure on the ground of %s", a.Purpose, a.Basis)
		}
		if longest := 366 * 24 * time.Hour; a.Retention.Keep.Days > int(longest/(24*time.Hour)) {
			t.Errorf("%s: write %d days in months or years", a.Purpose, a.Retention.Keep.Days)
		}
	}
}

// promise: ST-36
// promise: ST-37
// promise: ST-38
func TestTheAccountGoesAndTheWorkRecordStays(t *testing.T) {
	cases := map[eventschema.Purpose]struct {
		until  string
		floor  string
		effect eventschema.ErasureEffect
	}{
		eventschema.PurposeIdentity: {"account closure + 7 days", "", eventschema.ErasureDestroys},
		eventschema.PurposeContact:  {"account closure + 7 days", "", eventschema.ErasureDestroys},
		eventschema.PurposeWork:     {"end of employment + 7 years", "4 years", eventschema.ErasureRestricts},
		eventschema.PurposeLocation: {"the record + 12 months", "", eventschema.ErasureDestroys},
	}
	for purpose, c := range cases {
		t.Run(string(purpose), func(t *testing.T) {
			a, ok := eventschema.Activity(purpose)
			if !ok || a.Retention.Until() != c.until || a.Retention.Floor.String() != c.floor || a.AtErasure != c.effect {
				t.Fatalf("%s, floor %s, %s", a.Retention.Until(), a.Retention.Floor, a.AtErasure)
			}
		})
	}
}

func TestKeysAreMadeAtTheMomentTheRegisterNames(t *testing.T) {
	want := map[eventschema.KeyMoment][]eventschema.Purpose{
		eventschema.AtRegistration: {"identity", "contact", "work"},
		eventschema.AtConsent:      {"location"},
		eventschema.AtFirstEntry:   {"third_party", "media", "notes", "technical"},
		eventschema.AtOpening:      {"case", "export"},
	}
	all := 0
	for moment, purposes := range want {
		if diff := cmp.Diff(purposes, eventschema.KeysMade(moment)); diff != "" {
			t.Errorf("%s:\n%s", moment, diff)
		}
		all += len(purposes)
	}
	if all != len(eventschema.Purposes()) {
		t.Errorf("%d of %d purposes have a moment", all, len(eventschema.Purposes()))
	}
}

func TestWhoOpensWhatForWhichUse(t *testing.T) {
	cases := map[string]struct {
		purpose eventschema.Purpose
		role    string
		use     eventschema.Use
		want    bool
	}{
		"HR reads a name":                              {"identity", "hr", eventschema.UseService, true},
		"a manager reads no telephone number":          {"contact", "manager", eventschema.UseService, false},
		"the auditor checks, and does not browse":      {"identity", "auditor", eventschema.UseService, false},
		"the auditor checks":                           {"identity", "auditor", eventschema.UseAudit, true},
		"a claim is the privacy officer's":             {"work", "privacy", eventschema.UseLegalClaim, true},
		"a claim is not HR's":                          {"work", "hr", eventschema.UseLegalClaim, false},
		"nobody reads network addresses in daily work": {"technical", "hr", eventschema.UseService, false},
		"an administrator opens nothing":               {"work", "admin", eventschema.UseService, false},
		"a use that was not declared opens nothing":    {"work", "hr", "", false},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			a, _ := eventschema.Activity(c.purpose)
			if got := a.MayOpen(c.role, c.use); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// promise: DS-20
func TestACertificateSaysOfARetainedPurposeWhyAndUntilWhen(t *testing.T) {
	a, _ := eventschema.Activity(eventschema.PurposeWork)
	want := eventschema.Retained{Purpose: "work", Ground: "wage records, 29 CFR 516.2 and 516.5", Until: "end of employment + 7 years"}
	if diff := cmp.Diff(want, a.Retained()); diff != "" {
		t.Fatal(diff)
	}
	if _, ok := eventschema.Activity("marketing"); ok || slices.Contains(eventschema.Purposes(), "marketing") {
		t.Error("an unknown purpose is known")
	}
}

func TestSpansInWords(t *testing.T) {
	for want, span := range map[string]eventschema.Span{
		"": {}, "1 day": {Days: 1}, "7 years": {Years: 7}, "1 year, 6 months, 2 days": {Years: 1, Months: 6, Days: 2},
	} {
		if got := span.String(); got != want {
			t.Errorf("%+v is %q, want %q", span, got, want)
		}
	}
}
