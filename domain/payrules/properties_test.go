package payrules

import (
	_ "embed"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/hours"
	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// punches are what some weeks of a worker leave behind: in and out, now and then
// one that is missing, pressed twice or of the same instant as the one before.
func punches(t *rapid.T) []hours.Punch {
	at := time.Date(2026, time.February, 25, 14, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 60*24*3600).Draw(t, "first")) * time.Second)
	var list []hours.Punch
	for i := range rapid.IntRange(0, 60).Draw(t, "punches") {
		if i == 0 || rapid.IntRange(0, 4).Draw(t, "the same instant") > 0 {
			at = at.Add(time.Duration(rapid.IntRange(1, 20*3600).Draw(t, "after")) * time.Second)
		}
		direction := eventschema.DirectionIn
		if i%2 == 1 != (rapid.IntRange(0, 19).Draw(t, "wrong") == 0) {
			direction = eventschema.DirectionOut
		}
		kind := rapid.SampledFrom([]eventschema.PunchKind{eventschema.KindNormal, eventschema.KindNormal, eventschema.KindMeal, eventschema.KindBreak}).Draw(t, "kind")
		list = append(list, hours.Punch{ID: punchAt(at, string(direction)+strconv.Itoa(i)), OccurredAt: at, Direction: direction, Kind: kind})
	}
	return list
}

// workOf pairs punches.
func workOf(punches []hours.Punch) []Work {
	var work []Work
	for _, w := range hours.DefaultPairing().Pair(slices.Clone(punches)).Intervals {
		work = append(work, span(w.Start, w.End))
		work[len(work)-1].In, work[len(work)-1].Out = w.In, w.Out
	}
	return work
}

// anyRules is a built-in set in one of its zones.
func anyRules(t *rapid.T) (Rules, *time.Location) {
	rules := rapid.SampledFrom(BuiltIns()).Draw(t, "rules")
	rules.Workweek.At = Clock{Hour: rapid.IntRange(0, 23).Draw(t, "hour")}
	rules.Workday = rules.Workweek.At
	name := rapid.SampledFrom([]string{"America/New_York", "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"}).Draw(t, "zone")
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return rules, loc
}

func TestResultsDoNotDependOnTheOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, loc := anyRules(t)
		list := punches(t)
		facts := Facts{From: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, time.August, 1, 0, 0, 0, 0, time.UTC)}
		want := rules.Apply(loc, workOf(list), facts)
		shuffled := slices.Clone(list)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] }) //nolint:gosec // an order, no secret
		work := workOf(shuffled)
		rand.New(rand.NewSource(1)).Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] }) //nolint:gosec // as above
		got := rules.Apply(loc, work, facts)
		got.Guaranteed, want.Guaranteed = nil, nil // are in the order of the work they are for
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestACorrectionAndItsReversalRestoreTheTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, loc := anyRules(t)
		list := punches(t)
		if len(list) == 0 {
			return
		}
		before := rules.Apply(loc, workOf(list), Facts{})
		i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
		recorded := list[i]
		list[i].OccurredAt = recorded.OccurredAt.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "moved")) * time.Second)
		list[i].Direction = rapid.SampledFrom([]eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut}).Draw(t, "turned")
		rules.Apply(loc, workOf(list), Facts{})
		list[i] = recorded
		if diff := cmp.Diff(before, rules.Apply(loc, workOf(list), Facts{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLinesAreExactlyTheTimeWorked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, loc := anyRules(t)
		rules.PaidBreaks = Breaks{}
		work := workOf(punches(t))
		var worked time.Duration
		for _, w := range work {
			worked += w.End.Sub(w.Start)
		}
		result := rules.Apply(loc, work, Facts{})
		if got := TotalsOf(result.Lines).Worked(); got != worked {
			t.Fatalf("%s of lines for %s of work", got, worked)
		}
		spans := map[[2]uuid.UUID]Work{}
		for _, w := range work {
			spans[[2]uuid.UUID{w.In, w.Out}] = w
		}
		for _, l := range result.Lines {
			w, ok := spans[[2]uuid.UUID{l.In, l.Out}]
			if !ok || l.Start.Before(w.Start) || l.End.After(w.End) {
				t.Fatalf("%+v does not lie between its punches", l)
			}
		}
		for _, cycle := range result.Cycles() {
			lines := result.OfCycle(cycle).Lines
			if len(rules.Weekly) > 0 && TotalsOf(lines).Regular > rules.Weekly[0].After {
				t.Fatalf("%s of regular time in the week of %s", TotalsOf(lines).Regular, cycle)
			}
		}
	})
}

func TestRoundingStaysWithinItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rounding := Rounding{Step: rapid.SampledFrom([]time.Duration{5, 6, 15}).Draw(t, "step") * time.Minute}
		loc, err := time.LoadLocation(rapid.SampledFrom([]string{"America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Berlin"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1451606400, 1893456000).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		rounded := rounding.Round(at, loc)
		if moved := rounded.Sub(at); moved > rounding.Bound() || moved < -rounding.Bound() {
			t.Fatalf("%s moved by %s", at, moved)
		}
		if !rounding.Round(rounded, loc).Equal(rounded) {
			t.Fatalf("%s rounds on", rounded)
		}
		if later := at.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "later"))); rounding.Round(later, loc).Before(rounded) {
			t.Fatalf("%s and %s change places", at, later)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		rules, loc := anyRules(t)
		rules.Rounding.Step = 15 * time.Minute
		work := workOf(punches(t))
		punched := int64(2 * len(work))
		var sum time.Duration
		for _, d := range rules.Apply(loc, work, Facts{}).Drifts {
			sum += d.Gained()
		}
		if bound := time.Duration(punched) * rules.Rounding.Bound(); sum > bound || sum < -bound {
			t.Fatalf("%d punches drifted by %s", punched, sum)
		}
	})
}

func TestRoundingTellsWhatAQuarterLost(t *testing.T) {
	newYork := zone(t, "America/New_York")
	rules := builtIn(t, "flsa")
	rules.Rounding.Step = 15 * time.Minute
	work := append(shiftOf(t, newYork, "2026-03-31 08:08", 8*time.Hour), shiftOf(t, newYork, "2026-04-01 07:53", 8*time.Hour+14*time.Minute)...)
	result := rules.Apply(newYork, work, Facts{})
	why := Cause{"rounding", "flsa", 1, "29 CFR 785.48(b)"}
	want := []Drift{{"2026-Q1", 8 * time.Hour, 8 * time.Hour, why}, {"2026-Q2", 8*time.Hour + 14*time.Minute, 8 * time.Hour, why}}
	if diff := cmp.Diff(want, result.Drifts); diff != "" || result.Drifts[1].Gained() != -14*time.Minute {
		t.Error(diff)
	}
	if got := TotalsOf(result.Lines).Worked(); got != 16*time.Hour {
		t.Errorf("%s", got)
	}
	if work[0].Start.Minute() != 8 {
		t.Error("what was punched was changed")
	}
}

//go:embed testdata/zones.txt
var zoneNames string

// Four punches around every change of the clocks from 2016 to 2030 in every zone
// that has one: each is read back from what the wall showed with its offset.
func TestWorkedTimeIsElapsedTimeAcrossEveryChangeOfTheClocks(t *testing.T) {
	from, to := time.Date(2016, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, time.January, 1, 0, 0, 0, 0, time.UTC)
	rules := builtIn(t, "california")
	changes, zones := 0, strings.Fields(zoneNames)
	seen := map[string]bool{}
	for _, name := range zones {
		loc := zone(t, name)
		periods := localtime.Periods(from, to, loc)
		// Zones that share a list of changes share its figures.
		var key strings.Builder
		for _, p := range periods {
			key.WriteString(p.Start.Format(time.RFC3339))
			key.WriteString(time.Duration(p.OffsetSeconds).String())
		}
		if seen[key.String()] {
			continue
		}
		seen[key.String()] = true
		for _, p := range periods[1:] {
			changes++
			acrossChange(t, rules, loc, p.Start)
		}
	}
	if len(zones) < 200 || changes < 1000 {
		t.Errorf("%d changes in %d zones", changes, len(zones))
	}
}

func acrossChange(t *testing.T, rules Rules, loc *time.Location, change time.Time) {
	t.Helper()
	var list []hours.Punch
	want := 4*time.Hour + 15*time.Minute + 3*time.Hour + 30*time.Minute
	for i, after := range []time.Duration{-4*time.Hour - 40*time.Minute, -25 * time.Minute, 10 * time.Minute, 3*time.Hour + 40*time.Minute} {
		at := change.Add(after)
		_, offset := at.In(loc).Zone()
		resolved, err := localtime.Resolve(localtime.Of(at.In(loc)), loc, &offset)
		if err != nil || !resolved.At.Equal(at) {
			t.Fatalf("%s: %s reads back as %s, %v", loc, at, resolved.At, err)
		}
		direction := []eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut}[i%2]
		list = append(list, hours.Punch{ID: punchAt(at, string(direction)), OccurredAt: resolved.At, OffsetSeconds: offset, Direction: direction, Kind: eventschema.KindNormal})
	}
	result := rules.Apply(loc, workOf(list), Facts{})
	if got := TotalsOf(result.Lines).Worked(); got != want {
		t.Errorf("%s, %s: worked %s, elapsed %s", loc, change, got, want)
	}
	days := dayGrid(rules.Workday, loc)
	for _, l := range result.Lines {
		if local := l.Start.In(loc).Format(time.DateOnly); local != l.Workday && !l.Start.Equal(days.start(days.index(l.Start))) {
			t.Errorf("%s: %s is in the workday of %s", loc, l.Start.In(loc), l.Workday)
		}
	}
}

func TestEveryInstantLiesInItsWorkday(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom([]string{"America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "America/Nuuk"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := Clock{Hour: rapid.IntRange(0, 5).Draw(t, "hour"), Min: rapid.IntRange(0, 59).Draw(t, "min")}
		g := Cycle{Days: rapid.SampledFrom([]int{1, 7, 28}).Draw(t, "days"), Anchor: "2026-01-04", At: at}.grid(loc)
		periods := localtime.Periods(time.Date(2011, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, time.January, 1, 0, 0, 0, 0, time.UTC), loc)
		change := rapid.SampledFrom(periods).Draw(t, "change").Start
		instant := change.Add(time.Duration(rapid.IntRange(-6*3600, 6*3600).Draw(t, "after")) * time.Second)
		index := g.index(instant)
		if g.start(index).After(instant) || !g.start(index+1).After(instant) {
			t.Fatalf("%s lies in %s to %s", instant, g.start(index), g.start(index+1))
		}
	})
}

// Rounding is for pay. A meal, a rest or a day is as long as it was punched.
func TestRoundingLengthensNoMealAndNoRest(t *testing.T) {
	angeles, berlin := zone(t, "America/Los_Angeles"), zone(t, "Europe/Berlin")
	h, m := time.Hour, time.Minute
	for rule, c := range map[string]struct {
		rules   string
		loc     *time.Location
		start   string
		lengths []time.Duration
		want    string
		worked  time.Duration
	}{
		"a meal of 23 minutes that rounds to 30":        {"california", angeles, "2026-06-08 08:00", []time.Duration{4*h + 7*m, 23 * m, 3*h + 30*m}, "short_meal", 7*h + 30*m},
		"a meal at 5:07 that rounds to 5:00":            {"california", angeles, "2026-06-08 08:00", []time.Duration{5*h + 7*m, 38 * m, 2 * h}, "late_meal", 7 * h},
		"a break of 16 minutes that rounds to 30":       {"flsa", angeles, "2026-06-08 08:00", []time.Duration{4*h + 7*m, 16 * m, 3*h + 37*m}, "", 8 * h},
		"a pause of 23 minutes that rounds to 15":       {"flsa", angeles, "2026-06-08 08:00", []time.Duration{4*h + 8*m, 23 * m, 3*h + 29*m}, "", 7*h + 45*m},
		"a night of 10:53 that rounds to 11 hours":      {"eu", berlin, "2026-06-08 16:07", []time.Duration{6 * h, 10*h + 53*m, 6 * h}, "daily_rest", 12 * h},
		"a day of 10:07 that rounds to 10 hours":        {"de", berlin, "2026-06-08 06:00", []time.Duration{5 * h, 45 * m, 5*h + 7*m}, "long_day", 10 * h},
		"a pause of 23 minutes that rounds to the half": {"de", berlin, "2026-06-08 06:07", []time.Duration{5 * h, 23 * m, 3*h + 30*m}, "pause", 8*h + 30*m},
	} {
		rules := builtIn(t, c.rules)
		rules.Rounding.Step = 15 * m
		result := rules.Apply(c.loc, shiftOf(t, c.loc, c.start, c.lengths...), Facts{})
		var got []string
		for _, p := range result.Premiums {
			got = append(got, string(p.Code))
		}
		for _, b := range result.Breaches {
			got = append(got, string(b.Code))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %q", rule, got, c.want)
		}
		if worked := TotalsOf(result.Lines).Worked(); worked != c.worked {
			t.Errorf("%s: %s are paid, want %s", rule, worked, c.worked)
		}
	}
}
