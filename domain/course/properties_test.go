package course_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tracekeep/domain/course"
)

// The rows of a roster come in any order and every night: stretches that do not overlap
// are each kept, whatever order they are told in, and told again they change nothing.
func TestStretchesCountTheSameInAnyOrderAndAnyNumberOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		later := func(least int) string {
			day = day.AddDate(0, 0, rapid.IntRange(least, 40).Draw(t, "days"))
			return day.Format(time.DateOnly)
		}
		n := rapid.IntRange(1, 6).Draw(t, "stretches")
		rows := make([]course.Enrol, n)
		for i := range rows {
			rows[i] = enrol
			rows[i].BeginsOn, rows[i].EndsOn = later(0), later(1) // one may begin on the day on which another ends
		}
		if rapid.Bool().Draw(t, "still there") {
			rows[n-1].EndsOn = ""
		}
		decider := course.Enrolments()
		state := decider.Initial()
		for night := range 3 {
			for _, row := range rapid.Permutation(rows).Draw(t, "order") {
				events, err := decider.Decide(state, row)
				if err != nil || night > 0 && len(events) > 0 {
					t.Fatalf("night %d: %d events, %v", night, len(events), err)
				}
				for _, event := range events {
					state = decider.Evolve(state, event)
				}
			}
		}
		if len(state) != n {
			t.Fatalf("%d stretches, want %d: %+v", len(state), n, state)
		}
		for _, row := range rows {
			if !slices.ContainsFunc(state, func(e course.Enrolment) bool { return e.BeginsOn == row.BeginsOn && e.EndsOn == row.EndsOn }) {
				t.Fatalf("the stretch from %s to %s is not there: %+v", row.BeginsOn, row.EndsOn, state)
			}
			if !state.Student(class, row.BeginsOn) {
				t.Fatalf("not there on %s", row.BeginsOn)
			}
		}
	})
}
