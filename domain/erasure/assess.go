package erasure

import (
	"slices"
	"time"

	"tracekeep/domain/calendar"
	"tracekeep/eventschema"
)

// rule says what becomes of what is held for one purpose.
type rule struct {
	purpose eventschema.Purpose
	holder  eventschema.KeyHolder
	// alone says that the purpose can be erased without the person.
	alone bool
	// ground, where set, retains the values of an erased person, for years after
	// the end of the employment. They then open for legal claims and audits only.
	ground string
	years  int
}

// rules lists every purpose. Source: design, purposes and lifetimes; promises
// ST-36 and ST-37; the name in payroll records belongs to the wage record
// (29 CFR 516.2, 516.5).
func rules() []rule {
	return []rule{
		{purpose: eventschema.PurposeIdentity, holder: eventschema.HolderPerson},
		{purpose: eventschema.PurposeContact, holder: eventschema.HolderPerson, alone: true},
		{purpose: eventschema.PurposeThirdParty, holder: eventschema.HolderPerson, alone: true},
		{purpose: eventschema.PurposeWork, holder: eventschema.HolderRecord, ground: "wage records, 29 CFR 516.2 and 516.5", years: 7},
		{purpose: eventschema.PurposeLocation, holder: eventschema.HolderRecord, alone: true},
	}
}

func ruleOf(purpose eventschema.Purpose) (rule, bool) {
	for _, r := range rules() {
		if r.purpose == purpose {
			return r, true
		}
	}
	return rule{}, false
}

// validScope refuses a scope that names what such a case cannot erase.
func (c Request) validScope() error {
	known := []eventschema.ErasureOrigin{eventschema.OriginRequest, eventschema.OriginWithdrawal, eventschema.OriginRetention}
	if !slices.Contains(known, c.Origin) {
		return ErrScope
	}
	person := c.PersonID != [16]byte{}
	switch c.Scope {
	case eventschema.ScopePerson:
		if !person || len(c.Purposes) > 0 {
			return ErrScope
		}
		return nil
	case eventschema.ScopePurpose:
	default:
		return ErrScope
	}
	if len(c.Purposes) == 0 {
		return ErrPurpose
	}
	for i, purpose := range c.Purposes {
		r, known := ruleOf(purpose)
		ended := c.Origin == eventschema.OriginRetention // its clock knows what has come of age
		if !known || !r.alone && !ended || slices.Contains(c.Purposes[:i], purpose) || !person && r.holder != eventschema.HolderRecord {
			return ErrPurpose
		}
	}
	return nil
}

// Destroys lists what the case destroys: as it was assessed, or, in a case of the
// first release that never was, as it would be.
func (s State) Destroys() []eventschema.ErasureTarget {
	if s.AssessedAt.IsZero() {
		targets, _ := assess(s, time.Time{})
		return targets
	}
	return s.Targets
}

// assess says what a case destroys and what stays, until when, on which ground.
func assess(s State, employmentEnded time.Time) ([]eventschema.ErasureTarget, []eventschema.Retained) {
	targets, retained := []eventschema.ErasureTarget{}, []eventschema.Retained{}
	for _, r := range rules() {
		switch {
		case s.Scope == eventschema.ScopePurpose && !slices.Contains(s.Purposes, r.purpose):
		case s.Scope == eventschema.ScopePerson && r.ground != "":
			retained = append(retained, eventschema.Retained{Purpose: r.purpose, Ground: r.ground, Until: r.until(employmentEnded)})
		default:
			targets = append(targets, eventschema.ErasureTarget{Holder: r.holder, Purpose: r.purpose})
		}
	}
	return targets, retained
}

func (r rule) until(employmentEnded time.Time) string {
	if employmentEnded.IsZero() {
		return "end of employment + 7 years"
	}
	return calendar.AddYears(employmentEnded.UTC(), r.years).Format(time.DateOnly)
}
