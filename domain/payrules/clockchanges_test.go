package payrules

import (
	"strings"
	"testing"
	"time"

	"tracekeep/domain/hours"
	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// Every change of the clocks from 2016 to 2030 in every zone that has one, as
// another program wrote them down, with four punches around it. What the wall showed
// is made from the offsets of that list alone, so that our zones must agree with it.
//
// promise: I14
func TestWorkedTimeIsElapsedTimeAcrossTheListOfChanges(t *testing.T) {
	rules := builtIn(t, "california")
	zones := map[string]*time.Location{}
	changes := 0
	record(t, "tz-hard-cases", "transitions_2016_2030.csv", func(row map[string]string) {
		changes++
		change, err := time.Parse(time.RFC3339, row["utc_instant"])
		if err != nil {
			t.Fatal(err)
		}
		if zones[row["zone"]] == nil {
			zones[row["zone"]] = zone(t, row["zone"])
		}
		work, want := fourPunches(t, zones[row["zone"]], change, offsetOf(t, row["offset_before"]), offsetOf(t, row["offset_after"]))
		var paired time.Duration
		for _, w := range work {
			paired += w.End.Sub(w.Start)
		}
		if paired != want {
			t.Errorf("%s, %s: paired %s, elapsed %s", row["zone"], row["utc_instant"], paired, want)
		}
		if got := TotalsOf(rules.Apply(zones[row["zone"]], work, Facts{}).Lines).Worked(); got != want {
			t.Errorf("%s, %s: worked %s, elapsed %s", row["zone"], row["utc_instant"], got, want)
		}
	})
	if changes != 5775 || len(zones) != 234 {
		t.Errorf("%d changes in %d zones", changes, len(zones))
	}
}

// fourPunches reads two spans of work, of which the second holds a change, back
// from the wall. It ends while the wall may show what it showed before.
func fourPunches(t *testing.T, loc *time.Location, change time.Time, before, after int) ([]Work, time.Duration) {
	t.Helper()
	var list []hours.Punch
	for i, from := range []time.Duration{-4 * time.Hour, -40 * time.Minute, -5 * time.Minute, 20 * time.Minute} {
		offset := before
		if from >= 0 {
			offset = after
		}
		at := change.Add(from)
		resolved, err := localtime.Resolve(localtime.Of(at.In(time.FixedZone("", offset))), loc, &offset)
		if err != nil || !resolved.At.Equal(at) {
			t.Fatalf("%s: %s reads back as %s, %v", loc, at, resolved.At, err)
		}
		direction := []eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut}[i%2]
		list = append(list, hours.Punch{ID: punchAt(at, string(direction)), OccurredAt: resolved.At, OffsetSeconds: offset, Direction: direction, Kind: eventschema.KindNormal})
	}
	return workOf(list), 3*time.Hour + 20*time.Minute + 25*time.Minute
}

// offsetOf reads an offset such as +05:45 or -00:44:30.
func offsetOf(t *testing.T, text string) int {
	t.Helper()
	layout := "15:04"
	if strings.Count(text, ":") == 2 {
		layout = time.TimeOnly
	}
	at, err := time.Parse(layout, text[1:])
	if err != nil {
		t.Fatal(err)
	}
	seconds := at.Hour()*3600 + at.Minute()*60 + at.Second()
	if text[0] == '-' {
		return -seconds
	}
	return seconds
}
