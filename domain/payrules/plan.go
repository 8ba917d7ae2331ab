package payrules

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
)

// Plan says for groups of people by which rules they are paid, and what an hour of
// each job is worth.
type Plan struct {
	Name    string
	Version int
	Groups  []Group
}

// Group is people who are paid alike.
type Group struct {
	Name  string      // code; empty in a plan of one group
	Works []uuid.UUID // work ids; none: everybody who is in no other group
	Zone  string      // IANA, for rules that name none
	Job   string      // of work whose in names none
	// Parts have rules for some jobs. The first one has no jobs: it is for the rest.
	// Parts are for separate employers: no hours are added to those of another part
	// (29 U.S.C. 207(p)(1); 29 CFR 553.227).
	Parts            []Part
	FirstMealWaived  bool // by mutual consent of each in the group
	SecondMealWaived bool
	Wages            *Wages // nil: no money is worked out
}

// Part is the rules of some jobs.
type Part struct {
	Jobs  []string
	Rules Rules
}

// Wages is what a group earns.
type Wages struct {
	Rates   map[string]Money
	Others  *Money
	Salary  *Salary
	Bonuses []Bonus
}

// Bonus is paid for one workweek, or for each: to one of the group, or to everybody
// in it who worked.
type Bonus struct {
	Work                uuid.UUID // the nil id: everybody
	Week                string    // local date on which it begins; empty: each
	Production, FlatSum Money
}

// PlanOf is the plan of one set of rules for everybody.
func PlanOf(rules Rules, zone string, wages *Wages) Plan {
	return Plan{Name: rules.Name, Version: rules.Version, Groups: []Group{{Zone: zone, Parts: []Part{{Rules: rules}}, Wages: wages}}}
}

// Of is what a work record earns in a cycle by the first part of its group.
func (w Wages) Of(work uuid.UUID, cycle string) Wage {
	wage := Wage{Rates: w.Rates, Others: w.Others, Salary: w.Salary}
	for _, b := range w.Bonuses {
		if (b.Work == uuid.Nil || b.Work == work) && (b.Week == "" || b.Week == cycle) {
			wage.Production, wage.FlatSum = wage.Production.Plus(b.Production), wage.FlatSum.Plus(b.FlatSum)
		}
	}
	return wage
}

// ZoneOf is the zone whose clock begins days and weeks under rules of the group.
func (g Group) ZoneOf(rules Rules) string {
	if rules.Zone != "" {
		return rules.Zone
	}
	return g.Zone
}

// PartOf is the part of a job, by its place.
func (g Group) PartOf(job string) int {
	for i, p := range g.Parts {
		if slices.Contains(p.Jobs, job) {
			return i
		}
	}
	return 0
}

// GroupOf is the group of a work record; nil where it is in none.
func (p Plan) GroupOf(work uuid.UUID) *Group {
	var rest *Group
	for i := range p.Groups {
		if len(p.Groups[i].Works) == 0 {
			rest = &p.Groups[i]
		}
		if slices.Contains(p.Groups[i].Works, work) {
			return &p.Groups[i]
		}
	}
	return rest
}

// StartsCycle says whether a workweek or work period of the rules begins on a date.
func (r Rules) StartsCycle(date string) bool {
	at, err := time.Parse(time.DateOnly, date)
	anchor, _ := time.Parse(time.DateOnly, r.Workweek.Anchor)
	return err == nil && int(at.Sub(anchor)/day)%r.Workweek.Days == 0
}

// Validate reports everything that is wrong with a plan at once; each error wraps
// [ErrRules]. Its rules are valid.
func (p Plan) Validate() error {
	var f faults
	f.when(p.Name == "", "name: a plan needs one")
	f.when(p.Version < 1, "version: it counts from 1")
	f.when(len(p.Groups) == 0, "groups: a plan needs at least one")
	names, rests, members := map[string]bool{}, 0, map[uuid.UUID]bool{}
	for i, g := range p.Groups {
		f.when(names[g.Name], "groups: the name %q is there twice", g.Name)
		f.when(g.Name == "" && len(p.Groups) > 1 || g.Name != "" && !domain.IsCode(g.Name), "groups: %q: a name is lower-case letters, digits and underscores", g.Name)
		names[g.Name] = true
		if len(g.Works) == 0 {
			rests++
		}
		for _, work := range g.Works {
			f.when(members[work], "%s: people: %s is there twice", g.Name, work)
			members[work] = true
		}
		f.group(g)
		if g.Wages == nil {
			continue
		}
		for _, b := range g.Wages.Bonuses {
			f.when(b.Work != uuid.Nil && p.GroupOf(b.Work) != &p.Groups[i], "%s: bonuses: %s is not in the group", g.Name, b.Work)
		}
	}
	f.when(rests > 1, "groups: only one may leave people out, and have all the rest")
	return errors.Join(f...)
}

func (f *faults) group(g Group) {
	f.when(len(g.Parts) == 0 || len(g.Parts[0].Jobs) > 0, "%s: it needs rules for all the jobs that have none of their own", g.Name)
	jobs := map[string]bool{}
	job := func(code string) {
		f.when(code != "" && !domain.IsCode(code), "%s: %q: a job is a code: lower-case letters, digits and underscores", g.Name, code)
	}
	job(g.Job)
	for i, p := range g.Parts {
		f.when(g.ZoneOf(p.Rules) == "", "%s: zone: whose clock begins a day? Name an IANA zone for the rules %s", g.Name, p.Rules.Name)
		f.when(i > 0 && len(p.Jobs) == 0, "%s: details: name the jobs", g.Name)
		for _, code := range p.Jobs {
			job(code)
			f.when(code == "" || jobs[code], "%s: details: a job has one set of rules", g.Name)
			jobs[code] = true
		}
	}
	if g.Wages == nil || len(g.Parts) == 0 {
		return
	}
	for code := range g.Wages.Rates {
		job(code)
	}
	rated := len(g.Wages.Rates) > 0 || g.Wages.Others != nil
	f.when(rated == (g.Wages.Salary != nil), "%s: rate, rates, salary: give rates or a salary", g.Name)
	if s := g.Wages.Salary; s != nil {
		f.when(s.Weekly <= 0 || s.Weekly > 7*day, "%s: salary: say for how many hours a week it is intended", g.Name)
		f.when(g.Parts[0].Rules.Workweek.Days != 7 || len(g.Parts) > 1, "%s: salary: it goes with one set of rules and a workweek of 7 days", g.Name)
	}
	for _, b := range g.Wages.Bonuses {
		f.when(b.Week != "" && !g.Parts[0].Rules.StartsCycle(b.Week), "%s: bonuses: no workweek begins on %q", g.Name, b.Week)
	}
}
