package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// hoursLoader pairs punches while they are loaded. It knows the last counted
// punch of every work id, and what comes in order after it is paired at once.
// Of what comes late it notes the time; of what is corrected, or recorded twice,
// the punches tell in the end. Only the stretches around those times are then
// paired again, as a live page would have done.
type hoursLoader struct {
	rule      hours.PairingRule
	keys      string
	rows      *pairingRows // its last punches are kept from page to page
	load      *Load
	disturbed disturbances
}

func newHoursLoader(load *Load, p Projection) Loader {
	rows := newPairingRows()
	rows.intervals.intoNew()
	rows.exceptions.intoNew()
	return &hoursLoader{rule: hours.DefaultPairing(), keys: p.Keys, rows: rows, load: load, disturbed: disturbances{}}
}

// Add implements [Loader].
func (l *hoursLoader) Add(ctx context.Context, tx pgx.Tx, page Page) error {
	added := map[workKey][]hours.Punch{}
	for i := range page.Events {
		d := &page.Events[i]
		e, ok := d.Event.(*eventschema.PunchRecorded)
		if !ok || e.Kind == eventschema.KindVisit {
			continue
		}
		key, p := workKey{d.Meta.Tenant, e.WorkID}, hoursPunch(e)
		if l.load.later(p.OccurredAt) {
			continue // unless it is corrected, of which the punches tell
		}
		before := added[key]
		if n := len(before); !inOrder(l.rows.last[key], p) || n > 0 && !p.OccurredAt.After(before[n-1].OccurredAt) {
			l.disturbed.add(key, at(p.OccurredAt))
			continue
		}
		added[key] = append(before, p)
	}
	for key, punches := range added {
		l.rows.follow(key, l.rule, l.rows.last[key], punches)
	}
	return l.rows.writeMany(ctx, tx)
}

// settleSpans is how many stretches are paired again together.
const settleSpans = 256

// Settle implements [Loader].
func (l *hoursLoader) Settle(ctx context.Context, tx pgx.Tx) error {
	if err := l.rows.writePaired(ctx, tx); err != nil {
		return err
	}
	if err := script(ctx, tx, l.keys); err != nil {
		return err
	}
	if err := l.load.await(ctx, "punches"); err != nil {
		return err
	}
	for key, stretches := range l.load.dropped {
		for _, s := range stretches {
			l.disturbed.add(key, s)
		}
	}
	if err := addFormerInstants(ctx, tx, l.disturbed, `SELECT tenant_id, punch_id FROM punch_correction`); err != nil {
		return fmt.Errorf("find corrected punches: %w", err)
	}
	// Nothing is known yet of how the new rows lie, and every one is found by key.
	if err := script(ctx, tx, findByKey); err != nil {
		return err
	}
	for spans := spansOf(l.disturbed); len(spans) > 0; {
		n := min(settleSpans, len(spans))
		for n < len(spans) && spans[n].workKey == spans[n-1].workKey {
			n++ // whose windows may meet
		}
		if err := l.rows.pairAgain(ctx, tx, l.rule, spans[:n]); err != nil {
			return err
		}
		if err := l.rows.writePaired(ctx, tx); err != nil {
			return err
		}
		spans = spans[n:]
	}
	if err := copyLast(ctx, tx, l.rows.last); err != nil {
		return fmt.Errorf("copy last punches: %w", err)
	}
	return script(ctx, tx, findAsPlanned)
}

// Settings of a transaction.
const (
	findByKey     = `SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;`
	findAsPlanned = `SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT;`
)

// lookedUp is how many punches are looked up together.
const lookedUp = 10_000

// copyLast fills the empty table.
func copyLast(ctx context.Context, tx pgx.Tx, last map[workKey]*lastPunch) error {
	rows := copyInto("last_counted", 0,
		"tenant_id", "work_id", "punch_id", "occurred_at", "offset_seconds", "direction", "kind", "zone", "station", "job", "latest_at").intoNew()
	keys := make([]workKey, 0, len(last))
	for key, row := range last {
		if row != nil { // a punch is left
			keys = append(keys, key)
		}
	}
	for some := range slices.Chunk(keys, lookedUp) {
		places, err := placesOfLast(ctx, tx, last, some)
		if err != nil {
			return err
		}
		for _, key := range some {
			row := last[key]
			place, there := places[row.counted.ID]
			if !there {
				continue
			}
			rows.row()
			rows.uuid(key.tenant)
			rows.uuid(key.work)
			rows.uuid(row.counted.ID)
			rows.timestamptz(row.counted.OccurredAt)
			rows.integer(int32(row.counted.OffsetSeconds))
			rows.text(string(row.counted.Direction))
			rows.text(string(row.counted.Kind))
			rows.text(place.Zone)
			rows.text(place.Station)
			rows.code(row.counted.Job)
			rows.timestamptz(row.latest)
			if err := rows.writeMany(ctx, tx); err != nil {
				return err
			}
		}
	}
	return rows.write(ctx, tx)
}

// placesOfLast reads where the last punches of some work ids were made, by punch, which
// nothing else of a load asks for: it is not remembered from page to page. What came of
// age is not there any more: the punches forget it before the hours do.
func placesOfLast(ctx context.Context, tx pgx.Tx, last map[workKey]*lastPunch, of []workKey) (map[uuid.UUID]PunchPlace, error) {
	tenants, punches := make(uuids, len(of)), make(uuids, len(of))
	for i, key := range of {
		tenants[i], punches[i] = key.tenant, last[key].counted.ID
	}
	rows, err := tx.Query(ctx, `
SELECT p.punch_id, p.zone, p.station FROM unnest($1::uuid[], $2::uuid[]) AS n (tenant_id, punch_id)
JOIN punch p ON p.punch_id = n.punch_id AND p.tenant_id = n.tenant_id`, tenants, punches)
	if err != nil {
		return nil, err
	}
	places := make(map[uuid.UUID]PunchPlace, len(of))
	var punch uuid.UUID
	var place PunchPlace
	_, err = pgx.ForEachRow(rows, []any{&punch, &place.Zone, &place.Station}, func() error { places[punch] = place; return nil })
	return places, err
}
