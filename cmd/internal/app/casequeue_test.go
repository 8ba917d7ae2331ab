package app

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestTheQueueOfCases(t *testing.T) {
	one, other := uuid.New(), uuid.New()
	take := func(t *testing.T, q *caseQueue, want uuid.UUID) {
		t.Helper()
		if got, ok := q.take(t.Context()); !ok || got != want {
			t.Errorf("took %s (%t), want %s", got, ok, want)
		}
	}
	nothing := func(t *testing.T, q *caseQueue) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got, ok := q.take(ctx); ok {
			t.Errorf("took %s, want nothing", got)
		}
	}
	for rule, run := range map[string]func(*testing.T, *caseQueue){
		"each case waits once": func(t *testing.T, q *caseQueue) {
			q.add(one, other, one)
			take(t, q, one)
			take(t, q, other)
			nothing(t, q)
		},
		"a case that is taken is taken by nobody else, and its news bring it back": func(t *testing.T, q *caseQueue) {
			q.add(one)
			take(t, q, one)
			q.add(one)
			nothing(t, q)
			q.give(one, false)
			take(t, q, one)
			q.give(one, false)
			nothing(t, q)
		},
		"a case that failed comes again after longer and longer, up to ten seconds": func(t *testing.T, q *caseQueue) {
			q.add(one)
			last := time.Duration(0)
			for range 12 {
				take(t, q, one)
				begun := time.Now()
				pause := q.give(one, true)
				if pause < last || pause > 10*time.Second || q.stuck() != 1 {
					t.Errorf("a pause of %s after one of %s, %d stuck", pause, last, q.stuck())
				}
				last = pause
				for q.waits() == 0 {
					time.Sleep(time.Millisecond)
				}
				if waited := time.Since(begun); waited < pause {
					t.Errorf("came after %s, want %s", waited, pause)
				}
			}
			if last != 10*time.Second {
				t.Errorf("the longest pause is %s", last)
			}
			take(t, q, one)
			q.give(one, false)
			if q.stuck() != 0 {
				t.Error("a case that went on counts as stuck")
			}
		},
	} {
		t.Run(rule, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { run(t, newCaseQueue()) }) })
	}
}

// However cases come and go, none is at two workers and no news is lost.
func TestNoCaseIsLostAndNoneIsTakenTwice(t *testing.T) {
	cases := []uuid.UUID{{1}, {2}, {3}}
	rapid.Check(t, func(t *rapid.T) {
		q := newCaseQueue()
		var taken []uuid.UUID
		news := map[uuid.UUID]bool{} // that nobody has looked at
		t.Repeat(map[string]func(*rapid.T){
			"news": func(t *rapid.T) {
				id := rapid.SampledFrom(cases).Draw(t, "case")
				q.add(id)
				news[id] = true
			},
			"take": func(t *rapid.T) {
				if q.waits() == 0 {
					t.Skip()
				}
				id, _ := q.take(context.Background())
				if slices.Contains(taken, id) {
					t.Fatalf("%s is at two workers", id)
				}
				taken, news[id] = append(taken, id), false
			},
			"give": func(t *rapid.T) {
				if len(taken) == 0 {
					t.Skip()
				}
				id := taken[0]
				taken = taken[1:]
				q.give(id, false)
			},
			"": func(t *rapid.T) {
				for id, waits := range news {
					if waits && !slices.Contains(taken, id) && !slices.Contains(q.waiting, id) {
						t.Fatalf("the news of %s are lost", id)
					}
				}
			},
		})
	})
}

func (q *caseQueue) waits() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
