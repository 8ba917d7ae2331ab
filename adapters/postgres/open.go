package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"go.uber.org/zap"

	"tracekeep/projections"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ReadModels are the read models of one database. Its methods may be called
// concurrently; Apply is meant for one caller at a time, and several processes
// that apply the same log do no harm.
type ReadModels struct {
	cfg  Config
	pool *pgxpool.Pool

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when checkpoints have moved
	reached int64         // the lowest checkpoint the caller of Apply knows of
	stale   []string      // projections whose stored version is not the code's
}

// Open connects, brings the schema up to this release and creates the tables of
// projections that are new. A projection whose stored version differs from the
// code's is left alone until it is rebuilt; see [ReadModels.NeedsRebuild]. The
// caller closes what it opened.
func Open(ctx context.Context, cfg Config) (*ReadModels, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	r := &ReadModels{cfg: cfg, changed: make(chan struct{}), reached: never}
	pool, err := r.connect(ctx, cfg.Schema)
	if err != nil {
		return nil, err
	}
	r.pool = pool
	if err := r.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the connections. No method may be called after it.
func (r *ReadModels) Close() { r.pool.Close() }

// Querier serves the query functions of package projections.
func (r *ReadModels) Querier() projections.Querier { return r.pool }

// Schema is where the live tables stand.
func (r *ReadModels) Schema() string { return r.cfg.Schema }

// NeedsRebuild names the projections whose tables were made by another version
// of their code. They are not applied until [ReadModels.Rebuild] has run.
func (r *ReadModels) NeedsRebuild() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.stale)
}

// minConns is what a rebuild or a check needs at the same time.
const minConns = 5

// connect makes a pool whose connections find the tables of one schema. The
// session settings that change how a value is written as text are fixed, so
// that two builds can be compared.
func (r *ReadModels) connect(ctx context.Context, schema string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(r.cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("connect to the read models: the url is malformed")
	}
	if r.cfg.MaxConns > 0 {
		cfg.MaxConns = r.cfg.MaxConns
	}
	cfg.MaxConns = max(cfg.MaxConns, minConns)
	for name, value := range map[string]string{
		"search_path": schema, "timezone": "UTC", "datestyle": "ISO", "bytea_output": "hex", "application_name": "tracekeep-" + schema,
	} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the read models: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the read models: %w", err)
	}
	return pool, nil
}

// prepare creates what is missing. Two processes that open the same database
// wait for each other.
func (r *ReadModels) prepare(ctx context.Context) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the read models: %w", err)
	}
	defer conn.Release()
	unlock, err := lock(ctx, conn.Conn(), r.cfg.Schema+" open")
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.migrate(ctx, conn.Conn(), r.cfg.Schema, r.pool); err != nil {
		return err
	}
	return r.createMissing(ctx, conn.Conn())
}

// lock takes a lock of the session that outlives transactions. It waits.
func lock(ctx context.Context, conn *pgx.Conn, what string) (unlock func(), err error) {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, "tracekeep "+what); err != nil {
		return nil, fmt.Errorf("lock the read models: %w", err)
	}
	return func() {
		// A lock that cannot be given back goes with its connection.
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, "tracekeep "+what); err != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}, nil
}

// migrate creates a schema if needed and brings its own tables up to date. pool
// must find its tables there.
func (r *ReadModels) migrate(ctx context.Context, conn *pgx.Conn, schema string, pool *pgxpool.Pool) error {
	if _, err := conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+quoted(schema)); err != nil {
		return fmt.Errorf("create schema %s: %w", schema, err)
	}
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	db := stdlib.OpenDB(*pool.Config().ConnConfig)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithTableName("migration"))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", schema, err)
	}
	return nil
}

func (r *ReadModels) createMissing(ctx context.Context, conn *pgx.Conn) error {
	versions := map[string]int{}
	rows, err := conn.Query(ctx, `SELECT projection, version FROM checkpoint`)
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	var name string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error { versions[name] = version; return nil }); err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	for _, p := range r.cfg.Projections {
		switch stored, known := versions[p.Name]; {
		case !known:
			if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return create(ctx, tx, p, true) }); err != nil {
				return err
			}
		case stored != p.Version:
			r.stale = append(r.stale, p.Name)
			r.cfg.Log.Warn("read model needs a rebuild", zap.String("projection", p.Name), zap.Int("stored", stored), zap.Int("code", p.Version))
		}
	}
	return nil
}

// create makes the tables of a projection, and its checkpoint at nothing.
func create(ctx context.Context, tx pgx.Tx, p projections.Projection, indexes bool) error {
	statements := p.Schema
	if indexes {
		statements += p.Keys + p.Indexes
	}
	if err := script(ctx, tx, statements); err != nil {
		return fmt.Errorf("create tables of %s: %w", p.Name, err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO checkpoint (projection, version, position) VALUES ($1, $2, $3)`, p.Name, p.Version, never); err != nil {
		return fmt.Errorf("create checkpoint of %s: %w", p.Name, err)
	}
	return nil
}

// script runs statements that take no arguments, in one round trip.
func script(ctx context.Context, tx pgx.Tx, statements string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, statements).ReadAll()
	return err
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
