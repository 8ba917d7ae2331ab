package timecard_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// few are the ids of a small world, so that drawn commands meet each other.
func few(t *rapid.T, label string) uuid.UUID {
	return uuid.UUID{15: byte(rapid.IntRange(1, 4).Draw(t, label))}
}

func commands() *rapid.Generator[timecard.Command] {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return eight.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "hours")) * time.Hour)
	})
	direction := rapid.SampledFrom([]eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut, "up"})
	return rapid.Custom(func(t *rapid.T) timecard.Command {
		switch rapid.IntRange(0, 5).Draw(t, "command") {
		case 0:
			return declare(func(d *entry) { d.DeclarationID = few(t, "declaration id") })
		case 1:
			return sevenHours(func(c *amend) {
				c.CorrectionID, c.DeclarationID, c.Void = few(t, "amendment id"), few(t, "declaration id"), rapid.Bool().Draw(t, "void")
			})
		case 2, 3:
			return press(func(p *punch) {
				p.PunchID, p.OccurredAt, p.Direction = few(t, "punch id"), instant.Draw(t, "at"), direction.Draw(t, "direction")
			})
		}
		return fix(func(c *change) {
			c.CorrectionID, c.PunchID, c.Void = few(t, "correction id"), few(t, "punch id"), rapid.Bool().Draw(t, "void")
			c.OccurredAt, c.Direction = instant.Draw(t, "at"), direction.Draw(t, "direction")
		})
	})
}

// The same command again changes nothing, whatever came in between, and what
// was decided folds again to the same answers.
//
// promise: ST-52
func TestRepeatingACommandChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decider := timecard.Decider()
		var history []eventschema.Event
		var accepted []timecard.Command
		for _, command := range rapid.SliceOfN(commands(), 1, 30).Draw(t, "commands") {
			events, err := decider.Decide(decider.Fold(history...), command)
			if err != nil && len(events) > 0 {
				t.Fatalf("%+v is refused with events", command)
			}
			if err == nil {
				accepted = append(accepted, command)
			}
			history = append(history, events...)
		}
		state := decider.Fold(history...)
		for _, command := range accepted {
			if events, err := decider.Decide(state, command); len(events) > 0 || err != nil {
				t.Fatalf("%+v comes again and brings %d events, %v", command, len(events), err)
			}
		}
	})
}

// The order in which stations deliver does not matter.
//
// promise: ST-07
func TestPunchesCountTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decider := timecard.Decider()
		var punches []timecard.Command
		for n := range rapid.IntRange(1, 8).Draw(t, "punches") {
			punches = append(punches, press(func(p *punch) {
				p.PunchID, p.OccurredAt = uuid.UUID{15: byte(n + 1)}, eight.Add(time.Duration(n)*time.Hour)
			}))
		}
		delivered := slices.Concat(rapid.Permutation(punches).Draw(t, "first delivery"), rapid.Permutation(punches).Draw(t, "second delivery"))
		state := decider.Initial()
		for _, command := range delivered {
			events, err := decider.Decide(state, command)
			if err != nil {
				t.Fatal(err)
			}
			for _, event := range events {
				state = decider.Evolve(state, event)
			}
		}
		if state.Punches() != len(punches) {
			t.Fatalf("%d punches of %d", state.Punches(), len(punches))
		}
	})
}

// History is not refused: any events in any order fold, every prefix of them.
func TestAPrefixOfHistoryNeverBreaksEvolve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.Custom(func(t *rapid.T) eventschema.Event {
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				return declared(func(e *said) { e.DeclarationID = few(t, "declaration id") })
			case 1:
				return amended(func(e *amends) { e.DeclarationID, e.CorrectionID = few(t, "declaration id"), few(t, "correction id") })
			case 2:
				return corrected(func(e *fixed) { e.PunchID, e.CorrectionID = few(t, "punch id"), few(t, "correction id") })
			}
			return recorded(func(e *stored) { e.PunchID = few(t, "punch id") })
		})).Draw(t, "history")
		for i := range len(history) + 1 {
			state := timecard.Decider().Fold(history[:i]...)
			if state.Punches() > i {
				t.Fatalf("%d punches from %d events", state.Punches(), i)
			}
			if _, err := timecard.Decider().Decide(state, press()); err != nil {
				t.Fatalf("a good punch is refused after this history: %v", err)
			}
		}
	})
}

// columns are what identifies a punch that its station did not number.
type columns struct {
	work      uuid.UUID
	texts     [2]string
	direction eventschema.Direction
	kind      eventschema.PunchKind
	rest      []string
}

func (c columns) id() uuid.UUID {
	return timecard.PunchID(tenantID, c.work, c.texts[0], c.texts[1], c.direction, c.kind, c.rest...)
}

func drawColumns(t *rapid.T, label string) columns {
	// Short texts of few characters, the separator's own among them, so that
	// different splits of one line are likely.
	text := rapid.StringMatching(`[a1:]{0,3}`)
	return columns{
		work: few(t, label+" work"), texts: [2]string{text.Draw(t, label+" station"), text.Draw(t, label+" clock")},
		direction: eventschema.Direction(text.Draw(t, label+" direction")), kind: eventschema.PunchKind(text.Draw(t, label+" kind")),
		rest: rapid.SliceOfN(text, 0, 3).Draw(t, label+" rest"),
	}
}

func TestAPunchIDStandsForItsColumnsAndNoOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawColumns(t, "a"), drawColumns(t, "b")
		same := a.work == b.work && a.texts == b.texts && a.direction == b.direction && a.kind == b.kind && slices.Equal(a.rest, b.rest)
		if (a.id() == b.id()) != same {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}

func TestPunchIDs(t *testing.T) {
	id := func(rest ...string) uuid.UUID {
		return timecard.PunchID(tenantID, workID, "gate-1", "2026-03-05 16:00:12", "in", "normal", rest...)
	}
	for reason, other := range map[string]uuid.UUID{
		"another column":              id("1", "1"),
		"columns split elsewhere":     id("10"),
		"columns split by their mark": id("1:0"),
		"an empty column more":        id("1", "0", ""),
		"another tenant":              timecard.PunchID(workID, workID, "gate-1", "2026-03-05 16:00:12", "in", "normal", "1", "0"),
		"another work record":         timecard.PunchID(tenantID, tenantID, "gate-1", "2026-03-05 16:00:12", "in", "normal", "1", "0"),
		"another station":             timecard.PunchID(tenantID, workID, "gate-2", "2026-03-05 16:00:12", "in", "normal", "1", "0"),
		"another second":              timecard.PunchID(tenantID, workID, "gate-1", "2026-03-05 16:00:13", "in", "normal", "1", "0"),
		"another direction":           timecard.PunchID(tenantID, workID, "gate-1", "2026-03-05 16:00:12", "out", "normal", "1", "0"),
		"another kind":                timecard.PunchID(tenantID, workID, "gate-1", "2026-03-05 16:00:12", "in", "meal", "1", "0"),
	} {
		if other == id("1", "0") {
			t.Errorf("%s is the same punch", reason)
		}
	}
	// An id of a punch that was imported once must come out the same for ever.
	if got := id("1", "0").String(); got != "52737572-7a12-5a58-b6d7-6d7594969203" {
		t.Errorf("the id of a known punch is %s now: every file ever imported would be recorded again", got)
	}
}
