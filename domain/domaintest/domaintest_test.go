package domaintest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

// recorder keeps what a scenario complains of.
type recorder struct{ complaints []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}

var errNo = errors.New("no")

// echo decides what the command says, and refuses in a past that holds a
// readable personal value.
func echo() domain.Decider[bool, []eventschema.Event] {
	return domain.Decider[bool, []eventschema.Event]{
		Initial: func() bool { return true },
		Decide: func(blind bool, command []eventschema.Event) ([]eventschema.Event, error) {
			if !blind || len(command) > 2 {
				return nil, fmt.Errorf("refused: %w", errNo)
			}
			return command, nil
		},
		Evolve: func(blind bool, event eventschema.Event) bool {
			opened, ok := event.(*eventschema.WorkOpened)
			if !ok {
				return blind
			}
			_, readable := opened.PayrollName.Reveal()
			return blind && !readable
		},
	}
}

func TestAScenarioComplainsOnlyWhenTheRuleIsBroken(t *testing.T) {
	closed := func(reason string) eventschema.Event { return &eventschema.PersonClosed{Reason: reason} }
	opened := func(name string) eventschema.Event {
		return &eventschema.WorkOpened{PayrollName: eventschema.Clear(name)}
	}
	tooMany := []eventschema.Event{closed("a"), closed("b"), closed("c")}
	type scenario = domaintest.Scenario[bool, []eventschema.Event]
	for rule, c := range map[string]struct {
		tell func(scenario)
		want string // part of the complaint; empty where there is none
	}{
		"the events wanted": {func(s scenario) { s.When([]eventschema.Event{closed("a")}).Then(closed("a")) }, ""},
		"nothing wanted":    {func(s scenario) { s.When(nil).ThenNothing() }, ""},
		"the refusal wanted": {
			func(s scenario) { s.When(tooMany).ThenRefused(errNo) }, ""},
		"a past is folded with its personal values sealed": {
			func(s scenario) { s.Given(opened("Wren")).When(nil).ThenNothing() }, ""},
		"another field": {
			func(s scenario) { s.When([]eventschema.Event{closed("a")}).Then(closed("b")) }, `"reason": "a"`},
		"another personal value": {
			func(s scenario) { s.When([]eventschema.Event{opened("Wren")}).Then(opened("Ada")) }, `work.payroll_name: "Wren"`},
		"another order": {
			func(s scenario) {
				s.When([]eventschema.Event{closed("a"), closed("b")}).Then(closed("b"), closed("a"))
			}, "events (-want +got)"},
		"an event where nothing is wanted": {
			func(s scenario) { s.When([]eventschema.Event{closed("a")}).ThenNothing() }, "events (-want +got)"},
		"nothing where an event is wanted": {
			func(s scenario) { s.When(nil).Then(closed("a")) }, "events (-want +got)"},
		"a refusal where an event is wanted": {
			func(s scenario) { s.When(tooMany).Then(closed("a")) }, `got the refusal "refused: no"`},
		"an event where a refusal is wanted": {
			func(s scenario) { s.When(nil).ThenRefused(errNo) }, `want the refusal "no"`},
		"another refusal": {
			func(s scenario) { s.When(tooMany).ThenRefused(domain.ErrBusy) }, "too busy"},
		"the complaint tells the past": {
			func(s scenario) { s.Given(closed("long ago")).When(tooMany).ThenNothing() }, "long ago"},
	} {
		t.Run(rule, func(t *testing.T) {
			r := new(recorder)
			c.tell(domaintest.Of(r, echo()))
			complaint := strings.Join(r.complaints, "\n")
			if (c.want == "") != (complaint == "") || !strings.Contains(complaint, c.want) {
				t.Errorf("complains %q, want %q", complaint, c.want)
			}
		})
	}
}

func TestSealingACopyLeavesTheEventAlone(t *testing.T) {
	event := &eventschema.WorkOpened{PayrollName: eventschema.Clear("Wren")}
	sealed := domaintest.Sealed(event).(*eventschema.WorkOpened)
	if sealed.PayrollName.State() != eventschema.StateSealed {
		t.Errorf("the copy is %q", sealed.PayrollName.State())
	}
	if text, _ := event.PayrollName.Reveal(); text != "Wren" {
		t.Error("the event itself was sealed")
	}
}
