package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who was shown values of a person, which, for which use?
//
// One row for everybody of whom a reading showed the same, so that a list of a
// thousand people costs one row and not a thousand.
func readings() Projection {
	return Projection{
		Name: "readings", Question: "Who was shown values of a person, which, for which use?", Version: 1,
		Tables: []string{"reading"},
		Schema: `
CREATE TABLE reading (
	tenant_id uuid NOT NULL,
	position bigint NOT NULL,
	part integer NOT NULL, -- from 0: the place in the event
	read_id uuid NOT NULL,
	read_at timestamptz NOT NULL,
	read_by uuid NOT NULL,
	role text NOT NULL,
	operation text NOT NULL,
	use text NOT NULL,
	shown json NOT NULL, -- which values, and what they are held for
	subjects uuid[] NOT NULL,
	PRIMARY KEY (tenant_id, position, part)
);`,
		Indexes: `
CREATE INDEX reading_of ON reading USING gin (subjects);`,
		Apply: applyReadings, byRecordTime: true,
	}
}

func applyReadings(ctx context.Context, tx pgx.Tx, page Page) error {
	var rows []map[string]any
	for i := range page.Events {
		d := &page.Events[i]
		e, ok := d.Event.(*eventschema.ValuesRead)
		if !ok {
			continue
		}
		for part, shown := range e.Shown {
			rows = append(rows, map[string]any{
				"tenant_id": d.Meta.Tenant, "position": d.Position, "part": part, "read_id": e.ReadID, "read_at": e.ReadAt, "read_by": e.ReadBy,
				"role": storable(d.Meta.Actor.Role), "operation": storable(e.Operation), "use": storable(string(e.Use)), "shown": shown.Values,
				"subjects": array(shown.Subjects),
			})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("insert readings: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO reading SELECT * FROM json_populate_recordset(NULL::reading, $1::json)`, string(encoded)); err != nil {
		return fmt.Errorf("insert readings: %w", err)
	}
	return nil
}

// array writes ids as Postgres reads them in a JSON member of a record.
func array(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// ReadingOf is one reading, as far as it is about somebody.
type ReadingOf struct {
	Position  uint64
	ReadID    uuid.UUID
	ReadAt    time.Time
	ReadBy    eventschema.Actor
	Operation string
	Use       eventschema.Use
	Shown     []eventschema.ShownValue
	Together  int // how many people it was about
}

// ReadingsOf lists who was shown values of one of the subjects, newest first, from
// before the position given; 0 starts. The subjects are the ids of one person: their
// own and the one of their work record.
func ReadingsOf(ctx context.Context, q Querier, tenant uuid.UUID, subjects []uuid.UUID, before uint64, limit int) ([]ReadingOf, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	// Found by the people first: going back through all readings by their position
	// until there are enough looks cheaper to the planner than it is.
	rows, err := q.Query(ctx, `
WITH found AS MATERIALIZED (SELECT * FROM reading WHERE subjects && $2 AND tenant_id = $1)
SELECT position, read_id, read_at, read_by, role, operation, use, shown, cardinality(subjects)
FROM found WHERE position < $4 ORDER BY position DESC, part LIMIT $3`, tenant, uuidsOf(subjects), limit, int64(before)) //nolint:gosec // a position fits
	if err != nil {
		return nil, fmt.Errorf("query readings: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r ReadingOf, err error) {
		var position int64
		err = row.Scan(&position, &r.ReadID, &r.ReadAt, &r.ReadBy.ID, &r.ReadBy.Role, &r.Operation, &r.Use, &r.Shown, &r.Together)
		r.Position, r.ReadAt = uint64(position), r.ReadAt.UTC()
		return r, err
	})
}
