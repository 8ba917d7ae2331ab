package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// noID stands in a query for an id that is not there.
const noID = `'00000000-0000-0000-0000-000000000000'`

// nonNil is an id, or nothing where there is none.
func nonNil(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}

// nonZero is an instant, or nothing where there is none.
func nonZero(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}

// list is never null, so that an empty list replaces a longer one.
func list[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

// said collects what a page says of rows, by column: the latest word of each
// counts, and what nothing is said about stays as it stands. The rows are few and
// have many columns, so they travel as one JSON array.
type said struct {
	rows  map[workKey]map[string]any
	order []workKey
}

func newSaid() *said { return &said{rows: map[workKey]map[string]any{}} }

func (s *said) add(d *eventschema.Decoded, column string, id uuid.UUID, columns map[string]any) {
	key := workKey{d.Meta.Tenant, id}
	row := s.rows[key]
	if row == nil {
		row = map[string]any{"tenant_id": key.tenant, column: id}
		s.rows[key], s.order = row, append(s.order, key)
	}
	row["position"] = d.Position
	for name, value := range columns {
		if count, counts := value.(int); counts && name == counted {
			before, _ := row[name].(int)
			row[name] = before + count
		} else if value != nil {
			row[name] = value
		}
	}
}

// counted names the one column that adds up instead of being replaced.
const counted = "notified"

// upsert writes the rows over what stands in a table whose key is tenant and id.
func (s *said) upsert(ctx context.Context, tx pgx.Tx, table, id string, columns []string, counters ...string) error {
	if len(s.order) == 0 {
		return nil
	}
	rows := make([]map[string]any, len(s.order))
	for i, key := range s.order {
		rows[i] = s.rows[key]
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	names, updates := "tenant_id, "+id+", position", "position = EXCLUDED.position"
	for _, c := range columns {
		names += ", " + c
		updates += fmt.Sprintf(", %[1]s = COALESCE(EXCLUDED.%[1]s, t.%[1]s)", c)
	}
	for _, c := range counters {
		names += ", " + c
		updates += fmt.Sprintf(", %[1]s = NULLIF(COALESCE(EXCLUDED.%[1]s, 0) + COALESCE(t.%[1]s, 0), 0)", c)
	}
	_, err = tx.Exec(ctx, fmt.Sprintf(`INSERT INTO %[1]s AS t (%[2]s) SELECT %[2]s FROM json_populate_recordset(NULL::%[1]s, $1::json)
ON CONFLICT (tenant_id, %[3]s) DO UPDATE SET %[4]s`, table, names, id, updates), string(encoded))
	return err
}
