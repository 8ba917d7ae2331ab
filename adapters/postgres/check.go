package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Difference is one row in which the live read models and the log disagree. It
// names the row by its key, which is never a personal value, and shows nothing
// of its content.
type Difference struct {
	Table string
	Key   string // values of the primary key, separated by a blank
	Kind  DifferenceKind
}

// DifferenceKind says how a row differs.
type DifferenceKind string

// The kinds.
const (
	RowMissing   DifferenceKind = "missing"   // the log says it should be there
	RowExtra     DifferenceKind = "extra"     // nothing in the log accounts for it
	RowDifferent DifferenceKind = "different" // same key, other content
)

// maxDifferences ends the search in one table: by then the table is wrong.
const maxDifferences = 1_000

// Check builds the read models once more, in a schema of their own, and reports
// every row in which the live ones differ, at most 1,000 for each table. It
// compares with the live tables as they are at the moment it begins and reads
// the log up to their position, so live pages may be applied meanwhile. Read
// models that need a rebuild are left out. progress, if given, hears how far reading has
// come, after each page.
func (r *ReadModels) Check(ctx context.Context, from Log, progress func(Progress)) ([]Difference, error) {
	var differences []Difference
	err := pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(live pgx.Tx) error {
		upTo := never
		if err := live.QueryRow(ctx, `SELECT COALESCE(max(position), -1) FROM checkpoint`).Scan(&upTo); err != nil {
			return fmt.Errorf("read checkpoints: %w", err)
		}
		return r.beside(ctx, r.cfg.Schema+"_check", func(pool *pgxpool.Pool) error {
			if upTo == never {
				from = func(func(eventschema.Recorded, error) bool) {}
			}
			if _, err := r.fill(ctx, pool, filling{of: r.cfg.Projections, from: from, upTo: upTo, progress: progress}); err != nil {
				return err
			}
			for _, p := range r.active() {
				for _, table := range p.Tables {
					found, err := compare(ctx, live, pool, table)
					if err != nil {
						return fmt.Errorf("compare %s: %w", table, err)
					}
					differences = append(differences, found...)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return differences, nil
}

// compare walks both tables in the order of their keys.
func compare(ctx context.Context, live, shadow projections.Querier, table string) ([]Difference, error) {
	rows, err := digests(ctx, live, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	want, err := digests(ctx, shadow, table)
	if err != nil {
		return nil, err
	}
	defer want.Close()
	var found []Difference
	a, b := nextRow(rows), nextRow(want)
	for (a != nil || b != nil) && len(found) < maxDifferences {
		switch {
		case b == nil || a != nil && a.key < b.key:
			found = append(found, Difference{table, a.key, RowExtra})
			a = nextRow(rows)
		case a == nil || b.key < a.key:
			found = append(found, Difference{table, b.key, RowMissing})
			b = nextRow(want)
		default:
			if a.digest != b.digest {
				found = append(found, Difference{table, a.key, RowDifferent})
			}
			a, b = nextRow(rows), nextRow(want)
		}
	}
	rows.Close()
	want.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return found, want.Err()
}

type rowDigest struct{ key, digest string }

func nextRow(rows pgx.Rows) *rowDigest {
	if !rows.Next() {
		return nil
	}
	var r rowDigest
	if rows.Scan(&r.key, &r.digest) != nil {
		return nil // rows.Err has it
	}
	return &r
}

// digests lists the key and a hash of every row of a table, by key.
func digests(ctx context.Context, q projections.Querier, table string) (pgx.Rows, error) {
	key, err := primaryKey(ctx, q, table)
	if err != nil {
		return nil, err
	}
	return q.Query(ctx, fmt.Sprintf(`SELECT key, digest FROM (SELECT concat_ws(' ', %s) AS key, md5(t::text) AS digest FROM %s t) d
ORDER BY key COLLATE "C"`, strings.Join(key, ", "), quoted(table)))
}

// primaryKey lists the key columns of a table that the connection finds.
func primaryKey(ctx context.Context, q projections.Querier, table string) ([]string, error) {
	rows, err := q.Query(ctx, `
SELECT a.attname FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indisprimary AND i.indrelid = to_regclass($1) ORDER BY k.place`, quoted(table))
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("table %s has no primary key", table)
	}
	for i := range columns {
		columns[i] = quoted(columns[i])
	}
	return columns, nil
}

// Digest hashes every table of the read models in the order of its primary key:
// two builds with the same digests hold the same rows. All tables are read as
// of one moment.
func (r *ReadModels) Digest(ctx context.Context) (map[string]string, error) {
	sums := map[string]string{}
	err := pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, table := range r.tables() {
			key, err := primaryKey(ctx, tx, table)
			if err != nil {
				return fmt.Errorf("digest of %s: %w", table, err)
			}
			hash := sha256.New()
			if _, err := tx.Conn().PgConn().CopyTo(ctx, hash, fmt.Sprintf(`COPY (SELECT * FROM %s ORDER BY %s) TO STDOUT (FORMAT binary)`,
				quoted(table), strings.Join(key, ", "))); err != nil {
				return fmt.Errorf("digest of %s: %w", table, err)
			}
			sums[table] = hex.EncodeToString(hash.Sum(nil))
		}
		return nil
	})
	return sums, err
}

func (r *ReadModels) tables() []string {
	var tables []string
	for _, p := range r.active() {
		tables = append(tables, p.Tables...)
	}
	slices.Sort(tables)
	return tables
}
