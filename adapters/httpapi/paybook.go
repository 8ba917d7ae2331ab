package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tracekeep/domain/payrules"
)

// PayBook is the rules and pay plans that an installation was given beside the built-in
// sets, in files that are read when it starts. Plans have no wages here: what is asked
// for is time.
type PayBook struct {
	Rules []payrules.Rules // of one name, the highest version is asked for; the others are those that earlier periods were locked by
	Plans []payrules.Plan
}

// payNames are names as they stand in an address.
var payNames = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// validate reports every name that could not be asked for.
func (b PayBook) validate(need func(ok bool, what string)) {
	type version struct {
		name   string
		number int
	}
	seen := map[version]bool{}
	for _, r := range b.Rules {
		_, builtIn := payrules.BuiltIn(r.Name)
		need(payNames.MatchString(r.Name) && !builtIn, fmt.Sprintf("rules %q: the API asks for rules by a name of their own of small letters, digits, hyphens and underscores", r.Name))
		need(!seen[version{r.Name, r.Version}], fmt.Sprintf("rules %q: version %d is there twice", r.Name, r.Version))
		seen[version{r.Name, r.Version}] = true
	}
	plans := map[string]bool{}
	for _, p := range b.Plans {
		need(payNames.MatchString(p.Name), fmt.Sprintf("plan %q: the API asks for a plan by a name of small letters, digits, hyphens and underscores", p.Name))
		need(!plans[p.Name], fmt.Sprintf("plan %q is there twice", p.Name))
		plans[p.Name] = true
		need(!slices.ContainsFunc(p.Groups, func(g payrules.Group) bool { return g.Wages != nil }), fmt.Sprintf("plan %q: wages have no place here", p.Name))
	}
}

// earlier are all rules that earlier periods may have been locked by.
func (b PayBook) earlier() []payrules.Rules {
	all := slices.Clone(b.Rules)
	for _, p := range b.Plans {
		for _, g := range p.Groups {
			for _, part := range g.Parts {
				all = append(all, part.Rules)
			}
		}
	}
	return all
}

// rules finds a built-in set, or the highest version of one that was given.
func (b PayBook) rules(pointer, name string) (payrules.Rules, *Problem) {
	found, ok := payrules.BuiltIn(name)
	for _, r := range b.Rules {
		if r.Name == name && (!ok || r.Version > found.Version) {
			found, ok = r, true
		}
	}
	if !ok {
		return found, invalid(pointer, "unknown_rules", "no rules of this name are built in or were given to the server; list-pay-rules lists them")
	}
	return found, nil
}

// paidByNames say by which rules people are paid: a plan, or one set of rules for
// everybody.
type paidByNames struct{ Rules, Zone, Plan string }

// plan is what the names mean; where is what the pointers to them begin with.
func (b PayBook) plan(where string, n paidByNames) (payrules.Plan, *Problem) {
	if (n.Plan == "") == (n.Rules == "") || n.Plan != "" && n.Zone != "" {
		return payrules.Plan{}, invalid(where+"/rules", "exactly_one", "rules with a zone, or a plan, which says both")
	}
	if n.Plan != "" {
		i := slices.IndexFunc(b.Plans, func(p payrules.Plan) bool { return p.Name == n.Plan })
		if i < 0 {
			return payrules.Plan{}, invalid(where+"/plan", "unknown_plan", "the server was given no plan of this name; list-pay-rules lists them")
		}
		return b.Plans[i], nil
	}
	rules, problem := b.rules(where+"/rules", n.Rules)
	if problem != nil {
		return payrules.Plan{}, problem
	}
	zone, err := time.LoadLocation(n.Zone)
	switch {
	case n.Zone == "" && rules.Zone == "" || n.Zone != "" && (err != nil || zone == time.Local):
		return payrules.Plan{}, invalid(where+"/zone", "zone", "expected the IANA name of a time zone")
	case n.Zone != "" && rules.Zone != "" && n.Zone != rules.Zone:
		return payrules.Plan{}, invalid(where+"/zone", "other_zone", "the rules are for the zone "+rules.Zone+"; leave it out")
	}
	return payrules.PlanOf(rules, n.Zone, nil), nil
}

// PayRulesBody is a set of rules that can be asked for.
type PayRulesBody struct {
	Name    string `json:"name" example:"flsa"`
	Version int    `json:"version" example:"1"`
	Source  string `json:"source" doc:"Who says so." example:"29 U.S.C. 207; 29 CFR 778.101"`
	Zone    string `json:"zone,omitempty" doc:"Whose clock begins days and weeks; left out: the question says." example:"America/New_York"`
	BuiltIn bool   `json:"built_in" example:"true"`
}

// PayPlanBody is a pay plan that can be asked for. Rates are not kept here.
type PayPlanBody struct {
	Name    string         `json:"name" example:"acme"`
	Version int            `json:"version" example:"4"`
	Groups  []PayGroupBody `json:"groups"`
}

// PayGroupBody is people who are paid alike.
type PayGroupBody struct {
	Name     string       `json:"name,omitempty" example:"crew"`
	People   int          `json:"people" doc:"How many work records it names." example:"42"`
	AllRest  bool         `json:"all_the_rest" doc:"It names none, and has everybody who is in no other group." example:"false"`
	PaidBy   []PaidByBody `json:"paid_by" doc:"The rules of its jobs."`
	MealsOff []string     `json:"waived_meals" doc:"Meals that are waived by mutual consent: first, second."`
}

type payRulesAnswer struct {
	Body struct {
		Rules []PayRulesBody `json:"rules"`
		Plans []PayPlanBody  `json:"plans"`
	}
}

func (a *API) registerPayRules(api huma.API) {
	huma.Register(api, a.operation("list-pay-rules", http.MethodGet, "/v1/pay-rules", "Pay", "List the rules and plans that hours are paid by",
		"The built-in sets, and what the server was given when it started."),
		func(context.Context, *struct{}) (*payRulesAnswer, error) {
			answer := &payRulesAnswer{}
			for _, r := range payrules.BuiltIns() {
				answer.Body.Rules = append(answer.Body.Rules, payRulesBody(r, true))
			}
			for _, r := range a.config.Pay.Rules {
				answer.Body.Rules = append(answer.Body.Rules, payRulesBody(r, false))
			}
			answer.Body.Plans = each(a.config.Pay.Plans, func(p payrules.Plan) PayPlanBody {
				return PayPlanBody{Name: p.Name, Version: p.Version, Groups: each(p.Groups, payGroupBody)}
			})
			return answer, nil
		})
}

func payRulesBody(r payrules.Rules, builtIn bool) PayRulesBody {
	return PayRulesBody{Name: r.Name, Version: r.Version, Source: r.Source, Zone: r.Zone, BuiltIn: builtIn}
}

func payGroupBody(g payrules.Group) PayGroupBody {
	body := PayGroupBody{
		Name: g.Name, People: len(g.Works), AllRest: len(g.Works) == 0, MealsOff: []string{},
		PaidBy: each(g.Parts, func(p payrules.Part) PaidByBody {
			return PaidByBody{Group: g.Name, Zone: g.ZoneOf(p.Rules), Jobs: p.Jobs, Rules: p.Rules.Name, RulesVersion: p.Rules.Version}
		}),
	}
	for meal, waived := range map[string]bool{"first": g.FirstMealWaived, "second": g.SecondMealWaived} {
		if waived {
			body.MealsOff = append(body.MealsOff, meal)
		}
	}
	slices.Sort(body.MealsOff)
	return body
}
