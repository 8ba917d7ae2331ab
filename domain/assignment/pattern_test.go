package assignment_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tracekeep/domain/assignment"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// promise: ST-08
func TestAPatternKeepsTheTimeOnTheWall(t *testing.T) {
	newYork := zone(t, "America/New_York")
	for rule, c := range map[string]struct {
		pattern     assignment.Pattern
		first, last string
		want        []string // start and end as instants, and whether they were moved
	}{
		"at seven before and after the change": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Saturday, time.Sunday}, Start: assignment.Clock{Hour: 7}, End: assignment.Clock{Hour: 15}, Zone: newYork},
			"2026-03-02", "2026-03-08",
			[]string{"2026-03-07T12:00:00Z 8h0m0s false", "2026-03-08T11:00:00Z 8h0m0s false"},
		},
		"a night is seven hours long in spring and nine in autumn": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Saturday}, Start: assignment.Clock{Hour: 23}, End: assignment.Clock{Hour: 7}, Zone: newYork},
			"2026-03-07", "2026-03-07", []string{"2026-03-08T04:00:00Z 7h0m0s false"},
		},
		"what starts in the hour that is skipped starts at the change": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Sunday}, Start: assignment.Clock{Hour: 2, Min: 30}, End: assignment.Clock{Hour: 6}, Zone: newYork},
			"2026-03-08", "2026-03-08", []string{"2026-03-08T07:00:00Z 3h0m0s true"},
		},
		"what starts in the hour that comes twice starts the first time": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Sunday}, Start: assignment.Clock{Hour: 1, Min: 30}, End: assignment.Clock{Hour: 6}, Zone: newYork},
			"2026-11-01", "2026-11-01", []string{"2026-11-01T05:30:00Z 5h30m0s true"},
		},
		"what is skipped as a whole does not take place": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Sunday}, Start: assignment.Clock{Hour: 2}, End: assignment.Clock{Hour: 2, Min: 45}, Zone: newYork},
			"2026-03-08", "2026-03-08", nil,
		},
		"every second week, counted from Monday": {
			assignment.Pattern{Weekdays: []time.Weekday{time.Monday}, Start: assignment.Clock{Hour: 7}, End: assignment.Clock{Hour: 8}, Every: 2, Zone: time.UTC},
			"2026-05-06", "2026-05-25", []string{"2026-05-18T07:00:00Z 1h0m0s false"},
		},
	} {
		got, err := c.pattern.Expand(c.first, c.last)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %+v %v, want %v", rule, got, err, c.want)
			continue
		}
		for i, o := range got {
			if text := o.StartsAt.Format(time.RFC3339) + " " + o.EndsAt.Sub(o.StartsAt).String(); text+map[bool]string{true: " true", false: " false"}[o.Moved] != c.want[i] {
				t.Errorf("%s: %s, moved %t, want %s", rule, text, o.Moved, c.want[i])
			}
		}
	}
}

func TestAPatternThatIsNoneIsRefused(t *testing.T) {
	good := assignment.Pattern{Weekdays: []time.Weekday{time.Monday}, Start: assignment.Clock{Hour: 7}, End: assignment.Clock{Hour: 8}, Zone: time.UTC}
	for rule, c := range map[string]struct {
		pattern     assignment.Pattern
		first, last string
	}{
		"no days":                    {changed(good, func(p *assignment.Pattern) { p.Weekdays = nil }), "2026-05-04", "2026-05-05"},
		"no zone":                    {changed(good, func(p *assignment.Pattern) { p.Zone = nil }), "2026-05-04", "2026-05-05"},
		"the zone of the machine":    {changed(good, func(p *assignment.Pattern) { p.Zone = time.Local }), "2026-05-04", "2026-05-05"},
		"25 hours":                   {changed(good, func(p *assignment.Pattern) { p.End.Hour = 24 }), "2026-05-04", "2026-05-05"},
		"backwards":                  {good, "2026-05-05", "2026-05-04"},
		"no date":                    {good, "2026-05-32", "2026-06-01"},
		"more than can be looked at": {good, "2026-01-01", "2030-01-01"},
	} {
		if got, err := c.pattern.Expand(c.first, c.last); !errors.Is(err, assignment.ErrPattern) || got != nil {
			t.Errorf("%s: %v %v", rule, got, err)
		}
	}
}

// Whatever the zone and the year, a shift of a pattern shows the times of the
// pattern on the wall unless it says that they were moved; and shifts are in order,
// at most one a day.
func TestAShiftOfAPatternShowsItsTimes(t *testing.T) {
	zones := []string{"America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Manila"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		clock := rapid.Custom(func(t *rapid.T) assignment.Clock {
			return assignment.Clock{Hour: rapid.IntRange(0, 23).Draw(t, "hour"), Min: 15 * rapid.IntRange(0, 3).Draw(t, "quarter")}
		})
		p := assignment.Pattern{
			Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Start: clock.Draw(t, "start"), End: clock.Draw(t, "end"), Zone: loc,
		}
		first := time.Date(rapid.IntRange(2000, 2035).Draw(t, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
		all, err := p.Expand(first.Format(time.DateOnly), first.AddDate(1, 0, -1).Format(time.DateOnly))
		if err != nil || len(all) < 364 || len(all) > 366 {
			t.Fatalf("%d shifts in a year: %v", len(all), err)
		}
		for i, o := range all {
			local := o.StartsAt.In(loc)
			if shown := (assignment.Clock{Hour: local.Hour(), Min: local.Minute()}); !o.Moved && (shown != p.Start || local.Format(time.DateOnly) != o.Date) {
				t.Fatalf("the shift of %s starts at %s", o.Date, local)
			}
			ends := o.EndsAt.In(loc)
			if shown := (assignment.Clock{Hour: ends.Hour(), Min: ends.Minute()}); !o.Moved && shown != p.End {
				t.Fatalf("the shift of %s ends at %s", o.Date, ends)
			}
			if i > 0 && o.Date <= all[i-1].Date {
				t.Fatalf("%s comes after %s", o.Date, all[i-1].Date)
			}
		}
	})
}
