package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/payrules"
)

// planFile is a file of a pay plan, in YAML or JSON. It holds money about people and
// is read for one command; nothing of its rates is kept (decision 0155).
type planFile struct {
	Name    string      `yaml:"name"`
	Version int         `yaml:"version"`
	Groups  []planGroup `yaml:"groups"`
}

type planGroup struct {
	Name   string   `yaml:"name"`
	People []string `yaml:"people"` // work ids; without: everybody who is in no other group

	planRules `yaml:",inline"`
	Zone      string       `yaml:"zone"`    // for rules that name none
	Details   []planDetail `yaml:"details"` // jobs for separate employers, with rules of their own

	Job     string            `yaml:"job"`  // of work whose punch names none
	Rate    *amount           `yaml:"rate"` // of the jobs that rates does not have
	Rates   map[string]amount `yaml:"rates"`
	Salary  *planSalary       `yaml:"salary"`
	Bonuses []planBonus       `yaml:"bonuses"`

	FirstMealWaived  bool `yaml:"first_meal_waived"`
	SecondMealWaived bool `yaml:"second_meal_waived"`
}

// planRules are a built-in set, or a file beside the plan.
type planRules struct {
	Rules        string `yaml:"rules"`
	RulesVersion int    `yaml:"rules_version"` // the one the rules must have
}

type planDetail struct {
	planRules `yaml:",inline"`
	Jobs      []string `yaml:"jobs"`
}

type planSalary struct {
	Monthly amount        `yaml:"monthly"`
	Weekly  time.Duration `yaml:"weekly"` // 40h
}

type planBonus struct {
	Person     string `yaml:"person"` // a work id; without: everybody in the group who worked
	Week       string `yaml:"week"`   // the day on which the workweek begins; without: each
	Production amount `yaml:"production"`
	FlatSum    amount `yaml:"flat_sum"`
}

// amount is money as it is written: a number of YAML would be rounded.
type amount struct{ payrules.Money }

// UnmarshalYAML implements yaml.Unmarshaler.
func (a *amount) UnmarshalYAML(node *yaml.Node) (err error) {
	if a.Money, err = payrules.ParseMoney(node.Value); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

// ErrPlanFile refuses a file of a plan.
var ErrPlanFile = errors.New("this is no pay plan")

// PlanOf reads a pay plan and the files of rules that it names, which lie where it
// says, seen from its own folder. Errors: [ErrPlanFile], [ErrRulesFile],
// [payrules.ErrRules], and those of the file system.
func PlanOf(file string) (payrules.Plan, error) {
	text, err := readSmall(file)
	if err != nil {
		return payrules.Plan{}, fmt.Errorf("read a pay plan: %w", err)
	}
	if len(text) > rulesFileLimit {
		return payrules.Plan{}, fmt.Errorf("%w: it is larger than %d bytes", ErrPlanFile, rulesFileLimit)
	}
	return parsePlan(text, filepath.Dir(file))
}

// PayBookOf reads files of rules and of plans for a server, which is asked for time and
// not for money: the wages of plans are dropped. Errors: as of [RulesOf] and [PlanOf].
func PayBookOf(rules, plans []string) (httpapi.PayBook, error) {
	var book httpapi.PayBook
	for _, file := range rules {
		read, err := RulesOf(file)
		if err != nil {
			return book, fmt.Errorf("%s: %w", file, err)
		}
		book.Rules = append(book.Rules, read)
	}
	for _, file := range plans {
		read, err := PlanOf(file)
		if err != nil {
			return book, fmt.Errorf("%s: %w", file, err)
		}
		book.Plans = append(book.Plans, withoutWages(read))
	}
	return book, nil
}

// parsePlan reads a plan as strictly as [ParseRules] reads rules.
func parsePlan(text []byte, folder string) (payrules.Plan, error) {
	var file planFile
	if err := decodeStrictly(text, &file, ErrPlanFile); err != nil {
		return payrules.Plan{}, err
	}
	plan := payrules.Plan{Name: file.Name, Version: file.Version}
	var wrong []error
	for _, g := range file.Groups {
		group, err := g.group(folder)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", g.Name, err))
		}
		plan.Groups = append(plan.Groups, group)
	}
	if err := errors.Join(wrong...); err != nil {
		return payrules.Plan{}, err
	}
	return plan, plan.Validate()
}

func (g planGroup) group(folder string) (payrules.Group, error) {
	made := payrules.Group{Name: g.Name, Zone: g.Zone, Job: g.Job, FirstMealWaived: g.FirstMealWaived, SecondMealWaived: g.SecondMealWaived}
	if g.People != nil && len(g.People) == 0 {
		return made, fmt.Errorf("%w: people: name somebody, or leave it out to have all the rest", ErrPlanFile)
	}
	for _, text := range g.People {
		work, err := uuid.Parse(text)
		if err != nil {
			return made, fmt.Errorf("%w: people: a work id is expected, not %q", ErrPlanFile, text)
		}
		made.Works = append(made.Works, work)
	}
	if g.Zone != "" {
		if _, err := time.LoadLocation(g.Zone); err != nil || g.Zone == "Local" {
			return made, fmt.Errorf("%w: zone: %q is no IANA zone", ErrPlanFile, g.Zone)
		}
	}
	rules, err := g.planRules.read(folder)
	if err != nil {
		return made, err
	}
	made.Parts = []payrules.Part{{Rules: rules}}
	for _, d := range g.Details {
		if rules, err = d.planRules.read(folder); err != nil {
			return made, err
		}
		made.Parts = append(made.Parts, payrules.Part{Jobs: d.Jobs, Rules: rules})
	}
	made.Wages, err = g.wages()
	return made, err
}

func (r planRules) read(folder string) (payrules.Rules, error) {
	name := r.Rules
	if _, builtIn := payrules.BuiltIn(name); !builtIn && name != "" && !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	rules, err := RulesOf(name)
	if err == nil && r.RulesVersion != 0 && r.RulesVersion != rules.Version {
		err = fmt.Errorf("%w: rules_version: %s has version %d, not %d", ErrPlanFile, rules.Name, rules.Version, r.RulesVersion)
	}
	return rules, err
}

// wages are nil where the group says nothing of money.
func (g planGroup) wages() (*payrules.Wages, error) {
	wages := &payrules.Wages{}
	if g.Rate == nil && len(g.Rates) == 0 && g.Salary == nil {
		if len(g.Bonuses) > 0 {
			return nil, fmt.Errorf("%w: bonuses: they go with rates or a salary", ErrPlanFile)
		}
		return nil, nil
	}
	if g.Rate != nil {
		wages.Others = &g.Rate.Money
	}
	if len(g.Rates) > 0 {
		wages.Rates = map[string]payrules.Money{}
	}
	for job, rate := range g.Rates {
		wages.Rates[job] = rate.Money
	}
	if g.Salary != nil {
		wages.Salary = &payrules.Salary{Monthly: g.Salary.Monthly.Money, Weekly: g.Salary.Weekly}
	}
	for _, b := range g.Bonuses {
		bonus := payrules.Bonus{Week: b.Week, Production: b.Production.Money, FlatSum: b.FlatSum.Money}
		if b.Person != "" {
			work, err := uuid.Parse(b.Person)
			if err != nil {
				return nil, fmt.Errorf("%w: bonuses: person: a work id is expected, not %q", ErrPlanFile, b.Person)
			}
			bonus.Work = work
		}
		wages.Bonuses = append(wages.Bonuses, bonus)
	}
	return wages, nil
}
