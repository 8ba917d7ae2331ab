package restriction_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

var (
	caseID   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	person   = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	work     = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	noon     = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	inManila = noon.In(time.FixedZone("PST", 8*3600))

	restrict = restriction.Restrict{
		CaseID: caseID, PersonID: person, WorkID: work, Ground: eventschema.RestrictionAccuracy,
		RequestedAt: inManila.Add(-time.Hour), RestrictedBy: officer, RestrictedAt: inManila,
	}
	object = changed(restrict, func(r *restriction.Restrict) { r.Ground = eventschema.RestrictionObjection })
	uphold = restriction.DecideObjection{Outcome: eventschema.ObjectionUpheld, DecidedBy: officer, DecidedAt: inManila}
	lift   = restriction.Lift{LiftedBy: officer, LiftedAt: inManila, ToldAt: inManila.Add(-time.Minute)}

	wasRestricted = &eventschema.ProcessingRestricted{
		CaseID: caseID, PersonID: person, WorkID: eventschema.Clear(eventschema.Hex(work)), Ground: eventschema.RestrictionAccuracy,
		RequestedAt: noon.Add(-time.Hour), RestrictedBy: officer, RestrictedAt: noon,
	}
	wasObjected   = changedEvent(eventschema.RestrictionObjection)
	wasUpheld     = &eventschema.ObjectionDecided{CaseID: caseID, DecidedAt: noon, DecidedBy: officer, Outcome: eventschema.ObjectionUpheld}
	wasOverridden = &eventschema.ObjectionDecided{CaseID: caseID, DecidedAt: noon, DecidedBy: officer, Outcome: eventschema.ObjectionOverridden}
	wasLifted     = &eventschema.RestrictionLifted{CaseID: caseID, LiftedAt: noon, LiftedBy: officer, ToldAt: noon.Add(-time.Minute)}
)

func changedEvent(ground eventschema.RestrictionGround) *eventschema.ProcessingRestricted {
	event := *wasRestricted
	event.Ground = ground
	return &event
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[restriction.Command]

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestRestrict(t *testing.T) {
	domaintest.Run(t, restriction.Decider(), map[string]kase{
		"values whose accuracy is contested are restricted": {When: restrict, Then: past(wasRestricted)},
		"an objection restricts until it is decided":        {When: object, Then: past(wasObjected)},
		"once":                             {Given: past(wasRestricted), When: restrict, Refused: restriction.ErrAlreadyRestricted},
		"also not again under the same id": {Given: past(wasRestricted, wasLifted), When: restrict, Refused: restriction.ErrAlreadyRestricted},
		"somebody must restrict":           {When: changed(restrict, func(r *restriction.Restrict) { r.RestrictedBy = uuid.Nil }), Refused: restriction.ErrNoActor},
		"a restriction of nobody":          {When: changed(restrict, func(r *restriction.Restrict) { r.PersonID = uuid.Nil }), Refused: restriction.ErrPerson},
		"a ground nobody knows":            {When: changed(restrict, func(r *restriction.Restrict) { r.Ground = "mood" }), Refused: restriction.ErrGround},
		"a command nobody wrote":           {Given: past(wasRestricted), When: nil, Refused: domain.ErrUnknownCommand},
	})
}

func TestDecideObjection(t *testing.T) {
	override := changed(uphold, func(d *restriction.DecideObjection) { d.Outcome = eventschema.ObjectionOverridden })
	domaintest.Run(t, restriction.Decider(), map[string]kase{
		"an objection is upheld":             {Given: past(wasObjected), When: uphold, Then: past(wasUpheld)},
		"or overridden":                      {Given: past(wasObjected), When: override, Then: past(wasOverridden)},
		"the same again changes nothing":     {Given: past(wasObjected, wasUpheld), When: uphold},
		"a decision may be put right":        {Given: past(wasObjected, wasUpheld), When: override, Then: past(wasOverridden)},
		"not once it was lifted":             {Given: past(wasObjected, wasOverridden, wasLifted), When: uphold, Refused: restriction.ErrLifted},
		"a restriction is not decided":       {Given: past(wasRestricted), When: uphold, Refused: restriction.ErrNoObjection},
		"an outcome nobody knows":            {Given: past(wasObjected), When: changed(uphold, func(d *restriction.DecideObjection) { d.Outcome = "later" }), Refused: restriction.ErrOutcome},
		"somebody must decide":               {Given: past(wasObjected), When: changed(uphold, func(d *restriction.DecideObjection) { d.DecidedBy = uuid.Nil }), Refused: restriction.ErrNoActor},
		"an objection that was never raised": {When: uphold, Refused: restriction.ErrNotRestricted},
	})
}

func TestLift(t *testing.T) {
	domaintest.Run(t, restriction.Decider(), map[string]kase{
		"a restriction is lifted when the person was told": {Given: past(wasRestricted), When: lift, Then: past(wasLifted)},
		"not untold":                    {Given: past(wasRestricted), When: changed(lift, func(l *restriction.Lift) { l.ToldAt = time.Time{} }), Refused: restriction.ErrNotTold},
		"not told afterwards":           {Given: past(wasRestricted), When: changed(lift, func(l *restriction.Lift) { l.ToldAt = noon.Add(time.Second) }), Refused: restriction.ErrNotTold},
		"twice changes nothing":         {Given: past(wasRestricted, wasLifted), When: lift},
		"somebody must lift it":         {Given: past(wasRestricted), When: changed(lift, func(l *restriction.Lift) { l.LiftedBy = uuid.Nil }), Refused: restriction.ErrNoActor},
		"an objection is decided first": {Given: past(wasObjected), When: lift, Refused: restriction.ErrUndecided},
		"an overridden objection ends":  {Given: past(wasObjected, wasOverridden), When: lift, Then: past(wasLifted)},
		"an upheld one does not":        {Given: past(wasObjected, wasUpheld), When: lift, Refused: restriction.ErrUpheld},
		"what was never restricted":     {When: lift, Refused: restriction.ErrNotRestricted},
	})
	for rule, c := range map[string]struct {
		given []eventschema.Event
		want  bool
	}{
		"nothing":                 {nil, false},
		"restricted":              {past(wasRestricted), true},
		"an objection, undecided": {past(wasObjected), true},
		"an objection, upheld":    {past(wasObjected, wasUpheld), true},
		"lifted":                  {past(wasRestricted, wasLifted), false},
	} {
		if got := restriction.Decider().Fold(c.given...).InForce(); got != c.want {
			t.Errorf("%s: in force %v", rule, got)
		}
	}
}
