package payrules

import (
	"testing"
	"time"
)

// codes lists what was broken, in order.
func codes(breaches []Breach) []BreachCode {
	var list []BreachCode
	for _, b := range breaches {
		list = append(list, b.Code)
	}
	return list
}

func same(a, b []BreachCode) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestDailyRest(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	h := time.Hour
	rules := Rules{Name: "rest", Version: 1, Source: "x", Workweek: Workweek(time.Monday, midnight), DailyRest: Bound{11 * h, "Art. 3"}}
	between := func(out, in string) []Work {
		end, start := local(t, berlin, out), local(t, berlin, in)
		return []Work{span(end.Add(-8*h), end), span(start, start.Add(8*h))}
	}
	for rule, c := range map[string]struct {
		work []Work
		got  time.Duration // 0: nothing was broken
	}{
		"out 22:00, in 09:00 is 11 hours":                     {between("2026-06-08 22:00", "2026-06-09 09:00"), 0},
		"out 23:00, in 09:30 is 10:30":                        {between("2026-06-08 23:00", "2026-06-09 09:30"), 10*h + 30*minutes},
		"11 hours on the clock are 10 in the spring night":    {between("2026-03-28 23:00", "2026-03-29 10:00"), 10 * h},
		"10 hours on the clock are 11 in the autumn night":    {between("2026-10-24 23:00", "2026-10-25 09:00"), 0},
		"a split day with a long night":                       {shiftOf(t, berlin, "2026-06-08 06:00", 3*h, 8*h, 2*h, 11*h, 8*h), 0},
		"a rest of 11 hours that comes after 14 hours of day": {shiftOf(t, berlin, "2026-06-08 06:00", 4*h, 6*h, 4*h, 11*h, 8*h), 10 * h},
		"work through a day and a night":                      {shiftOf(t, berlin, "2026-06-08 06:00", 25*h), 0},
		"a last shift is followed by rest":                    {shiftOf(t, berlin, "2026-06-08 06:00", 8*h), 0},
	} {
		found := rules.Apply(berlin, c.work, Facts{}).Breaches
		if rule == "work through a day and a night" {
			if len(found) != 1 || found[0].Got != 0 {
				t.Errorf("%s: %+v", rule, found)
			}
			continue
		}
		if c.got == 0 && len(found) != 0 || c.got != 0 && (len(found) != 1 || found[0].Got != c.got || found[0].Need != 11*h) {
			t.Errorf("%s: %+v, want %s", rule, found, c.got)
		}
	}
	found := rules.Apply(berlin, between("2026-06-08 23:00", "2026-06-09 09:30"), Facts{}).Breaches
	if len(found) != 1 || found[0].Out != punchAt(local(t, berlin, "2026-06-08 23:00"), "out") || found[0].In != punchAt(local(t, berlin, "2026-06-09 09:30"), "in") {
		t.Errorf("a short rest lies between its two punches: %+v", found)
	}
}

func TestWeeklyRest(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	rules := Rules{Name: "rest", Version: 1, Source: "x", Workweek: Workweek(time.Monday, midnight), WeeklyRest: Bound{35 * time.Hour, "Art. 5"}}
	facts := Facts{From: local(t, berlin, "2026-06-08 00:00"), To: local(t, berlin, "2026-06-22 00:00")}
	six := week(t, berlin, "2026-06-07", 0, 8, 8, 8, 8, 8, 8) // Monday to Saturday, until 14:00
	seven := append(six, shiftOf(t, berlin, "2026-06-14 06:00", 2*time.Hour)...)
	for rule, c := range map[string]struct {
		work []Work
		want []BreachCode
	}{
		"34 hours from Saturday noon to the end of the week": {six, []BreachCode{WeeklyRestBreach}},
		"a free Sunday and a short Saturday":                 {week(t, berlin, "2026-06-07", 0, 8, 8, 8, 8, 8, 7), nil},
		"work on every day":                                  {seven, []BreachCode{WeeklyRestBreach}},
		"a week without work":                                {nil, nil},
	} {
		if got := codes(rules.Apply(berlin, c.work, facts).Breaches); !same(got, c.want) {
			t.Errorf("%s: %v, want %v", rule, got, c.want)
		}
	}
	facts.From = facts.From.Add(time.Second)
	if got := rules.Apply(berlin, seven, facts).Breaches; len(got) != 0 {
		t.Errorf("a week that is not known whole was judged: %+v", got)
	}
}

func TestPausesOfTheEUAndOfGermany(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	h := time.Hour
	for rule, c := range map[string]struct {
		lengths []time.Duration
		eu, de  []BreachCode
	}{
		"6:00 without a pause":               {[]time.Duration{6 * h}, nil, nil},
		"6:01 without one":                   {[]time.Duration{6*h + minutes}, []BreachCode{PauseBreach}, []BreachCode{PauseBreach}},
		"6:01 with 30 minutes":               {[]time.Duration{3 * h, 30 * minutes, 3*h + minutes}, nil, nil},
		"6:01 with 29 minutes":               {[]time.Duration{3 * h, 29 * minutes, 3*h + minutes}, nil, []BreachCode{PauseBreach}},
		"two quarters of an hour":            {[]time.Duration{2 * h, 15 * minutes, 2 * h, 15 * minutes, 4 * h}, nil, nil},
		"a part of 14 minutes is no pause":   {[]time.Duration{2 * h, 14 * minutes, 2 * h, 16 * minutes, 4 * h}, nil, []BreachCode{PauseBreach}},
		"9:00 with 30 minutes":               {[]time.Duration{5 * h, 30 * minutes, 4 * h}, nil, nil},
		"9:01 with 30 minutes":               {[]time.Duration{5 * h, 30 * minutes, 4*h + minutes}, nil, []BreachCode{PauseBreach}},
		"9:01 with 45 minutes":               {[]time.Duration{5 * h, 45 * minutes, 4*h + minutes}, nil, nil},
		"9:01 with 44 minutes":               {[]time.Duration{5 * h, 44 * minutes, 4*h + minutes}, nil, []BreachCode{PauseBreach}},
		"10:00 in a day":                     {[]time.Duration{5 * h, 45 * minutes, 5 * h}, nil, nil},
		"exactly six hours in one stretch":   {[]time.Duration{6 * h, 45 * minutes, 2 * h}, nil, nil},
		"a night of 11 hours":                {[]time.Duration{2 * h, 11 * h, 2 * h}, nil, nil},
		"a night of 10:59":                   {[]time.Duration{4 * h, 10*h + 59*minutes, 4 * h}, []BreachCode{DailyRestBreach}, []BreachCode{DailyRestBreach}},
		"more than six hours in one stretch": {[]time.Duration{6*h + minutes, 45 * minutes, 2 * h}, nil, []BreachCode{StretchBreach}},
		"10:01 in a day":                     {[]time.Duration{5 * h, 45 * minutes, 5*h + minutes}, nil, []BreachCode{LongDayBreach}},
	} {
		work := shiftOf(t, berlin, "2026-06-08 06:00", c.lengths...)
		if got := codes(builtIn(t, "eu").Apply(berlin, work, Facts{}).Breaches); !same(got, c.eu) {
			t.Errorf("%s: %v, want %v in the EU", rule, got, c.eu)
		}
		if got := codes(builtIn(t, "de").Apply(berlin, work, Facts{}).Breaches); !same(got, c.de) {
			t.Errorf("%s: %v, want %v in Germany", rule, got, c.de)
		}
	}
}
