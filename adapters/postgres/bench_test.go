package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
)

// workdays is a log as an office makes it: everybody is registered, then
// punches in, out, in and out, in the order of time.
func workdays(tb testing.TB, people, events int) *history {
	h := newHistory(tb)
	day := clock("2024-01-01T00:00:00Z")
	for n := range people {
		person, work := id("person", n), id("work", n)
		h.add(eventschema.PersonStream(h.tenant, person), &eventschema.PersonRegistered{PersonID: person, RegisteredAt: day, Source: eventschema.SourceImport,
			WorkID: eventschema.Clear(work.String()), LegalName: eventschema.Clear(canary), Email: eventschema.Clear(canary)})
		h.add(eventschema.WorkStream(h.tenant, work), &eventschema.WorkOpened{WorkID: work, OpenedAt: day, PayrollName: eventschema.Clear(canary)})
	}
	for i := 0; len(h.log) < events; i++ {
		n, press := i%people, i/people
		at := day.Add(time.Duration(press/4)*24*time.Hour + []time.Duration{0, 4, 5, 9}[press%4]*time.Hour + time.Duration(n)*time.Second)
		direction := eventschema.DirectionIn
		if press%2 == 1 {
			direction = eventschema.DirectionOut
		}
		h.punch(id("work", n), id("punch", i), at, direction, eventschema.KindNormal)
	}
	return h
}

// BenchmarkRebuild makes all read models from empty and, in the same run,
// copies as many bare rows of the widest of them.
func BenchmarkRebuild(b *testing.B) {
	h := workdays(b, 2_000, 200_000)
	models := open(b)
	rate := func(d time.Duration) float64 { return float64(len(h.log)) / d.Seconds() }
	var rebuilt, copied, decoded, ours, server time.Duration
	for b.Loop() {
		oursBefore, serverBefore := cpu(b, models)
		got, err := models.Rebuild(b.Context(), h.all(), nil)
		if err != nil {
			b.Fatal(err)
		}
		rebuilt += got.Duration
		oursAfter, serverAfter := cpu(b, models)
		ours, server = ours+oursAfter-oursBefore, server+serverAfter-serverBefore
		begun := time.Now()
		for _, e := range h.log {
			if _, err := h.registry.Decode(e); err != nil {
				b.Fatal(err)
			}
		}
		decoded += time.Since(begun)
		begun = time.Now()
		rawCopy(b, h)
		copied += time.Since(begun)
	}
	n := time.Duration(b.N)
	b.ReportMetric(rate(rebuilt/n), "events/s")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N*len(h.log)), "µs-cpu/event")
	b.ReportMetric(float64(server.Microseconds())/float64(b.N*len(h.log)), "µs-cpu-server/event")
	b.ReportMetric(rate(decoded/n), "decode-one-core/s")
	b.ReportMetric(rate(copied/n), "rawcopy-rows/s")
	b.ReportMetric(100*copied.Seconds()/rebuilt.Seconds(), "%-of-rawcopy")
}

// rawCopy writes one row with a primary key for each event and nothing else.
func rawCopy(b *testing.B, h *history) {
	conn, err := pgx.Connect(b.Context(), pgtest.Database(b))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()
	if _, err := conn.Exec(b.Context(), `CREATE TABLE raw (tenant_id uuid, position bigint, revision bigint, at timestamptz, stream_id uuid,
event_id uuid, actor_id uuid, correlation_id uuid, category text, period text, event_type text, role text, PRIMARY KEY (tenant_id, position))`); err != nil {
		b.Fatal(err)
	}
	some := [16]byte(uuid.NameSpaceDNS)
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"raw"}, []string{"tenant_id", "position", "revision", "at", "stream_id", "event_id",
		"actor_id", "correlation_id", "category", "period", "event_type", "role"}, pgx.CopyFromSlice(len(h.log), func(i int) ([]any, error) {
		e := &h.log[i]
		return []any{some, int64(e.Position), int64(e.Revision), e.Created, some, [16]byte(e.ID), some, some, "punches", "2026", e.Type, "import"}, nil
	})); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkApply applies live pages to read models that hold a year already.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 100, 1_000, 5_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			h := workdays(b, 2_000, 50_000+size*min(200, max(20, 100_000/size)))
			models := openAt(b, postgres.Config{URL: pgtest.Database(b)})
			if _, err := models.Rebuild(b.Context(), logOf(h.log[:50_000]), nil); err != nil {
				b.Fatal(err)
			}
			rest, applied := h.log[50_000:], 0
			ours, server := cpu(b, models)
			b.ResetTimer()
			for range b.N {
				if len(rest) < size {
					b.StopTimer()
					if _, err := models.Rebuild(b.Context(), logOf(h.log[:50_000]), nil); err != nil {
						b.Fatal(err)
					}
					if _, _, err := models.Resume(b.Context()); err != nil {
						b.Fatal(err)
					}
					rest = h.log[50_000:]
					b.StartTimer()
				}
				apply(b, models, rest[:size])
				rest, applied = rest[size:], applied+size
			}
			b.ReportMetric(float64(applied)/b.Elapsed().Seconds(), "events/s")
			oursAfter, serverAfter := cpu(b, models)
			b.ReportMetric(float64((oursAfter-ours).Microseconds())/float64(applied), "µs-cpu/event")
			b.ReportMetric(float64((serverAfter-server).Microseconds())/float64(applied), "µs-cpu-server/event")
		})
	}
}
