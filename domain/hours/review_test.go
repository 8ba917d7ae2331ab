package hours_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// said writes findings as "wrong_key medium 1 2".
func said(findings []hours.Finding) []string {
	lines := []string{}
	for _, f := range findings {
		line := fmt.Sprintf("%s %s", f.Code, f.Severity)
		for _, p := range f.Punches {
			line += fmt.Sprintf(" %d", p[15])
		}
		lines = append(lines, line)
	}
	return lines
}

func TestReview(t *testing.T) {
	const day = "2026-03-02T"
	for rule, c := range map[string]struct {
		given []press
		now   string
		then  []string
	}{
		"a whole day with a meal is in order": {
			[]press{
				{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal},
				{at: day + "12:30:00Z", direction: in, kind: meal}, {at: day + "16:30:00Z", direction: out},
			}, "2026-03-09T00:00:00Z", []string{}},
		"an out is missing only after the longest shift": {
			[]press{{at: day + "08:00:00Z", direction: in}}, "2026-03-02T23:59:59Z", []string{}},
		"and then it is": {
			[]press{{at: day + "08:00:00Z", direction: in}}, "2026-03-03T00:00:00Z", []string{"missing_out high 1"}},
		"an out without an in is said at once": {
			[]press{{at: day + "08:00:00Z", direction: out}}, day + "08:00:00Z", []string{"out_without_in high 1"}},
		"two ins in a row may be a wrong key": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: in}, {at: day + "16:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"missing_out high 1", "wrong_key medium 1 2"}},
		"two outs in a row may be one": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out}, {at: day + "16:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"out_without_in high 3", "wrong_key medium 2 3"}},
		"ins of two days are none": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: "2026-03-03T08:00:00Z", direction: in}, {at: "2026-03-03T16:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"missing_out high 1"}},
		"an out and then its in were exchanged": {
			[]press{{at: day + "08:00:00Z", direction: out}, {at: day + "16:00:00Z", direction: in}},
			"2026-03-09T00:00:00Z", []string{"out_without_in high 1", "out_before_in high 1 2", "missing_out high 2"}},
		"in and out of one instant, and nothing else, are named together": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "08:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"out_without_in high 2", "missing_out high 1", "out_before_in high 2 1"}},
		"an out that has no in is not the key of an in of the same instant": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "08:00:00Z", direction: out}, {at: day + "16:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"out_without_in high 2"}},
		"twelve hours are not long": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "20:00:00Z", direction: out}}, "2026-03-09T00:00:00Z", []string{}},
		"a second more is": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "20:00:01Z", direction: out}}, "2026-03-09T00:00:00Z", []string{"long_interval medium 1 2"}},
		"a meal of 29 minutes is short": {
			[]press{
				{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal},
				{at: day + "12:29:00Z", direction: in, kind: meal}, {at: day + "16:30:00Z", direction: out},
			}, "2026-03-09T00:00:00Z", []string{"short_meal medium 2 3"}},
		"a meal without an end is said after two hours": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal}}, day + "14:00:00Z", []string{"missing_meal_end medium 2"}},
		"and not before": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal}}, day + "13:59:59Z", []string{}},
		"a repeat is of little weight": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "08:00:30Z", direction: in}, {at: day + "12:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"repeat low 2"}},
		"a meal of exactly two hours has its end": {
			[]press{
				{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal},
				{at: day + "14:00:00Z", direction: in, kind: meal}, {at: day + "16:30:00Z", direction: out},
			}, "2026-03-09T00:00:00Z", []string{}},
		"one of a second more has none": {
			[]press{
				{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: out, kind: meal},
				{at: day + "14:00:01Z", direction: in, kind: meal}, {at: day + "16:30:00Z", direction: out},
			}, "2026-03-09T00:00:00Z", []string{"missing_meal_end medium 2"}},
		"two ins sixteen hours apart may be a wrong key": {
			[]press{{at: day + "00:00:00Z", direction: in}, {at: day + "16:00:00Z", direction: in}, {at: day + "18:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"missing_out high 1", "wrong_key medium 1 2"}},
		"two ins of a second more are two days": {
			[]press{{at: day + "00:00:00Z", direction: in}, {at: day + "16:00:01Z", direction: in}, {at: day + "18:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{"missing_out high 1"}},
		"a transfer is in order": {
			[]press{{at: day + "08:00:00Z", direction: in}, {at: day + "12:00:00Z", direction: in, kind: transfer}, {at: day + "16:00:00Z", direction: out}},
			"2026-03-09T00:00:00Z", []string{}},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.then, said(hours.DefaultReview().Review(hours.DefaultPairing().Pair(punchesOf(c.given)), now))); diff != "" {
			t.Errorf("%s (-then +got)\n%s", rule, diff)
		}
	}
}

func TestAReviewNamesPunchesThatAreThereAndInventsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		punches := drawPunches(t)
		known := map[string]eventschema.Direction{}
		for _, p := range punches {
			known[p.ID.String()] = p.Direction
		}
		for _, f := range hours.DefaultReview().Review(hours.DefaultPairing().Pair(slices.Clone(punches)), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
			if len(f.Punches) == 0 || f.Severity == "" {
				t.Fatalf("%+v", f)
			}
			for _, p := range f.Punches {
				if _, there := known[p.String()]; !there {
					t.Fatalf("%+v", f)
				}
			}
		}
	})
}
