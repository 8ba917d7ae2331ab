package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// explaining notes the plan of every query before it runs it.
type explaining struct {
	projections.Querier
	t     *testing.T
	plans []string
}

func (e *explaining) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := e.Querier.Query(ctx, "EXPLAIN "+sql, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		e.t.Fatal(err)
	}
	e.plans = append(e.plans, strings.Join(lines, "\n"))
	return e.Querier.Query(ctx, sql, args...)
}

// A question about one person, punch or day reads what it asks for and not the
// table. Keys and indexes begin with what tells rows apart, so each must be
// looked at.
func TestEveryQuestionFindsItsRowsThroughAnIndex(t *testing.T) {
	h, models := workdays(t, 100, 12_000), open(t)
	for n := range 1_000 { // so that this table is worth an index too
		h.correct(id("work", n%100), id("punch", n), eventschema.PunchCorrected{OccurredAt: clock("2024-01-01T00:00:30Z"), Direction: in, Kind: normal})
	}
	readALot(h)
	declareALot(h)
	if _, err := models.Rebuild(t.Context(), h.all(), nil); err != nil {
		t.Fatal(err)
	}
	work, day := id("work", 7), clock("2024-01-10T00:00:00Z")
	for question, c := range map[string]struct {
		ask  func(q projections.Querier) (int, error)
		want string // the index
	}{
		"a punch by its id": {func(q projections.Querier) (int, error) {
			_, err := projections.PunchByID(t.Context(), q, h.tenant, id("punch", 7))
			return 1, err
		}, "punch_pkey"},
		"the punches of a day": {func(q projections.Querier) (int, error) {
			found, err := projections.PunchesOf(t.Context(), q, h.tenant, work, day, day.Add(24*time.Hour), 100)
			return len(found), err
		}, "punch_by_work"},
		"the corrections of a punch": {func(q projections.Querier) (int, error) {
			found, err := projections.CorrectionsOf(t.Context(), q, h.tenant, id("punch", 7))
			return len(found), err
		}, "punch_correction_pkey"},
		"the hours of everybody on a day": {func(q projections.Querier) (int, error) {
			found, err := projections.HoursByDay(t.Context(), q, h.tenant, projections.Days{From: "2024-01-10", To: "2024-01-10"})
			return len(found), err
		}, "work_interval_by_date"},
		"the declared hours of everybody on a day": {func(q projections.Querier) (int, error) {
			found, err := projections.DeclaredHours(t.Context(), q, h.tenant, projections.Days{From: "2024-01-10", To: "2024-01-10"})
			return len(found), err
		}, "declared_hours_by_date"},
		"the declared hours of one person": {func(q projections.Querier) (int, error) {
			found, err := projections.DeclaredHours(t.Context(), q, h.tenant, projections.Days{Works: []uuid.UUID{work}, From: "2024-01-01", To: "2024-12-31"})
			return len(found), err
		}, "declared_hours_by_work"},
		"the hours of one person": {func(q projections.Querier) (int, error) {
			found, err := projections.IntervalsOf(t.Context(), q, h.tenant, projections.Days{Works: []uuid.UUID{work}, From: "2024-01-01", To: "2024-12-31"})
			return len(found), err
		}, "work_interval_pkey"},
		"two weeks of one person, by the key alone": {func(q projections.Querier) (int, error) {
			found, err := projections.IntervalsOf(t.Context(), q, h.tenant, projections.Days{Works: []uuid.UUID{work}, From: "2024-01-08", To: "2024-01-21"})
			return len(found), err
		}, "::uuid) AND (start_at >= "},
		"the hours of everybody and the keys that were pressed": {func(q projections.Querier) (found int, err error) {
			err = projections.EachPaired(t.Context(), q, h.tenant, projections.Days{From: "2024-01-10", To: "2024-01-10"}, func(_ uuid.UUID, intervals []projections.PairedInterval) error {
				found += len(intervals)
				return nil
			})
			return found, err
		}, "work_interval_by_date"},
		"what happened to one person": {func(q projections.Querier) (int, error) {
			found, err := projections.Audit(t.Context(), q, h.tenant, projections.AuditQuery{Streams: []uuid.UUID{work}, Limit: 50})
			return len(found), err
		}, "audit_feed_by_stream"},
		"who read about one person": {func(q projections.Querier) (int, error) {
			found, err := projections.ReadingsOf(t.Context(), q, h.tenant, []uuid.UUID{id("person", 7), work}, 0, 50)
			return len(found), err
		}, "reading_of"},
		"what happened last": {func(q projections.Querier) (int, error) {
			found, err := projections.Audit(t.Context(), q, h.tenant, projections.AuditQuery{Limit: 50})
			return len(found), err
		}, "audit_feed_pkey"},
	} {
		t.Run(question, func(t *testing.T) {
			q := &explaining{Querier: models.Querier(), t: t}
			found, err := c.ask(q)
			if err != nil || found == 0 {
				t.Fatalf("%d rows: %v", found, err)
			}
			for _, plan := range q.plans {
				if !strings.Contains(plan, c.want) || strings.Contains(plan, "Seq Scan") {
					t.Errorf("want %s in\n%s", c.want, plan)
				}
			}
		})
	}
}

// declareALot has 36 days of hours for each of a hundred people.
func declareALot(h *history) {
	for n := range 3_600 {
		day, work := clock("2024-01-01T00:00:00Z").AddDate(0, 0, n/100), id("work", n%100)
		h.add(eventschema.PunchesStream(h.tenant, work, day), &eventschema.HoursDeclared{
			DeclarationID: id("declared", n), WorkID: work, WorkDate: day.Format(time.DateOnly), Zone: "UTC", DayEnds: day.AddDate(0, 0, 1), Seconds: 3600,
			Origin: "harvest", ReceivedAt: day.AddDate(0, 0, 2), Source: eventschema.SourceImport,
		})
	}
}

// readALot has two thousand readings, of four people each among a hundred.
func readALot(h *history) {
	at := clock("2024-02-01T00:00:00Z")
	for n := range 2_000 {
		var subjects []uuid.UUID
		for i := range 4 {
			subjects = append(subjects, id("person", (n+25*i)%100))
		}
		h.add(eventschema.ReadingStream(h.tenant, id("reader", n%5), at), &eventschema.ValuesRead{
			ReadID: id("read", n), ReadBy: id("reader", n%5), Operation: "list-people", Use: eventschema.UseService, ReadAt: at,
			Shown: []eventschema.Shown{{Values: nameAndEmail, Subjects: subjects}},
		})
	}
}
