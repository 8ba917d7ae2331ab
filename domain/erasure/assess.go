package erasure

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/calendar"
	"tracekeep/eventschema"
)

// rule says what becomes of what is held for one purpose, as the register has it.
type rule struct {
	eventschema.ProcessingActivity
	holder eventschema.KeyHolder
}

// rules lists what is held about a person: everything whose key is one of theirs.
func rules() []rule {
	var rules []rule
	for _, activity := range eventschema.Register() {
		switch activity.Key {
		case eventschema.PerPerson, eventschema.PerItem:
			rules = append(rules, rule{activity, eventschema.HolderPerson})
		case eventschema.PerWork, eventschema.PerWorkMonth:
			rules = append(rules, rule{activity, eventschema.HolderRecord})
		case eventschema.PerTenantDay, eventschema.PerCase, eventschema.PerPackage: // nobody's in particular
		}
	}
	return rules
}

func ruleOf(purpose eventschema.Purpose) (rule, bool) {
	for _, r := range rules() {
		if r.Purpose == purpose {
			return r, true
		}
	}
	return rule{}, false
}

// alone says whether a purpose can be erased without the person: not the link
// that makes them one, and nothing that outlives them.
func (r rule) alone() bool {
	return r.AtErasure == eventschema.ErasureDestroys && r.Purpose != eventschema.PurposeIdentity
}

// validScope refuses a scope that names what such a case cannot erase.
func (c Request) validScope() error {
	known := []eventschema.ErasureOrigin{eventschema.OriginRequest, eventschema.OriginWithdrawal, eventschema.OriginRetention, eventschema.OriginRemoval}
	if !slices.Contains(known, c.Origin) {
		return ErrScope
	}
	if len(c.Periods) > 0 && c.Scope != eventschema.ScopePurpose {
		return ErrScope
	}
	if c.Origin == eventschema.OriginRemoval && c.Scope != eventschema.ScopeItem { // what nobody approves is small
		return ErrScope
	}
	person := c.PersonID != [16]byte{}
	switch c.Scope {
	case eventschema.ScopePerson:
		if !person || len(c.Purposes)+len(c.Items) > 0 {
			return ErrScope
		}
		return nil
	case eventschema.ScopePurpose:
		if len(c.Items) > 0 || len(c.Periods) > 0 && !slices.Equal(c.Purposes, []eventschema.Purpose{eventschema.PurposeLocation}) {
			return ErrScope
		}
	case eventschema.ScopeItem:
		if err := c.validItems(); err != nil {
			return err
		}
	default:
		return ErrScope
	}
	if len(c.Purposes) == 0 {
		return ErrPurpose
	}
	for i, purpose := range c.Purposes {
		r, known := ruleOf(purpose)
		ended := c.Origin == eventschema.OriginRetention // its clock knows what has come of age
		if !known || !r.alone() && !ended || slices.Contains(c.Purposes[:i], purpose) || !person && r.holder != eventschema.HolderRecord {
			return ErrPurpose
		}
	}
	return nil
}

// FloorError refuses to destroy what a law still keeps.
type FloorError struct {
	Purpose eventschema.Purpose
	Until   time.Time // the first day on which it may be destroyed
	Source  string    // the law
}

// Error implements error.
func (e *FloorError) Error() string {
	return fmt.Sprintf("what is held for %s must be kept until %s: %s", e.Purpose, e.Until.Format(time.DateOnly), e.Source)
}

// aboveFloor refuses ended retention whose purposes a law keeps longer.
func (c Request) aboveFloor() error {
	if c.Origin != eventschema.OriginRetention {
		return nil
	}
	for _, purpose := range c.Purposes {
		r, _ := ruleOf(purpose)
		if r.Retention.Floor.IsZero() {
			continue
		}
		if c.Anchor.IsZero() {
			return ErrAnchor
		}
		_, until := calendar.Due(r.Retention, c.Anchor.UTC())
		source := r.Retention.FloorSource
		if own := calendar.Add(c.Anchor.UTC(), c.Floor); own.After(until) {
			until, source = own, c.FloorSource
		}
		if c.RequestedAt.Before(until) {
			return &FloorError{Purpose: purpose, Until: until, Source: source}
		}
	}
	return nil
}

// validItems refuses items of several purposes, of one that has no items, and what
// is no item.
func (c Request) validItems() error {
	if len(c.Purposes) != 1 || len(c.Items) == 0 {
		return ErrScope
	}
	if r, known := ruleOf(c.Purposes[0]); !known || r.Key != eventschema.PerItem {
		return ErrPurpose
	}
	for i, item := range c.Items {
		if item == uuid.Nil || slices.Contains(c.Items[:i], item) {
			return ErrScope
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
	whole := s.Scope == eventschema.ScopePerson
	for _, r := range rules() {
		switch {
		case !whole && !slices.Contains(s.Purposes, r.Purpose), whole && r.AtErasure == eventschema.ErasureLeaves:
		case whole && r.AtErasure == eventschema.ErasureRestricts:
			retained = append(retained, r.retained(employmentEnded))
		default:
			targets = append(targets, eventschema.ErasureTarget{Holder: r.holder, Purpose: r.Purpose})
		}
	}
	return targets, retained
}

// retained says until which day a purpose is kept, once that is known.
func (r rule) retained(employmentEnded time.Time) eventschema.Retained {
	retained := r.Retained()
	if r.Retention.Anchor == eventschema.AnchorEmploymentEnd && !employmentEnded.IsZero() {
		due, _ := calendar.Due(r.Retention, employmentEnded.UTC())
		retained.Until = due.Format(time.DateOnly)
	}
	return retained
}
