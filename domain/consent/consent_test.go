package consent_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/consent"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

var workID = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")

const location = eventschema.PurposeLocation

// day is an instant of January 2026.
func day(n int) time.Time { return time.Date(2026, 1, n, 8, 0, 0, 0, time.UTC) }

func given(n int) eventschema.Event {
	return &eventschema.ConsentGiven{WorkID: workID, Purpose: location, GivenAt: day(n), NoticeVersion: "2026-01", Language: "fil", Method: "app"}
}

func withdrawn(n int) eventschema.Event {
	return &eventschema.ConsentWithdrawn{WorkID: workID, Purpose: location, WithdrawnAt: day(n), Method: "app"}
}

func give(n int) consent.Give {
	return consent.Give{WorkID: workID, Purpose: location, GivenAt: day(n), NoticeVersion: "2026-01", Language: "fil", Method: "app"}
}

func withdraw(n int) consent.Withdraw {
	return consent.Withdraw{WorkID: workID, Purpose: location, WithdrawnAt: day(n), Method: "app"}
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[consent.Command]

func TestGive(t *testing.T) {
	inManila, silent, curious, unseen, timeless := give(3), give(3), give(3), give(3), give(3)
	inManila.GivenAt = inManila.GivenAt.In(time.FixedZone("PST", 8*3600))
	silent.Language = ""
	curious.Purpose = eventschema.PurposeIdentity
	unseen.NoticeVersion = ""
	timeless.GivenAt = time.Time{}
	unsaid := given(3).(*eventschema.ConsentGiven)
	unsaid.Language = "und"
	shouted := give(3)
	shouted.Method = "shout"
	domaintest.Run(t, consent.Decider(), map[string]kase{
		"a consent is given and keeps what proves it": {When: inManila, Then: past(given(3))},
		"an unknown language is undetermined":         {When: silent, Then: past(unsaid)},
		"giving one in force changes nothing":         {Given: past(given(1)), When: give(3)},
		"it can be given again after withdrawal":      {Given: past(given(1), withdrawn(2)), When: give(3), Then: past(given(3))},
		"and in the very instant of withdrawal":       {Given: past(given(1), withdrawn(3)), When: give(3), Then: past(given(3))},
		"but not before the withdrawal":               {Given: past(given(1), withdrawn(5)), When: give(3), Refused: consent.ErrOrder},
		"nor before the last time it was given":       {Given: past(given(5)), When: give(3), Refused: consent.ErrOrder},
		"nobody consents to what rests on a contract": {When: curious, Refused: consent.ErrPurpose},
		"without a notice there is no consent":        {When: unseen, Refused: consent.ErrNotice},
		"without an instant there is no consent":      {When: timeless, Refused: consent.ErrNoTime},
		"the method is one of three":                  {When: shouted, Refused: consent.ErrMethod},
		"a command nobody wrote a rule for":           {When: nil, Refused: domain.ErrUnknownCommand},
	})
}

// promise: RR-30
func TestWithdraw(t *testing.T) {
	inManila, curious, timeless, shouted := withdraw(3), withdraw(3), withdraw(3), withdraw(3)
	inManila.WithdrawnAt = inManila.WithdrawnAt.In(time.FixedZone("PST", 8*3600))
	curious.Purpose = "curiosity"
	timeless.WithdrawnAt = time.Time{}
	shouted.Method = "shout"
	domaintest.Run(t, consent.Decider(), map[string]kase{
		"a consent is withdrawn, with no more asked than for giving": {Given: past(given(1)), When: inManila, Then: past(withdrawn(3))},
		"withdrawing what was never given changes nothing":           {When: withdraw(3)},
		"withdrawing twice changes nothing":                          {Given: past(given(1), withdrawn(2)), When: withdraw(3)},
		"not before it was given":                                    {Given: past(given(5)), When: withdraw(3), Refused: consent.ErrOrder},
		"not for a purpose that knows no consent":                    {Given: past(given(1)), When: curious, Refused: consent.ErrPurpose},
		"not without an instant":                                     {Given: past(given(1)), When: timeless, Refused: consent.ErrNoTime},
		"the method is one of three":                                 {Given: past(given(1)), When: shouted, Refused: consent.ErrMethod},
	})
}

// promise: ST-10
// promise: RR-30
func TestInForce(t *testing.T) {
	spans := past(given(2), withdrawn(5), given(9))
	for rule, c := range map[string]struct {
		given   []eventschema.Event
		purpose eventschema.Purpose
		at      time.Time
		want    bool
	}{
		"nothing is in force before anything was given":         {nil, location, day(1), false},
		"not before it was given":                               {spans, location, day(2).Add(-1), false},
		"from the instant it was given":                         {spans, location, day(2), true},
		"until the instant it was withdrawn":                    {spans, location, day(5).Add(-1), true},
		"not in that instant":                                   {spans, location, day(5), false},
		"not in between":                                        {spans, location, day(8), false},
		"what was lawful stays lawful after the withdrawal":     {spans, location, day(3), true},
		"again after it was given again":                        {spans, location, day(20), true},
		"not for another purpose":                               {spans, eventschema.PurposeWork, day(3), false},
		"given and withdrawn in one instant is never in force":  {past(given(2), withdrawn(2)), location, day(2), false},
		"the zone of the instant asked does not matter":         {spans, location, day(2).In(time.FixedZone("", -5*3600)), true},
		"a withdrawal without a consent is folded all the same": {past(withdrawn(2), given(3)), location, day(4), true},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := consent.Decider().Fold(c.given...).InForce(c.purpose, c.at); got != c.want {
				t.Errorf("in force: %t", got)
			}
		})
	}
}

// A point of the time before a withdrawal that arrives after it is not kept.
func TestStands(t *testing.T) {
	for rule, c := range map[string]struct {
		given   []eventschema.Event
		purpose eventschema.Purpose
		at      time.Time
		want    bool
	}{
		"nothing was given":                          {nil, location, day(1), false},
		"not before it was given":                    {past(given(2)), location, day(2).Add(-1), false},
		"from the instant it was given":              {past(given(2)), location, day(2), true},
		"not once it was withdrawn, for any instant": {past(given(2), withdrawn(5)), location, day(3), false},
		"giving again does not bring back the past":  {past(given(2), withdrawn(5), given(9)), location, day(3), false},
		"and counts from then on":                    {past(given(2), withdrawn(5), given(9)), location, day(9), true},
		"not for another purpose":                    {past(given(2)), eventschema.PurposeWork, day(3), false},
	} {
		if got := consent.Decider().Fold(c.given...).Stands(c.purpose, c.at); got != c.want {
			t.Errorf("%s: stands %t", rule, got)
		}
	}
}

// Whatever comes in whatever order: history folds, and the same command again changes nothing.
func TestAnyHistoryFoldsAndRepeatingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decider := consent.Decider()
		state := decider.Initial()
		for _, n := range rapid.SliceOf(rapid.IntRange(-31, 31)).Draw(t, "days, negative to withdraw") {
			var command consent.Command = give(n)
			if n < 0 {
				command = withdraw(-n)
			}
			for again := range 2 {
				events, err := decider.Decide(state, command)
				if again == 1 && len(events) > 0 {
					t.Fatalf("%+v decided again brings %d events", command, len(events))
				}
				if err != nil && len(events) > 0 {
					t.Fatalf("refused with events")
				}
				for _, event := range events {
					state = decider.Evolve(state, event)
				}
			}
		}
		history := rapid.SliceOf(rapid.Custom(func(t *rapid.T) eventschema.Event {
			n := rapid.IntRange(-31, 31).Draw(t, "day")
			if n < 0 {
				return withdrawn(-n)
			}
			return given(n)
		})).Draw(t, "any events at all")
		decider.Fold(history...).InForce(location, day(rapid.IntRange(1, 31).Draw(t, "asked")))
	})
}
