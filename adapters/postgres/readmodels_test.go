package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// mixed is a log with every kind of event in it.
func mixed(tb testing.TB) *history {
	h := workdays(tb, 20, 400)
	person, work, erasure := id("person", 1), id("work", 1), id("case", 1)
	at := clock("2026-03-02T08:00:00Z")
	personStream, erasureStream := eventschema.PersonStream(h.tenant, person), eventschema.ErasureStream(h.tenant, erasure)
	h.add(personStream, &eventschema.PersonCorrected{PersonID: person, CorrectedAt: at, Reason: "request", Phone: eventschema.Clear(canary)})
	h.add(eventschema.ConsentStream(h.tenant, work), &eventschema.ConsentGiven{WorkID: work, Purpose: eventschema.PurposeLocation, GivenAt: at, NoticeVersion: "n1", Language: "en", Method: "app"})
	h.add(eventschema.LocationStream(h.tenant, work, at), &eventschema.LocationRecorded{PunchID: id("punch", 1), WorkID: work, OccurredAt: at, Latitude: eventschema.Clear(canary)})
	h.add(eventschema.ConsentStream(h.tenant, work), &eventschema.ConsentWithdrawn{WorkID: work, Purpose: eventschema.PurposeLocation, WithdrawnAt: at, Method: "app"})
	h.correct(work, id("punch", 1), eventschema.PunchCorrected{Void: true, Reason: eventschema.ReasonNotThisPunch})
	h.add(personStream, &eventschema.PersonClosed{PersonID: person, ClosedAt: at, Reason: "left"})
	for _, o := range others(1, at) {
		h.add(o.stream(h.tenant), o.event)
	}
	h.add(erasureStream, &eventschema.ErasureRequested{CaseID: erasure, PersonID: person, Scope: eventschema.ScopePerson, RequestedAt: at,
		RequestedBy: id("actor", 1), ClaimHash: "c0ffee", WorkID: eventschema.Clear(canary)})
	h.system()
	h.add(erasureStream, &eventschema.ErasureApproved{CaseID: erasure, ApprovedAt: at, ApprovedBy: id("actor", 2)})
	h.add(erasureStream, &eventschema.KeysDestroyed{CaseID: erasure, PersonID: person, DestroyedAt: at, Lookups: 2,
		Keys:     []eventschema.DestroyedKey{{KeyID: id("key", 1), Purpose: eventschema.PurposeIdentity, Check: "ab", Epoch: 1}},
		Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "2033-03-02"}}})
	h.add(erasureStream, &eventschema.ErasureCertified{CaseID: erasure, PersonID: person, Kind: eventschema.CertificateEffective,
		CertifiedAt: at, Leaf: 7, Position: 9, Certificate: "a note"})
	return h
}

func position(tb testing.TB, models *postgres.ReadModels) int64 {
	tb.Helper()
	at, known, err := models.Position(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if !known {
		return -1
	}
	return int64(at)
}

func TestAPageAppliedTwiceCountsOnceAndPagesMayOverlap(t *testing.T) {
	h := mixed(t)
	once, often := open(t), open(t)
	apply(t, once, h.log)
	apply(t, often, h.log[:100])
	apply(t, often, h.log[:100])
	apply(t, often, h.log[50:200])
	apply(t, often, h.log[20:60])
	apply(t, often, h.log)
	if diff := cmp.Diff(digest(t, once), digest(t, often)); diff != "" {
		t.Error(diff)
	}
	if got := position(t, often); got != int64(h.last()) {
		t.Errorf("position %d, want %d", got, h.last())
	}
}

func TestSystemEventsMoveTheCheckpointAndNothingElse(t *testing.T) {
	h, models := newHistory(t), open(t)
	before := digest(t, models)
	if got := position(t, models); got != -1 {
		t.Errorf("position %d before the first page", got)
	}
	h.system()
	apply(t, models, h.log)
	if got := position(t, models); got != int64(h.last()) {
		t.Errorf("position %d, want %d", got, h.last())
	}
	if err := models.Apply(t.Context(), nil, h.last()+500); err != nil {
		t.Fatal(err)
	}
	if got := position(t, models); got != int64(h.last()+500) {
		t.Errorf("position %d after an empty page, want %d", got, h.last()+500)
	}
	if diff := cmp.Diff(before, digest(t, models)); diff != "" {
		t.Error(diff)
	}
}

// A page that fails in the middle leaves neither rows nor a checkpoint.
//
// promise: I5
func TestAPageThatFailsLeavesNothingBehind(t *testing.T) {
	h := mixed(t)
	stop := errors.New("power cut")
	broken := false
	after := projections.All()
	after = append(after, projections.Projection{
		Name: "cut", Question: "What if the power goes now?", Version: 1, Schema: `CREATE TABLE cut (tenant_id uuid PRIMARY KEY);`, Tables: []string{"cut"},
		Apply: func(context.Context, pgx.Tx, projections.Page) error {
			if broken {
				return stop
			}
			return nil
		},
	})
	models := openAt(t, postgres.Config{URL: pgtest.Database(t), Projections: after})
	apply(t, models, h.log[:200])
	before := digest(t, models)
	broken = true
	if err := models.Apply(t.Context(), h.log[200:], h.last()); !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(before, digest(t, models)); diff != "" {
		t.Error(diff)
	}
	if got := position(t, models); got != int64(h.log[199].Position) {
		t.Errorf("position %d, want %d", got, h.log[199].Position)
	}
	broken = false
	apply(t, models, h.log[200:])
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("after the second attempt: %v %v", found, err)
	}
}

func TestWhatCannotBeReadStopsThePageAndNamesThePlace(t *testing.T) {
	for rule, c := range map[string]struct {
		spoil func(*eventschema.Recorded)
		want  error
	}{
		"an event of an unknown type": {func(e *eventschema.Recorded) { e.Type = "moon-landed.v1" }, eventschema.ErrUnknownEvent},
		"an event of a newer version": {func(e *eventschema.Recorded) { e.Type = "punch-recorded.v99" }, eventschema.ErrUnknownVersion},
		"a payload that is cut off":   {func(e *eventschema.Recorded) { e.Data = e.Data[:10] }, eventschema.ErrPayload},
		"a stream that is not ours":   {func(e *eventschema.Recorded) { e.Stream = "punches-1" }, eventschema.ErrStreamName},
		"an event in another's stream": {func(e *eventschema.Recorded) {
			e.Stream = eventschema.PersonStream(id("tenant", 2), id("person", 1)).String()
		}, postgres.ErrTenant},
	} {
		t.Run(rule, func(t *testing.T) {
			h, models := mixed(t), open(t)
			h.log[150].Data = append([]byte(nil), h.log[150].Data...)
			c.spoil(&h.log[150])
			if err := models.Apply(t.Context(), h.log, h.last()); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			} else if strings.Contains(err.Error(), canary) {
				t.Error("the error shows a personal value")
			}
			if got := position(t, models); got != -1 {
				t.Errorf("position %d, want none", got)
			}
		})
	}
}

// promise: I4
func TestCheckFindsWhatWasChangedBehindItsBack(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	models := openAt(t, postgres.Config{URL: url})
	apply(t, models, h.log[:300])
	apply(t, models, h.log[300:])
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Fatalf("before: %v %v", found, err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	interval := ""
	if err := conn.QueryRow(t.Context(), `DELETE FROM read.work_interval WHERE ctid = (SELECT min(ctid) FROM read.work_interval)
RETURNING concat_ws(' ', work_id, tenant_id, start_at AT TIME ZONE 'UTC' || '+00', in_punch)`).Scan(&interval); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE read.punch SET direction = 'in' WHERE punch_id = '` + id("punch", 21).String() + `'`,
		`INSERT INTO read.work_record VALUES ('` + h.tenant.String() + `', '` + id("work", 999).String() + `', now())`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	want := []postgres.Difference{
		{Table: "punch", Key: fmt.Sprint(id("punch", 21), " ", h.tenant), Kind: postgres.RowDifferent},
		{Table: "work_interval", Key: interval, Kind: postgres.RowMissing},
		{Table: "work_record", Key: fmt.Sprint(h.tenant, " ", id("work", 999)), Kind: postgres.RowExtra},
	}
	found, err := models.Check(t.Context(), h.all(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherVersionOfAProjectionNeedsARebuild(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	older := projections.All()
	apply(t, openAt(t, postgres.Config{URL: url, Projections: older}), h.log[:200])
	newer := projections.All()
	newer[0].Version++
	models := openAt(t, postgres.Config{URL: url, Projections: newer})
	if diff := cmp.Diff([]string{newer[0].Name}, models.NeedsRebuild()); diff != "" {
		t.Fatal(diff)
	}
	if _, err := models.Rebuild(t.Context(), logOf(h.log[:300]), nil); err != nil {
		t.Fatal(err)
	}
	if got := models.NeedsRebuild(); len(got) > 0 {
		t.Errorf("after the rebuild: %v", got)
	}
	if got := openAt(t, postgres.Config{URL: url, Projections: newer}).NeedsRebuild(); len(got) > 0 {
		t.Errorf("opened again: %v", got)
	}
	apply(t, models, h.log[300:])
	old := openAt(t, postgres.Config{URL: url, Projections: older})
	if err := old.Apply(t.Context(), h.log, h.last()+1); err != nil {
		t.Fatalf("the projections that did not change: %v", err)
	}
	if found, err := models.Check(t.Context(), h.all(), nil); err != nil || len(found) > 0 {
		t.Errorf("check: %v %v", found, err)
	}
}

func TestAProcessOfTheOldVersionStopsWhenANewerOneHasRebuilt(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	old := openAt(t, postgres.Config{URL: url})
	apply(t, old, h.log[:200])
	newer := projections.All()
	newer[0].Version++
	if _, err := openAt(t, postgres.Config{URL: url, Projections: newer}).Rebuild(t.Context(), logOf(h.log[:200]), nil); err != nil {
		t.Fatal(err)
	}
	if err := old.Apply(t.Context(), h.log[200:], h.last()); !errors.Is(err, postgres.ErrVersion) {
		t.Errorf("got %v, want %v", err, postgres.ErrVersion)
	}
}

// promise: I6
func TestWaitForReturnsWhenThePositionIsApplied(t *testing.T) {
	h, url := mixed(t), pgtest.Database(t)
	models, other := openAt(t, postgres.Config{URL: url}), openAt(t, postgres.Config{URL: url})
	for _, waiter := range []*postgres.ReadModels{models, other} {
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := waiter.WaitFor(short, h.last()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v before the page", err)
		}
		cancel()
	}
	var waiting sync.WaitGroup
	for _, waiter := range []*postgres.ReadModels{models, other} {
		waiting.Go(func() {
			if err := waiter.WaitFor(t.Context(), h.last()); err != nil {
				t.Error(err)
			}
		})
	}
	apply(t, models, h.log)
	waiting.Wait()
}

// promise: I7
func TestNoPersonalValueStandsInAnyFileOfTheDatabase(t *testing.T) {
	cluster := pgtest.Start(t, nil)
	if err := cluster.EnsureDatabase(t.Context(), "canary"); err != nil {
		t.Fatal(err)
	}
	h := mixed(t)
	models := openAt(t, postgres.Config{URL: cluster.URL("canary")})
	apply(t, models, h.log)
	if _, err := models.Rebuild(t.Context(), h.all(), nil); err != nil {
		t.Fatal(err)
	}
	var dir string
	control := "control-" + id("control", 1).String() // shows that the search finds what is there
	if err := models.Querier().QueryRow(t.Context(), `SELECT setting FROM pg_settings WHERE name = 'data_directory'`).Scan(&dir); err != nil {
		t.Fatal(err)
	}
	at := clock("2026-03-02T08:00:00Z")
	punch := punchRecorded(id("work", 1), id("punch", 70_000), at, eventschema.DirectionIn, eventschema.KindNormal)
	punch.Station = control
	h.add(eventschema.PunchesStream(h.tenant, id("work", 1), at), punch)
	apply(t, models, h.log)
	conn, err := pgx.Connect(t.Context(), cluster.URL("canary"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `CHECKPOINT`); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{control: true, canary: false, id("work", 1).String(): false} {
		found, err := exec.Command("grep", "-rlaF", "--", value, dir).Output()
		var none *exec.ExitError
		if err != nil && !errors.As(err, &none) {
			t.Fatal(err)
		}
		if (len(found) > 0) != want {
			t.Errorf("%q found: %v, want %v in %s", value, len(found) > 0, want, found)
		}
	}
}

func TestOneTenantSeesNothingOfAnother(t *testing.T) {
	h, models := mixed(t), open(t)
	apply(t, models, h.log)
	stranger, q := id("tenant", 2), models.Querier()
	days := projections.Days{From: "2000-01-01", To: "2100-01-01"}
	for name, ask := range map[string]func(uuid.UUID) (int, error){
		"punches": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.PunchesOf(t.Context(), q, tenant, id("work", 1), time.Time{}, time.Time{}, 100)
			return len(rows), err
		},
		"corrections": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.CorrectionsOf(t.Context(), q, tenant, id("punch", 1))
			return len(rows), err
		},
		"hours": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.HoursByDay(t.Context(), q, tenant, days)
			return len(rows), err
		},
		"intervals": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.IntervalsOf(t.Context(), q, tenant, days)
			return len(rows), err
		},
		"exceptions": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.ExceptionsOf(t.Context(), q, tenant, days, clock("2026-04-01T00:00:00Z"))
			return len(rows), err
		},
		"people": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.People(t.Context(), q, tenant, uuid.Nil, 100)
			return len(rows), err
		},
		"work records": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.WorkRecords(t.Context(), q, tenant, []uuid.UUID{id("work", 1)})
			return len(rows), err
		},
		"consents": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.ConsentsOf(t.Context(), q, tenant, id("work", 1))
			return len(rows), err
		},
		"erasures": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Erasures(t.Context(), q, tenant, 0, 10)
			return len(rows), err
		},
		"erasures of a person": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.ErasuresOf(t.Context(), q, tenant, id("person", 1))
			return len(rows), err
		},
		"approvals": func(tenant uuid.UUID) (int, error) {
			return projections.ApprovalsBy(t.Context(), q, tenant, id("actor", 2), time.Time{})
		},
		"destructions": func(tenant uuid.UUID) (int, error) {
			return projections.DestroyedFor(t.Context(), q, tenant, id("actor", 2), id("case", 9), time.Time{})
		},
		"holds": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Holds(t.Context(), q, tenant, false, 0, 10)
			return len(rows), err
		},
		"restrictions": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Restrictions(t.Context(), q, tenant, 0, 10)
			return len(rows), err
		},
		"restrictions of a person": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.RestrictionsOf(t.Context(), q, tenant, id("person", 1))
			return len(rows), err
		},
		"disclosures": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.DisclosuresOf(t.Context(), q, tenant, id("person", 1))
			return len(rows), err
		},
		"readings": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.ReadingsOf(t.Context(), q, tenant, []uuid.UUID{id("person", 1)}, 0, 10)
			return len(rows), err
		},
		"pay periods": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.PayPeriods(t.Context(), q, tenant)
			return len(rows), err
		},
		"requested corrections": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.CorrectionRequests(t.Context(), q, tenant, projections.CorrectionsAsked{Limit: 10})
			return len(rows), err
		},
		"time cards": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.TimeCards(t.Context(), q, tenant, uuid.Nil)
			return len(rows), err
		},
		"time cards of a period": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.TimeCards(t.Context(), q, tenant, id("pay period", 1))
			return len(rows), err
		},
		"shifts": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Shifts(t.Context(), q, tenant, projections.ShiftsAsked{})
			return len(rows), err
		},
		"places": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.PlacesOf(t.Context(), q, tenant, []uuid.UUID{id("shift", 1)})
			return len(rows), err
		},
		"classes": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Classes(t.Context(), q, tenant, projections.ClassesAsked{})
			return len(rows), err
		},
		"enrolments": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Enrolments(t.Context(), q, tenant, projections.EnrolmentsAsked{})
			return len(rows), err
		},
		"sessions": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Sessions(t.Context(), q, tenant, projections.SessionsAsked{})
			return len(rows), err
		},
		"marks": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.MarksOf(t.Context(), q, tenant, projections.MarksAsked{})
			return len(rows), err
		},
		"assignments": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.AssignmentsOf(t.Context(), q, tenant, nil, time.Time{}, time.Time{})
			return len(rows), err
		},
		"periods": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.PeriodsOf(t.Context(), q, tenant, eventschema.CategoryLocation, id("work", 1))
			return len(rows), err
		},
		"audit": func(tenant uuid.UUID) (int, error) {
			rows, err := projections.Audit(t.Context(), q, tenant, projections.AuditQuery{Streams: []uuid.UUID{id("person", 1)}, Limit: 10})
			return len(rows), err
		},
	} {
		if n, err := ask(h.tenant); err != nil || n == 0 {
			t.Errorf("%s: %d rows for the tenant, %v", name, n, err)
		}
		if n, err := ask(stranger); err != nil || n != 0 {
			t.Errorf("%s: %d rows for a stranger, %v", name, n, err)
		}
	}
}
