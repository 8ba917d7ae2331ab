package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/postgres"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// These tests hold what people and their payroll rely on: hours do not depend on
// the order in which punches arrive, nor on how often they do, and a correction
// that is taken back leaves no trace in them.

// pressed is one punch of a drawn history. Its place there is in its id.
type pressed struct {
	n         int
	at        time.Time
	direction eventschema.Direction
	kind      eventschema.PunchKind
}

// drawPressed draws punches of which many share an instant, and many are within
// the minute of a repeat.
func drawPressed(rt *rapid.T) []pressed {
	base := clock("2026-03-02T08:00:00Z")
	all := make([]pressed, rapid.IntRange(2, 30).Draw(rt, "punches"))
	unit := rapid.SampledFrom([]time.Duration{20 * time.Second, 4 * time.Hour, 9 * time.Hour}).Draw(rt, "unit")
	for n := range all {
		all[n] = pressed{
			n: n, at: base.Add(time.Duration(rapid.IntRange(0, 6).Draw(rt, "at")) * unit),
			direction: rapid.SampledFrom([]eventschema.Direction{in, out}).Draw(rt, "direction"),
			kind:      rapid.SampledFrom([]eventschema.PunchKind{normal, normal, eventschema.KindMeal, eventschema.KindTransfer}).Draw(rt, "kind"),
		}
	}
	return all
}

// worker is somebody new, whose punches are recorded in one log with all others.
type worker struct {
	h      *history
	models *postgres.ReadModels
	work   uuid.UUID
}

func newWorker(h *history, models *postgres.ReadModels) worker {
	return worker{h, models, id("worker", len(h.log))}
}

// punch keeps the order of the numbers in the ids.
func (w worker) punch(n int) uuid.UUID {
	punch := w.work
	punch[0], punch[1] = 0, byte(n)
	return punch
}

func (w worker) record(p pressed) { w.h.punch(w.work, w.punch(p.n), p.at, p.direction, p.kind) }

// arrive records punches as they come, in pages of any size.
func (w worker) arrive(rt *rapid.T, t *testing.T, all []pressed) {
	for len(all) > 0 {
		n := rapid.IntRange(1, min(8, len(all))).Draw(rt, "page")
		from := len(w.h.log)
		for _, p := range all[:n] {
			w.record(p)
		}
		apply(t, w.models, w.h.log[from:])
		all = all[n:]
	}
}

// hours tells what the read models know of the time worked.
func (w worker) hours(t *testing.T) []string {
	t.Helper()
	days, now := projections.Days{Works: []uuid.UUID{w.work}, From: "2026-01-01", To: "2026-12-31"}, clock("2026-12-31T00:00:00Z")
	lines := []string{}
	if err := projections.EachPaired(t.Context(), w.models.Querier(), w.h.tenant, days, func(_ uuid.UUID, intervals []projections.PairedInterval) error {
		for _, i := range intervals {
			lines = append(lines, fmt.Sprintf("%d %s-%d %s %ds from %s", i.In[1], i.InKind, i.Out[1], i.OutKind, i.Seconds, i.Start))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	exceptions, err := projections.ExceptionsOf(t.Context(), w.models.Querier(), w.h.tenant, days, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exceptions {
		lines = append(lines, fmt.Sprintf("%d %s at %s", e.Punch[1], e.Code, e.At))
	}
	slices.Sort(lines)
	return lines
}

// whole tells what the rule says of all punches at once.
func (w worker) whole(all []pressed) []string {
	punches := make([]hours.Punch, len(all))
	for i, p := range all {
		punches[i] = hours.Punch{ID: w.punch(p.n), OccurredAt: p.at, OffsetSeconds: 8 * 3600, Direction: p.direction, Kind: p.kind}
	}
	lines := []string{}
	paired := hours.DefaultPairing().Pair(punches)
	for _, i := range paired.Intervals {
		lines = append(lines, fmt.Sprintf("%d %s-%d %s %ds from %s", i.In[1], i.InKind, i.Out[1], i.OutKind, i.Seconds(), i.Start))
	}
	for _, e := range paired.Exceptions {
		lines = append(lines, fmt.Sprintf("%d %s at %s", e.Punch[1], e.Code, e.At))
	}
	slices.Sort(lines)
	return lines
}

func TestHoursDoNotDependOnTheOrderInWhichPunchesArriveNorOnHowOften(t *testing.T) {
	h, models := newHistory(t), open(t)
	rapid.Check(t, func(rt *rapid.T) {
		for range 8 {
			all := drawPressed(rt)
			arriving := rapid.Permutation(all).Draw(rt, "order")
			if rapid.Bool().Draw(rt, "as it happened") {
				slices.SortStableFunc(arriving, func(a, b pressed) int { return a.at.Compare(b.at) })
			}
			w := newWorker(h, models)
			w.arrive(rt, t, arriving)
			if diff := cmp.Diff(w.whole(all), w.hours(t)); diff != "" {
				rt.Fatalf("as they arrived (-at once +in pages):\n%s", diff)
			}
			w.arrive(rt, t, rapid.Permutation(all).Draw(rt, "order of the second time"))
			if diff := cmp.Diff(w.whole(all), w.hours(t)); diff != "" {
				rt.Fatalf("after they arrived again (-at once +in pages):\n%s", diff)
			}
		}
	})
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("a rebuild differs in %d rows, %v", len(found), err)
	}
}

func TestACorrectionAndItsReversalRestoreTheHours(t *testing.T) {
	h, models := newHistory(t), open(t)
	rapid.Check(t, func(rt *rapid.T) {
		all := drawPressed(rt)
		w := newWorker(h, models)
		w.arrive(rt, t, all)
		before := w.hours(t)
		corrected, from := slices.Clone(all), len(h.log)
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(all)-1), 1, 3, rapid.ID).Draw(rt, "corrected") {
			p := &corrected[n]
			p.at, p.direction = rapid.SampledFrom(all).Draw(rt, "instant").at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "beside"))*time.Minute), in
			p.kind = rapid.SampledFrom([]eventschema.PunchKind{normal, eventschema.KindBreak}).Draw(rt, "kind")
			void := rapid.Bool().Draw(rt, "void")
			h.correct(w.work, w.punch(n), eventschema.PunchCorrected{Void: void, OccurredAt: p.at, OffsetSeconds: 8 * 3600, Direction: p.direction, Kind: p.kind})
			if void {
				p.n = -1
			}
		}
		apply(t, models, h.log[from:])
		standing := slices.DeleteFunc(slices.Clone(corrected), func(p pressed) bool { return p.n < 0 })
		if diff := cmp.Diff(w.whole(standing), w.hours(t)); diff != "" {
			rt.Fatalf("corrected (-at once +corrected):\n%s", diff)
		}
		for n, p := range all {
			if corrected[n] != p {
				from := len(h.log)
				h.correct(w.work, w.punch(n), eventschema.PunchCorrected{OccurredAt: p.at, OffsetSeconds: 8 * 3600, Direction: p.direction, Kind: p.kind})
				apply(t, models, h.log[from:])
			}
		}
		if diff := cmp.Diff(before, w.hours(t)); diff != "" {
			rt.Fatalf("taken back (-before +after):\n%s", diff)
		}
	})
}

// Five people press out for a break in turn at one reader of one badge, after the
// badge was held in: more of an instant than is read at first. Whether somebody is
// in after it depends on all of it.
func TestAnInstantIsReadWholeHoweverManyPunchesItHas(t *testing.T) {
	for rule, then := range map[string]time.Duration{"looking back": 3 * time.Hour, "looking ahead": -time.Hour} {
		t.Run(rule, func(t *testing.T) {
			h, models := newHistory(t), open(t)
			w, noon := newWorker(h, models), clock("2026-03-02T12:00:00Z")
			all := []pressed{{1, noon.Add(-4 * time.Hour), in, normal}, {2, noon, in, normal}}
			for n, kind := range []eventschema.PunchKind{normal, eventschema.KindMeal, eventschema.KindBreak, eventschema.KindOvertime, eventschema.KindTransfer} {
				all = append(all, pressed{3 + n, noon, out, kind})
			}
			all = append(all, pressed{9, noon.Add(4 * time.Hour), out, normal})
			for _, p := range all {
				w.record(p)
			}
			apply(t, models, h.log)
			late, from := pressed{10, noon.Add(then), out, normal}, len(h.log)
			w.record(late)
			apply(t, models, h.log[from:])
			if diff := cmp.Diff(w.whole(append(all, late)), w.hours(t)); diff != "" {
				t.Errorf("(-at once +in pages)\n%s", diff)
			}
		})
	}
}
