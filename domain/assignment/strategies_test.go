package assignment_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

func numbered(n int) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // small
}

func order(strategy eventschema.Strategy, candidates ...assignment.Candidate) []uuid.UUID {
	var works []uuid.UUID
	for _, standing := range assignment.Rank(strategy, shiftID, candidates) {
		works = append(works, standing.WorkID)
	}
	return works
}

// promise: OT-35
func TestWhomEachStrategyPutsFirst(t *testing.T) {
	for rule, c := range map[string]struct {
		strategy   eventschema.Strategy
		candidates []assignment.Candidate
		want       []uuid.UUID
	}{
		"the longest service": {eventschema.StrategySeniority, []assignment.Candidate{{WorkID: ada}, {WorkID: bob, Seniority: 7}, {WorkID: cleo, Seniority: 2}}, []uuid.UUID{cleo, bob, ada}},
		"whoever has waited longest, who never had one above all": {
			eventschema.StrategyRotation, []assignment.Candidate{{WorkID: ada, LastStart: start}, {WorkID: bob, LastStart: before}, {WorkID: cleo}}, []uuid.UUID{cleo, bob, ada},
		},
		"whoever has the least work, then the fewest shifts": {
			eventschema.StrategyFairness,
			[]assignment.Candidate{{WorkID: ada, Assigned: assignment.Share{Minutes: 480, Shifts: 2}}, {WorkID: bob, Assigned: assignment.Share{Minutes: 480, Shifts: 1}}, {WorkID: cleo, Assigned: assignment.Share{Minutes: 60, Shifts: 4}}},
			[]uuid.UUID{cleo, bob, ada},
		},
		"the highest bid, then the earliest": {
			eventschema.StrategyBidding,
			[]assignment.Candidate{{WorkID: ada, Points: 40, BidAt: start}, {WorkID: bob, Points: 40, BidAt: before}, {WorkID: cleo, Points: 41, BidAt: end}},
			[]uuid.UUID{cleo, bob, ada},
		},
	} {
		if got := order(c.strategy, c.candidates...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s orders %v, want %v", rule, c.strategy, got, c.want)
		}
	}
	for _, standing := range assignment.Rank(eventschema.StrategyRelease, shiftID, []assignment.Candidate{{WorkID: ada, Seniority: 1}, {WorkID: bob}}) {
		if standing.Rank != 1 {
			t.Errorf("a release to all puts somebody at %d", standing.Rank)
		}
	}
}

func drawCandidates(t *rapid.T) []assignment.Candidate {
	candidates := make([]assignment.Candidate, rapid.IntRange(1, 12).Draw(t, "people"))
	for i := range candidates {
		candidates[i] = assignment.Candidate{
			WorkID: numbered(i), Seniority: rapid.IntRange(0, 3).Draw(t, "seniority"), Points: rapid.IntRange(1, 3).Draw(t, "points"),
			Assigned:  assignment.Share{Minutes: int64(rapid.IntRange(0, 3).Draw(t, "minutes")), Shifts: int64(rapid.IntRange(0, 2).Draw(t, "shifts"))},
			LastStart: start.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "last")) * time.Hour), BidAt: before,
		}
	}
	return candidates
}

var strategies = []eventschema.Strategy{
	eventschema.StrategySeniority, eventschema.StrategyRotation, eventschema.StrategyFairness, eventschema.StrategyBidding, eventschema.StrategyRelease,
}

// promise: OT-35
func TestTheSamePeopleComeInTheSameOrderHoweverTheyAreNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := drawCandidates(t)
		shuffled := rapid.Permutation(candidates).Draw(t, "shuffled")
		for _, strategy := range strategies {
			want, got := assignment.Rank(strategy, shiftID, candidates), assignment.Rank(strategy, shiftID, shuffled)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s:\n%s", strategy, diff)
			}
			if len(want) != len(candidates) {
				t.Fatalf("%s orders %d of %d", strategy, len(want), len(candidates))
			}
		}
	})
}

// Shifts that are given to the first in the order of fairness, one after the
// other, leave nobody further from anybody else than the longest shift.
//
// promise: OT-35
func TestFairnessLeavesNobodyFurtherBehindThanOneShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := make([]assignment.Candidate, rapid.IntRange(2, 8).Draw(t, "people"))
		for i := range people {
			people[i].WorkID = numbered(i)
		}
		longest := int64(0)
		for n := range rapid.IntRange(1, 60).Draw(t, "shifts") {
			length := int64(rapid.IntRange(1, 16).Draw(t, "hours")) * 60
			longest = max(longest, length)
			give(people, eventschema.StrategyFairness, numbered(1000+n), length, start.Add(time.Duration(n)*time.Hour))
			least, most := people[0].Assigned.Minutes, people[0].Assigned.Minutes
			for _, p := range people {
				least, most = min(least, p.Assigned.Minutes), max(most, p.Assigned.Minutes)
			}
			if most-least > longest {
				t.Fatalf("%d minutes apart after shifts of at most %d", most-least, longest)
			}
		}
	})
}

func TestRotationGivesEverybodyOneBeforeAnybodyHasTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := make([]assignment.Candidate, rapid.IntRange(1, 10).Draw(t, "people"))
		for i := range people {
			people[i].WorkID = numbered(i)
		}
		for n := range 3 * len(people) {
			give(people, eventschema.StrategyRotation, numbered(1000+n), 60, start.Add(time.Duration(n)*time.Hour))
			for _, p := range people {
				if turn := int64(n / len(people)); p.Assigned.Shifts < turn || p.Assigned.Shifts > turn+1 {
					t.Fatalf("somebody has %d shifts after %d for %d people", p.Assigned.Shifts, n+1, len(people))
				}
			}
		}
	})
}

// give assigns a shift to whoever comes first.
func give(people []assignment.Candidate, strategy eventschema.Strategy, shift uuid.UUID, length int64, at time.Time) {
	first := assignment.Rank(strategy, shift, people)[0].WorkID
	for i := range people {
		if people[i].WorkID == first {
			people[i].Assigned.Minutes += length
			people[i].Assigned.Shifts++
			people[i].LastStart = at
		}
	}
}

// The lot decides between people who are alike, differently for each shift, and
// favours nobody: each of four is first in about a quarter of the draws.
func TestTheLotFavoursNobody(t *testing.T) {
	people, firsts := make([]assignment.Candidate, 4), map[uuid.UUID]int{}
	for i := range people {
		people[i].WorkID = numbered(i)
	}
	const draws = 4000
	for n := range draws {
		firsts[assignment.Rank(eventschema.StrategySeniority, numbered(5000+n), people)[0].WorkID]++
	}
	for _, p := range people {
		if n := firsts[p.WorkID]; n < draws/5 || n > draws*3/10 {
			t.Errorf("one of four is first in %d of %d draws", n, draws)
		}
	}
}
