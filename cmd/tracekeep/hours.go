package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/payrules"
)

type hoursCommand struct {
	Report hoursReport `cmd:"" help:"Say what is owed for a pay period: regular time, overtime, double time, premiums, and what broke a rule."`
	Rules  hoursRules  `cmd:"" help:"List the built-in sets of rules, or print one as a file, or check a file."`
}

// Help implements kong's help provider.
func (hoursCommand) Help() string {
	return `Works out, by a set of rules, what each minute of a pay period is paid as, and says with --explain of every stretch which
punches it lies between, which rule of which version put it into its class, and who says so.

A set of rules is one of the built-in ones (tracekeep hours rules) or a file in YAML or JSON. A file names its rules, gives them
a version, and says everything itself, or with based_on what is different from a built-in set:

  name: acme-east
  version: 3
  based_on: flsa
  source: Acme handbook, 2026
  zone: America/New_York
  starts: wednesday
  workweek: {days: 7, at: "14:00"}
  rounding: {step: 6m}

A name that is not known, a limit without its source and parts that contradict each other are refused. Days and weeks begin by
the clock of the rules' zone; workweeks that the period cuts are worked out whole. Averages and weekly rests are judged for weeks
that are over. Exit code 3 says that something needs a look: an exception, an overlap or a breach.

Examples:
  tracekeep hours report --data ./records --rules flsa --zone America/New_York --from 2026-03-01 --to 2026-03-15
  tracekeep hours report --data ./records --rules california --zone America/Los_Angeles --schedule biweekly --anchor 2026-01-04 --on 2026-03-10
  tracekeep hours report --data ./records --rules acme.yaml --from 2026-03-01 --to 2026-03-14 --person ana --explain
  tracekeep hours report --data ./records --rules flsa --zone America/New_York --from 2026-03-01 --to 2026-03-14 --person ana --rate 12 --production 46
  tracekeep hours rules california > acme.yaml
  tracekeep hours rules --check acme.yaml`
}

type hoursRules struct {
	Name  string `arg:"" optional:"" help:"Print this built-in set as a file of rules."`
	Check string `help:"Check a file of rules." placeholder:"FILE" type:"path"`
	JSON  bool   `name:"json" help:"Print one JSON object for each set."`
}

// Run lists, prints or checks rules.
func (c hoursRules) Run(_ context.Context, t *terminal) error {
	switch {
	case c.Check != "" && c.Name != "":
		return &coded{code: exitUsage, err: errors.New("give a name or --check")}
	case c.Check != "":
		rules, err := app.RulesOf(c.Check)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "%s, version %d: the rules hold together\n", printable(rules.Name), rules.Version)
		return err
	case c.Name != "":
		rules, ok := payrules.BuiltIn(c.Name)
		if !ok {
			return fmt.Errorf("there are no rules of the name %q; tracekeep hours rules lists them", c.Name)
		}
		return app.WriteRules(t.out, rules)
	}
	var rows [][]string
	for _, r := range payrules.BuiltIns() {
		if c.JSON {
			if err := printJSON(t.out, map[string]any{"name": r.Name, "version": r.Version, "source": r.Source}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{r.Name, strconv.Itoa(r.Version), r.Source})
	}
	if c.JSON {
		return nil
	}
	return table(t.out, "NAME|VERSION|SOURCE", rows)
}

type hoursReport struct {
	dataFlags
	momentFlags
	Rules    string   `help:"A built-in set of rules, or a file of them." required:"" placeholder:"NAME|FILE"`
	Zone     string   `help:"IANA zone whose clock begins days and weeks, for rules that name none." placeholder:"ZONE"`
	From     string   `help:"First day, 2006-01-02." placeholder:"DAY"`
	To       string   `help:"Last day, 2006-01-02." placeholder:"DAY"`
	Schedule string   `help:"Instead of --from and --to, the pay period of this schedule that --on lies in: weekly, biweekly, semimonthly or monthly." placeholder:"HOW OFTEN"`
	Anchor   string   `help:"First day of one pay period of the schedule; semimonthly needs none." placeholder:"DAY"`
	On       string   `help:"A day of the pay period." placeholder:"DAY"`
	Person   string   `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
	Neutral  []string `help:"First day of a workweek that counts in no average (leave, sickness); with --person, may be repeated." placeholder:"DAY"`
	First    bool     `name:"first-meal-waived" help:"The first meal is waived by mutual consent, where the rules let it be."`
	Second   bool     `name:"second-meal-waived" help:"So is the second."`
	Rate     string   `help:"With --person, what an hour is paid: 12.50. Adds the pay of the workweeks that end in the period." placeholder:"AMOUNT"`
	Product  string   `name:"production" help:"Bonuses that the work of each of these workweeks earned." placeholder:"AMOUNT" default:"0"`
	Flat     string   `name:"flat-sum" help:"Bonuses for having worked at all in each of them." placeholder:"AMOUNT" default:"0"`
	Earlier  []string `name:"earlier-rules" help:"A file of rules that an earlier period was locked by; may be repeated." placeholder:"FILE" type:"path"`
	Explain  bool     `help:"Print every stretch of time with its punches, its rule and its source."`
	JSON     bool     `name:"json" help:"Print one JSON object for each work record, with every stretch of time."`
}

// Run reports what is owed.
func (c hoursReport) Run(ctx context.Context, t *terminal) error {
	order, err := c.order()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	open := false
	err = c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		if c.Person != "" {
			work, err := onePerson(ctx, a, "hours-report", c.Person)
			var erased *httpapi.Erased
			if errors.As(err, &erased) {
				return queryHours{JSON: c.JSON}.sayErased(t, erased)
			}
			if err != nil {
				return err
			}
			order.Works = []uuid.UUID{work}
		}
		owed, err := w.OwedHours(ctx, operator(a), order)
		if err != nil {
			return err
		}
		for _, o := range owed {
			open = open || len(o.Findings)+len(o.Result.Breaches)+len(o.Result.Overlaps) > 0
		}
		names := make([]httpapi.Personal, len(owed))
		for i := range owed {
			names[i] = owed[i].Name
		}
		release, err := released(ctx, a, "hours-report", names...)
		if err != nil {
			return err
		}
		return c.print(t.out, order, owed, release)
	})
	if err == nil && open {
		return &coded{code: exitRejected, err: errors.New("exceptions, overlaps or breaches need a look before this is paid")}
	}
	return err
}

// order reads the flags.
func (c hoursReport) order() (app.HoursOrder, error) {
	var o app.HoursOrder
	var err error
	if o.Rules, err = app.RulesOf(c.Rules); err != nil {
		return o, err
	}
	if o.Zone = c.Zone; o.Zone == "" && o.Rules.Zone == "" {
		return o, app.ErrZone
	}
	if o.Zone != "" && o.Rules.Zone != "" && o.Zone != o.Rules.Zone {
		return o, fmt.Errorf("the rules are for the zone %s; leave --zone out", o.Rules.Zone)
	}
	if o.Period, err = c.period(); err != nil {
		return o, err
	}
	if o.Earlier, err = rulesOfAll(c.Earlier); err != nil {
		return o, err
	}
	if c.Person == "" && (len(c.Neutral) > 0 || c.Rate != "") {
		return o, errors.New("--neutral and --rate are about one person: give --person")
	}
	for _, n := range c.Neutral {
		if _, err := parseDay("--neutral", n); err != nil {
			return o, err
		}
	}
	o.Facts = payrules.Facts{FirstMealWaived: c.First, SecondMealWaived: c.Second, Neutral: c.Neutral}
	o.Wage, err = c.wage()
	return o, err
}

func (c hoursReport) period() (payrules.PayPeriod, error) {
	if c.Schedule == "" {
		first, err := parseDay("--from", c.From)
		if err != nil {
			return payrules.PayPeriod{}, err
		}
		last, err := parseDay("--to", c.To)
		if err == nil && last.Before(first) {
			err = errors.New("--to lies before --from")
		}
		return payrules.PayPeriod{First: first, Last: last}, err
	}
	if c.From != "" || c.To != "" {
		return payrules.PayPeriod{}, errors.New("give --from and --to, or --schedule and --on")
	}
	on, err := parseDay("--on", c.On)
	if err != nil {
		return payrules.PayPeriod{}, err
	}
	schedule := payrules.PayPeriodSchedule{Frequency: payrules.Frequency(c.Schedule)}
	if c.Anchor != "" {
		if schedule.Anchor, err = parseDay("--anchor", c.Anchor); err != nil {
			return payrules.PayPeriod{}, err
		}
	}
	return schedule.Containing(on)
}

func (c hoursReport) wage() (*payrules.Wage, error) {
	if c.Rate == "" {
		return nil, nil
	}
	var amounts [3]payrules.Money
	for i, text := range []string{c.Rate, c.Product, c.Flat} {
		var err error
		if amounts[i], err = payrules.ParseMoney(text); err != nil {
			return nil, err
		}
	}
	return &payrules.Wage{Rates: map[string]payrules.Money{"": amounts[0]}, Production: amounts[1], FlatSum: amounts[2]}, nil
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

// parseDay reads a day of the calendar.
func parseDay(flag, text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, fmt.Errorf("%s takes a day, 2006-01-02, not %q", flag, text)
	}
	return day, nil
}
