package eventschema

import (
	"fmt"
	"slices"
	"strings"
)

// ProcessingActivity is one row of the record of processing (GDPR Art. 30): a
// purpose, what is held for it, and everything that follows from it. Which keys
// exist, how long they live, what a certificate says is retained and who may
// open what for which use are read from these rows.
type ProcessingActivity struct {
	Purpose    Purpose
	Holds      string   // what is held, in words
	Categories []string // the same, in the terms of the fideslang taxonomy
	Subjects   []string // categories of people
	Key        Granularity
	KeyMade    KeyMoment
	Retention  RetentionRule
	Basis      LawfulBasis
	BasisNote  string
	Recipients []string
	AtErasure  ErasureEffect
	// Open lists, for each purpose of use, the roles whose work it is to open
	// these values. What is not listed is opened by nobody.
	Open map[Use][]string
	// Apart are categories of the same values that fewer may see.
	Apart []ShownApart
}

// ShownApart is a category of what is held for a purpose that is shown apart from
// the rest of it, to the roles it names and no others, whoever may open the rest.
type ShownApart struct {
	Category Category
	Holds    string
	Open     map[Use][]string
}

// Category is a kind of what is held that is permissioned by itself.
type Category string

// CategoryPerformance is how somebody's work is judged: ratings and measures of
// productivity, whatever they are computed from.
const CategoryPerformance Category = "performance"

// Granularity is what one key covers: the smallest thing that can be forgotten
// alone.
type Granularity string

// The granularities of keys.
const (
	PerPerson    Granularity = "person"
	PerWork      Granularity = "work id"
	PerWorkMonth Granularity = "work id and month"
	PerItem      Granularity = "item" // wrapped by a key of the person, so that one goes alone and all go together
	PerTenantDay Granularity = "tenant and day"
	PerCase      Granularity = "case"
	PerPackage   Granularity = "package"
)

// KeyMoment is when a key is made. Keys are made at these moments only, never
// because one was found missing.
type KeyMoment string

// The moments at which keys are made.
const (
	AtRegistration KeyMoment = "registration"
	AtConsent      KeyMoment = "first use under consent"
	AtFirstEntry   KeyMoment = "first entry"
	AtOpening      KeyMoment = "opening of the case or package"
)

// ErasureEffect is what the erasure of a person does to a purpose.
type ErasureEffect string

// The effects of an erasure.
const (
	ErasureDestroys  ErasureEffect = "destroyed"
	ErasureRestricts ErasureEffect = "restricted" // kept, and opened for legal claims and audits only
	ErasureLeaves    ErasureEffect = "not touched"
)

// LawfulBasis is why processing is lawful (GDPR Art. 6(1)).
type LawfulBasis string

// The lawful bases in use.
const (
	BasisConsent             LawfulBasis = "consent"
	BasisContract            LawfulBasis = "contract"
	BasisLegalObligation     LawfulBasis = "legal_obligation"
	BasisLegitimateInterests LawfulBasis = "legitimate_interests"
)

// Anchor is the moment from which a lifetime counts.
type Anchor string

// The anchors of lifetimes.
const (
	AnchorClosure       Anchor = "account closure"
	AnchorEmploymentEnd Anchor = "end of employment"
	AnchorRecorded      Anchor = "the record"
	AnchorCaseEnd       Anchor = "end of the case"
	AnchorHandedOver    Anchor = "making of the package"
)

// Span is a length in the calendar. Months and years are clamped to the last
// day of a month that has no such day; the domain's calendar counts them.
type Span struct{ Years, Months, Days int }

// IsZero says whether the span is empty.
func (s Span) IsZero() bool { return s == Span{} }

// String writes a span in words.
func (s Span) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		unit string
	}{{s.Years, "year"}, {s.Months, "month"}, {s.Days, "day"}} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.unit)
		case part.n != 0:
			parts = append(parts, fmt.Sprintf("%d %ss", part.n, part.unit))
		}
	}
	return strings.Join(parts, ", ")
}

// RetentionRule says when the key of a purpose is destroyed.
type RetentionRule struct {
	Anchor      Anchor
	Keep        Span   // the key is destroyed this long after the anchor
	Source      string // the promise or the law that sets Keep
	Floor       Span   // and never sooner, nor while a legal hold is in force
	FloorSource string
	Sooner      []string // what ends it before
}

// Until says in words how long a purpose is kept.
func (r RetentionRule) Until() string {
	if r.Keep.IsZero() {
		return string(r.Anchor)
	}
	return fmt.Sprintf("%s + %s", r.Anchor, r.Keep)
}

// Retained is what the certificate of an erasure says of a purpose that it
// leaves.
func (a ProcessingActivity) Retained() Retained {
	return Retained{Purpose: a.Purpose, Ground: a.BasisNote, Until: a.Retention.Until()}
}

// MaySee says whether seeing a category for a use is the work of a role. What no row
// of the register shows apart is seen by nobody.
func MaySee(category Category, role string, use Use) bool {
	for _, activity := range Register() {
		for _, apart := range activity.Apart {
			if apart.Category == category && slices.Contains(apart.Open[use], role) {
				return true
			}
		}
	}
	return false
}

// MayOpen says whether opening these values for a use is the work of a role.
func (a ProcessingActivity) MayOpen(role string, use Use) bool {
	for _, allowed := range a.Open[use] {
		if allowed == role {
			return true
		}
	}
	return false
}
