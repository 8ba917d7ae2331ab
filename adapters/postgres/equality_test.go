package postgres_test

import (
	"fmt"
	"maps"
	"slices"
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

// drawHistory writes a log with every kind of event, and punches that come
// late, twice, at the same instant, within the minute of a repeat, corrected,
// voided and brought back.
func drawHistory(t *rapid.T, tb testing.TB) *history {
	h := newHistory(tb)
	type known struct{ work, punch uuid.UUID }
	var punches []known
	base := clock("2026-03-02T00:00:00.123456Z")
	instant := func() time.Time {
		switch rapid.IntRange(0, 9).Draw(t, "spread") {
		case 0: // far away
			return base.Add(time.Duration(rapid.IntRange(-400, 400).Draw(t, "days")) * 24 * time.Hour)
		case 1, 2, 3: // dense, so that repeats chain
			return base.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "tens")) * 10 * time.Second)
		case 4, 5: // jobs that adjoin, so that many punches share an instant
			return base.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "job")) * 4 * time.Hour)
		default:
			return base.Add(time.Duration(rapid.IntRange(0, 9*24*6).Draw(t, "slot")) * 10 * time.Minute)
		}
	}
	direction := rapid.SampledFrom([]eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut})
	none, watch, desk := "", "night_watch", "front_desk"
	jobs := []*string{nil, nil, &none, &watch, &desk}
	kind := rapid.SampledFrom([]eventschema.PunchKind{eventschema.KindNormal, eventschema.KindNormal, eventschema.KindOvertime, eventschema.KindTransfer, eventschema.KindVisit})
	work := func() uuid.UUID { return id("work", rapid.IntRange(1, 3).Draw(t, "work")) }
	for i := range rapid.IntRange(5, 120).Draw(t, "events") {
		switch choice := rapid.IntRange(0, 19).Draw(t, "choice"); {
		case choice < 12 || len(punches) == 0:
			k := known{work(), id("punch", i)}
			punches = append(punches, k)
			h.punch(k.work, k.punch, instant(), direction.Draw(t, "direction"), kind.Draw(t, "kind"))
		case choice < 13:
			k := rapid.SampledFrom(punches).Draw(t, "twice")
			switch rapid.IntRange(0, 3).Draw(t, "told otherwise") {
			case 0: // by another record
				h.punch(work(), k.punch, instant(), direction.Draw(t, "direction"), kind.Draw(t, "kind"))
			case 1:
				h.punch(k.work, k.punch, instant(), direction.Draw(t, "direction"), kind.Draw(t, "kind"))
			default:
				h.again(k.punch)
			}
		case choice < 16:
			k := rapid.SampledFrom(punches).Draw(t, "corrected")
			c := eventschema.PunchCorrected{Void: rapid.Bool().Draw(t, "void")}
			if !c.Void {
				c.OccurredAt, c.Direction, c.Kind = instant(), direction.Draw(t, "direction"), kind.Draw(t, "kind")
				c.OffsetSeconds, c.Job = 7*3600, rapid.SampledFrom(jobs).Draw(t, "job")
			}
			h.correct(k.work, k.punch, c)
		case choice < 18:
			drawDeclared(t, h, work())
		default:
			drawOther(t, h, work())
		}
	}
	return h
}

// again appends the event that recorded a punch as it is.
func (h *history) again(punch uuid.UUID) {
	for _, e := range h.log {
		if e.ID == punch {
			h.position += 10
			e.Position = h.position
			h.log = append(h.log, e)
			return
		}
	}
}

// drawDeclared adds hours without times, the same again now and then, or what counts in
// their place.
func drawDeclared(t *rapid.T, h *history, work uuid.UUID) {
	n, at := rapid.IntRange(1, 3).Draw(t, "declared"), clock("2026-03-02T08:00:00Z").Add(time.Duration(len(h.log))*time.Minute)
	declaration, dayEnds := uuid.NewSHA1(work, []byte{byte(n)}), clock("2026-03-02T00:00:00Z").AddDate(0, 0, n%2)
	if rapid.Bool().Draw(t, "corrected") {
		h.add(eventschema.PunchesStream(h.tenant, work, at), &eventschema.DeclarationCorrected{
			CorrectionID: id("amendment", len(h.log)), DeclarationID: declaration, WorkID: work, DayEnds: dayEnds, Void: rapid.Bool().Draw(t, "void"),
			Seconds: int64(rapid.IntRange(1, 9).Draw(t, "minutes") * 60), Reason: eventschema.ReasonWrongHours, CorrectedBy: id("actor", 1), ApprovedBy: id("actor", 2), CorrectedAt: at,
		})
		return
	}
	h.add(eventschema.PunchesStream(h.tenant, work, at), &eventschema.HoursDeclared{
		DeclarationID: declaration, WorkID: work, WorkDate: fmt.Sprintf("2026-03-%02d", 1+n%2), Zone: "UTC", DayEnds: dayEnds, Seconds: int64(3600 * n),
		Origin: "harvest", ReceivedAt: at, Source: eventschema.SourceImport,
	})
}

func drawOther(t *rapid.T, h *history, work uuid.UUID) {
	n := rapid.IntRange(1, 3).Draw(t, "other id")
	person, erasure, at := id("person", n), id("case", n), clock("2026-03-02T08:00:00Z").Add(time.Duration(len(h.log))*time.Minute)
	personStream, erasureStream := eventschema.PersonStream(h.tenant, person), eventschema.ErasureStream(h.tenant, erasure)
	consentStream := eventschema.ConsentStream(h.tenant, work)
	switch rapid.IntRange(0, 16).Draw(t, "other") {
	case 0:
		h.add(personStream, &eventschema.PersonRegistered{PersonID: person, RegisteredAt: at, Source: eventschema.SourceImport,
			WorkID: eventschema.Clear(canary), LegalName: eventschema.Clear(canary), Email: eventschema.Clear(canary)})
	case 1:
		h.add(personStream, &eventschema.PersonCorrected{PersonID: person, CorrectedAt: at, Reason: "request", Phone: eventschema.Clear(canary)})
	case 2:
		h.add(personStream, &eventschema.PersonClosed{PersonID: person, ClosedAt: at, Reason: "left"})
	case 3:
		h.add(eventschema.WorkStream(h.tenant, work), &eventschema.WorkOpened{WorkID: work, OpenedAt: at, PayrollName: eventschema.Clear(canary)})
	case 4:
		h.add(consentStream, &eventschema.ConsentGiven{WorkID: work, Purpose: eventschema.PurposeLocation, GivenAt: at, NoticeVersion: "n1", Language: "en", Method: "app"})
	case 5:
		h.add(consentStream, &eventschema.ConsentWithdrawn{WorkID: work, Purpose: eventschema.PurposeLocation, WithdrawnAt: at, Method: "app"})
	case 6:
		h.add(erasureStream, &eventschema.ErasureRequested{CaseID: erasure, PersonID: person, Scope: eventschema.ScopePerson, RequestedAt: at,
			RequestedBy: id("actor", 1), ClaimHash: "c0ffee", WorkID: eventschema.Clear(canary)})
	case 7:
		h.add(erasureStream, &eventschema.ErasureApproved{CaseID: erasure, ApprovedAt: at, ApprovedBy: id("actor", 2)})
	case 8:
		h.add(erasureStream, &eventschema.KeysDestroyed{CaseID: erasure, PersonID: person, DestroyedAt: at, Lookups: 2,
			Keys:     []eventschema.DestroyedKey{{KeyID: id("key", n), Purpose: eventschema.PurposeIdentity, Check: "ab", Epoch: 1}},
			Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-03-02"}}})
	case 9:
		h.add(erasureStream, &eventschema.ErasureCertified{CaseID: erasure, PersonID: person, Kind: eventschema.CertificateEffective,
			CertifiedAt: at, Leaf: 7, Position: 9, Certificate: "a note"})
	case 10:
		h.system()
	default:
		o := rapid.SampledFrom(others(n, at)).Draw(t, "of a case")
		h.add(o.stream(h.tenant), o.event)
	}
}

// canary stands in every personal value that a test writes.
const canary = "canary-Zelenčíková"

// promise: I4
func TestLivePagesARebuildAndAFoldInMemoryAgree(t *testing.T) {
	live := open(t)
	// Small pages, so that whatever happens to a punch happens in another page.
	rebuilt := openAt(t, postgres.Config{URL: pgtest.Database(t), LoadPage: 7})
	rapid.Check(t, func(rt *rapid.T) {
		empty(t, live)
		h := drawHistory(rt, t)
		applyInPages(rt, t, live, h.log)
		if _, err := rebuilt.Rebuild(t.Context(), h.all(), nil); err != nil {
			rt.Fatal(err)
		}
		want := digest(t, rebuilt)
		if diff := cmp.Diff(want, digest(t, live)); diff != "" {
			found, err := live.Check(t.Context(), h.all(), nil)
			rt.Fatalf("live pages and a rebuild differ (-rebuilt +live):\n%s\n%v %v", diff, found, err)
		}
		compareWithFold(rt, t, live, h)
	})
}

// empty takes the read models back to nothing.
func empty(t *testing.T, models *postgres.ReadModels) {
	t.Helper()
	if _, err := models.Rebuild(t.Context(), logOf(nil), nil); err != nil {
		t.Fatal(err)
	}
	if _, known, err := models.Resume(t.Context()); err != nil || known {
		t.Fatalf("position of empty read models: %v %v", known, err)
	}
}

// applyInPages cuts the log anywhere and gives some pages twice or overlapping.
func applyInPages(rt *rapid.T, t *testing.T, models *postgres.ReadModels, log []eventschema.Recorded) {
	for from := 0; from < len(log); {
		to := min(len(log), from+rapid.IntRange(1, 40).Draw(rt, "page"))
		apply(t, models, log[max(0, from-rapid.IntRange(0, 5).Draw(rt, "overlap")):to])
		from = to
	}
}

// compareWithFold folds the log a third time, the plainest way there is.
func compareWithFold(rt *rapid.T, t *testing.T, models *postgres.ReadModels, h *history) {
	counting := map[uuid.UUID]map[uuid.UUID]*hours.Punch{}
	voided, known := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, recorded := range h.log {
		if recorded.Type[0] == '$' {
			continue
		}
		d, err := h.registry.Decode(recorded)
		if err != nil {
			rt.Fatal(err)
		}
		switch e := d.Event.(type) {
		case *eventschema.PunchRecorded:
			if counting[e.WorkID] == nil {
				counting[e.WorkID] = map[uuid.UUID]*hours.Punch{}
			}
			if !known[e.PunchID] {
				known[e.PunchID] = true
				counting[e.WorkID][e.PunchID] = &hours.Punch{ID: e.PunchID, OccurredAt: e.OccurredAt, OffsetSeconds: e.OffsetSeconds,
					Direction: e.Direction, Kind: e.Kind}
			}
		case *eventschema.PunchCorrected:
			p := counting[e.WorkID][e.PunchID]
			if p == nil {
				continue // of another work record
			}
			if voided[e.PunchID] = e.Void; !e.Void {
				p.OccurredAt, p.OffsetSeconds, p.Direction, p.Kind = e.OccurredAt, e.OffsetSeconds, e.Direction, e.Kind
			}
		}
	}
	var want []string
	now := clock("2028-01-01T00:00:00Z")
	for work, byID := range counting {
		var punches []hours.Punch
		for punchID, p := range byID {
			if !voided[punchID] && p.Kind != eventschema.KindVisit {
				punches = append(punches, *p)
			}
		}
		paired := hours.DefaultPairing().Pair(punches)
		for _, w := range paired.Intervals {
			want = append(want, fmt.Sprint(work, w.In, w.Out, w.Start.UTC(), w.End.UTC(), w.WorkDate, w.Seconds()))
		}
		for _, e := range paired.Exceptions {
			want = append(want, fmt.Sprint(work, e.Punch, e.Code, e.At.UTC(), e.WorkDate))
		}
	}
	var got []string
	days := projections.Days{From: "2000-01-01", To: "2100-01-01"}
	intervals, err := projections.IntervalsOf(t.Context(), models.Querier(), h.tenant, days)
	if err != nil {
		rt.Fatal(err)
	}
	for _, w := range intervals {
		got = append(got, fmt.Sprint(w.WorkID, w.In, w.Out, w.Start, w.End, w.WorkDate, w.Seconds))
	}
	exceptions, err := projections.ExceptionsOf(t.Context(), models.Querier(), h.tenant, days, now)
	if err != nil {
		rt.Fatal(err)
	}
	for _, e := range exceptions {
		got = append(got, fmt.Sprint(e.WorkID, e.Punch, e.Code, e.At, e.WorkDate))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("fold and read model differ (-fold +read model):\n%s", diff)
	}
	comparePresence(rt, t, models, h, counting, voided)
	compareVisits(rt, t, models, h, counting, voided)
	compareDeclared(rt, t, models, h)
}

// compareDeclared adds up by hand what was declared.
func compareDeclared(rt *rapid.T, t *testing.T, models *postgres.ReadModels, h *history) {
	type amount struct {
		day     string
		seconds int64
		void    bool
	}
	counting, want := map[uuid.UUID]amount{}, map[string]int64{}
	corrected := map[uuid.UUID]*eventschema.DeclarationCorrected{}
	for _, recorded := range h.log {
		if recorded.Type[0] == '$' {
			continue
		}
		d, err := h.registry.Decode(recorded)
		if err != nil {
			rt.Fatal(err)
		}
		switch e := d.Event.(type) {
		case *eventschema.HoursDeclared:
			counting[e.DeclarationID] = amount{day: e.WorkID.String() + " " + e.WorkDate, seconds: e.Seconds}
		case *eventschema.DeclarationCorrected:
			corrected[e.DeclarationID] = e
		}
	}
	for declaration, a := range counting {
		if c := corrected[declaration]; c != nil {
			a.seconds, a.void = c.Seconds, c.Void
		}
		if !a.void {
			want[a.day] += a.seconds
		}
	}
	byDay, err := projections.HoursByDay(t.Context(), models.Querier(), h.tenant, projections.Days{From: "2000-01-01", To: "2100-01-01"})
	if err != nil {
		rt.Fatal(err)
	}
	got := map[string]int64{}
	for _, day := range byDay {
		if day.Declared > 0 {
			got[day.WorkID.String()+" "+day.WorkDate] = day.Declared
		}
		if day.Intervals == 0 && day.Seconds != day.Declared {
			rt.Fatalf("%d seconds without an interval, %d of them declared", day.Seconds, day.Declared)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("declared hours (-fold +read model):\n%s", diff)
	}
}

// comparePresence asks at the instant of a punch who is in, and counts by hand.
func comparePresence(rt *rapid.T, t *testing.T, models *postgres.ReadModels, h *history, counting map[uuid.UUID]map[uuid.UUID]*hours.Punch, voided map[uuid.UUID]bool) {
	rule := hours.DefaultPairing()
	want := map[uuid.UUID]time.Time{}
	now := clock("2026-03-11T06:00:00Z")
	for work, byID := range counting {
		var punches []hours.Punch
		future := false
		for punchID, p := range byID {
			if !voided[punchID] && p.Kind != eventschema.KindVisit {
				punches = append(punches, *p)
				future = future || p.OccurredAt.After(now)
			}
		}
		if future {
			return // since is then told to the minute only
		}
		if last, found, _ := rule.LastCounted(punches, true); found && last.Direction == eventschema.DirectionIn && now.Sub(last.OccurredAt) <= rule.Longest {
			want[work] = last.OccurredAt.UTC()
		}
	}
	present, err := projections.WhoIsIn(t.Context(), models.Querier(), h.tenant, now)
	if err != nil {
		rt.Fatal(err)
	}
	got := map[uuid.UUID]time.Time{}
	for _, p := range present {
		got[p.WorkID] = p.Since
	}
	if !maps.Equal(want, got) {
		rt.Fatalf("who is in: want %v, got %v", want, got)
	}
}
