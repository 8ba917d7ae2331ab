package httpapi_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/payrules"
)

// acme is rules of a house in two versions, and a plan by the second one.
func acme() httpapi.PayBook {
	flsa, _ := payrules.BuiltIn("flsa")
	own := func(version int) payrules.Rules {
		rules := flsa
		rules.Name, rules.Version, rules.Zone = "acme-east", version, "America/New_York"
		return rules
	}
	california, _ := payrules.BuiltIn("california")
	return httpapi.PayBook{
		Rules: []payrules.Rules{own(3), own(2)},
		Plans: []payrules.Plan{{Name: "acme", Version: 4, Groups: []payrules.Group{
			{Name: "crew", Works: []uuid.UUID{adasWork}, Zone: "America/Los_Angeles", FirstMealWaived: true, Parts: []payrules.Part{{Rules: california}}},
			{Name: "office", Parts: []payrules.Part{{Rules: own(3)}}},
		}}},
	}
}

// What is paid by rules of one's own is asked for by the names of the files that the
// server was given.
func TestRulesAndPlansOfTheHouseAreAskedForByName(t *testing.T) {
	s := start(t, func(c *httpapi.Config) { c.Pay = acme() })
	lock := func(to, by string) (payrules.Plan, []payrules.Rules) {
		t.Helper()
		s.expect(s.send("hr", "POST", "/v1/pay-periods", `{"from":"2026-03-02","to":"`+to+`",`+by+`}`), 201, "")
		order := s.shiftSteps[len(s.shiftSteps)-1].(httpapi.LockOrder)
		return order.Plan, order.Earlier
	}
	plan, earlier := lock("2026-03-15", `"rules":"acme-east"`)
	if g := plan.Groups[0]; plan.Name != "acme-east" || plan.Version != 3 || g.ZoneOf(g.Parts[0].Rules) != "America/New_York" {
		t.Errorf("%+v", plan)
	}
	if len(earlier) != 4 || earlier[1].Version != 2 {
		t.Errorf("an earlier version is not at hand: %+v", earlier)
	}
	if plan, _ = lock("2026-03-16", `"plan":"acme"`); plan.Name != "acme" || len(plan.Groups) != 2 {
		t.Errorf("%+v", plan)
	}
	card := "/v1/timecard?from=2026-03-02&to=2026-03-08&work_id=" + adasWork.String()
	if owed := s.send("hr", "GET", card+"&plan=acme", "").member(t, "owed").(map[string]any); owed["plan"] != "acme" || owed["plan_version"] != 4.0 || owed["rules"] != "california" {
		t.Errorf("%v", owed)
	}
	if owed := s.send("hr", "GET", card+"&rules=acme-east", "").member(t, "owed").(map[string]any); owed["rules"] != "acme-east" || owed["rules_version"] != 3.0 {
		t.Errorf("%v", owed)
	}
	for rule, path := range map[string]string{
		"an unknown plan":                 card + "&plan=other",
		"a plan and rules":                card + "&plan=acme&rules=flsa",
		"a plan with a zone":              card + "&plan=acme&zone=UTC",
		"another zone than the rules say": card + "&rules=acme-east&zone=UTC",
		"rules without a zone":            card + "&rules=flsa",
		"a zone that is none":             card + "&rules=flsa&zone=Moon/Base",
		"the zone of the machine":         card + "&rules=flsa&zone=Local",
		"unknown rules of a workweek":     "/v1/overtime?rules=acme",
	} {
		t.Run(rule, func(t *testing.T) {
			a := s.send("hr", "GET", path, "")
			s.expect(a, 422, "invalid")
			assertProblem(t, a)
		})
	}
	s.expect(s.send("hr", "GET", "/v1/overtime?rules=acme-east", ""), 200, "")
	all := s.send("auditor", "GET", "/v1/pay-rules", "")
	rules, plans := all.member(t, "rules").([]any), all.member(t, "plans").([]any)
	last := rules[len(rules)-1].(map[string]any)
	crew := plans[0].(map[string]any)["groups"].([]any)[0].(map[string]any)
	if len(rules) != len(payrules.BuiltIns())+2 || last["name"] != "acme-east" || last["version"] != 2.0 || last["built_in"] != false {
		t.Errorf("%v", rules)
	}
	if crew["people"] != 1.0 || crew["waived_meals"].([]any)[0] != "first" || crew["paid_by"].([]any)[0].(map[string]any)["rules"] != "california" || strings.Contains(string(all.body), adasWork.String()) {
		t.Errorf("%s", all.body)
	}
}

func TestRulesThatNobodyCouldAskForAreRefused(t *testing.T) {
	for fault, spoil := range map[string]func(*httpapi.PayBook){
		"a name that is no part of an address": func(b *httpapi.PayBook) { b.Rules[0].Name = "Acme East" },
		"a name of a built-in set":             func(b *httpapi.PayBook) { b.Rules[0].Name = "eu" },
		"one version twice":                    func(b *httpapi.PayBook) { b.Rules[0].Version = 2 },
		"a plan with such a name":              func(b *httpapi.PayBook) { b.Plans[0].Name = "acme/4" },
		"a plan twice":                         func(b *httpapi.PayBook) { b.Plans = append(b.Plans, b.Plans[0]) },
		"wages":                                func(b *httpapi.PayBook) { b.Plans[0].Groups[0].Wages = &payrules.Wages{} },
	} {
		config := httpapi.Config{Pay: acme()}
		spoil(&config.Pay)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "rules \"") && !strings.Contains(err.Error(), "plan \"") {
			t.Errorf("%s: %v", fault, err)
		}
	}
	if err := (httpapi.Config{Pay: acme()}).Validate(); err == nil || strings.Contains(err.Error(), "acme") {
		t.Errorf("rules that can be asked for: %v", err)
	}
}
