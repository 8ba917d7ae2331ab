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

// Which punches came late, which are doubtful, and which contradict what was
// entered by hand?
//
// A row for each punch that a device signed, that a terminal pushed, or that
// somebody entered for somebody else, as it was recorded. What is late or doubtful
// about it follows from the rows when they are asked, and so not from the order in
// which batches came in.
func arrivals() Projection {
	return Projection{
		Name: "arrivals", Question: "Which punches came late, are doubtful, or contradict what was entered by hand?", Version: 1,
		Tables: []string{"arrival"},
		Schema: `
CREATE TABLE arrival (
	tenant_id uuid NOT NULL,
	punch_id uuid NOT NULL,
	work_id uuid NOT NULL,
	source text NOT NULL,
	station text NOT NULL,
	device_id uuid,
	batch_id uuid, -- of the device
	counter bigint,
	direction text NOT NULL,
	kind text NOT NULL,
	occurred_at timestamptz NOT NULL,
	received_at timestamptz NOT NULL,
	position bigint NOT NULL,
	PRIMARY KEY (punch_id, tenant_id)
);
CREATE INDEX arrival_by_position ON arrival (tenant_id, position);
CREATE INDEX arrival_by_device ON arrival (device_id, counter);`,
		byRecordTime: true, Apply: applyArrivals, expire: expireWorks("arrival"),
	}
}

func applyArrivals(ctx context.Context, tx pgx.Tx, page Page) error {
	rows := arrivalsOf(page)
	if len(rows) == 0 {
		return nil
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO arrival SELECT * FROM json_populate_recordset(NULL::arrival, $1::json) ON CONFLICT DO NOTHING`, string(encoded)); err != nil {
		return fmt.Errorf("insert arrivals: %w", err)
	}
	return nil
}

// arrivalsOf has the rows of a page, the first of a punch only.
func arrivalsOf(page Page) []map[string]any {
	var rows []map[string]any
	for i := range page.Events {
		d := &page.Events[i]
		e, punched := d.Event.(*eventschema.PunchRecorded)
		if !punched || e.Source != eventschema.SourceDevice && e.Source != eventschema.SourceTerminal && e.Source != eventschema.SourceManual {
			continue
		}
		row := map[string]any{
			"tenant_id": d.Meta.Tenant, "punch_id": e.PunchID, "work_id": e.WorkID, "source": e.Source, "station": storable(e.Station),
			"device_id": nonNil(e.DeviceID), "counter": e.StationCounter, "direction": storable(string(e.Direction)), "kind": storable(string(e.Kind)),
			"occurred_at": e.OccurredAt, "received_at": e.ReceivedAt, "position": d.Position,
		}
		if e.DeviceID != uuid.Nil {
			row["batch_id"] = d.Meta.CorrelationID
		}
		rows = append(rows, row)
	}
	return rows
}

// Doubt is what is odd about a punch that came in. It counts all the same, until
// somebody corrects it.
type Doubt string

// The doubts.
const (
	DoubtLate          Doubt = "late"
	DoubtFuture        Doubt = "in_the_future"      // claimed later than it came in
	DoubtSkew          Doubt = "clock_skew"         // the device's clock was off when the batch was sent
	DoubtClockWentBack Doubt = "clock_went_back"    // claimed earlier than the punch that the device numbered before it
	DoubtCounterTwice  Doubt = "counter_used_twice" // by the device, for another punch
)

// ArrivalBounds say what is late and what is odd.
type ArrivalBounds struct {
	LateAfter time.Duration
	Clock     time.Duration // tolerance of clocks
	SamePress time.Duration // between a manual entry and the punch it stands for
}

// Arrival is a punch that is late or doubtful.
type Arrival struct {
	PunchID    uuid.UUID
	WorkID     uuid.UUID
	Source     eventschema.Source
	Station    string
	DeviceID   uuid.UUID // nil for a terminal
	BatchID    uuid.UUID // nil for a terminal
	Counter    int64     // 0 where there is none
	Direction  eventschema.Direction
	Kind       eventschema.PunchKind
	OccurredAt time.Time
	ReceivedAt time.Time
	Position   uint64
	Skew       time.Duration // of the device's clock, positive when it was ahead
	Doubts     []Doubt
}

const doubtQuery = `
SELECT punch_id, work_id, source, station, COALESCE(device_id, ` + noID + `), COALESCE(batch_id, ` + noID + `), COALESCE(counter, 0), direction, kind,
	occurred_at, received_at, position, COALESCE(skew, 0)::bigint, doubts
FROM (
	SELECT a.*, b.skew, array_remove(ARRAY[
		CASE WHEN a.received_at - a.occurred_at > $2 THEN 'late' END,
		CASE WHEN a.occurred_at - a.received_at > $3 THEN 'in_the_future' END,
		CASE WHEN abs(b.skew) > extract(epoch FROM $3::interval) * 1000000 THEN 'clock_skew' END,
		CASE WHEN before.occurred_at - a.occurred_at > $3 THEN 'clock_went_back' END,
		CASE WHEN EXISTS (SELECT FROM arrival t WHERE t.tenant_id = a.tenant_id AND t.device_id = a.device_id AND t.counter = a.counter AND t.punch_id <> a.punch_id)
			THEN 'counter_used_twice' END], NULL) AS doubts
	FROM arrival a
	LEFT JOIN LATERAL (SELECT extract(epoch FROM sent_at - received_at) * 1000000 AS skew FROM device_batch
		WHERE tenant_id = a.tenant_id AND batch_id = a.batch_id) b ON true
	LEFT JOIN LATERAL (SELECT occurred_at FROM arrival p WHERE p.tenant_id = a.tenant_id AND p.device_id = a.device_id AND p.counter < a.counter
		ORDER BY p.counter DESC, p.occurred_at DESC LIMIT 1) before ON true
	WHERE a.tenant_id = $1 AND a.source <> 'manual' AND ($4 = 0 OR a.position < $4)) flagged
WHERE cardinality(doubts) > 0
ORDER BY position DESC LIMIT $5`

// DoubtfulArrivals lists the punches of devices and terminals that came late or that
// something is odd about, the one recorded last first. before is the position to
// continue at, or 0 to start.
func DoubtfulArrivals(ctx context.Context, q Querier, tenant uuid.UUID, bounds ArrivalBounds, before uint64, limit int) ([]Arrival, error) {
	rows, err := q.Query(ctx, doubtQuery, tenant, bounds.LateAfter, bounds.Clock, int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("query arrivals: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Arrival, err error) {
		var position, skew int64
		err = row.Scan(&a.PunchID, &a.WorkID, &a.Source, &a.Station, &a.DeviceID, &a.BatchID, &a.Counter, &a.Direction, &a.Kind,
			&a.OccurredAt, &a.ReceivedAt, &position, &skew, &a.Doubts)
		a.Position, a.Skew = uint64(position), time.Duration(skew)*time.Microsecond
		a.OccurredAt, a.ReceivedAt = a.OccurredAt.UTC(), a.ReceivedAt.UTC()
		return a, err
	})
}

// ConflictKind says what stands against a punch.
type ConflictKind string

// The kinds.
const (
	ConflictEntry      ConflictKind = "manual_entry" // somebody entered the same press by hand
	ConflictCorrection ConflictKind = "correction"   // a correction of another punch had made up for it before it came in
)

// Conflict is a punch and what somebody said by hand of the same press. Both are
// kept and, until a correction takes one of them out, both count.
type Conflict struct {
	Kind      ConflictKind
	WorkID    uuid.UUID
	Direction eventschema.Direction

	ByHand     uuid.UUID // the entry, or the punch that was corrected
	ByHandAt   time.Time // what was said
	ByHandFrom uint64    // position of the entry, or of the correction

	PunchID    uuid.UUID
	PunchAt    time.Time // as recorded
	ReceivedAt time.Time
	Source     eventschema.Source
	Station    string
	DeviceID   uuid.UUID

	Open     bool   // nobody has put it right since
	Position uint64 // of the later of the two
}

// A punch stays in its calendar year whatever corrects it, so that a year of the
// index has it; a day more at both ends is for presses at its turn.
const conflictQuery = `
SELECT kind, h.work_id, h.direction, h.punch_id, h.at, h.position, p.punch_id, p.at, p.received_at, p.source, p.station, COALESCE(p.device_id, ` + noID + `), open, latest
FROM (
	SELECT 'manual_entry' AS kind, a.tenant_id, a.work_id, a.direction, a.punch_id, a.occurred_at AS at, a.position
	FROM arrival a WHERE a.tenant_id = $1 AND a.source = 'manual'
	UNION ALL
	SELECT 'correction', c.tenant_id, c.work_id, c.direction, c.punch_id, c.occurred_at, c.position
	FROM punch_correction c WHERE c.tenant_id = $1 AND NOT c.void) h
CROSS JOIN LATERAL (
	SELECT q.punch_id, COALESCE(q.recorded_occurred_at, q.occurred_at) AS at, q.received_at, q.source, q.station, q.device_id, q.position, q.voided
	FROM punch q WHERE q.tenant_id = h.tenant_id AND q.work_id = h.work_id AND q.punch_id <> h.punch_id AND q.source <> 'manual'
	AND q.occurred_at >= date_trunc('year', h.at, 'UTC') - interval '1 day' AND q.occurred_at < date_trunc('year', h.at, 'UTC') + interval '367 days'
	AND COALESCE(q.recorded_direction, q.direction) = h.direction
	AND COALESCE(q.recorded_occurred_at, q.occurred_at) BETWEEN h.at - $2::interval AND h.at + $2::interval
	AND (h.kind = 'manual_entry' OR q.position > h.position)) p
CROSS JOIN LATERAL (SELECT GREATEST(h.position, p.position) AS latest) l
CROSS JOIN LATERAL (
	SELECT NOT p.voided AND NOT EXISTS (SELECT FROM punch m WHERE m.tenant_id = h.tenant_id AND m.punch_id = h.punch_id AND m.voided)
	AND NOT EXISTS (SELECT FROM punch_correction c WHERE c.tenant_id = h.tenant_id AND c.punch_id IN (h.punch_id, p.punch_id) AND c.position > l.latest) AS open) o
WHERE ($3 OR open) AND ($4 = 0 OR latest < $4)
ORDER BY latest DESC FETCH FIRST $5 ROWS WITH TIES`

// Conflicts lists punches that contradict what was entered or corrected by hand, the
// latest first: those that nobody has put right yet, or all. Those that one event
// brought about come together, also beyond the limit.
func Conflicts(ctx context.Context, q Querier, tenant uuid.UUID, bounds ArrivalBounds, all bool, before uint64, limit int) ([]Conflict, error) {
	rows, err := q.Query(ctx, conflictQuery, tenant, bounds.SamePress, all, int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("query conflicts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Conflict, err error) {
		var from, position int64
		err = row.Scan(&c.Kind, &c.WorkID, &c.Direction, &c.ByHand, &c.ByHandAt, &from, &c.PunchID, &c.PunchAt, &c.ReceivedAt, &c.Source, &c.Station, &c.DeviceID,
			&c.Open, &position)
		c.ByHandFrom, c.Position = uint64(from), uint64(position)
		c.ByHandAt, c.PunchAt, c.ReceivedAt = c.ByHandAt.UTC(), c.PunchAt.UTC(), c.ReceivedAt.UTC()
		return c, err
	})
}
