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
	Report   hoursReport   `cmd:"" help:"Say what is owed for a pay period: regular time, overtime, double time, premiums, and what broke a rule."`
	Record   hoursRecord   `cmd:"" help:"Write what 29 CFR 516.2(a) asks to be kept of each person and workweek, and say what of it is not held here."`
	Rounding hoursRounding `cmd:"" help:"Say of each person and quarter what rounding added to the hours or took from them."`
	Rules    hoursRules    `cmd:"" help:"List the built-in sets of rules, or print one as a file, or check a file."`
	Plan     hoursPlan     `cmd:"" help:"Check a pay plan and show its groups."`
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

based_on takes the newest version of a built-in set; based_on_version names one. A period that was locked by a built-in set is
compared by the version of then. A pay plan says for groups of people which rules they are paid by and what an hour of each job is worth; see tracekeep hours plan.

A name that is not known, a limit without its source and parts that contradict each other are refused. Days and weeks begin by
the clock of the rules' zone; workweeks that the period cuts are worked out whole. Averages and weekly rests are judged for weeks
that are over. Exit code 3 says that something needs a look: an exception, an overlap or a breach. Days not judged have hours that
were declared without times of day, of which rules about meals, breaks and rests can say nothing; --explain names the rules.

Examples:
  tracekeep hours report --data ./records --rules flsa --zone America/New_York --from 2026-03-01 --to 2026-03-15
  tracekeep hours report --data ./records --rules california --zone America/Los_Angeles --schedule biweekly --anchor 2026-01-04 --on 2026-03-10
  tracekeep hours report --data ./records --rules acme.yaml --from 2026-03-01 --to 2026-03-14 --person ana --explain
  tracekeep hours report --data ./records --rules flsa --zone America/New_York --from 2026-03-01 --to 2026-03-14 --person ana --rate 12 --production 46
  tracekeep hours report --data ./records --plan plan.yaml --from 2026-03-01 --to 2026-03-14 --explain
  tracekeep hours rounding --data ./records --plan plan.yaml --from 2026-01-01 --to 2026-03-31
  tracekeep hours record --data ./records --plan plan.yaml --from 2026-03-01 --to 2026-03-14
  tracekeep hours plan --check plan.yaml
  tracekeep hours rules california > acme.yaml
  tracekeep hours rules california --of-version 1
  tracekeep hours rules --check acme.yaml`
}

type hoursRules struct {
	Name  string `arg:"" optional:"" help:"Print this built-in set as a file of rules."`
	Of    int    `name:"of-version" help:"With a name: as it was in this version, by which an earlier period was locked." placeholder:"N"`
	Check string `help:"Check a file of rules." placeholder:"FILE" type:"path"`
	JSON  bool   `name:"json" help:"Print one JSON object for each set."`
}

// Run lists, prints or checks rules.
func (c hoursRules) Run(_ context.Context, t *terminal) error {
	switch {
	case c.Of != 0 && c.Name == "":
		return &coded{code: exitUsage, err: errors.New("--of-version goes with the name of a built-in set")}
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
		if c.Of != 0 && ok {
			if rules, ok = payrules.BuiltInVersion(c.Name, c.Of); !ok {
				return fmt.Errorf("the built-in set %q has no version %d", c.Name, c.Of)
			}
		}
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
	planFlags
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
	wages, err := c.wages()
	if err != nil {
		return app.HoursOrder{}, err
	}
	o, err := c.read(wages)
	if err != nil {
		return o, err
	}
	if c.Plan != "" && (c.First || c.Second) {
		return o, errors.New("waived meals go with --rules: a plan says of each group whether they are")
	}
	if o.Period, err = c.period(); err != nil {
		return o, err
	}
	if c.Person == "" && (len(c.Neutral) > 0 || c.Rate != "") {
		return o, errors.New("--neutral and --rate are about one person: give --person; a plan has rates for everybody")
	}
	for _, n := range c.Neutral {
		if _, err := parseDay("--neutral", n); err != nil {
			return o, err
		}
	}
	o.Facts = payrules.Facts{FirstMealWaived: c.First, SecondMealWaived: c.Second, Neutral: c.Neutral}
	return o, nil
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

// isNothing says whether an amount is left at its default.
func isNothing(amount string) bool { return amount == "" || amount == "0" }

func (c hoursReport) wages() (*payrules.Wages, error) {
	if c.Rate == "" {
		if !isNothing(c.Product) || !isNothing(c.Flat) {
			return nil, errors.New("--production and --flat-sum go with --rate")
		}
		return nil, nil
	}
	var amounts [3]payrules.Money
	for i, text := range []string{c.Rate, c.Product, c.Flat} {
		var err error
		if amounts[i], err = payrules.ParseMoney(text); err != nil {
			return nil, err
		}
	}
	return &payrules.Wages{Others: &amounts[0], Bonuses: []payrules.Bonus{{Production: amounts[1], FlatSum: amounts[2]}}}, nil
}

// parseDay reads a day of the calendar.
func parseDay(flag, text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, fmt.Errorf("%s takes a day, 2006-01-02, not %q", flag, text)
	}
	return day, nil
}
