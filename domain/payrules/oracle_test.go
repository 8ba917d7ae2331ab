package payrules

import (
	"fmt"
	"math/big"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// These tests hold the rules against a second calculation, which knows no stretches of
// time: it walks over the minutes that were worked, one by one, and asks of each what the
// law says of the hour that it belongs to. It shares nothing with the code but the
// punches.

// law is what the walk has to know of a set of rules, in minutes.
type law struct {
	days             int // of a workweek or work period
	week             int // regular minutes of it
	overtime, double int // minutes of a day after which it is more; 0: never
	seventh          bool
	breaks           int // longest pause that counts
	meals            bool
}

var laws = map[string]law{
	"flsa":         {days: 7, week: 40 * 60, breaks: 20},
	"california":   {days: 7, week: 40 * 60, overtime: 8 * 60, double: 12 * 60, seventh: true, breaks: 20, meals: true},
	"207k-7":       {days: 7, week: 43 * 60, breaks: 20},
	"207k-14":      {days: 14, week: 86 * 60, breaks: 20},
	"207k-28":      {days: 28, week: 171 * 60, breaks: 20},
	"207k-fire-7":  {days: 7, week: 53 * 60, breaks: 20},
	"207k-fire-14": {days: 14, week: 106 * 60, breaks: 20},
	"207k-fire-28": {days: 28, week: 212 * 60, breaks: 20},
}

// minute is one that was worked.
type minute struct {
	at    time.Time
	day   string // the workday
	week  string
	job   string
	class Class
}

// walked lists the minutes of some work that begins and ends with whole ones.
func (l law) walked(loc *time.Location, begins int, work []Work) []minute {
	var all []minute
	for i, w := range work {
		if i > 0 {
			if gap := int(w.Start.Sub(work[i-1].End) / time.Minute); gap <= l.breaks {
				for m := range gap {
					all = append(all, minute{at: work[i-1].End.Add(time.Duration(m) * time.Minute), job: work[i-1].Job})
				}
			}
		}
		for m := range int(w.End.Sub(w.Start) / time.Minute) {
			all = append(all, minute{at: w.Start.Add(time.Duration(m) * time.Minute), job: w.Job})
		}
	}
	sunday := time.Date(2026, time.January, 4, 0, 0, 0, 0, time.UTC)
	for i := range all {
		shown := all[i].at.In(loc)
		date := time.Date(shown.Year(), shown.Month(), shown.Day(), 0, 0, 0, 0, time.UTC)
		if shown.Hour() < begins {
			date = date.AddDate(0, 0, -1)
		}
		first := date
		for int(first.Sub(sunday).Hours()/24)%l.days != 0 {
			first = first.AddDate(0, 0, -1)
		}
		all[i].day, all[i].week = date.Format(time.DateOnly), first.Format(time.DateOnly)
	}
	l.classes(all)
	return all
}

// classes says of each minute how it is paid.
func (l law) classes(all []minute) {
	inDay, regular, days := map[string]int{}, map[string]int{}, map[string]int{}
	for i := range all {
		m := &all[i]
		if inDay[m.day]++; inDay[m.day] == 1 {
			days[m.week]++
		}
		overtime, double := l.overtime, l.double
		if l.seventh && days[m.week] == 7 {
			overtime, double = 0, 8*60
		}
		switch n := inDay[m.day]; {
		case l.double > 0 && n > double:
			m.class = DoubleTime
		case l.overtime > 0 && n > overtime, regular[m.week] == l.week:
			m.class = Overtime
		default:
			m.class = Regular
			regular[m.week]++
		}
	}
}

// mealDays are the workdays on which a shift began that had too few meals: half an hour
// that begins when no more than five hours were worked, and another one by the tenth.
func (l law) mealDays(all []minute, work []Work) map[string]bool {
	days := map[string]bool{}
	if !l.meals {
		return days
	}
	dayAt, worked := map[time.Time]string{}, map[time.Time]bool{}
	for _, m := range all {
		dayAt[m.at], worked[m.at] = m.day, true
	}
	for i, w := range work {
		if i > 0 && w.Start.Sub(work[i-1].End) < 4*time.Hour {
			continue // no shift begins here
		}
		var meals []int // minutes worked when each began
		n, off := 0, 0
		for at := w.Start; off < 4*60; at = at.Add(time.Minute) {
			if worked[at] {
				n, off = n+1, 0
				continue
			}
			if off++; off == 30 {
				meals = append(meals, n)
			}
		}
		meals = meals[:len(meals)-1] // the last one is the end of the shift
		if n > 5*60 && (len(meals) < 1 || meals[0] > 5*60) || n > 10*60 && (len(meals) < 2 || meals[1] > 10*60) {
			days[dayAt[w.Start]] = true
		}
	}
	return days
}

// weeksOfWork are some weeks around a change of the clocks, in whole minutes: short and
// long shifts with pauses of all lengths.
func weeksOfWork(t *rapid.T, days int) []Work {
	first := rapid.SampledFrom([]time.Time{
		time.Date(2026, time.March, 1, 5, 0, 0, 0, time.UTC), time.Date(2026, time.March, 22, 3, 0, 0, 0, time.UTC), time.Date(2026, time.March, 29, 20, 0, 0, 0, time.UTC),
		time.Date(2026, time.April, 19, 20, 0, 0, 0, time.UTC), time.Date(2026, time.October, 18, 0, 0, 0, 0, time.UTC), time.Date(2026, time.October, 25, 11, 0, 0, 0, time.UTC),
	}).Draw(t, "first")
	until := first.AddDate(0, 0, days)
	var work []Work
	for at := first; at.Before(until); {
		pause := rapid.SampledFrom([][2]int{{0, 0}, {1, 20}, {21, 40}, {29, 31}, {41, 239}, {240, 240}, {8 * 60, 16 * 60}, {8 * 60, 16 * 60}, {9 * 60, 40 * 60}}).Draw(t, "pause")
		at = at.Add(time.Duration(rapid.IntRange(pause[0], pause[1]).Draw(t, "minutes")) * time.Minute)
		span := rapid.SampledFrom([][2]int{{1, 59}, {2 * 60, 5 * 60}, {299, 301}, {4 * 60, 9 * 60}, {4 * 60, 9 * 60}, {9 * 60, 15 * 60}}).Draw(t, "span")
		w := Work{Start: at, End: at.Add(time.Duration(rapid.IntRange(span[0], span[1]).Draw(t, "length")) * time.Minute)}
		w.In, w.Out, w.Job = punchAt(w.Start, "in"), punchAt(w.End, "out"), rapid.SampledFrom([]string{"desk", "watch"}).Draw(t, "job")
		work, at = append(work, w), w.End
	}
	return work
}

// promise: ST-21
func TestHoursAndPayAreThoseOfAWalkOverEveryMinute(t *testing.T) {
	// Work periods differ in two numbers only.
	names := []string{"flsa", "flsa", "california", "california", "california", "california", "207k-7", "207k-14", "207k-28"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "rules")
		laws[name].compare(t, setOf(t, name))
	})
	if os.Getenv("TRACEKEEP_NIGHT") == "" {
		return
	}
	for name, l := range laws {
		t.Run(name, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { l.compare(t, setOf(t, name)) }) })
	}
}

// setOf finds a set for a property.
func setOf(t *rapid.T, name string) Rules {
	rules, ok := BuiltIn(name)
	if !ok {
		t.Fatalf("there are no rules %q", name)
	}
	return rules
}

func (l law) compare(t *rapid.T, rules Rules) {
	// The clocks change at midnight in Cairo, and by half an hour on Lord Howe.
	zone := rapid.SampledFrom([]string{"America/New_York", "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Phoenix"}).Draw(t, "zone")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	begins := rapid.SampledFrom([]int{0, 0, 6, 14}).Draw(t, "begins")
	rules.Workday = Clock{Hour: begins}
	rules.Workweek.At = rules.Workday
	work := weeksOfWork(t, max(15, l.days+3))
	result := rules.Apply(loc, work, Facts{})
	walked := l.walked(loc, begins, work)

	got, want := map[string]int{}, map[string]int{}
	for _, line := range result.Lines {
		got[fmt.Sprint(line.Cycle, line.Workday, line.Job, line.Class)] += int(line.Time() / time.Minute)
	}
	for _, m := range walked {
		want[fmt.Sprint(m.week, m.day, m.job, m.class)]++
	}
	for key := range want {
		if got[key] != want[key] {
			t.Fatalf("%s: %d minutes, want %d", key, got[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("lines of other days or classes: %v, want %v", got, want)
	}
	meals, owed := l.mealDays(walked, work), map[string]bool{}
	for _, p := range result.Premiums {
		if owed[p.Workday] {
			t.Fatalf("two premiums on %s", p.Workday)
		}
		owed[p.Workday] = true
	}
	if len(meals) != len(owed) {
		t.Fatalf("premiums on %v, want %v", owed, meals)
	}
	for day := range meals {
		if !owed[day] {
			t.Fatalf("no premium on %s", day)
		}
	}
	for _, week := range result.Cycles() {
		l.comparePay(t, rules, week, result, walked)
	}
}

// comparePay holds the pay of a week against the sum of its minutes. Amounts are in
// cents, exactly.
func (l law) comparePay(t *rapid.T, rules Rules, week string, result Result, walked []minute) {
	cents := map[string]int64{"desk": 1000, "watch": 2000}
	flat := int64(9100)
	var minutes, regular, straight, premiums int64 // straight in cents times 60
	extra := new(big.Rat)                          // halves of a minute at the regular rate
	times := map[Class]int64{}
	for _, m := range walked {
		if m.week == week {
			minutes++
			times[m.class]++
			straight += cents[m.job]
		}
	}
	regular = times[Regular]
	for _, p := range result.OfCycle(week).Premiums {
		if p.Code != MissedRest {
			premiums++
		}
	}
	// The rate of an hour without the bonus, and what the bonus adds to it.
	rate, bonus := big.NewRat(straight, minutes), big.NewRat(60*flat, minutes)
	gross := big.NewRat(straight, 60)
	gross.Add(gross, big.NewRat(flat, 1))
	share := big.NewRat(1, 2) // of the bonus, in an hour of overtime
	double := big.NewRat(1, 1)
	if rules.Name == "california" && regular > 0 { // Alvarado: over the hours that are no overtime, which have paid nothing for the others
		bonus, share, double = big.NewRat(60*flat, regular), big.NewRat(3, 2), big.NewRat(2, 1)
	}
	hours := func(class Class) *big.Rat { return big.NewRat(times[class], 60) }
	add := func(factors ...*big.Rat) {
		product := big.NewRat(1, 1)
		for _, f := range factors {
			product.Mul(product, f)
		}
		extra.Add(extra, product)
	}
	add(hours(Overtime), rate, big.NewRat(1, 2))
	add(hours(DoubleTime), rate)
	add(hours(Overtime), bonus, share)
	add(hours(DoubleTime), bonus, double)
	add(big.NewRat(premiums, 1), new(big.Rat).Add(rate, bonus))
	gross.Add(gross, extra)
	pay, err := rules.Pay(result.OfCycle(week), Wage{Rates: map[string]Money{"desk": Cents(1000), "watch": Cents(2000)}, FlatSum: Cents(flat)})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Money{gross.Quo(gross, big.NewRat(100, 1))}); !pay.Gross.Equal(want) {
		t.Fatalf("the week of %s is paid %s, want %s", week, pay.Gross.Decimals(6), want.Decimals(6))
	}
}
