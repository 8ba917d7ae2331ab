package hours_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

const (
	in       = eventschema.DirectionIn
	out      = eventschema.DirectionOut
	normal   = eventschema.KindNormal
	overtime = eventschema.KindOvertime
	meal     = eventschema.KindMeal
	transfer = eventschema.KindTransfer
)

// press is one punch of a table: an instant (UTC) and what was pressed.
type press struct {
	at        string
	direction eventschema.Direction
	kind      eventschema.PunchKind
}

func punchesOf(presses []press) []hours.Punch {
	punches := make([]hours.Punch, len(presses))
	for i, p := range presses {
		at, err := time.Parse(time.RFC3339, p.at)
		if err != nil {
			panic(err) // a mistake in the table
		}
		kind := p.kind
		if kind == "" {
			kind = normal
		}
		punches[i] = hours.Punch{ID: uuid.UUID{15: byte(i + 1)}, OccurredAt: at.UTC(), Direction: p.direction, Kind: kind}
	}
	return punches
}

// told writes a pairing as "1-2 14400s" for the interval from the first punch
// to the second, and "3 missing_out" for an exception.
func told(p hours.Pairing) []string {
	lines := []string{}
	for _, w := range p.Intervals {
		lines = append(lines, fmt.Sprintf("%d-%d %ds", w.In[15], w.Out[15], w.Seconds()))
	}
	for _, e := range p.Exceptions {
		lines = append(lines, fmt.Sprintf("%d %s", e.Punch[15], e.Code))
	}
	return lines
}

func TestPairing(t *testing.T) {
	for rule, c := range map[string]struct {
		given []press
		then  []string
	}{
		"an in and the out after it are an interval": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}}, []string{"1-2 14400s"}},
		"work past midnight is one interval": {
			[]press{{at: "2026-03-02T22:00:00Z", direction: in}, {at: "2026-03-03T06:00:00Z", direction: out}}, []string{"1-2 28800s"}},
		"an in that another in follows has no out": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T09:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}},
			[]string{"2-3 10800s", "1 missing_out"}},
		"the last in has no out yet": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}}, []string{"1 missing_out"}},
		"an out that no in preceded counts for nothing": {
			[]press{{at: "2026-03-02T12:00:00Z", direction: out}}, []string{"1 out_without_in"}},
		"a second out counts for nothing": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T13:00:00Z", direction: out}},
			[]string{"1-2 14400s", "3 out_without_in"}},
		"sixteen hours are still one interval": {
			[]press{{at: "2026-03-02T00:00:00Z", direction: in}, {at: "2026-03-02T16:00:00Z", direction: out}}, []string{"1-2 57600s"}},
		"more than sixteen hours are two missing punches, never an interval": {
			[]press{{at: "2026-03-02T00:00:00Z", direction: in}, {at: "2026-03-02T16:00:01Z", direction: out}},
			[]string{"1 missing_out", "2 out_without_in"}},
		"the same key within sixty seconds is a repeat, and the first press counts": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:01:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}},
			[]string{"1-3 14400s", "2 repeat"}},
		"sixty-one seconds are no repeat": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:01:01Z", direction: in}},
			[]string{"1 missing_out", "2 missing_out"}},
		"a repeat is measured from the last counted punch, not from the last repeat": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:00:40Z", direction: in}, {at: "2026-03-02T08:01:20Z", direction: in}},
			[]string{"1 missing_out", "2 repeat", "3 missing_out"}},
		"the other direction within a minute is no repeat": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:00:05Z", direction: out}}, []string{"1-2 5s"}},
		"the same direction under another key is no repeat": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:00:05Z", direction: in, kind: overtime}},
			[]string{"1 missing_out", "2 missing_out"}},
		"overtime keys count as in and out": {
			[]press{{at: "2026-03-02T18:00:00Z", direction: in, kind: overtime}, {at: "2026-03-02T20:00:00Z", direction: out}}, []string{"1-2 7200s"}},
		"the keys of a meal count as out and in": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out, kind: meal},
				{at: "2026-03-02T12:30:00Z", direction: in, kind: meal}, {at: "2026-03-02T16:00:00Z", direction: out},
			}, []string{"1-2 14400s", "3-4 12600s"}},
		"an in for a transfer ends one interval and begins the next": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T10:00:00Z", direction: in, kind: transfer},
				{at: "2026-03-02T11:00:00Z", direction: in, kind: transfer}, {at: "2026-03-02T12:00:00Z", direction: out},
			}, []string{"1-2 7200s", "2-3 3600s", "3-4 3600s"}},
		"an in for a transfer with nothing open is an in": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in, kind: transfer}, {at: "2026-03-02T12:00:00Z", direction: out}}, []string{"1-2 14400s"}},
		"an in for a transfer after more than sixteen hours ends nothing": {
			[]press{{at: "2026-03-02T00:00:00Z", direction: in}, {at: "2026-03-02T16:00:01Z", direction: in, kind: transfer}, {at: "2026-03-02T17:00:00Z", direction: out}},
			[]string{"2-3 3599s", "1 missing_out"}},
		"after sixteen hours it still does": {
			[]press{{at: "2026-03-02T00:00:00Z", direction: in}, {at: "2026-03-02T16:00:00Z", direction: in, kind: transfer}, {at: "2026-03-02T17:00:00Z", direction: out}},
			[]string{"1-2 57600s", "2-3 3600s"}},
		"an out for a transfer is an out": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T10:00:00Z", direction: out, kind: transfer},
				{at: "2026-03-02T10:05:00Z", direction: in, kind: transfer}, {at: "2026-03-02T12:00:00Z", direction: out},
			}, []string{"1-2 7200s", "3-4 6900s"}},
		"of one instant, the out ends what was and the in begins what comes": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: in},
				{at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T16:00:00Z", direction: out},
			}, []string{"1-3 14400s", "2-4 14400s"}},
		"of one instant, with nothing open, the out has no in and the in begins": {
			[]press{{at: "2026-03-02T12:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T16:00:00Z", direction: out}},
			[]string{"1-3 14400s", "2 out_without_in"}},
		"in and out of one instant are two punches to look at and never an empty interval": {
			[]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:00:00Z", direction: out}}, []string{"2 out_without_in", "1 missing_out"}},
		"of one instant, an in for a transfer ends what is open before another in begins": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T10:00:00Z", direction: in},
				{at: "2026-03-02T10:00:00Z", direction: in, kind: transfer}, {at: "2026-03-02T12:00:00Z", direction: out},
			}, []string{"1-3 7200s", "2-4 7200s", "3 missing_out"}},
		"of one instant, an out ends what is open before a transfer begins": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T10:00:00Z", direction: in, kind: transfer},
				{at: "2026-03-02T10:00:00Z", direction: out}, {at: "2026-03-02T12:00:00Z", direction: out},
			}, []string{"1-3 7200s", "2-4 7200s"}},
		"of one instant, the key of a meal counts before the plain one": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T12:00:00Z", direction: out, kind: meal},
			}, []string{"1-3 14400s", "2 out_without_in"}},
		"what is pressed twice in one instant is a repeat on either side of the change": {
			[]press{
				{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out},
				{at: "2026-03-02T12:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T16:00:00Z", direction: out},
			}, []string{"1-3 14400s", "2-6 14400s", "5 repeat", "4 repeat"}},
		"late punches are sorted in": {
			[]press{{at: "2026-03-02T12:00:00Z", direction: out}, {at: "2026-03-02T08:00:00Z", direction: in}}, []string{"2-1 14400s"}},
		"no punches, no hours": {nil, []string{}},
	} {
		t.Run(rule, func(t *testing.T) {
			if diff := cmp.Diff(c.then, told(hours.DefaultPairing().Pair(punchesOf(c.given)))); diff != "" {
				t.Errorf("(-then +got)\n%s", diff)
			}
		})
	}
}

func TestTheWorkDateIsTheLocalDateOfTheInAtItsSite(t *testing.T) {
	punches := punchesOf([]press{{at: "2026-03-01T16:30:00Z", direction: in}, {at: "2026-03-01T23:00:00Z", direction: out}})
	punches[0].OffsetSeconds, punches[1].OffsetSeconds = 8*3600, -8*3600
	if got := hours.DefaultPairing().Pair(punches).Intervals[0].WorkDate; got != "2026-03-02" {
		t.Errorf("work date %s, want 2026-03-02", got)
	}
}

// The elapsed minutes are the reference vectors of the mission's rules for work
// over a change of the clocks.
//
// promise: I14
func TestWorkOverAChangeOfTheClocksIsTheTimeThatPassed(t *testing.T) {
	for name, c := range map[string]struct {
		zone, start, end string // local
		minutes          int64
	}{
		"autumn night in New York is an hour longer":   {"America/New_York", "2026-10-31T23:00", "2026-11-01T07:30", 570},
		"spring night in New York is an hour shorter":  {"America/New_York", "2026-03-07T23:00", "2026-03-08T07:30", 450},
		"autumn night in Vancouver is an hour longer":  {"America/Vancouver", "2013-11-02T22:00", "2013-11-03T06:00", 540},
		"spring night in Vancouver is an hour shorter": {"America/Vancouver", "2013-03-09T22:00", "2013-03-10T06:00", 420},
		"no change of the clocks in Phoenix":           {"America/Phoenix", "2026-10-31T23:00", "2026-11-01T07:30", 510},
		"autumn on Lord Howe is half an hour longer":   {"Australia/Lord_Howe", "2026-04-04T22:00", "2026-04-05T06:00", 510},
		"spring morning in Berlin is an hour shorter":  {"Europe/Berlin", "2026-03-28T23:00", "2026-03-29T10:00", 600},
		"autumn morning in Berlin is an hour longer":   {"Europe/Berlin", "2026-10-24T23:00", "2026-10-25T09:00", 660},
	} {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			var punches []hours.Punch
			for i, local := range []string{c.start, c.end} {
				at, err := time.ParseInLocation("2006-01-02T15:04", local, zone)
				if err != nil {
					t.Fatal(err)
				}
				_, offset := at.Zone()
				punches = append(punches, hours.Punch{ID: uuid.UUID{byte(i)}, OccurredAt: at, OffsetSeconds: offset,
					Direction: []eventschema.Direction{in, out}[i], Kind: normal})
			}
			paired := hours.DefaultPairing().Pair(punches)
			if len(paired.Intervals) != 1 {
				t.Fatalf("%d intervals, want 1", len(paired.Intervals))
			}
			if got := paired.Intervals[0].Seconds(); got != c.minutes*60 {
				t.Errorf("%d seconds, want %d", got, c.minutes*60)
			}
			if got := paired.Intervals[0].WorkDate; got != c.start[:10] {
				t.Errorf("work date %s, want %s", got, c.start[:10])
			}
		})
	}
}

// drawPunches draws a history that is dense enough for repeats to chain and for
// many punches to share an instant.
func drawPunches(t *rapid.T) []hours.Punch {
	base := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	punches := make([]hours.Punch, rapid.IntRange(0, 40).Draw(t, "punches"))
	last := rapid.SampledFrom([]int{3, 8, 30}).Draw(t, "last")
	for i := range punches {
		unit := rapid.SampledFrom([]time.Duration{10 * time.Second, 10 * time.Second, time.Hour, 7 * time.Hour}).Draw(t, "unit")
		punches[i] = hours.Punch{
			ID: uuid.UUID{15: byte(i + 1)}, Kind: rapid.SampledFrom([]eventschema.PunchKind{normal, normal, overtime, transfer}).Draw(t, "kind"),
			OccurredAt: base.Add(time.Duration(rapid.IntRange(0, last).Draw(t, "at")) * unit),
			Direction:  rapid.SampledFrom([]eventschema.Direction{in, out}).Draw(t, "direction"),
		}
	}
	return punches
}

func TestTheOrderOfArrivalChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		punches := drawPunches(t)
		want := hours.DefaultPairing().Pair(slices.Clone(punches))
		shuffled := rapid.Permutation(punches).Draw(t, "shuffled")
		if diff := cmp.Diff(want, hours.DefaultPairing().Pair(slices.Clone(shuffled))); diff != "" {
			t.Fatalf("(-sorted +shuffled)\n%s", diff)
		}
		for i := range shuffled { // as other stations would have numbered them
			shuffled[i].ID = uuid.UUID{15: byte(i + 1)}
		}
		if diff := cmp.Diff(counted(want), counted(hours.DefaultPairing().Pair(shuffled))); diff != "" {
			t.Fatalf("(-sorted +with other ids)\n%s", diff)
		}
	})
}

// counted is what a pairing says, whichever of two like punches it says it of.
func counted(p hours.Pairing) []string {
	lines := []string{}
	for _, w := range p.Intervals {
		lines = append(lines, fmt.Sprint(w.Start, w.End, w.WorkDate, w.InKind, w.OutKind))
	}
	for _, e := range p.Exceptions {
		lines = append(lines, fmt.Sprint(e.Code, e.At, e.WorkDate))
	}
	slices.Sort(lines)
	return lines
}

func TestEveryPunchIsAccountedForOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		punches := drawPunches(t)
		seen := map[uuid.UUID]int{}
		paired := hours.DefaultPairing().Pair(slices.Clone(punches))
		for _, w := range paired.Intervals {
			seen[w.In]++
			seen[w.Out]++
			if !w.End.After(w.Start) || w.End.Sub(w.Start) > hours.DefaultPairing().Longest {
				t.Fatalf("interval from %s to %s", w.Start, w.End)
			}
		}
		for _, e := range paired.Exceptions {
			seen[e.Punch]++
		}
		for _, w := range paired.Intervals { // a transfer ends one interval and is itself accounted for by what it begins
			if slices.ContainsFunc(punches, func(p hours.Punch) bool { return p.ID == w.Out && p.Direction == in && p.Kind == transfer }) {
				seen[w.Out]--
			}
		}
		for _, p := range punches {
			if seen[p.ID] != 1 {
				t.Fatalf("punch %d is accounted for %d times", p.ID[15], seen[p.ID])
			}
		}
	})
}
