package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/payrules"
)

// planFlags say by which rules people are paid.
type planFlags struct {
	Plan    string   `help:"A pay plan: groups of people, each with its rules and rates; see tracekeep hours plan." xor:"by" required:"" placeholder:"FILE" type:"path"`
	Rules   string   `help:"Instead, one set of rules for everybody: a built-in one, or a file of them; see tracekeep hours." xor:"by" required:"" placeholder:"NAME|FILE"`
	Zone    string   `help:"IANA zone whose clock begins days and weeks, for --rules that name none." placeholder:"ZONE"`
	Earlier []string `name:"earlier-rules" help:"A file of rules that an earlier period was locked by; may be repeated." placeholder:"FILE" type:"path"`
}

// read reads the plan, or makes one of a set of rules; wages go with the latter.
func (c planFlags) read(wages *payrules.Wages) (app.HoursOrder, error) {
	var o app.HoursOrder
	var err error
	if o.Earlier, err = rulesOfAll(c.Earlier); err != nil {
		return o, err
	}
	if c.Plan != "" {
		if c.Zone != "" || wages != nil {
			return o, errors.New("--zone and --rate go with --rules: a plan says them itself")
		}
		o.Plan, err = app.PlanOf(c.Plan)
		return o, err
	}
	rules, err := rulesIn(c.Rules, c.Zone)
	o.Plan = payrules.PlanOf(rules, c.Zone, wages)
	return o, err
}

// rulesIn reads one set of rules, with a zone where they name none.
func rulesIn(nameOrFile, zone string) (payrules.Rules, error) {
	rules, err := app.RulesOf(nameOrFile)
	switch {
	case err != nil:
		return rules, err
	case zone == "" && rules.Zone == "":
		return rules, app.ErrZone
	case zone != "" && rules.Zone != "" && zone != rules.Zone:
		return rules, fmt.Errorf("the rules are for the zone %s; leave --zone out", rules.Zone)
	}
	return rules, nil
}

// rulesOfAll reads files of rules.
func rulesOfAll(files []string) ([]payrules.Rules, error) {
	var all []payrules.Rules
	for _, file := range files {
		rules, err := app.RulesOf(file)
		if err != nil {
			return nil, err
		}
		all = append(all, rules)
	}
	return all, nil
}

type hoursPlan struct {
	Check string `help:"The file of the plan." required:"" placeholder:"FILE" type:"path"`
	JSON  bool   `name:"json" help:"Print one JSON object for each group."`
}

// Help implements kong's help provider.
func (hoursPlan) Help() string {
	return `A pay plan is a file in YAML or JSON that says for groups of people by which rules they are paid and what an hour of each job is
worth:

  name: acme
  version: 4
  groups:
    - name: crew
      people: [7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02]
      rules: california
      zone: America/Los_Angeles
      first_meal_waived: true
      rate: 20.00
      rates: {night_watch: 24.50, rigging: 31.25}
      job: stage
      bonuses:
        - {week: 2026-03-01, production: 46.00}
        - {week: 2026-03-01, person: 7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02, flat_sum: 15.00}
      details:
        - {jobs: [road_detail], rules: boston-detail-construction}
    - name: office
      rules: acme-east.yaml
      rules_version: 3
      salary: {monthly: 4160.00, weekly: 40h}

people are work ids; the one group without them has everybody else, and hours of somebody who is in no group are refused. rules are
a built-in set, or a file whose path is seen from the plan; rules_version refuses another version of it. rate is what an hour of
a job is paid that rates does not have. job is the one of work whose punch names none. A bonus is for the workweek that begins on
a day, or for each: production is earned by all the work of the week, flat_sum by having worked at all. One that is earned over
more weeks is shared out among them before it is written here. details are jobs for separate employers, such as details outside
of duty: their hours are worked out by rules of their own, with what these guarantee, and are added to no others. A salary pays
a week in which something was worked; more hours than it is intended for are paid at the rate that it comes to.

The plan is read for one command; a server is given one without its rates (tracekeep serve --plan). A locked period keeps the names, versions and digests of its rules, the zone, the jobs and the
groups, and time by job: no rate, no bonus and no salary.

Examples:
  tracekeep hours plan --check plan.yaml
  tracekeep periods lock --data ./records --plan plan.yaml --from 2026-03-01 --to 2026-03-14 --officer 6d1e…`
}

// Run checks a plan.
func (c hoursPlan) Run(_ context.Context, t *terminal) error {
	plan, err := app.PlanOf(c.Check)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, g := range plan.Groups {
		people := "all the rest"
		if len(g.Works) > 0 {
			people = strconv.Itoa(len(g.Works))
		}
		for i, p := range g.Parts {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"plan": plan.Name, "plan_version": plan.Version, "group": g.Name, "people": g.Works, "rest": len(g.Works) == 0, "jobs": p.Jobs,
					"rules": p.Rules.Name, "rules_version": p.Rules.Version, "zone": g.ZoneOf(p.Rules), "paid": g.Wages != nil,
				}); err != nil {
					return err
				}
				continue
			}
			jobs := "all others"
			if i > 0 {
				jobs = strings.Join(p.Jobs, " ")
			}
			rows = append(rows, []string{g.Name, people, jobs, printable(p.Rules.Name), strconv.Itoa(p.Rules.Version), g.ZoneOf(p.Rules)})
		}
	}
	if c.JSON {
		return nil
	}
	if _, err := fmt.Fprintf(t.out, "%s, version %d: the plan holds together\n", printable(plan.Name), plan.Version); err != nil {
		return err
	}
	return table(t.out, "GROUP|PEOPLE|JOBS|RULES|VERSION|ZONE", rows)
}

type hoursRounding struct {
	dataFlags
	momentFlags
	planFlags
	From string `help:"First day, 2006-01-02." required:"" placeholder:"DAY"`
	To   string `help:"Last day, 2006-01-02." required:"" placeholder:"DAY"`
	JSON bool   `name:"json" help:"Print one JSON object for each person and quarter."`
}

// Help implements kong's help provider.
func (hoursRounding) Help() string {
	return `Rounding is allowed where it averages out, so that over time everybody is paid for all the time they worked (29 CFR 785.48(b)).
For each person and quarter of the days this compares the hours as they were punched with the hours as they are rounded.

Exit code 3: somebody lost time by it.

Examples:
  tracekeep hours rounding --data ./records --rules acme.yaml --from 2026-01-01 --to 2026-03-31
  tracekeep hours rounding --data ./records --plan plan.yaml --from 2026-01-01 --to 2026-12-31 --json`
}

// Run reports what rounding did.
func (c hoursRounding) Run(ctx context.Context, t *terminal) error {
	order, err := hoursReport{planFlags: c.planFlags, From: c.From, To: c.To}.order()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	loses := false
	err = c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		drifts, err := w.RoundingDrifts(ctx, operator(a), order)
		if err != nil {
			return err
		}
		names := make([]httpapi.Personal, len(drifts))
		for i, d := range drifts {
			names[i], loses = d.Name, loses || d.Gained() < 0
		}
		release, err := released(ctx, a, "hours-rounding", names...)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(drifts))
		for _, d := range drifts {
			if c.JSON {
				one := driftJSON(d.Drift)
				one["work_id"], one["name"] = d.WorkID, personalOf(d.Name, release)
				if err := printJSON(t.out, one); err != nil {
					return err
				}
				continue
			}
			verdict := ""
			if d.Gained() < 0 {
				verdict = "loses"
			}
			rows = append(rows, []string{d.WorkID.String(), shown(d.Name, release), d.Quarter, duration(d.Actual), duration(d.Rounded), signed(d.Gained()), verdict})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "WORK ID|NAME|QUARTER|PUNCHED|ROUNDED|GAINED|", rows)
	})
	if err == nil && loses {
		return &coded{code: exitRejected, err: errors.New("rounding took time from somebody over a quarter; it must not")}
	}
	return err
}
