package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/postgres"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

const (
	largeStaff    = 10_000
	queriesZone   = "America/New_York"
	queriesOffset = -5 * time.Hour // as in January
)

// asking is what questions are put to: a year of everybody, and a connection beside it
// for what no way of asking undercuts.
type asking struct {
	app    *app.App
	conn   *pgx.Conn
	schema string
	works  []uuid.UUID
	period payrules.PayPeriod
	loc    *time.Location
	now    time.Time // in the morning of the last day
}

// question is one that is asked, and its limit: the same rows or an answer without
// any, from the same server.
type question struct {
	name, limit string
	ask, bare   func(ctx context.Context, turn int) error
	most        goal      // of the one over the other, asked right after it
	asked, held []float64 // ms
}

// queries measures questions to read models that hold a year of everybody.
func (b *bench) queries(ctx context.Context) error {
	staff := b.Staff
	if b.Large {
		staff = largeStaff
	}
	return b.inFolder(ctx, 1, func(a *app.App, _ importCommand) error {
		s, err := b.yearOf(ctx, a, staff)
		if err != nil {
			return err
		}
		defer func() { _ = s.conn.Close(context.WithoutCancel(ctx)) }()
		all := s.questions()
		for run := range b.Runs {
			b.tell("queries, run %d of %d", run+1, b.Runs)
			for i := range all {
				if err := b.askInTurn(ctx, &all[i]); err != nil {
					return fmt.Errorf("%s: %w", all[i].name, err)
				}
			}
		}
		var errs []error
		for _, q := range all {
			errs = append(errs, b.reportQuestion(q))
		}
		return errors.Join(errs...)
	})
}

// yearOf registers people, and fills the read models with a year of their punches.
func (b *bench) yearOf(ctx context.Context, a *app.App, staff int) (*asking, error) {
	if err := a.RegisterMany(ctx, staff); err != nil {
		return nil, err
	}
	if err := a.CatchUp(ctx, nil); err != nil {
		return nil, err
	}
	people, err := a.Today().FindPerson(ctx, operator(a), "")
	if err != nil {
		return nil, err
	}
	s := &asking{app: a, schema: pgx.Identifier{a.ReadModelsSchema()}.Sanitize(), works: make([]uuid.UUID, len(people))}
	for i, p := range people {
		if s.works[i], err = app.WorkIDOf(p); err != nil {
			return nil, err
		}
	}
	year := workPattern{first: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC), days: 361, zoneOffset: queriesOffset}
	s.now = year.first.AddDate(0, 0, year.days-1).Add(11*time.Hour - queriesOffset)
	s.period = payrules.PayPeriod{First: time.Date(2025, 6, 2, 0, 0, 0, 0, time.UTC), Last: time.Date(2025, 6, 15, 0, 0, 0, 0, time.UTC)}
	if s.loc, err = time.LoadLocation(queriesZone); err != nil {
		return nil, err
	}
	b.tell("filling the read models with a year of %d people", staff)
	began, filled := b.t.clock(), uint64(0)
	if err := a.Fill(ctx, s.recorded(year), func(p postgres.Progress) { filled = p.Events }); err != nil {
		return nil, err
	}
	took := b.t.clock().Sub(began)
	if err := errors.Join(
		b.report("events in the read models that are asked", float64(filled), "events", goal{}),
		b.report("filling them, the way a rebuild does", float64(filled)/took.Seconds(), "events/s", goal{}),
	); err != nil {
		return nil, err
	}
	s.conn, err = pgx.Connect(ctx, a.ReadModelsURL())
	if err == nil {
		_, err = s.conn.Exec(ctx, "VACUUM ANALYZE") // as a server does by itself in time
	}
	if err == nil {
		_, err = s.conn.Exec(ctx, "SET search_path = "+s.schema)
	}
	return s, err
}

// recorded are the punches of the year up to now.
func (s *asking) recorded(year workPattern) iter.Seq[*eventschema.PunchRecorded] {
	return func(yield func(*eventschema.PunchRecorded) bool) {
		for p := range year.all(len(s.works)) {
			if p.at.After(s.now) {
				return
			}
			_, offset := p.at.In(s.loc).Zone()
			if !yield(&eventschema.PunchRecorded{
				PunchID: p.id(), WorkID: s.works[p.person], OccurredAt: p.at, Zone: queriesZone, OffsetSeconds: offset,
				Direction: presses[p.of].direction, Kind: presses[p.of].kind, Station: "gate-1", StationClock: p.at.In(s.loc).Format(time.DateTime),
				ReceivedAt: p.at, Location: eventschema.LocationNotOffered, Source: eventschema.SourceImport,
			}) {
				return
			}
		}
	}
}

func (s *asking) questions() []question {
	// What the report reads around a period to know whole workweeks.
	around := fmt.Sprintf("tenant_id = '%s' AND work_date BETWEEN '%s' AND '%s'", s.app.Tenant(),
		s.period.First.AddDate(0, 0, -8).Format(time.DateOnly), s.period.Last.AddDate(0, 0, 8).Format(time.DateOnly))
	within := fmt.Sprintf("tenant_id = '%s' AND work_date BETWEEN '%s' AND '%s'", s.app.Tenant(), s.period.First.Format(time.DateOnly), s.period.Last.Format(time.DateOnly))
	first, last := s.period.First.Format(time.DateOnly), s.period.Last.Format(time.DateOnly)
	by := operator(s.app)
	trip := func(ctx context.Context, _ int) error {
		var one int
		return s.conn.QueryRow(ctx, "SELECT 1").Scan(&one)
	}
	return []question{
		{name: "pay report of a biweekly period, everybody", limit: "its rows of four weeks, copied out",
			ask: func(ctx context.Context, turn int) error {
				rules, _ := payrules.BuiltIn([]string{"flsa", "california"}[turn%2])
				owed, err := s.app.Today().OwedHours(ctx, by, app.HoursOrder{Plan: payrules.PlanOf(rules, queriesZone, nil), Period: s.period})
				return found(len(owed), len(s.works), err)
			}, bare: s.rows("work_interval", around), most: atMost(10)},
		{name: "time card of one person, two weeks", limit: "SELECT 1, there and back",
			ask: func(ctx context.Context, turn int) error {
				card, err := s.app.Today().HoursOfWork(ctx, s.works[turn*7919%len(s.works)], first, last)
				return found(len(card.Days), 10, err)
			}, bare: trip, most: atMost(20)},
		{name: "who is in, with names", limit: "its rows, copied out",
			ask: func(ctx context.Context, _ int) error {
				present, err := s.app.Today().Presence(ctx, by, s.now)
				return found(len(present), len(s.works)*9/10, err)
			}, bare: s.rows("last_counted", fmt.Sprintf("tenant_id = '%s'", s.app.Tenant())), most: atMost(10)},
		{name: "exceptions of a biweekly period, everybody", limit: "its rows, copied out",
			ask: func(ctx context.Context, _ int) error {
				exceptions, err := projections.ExceptionsOf(ctx, s.conn, s.app.Tenant(), projections.Days{From: first, To: last}, s.now)
				return found(len(exceptions), 1, err)
			}, bare: s.rows("punch_exception", within), most: atMost(5)},
	}
}

// rows copies rows of a table out and throws them away.
func (s *asking) rows(table, where string) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		copied, err := s.conn.PgConn().CopyTo(ctx, io.Discard, "COPY (SELECT * FROM "+s.schema+"."+table+" WHERE "+where+") TO STDOUT (FORMAT binary)")
		return found(int(copied.RowsAffected()), 1, err)
	}
}

// errFound says that an answer is not the one that was to be measured.
var errFound = errors.New("too little was found")

func found(rows, atLeast int, err error) error {
	if err == nil && rows < atLeast {
		return fmt.Errorf("%w: %d, not %d", errFound, rows, atLeast)
	}
	return err
}

// askInTurn asks a question and its limit in turn for a span, the first time of each
// for nothing: plans and pages are then known.
func (b *bench) askInTurn(ctx context.Context, q *question) error {
	ends := b.t.clock().Add(b.Span)
	for turn := 0; turn < 3 || b.t.clock().Before(ends); turn++ {
		var took [2]float64
		for i, do := range []func(context.Context, int) error{q.ask, q.bare} {
			began := b.t.clock()
			if err := do(ctx, turn); err != nil {
				return err
			}
			took[i] = b.t.clock().Sub(began).Seconds() * 1000
		}
		if turn > 0 {
			q.asked, q.held = append(q.asked, took[0]), append(q.held, took[1])
		}
	}
	return nil
}

func (b *bench) reportQuestion(q question) error {
	times := make([]float64, len(q.asked))
	for i := range times {
		times[i] = q.asked[i] / q.held[i]
	}
	return errors.Join(
		b.report(q.name+", p50", median(q.asked), "ms", goal{}),
		b.report(q.name+", p95", quantile(q.asked, 0.95), "ms", goal{}),
		b.report("  "+q.limit+", p50", median(q.held), "ms", goal{}),
		b.report("  "+q.limit+", p95", quantile(q.held, 0.95), "ms", goal{}),
		b.report("  the one : the other", median(times), "ratio", q.most),
	)
}
