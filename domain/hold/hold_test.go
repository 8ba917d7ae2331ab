package hold_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/hold"
	"tracekeep/eventschema"
)

var (
	holdID   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	matter   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0802")
	person   = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	work     = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	second   = uuid.MustParse("c0a80101-0000-4000-8000-000000000005")
	noon     = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	inManila = noon.In(time.FixedZone("PST", 8*3600))
	halfYear = noon.AddDate(0, 6, 0)

	place = hold.Place{
		HoldID: holdID, MatterID: matter, PersonID: person, WorkID: work, Purposes: []eventschema.Purpose{eventschema.PurposeWork},
		Reason: eventschema.HoldDispute, PlacedBy: officer, PlacedAt: inManila, ReviewBy: halfYear,
	}
	confirm = hold.Confirm{ConfirmedBy: second, ConfirmedAt: inManila.Add(time.Hour)}
	review  = hold.Review{ReviewedBy: officer, ReviewedAt: halfYear, ReviewBy: halfYear.AddDate(0, 6, 0)}
	ask     = hold.RequestLift{RequestedBy: officer, RequestedAt: halfYear, Reason: "settled"}
	lift    = hold.Lift{LiftedBy: second, LiftedAt: halfYear}

	wasPlaced = &eventschema.HoldPlaced{
		HoldID: holdID, MatterID: matter, PersonID: person, WorkID: eventschema.Clear(eventschema.Hex(work)),
		Purposes: place.Purposes, Reason: eventschema.HoldDispute, PlacedBy: officer, PlacedAt: noon,
		ConfirmBy: noon.Add(hold.ConfirmWithin), ReviewBy: halfYear,
	}
	wasConfirmed = &eventschema.HoldConfirmed{HoldID: holdID, ConfirmedAt: noon.Add(time.Hour), ConfirmedBy: second}
	wasReviewed  = &eventschema.HoldReviewed{HoldID: holdID, ReviewedAt: halfYear, ReviewedBy: officer, ReviewBy: halfYear.AddDate(0, 6, 0)}
	wasAsked     = &eventschema.HoldLiftRequested{HoldID: holdID, RequestedAt: halfYear, RequestedBy: officer, Reason: "settled"}
	wasLifted    = &eventschema.HoldLifted{HoldID: holdID, LiftedAt: halfYear, LiftedBy: second}
	wasLapsed    = &eventschema.HoldLapsed{HoldID: holdID, LapsedAt: noon.Add(hold.ConfirmWithin)}
)

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[hold.Command]

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// promise: RR-36
func TestPlace(t *testing.T) {
	record := changed(place, func(p *hold.Place) { p.PersonID, p.RecordID, p.WorkID, p.Purposes = uuid.Nil, work, uuid.Nil, nil })
	wasRecord := *wasPlaced
	wasRecord.PersonID, wasRecord.RecordID, wasRecord.WorkID, wasRecord.Purposes = uuid.Nil, work, eventschema.Personal{}, nil
	purposes := func(p ...eventschema.Purpose) hold.Place {
		return changed(place, func(c *hold.Place) { c.Purposes = p })
	}
	domaintest.Run(t, hold.Decider(), map[string]kase{
		"a dispute holds what one person's wage claim needs": {When: place, Then: past(wasPlaced)},
		"a work record is held without its person":           {When: record, Then: past(&wasRecord)},
		"once":                              {Given: past(wasPlaced), When: place, Refused: hold.ErrAlreadyPlaced},
		"somebody must place it":            {When: changed(place, func(p *hold.Place) { p.PlacedBy = uuid.Nil }), Refused: hold.ErrNoActor},
		"on somebody":                       {When: changed(place, func(p *hold.Place) { p.PersonID = uuid.Nil }), Refused: hold.ErrSubject},
		"not tying a person to a record":    {When: changed(place, func(p *hold.Place) { p.RecordID = work }), Refused: hold.ErrSubject},
		"for a matter":                      {When: changed(place, func(p *hold.Place) { p.MatterID = uuid.Nil }), Refused: hold.ErrMatter},
		"for a reason that is one":          {When: changed(place, func(p *hold.Place) { p.Reason = "caution" }), Refused: hold.ErrReason},
		"a purpose nobody knows":            {When: purposes("shoe_size"), Refused: hold.ErrPurpose},
		"a purpose named twice":             {When: purposes(eventschema.PurposeWork, eventschema.PurposeWork), Refused: hold.ErrPurpose},
		"a hold for ever is not placed":     {When: changed(place, func(p *hold.Place) { p.ReviewBy = noon.AddDate(2, 0, 0) }), Refused: hold.ErrReviewDate},
		"nor one whose review is past":      {When: changed(place, func(p *hold.Place) { p.ReviewBy = noon }), Refused: hold.ErrReviewDate},
		"nor one without a review":          {When: changed(place, func(p *hold.Place) { p.ReviewBy = time.Time{} }), Refused: hold.ErrReviewDate},
		"a command nobody wrote a rule for": {Given: past(wasPlaced), When: nil, Refused: domain.ErrUnknownCommand},
	})
}

func TestConfirmAndReview(t *testing.T) {
	late := changed(confirm, func(c *hold.Confirm) { c.ConfirmedAt = wasPlaced.ConfirmBy })
	domaintest.Run(t, hold.Decider(), map[string]kase{
		"a second person confirms":             {Given: past(wasPlaced), When: confirm, Then: past(wasConfirmed)},
		"whoever placed it does not":           {Given: past(wasPlaced), When: changed(confirm, func(c *hold.Confirm) { c.ConfirmedBy = officer }), Refused: hold.ErrSamePerson},
		"nobody does not":                      {Given: past(wasPlaced), When: changed(confirm, func(c *hold.Confirm) { c.ConfirmedBy = uuid.Nil }), Refused: hold.ErrNoActor},
		"confirming twice changes nothing":     {Given: past(wasPlaced, wasConfirmed), When: confirm},
		"confirming too late":                  {Given: past(wasPlaced), When: late, Refused: hold.ErrEnded},
		"what has lapsed is not confirmed":     {Given: past(wasPlaced, wasLapsed), When: confirm, Refused: hold.ErrEnded},
		"a hold that is still needed":          {Given: past(wasPlaced, wasConfirmed), When: review, Then: past(wasReviewed)},
		"also when the review comes late":      {Given: past(wasPlaced, wasConfirmed), When: changed(review, func(r *hold.Review) { r.ReviewedAt = halfYear.AddDate(0, 1, 0) }), Then: past(&eventschema.HoldReviewed{HoldID: holdID, ReviewedAt: halfYear.AddDate(0, 1, 0), ReviewedBy: officer, ReviewBy: review.ReviewBy})},
		"a review gives the next one":          {Given: past(wasPlaced, wasConfirmed), When: changed(review, func(r *hold.Review) { r.ReviewBy = halfYear }), Refused: hold.ErrReviewDate},
		"somebody must review":                 {Given: past(wasPlaced, wasConfirmed), When: changed(review, func(r *hold.Review) { r.ReviewedBy = uuid.Nil }), Refused: hold.ErrNoActor},
		"what is not confirmed is confirmed":   {Given: past(wasPlaced), When: changed(review, func(r *hold.Review) { r.ReviewedAt = noon }), Refused: hold.ErrUnconfirmed},
		"what was lifted needs no review":      {Given: past(wasPlaced, wasConfirmed, wasAsked, wasLifted), When: review, Refused: hold.ErrEnded},
		"a hold nobody placed":                 {When: confirm, Refused: hold.ErrNotPlaced},
		"a hold nobody placed is not reviewed": {When: review, Refused: hold.ErrNotPlaced},
	})
}

func TestLift(t *testing.T) {
	soon := hold.RequestLift{RequestedBy: officer, RequestedAt: noon, Reason: "mistake"}
	wasSoon := &eventschema.HoldLiftRequested{HoldID: holdID, RequestedAt: noon, RequestedBy: officer, Reason: "mistake"}
	domaintest.Run(t, hold.Decider(), map[string]kase{
		"one asks to lift it":                     {Given: past(wasPlaced, wasConfirmed), When: ask, Then: past(wasAsked)},
		"also before it is confirmed":             {Given: past(wasPlaced), When: soon, Then: past(wasSoon)},
		"once":                                    {Given: past(wasPlaced, wasConfirmed, wasAsked), When: ask},
		"with a reason":                           {Given: past(wasPlaced, wasConfirmed), When: changed(ask, func(r *hold.RequestLift) { r.Reason = "We settled" }), Refused: hold.ErrReasonCode},
		"somebody must ask":                       {Given: past(wasPlaced, wasConfirmed), When: changed(ask, func(r *hold.RequestLift) { r.RequestedBy = uuid.Nil }), Refused: hold.ErrNoActor},
		"another lifts it":                        {Given: past(wasPlaced, wasConfirmed, wasAsked), When: lift, Then: past(wasLifted)},
		"not the one who asked":                   {Given: past(wasPlaced, wasConfirmed, wasAsked), When: changed(lift, func(l *hold.Lift) { l.LiftedBy = officer }), Refused: hold.ErrSamePerson},
		"not nobody":                              {Given: past(wasPlaced, wasConfirmed, wasAsked), When: changed(lift, func(l *hold.Lift) { l.LiftedBy = uuid.Nil }), Refused: hold.ErrNoActor},
		"one person alone never lifts a hold":     {Given: past(wasPlaced, wasConfirmed), When: lift, Refused: hold.ErrNoLiftAsked},
		"a review in between starts over":         {Given: past(wasPlaced, wasConfirmed, wasAsked, wasReviewed), When: lift, Refused: hold.ErrNoLiftAsked},
		"lifting twice changes nothing":           {Given: past(wasPlaced, wasConfirmed, wasAsked, wasLifted), When: lift},
		"what has lapsed is not lifted":           {Given: past(wasPlaced, wasLapsed), When: lift, Refused: hold.ErrEnded},
		"what was lifted is not asked about":      {Given: past(wasPlaced, wasConfirmed, wasAsked, wasLifted), When: ask, Refused: hold.ErrEnded},
		"a hold nobody placed":                    {When: lift, Refused: hold.ErrNotPlaced},
		"a hold nobody confirmed lapses":          {Given: past(wasPlaced), When: hold.Lapse{At: wasPlaced.ConfirmBy}, Then: past(wasLapsed)},
		"not before its time":                     {Given: past(wasPlaced), When: hold.Lapse{At: wasPlaced.ConfirmBy.Add(-time.Second)}},
		"a confirmed hold never lapses by itself": {Given: past(wasPlaced, wasConfirmed), When: hold.Lapse{At: noon.AddDate(50, 0, 0)}},
		"what has ended does not lapse":           {Given: past(wasPlaced, wasConfirmed, wasAsked, wasLifted), When: hold.Lapse{At: halfYear}},
	})
}

func TestAHoldHoldsFromItsPlacingAndIsOverdueNotOver(t *testing.T) {
	for rule, c := range map[string]struct {
		given            []eventschema.Event
		at               time.Time
		inForce, overdue bool
	}{
		"nothing was placed":                     {nil, noon, false, false},
		"placed, not confirmed":                  {past(wasPlaced), noon, true, false},
		"the second person came too late":        {past(wasPlaced), wasPlaced.ConfirmBy, false, false},
		"confirmed":                              {past(wasPlaced, wasConfirmed), noon.AddDate(0, 1, 0), true, false},
		"due for review, and still in force":     {past(wasPlaced, wasConfirmed), halfYear, true, true},
		"years later still":                      {past(wasPlaced, wasConfirmed), noon.AddDate(9, 0, 0), true, true},
		"reviewed":                               {past(wasPlaced, wasConfirmed, wasReviewed), halfYear, true, false},
		"asked to be lifted, and still in force": {past(wasPlaced, wasConfirmed, wasAsked), halfYear.Add(-1), true, false},
		"lifted":                                 {past(wasPlaced, wasConfirmed, wasAsked, wasLifted), halfYear, false, false},
	} {
		state := hold.Decider().Fold(c.given...)
		if state.InForce(c.at) != c.inForce || state.Overdue(c.at) != c.overdue {
			t.Errorf("%s: in force %v, overdue %v", rule, state.InForce(c.at), state.Overdue(c.at))
		}
	}
}

// Whatever is asked in whatever order, by whomever: a hold ends by lapsing
// unconfirmed, or by the words of two.
func TestAHoldEndsByTwoOrNever(t *testing.T) {
	people := rapid.SampledFrom([]uuid.UUID{officer, second})
	when := rapid.Custom(func(t *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)
	})
	rapid.Check(t, func(t *rapid.T) {
		decider := hold.Decider()
		state := decider.Fold(wasPlaced)
		asked := uuid.Nil
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			who, at := people.Draw(t, "who"), when.Draw(t, "at")
			command := rapid.SampledFrom([]hold.Command{
				hold.Confirm{ConfirmedBy: who, ConfirmedAt: at}, hold.Review{ReviewedBy: who, ReviewedAt: at, ReviewBy: at.AddDate(0, 6, 0)},
				hold.RequestLift{RequestedBy: who, RequestedAt: at, Reason: "settled"}, hold.Lift{LiftedBy: who, LiftedAt: at}, hold.Lapse{At: at},
			}).Draw(t, "command")
			events, err := decider.Decide(state, command)
			if err != nil && len(events) > 0 {
				t.Fatalf("%T is refused with events", command)
			}
			for _, event := range events {
				switch e := event.(type) {
				case *eventschema.HoldLiftRequested:
					asked = e.RequestedBy
				case *eventschema.HoldLifted:
					if asked == uuid.Nil || e.LiftedBy == asked {
						t.Fatal("lifted by one")
					}
				case *eventschema.HoldLapsed:
					if !state.ConfirmedAt.IsZero() {
						t.Fatal("a confirmed hold lapsed")
					}
				}
				state = decider.Evolve(state, event)
			}
		}
	})
}
