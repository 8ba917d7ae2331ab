package hours_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/hours"
)

// results keys every conclusion by the instant at which it begins.
func results(punches []hours.Punch) map[uuid.UUID]string {
	byPunch := map[uuid.UUID]string{}
	paired := hours.DefaultPairing().Pair(slices.Clone(punches))
	for _, w := range paired.Intervals {
		byPunch[w.In] = told(hours.Pairing{Intervals: []hours.WorkInterval{w}})[0]
	}
	for _, e := range paired.Exceptions {
		byPunch[e.Punch] = string(e.Code)
	}
	return byPunch
}

// What changes between two histories lies inside the window, and pairing the
// window alone tells what comes out there.
func TestAChangeOfPunchesChangesNothingOutsideItsWindow(t *testing.T) {
	rule := hours.DefaultPairing()
	rapid.Check(t, func(t *rapid.T) {
		after := drawPunches(t)
		if len(after) == 0 {
			return
		}
		slices.SortFunc(after, func(a, b hours.Punch) int { return a.OccurredAt.Compare(b.OccurredAt) })
		from := rapid.IntRange(0, len(after)-1).Draw(t, "from")
		to := rapid.IntRange(from, min(from+3, len(after)-1)).Draw(t, "to")
		lo, hi := after[from].OccurredAt, after[to].OccurredAt
		var before []hours.Punch // some of the punches from lo to hi were not there
		for _, p := range after {
			if p.OccurredAt.Before(lo) || p.OccurredAt.After(hi) || rapid.Bool().Draw(t, "kept") {
				before = append(before, p)
			}
		}
		if rapid.Bool().Draw(t, "taken away") {
			before, after = after, before
		}
		window, ok := rule.Window(slices.Clone(after), lo, hi, [2]bool{true, true})
		if !ok {
			t.Fatal("no window in a whole history")
		}
		inside := func(at time.Time) bool {
			return (window.From.IsZero() || !at.Before(window.From)) && (window.To.IsZero() || at.Before(window.To))
		}
		was, is, alone := results(before), results(after), results(window.Punches)
		for _, p := range after {
			if inside(p.OccurredAt) {
				if is[p.ID] != alone[p.ID] {
					t.Fatalf("punch %d is %q, and %q in its window", p.ID[15], is[p.ID], alone[p.ID])
				}
			} else if was[p.ID] != is[p.ID] {
				t.Fatalf("punch %d outside of the window was %q and is %q", p.ID[15], was[p.ID], is[p.ID])
			}
		}
		for _, p := range before {
			if !inside(p.OccurredAt) && was[p.ID] != is[p.ID] {
				t.Fatalf("punch %d outside of the window was %q and is %q", p.ID[15], was[p.ID], is[p.ID])
			}
		}
	})
}

func TestAWindowIsRefusedWhereTheEdgeIsNotInSight(t *testing.T) {
	punches := punchesOf([]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}})
	rule := hours.DefaultPairing()
	at := punches[1].OccurredAt
	if _, ok := rule.Window(slices.Clone(punches), at, at, [2]bool{false, true}); ok {
		t.Error("a window begins at a punch whose predecessor is unknown")
	}
	if _, ok := rule.Window(slices.Clone(punches), at, at, [2]bool{true, false}); ok {
		t.Error("a window ends without an edge though more punches follow")
	}
	if _, ok := rule.Window(slices.Clone(punches), at, at, [2]bool{true, true}); !ok {
		t.Error("no window in a whole history")
	}
}

func TestTheLastCountedPunchIsTheSameFromAnyTailThatTells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		punches := drawPunches(t)
		want, found, known := hours.DefaultPairing().LastCounted(slices.Clone(punches), true)
		if !known || found != (len(punches) > 0) {
			t.Fatalf("found %v, known %v in %d punches", found, known, len(punches))
		}
		repeats := map[uuid.UUID]bool{}
		for _, e := range hours.DefaultPairing().Pair(punches).Exceptions { // which puts them in order
			repeats[e.Punch] = e.Code == hours.RepeatPunch
		}
		for i := len(punches) - 1; i >= 0; i-- {
			if !repeats[punches[i].ID] {
				if want.ID != punches[i].ID {
					t.Fatalf("last counted is %d, pairing counts %d", want.ID[15], punches[i].ID[15])
				}
				break
			}
		}
		from := rapid.IntRange(0, len(punches)).Draw(t, "tail")
		for from > 0 && from < len(punches) && punches[from].OccurredAt.Equal(punches[from-1].OccurredAt) {
			from--
		}
		tail := punches[from:]
		if got, _, known := hours.DefaultPairing().LastCounted(slices.Clone(tail), len(tail) == len(punches)); known && got.ID != want.ID {
			t.Fatalf("tail says %d, all say %d", got.ID[15], want.ID[15])
		}
	})
}

// What is exactly as long as the rule allows still belongs together: no edge lies there.
func TestNoEdgeLiesWhereTheRuleStillHolds(t *testing.T) {
	rule := hours.DefaultPairing()
	longest := punchesOf([]press{{at: "2026-03-02T00:00:00Z", direction: in}, {at: "2026-03-02T16:00:00Z", direction: out}, {at: "2026-03-04T08:00:00Z", direction: in}})
	at := longest[0].OccurredAt
	if w, ok := rule.Window(slices.Clone(longest), at, at, [2]bool{true, true}); !ok || len(w.Punches) != 2 || !w.To.Equal(longest[2].OccurredAt) {
		t.Errorf("the out of sixteen hours is outside: %+v, %v", w, ok)
	}
	twice := punchesOf([]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T08:01:00Z", direction: in}})
	if last, _, known := rule.LastCounted(slices.Clone(twice), false); known {
		t.Errorf("whether %d repeats one before is not to be seen", last.ID[15])
	}
	if last, _, known := rule.LastCounted(slices.Clone(twice), true); !known || last.ID != twice[0].ID {
		t.Errorf("a repeat counts: %d", last.ID[15])
	}
}
