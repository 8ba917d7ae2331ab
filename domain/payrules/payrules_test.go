package payrules

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/localtime"
)

// zone loads a zone.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// local is the instant at which a clock in loc shows 2006-01-02 15:04, the first
// where it comes twice.
func local(t testing.TB, loc *time.Location, text string) time.Time {
	t.Helper()
	wall, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := localtime.Readings(localtime.Of(wall), loc)
	if err != nil {
		t.Fatal(err)
	}
	return readings[0].At
}

// ids of punches, by the instant.
func punchAt(at time.Time, direction string) uuid.UUID {
	return uuid.NewSHA1(uuid.Nil, []byte(at.UTC().Format(time.RFC3339Nano)+direction))
}

func span(start, end time.Time) Work {
	return Work{In: punchAt(start, "in"), Out: punchAt(end, "out"), Start: start, End: end}
}

// shiftOf is work from a local time on, of spans and the pauses between them in turn.
func shiftOf(t testing.TB, loc *time.Location, start string, lengths ...time.Duration) []Work {
	t.Helper()
	var work []Work
	at := local(t, loc, start)
	for i, length := range lengths {
		if i%2 == 0 {
			work = append(work, span(at, at.Add(length)))
		}
		at = at.Add(length)
	}
	return work
}

// week is one span a day from a Sunday on, of so many hours each.
func week(t testing.TB, loc *time.Location, sunday string, hours ...float64) []Work {
	t.Helper()
	first, err := time.Parse(time.DateOnly, sunday)
	if err != nil {
		t.Fatal(err)
	}
	var work []Work
	for i, h := range hours {
		if h > 0 {
			work = append(work, shiftOf(t, loc, first.AddDate(0, 0, i).Format(time.DateOnly)+" 06:00", hoursOf(h))...)
		}
	}
	return work
}

func hoursOf(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }

func builtIn(t testing.TB, name string) Rules {
	t.Helper()
	r, ok := BuiltIn(name)
	if !ok {
		t.Fatalf("there are no rules %q", name)
	}
	return r
}

func money(t testing.TB, text string) Money {
	t.Helper()
	m, err := ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const minutes = time.Minute

func TestEveryBuiltInSetHoldsTogether(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range BuiltIns() {
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if seen[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		seen[r.Name] = true
	}
	if _, ok := BuiltIn("nowhere"); ok {
		t.Error("rules that nobody wrote were found")
	}
}

func TestRulesThatDoNotHoldTogetherAreRefused(t *testing.T) {
	for fault, spoil := range map[string]func(*Rules){
		"no name":                   func(r *Rules) { r.Name = "" },
		"no version":                func(r *Rules) { r.Version = 0 },
		"no source":                 func(r *Rules) { r.Source = "" },
		"no workweek":               func(r *Rules) { r.Workweek = Cycle{} },
		"a workweek of six days":    func(r *Rules) { r.Workweek.Days = 6 },
		"25 o'clock":                func(r *Rules) { r.Workday.Hour = 25 },
		"an anchor that is no date": func(r *Rules) { r.Workweek.Anchor = "sunday" },
		"an anchor of long ago":     func(r *Rules) { r.Workweek.Anchor = "0001-01-01" },
		"limits that fall":          func(r *Rules) { r.Daily[1].After = time.Hour },
		"a limit to regular time":   func(r *Rules) { r.Weekly[0].Class = Regular },
		"a limit without source":    func(r *Rules) { r.Weekly[0].Source = "" },
		"a seventh day of 28":       func(r *Rules) { r.Workweek.Days = 28 },
		"days and weeks apart":      func(r *Rules) { r.Workweek.At.Hour = 14 },
		"a rest without source":     func(r *Rules) { r.DailyRest.Time = time.Hour },
		"a rest of 25 hours a day":  func(r *Rules) { r.DailyRest = Bound{25 * time.Hour, "x"} },
		"an average of no weeks":    func(r *Rules) { r.Average = Average{Time: time.Hour, Source: "x"} },
		"rounding to 7 minutes":     func(r *Rules) { r.Rounding.Step = 7 * minutes },
		"a guarantee of less": func(r *Rules) {
			r.Guarantee = Guarantee{Steps: []GuaranteeStep{{4 * time.Hour, time.Hour}}, Source: "x"}
		},
		"a flat sum over the moon":    func(r *Rules) { r.FlatSum = "moon" },
		"a meal that cannot be due":   func(r *Rules) { r.Meals.Meals[0].Over = 0 },
		"a waiver of what is not due": func(r *Rules) { r.Meals.Meals[0].WaivableUpTo = time.Hour },
		"meals out of order":          func(r *Rules) { r.Meals.Meals[1].Over = time.Hour },
		"no end of a shift":           func(r *Rules) { r.ShiftGap = 0 },
		"pauses without source":       func(r *Rules) { r.Pauses.Pauses = []Pause{{time.Hour, time.Hour}} },
	} {
		r := california()
		spoil(&r)
		if r.Validate() == nil {
			t.Errorf("%s was accepted", fault)
		}
	}
}

// promise: ST-21
func TestFLSA(t *testing.T) {
	flsa := builtIn(t, "flsa")
	newYork := zone(t, "America/New_York")
	startsWednesday := flsa
	startsWednesday.Workweek = Workweek(time.Wednesday, Clock{Hour: 14})
	for rule, c := range map[string]struct {
		rules Rules
		work  []Work
		want  map[string]Totals
	}{
		"overtime is what is over 40 hours of a workweek": {flsa, week(t, newYork, "2026-06-07", 0, 10, 10, 10, 10, 6), map[string]Totals{
			"2026-06-07": {Regular: 40 * time.Hour, Overtime: 6 * time.Hour},
		}},
		"40 hours are none": {flsa, week(t, newYork, "2026-06-07", 0, 8, 8, 8, 8, 8), map[string]Totals{"2026-06-07": {Regular: 40 * time.Hour}}},
		"a long day alone is none": {flsa, week(t, newYork, "2026-06-07", 0, 14), map[string]Totals{
			"2026-06-07": {Regular: 14 * time.Hour},
		}},
		"each workweek stands alone": {flsa, append(week(t, newYork, "2026-06-07", 0, 10, 10, 10), week(t, newYork, "2026-06-14", 0, 10, 10, 10, 10, 10)...), map[string]Totals{
			"2026-06-07": {Regular: 30 * time.Hour}, "2026-06-14": {Regular: 40 * time.Hour, Overtime: 10 * time.Hour},
		}},
		"a shift is split at the instant the workweek begins": {startsWednesday, append(week(t, newYork, "2026-06-07", 0, 0, 0, 12), shiftOf(t, newYork, "2026-06-06 06:00", 14*time.Hour, 10*time.Hour, 14*time.Hour)...), map[string]Totals{
			"2026-06-03": {Regular: 36 * time.Hour}, "2026-06-10": {Regular: 4 * time.Hour},
		}},
		"a break of 15 minutes stays paid": {flsa, shiftOf(t, newYork, "2026-06-08 09:00", 2*time.Hour, 15*minutes, 2*time.Hour), map[string]Totals{
			"2026-06-07": {Regular: 4*time.Hour + 15*minutes},
		}},
		"a meal of 30 minutes is not paid": {flsa, shiftOf(t, newYork, "2026-06-08 09:00", 2*time.Hour, 30*minutes, 2*time.Hour), map[string]Totals{
			"2026-06-07": {Regular: 4 * time.Hour},
		}},
		"seconds are not dropped": {flsa, shiftOf(t, newYork, "2026-06-08 09:00", 2*time.Hour+59*time.Second), map[string]Totals{
			"2026-06-07": {Regular: 2*time.Hour + 59*time.Second},
		}},
	} {
		result := c.rules.Apply(newYork, c.work, Facts{})
		if len(result.Cycles()) != len(c.want) {
			t.Errorf("%s: cycles %v", rule, result.Cycles())
		}
		for cycle, want := range c.want {
			if TotalsOf(result.OfCycle(cycle).Lines) != want {
				t.Errorf("%s: %s has %+v, want %+v", rule, cycle, TotalsOf(result.OfCycle(cycle).Lines), want)
			}
		}
	}
}

func TestAWorkPeriodOf207kHasItsOwnLimit(t *testing.T) {
	newYork := zone(t, "America/New_York")
	for name, c := range map[string]struct{ days, limit int }{
		"207k-7": {7, 43}, "207k-14": {14, 86}, "207k-28": {28, 171},
		"207k-fire-7": {7, 53}, "207k-fire-14": {14, 106}, "207k-fire-28": {28, 212},
	} {
		var work []Work
		first := time.Date(2026, time.January, 4, 0, 0, 0, 0, time.UTC)
		for d := range 2 * c.days { // two periods, of nine hours a day
			work = append(work, shiftOf(t, newYork, first.AddDate(0, 0, d).Format(time.DateOnly)+" 08:00", 9*time.Hour)...)
		}
		result := builtIn(t, name).Apply(newYork, work, Facts{})
		if len(result.Cycles()) != 2 {
			t.Errorf("%s: %v", name, result.Cycles())
		}
		for _, cycle := range result.Cycles() {
			lines := result.OfCycle(cycle).Lines
			want := Totals{Regular: time.Duration(min(c.limit, 9*c.days)) * time.Hour, Overtime: time.Duration(max(0, 9*c.days-c.limit)) * time.Hour}
			if got := TotalsOf(lines); got != want {
				t.Errorf("%s, %s: %+v, want %+v", name, cycle, got, want)
			}
		}
	}
}

func TestCaliforniaBeyondTheVectors(t *testing.T) {
	angeles := zone(t, "America/Los_Angeles")
	california := builtIn(t, "california")
	short := california
	short.SeventhDay.UnlessNoDayOver = 6 * time.Hour
	rolling := append(week(t, angeles, "2026-06-07", 0, 8, 8, 8, 8, 8, 8), week(t, angeles, "2026-06-14", 8)...)
	for rule, c := range map[string]struct {
		rules Rules
		work  []Work
		want  Totals
	}{
		"seven days of five hours are no overtime under Labor Code 556":  {short, week(t, angeles, "2026-06-07", 5, 5, 5, 5, 5, 5, 5), Totals{Regular: 35 * time.Hour}},
		"one day over six hours takes the exception away":                {short, week(t, angeles, "2026-06-07", 5, 6.5, 5, 5, 5, 5, 5), Totals{Regular: 31*time.Hour + 30*minutes, Overtime: 5 * time.Hour}},
		"a day of exactly six hours leaves it":                           {short, week(t, angeles, "2026-06-07", 5, 6, 5, 5, 5, 5, 5), Totals{Regular: 36 * time.Hour}},
		"the seventh day is one of the workweek, not of seven in a row":  {california, rolling, Totals{Regular: 48 * time.Hour, Overtime: 8 * time.Hour}},
		"a shift over midnight has its hours in two workdays":            {california, shiftOf(t, angeles, "2026-06-08 20:00", 10*time.Hour), Totals{Regular: 10 * time.Hour}},
		"the hours of a workday are those of all its shifts":             {california, shiftOf(t, angeles, "2026-06-08 00:00", 5*time.Hour, 8*time.Hour, 5*time.Hour), Totals{Regular: 8 * time.Hour, Overtime: 2 * time.Hour}},
		"a spring day of 23 hours has eight regular ones like any other": {california, shiftOf(t, angeles, "2026-03-08 00:00", 10*time.Hour), Totals{Regular: 8 * time.Hour, Overtime: 2 * time.Hour}},
	} {
		if got := TotalsOf(c.rules.Apply(angeles, c.work, Facts{}).Lines); got != c.want {
			t.Errorf("%s: %+v, want %+v", rule, got, c.want)
		}
	}
}

func TestMealsOfCalifornia(t *testing.T) {
	angeles := zone(t, "America/Los_Angeles")
	first, second := Facts{FirstMealWaived: true}, Facts{SecondMealWaived: true}
	h, m := time.Hour, time.Minute
	for rule, c := range map[string]struct {
		lengths []time.Duration
		facts   Facts
		want    PremiumCode
	}{
		"5:00 need no meal":                          {[]time.Duration{5 * h}, Facts{}, ""},
		"5:01 need one":                              {[]time.Duration{5*h + m}, Facts{}, MissedMeal},
		"6:00 with a waiver":                         {[]time.Duration{6 * h}, first, ""},
		"6:01 cannot be waived":                      {[]time.Duration{6*h + m}, first, MissedMeal},
		"a meal at the end of the fifth hour":        {[]time.Duration{5 * h, 30 * m, 3 * h}, Facts{}, ""},
		"a meal that starts at 5:01":                 {[]time.Duration{5*h + m, 30 * m, 3 * h}, Facts{}, LateMeal},
		"10:01 with one meal":                        {[]time.Duration{5 * h, 30 * m, 5*h + m}, Facts{}, MissedMeal},
		"10:01 with two":                             {[]time.Duration{5 * h, 30 * m, 5 * h, 30 * m, m}, Facts{}, ""},
		"10:01 with the second too late":             {[]time.Duration{4 * h, 30 * m, 6*h + m, 30 * m, h}, Facts{}, LateMeal},
		"12:00 with the second waived":               {[]time.Duration{5 * h, 30 * m, 7 * h}, second, ""},
		"12:01 with the second waived":               {[]time.Duration{5 * h, 30 * m, 7*h + m}, second, MissedMeal},
		"the second is not waived without the first": {[]time.Duration{11 * h}, second, MissedMeal},
		"29 minutes are no meal":                     {[]time.Duration{4 * h, 29 * m, 4 * h}, Facts{}, ShortMeal},
		"two halves are no meal":                     {[]time.Duration{2 * h, 15 * m, 2 * h, 15 * m, 4 * h}, Facts{}, MissedMeal},
		"two shifts of a day are judged apart":       {[]time.Duration{5 * h, 5 * h, 5 * h}, Facts{}, ""},
	} {
		result := builtIn(t, "california").Apply(angeles, shiftOf(t, angeles, "2026-06-08 06:00", c.lengths...), c.facts)
		got := PremiumCode("")
		if len(result.Premiums) > 0 {
			got = result.Premiums[0].Code
		}
		if got != c.want || len(result.Premiums) > 1 {
			t.Errorf("%s: %+v, want %q", rule, result.Premiums, c.want)
		}
	}
}

func TestOnlyOneMealIsWaived(t *testing.T) {
	angeles := zone(t, "America/Los_Angeles")
	rules := builtIn(t, "california")
	rules.Meals.Meals[0].WaivableUpTo = 12 * time.Hour
	result := rules.Apply(angeles, shiftOf(t, angeles, "2026-06-08 06:00", 11*time.Hour), Facts{FirstMealWaived: true, SecondMealWaived: true})
	if len(result.Premiums) != 1 || result.Premiums[0].Code != MissedMeal {
		t.Errorf("%+v", result.Premiums)
	}
}

func TestRestBreaksOfCalifornia(t *testing.T) {
	rest := builtIn(t, "california").RestBreaks
	for worked, due := range map[time.Duration]int{
		3*time.Hour + 29*minutes: 0, 3*time.Hour + 30*minutes: 10, 6 * time.Hour: 10, 6*time.Hour + minutes: 20,
		10 * time.Hour: 20, 10*time.Hour + minutes: 30, 14 * time.Hour: 30,
	} {
		if got := rest.Due(worked); got != time.Duration(due)*minutes {
			t.Errorf("%s of work: %s, want %d minutes", worked, got, due)
		}
	}
	angeles := zone(t, "America/Los_Angeles")
	recorded := builtIn(t, "california")
	recorded.RestBreaks.Recorded = true
	for rule, c := range map[string]struct {
		lengths []time.Duration
		want    []PremiumCode
	}{
		"a break that was taken":          {[]time.Duration{2 * time.Hour, 10 * minutes, 2 * time.Hour}, nil},
		"a break that was not":            {[]time.Duration{4 * time.Hour}, []PremiumCode{MissedRest}},
		"a break of nine minutes":         {[]time.Duration{2 * time.Hour, 9 * minutes, 2 * time.Hour}, []PremiumCode{MissedRest}},
		"at most one of each kind a day":  {[]time.Duration{6 * time.Hour, 5 * time.Hour, 6 * time.Hour}, []PremiumCode{MissedMeal, MissedRest}},
		"a meal is no break for resting":  {[]time.Duration{4 * time.Hour, 30 * minutes, 2 * time.Hour}, []PremiumCode{MissedRest}},
		"two breaks in a shift of 6:20":   {[]time.Duration{2 * time.Hour, 10 * minutes, 2 * time.Hour, 10 * minutes, time.Hour, 30 * minutes, time.Hour}, []PremiumCode{LateMeal}},
		"one break in a shift of 6:20":    {[]time.Duration{2 * time.Hour, 10 * minutes, 2 * time.Hour, 30 * minutes, 2*time.Hour + 10*minutes}, []PremiumCode{MissedRest}},
		"three and a half hours less one": {[]time.Duration{3*time.Hour + 29*minutes}, nil},
	} {
		var got []PremiumCode
		for _, p := range recorded.Apply(angeles, shiftOf(t, angeles, "2026-06-08 00:00", c.lengths...), Facts{}).Premiums {
			got = append(got, p.Code)
		}
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] || len(got) > 1 && got[1] != c.want[1] {
			t.Errorf("%s: %v, want %v", rule, got, c.want)
		}
	}
}

func TestWhatAnOverlapHasCountsOnce(t *testing.T) {
	newYork := zone(t, "America/New_York")
	work := append(shiftOf(t, newYork, "2026-06-08 08:00", 4*time.Hour), shiftOf(t, newYork, "2026-06-08 11:00", 3*time.Hour)...)
	result := builtIn(t, "flsa").Apply(newYork, work, Facts{})
	if got := TotalsOf(result.Lines).Worked(); got != 6*time.Hour {
		t.Errorf("%s", got)
	}
	if len(result.Overlaps) != 1 || result.Overlaps[0].End.Sub(result.Overlaps[0].Start) != time.Hour || result.Overlaps[0].With != work[0].In {
		t.Errorf("%+v", result.Overlaps)
	}
}

func TestEveryMinuteNamesItsPunchesAndItsRule(t *testing.T) {
	angeles := zone(t, "America/Los_Angeles")
	work := append(week(t, angeles, "2026-06-07", 8, 8, 8, 8, 8, 13, 9), shiftOf(t, angeles, "2026-06-12 19:15", time.Hour)...)
	rules := builtIn(t, "california")
	result := rules.Apply(angeles, work, Facts{})
	rulesSeen := map[string]bool{}
	punches := map[uuid.UUID]Work{}
	for _, w := range work {
		punches[w.In], punches[w.Out] = w, w
	}
	at := time.Time{}
	for _, l := range result.Lines {
		if l.Start.Before(at) || !l.End.After(l.Start) {
			t.Errorf("%+v begins before %s", l, at)
		}
		at = l.End
		if _, ok := punches[l.In]; !ok || l.In == l.Out {
			t.Errorf("%+v rests on no punch", l)
		}
		if l.Cause.Set != "california" || l.Cause.Version != rules.Version || l.Cause.Source == "" || l.Class.rank() == 0 {
			t.Errorf("%+v", l)
		}
		rulesSeen[l.Cause.Rule] = true
	}
	for _, rule := range []string{"straight_time", "daily", "weekly", "seventh_day"} {
		if !rulesSeen[rule] {
			t.Errorf("no minute is explained by %s", rule)
		}
	}
	for _, p := range result.Premiums {
		if p.Cause.Source == "" || p.In == uuid.Nil || p.Out == uuid.Nil {
			t.Errorf("%+v", p)
		}
	}
}

func TestAGuaranteeBelongsToTheWorkdayItsWorkBeganIn(t *testing.T) {
	newYork := zone(t, "America/New_York")
	rules := builtIn(t, "boston-court")
	rules.Workday = Clock{Hour: 6}
	for start, workday := range map[string]string{"2026-06-08 06:00": "2026-06-08", "2026-06-09 05:59": "2026-06-08", "2026-06-08 23:00": "2026-06-08"} {
		result := rules.Apply(newYork, shiftOf(t, newYork, start, time.Hour), Facts{})
		if len(result.Guaranteed) != 1 || result.Guaranteed[0].Workday != workday || result.Lines[0].Workday != workday || result.Guaranteed[0].Paid != 4*time.Hour {
			t.Errorf("%s: %+v", start, result.Guaranteed)
		}
	}
}

// Short breaks are work time of everybody, in work periods too.
func TestAShortBreakIsWorkInAWorkPeriod(t *testing.T) {
	newYork := zone(t, "America/New_York")
	for _, rules := range workPeriods() {
		for pause, worked := range map[time.Duration]time.Duration{20 * minutes: 4*time.Hour + 20*minutes, 21 * minutes: 4 * time.Hour} {
			result := rules.Apply(newYork, shiftOf(t, newYork, "2026-06-08 09:00", 2*time.Hour, pause, 2*time.Hour), Facts{})
			if got := TotalsOf(result.Lines).Worked(); got != worked {
				t.Errorf("%s: with a pause of %s %s are worked", rules.Name, pause, got)
			}
		}
	}
}

func TestEarlierVersionsOfBuiltInSetsAreFound(t *testing.T) {
	for _, r := range Earlier() {
		newest := builtIn(t, r.Name)
		if err := r.Validate(); err != nil || r.Version >= newest.Version {
			t.Errorf("%s, version %d beside %d: %v", r.Name, r.Version, newest.Version, err)
		}
	}
	for _, r := range BuiltIns() {
		for version := 1; version <= r.Version; version++ {
			if found, ok := BuiltInVersion(r.Name, version); !ok || found.Version != version || found.Name != r.Name {
				t.Errorf("%s has no version %d", r.Name, version)
			}
		}
		if _, ok := BuiltInVersion(r.Name, r.Version+1); ok {
			t.Errorf("%s has a version nobody wrote", r.Name)
		}
	}
	ca, _ := BuiltInVersion("california", 1)
	pay, err := ca.Pay(Result{Lines: hourly(32*time.Hour, 8*time.Hour, 0)}, Wage{Salary: &Salary{Monthly: money(t, "4160"), Weekly: 40 * time.Hour}})
	if err != nil || pay.Gross.String() != "1056.00" {
		t.Errorf("version 1 of california pays %s, %v", pay.Gross, err)
	}
}
