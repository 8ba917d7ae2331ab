package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// A rebuild from a log that ends before what was applied live moves the read
// models back. No page may then leave a hole.
//
// promise: I4
func TestAfterARebuildThatMovedBackAPageAsksForItsPredecessors(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log[:300])
	if _, err := models.Rebuild(t.Context(), logOf(h.log[:250]), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := models.Apply(t.Context(), h.log[300:350], h.log[349].Position); !errors.Is(err, postgres.ErrMovedBack) {
			t.Fatalf("got %v, want %v", err, postgres.ErrMovedBack)
		}
		position(t, models) // looking does not resume
	}
	from, known, err := models.Resume(t.Context())
	if err != nil || !known || from != h.log[249].Position {
		t.Fatalf("resume at %d %v %v, want %d", from, known, err, h.log[249].Position)
	}
	apply(t, models, h.log[250:])
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("check: %v %v", found, err)
	}
}

func TestReadersNeverMissATableWhileItIsRebuilt(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				entries, err := projections.Audit(t.Context(), models.Querier(), h.tenant, projections.AuditQuery{Limit: 1000})
				if err != nil || len(entries) != len(h.log)-1 {
					t.Errorf("%d entries, want %d: %v", len(entries), len(h.log)-1, err)
					return
				}
				days := projections.Days{From: "2024-01-01", To: "2024-12-31"}
				if total, err := projections.HoursByDay(t.Context(), models.Querier(), h.tenant, days); err != nil || len(total) == 0 {
					t.Errorf("%d days of hours: %v", len(total), err)
					return
				}
			}
		})
	}
	for range 5 {
		rebuilt, err := models.Rebuild(t.Context(), h.all(), nil)
		if err != nil {
			t.Error(err)
			break
		}
		if rebuilt.Events != uint64(len(h.log)-1) || rebuilt.Position != h.last() {
			t.Errorf("rebuilt %+v", rebuilt)
		}
	}
	stop()
	readers.Wait()
}

// Pages applied while a rebuild switches stand wholly in the old tables or
// wholly in the new ones.
//
// promise: I4
func TestPagesAppliedDuringARebuildAreNotTorn(t *testing.T) {
	h, models := workdays(t, 20, 3_000), open(t)
	apply(t, models, h.log[:1_000])
	done := make(chan error, 1)
	go func() {
		var err error
		for range 4 {
			if _, err = models.Rebuild(t.Context(), logOf(h.log[:1_000]), nil); err != nil {
				break
			}
		}
		done <- err
	}()
	next, moved := 1_000, 0
	for next < len(h.log) || len(done) == 0 {
		to := min(next+10, len(h.log))
		err := models.Apply(t.Context(), h.log[next:to], h.log[to-1].Position)
		switch {
		case errors.Is(err, postgres.ErrMovedBack):
			moved++
			if _, _, err := models.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			next = 1_000
		case err != nil:
			t.Fatal(err)
		case to == len(h.log): // go on until the last switch
			next = to - 1
			if len(done) > 0 {
				next = to
			}
		default:
			next = to
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, _, err := models.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	apply(t, models, h.log[1_000:])
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("check after %d moves back: %v %v", moved, found, err)
	}
}

func TestARebuildThatFailsLeavesTheReadModelsAlone(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	models := openAt(t, postgres.Config{URL: url})
	apply(t, models, h.log)
	before := digest(t, models)
	cut := errors.New("connection lost")
	_, err := models.Rebuild(t.Context(), func(yield func(eventschema.Recorded, error) bool) {
		_ = yield(h.log[0], nil) && yield(eventschema.Recorded{}, cut)
	}, nil)
	if !errors.Is(err, cut) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, digest(t, models)); diff != "" {
		t.Error(diff)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	// What a killed rebuild leaves behind is in nobody's way.
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA read_next; CREATE TABLE read_next.punch (x int); CREATE SCHEMA read_old; CREATE TABLE read_old.punch (x int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := models.Rebuild(t.Context(), h.all(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, digest(t, models)); diff != "" {
		t.Error(diff)
	}
	var left int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'read\_%'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d schemas left over: %v", left, err)
	}
}

// A live page of one event is inserted, a load is copied in another form: both
// must keep an instant, a date and a text alike.
//
// promise: I4
func TestWhatIsCopiedIsWhatIsInserted(t *testing.T) {
	h, live, rebuilt := newHistory(t), open(t), open(t)
	for i, at := range []string{
		"0001-01-01T00:00:00Z", "1899-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.9999995Z", "1970-01-01T00:00:00.000000001Z",
		"1999-12-31T15:59:59.999999999Z", "1999-12-31T16:00:00Z", "1999-12-31T23:59:59.000000999Z", "2000-01-01T00:00:00Z",
		"2026-03-02T08:00:00.123456789Z", "2026-03-02T12:00:00.000000500Z", "9999-12-31T10:59:59.999999999Z", "9999-12-31T12:59:59.999999999Z",
	} {
		punch := punchRecorded(id("work", 1), id("punch", i), clock(at), []eventschema.Direction{eventschema.DirectionIn, eventschema.DirectionOut}[i%2], eventschema.KindNormal)
		punch.Station = []string{"", "gate-1", "Wärme\x00raum", "\\N\t\"門\""}[i%4]
		h.add(eventschema.PunchesStream(h.tenant, punch.WorkID, punch.OccurredAt), punch)
		h.log[i].Created = clock(at)
	}
	for i := range h.log {
		apply(t, live, h.log[i:i+1])
	}
	if _, err := rebuilt.Rebuild(t.Context(), h.all(), nil); err != nil {
		t.Fatal(err)
	}
	want := digest(t, live)
	delete(want, "audit_feed") // is copied either way
	got := digest(t, rebuilt)
	delete(got, "audit_feed")
	if diff := cmp.Diff(want, got); diff != "" {
		found, err := live.Check(t.Context(), h.all(), nil)
		t.Errorf("(-inserted +copied):\n%s\n%v %v", diff, found, err)
	}
	recorded := []time.Time{}
	entries, err := projections.Audit(t.Context(), rebuilt.Querier(), h.tenant, projections.AuditQuery{OldestFirst: true, Limit: 100})
	for _, e := range entries {
		recorded = append(recorded, e.RecordedAt)
	}
	created := []time.Time{}
	for _, e := range h.log {
		created = append(created, e.Created.Truncate(time.Microsecond))
	}
	if diff := cmp.Diff(created, recorded); diff != "" || err != nil {
		t.Errorf("recorded at (-want +got):\n%s %v", diff, err)
	}
}
