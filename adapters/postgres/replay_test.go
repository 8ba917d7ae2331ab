package postgres_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/adapters/postgres"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// after reads a log as an event store does.
func (h *history) after(position uint64) postgres.Log {
	from, _ := slices.BinarySearchFunc(h.log, position+1, func(e eventschema.Recorded, p uint64) int {
		if e.Position < p {
			return -1
		}
		return 1
	})
	return logOf(h.log[from:])
}

// replay opens a moment and closes it behind the test.
func replay(tb testing.TB, models *postgres.ReadModels, h *history, m projections.Moment) *postgres.World {
	tb.Helper()
	world, err := models.Replay(tb.Context(), m, h.after, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(world.Close)
	return world
}

// The world at a moment is what the plainest reading of the log says: take what
// was recorded by then, let corrections say when each punch counts, keep what
// was the case by then.
//
// promise: I4
func TestTheWorldAtAMomentIsWhatAFoldOfTheLogSays(t *testing.T) {
	models := openAt(t, postgres.Config{URL: pgtest.Database(t), LoadPage: 7})
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt, t)
		for range 2 {
			m := projections.Moment{KnownAt: drawKnown(rt, h), AsOf: drawAsOf(rt, h)}
			world, err := models.Replay(t.Context(), m, h.after, nil)
			if err != nil {
				rt.Fatal(err)
			}
			want, got := foldAt(rt, h, m), told(rt, t, world.Querier(), h, m)
			world.Close()
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("as of %s, known at %s (-fold +replay):\n%s", m.AsOf, m.KnownAt, diff)
			}
			if err := models.DropReplay(t.Context(), world.ID); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func drawKnown(rt *rapid.T, h *history) time.Time {
	if rapid.IntRange(0, 4).Draw(rt, "everything is known") == 0 {
		return time.Time{}
	}
	return rapid.SampledFrom(h.log).Draw(rt, "known at the time of").Created
}

// drawAsOf takes the instants at which something happens, because the edges are
// there.
func drawAsOf(rt *rapid.T, h *history) time.Time {
	var instants []time.Time
	for _, d := range h.decoded() {
		switch e := d.Event.(type) {
		case *eventschema.PunchRecorded:
			instants = append(instants, e.OccurredAt)
		case *eventschema.PunchCorrected:
			instants = append(instants, e.OccurredAt)
		case *eventschema.ConsentWithdrawn:
			instants = append(instants, e.WithdrawnAt)
		case *eventschema.HoursDeclared:
			instants = append(instants, e.DayEnds)
		}
	}
	instants = append(instants, clock("2026-03-02T12:00:00Z"))
	at := rapid.SampledFrom(instants).Draw(rt, "as of")
	if at.IsZero() { // of a correction that voids
		return at
	}
	return at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "beside it")) * time.Microsecond)
}

func (h *history) decoded() []eventschema.Decoded {
	var all []eventschema.Decoded
	for _, e := range h.log {
		if e.Type[0] == '$' {
			continue
		}
		d, err := h.registry.Decode(e)
		if err != nil {
			h.tb.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// foldAt tells the world at a moment in lines, from the log alone.
func foldAt(rt *rapid.T, h *history, m projections.Moment) []string {
	type counted struct {
		hours.Punch
		work   uuid.UUID
		voided bool
		fixes  []string
	}
	punches, consents := map[uuid.UUID]*counted{}, map[uuid.UUID]*[2]string{}
	declared, amended := map[uuid.UUID]*eventschema.HoursDeclared{}, map[uuid.UUID]*eventschema.DeclarationCorrected{}
	by := func(at time.Time) bool { return m.AsOf.IsZero() || !at.After(m.AsOf) }
	for _, d := range h.decoded() {
		if !m.KnownAt.IsZero() && d.Created.After(m.KnownAt) {
			continue
		}
		switch e := d.Event.(type) {
		case *eventschema.PunchRecorded:
			if punches[e.PunchID] == nil {
				punches[e.PunchID] = &counted{work: e.WorkID, Punch: hours.Punch{ID: e.PunchID, OccurredAt: e.OccurredAt.UTC(), OffsetSeconds: e.OffsetSeconds,
					Direction: e.Direction, Kind: e.Kind, Job: e.Job}}
			}
		case *eventschema.PunchCorrected:
			p := punches[e.PunchID]
			if p == nil {
				continue
			}
			p.fixes = append(p.fixes, fmt.Sprint("correction ", d.Position))
			if p.work != e.WorkID {
				continue
			}
			if p.voided = e.Void; !e.Void {
				p.OccurredAt, p.OffsetSeconds, p.Direction, p.Kind = e.OccurredAt.UTC(), e.OffsetSeconds, e.Direction, e.Kind
				if e.Job != nil {
					p.Job = *e.Job
				}
			}
		case *eventschema.HoursDeclared:
			if by(e.DayEnds) {
				declared[e.DeclarationID] = e
			}
		case *eventschema.DeclarationCorrected:
			amended[e.DeclarationID] = e
		case *eventschema.ConsentGiven:
			if by(e.GivenAt) {
				consents[e.WorkID] = &[2]string{e.GivenAt.UTC().String()}
			}
		case *eventschema.ConsentWithdrawn:
			if by(e.WithdrawnAt) {
				if consents[e.WorkID] == nil {
					consents[e.WorkID] = new([2]string)
				}
				consents[e.WorkID][1] = e.WithdrawnAt.UTC().String()
			}
		}
	}
	lines, byWork := []string{}, map[uuid.UUID][]hours.Punch{}
	for _, p := range punches {
		if !by(p.OccurredAt) {
			continue
		}
		lines = append(lines, fmt.Sprint("punch ", p.ID, p.work, p.OccurredAt, p.OffsetSeconds, p.Direction, p.Kind, p.Job, p.voided, p.fixes))
		if !p.voided && p.Kind != eventschema.KindVisit {
			byWork[p.work] = append(byWork[p.work], p.Punch)
		}
	}
	for work, c := range consents {
		lines = append(lines, fmt.Sprint("consent ", work, c[0], c[1]))
	}
	sums := daySums{}
	for _, d := range declared {
		if c := amended[d.DeclarationID]; c == nil {
			sums.add(d.WorkID, d.WorkDate, d.Seconds, d.Seconds, 0)
		} else if !c.Void {
			sums.add(d.WorkID, d.WorkDate, c.Seconds, c.Seconds, 0)
		}
	}
	lines = append(lines, pairedLines(byWork, sums, worldClock(m))...)
	for day, sum := range sums {
		lines = append(lines, dayLine(day.work, day.date, sum[0], sum[1], sum[2]))
	}
	slices.Sort(lines)
	return lines
}

// daySums are the seconds of each day, how many of them were declared, and the
// intervals.
type daySums map[struct {
	work uuid.UUID
	date string
}][3]int64

func (s daySums) add(work uuid.UUID, date string, seconds, declared, intervals int64) {
	key := struct {
		work uuid.UUID
		date string
	}{work, date}
	sum := s[key]
	s[key] = [3]int64{sum[0] + seconds, sum[1] + declared, sum[2] + intervals}
}

// worldClock is the now of a moment.
func worldClock(m projections.Moment) time.Time {
	if m.AsOf.IsZero() {
		return clock("2028-01-01T00:00:00Z")
	}
	return m.AsOf
}

func pairedLines(byWork map[uuid.UUID][]hours.Punch, sums daySums, now time.Time) []string {
	var lines []string
	rule := hours.DefaultPairing()
	for work, punches := range byWork {
		last, _, _ := rule.LastCounted(punches, true)
		waiting := last.Direction == in && now.Sub(last.OccurredAt) <= rule.Longest
		if waiting {
			lines = append(lines, fmt.Sprint("in ", work, last.OccurredAt.UTC()))
		}
		paired := rule.Pair(punches)
		for _, w := range paired.Intervals {
			lines = append(lines, fmt.Sprint("interval ", work, w.In, w.Out, w.Start.UTC(), w.End.UTC(), w.WorkDate, w.Seconds(), w.Job))
			sums.add(work, w.WorkDate, w.Seconds(), 0, 1)
		}
		for _, e := range paired.Exceptions {
			if e.Punch != last.ID || e.Code != hours.MissingOut || !waiting {
				lines = append(lines, fmt.Sprint("exception ", work, e.Punch, e.Code, e.At.UTC(), e.WorkDate))
			}
		}
	}
	return lines
}

func dayLine(work uuid.UUID, date string, seconds, declared, intervals int64) string {
	return fmt.Sprintf("day %s %s: %d s, %d s declared, the others in %d", work, date, seconds, declared, intervals)
}

// told tells the same from the read models of the moment.
func told(rt *rapid.T, t *testing.T, q projections.Querier, h *history, m projections.Moment) []string {
	lines := []string{}
	days, now := projections.Days{From: "2000-01-01", To: "2100-01-01"}, worldClock(m)
	fail := func(err error) {
		if err != nil {
			rt.Fatal(err)
		}
	}
	for n := 1; n <= 3; n++ {
		work := id("work", n)
		punches, err := projections.PunchesOf(t.Context(), q, h.tenant, work, time.Time{}, time.Time{}, 1000)
		fail(err)
		for _, p := range punches {
			fixes, err := projections.CorrectionsOf(t.Context(), q, h.tenant, p.ID)
			fail(err)
			var positions []string
			for _, c := range fixes {
				positions = append(positions, fmt.Sprint("correction ", c.Position))
			}
			lines = append(lines, fmt.Sprint("punch ", p.ID, p.WorkID, p.Counts.OccurredAt, p.Counts.OffsetSeconds, p.Counts.Direction, p.Counts.Kind, p.Counts.Job, p.Voided, positions))
		}
		consents, err := projections.ConsentsOf(t.Context(), q, h.tenant, work)
		fail(err)
		for _, c := range consents {
			var given, withdrawn string
			if c.GivenAt != nil {
				given = c.GivenAt.String()
			}
			if c.WithdrawnAt != nil {
				withdrawn = c.WithdrawnAt.String()
			}
			lines = append(lines, fmt.Sprint("consent ", work, given, withdrawn))
		}
	}
	present, err := projections.WhoIsIn(t.Context(), q, h.tenant, now)
	fail(err)
	for _, p := range present {
		lines = append(lines, fmt.Sprint("in ", p.WorkID, p.Since))
	}
	intervals, err := projections.IntervalsOf(t.Context(), q, h.tenant, days)
	fail(err)
	for _, w := range intervals {
		lines = append(lines, fmt.Sprint("interval ", w.WorkID, w.In, w.Out, w.Start, w.End, w.WorkDate, w.Seconds, w.Job))
	}
	sums, err := projections.HoursByDay(t.Context(), q, h.tenant, days)
	fail(err)
	for _, d := range sums {
		lines = append(lines, dayLine(d.WorkID, d.WorkDate, d.Seconds, d.Declared, int64(d.Intervals)))
	}
	exceptions, err := projections.ExceptionsOf(t.Context(), q, h.tenant, days, now)
	fail(err)
	for _, e := range exceptions {
		lines = append(lines, fmt.Sprint("exception ", e.WorkID, e.Punch, e.Code, e.At, e.WorkDate))
	}
	slices.Sort(lines)
	return lines
}

// A replay is made once. What is appended later changes it only where it was
// known by the moment.
func TestAReplayIsKeptUntilTheLogTellsMoreOfItsMoment(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	models := openAt(t, postgres.Config{URL: url})
	past := projections.Moment{AsOf: clock("2024-01-05T00:00:00Z"), KnownAt: h.log[200].Created}
	whole := projections.Moment{AsOf: clock("2024-01-05T00:00:00Z")}
	for _, m := range []projections.Moment{past, whole} {
		if !replay(t, models, h, m).Fresh || replay(t, models, h, m).Fresh {
			t.Errorf("%+v was not made once", m)
		}
	}
	h.punch(id("work", 1), id("punch", 5_000), clock("2024-01-04T00:00:00Z"), in, normal)
	if w := replay(t, models, h, past); w.Fresh || w.Position != h.last() {
		t.Errorf("the past was made again (%v) or does not know how far it looked (%d)", w.Fresh, w.Position)
	}
	if w := replay(t, models, h, whole); !w.Fresh {
		t.Error("a world that must know everything lacks the last punch")
	}
	h.system()
	if w := replay(t, models, h, whole); w.Fresh {
		t.Error("an event of the store itself changed the world")
	}
	// An event that was recorded by then, whatever its place in the log.
	h.punch(id("work", 1), id("punch", 5_001), clock("2024-01-04T01:00:00Z"), in, normal)
	h.log[len(h.log)-1].Created = h.log[100].Created // the store's clock went back
	if w := replay(t, models, h, past); !w.Fresh {
		t.Error("an event that was recorded by then is missing")
	}
	newer := projections.All()
	newer[0].Version++
	next := openAt(t, postgres.Config{URL: url, Projections: newer})
	if w := replay(t, next, h, past); !w.Fresh {
		t.Error("a replay of another version was used")
	}
}

func TestReplaysAreListedAndDropped(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log)
	before := digest(t, models)
	m := projections.Moment{AsOf: clock("2024-01-05T00:00:00Z"), KnownAt: h.log[200].Created.Add(100 * time.Nanosecond)}
	made := replay(t, models, h, m)
	replay(t, models, h, projections.Moment{})
	all, err := models.Replays(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v %v", all, err)
	}
	for _, r := range all {
		if r.ID == made.ID && (r.Moment != m || r.Bytes == 0 || r.Events == 0 || r.Position != h.last()) {
			t.Errorf("listed as %+v", r)
		}
	}
	if err := models.DropReplay(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if err := models.DropReplay(t.Context(), made.ID); !errors.Is(err, postgres.ErrNoReplay) {
		t.Errorf("got %v, want %v", err, postgres.ErrNoReplay)
	}
	if all, err := models.Replays(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	if diff := cmp.Diff(before, digest(t, models)); diff != "" {
		t.Errorf("the live read models changed:\n%s", diff)
	}
}

// What two worlds tell differently is what the folds of their moments differ in.
//
// promise: I4
func TestTwoWorldsDifferInWhatTheirFoldsDifferIn(t *testing.T) {
	models := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt, t)
		var worlds [2]*postgres.World
		var folds [2][]string
		for i := range worlds {
			m := projections.Moment{KnownAt: drawKnown(rt, h), AsOf: drawAsOf(rt, h)}
			world, err := models.Replay(t.Context(), m, h.after, nil)
			if err != nil {
				rt.Fatal(err)
			}
			defer world.Close()
			worlds[i], folds[i] = world, foldAt(rt, h, m)
		}
		two := projections.Two{Before: worlds[0].Schema(), After: worlds[1].Schema()}
		got := toldChanges(rt, t, models.Querier(), h, two, worldClock(worlds[0].Moment), worldClock(worlds[1].Moment))
		if diff := cmp.Diff(changesBetween(folds), got); diff != "" {
			rt.Fatalf("from %v to %v (-folds +changes):\n%s", worlds[0].Moment, worlds[1].Moment, diff)
		}
		for _, w := range worlds {
			if err := models.DropReplay(t.Context(), w.ID); err != nil && !errors.Is(err, postgres.ErrNoReplay) {
				rt.Fatal(err)
			}
		}
	})
}

// changesBetween names the punches, the days and the exceptions that only one fold
// tells, or that they tell differently.
func changesBetween(folds [2][]string) []string {
	changed := map[string]bool{}
	for i, lines := range folds {
		for _, line := range lines {
			kind, rest, _ := strings.Cut(line, " ")
			if kind != "punch" && kind != "day" && kind != "exception" || slices.Contains(folds[1-i], line) {
				continue
			}
			if kind == "day" {
				day, _, _ := strings.Cut(line, ":")
				changed[day] = true
				continue
			}
			if kind == "punch" {
				rest, _, _ = strings.Cut(rest, " [") // what corrections there are is no change by itself
				if slices.ContainsFunc(folds[1-i], func(other string) bool { return strings.HasPrefix(other, "punch "+rest) }) {
					continue
				}
				rest, _, _ = strings.Cut(rest, " ")
				changed["punch "+rest] = true
				continue
			}
			changed[[]string{"only before: ", "only after: "}[i]+line] = true
		}
	}
	return slices.Sorted(maps.Keys(changed))
}

func toldChanges(rt *rapid.T, t *testing.T, q projections.Querier, h *history, two projections.Two, before, after time.Time) []string {
	told := map[string]bool{}
	punches, err := projections.PunchChanges(t.Context(), q, h.tenant, two)
	if err != nil {
		rt.Fatal(err)
	}
	for _, p := range punches {
		told["punch "+p.PunchID.String()] = true
	}
	days, err := projections.DayChanges(t.Context(), q, h.tenant, two)
	if err != nil {
		rt.Fatal(err)
	}
	for _, d := range days {
		told[fmt.Sprintf("day %s %s", d.WorkID, d.WorkDate)] = true
	}
	exceptions, err := projections.ExceptionChanges(t.Context(), q, h.tenant, two, before, after)
	if err != nil {
		rt.Fatal(err)
	}
	for _, e := range exceptions {
		side := "only before: "
		if e.After {
			side = "only after: "
		}
		told[side+fmt.Sprint("exception ", e.WorkID, e.Punch, e.Code, e.At, e.WorkDate)] = true
	}
	return slices.Sorted(maps.Keys(told))
}

// A correction that only moves a punch changes the hours of its day and not the
// number of its intervals.
func TestADayDiffersThoughItHasAsManyIntervals(t *testing.T) {
	h, models := newHistory(t), open(t)
	work, at := id("work", 1), clock("2026-03-02T08:00:00Z")
	h.punch(work, id("punch", 1), at, in, normal)
	h.punch(work, id("punch", 2), at.Add(4*time.Hour), out, normal)
	known := h.log[1].Created
	h.correct(work, id("punch", 2), eventschema.PunchCorrected{OccurredAt: at.Add(3 * time.Hour), OffsetSeconds: 8 * 3600, Direction: out, Kind: normal})
	before, after := replay(t, models, h, projections.Moment{KnownAt: known}), replay(t, models, h, projections.Moment{KnownAt: h.log[2].Created})
	found, err := projections.DayChanges(t.Context(), models.Querier(), h.tenant, projections.Two{Before: before.Schema(), After: after.Schema()})
	if err != nil || len(found) != 1 || found[0].Before.Seconds != 14_400 || found[0].After.Seconds != 10_800 || found[0].Before.Intervals != found[0].After.Intervals {
		t.Errorf("%+v %v", found, err)
	}
}
