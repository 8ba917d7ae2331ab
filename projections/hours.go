package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// How long did each person work, on which day, resting on which punches, and for which job?
//
// Every interval names the two punches it rests on and the version of the rule
// that paired them. Punches mostly come in order, and then the last counted
// punch of the work id is all that must be known of the past. Where they come
// late, twice or corrected, the stretch around them that can come out
// differently is paired again, and the rest stays as it is.
//
// The punches of visits are no work and are left out: they end nothing and open
// nothing here. A correction may make one of the other.
//
// An in that nothing follows is in last_counted and not yet an exception:
// whether the out is missing depends on the clock.
func workedHours() Projection {
	return Projection{
		Name: "hours", Question: "How long did each person work, on which day, resting on which punches, and for which job?", Version: 8,
		Tables: []string{"work_interval", "punch_exception", "last_counted"},
		Schema: `
CREATE TABLE work_interval (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	start_at timestamptz NOT NULL,
	in_punch uuid NOT NULL,
	out_punch uuid NOT NULL,
	end_at timestamptz NOT NULL,
	work_date date NOT NULL, -- local date of the in at its site
	seconds integer NOT NULL, -- elapsed
	rule_version smallint NOT NULL,
	-- the keys pressed, as they count: a report on everybody looks up no punch
	in_kind text NOT NULL,
	out_kind text NOT NULL,
	job text -- of the in, as it counts
);
CREATE TABLE punch_exception (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	at timestamptz NOT NULL,
	punch_id uuid NOT NULL,
	code text NOT NULL,
	work_date date NOT NULL,
	rule_version smallint NOT NULL
);
-- room on every page, since each punch rewrites a row
CREATE TABLE last_counted (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	punch_id uuid NOT NULL,
	occurred_at timestamptz NOT NULL,
	offset_seconds integer NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL,
	-- of the punch, so that who is in is read from here alone
	zone text NOT NULL,
	station text NOT NULL,
	job text,
	latest_at timestamptz NOT NULL, -- of the last punch, counted or a repeat
	PRIMARY KEY (tenant_id, work_id)
) WITH (fillfactor = 50);`,
		Keys: `
ALTER TABLE work_interval ADD PRIMARY KEY (work_id, tenant_id, start_at, in_punch);
ALTER TABLE punch_exception ADD PRIMARY KEY (work_id, tenant_id, at, punch_id);`,
		Indexes: `
CREATE INDEX work_interval_by_date ON work_interval (tenant_id, work_date);
CREATE INDEX punch_exception_by_date ON punch_exception (tenant_id, work_date);`,
		Apply: applyHours, newLoader: newHoursLoader, expire: expireWorks("work_interval", "punch_exception", "last_counted"),
	}
}

func applyHours(ctx context.Context, tx pgx.Tx, page Page) error {
	rule := hours.DefaultPairing()
	added, disturbed, err := changes(ctx, tx, page)
	if err != nil || len(added)+len(disturbed) == 0 {
		return err
	}
	known, err := readLast(ctx, tx, added)
	if err != nil {
		return fmt.Errorf("read last punches: %w", err)
	}
	rows := newPairingRows()
	for key, punches := range added {
		if _, too := disturbed[key]; too || !inOrder(known[key], punches...) {
			for _, p := range punches {
				disturbed.add(key, at(p.OccurredAt))
			}
			continue
		}
		rows.follow(key, rule, known[key], punches)
	}
	if err := rows.pairAgain(ctx, tx, rule, spansOf(disturbed)); err != nil {
		return err
	}
	return rows.write(ctx, tx)
}

// changes collects the punches that a page adds, and the instants at which
// corrected punches counted before and count now.
func changes(ctx context.Context, tx pgx.Tx, page Page) (map[workKey][]hours.Punch, disturbances, error) {
	added, disturbed := map[workKey][]hours.Punch{}, disturbances{}
	var tenants, corrected uuids
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.PunchRecorded:
			if page.repeated[d.Position] || e.Kind == eventschema.KindVisit {
				continue
			}
			key := workKey{d.Meta.Tenant, e.WorkID}
			added[key] = append(added[key], hoursPunch(e))
		case *eventschema.PunchCorrected:
			tenants.add(d.Meta.Tenant)
			corrected.add(e.PunchID)
		}
	}
	if len(corrected) > 0 {
		if err := addFormerInstants(ctx, tx, disturbed, `SELECT * FROM unnest($1::uuid[], $2::uuid[])`, tenants, corrected); err != nil {
			return nil, nil, fmt.Errorf("find corrected punches: %w", err)
		}
	}
	return added, disturbed, nil
}

func hoursPunch(e *eventschema.PunchRecorded) hours.Punch {
	return hours.Punch{
		ID: e.PunchID, OccurredAt: stored(e.OccurredAt), OffsetSeconds: e.OffsetSeconds,
		Direction: e.Direction, Kind: e.Kind, Job: storable(e.Job),
	}
}

// inOrder says whether all punches come after everything known of their work id.
func inOrder(row *lastPunch, punches ...hours.Punch) bool {
	for i := range punches {
		if row != nil && !punches[i].OccurredAt.After(row.latest) {
			return false
		}
	}
	return true
}

// forgetPairing deletes what was concluded inside the windows.
func forgetPairing(ctx context.Context, tx pgx.Tx, spans []*touched) error {
	var tenants, works uuids
	froms, tos := make([]pgtype.Timestamptz, 0, len(spans)), make([]pgtype.Timestamptz, 0, len(spans))
	for _, s := range spans {
		tenants.add(s.tenant)
		works.add(s.work)
		froms = append(froms, bound(s.window.From, pgtype.NegativeInfinity))
		tos = append(tos, bound(s.window.To, pgtype.Infinity))
	}
	const forget = `DELETE FROM %[1]s w USING unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS s (tenant_id, work_id, lo, hi)
WHERE w.tenant_id = s.tenant_id AND w.work_id = s.work_id AND w.%[2]s >= s.lo AND w.%[2]s < s.hi`
	var batch pgx.Batch
	batch.Queue(fmt.Sprintf(forget, "work_interval", "start_at"), tenants, works, froms, tos)
	batch.Queue(fmt.Sprintf(forget, "punch_exception", "at"), tenants, works, froms, tos)
	return tx.SendBatch(ctx, &batch).Close()
}

// pairingRows collects rows of the three tables.
type pairingRows struct {
	intervals, exceptions *copied
	last                  map[workKey]*lastPunch // nil: no punch is left
}

func newPairingRows() *pairingRows {
	return &pairingRows{
		intervals: copyInto("work_interval", 0,
			"tenant_id", "work_id", "start_at", "in_punch", "out_punch", "end_at", "work_date", "seconds", "rule_version", "in_kind", "out_kind", "job"),
		exceptions: copyInto("punch_exception", 0, "tenant_id", "work_id", "at", "punch_id", "code", "work_date", "rule_version"),
		last:       map[workKey]*lastPunch{},
	}
}

// follow pairs punches that come after everything known of a work id.
func (r *pairingRows) follow(key workKey, rule hours.PairingRule, row *lastPunch, punches []hours.Punch) {
	var concluded uuid.UUID
	if row != nil {
		if row.counted.Direction == eventschema.DirectionOut {
			concluded = row.counted.ID
		}
		punches = append([]hours.Punch{row.counted}, punches...)
	}
	last, _, _ := rule.LastCounted(punches, true)
	r.add(key, rule, punches, last.ID, concluded)
	r.last[key] = &lastPunch{counted: last, latest: punches[len(punches)-1].OccurredAt}
}

// pairAgain replaces what was concluded around changes of whole work ids.
func (r *pairingRows) pairAgain(ctx context.Context, tx pgx.Tx, rule hours.PairingRule, changed []*touched) error {
	if len(changed) == 0 {
		return nil
	}
	spans, err := windows(ctx, tx, rule, changed)
	if err != nil {
		return err
	}
	if err := forgetPairing(ctx, tx, spans); err != nil {
		return fmt.Errorf("clear changed hours: %w", err)
	}
	for _, s := range spans {
		r.again(s, rule)
	}
	return nil
}

// again pairs a window anew.
func (r *pairingRows) again(s *touched, rule hours.PairingRule) {
	if !s.window.To.IsZero() {
		r.add(s.workKey, rule, s.window.Punches, uuid.Nil, uuid.Nil)
		return
	}
	var last uuid.UUID
	if s.last != nil {
		last = s.last.counted.ID
	}
	r.add(s.workKey, rule, s.window.Punches, last, uuid.Nil)
	r.last[s.workKey] = s.last
}

// add makes rows of what the rule concludes, without the missing out of the
// last counted punch, which may still come, and without what is said of an out
// that was concluded before.
func (r *pairingRows) add(key workKey, rule hours.PairingRule, punches []hours.Punch, last, concluded uuid.UUID) {
	paired := rule.Pair(punches)
	for _, w := range paired.Intervals {
		r.intervals.row()
		r.intervals.uuid(key.tenant)
		r.intervals.uuid(key.work)
		r.intervals.timestamptz(w.Start)
		r.intervals.uuid(w.In)
		r.intervals.uuid(w.Out)
		r.intervals.timestamptz(w.End)
		r.intervals.date(w.WorkDate)
		r.intervals.integer(int32(w.Seconds()))
		r.intervals.smallint(int16(rule.Version))
		r.intervals.text(string(w.InKind))
		r.intervals.text(string(w.OutKind))
		r.intervals.code(w.Job)
	}
	for _, e := range paired.Exceptions {
		if e.Punch == last && e.Code == hours.MissingOut || concluded != uuid.Nil && e.Punch == concluded {
			continue
		}
		r.exceptions.row()
		r.exceptions.uuid(key.tenant)
		r.exceptions.uuid(key.work)
		r.exceptions.timestamptz(e.At)
		r.exceptions.uuid(e.Punch)
		r.exceptions.text(string(e.Code))
		r.exceptions.date(e.WorkDate)
		r.exceptions.smallint(int16(rule.Version))
	}
}

// write writes the rows and forgets them.
func (r *pairingRows) write(ctx context.Context, tx pgx.Tx) error {
	if err := r.writePaired(ctx, tx); err != nil {
		return err
	}
	if err := writeLast(ctx, tx, r.last); err != nil {
		return fmt.Errorf("write last punches: %w", err)
	}
	clear(r.last)
	return nil
}

// writePaired writes the rows and leaves the last punches.
func (r *pairingRows) writePaired(ctx context.Context, tx pgx.Tx) error {
	if err := r.intervals.write(ctx, tx); err != nil {
		return fmt.Errorf("insert work intervals: %w", err)
	}
	if err := r.exceptions.write(ctx, tx); err != nil {
		return fmt.Errorf("insert punch exceptions: %w", err)
	}
	return nil
}

// writeMany writes the paired rows once there are many.
func (r *pairingRows) writeMany(ctx context.Context, tx pgx.Tx) error {
	if err := r.intervals.writeMany(ctx, tx); err != nil {
		return fmt.Errorf("insert work intervals: %w", err)
	}
	if err := r.exceptions.writeMany(ctx, tx); err != nil {
		return fmt.Errorf("insert punch exceptions: %w", err)
	}
	return nil
}
