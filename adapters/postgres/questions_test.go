package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

const (
	in     = eventschema.DirectionIn
	out    = eventschema.DirectionOut
	normal = eventschema.KindNormal
)

// Two presses of one key seconds apart, then the punch of another direction
// that comes late and falls between them: what counted as a repeat counts again.
func TestALatePunchBetweenAPunchAndItsRepeatMakesTheRepeatCount(t *testing.T) {
	h, models := newHistory(t), open(t)
	work, at := id("work", 1), clock("2026-03-02T08:00:00Z")
	h.punch(work, id("punch", 1), at, in, normal)
	h.punch(work, id("punch", 2), at.Add(50*time.Second), in, normal)
	apply(t, models, h.log)
	h.punch(work, id("punch", 3), at.Add(20*time.Second), out, normal)
	apply(t, models, h.log)
	present, err := projections.WhoIsIn(t.Context(), models.Querier(), h.tenant, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []projections.Present{{WorkID: work, Since: at.Add(50 * time.Second), PunchID: id("punch", 2), Kind: normal, Zone: "Asia/Manila", Station: "gate-1"}}
	if diff := cmp.Diff(want, present); diff != "" {
		t.Error(diff)
	}
}

// A page that brings punches and says that their record came of age, as one reads them
// who begins from the start.
func TestNobodyWhoseRecordCameOfAgeIsIn(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	h.punch(id("work", 1), id("punch", 1), at, in, normal)
	h.punch(id("work", 2), id("punch", 2), at, in, normal)
	h.add(eventschema.ErasureStream(h.tenant, id("expiry", 1)), &eventschema.RecordsExpired{CaseID: id("expiry", 1), RecordID: id("work", 1), Whole: true, ExpiredAt: at})
	apply(t, models, h.log)
	present, err := projections.WhoIsIn(t.Context(), models.Querier(), h.tenant, at.Add(time.Hour))
	if err != nil || len(present) != 1 || present[0].WorkID != id("work", 2) {
		t.Errorf("%+v %v", present, err)
	}
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("%d differences: %v %v", len(found), found, err)
	}
}

// A key that is stuck presses itself every fifty seconds for nine days. A press
// before the first and one after the last change what counts of all of them.
func TestChangesAtBothEndsOfADenseHistoryAreOneChange(t *testing.T) {
	h, models := newHistory(t), open(t)
	work, begin := id("work", 1), clock("2026-03-02T08:00:00Z")
	end := begin
	for i := 0; end.Sub(begin) < 9*24*time.Hour; i++ {
		end = begin.Add(time.Duration(i) * 50 * time.Second)
		h.punch(work, id("punch", i), end, in, normal)
	}
	apply(t, models, h.log)
	dense := len(h.log)
	h.punch(work, id("early", 1), begin.Add(-30*time.Second), in, normal)
	h.punch(work, id("late", 1), end.Add(30*time.Second), in, normal)
	apply(t, models, h.log[dense:])
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("%d differences: %v", len(found), err)
	}
}

func TestSomebodyAtWorkIsInUntilTheLongestIntervalHasPassed(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	h.punch(id("work", 1), id("punch", 1), at, in, normal)
	h.punch(id("work", 2), id("punch", 2), at, in, normal)
	h.punch(id("work", 2), id("punch", 3), at.Add(time.Hour), out, normal)
	// A station whose clock is a year ahead says nothing of today.
	h.punch(id("work", 3), id("punch", 4), at, in, normal)
	h.punch(id("work", 3), id("punch", 5), at.AddDate(1, 0, 0), out, normal)
	apply(t, models, h.log)
	for rule, c := range map[string]struct {
		now        time.Time
		in         []uuid.UUID
		missingOut int
	}{
		"an hour later all are in":             {at.Add(30 * time.Minute), []uuid.UUID{id("work", 1), id("work", 2), id("work", 3)}, 0},
		"two hours later one has left":         {at.Add(2 * time.Hour), []uuid.UUID{id("work", 1), id("work", 3)}, 0},
		"sixteen hours are the longest":        {at.Add(16 * time.Hour), []uuid.UUID{id("work", 1), id("work", 3)}, 0},
		"a second more and the out is missing": {at.Add(16*time.Hour + time.Second), nil, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			present, err := projections.WhoIsIn(t.Context(), models.Querier(), h.tenant, c.now)
			if err != nil {
				t.Fatal(err)
			}
			var got []uuid.UUID
			for _, p := range present {
				got = append(got, p.WorkID)
			}
			less := func(a, b uuid.UUID) bool { return a.String() < b.String() }
			if diff := cmp.Diff(c.in, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			exceptions, err := projections.ExceptionsOf(t.Context(), models.Querier(), h.tenant,
				projections.Days{Works: []uuid.UUID{id("work", 1)}, From: "2026-03-02", To: "2026-03-02"}, c.now)
			if err != nil {
				t.Fatal(err)
			}
			if len(exceptions) != c.missingOut || c.missingOut == 1 && exceptions[0].Code != hours.MissingOut {
				t.Errorf("exceptions %v, want %d", exceptions, c.missingOut)
			}
		})
	}
}

func TestACorrectionDecidesWhatCountsAndKeepsWhatWasRecorded(t *testing.T) {
	h, models := newHistory(t), open(t)
	work, at := id("work", 1), clock("2026-03-02T08:00:00Z")
	recorded := projections.PunchReading{OccurredAt: at, OffsetSeconds: 8 * 3600, Direction: in, Kind: normal, Job: "front_desk"}
	punch := punchRecorded(work, id("punch", 1), at, in, normal)
	punch.Job = "front_desk"
	h.add(eventschema.PunchesStream(h.tenant, work, at), punch)
	watch := "night_watch"
	h.correct(work, id("punch", 1), eventschema.PunchCorrected{OccurredAt: at.Add(-time.Hour), OffsetSeconds: 9 * 3600, Direction: out, Kind: eventschema.KindMeal, Job: &watch})
	h.correct(work, id("punch", 1), eventschema.PunchCorrected{Void: true, Reason: eventschema.ReasonNotThisPunch})
	apply(t, models, h.log[:2])
	corrected := projections.PunchReading{OccurredAt: at.Add(-time.Hour), OffsetSeconds: 9 * 3600, Direction: out, Kind: eventschema.KindMeal, Job: watch}
	for step, voided := range []bool{false, true} {
		apply(t, models, h.log[:2+step])
		p, err := projections.PunchByID(t.Context(), models.Querier(), h.tenant, id("punch", 1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(recorded, p.Recorded); diff != "" {
			t.Errorf("recorded: %s", diff)
		}
		if diff := cmp.Diff(corrected, p.Counts); diff != "" || p.Voided != voided || *p.CorrectedBy != id("actor", 2) {
			t.Errorf("counts: voided %v by %v %s", p.Voided, p.CorrectedBy, diff)
		}
	}
	corrections, err := projections.CorrectionsOf(t.Context(), models.Querier(), h.tenant, id("punch", 1))
	if err != nil || len(corrections) != 2 || corrections[0].Void || !corrections[1].Void || corrections[1].Reason != eventschema.ReasonNotThisPunch {
		t.Errorf("corrections %+v: %v", corrections, err)
	}
	if _, err := projections.PunchByID(t.Context(), models.Querier(), h.tenant, id("punch", 2)); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("got %v for a punch that is not there", err)
	}
}

// The correction of one worker's punch must not reach another's, whatever id it names.
func TestACorrectionOfAnotherWorkRecordCorrectsNothing(t *testing.T) {
	h, models := newHistory(t), open(t)
	h.punch(id("work", 1), id("punch", 1), clock("2026-03-02T08:00:00Z"), in, normal)
	h.correct(id("work", 2), id("punch", 1), eventschema.PunchCorrected{Void: true, Reason: eventschema.ReasonNotThisPunch})
	apply(t, models, h.log)
	p, err := projections.PunchByID(t.Context(), models.Querier(), h.tenant, id("punch", 1))
	if err != nil {
		t.Fatal(err)
	}
	if p.Voided {
		t.Error("the punch is void")
	}
}

// A reader of the directory has all that an opener asks for, as it was stored.
func TestTheDirectoryKeepsTheCoordinatesOfEverySection(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log)
	p, err := projections.PersonByID(t.Context(), models.Querier(), h.tenant, id("person", 1))
	if err != nil {
		t.Fatal(err)
	}
	var want []projections.SealedSection
	for _, recorded := range h.log {
		if recorded.Stream != eventschema.PersonStream(h.tenant, id("person", 1)).String() {
			continue
		}
		d, err := h.registry.Decode(recorded)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Sealed {
			want = append(want, projections.SealedSection{At: d.At(s), Position: d.Position, Envelope: s.Envelope})
		}
	}
	byPlace := cmpopts.SortSlices(func(a, b projections.SealedSection) bool {
		return a.Position < b.Position || a.Position == b.Position && a.At.Section < b.At.Section
	})
	if diff := cmp.Diff(want, p.Sections, byPlace); diff != "" || len(want) != 3 {
		t.Errorf("%d sections: %s", len(want), diff)
	}
	if p.ClosedAt == nil {
		t.Error("the closing of the account is missing")
	}
	var all []projections.Person
	for after := (uuid.UUID{}); ; after = all[len(all)-1].ID {
		page, err := projections.People(t.Context(), models.Querier(), h.tenant, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) == 0 {
			break
		}
	}
	if len(all) != 20 {
		t.Errorf("%d people in pages, want 20", len(all))
	}
	works, err := projections.WorkRecords(t.Context(), models.Querier(), h.tenant, []uuid.UUID{id("work", 1), id("work", 12345)})
	if err != nil || len(works) != 1 || len(works[0].Sections) != 1 {
		t.Errorf("work records %+v: %v", works, err)
	}
}

func TestTheRegisterOfErasuresFollowsACase(t *testing.T) {
	h, models := mixed(t), open(t)
	n := len(h.log)
	for events, want := range map[int]projections.ErasureState{
		n - 4: projections.ErasureRequested, n - 2: projections.ErasureApproved, n - 1: projections.ErasureDestroyed, n: projections.ErasureCertified,
	} {
		if _, err := models.Rebuild(t.Context(), logOf(h.log[:events]), nil); err != nil {
			t.Fatal(err)
		}
		e, err := projections.ErasureByCase(t.Context(), models.Querier(), h.tenant, id("case", 1))
		if err != nil || e.State != want {
			t.Errorf("after %d events: %q %v, want %q", events, e.State, err, want)
		}
	}
	if _, err := models.Rebuild(t.Context(), h.all(), nil); err != nil {
		t.Fatal(err)
	}
	of, err := projections.ErasuresOf(t.Context(), models.Querier(), h.tenant, id("person", 1))
	if err != nil || len(of) != 1 {
		t.Fatalf("%d cases: %v", len(of), err)
	}
	e := of[0]
	if e.Keys != 1 || e.Lookups != 2 || e.Leaf != 7 || e.LeafPosition != 9 || e.Certificate != "a note" || *e.RequestedBy != id("actor", 1) ||
		*e.ApprovedBy != id("actor", 2) || len(e.Retained) != 1 || e.Retained[0].Ground != "29 CFR 516.5" {
		t.Errorf("%+v", e)
	}
}

func TestTheAuditFeedTurnsItsPages(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log)
	for _, oldest := range []bool{true, false} {
		var got []uint64
		query := projections.AuditQuery{OldestFirst: oldest, Limit: 150}
		for {
			page, err := projections.Audit(t.Context(), models.Querier(), h.tenant, query)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				got = append(got, e.Position)
			}
			query.From = &got[len(got)-1]
		}
		var want []uint64
		for i := range h.log {
			e := h.log[i]
			if !oldest {
				e = h.log[len(h.log)-1-i]
			}
			if e.Type[0] != '$' {
				want = append(want, e.Position)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("oldest first %v: %s", oldest, diff)
		}
	}
	of, err := projections.Audit(t.Context(), models.Querier(), h.tenant, projections.AuditQuery{Streams: []uuid.UUID{id("case", 1)}, OldestFirst: true, Limit: 10})
	if err != nil || len(of) != 4 || of[0].EventType != "erasure-requested.v3" || of[0].Actor.Role != "import" || of[3].Revision != 3 {
		t.Errorf("%+v: %v", of, err)
	}
}

func TestAConsentStandsUntilItIsWithdrawn(t *testing.T) {
	h, models := newHistory(t), open(t)
	work, at := id("work", 1), clock("2026-03-02T08:00:00Z")
	stream := eventschema.ConsentStream(h.tenant, work)
	given := &eventschema.ConsentGiven{WorkID: work, Purpose: eventschema.PurposeLocation, GivenAt: at, NoticeVersion: "n1", Language: "en", Method: "app"}
	h.add(stream, given)
	h.add(stream, &eventschema.ConsentWithdrawn{WorkID: work, Purpose: eventschema.PurposeLocation, WithdrawnAt: at.Add(time.Hour), Method: "app"})
	h.add(stream, given)
	for events, want := range []bool{false, true, false, true} {
		if events == 0 {
			continue
		}
		apply(t, models, h.log[:events])
		got, err := projections.ConsentsOf(t.Context(), models.Querier(), h.tenant, work)
		if err != nil || len(got) != 1 || got[0].Stands() != want || !got[0].GivenAt.Equal(at) {
			t.Errorf("after %d events: %+v %v, want standing %v", events, got, err, want)
		}
	}
}
