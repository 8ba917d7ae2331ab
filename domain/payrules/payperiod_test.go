package payrules

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPayPeriods(t *testing.T) {
	for rule, c := range map[string]struct {
		frequency          Frequency
		anchor, date, want string
	}{
		"weekly, its first day":            {Weekly, "2026-01-04", "2026-06-07", "2026-06-07/2026-06-13"},
		"weekly, its last day":             {Weekly, "2026-01-04", "2026-06-13", "2026-06-07/2026-06-13"},
		"weekly, before the anchor":        {Weekly, "2026-01-04", "2026-01-03", "2025-12-28/2026-01-03"},
		"biweekly":                         {Biweekly, "2026-01-04", "2026-01-18", "2026-01-18/2026-01-31"},
		"biweekly, its second week":        {Biweekly, "2026-01-04", "2026-01-17", "2026-01-04/2026-01-17"},
		"semimonthly, the first half":      {Semimonthly, "0001-01-01", "2026-02-15", "2026-02-01/2026-02-15"},
		"semimonthly, the second half":     {Semimonthly, "0001-01-01", "2028-02-16", "2028-02-16/2028-02-29"},
		"semimonthly, the end of a year":   {Semimonthly, "0001-01-01", "2026-12-31", "2026-12-16/2026-12-31"},
		"monthly":                          {Monthly, "2026-01-01", "2026-02-10", "2026-02-01/2026-02-28"},
		"monthly from the 25th":            {Monthly, "2026-01-25", "2026-02-24", "2026-01-25/2026-02-24"},
		"monthly from a day February lost": {Monthly, "2026-01-31", "2026-02-28", "2026-02-28/2026-03-30"},
	} {
		schedule := PayPeriodSchedule{Frequency: c.frequency, Anchor: date(t, c.anchor)}
		p, err := schedule.Containing(date(t, c.date))
		if err != nil || p.String() != c.want || !p.Contains(c.date) {
			t.Errorf("%s: %s, %v, want %s", rule, p, err, c.want)
		}
	}
	for _, wrong := range []PayPeriodSchedule{{}, {Frequency: "yearly"}, {Frequency: Biweekly}, {Frequency: Monthly}} {
		if _, err := wrong.Containing(date(t, "2026-01-01")); !errors.Is(err, ErrSchedule) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestPayPeriodsLeaveNoDayOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
		schedule := PayPeriodSchedule{
			Frequency: rapid.SampledFrom([]Frequency{Weekly, Biweekly, Semimonthly, Monthly}).Draw(t, "frequency"),
			Anchor:    start.AddDate(0, 0, rapid.IntRange(0, 800).Draw(t, "anchor")),
		}
		on := start.AddDate(0, 0, rapid.IntRange(-3000, 3000).Draw(t, "on"))
		p, err := schedule.Containing(on)
		if err != nil || on.Before(p.First) || on.After(p.Last) {
			t.Fatalf("%s lies in %s, %v", on, p, err)
		}
		next, err := schedule.Next(p)
		if err != nil || !next.First.Equal(p.Last.AddDate(0, 0, 1)) {
			t.Fatalf("%s is followed by %s, %v", p, next, err)
		}
		for _, d := range []time.Time{p.First, p.Last} {
			if again, err := schedule.Containing(d); err != nil || again != p {
				t.Fatalf("%s lies in %s and in %s", d, p, again)
			}
		}
	})
}

func TestTheWorkweekThatAnInstantLiesIn(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	rules := Rules{Workweek: Workweek(time.Sunday, Clock{Hour: 2})}
	for rule, row := range map[string]struct{ at, start, end, cycle string }{
		"in the middle":                    {"2026-06-10T12:00:00-04:00", "2026-06-07T02:00:00-04:00", "2026-06-14T02:00:00-04:00", "2026-06-07"},
		"its first instant":                {"2026-06-07T02:00:00-04:00", "2026-06-07T02:00:00-04:00", "2026-06-14T02:00:00-04:00", "2026-06-07"},
		"the night before":                 {"2026-06-07T01:59:59-04:00", "2026-05-31T02:00:00-04:00", "2026-06-07T02:00:00-04:00", "2026-05-31"},
		"it begins where 02:00 is skipped": {"2026-03-09T12:00:00-04:00", "2026-03-08T03:00:00-04:00", "2026-03-15T02:00:00-04:00", "2026-03-08"},
	} {
		t.Run(rule, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, row.at)
			if err != nil {
				t.Fatal(err)
			}
			start, end, cycle := rules.CycleAt(newYork, at)
			if got := [3]string{start.In(newYork).Format(time.RFC3339), end.In(newYork).Format(time.RFC3339), cycle}; got != [3]string{row.start, row.end, row.cycle} {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Midnight comes twice in Havana when summer ends, and not at all when it begins.
func TestAWorkdayBeginsWithTheFirstMidnight(t *testing.T) {
	havana := zone(t, "America/Havana")
	rules := builtIn(t, "flsa")
	for begins, at := range map[string]string{"2026-11-01": "2026-11-01T04:00:00Z", "2026-03-08": "2026-03-08T05:00:00Z"} {
		first, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, 59 * time.Minute: true, time.Hour: true} {
			_, _, cycle := rules.CycleAt(havana, first.Add(after))
			lines := rules.Apply(havana, []Work{span(first.Add(after), first.Add(after+time.Second))}, Facts{}).Lines
			if (cycle == begins) != want || (lines[0].Workday == begins) != want || lines[0].Cycle != cycle {
				t.Errorf("%s after %s lies in the workweek of %s, workday %s", after, at, cycle, lines[0].Workday)
			}
		}
	}
}
