// Package domaintest lets a test say what a rule is: given these events, when
// this command comes, then these events follow, or this refusal.
//
//	domaintest.Of(t, person.Decider()).
//		Given(registered).
//		When(person.Close{...}).
//		Then(&eventschema.PersonClosed{...})
//
// The events of the past are folded as a store hands them back: with their
// personal values sealed. A decider that needs to read one fails its test.
//
// Only tests may import this package.
package domaintest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Scenario is a past.
type Scenario[S, C any] struct {
	t       TB
	decider domain.Decider[S, C]
	past    []eventschema.Event
}

// Of starts a scenario with an empty stream.
func Of[S, C any](t TB, decider domain.Decider[S, C]) Scenario[S, C] {
	return Scenario[S, C]{t: t, decider: decider}
}

// Given adds events to the past, oldest first.
func (s Scenario[S, C]) Given(events ...eventschema.Event) Scenario[S, C] {
	s.past = append(s.past[:len(s.past):len(s.past)], events...)
	return s
}

// When decides a command against the past.
func (s Scenario[S, C]) When(command C) Decision {
	past := make([]eventschema.Event, 0, len(s.past))
	for _, event := range s.past {
		past = append(past, Sealed(event))
	}
	events, err := s.decider.Decide(s.decider.Fold(past...), command)
	return Decision{t: s.t, past: s.past, command: command, events: events, err: err}
}

// Decision is what came of a command. Ask it exactly one of Then, ThenNothing
// and ThenRefused.
type Decision struct {
	t       TB
	past    []eventschema.Event
	command any
	events  []eventschema.Event
	err     error
}

// Then wants exactly these events, in this order.
func (d Decision) Then(events ...eventschema.Event) {
	d.t.Helper()
	if d.err != nil {
		d.t.Errorf("%swant events\n%sgot the refusal %q", d.told(), describeAll(events), d.err)
		return
	}
	if diff := cmp.Diff(describeAll(events), describeAll(d.events)); diff != "" {
		d.t.Errorf("%sevents (-want +got):\n%s", d.told(), diff)
	}
}

// ThenNothing wants that the command is accepted and nothing follows from it.
func (d Decision) ThenNothing() {
	d.t.Helper()
	d.Then()
}

// ThenRefused wants the refusal, by [errors.Is], and no event.
func (d Decision) ThenRefused(refusal error) {
	d.t.Helper()
	switch {
	case d.err == nil:
		d.t.Errorf("%swant the refusal %q\ngot events\n%s", d.told(), refusal, describeAll(d.events))
	case !errors.Is(d.err, refusal):
		d.t.Errorf("%swant the refusal %q\ngot the refusal %q", d.told(), refusal, d.err)
	case len(d.events) > 0:
		d.t.Errorf("%srefused, and yet events\n%s", d.told(), describeAll(d.events))
	}
}

func (d Decision) told() string {
	return fmt.Sprintf("given\n%swhen %T %+v\n", describeAll(d.past), d.command, d.command)
}

// Case is one row of a table of rules. Without Then and Refused nothing may follow.
type Case[C any] struct {
	Given   []eventschema.Event
	When    C
	Then    []eventschema.Event
	Refused error
}

// Run checks a table whose keys are the rules in words.
func Run[S, C any](t *testing.T, decider domain.Decider[S, C], table map[string]Case[C]) {
	t.Helper()
	for rule, c := range table {
		t.Run(rule, func(t *testing.T) {
			decision := Of(t, decider).Given(c.Given...).When(c.When)
			if c.Refused != nil {
				decision.ThenRefused(c.Refused)
				return
			}
			decision.Then(c.Then...)
		})
	}
}

// Sealed copies an event with every personal value sealed, given or not, as a
// store hands it back to a decider.
func Sealed(event eventschema.Event) eventschema.Event {
	copied := reflect.New(reflect.TypeOf(event).Elem())
	copied.Elem().Set(reflect.ValueOf(event).Elem())
	sealed := copied.Interface().(eventschema.Event)
	for _, section := range sealed.Sections() {
		for _, field := range section.Fields {
			*field.Value = eventschema.Withheld(eventschema.StateSealed, uuid.Nil)
		}
	}
	return sealed
}

func describeAll(events []eventschema.Event) string {
	var b strings.Builder
	for _, event := range events {
		b.WriteString("  " + strings.ReplaceAll(Describe(event), "\n", "\n  ") + "\n")
	}
	if len(events) == 0 {
		return "  nothing\n"
	}
	return b.String()
}

// Describe writes an event one field a line, personal values of the test in clear.
func Describe(event eventschema.Event) string {
	skeleton, err := json.MarshalIndent(event, "", "  ")
	if err != nil {
		return fmt.Sprintf("%s: %v", event.EventType(), err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", event.EventType(), skeleton)
	for _, section := range event.Sections() {
		for _, field := range section.Fields {
			if text, clear := field.Value.Reveal(); clear {
				fmt.Fprintf(&b, "\n%s.%s: %q", section.Name, field.Name, text)
			} else if field.Value.State() != eventschema.StateAbsent {
				fmt.Fprintf(&b, "\n%s.%s: %s", section.Name, field.Name, field.Value.State())
			}
		}
	}
	return b.String()
}
