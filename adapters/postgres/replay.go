package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tracekeep/projections"
)

// ErrNoReplay says that there is no replay of that id.
var ErrNoReplay = errors.New("no such replay")

// Replay is one set of read models made for a moment, in a schema of its own.
// It stays until it is dropped.
type Replay struct {
	ID       string // of the moment: the same moment has the same id
	Moment   projections.Moment
	Events   uint64 // that belong to it
	Position uint64 // up to which the log was looked at
	MadeAt   time.Time
	Bytes    int64 // on disk
}

// World is an open replay. Its owner closes it.
type World struct {
	Replay
	Fresh  bool // made by this call, not found
	schema string
	pool   *pgxpool.Pool
}

// Querier serves the query functions of package projections. The feed of the
// audit is not part of a replay; it is asked by record time itself.
func (w *World) Querier() projections.Querier { return w.pool }

// Schema is where the tables stand.
func (w *World) Schema() string { return w.schema }

// Close ends the connections. The replay stays.
func (w *World) Close() { w.pool.Close() }

// Replay opens the read models of a moment, and makes them first where they are
// missing, of another version, or where the log has come to hold more that
// belongs to them. after gives the log behind a position, from its beginning
// with 0. What has been appended since a replay was made is looked through, not
// replayed, while all of it was recorded after the moment.
func (r *ReadModels) Replay(ctx context.Context, moment projections.Moment, after func(position uint64) Log, progress func(Progress)) (*World, error) {
	moment = projections.Moment{AsOf: moment.AsOf.UTC(), KnownAt: moment.KnownAt.UTC()}
	schema := r.schemaAt(moment)
	current, err := r.replayIsCurrent(ctx, schema, moment, after)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	if !current {
		if err := r.makeReplay(ctx, schema, moment, after(0), progress); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	made, err := r.replayIn(ctx, schema)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	pool, err := r.connect(ctx, schema)
	if err != nil {
		return nil, err
	}
	return &World{Replay: made, Fresh: !current, schema: schema, pool: pool}, nil
}

func (r *ReadModels) replayPrefix() string { return r.cfg.Schema + "_at_" }

func (r *ReadModels) schemaAt(m projections.Moment) string {
	sum := sha256.Sum256([]byte(bound(m.AsOf) + " " + bound(m.KnownAt)))
	return r.replayPrefix() + hex.EncodeToString(sum[:6])
}

// replayIsCurrent says whether a replay is there and still tells everything that
// belongs to its moment.
func (r *ReadModels) replayIsCurrent(ctx context.Context, schema string, moment projections.Moment, after func(uint64) Log) (bool, error) {
	made, err := r.replayIn(ctx, schema)
	if errors.Is(err, ErrNoReplay) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same, err := r.sameVersions(ctx, schema)
	if err != nil || !same {
		return false, err
	}
	last := made.Position
	for event, err := range after(made.Position) {
		if err != nil {
			return false, fmt.Errorf("read the log: %w", err)
		}
		if moment.Known(&event) && projections.Tells(&event) {
			return false, nil
		}
		last = event.Position
	}
	if last == made.Position {
		return true, nil
	}
	_, err = r.pool.Exec(ctx, `UPDATE `+pgx.Identifier{schema, "replay"}.Sanitize()+` SET position = $1`, int64(last))
	return true, err
}

func (r *ReadModels) sameVersions(ctx context.Context, schema string) (bool, error) {
	rows, err := r.pool.Query(ctx, `SELECT projection, version FROM `+pgx.Identifier{schema, "checkpoint"}.Sanitize())
	if err != nil {
		return false, err
	}
	stored := map[string]int{}
	var name string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error { stored[name] = version; return nil }); err != nil {
		return false, err
	}
	of := projections.OfMoment(r.cfg.Projections)
	for _, p := range of {
		if stored[p.Name] != p.Version {
			return false, nil
		}
	}
	return len(stored) == len(of), nil
}

// makeReplay fills the tables under another name and gives them their own in the
// end, so that a replay is whole or not there.
func (r *ReadModels) makeReplay(ctx context.Context, schema string, moment projections.Moment, log Log, progress func(Progress)) error {
	making := r.cfg.Schema + "_replaying"
	return r.beside(ctx, making, func(pool *pgxpool.Pool) error {
		done, err := r.fill(ctx, pool, filling{
			of: projections.OfMoment(r.cfg.Projections), from: log, upTo: math.MaxInt64, moment: moment, progress: progress,
		})
		if err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, `
CREATE TABLE replay AS SELECT $1::text AS as_of, $2::text AS known_at, $3::bigint AS events, $4::bigint AS position, now() AS made_at`,
			bound(moment.AsOf), bound(moment.KnownAt), int64(done.events), int64(done.position)); err != nil {
			return fmt.Errorf("describe the replay: %w", err)
		}
		return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
			return script(ctx, tx, `DROP SCHEMA IF EXISTS `+quoted(schema)+` CASCADE; ALTER SCHEMA `+quoted(making)+` RENAME TO `+quoted(schema)+`;`)
		})
	})
}

// bound writes an instant to its last digit; without one there is no bound.
func bound(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339Nano)
}

func boundOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// replayIn describes the replay in a schema, or answers [ErrNoReplay].
func (r *ReadModels) replayIn(ctx context.Context, schema string) (Replay, error) {
	made := Replay{ID: strings.TrimPrefix(schema, r.replayPrefix())}
	var there bool
	if err := r.pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, pgx.Identifier{schema, "replay"}.Sanitize()).Scan(&there); err != nil {
		return made, err
	}
	if !there {
		return made, ErrNoReplay
	}
	var asOf, knownAt string
	var events, position int64
	err := r.pool.QueryRow(ctx, `
SELECT as_of, known_at, events, position, made_at,
	(SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r')
FROM `+pgx.Identifier{schema, "replay"}.Sanitize(), quoted(schema)).Scan(&asOf, &knownAt, &events, &position, &made.MadeAt, &made.Bytes)
	if err != nil {
		return made, err
	}
	made.Events, made.Position, made.MadeAt = uint64(events), uint64(position), made.MadeAt.UTC()
	var bad [2]error
	made.Moment.AsOf, bad[0] = boundOf(asOf)
	made.Moment.KnownAt, bad[1] = boundOf(knownAt)
	return made, errors.Join(bad[:]...)
}

// Replays lists the replays there are, by id.
func (r *ReadModels) Replays(ctx context.Context) ([]Replay, error) {
	rows, err := r.pool.Query(ctx, `SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY nspname`, r.replayPrefix())
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	replays := make([]Replay, 0, len(schemas))
	for _, schema := range schemas {
		made, err := r.replayIn(ctx, schema)
		if errors.Is(err, ErrNoReplay) {
			continue // dropped meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list replays: %w", err)
		}
		replays = append(replays, made)
	}
	return replays, nil
}

// DropReplay drops a replay by its id, or answers [ErrNoReplay].
func (r *ReadModels) DropReplay(ctx context.Context, id string) error {
	schema := r.replayPrefix() + id
	if _, err := r.replayIn(ctx, schema); err != nil {
		return fmt.Errorf("drop replay %s: %w", id, err)
	}
	if _, err := r.pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+quoted(schema)+` CASCADE`); err != nil {
		return fmt.Errorf("drop replay %s: %w", id, err)
	}
	return nil
}
