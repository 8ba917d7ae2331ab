package person_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/person"
	"tracekeep/eventschema"
)

var (
	personID = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b01")
	workID   = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")
	january  = time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC)
	june     = time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC)
	// manila is January in a zone, to see that instants are stored in UTC.
	manila = january.In(time.FixedZone("PST", 8*3600))

	registered = &eventschema.PersonRegistered{PersonID: personID, RegisteredAt: january, LegalName: eventschema.Clear("Wren Okafor")}
	closed     = &eventschema.PersonClosed{PersonID: personID, ClosedAt: june, Reason: "left"}
)

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[person.Command]

func TestRegister(t *testing.T) {
	clear := eventschema.Clear
	domaintest.Run(t, person.Decider(), map[string]kase{
		"a person is registered with what is given": {
			When: person.Register{
				PersonID: personID, WorkID: workID, LegalName: clear("Wren Okafor"), BirthDate: clear("1988-02-29"),
				Email: clear("wren@example.org"), Phone: clear("+1 555 0100"), Source: eventschema.SourceImport, RegisteredAt: manila,
			},
			Then: past(&eventschema.PersonRegistered{
				PersonID: personID, WorkID: clear(eventschema.Hex(workID)), LegalName: clear("Wren Okafor"), BirthDate: clear("1988-02-29"),
				Email: clear("wren@example.org"), Phone: clear("+1 555 0100"), Source: eventschema.SourceImport, RegisteredAt: january,
			}),
		},
		"a name is enough, and no work record is no work id": {
			When: person.Register{PersonID: personID, LegalName: clear("Wren Okafor"), Source: eventschema.SourceAPI, RegisteredAt: january},
			Then: past(&eventschema.PersonRegistered{PersonID: personID, LegalName: clear("Wren Okafor"), Source: eventschema.SourceAPI, RegisteredAt: january}),
		},
		"without a name nobody is registered": {
			When: person.Register{PersonID: personID, Email: clear("wren@example.org"), RegisteredAt: january}, Refused: person.ErrNoName,
		},
		"a name that is only sealed here is no name": {
			When: person.Register{PersonID: personID, LegalName: eventschema.Withheld(eventschema.StateSealed, uuid.Nil)}, Refused: person.ErrNoName,
		},
		"nobody is registered twice": {
			Given: past(registered), When: person.Register{PersonID: personID, LegalName: clear("Wren Okafor")}, Refused: person.ErrAlreadyRegistered,
		},
		"nor again after closing": {
			Given: past(registered, closed), When: person.Register{PersonID: personID, LegalName: clear("Wren Okafor")}, Refused: person.ErrAlreadyRegistered,
		},
	})
}

// promise: ST-42
// promise: RR-26
func TestCorrect(t *testing.T) {
	clear := eventschema.Clear
	domaintest.Run(t, person.Decider(), map[string]kase{
		"a correction is an event of its own and carries only what changed": {
			Given: past(registered), When: person.Correct{PersonID: personID, LegalName: clear("Wren Okafor-Lind"), Reason: "married", CorrectedAt: manila},
			Then: past(&eventschema.PersonCorrected{PersonID: personID, LegalName: clear("Wren Okafor-Lind"), Reason: "married", CorrectedAt: january}),
		},
		"every personal value can be corrected": {
			Given: past(registered),
			When: person.Correct{
				PersonID: personID, LegalName: clear("a"), BirthDate: clear("b"), Email: clear("c"), Phone: clear("d"), Reason: "all_wrong", CorrectedAt: january,
			},
			Then: past(&eventschema.PersonCorrected{
				PersonID: personID, LegalName: clear("a"), BirthDate: clear("b"), Email: clear("c"), Phone: clear("d"), Reason: "all_wrong", CorrectedAt: january,
			}),
		},
		"the phone alone": {
			Given: past(registered), When: person.Correct{PersonID: personID, Phone: clear("+1 555 0101"), Reason: "new_number", CorrectedAt: january},
			Then: past(&eventschema.PersonCorrected{PersonID: personID, Phone: clear("+1 555 0101"), Reason: "new_number", CorrectedAt: january}),
		},
		"nobody unknown is corrected": {
			When: person.Correct{PersonID: personID, LegalName: clear("x"), Reason: "typo"}, Refused: person.ErrNotRegistered},
		"a closed account is not corrected": {
			Given: past(registered, closed), When: person.Correct{PersonID: personID, LegalName: clear("x"), Reason: "typo"}, Refused: person.ErrClosed},
		"a correction of nothing is refused": {
			Given: past(registered), When: person.Correct{PersonID: personID, Reason: "typo"}, Refused: person.ErrNothingToCorrect},
		"a correction needs a reason": {
			Given: past(registered), When: person.Correct{PersonID: personID, LegalName: clear("x")}, Refused: person.ErrReason},
		"a reason in free text could name somebody for ever": {
			Given: past(registered), When: person.Correct{PersonID: personID, LegalName: clear("x"), Reason: "Wren married Ada"}, Refused: person.ErrReason},
		"a reason is short": {
			Given: past(registered), When: person.Correct{PersonID: personID, LegalName: clear("x"), Reason: strings.Repeat("x", 61)}, Refused: person.ErrReason},
	})
}

func TestClose(t *testing.T) {
	domaintest.Run(t, person.Decider(), map[string]kase{
		"an account is closed": {
			Given: past(registered), When: person.Close{PersonID: personID, Reason: "left", ClosedAt: june.In(time.FixedZone("PST", 8*3600))}, Then: past(closed)},
		"closing twice changes nothing": {
			Given: past(registered, closed), When: person.Close{PersonID: personID, Reason: "left", ClosedAt: june}},
		"nobody unknown is closed": {
			When: person.Close{PersonID: personID, Reason: "left"}, Refused: person.ErrNotRegistered},
		"closing needs a reason": {
			Given: past(registered), When: person.Close{PersonID: personID}, Refused: person.ErrReason},
		"a command nobody wrote a rule for is refused": {
			Given: past(registered), When: nil, Refused: domain.ErrUnknownCommand},
	})
}

// Any part of any history can be folded, and corrections change no decision.
func TestAPrefixOfHistoryNeverBreaksEvolve(t *testing.T) {
	events := []eventschema.Event{registered, &eventschema.PersonCorrected{PersonID: personID}, closed, &eventschema.WorkOpened{}}
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.SampledFrom(events)).Draw(t, "history")
		var state person.State
		for i := range history {
			state = person.Decider().Fold(history[:i+1]...)
		}
		for _, event := range history {
			_, isRegistered := event.(*eventschema.PersonRegistered)
			_, isClosed := event.(*eventschema.PersonClosed)
			if isRegistered && !state.Registered || isClosed && !state.Closed {
				t.Fatalf("%v after %v", state, history)
			}
		}
	})
}
